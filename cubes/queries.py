"""What can be asked about cubes and their facts. Whoever asks sees what the rights and the visibility allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from sqlglot import exp

from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, has_right

from .engine import members_name, open_engine
from .models import Cube, Snapshot
from .rules import filters
from .rules.pivot import Pivot, pivot
from .rules.security import NOTHING
from .rules.shape import CubeShape, DataType
from .rules.slices import ColumnRef, Condition, Operator, Slice
from .security_queries import not_loadable, partly_visible, visibility

__all__ = [
    "ColumnInfo",
    "ColumnValues",
    "DriverInfo",
    "VisibleFacts",
    "column_values",
    "columns_of",
    "count_rows",
    "cube_for",
    "cubes_for",
    "drivers_of",
    "explore",
    "latest_snapshot",
    "not_loadable",
    "partly_visible",
    "slice_problems",
    "values_seen",
    "visibility",
    "visible_facts",
]


@dataclass(frozen=True)
class ColumnInfo:
    """A column of a cube; the key column holds the member's key."""

    ref: ColumnRef
    data_type: DataType
    is_key: bool


@dataclass(frozen=True)
class DriverInfo:
    name: str
    precision: int


@dataclass(frozen=True)
class ColumnValues:
    """Values of a column in a slice: how many differ, how many rows are blank, and the first ones with their rows."""

    distinct: int
    blank_rows: int
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class VisibleFacts:
    """Rows and exact sums by driver, of what a reader sees of a snapshot; `whole` = nothing is hidden from them."""

    whole: bool
    rows: int
    totals: tuple[tuple[str, Decimal], ...]


def cubes_for(user: Any) -> QuerySet[Cube]:
    """The cubes that `user` may see; drafts for those who maintain cubes only."""
    if not has_right(user, Right.READ_CUBES):
        return Cube.objects.none()
    cubes = Cube.objects.all()
    return cubes if has_right(user, Right.MAINTAIN_CUBES) else cubes.filter(status=Cube.Status.PUBLISHED)


def cube_for(user: Any, slug: str) -> Cube:
    """The cube at `slug`. Cube.DoesNotExist when absent or not for `user`."""
    return cubes_for(user).get(slug=slug)


def latest_snapshot(cube: Cube) -> Snapshot | None:
    """The snapshot with the highest number; None before the first load."""
    return cube.snapshots.order_by("-number").first()


def columns_of(cube: Cube) -> tuple[ColumnInfo, ...]:
    """All columns of all dimensions, in the order of the definition."""
    return tuple(
        ColumnInfo(
            ColumnRef(dimension.name, column.name),
            column.data_type,
            column.logical_name == dimension.primary,
        )
        for dimension in cube.shape().dimensions
        for column in dimension.columns
    )


def drivers_of(cube: Cube) -> tuple[DriverInfo, ...]:
    """The drivers with the decimals they keep, in the order of the definition; calculated ones come last."""
    shape = cube.shape()
    return tuple(DriverInfo(driver.name, driver.precision) for driver in shape.every_driver)


def slice_problems(*, cube: Cube, slice_: Slice) -> list[Problem]:
    """What in `slice_` does not fit `cube`; `field` is `filters.<index of the condition>`."""
    return filters.slice_problems(cube.shape(), slice_)


def count_rows(*, snapshot: Snapshot, user: Any, slice_: Slice) -> int:
    """How many facts are in `slice_`. SliceRefused when the slice does not fit."""
    with open_engine(snapshot, visibility(user=user, cube=snapshot.cube)) as engine:
        facts = engine.relation(slice_, {}, {}).subquery("facts_in_slice")
        count: int = engine.rows(exp.select(exp.Count(this=exp.Star())).from_(facts))[0][0]
        return count


def visible_facts(*, snapshot: Snapshot, user: Any) -> VisibleFacts:
    """What `user` sees of `snapshot`; who sees all of it gets what was counted at the load."""
    seen = visibility(user=user, cube=snapshot.cube)
    if seen.everything:
        totals = tuple((total.driver.name, total.amount) for total in snapshot.totals.select_related("driver"))
        return VisibleFacts(True, snapshot.rows, totals)
    names = [driver.name for driver in drivers_of(snapshot.cube)]
    with open_engine(snapshot, seen) as engine:
        facts = engine.relation(Slice(), {}, {f"d{place}": name for place, name in enumerate(names)})
        sums = [exp.func("sum", exp.column(f"d{place}")) for place in range(len(names))]
        [(rows, *found)] = engine.rows(exp.select(exp.Count(this=exp.Star()), *sums).from_(facts.subquery("f")))
    amounts = (Decimal(0) if amount is None else amount for amount in found)
    return VisibleFacts(False, rows, tuple(zip(names, amounts, strict=True)))


_LIKENESS = {Operator.CONTAINS, Operator.BEGINS}


