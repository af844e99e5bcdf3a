"""Where the values that cubes would send hold the delimiter of Finance, for the readiness check."""

from connections.rules.readiness import Holding
from cubes import queries as cube_queries
from cubes.models import Cube
from cubes.rules.slices import ColumnRef
from exports.models import Mapping
from exports.rules.configuration import AMOUNT, AMOUNT_TYPE, CURRENCY, DATE

NO_DIMENSION = (AMOUNT, AMOUNT_TYPE, CURRENCY, DATE)


def holding(mark: str) -> tuple[Holding, ...]:
    """Columns of published cubes with members that hold `mark`, and how many; one question for each cube."""
    found: list[Holding] = []
    for cube in Cube.objects.filter(status=Cube.Status.PUBLISHED):
        snapshot = cube_queries.latest_snapshot(cube)
        if snapshot is None:
            continue
        counts = cube_queries.members_holding(snapshot=snapshot, columns=_columns(cube), text=mark)
        found += [Holding(cube.name, str(column), count) for column, count in counts.items() if count]
    return tuple(found)


def _columns(cube: Cube) -> tuple[ColumnRef, ...]:
    """The columns that saved configurations map to dimensions; without any the keys of all dimensions."""
    mapped = Mapping.objects.filter(export__cube=cube).exclude(target__in=NO_DIMENSION).exclude(column="")
    names = set(mapped.values_list("column", flat=True))
    known = cube_queries.columns_of(cube)
    return tuple(one.ref for one in known if str(one.ref) in names) or tuple(one.ref for one in known if one.is_key)
