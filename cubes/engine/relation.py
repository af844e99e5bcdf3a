"""The one SELECT that all readers of facts build on: facts joined to members, filtered, renamed."""

from collections.abc import Mapping

from sqlglot import exp

from cubes.rules.security import Visibility
from cubes.rules.shape import CalculatedShape, ColumnShape, CubeShape, DimensionShape, DriverShape
from cubes.rules.slices import ColumnRef, Slice

from .conditions import predicate
from .formulas import compile_formula

FACTS = "facts"


def visible_name(logical_name: str) -> str:
    """The engine's name of the keys that the reader sees of a dimension."""
    return f"visible-{logical_name}"


def members_name(dimension: DimensionShape) -> str:
    """The engine's name of the members of `dimension`; also of their file."""
    return f"members-{dimension.logical_name}"


class RelationBuilder:
    """Collects the joins that the columns of one relation need."""

    def __init__(self, shape: CubeShape) -> None:
        self.shape = shape
        self.joined: dict[str, DimensionShape] = {}

    def column(self, ref: ColumnRef) -> tuple[exp.Expression, ColumnShape]:
        """The expression of a column; the key itself needs no join. LookupError for an unknown one."""
        place = self.shape.find(ref)
        if place is None:
            raise LookupError(f"{ref} is not a column of {self.shape.name}.")
        dimension, column = place
        if column.logical_name == dimension.primary:
            return exp.column(f"d_{dimension.logical_name}", FACTS, quoted=True), column
        self.joined[dimension.logical_name] = dimension
        return exp.column(column.logical_name, members_name(dimension), quoted=True), column

    def driver(self, name: str) -> exp.Expr:
        """The expression of a driver. LookupError for an unknown one."""
        driver = self.shape.driver(name)
        if driver is None:
            raise LookupError(f"{name} is not a driver of {self.shape.name}.")
        if isinstance(driver, CalculatedShape):
            return compile_formula(driver, {one.name: one for one in self.shape.drivers}, _stored)
        return _stored(driver)

    def source(self, select: exp.Select) -> exp.Select:
        """`select` from the facts and the members that were asked for."""
        select = select.from_(exp.to_table(FACTS, quoted=True))
        for dimension in self.joined.values():
            name = members_name(dimension)
            on = exp.EQ(
                this=exp.column(f"d_{dimension.logical_name}", FACTS, quoted=True),
                expression=exp.column(dimension.primary, name, quoted=True),
            )
            table = exp.Table(this=exp.to_identifier(name, quoted=True))
            select = select.join(table, on=on, join_type="left")
        return select


def _stored(driver: DriverShape) -> exp.Expr:
    return exp.column(f"m_{driver.logical_name}", FACTS, quoted=True)


def build_relation(
    shape: CubeShape,
    visible: Visibility,
    slice_: Slice,
    columns: Mapping[str, ColumnRef],
    drivers: Mapping[str, str],
    row_no: bool,
) -> exp.Select:
    """One row for each fact that is visible and in the slice; aliases as given."""
    builder = RelationBuilder(shape)
    projections = [exp.alias_(builder.column(ref)[0], alias, quoted=True) for alias, ref in columns.items()]
    projections += [exp.alias_(builder.driver(name), alias, quoted=True) for alias, name in drivers.items()]
    if row_no or not projections:
        projections.append(exp.column("row_no", FACTS, quoted=True))
    conditions = [predicate(item, *builder.column(item.column)) for item in slice_.conditions]
    conditions += visible_conditions(visible)
    select = builder.source(exp.select(*projections))
    return select.where(*conditions) if conditions else select


def visible_conditions(visible: Visibility) -> list[exp.Expression]:
    """What a fact must fulfil to be seen; a missing member is in no list of keys."""
    if not visible.readable:
        return [exp.false()]
    return [is_visible(exp.column(f"d_{name}", FACTS, quoted=True), name) for name in visible.only]


def is_visible(key: exp.Expression, logical_name: str) -> exp.Expression:
    """Whether `key` is among those that the reader sees of a dimension: a semi-join, however many they are."""
    keys = exp.select(exp.column("key")).from_(exp.to_table(visible_name(logical_name), quoted=True))
    return exp.In(this=key, query=keys.subquery())