def values_seen(*, snapshot: Snapshot, user: Any, condition: Condition) -> tuple[str, ...]:
    """The values of `condition` that `user` may be shown: all, where dimension security does not limit them in the
    dimension, else those that some visible member has. A hidden value and one that never was look alike."""
    seen = visibility(user=user, cube=snapshot.cube)
    shape = snapshot.cube.shape()
    limited = {dimension.name for dimension in shape.dimensions if dimension.logical_name in seen.only}
    if seen.everything or (seen.readable and condition.column.dimension not in limited):
        return condition.values
    operator = condition.operator if condition.operator in _LIKENESS else Operator.IN
    asked = [Condition(condition.column, operator, (value,)) for value in condition.values if value]
    fit = [one for one in asked if not filters.slice_problems(shape, Slice((one,)))]
    if not fit:
        return tuple(value for value in condition.values if not value)
    with open_engine(snapshot, seen) as engine:
        found = {one.values[0] for one, is_there in zip(fit, engine.holding(fit), strict=True) if is_there}
    return tuple(value for value in condition.values if not value or value in found)


def column_values(
    *, snapshot: Snapshot, user: Any, column: ColumnRef, slice_: Slice, search: str = "", limit: int = 50
) -> ColumnValues:
    """The values of `column` in `slice_`, in order, as the text that a condition takes.

    `search` finds values that contain it, without regard to case. LookupError for an unknown column, SliceRefused for
    an unfit slice.
    """
    with open_engine(snapshot, visibility(user=user, cube=snapshot.cube)) as engine:
        facts = engine.relation(slice_, {"value": column}, {}).subquery("facts_in_slice")
        text = exp.cast(exp.column("value"), exp.DataType.Type.TEXT)
        value = exp.func("nullif", text, exp.Literal.string(""))
        groups = (
            exp.select(exp.alias_(value, "value"), exp.alias_(exp.Count(this=exp.Star()), "n"))
            .from_(facts)
            .group_by("1")
        )
        rows = engine.rows(groups.order_by("1"))
    blank_rows = sum(count for value_, count in rows if value_ is None)
    found = [(value_, count) for value_, count in rows if value_ is not None and search.casefold() in value_.casefold()]
    return ColumnValues(len(found), blank_rows, tuple(found[:limit]))


def members_holding(*, snapshot: Snapshot, columns: Sequence[ColumnRef], text: str) -> dict[ColumnRef, int]:
    """How many different values of each column hold `text`, over all members, used by a fact or not.

    Only counts are told, so that it may be asked for nobody in particular. LookupError for an unknown column.
    """
    shape = snapshot.cube.shape()
    counts = [_holding(shape, column, text) for column in columns]
    if not counts:
        return {}
    with open_engine(snapshot, NOTHING) as engine:
        [row] = engine.rows(exp.select(*(count.subquery() for count in counts)))
    return dict(zip(columns, map(int, row), strict=True))


def _holding(shape: CubeShape, ref: ColumnRef, text: str) -> exp.Select:
    place = shape.find(ref)
    if place is None:
        raise LookupError(f"{ref} is not a column of {shape.name}.")
    dimension, column = place
    value = exp.cast(exp.column(column.logical_name, quoted=True), exp.DataType.Type.TEXT)
    count = exp.Count(this=exp.Distinct(expressions=[value]))
    members = exp.Table(this=exp.to_identifier(members_name(dimension), quoted=True))
    return exp.select(count).from_(members).where(exp.func("contains", value.copy(), exp.Literal.string(text)))


def explore(
    *,
    snapshot: Snapshot,
    user: Any,
    rows: ColumnRef,
    columns: ColumnRef | None,
    driver: str,
    slice_: Slice,
    limit: int = 500,
) -> Pivot:
    """Exact sums of `driver` in `slice_` by the members of `rows`, and of `columns` if given; largest first.

    LookupError for an unknown column or driver, SliceRefused for an unfit slice.
    """
    with open_engine(snapshot, visibility(user=user, cube=snapshot.cube)) as engine:
        refs = {"down": rows, "across": columns} if columns else {"down": rows}
        facts = engine.relation(slice_, refs, {"amount": driver}).subquery("facts_in_slice")
        across = _member("across") if columns else exp.Literal.string("")
        sums = exp.func("sum", exp.column("amount")), exp.Count(this=exp.Star())
        groups = exp.select(_member("down"), across, *sums).from_(facts).group_by("1", "2")
        return pivot(engine.rows(groups), across=columns is not None, limit=limit)


def _member(alias: str) -> exp.Expression:
    """A value of any type as the text of its member; missing and empty are one."""
    text = exp.cast(exp.column(alias), exp.DataType.Type.TEXT)
    return exp.Coalesce(this=text, expressions=[exp.Literal.string("")])
