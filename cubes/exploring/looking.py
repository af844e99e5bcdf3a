"""The view of a cube as it stands in the page's address, checked against the cube."""

from typing import Any

from django.http import QueryDict
from django.utils.http import urlencode

from cubes import queries
from cubes.models import Cube, Snapshot
from cubes.rules.exploring import Looking, condition_text, parse_slice
from cubes.rules.slices import ColumnRef, Condition, Slice

NO_COLUMNS = "-"
# A default column across has at most this many members: more do not fit beside each other.
FEW_MEMBERS = 3


def looking_at(query: QueryDict, cube: Cube, snapshot: Snapshot, user: Any) -> tuple[Looking, int]:
    """The view that `query` asks for, with defaults for what it does not name; and how many filters were unreadable."""
    slice_, unread = parse_slice(query.getlist("f"))
    refs = {str(column.ref): column.ref for column in queries.columns_of(cube)}
    rows = refs.get(query.get("rows", "")) or _keys(cube)[0]
    columns = refs.get(query.get("columns", ""))
    if "columns" not in query:
        columns = _few(cube, snapshot, user, rows)
    drivers = [driver.name for driver in queries.drivers_of(cube)]
    driver = query.get("driver", "")
    looking = Looking(rows, columns, driver if driver in drivers else drivers[0], slice_, query.get("sort", "total"))
    return looking, unread


def _keys(cube: Cube) -> list[ColumnRef]:
    return [column.ref for column in queries.columns_of(cube) if column.is_key]


def _few(cube: Cube, snapshot: Snapshot, user: Any, rows: ColumnRef) -> ColumnRef | None:
    """The first key column with two or three members: a comparison that fits on the page."""
    for ref in _keys(cube):
        if ref != rows:
            found = queries.column_values(snapshot=snapshot, user=user, column=ref, slice_=Slice(), limit=1)
            if 1 < found.distinct <= FEW_MEMBERS:
                return ref
    return None


def parameters(looking: Looking) -> list[tuple[str, str]]:
    """`looking` as the parameters of an address."""
    pairs = [("rows", str(looking.rows)), ("columns", str(looking.columns) if looking.columns else NO_COLUMNS)]
    pairs += [("driver", looking.driver), ("sort", looking.sort)]
    return pairs + [("f", condition_text(condition)) for condition in looking.slice_.conditions]


def address_of(
    page: str,
    looking: Looking,
    *,
    added: Condition | None = None,
    slice_: Slice | None = None,
    sort: str | None = None,
) -> str:
    """The address of `looking`, with a condition added, another slice, or another order."""
    conditions = (looking.slice_ if slice_ is None else slice_).conditions
    if added is not None:
        conditions = (*conditions, added)
    changed = Looking(looking.rows, looking.columns, looking.driver, Slice(conditions), sort or looking.sort)
    return f"{page}?{urlencode(parameters(changed))}"
