"""The definition that a plan describes."""

from collections.abc import Callable, Collection, Sequence

from cubes.rules.composing import COLUMN, CUBE, DIMENSION
from cubes.rules.definition import Definition
from cubes.rules.naming import free_logical_name
from cubes.rules.shape import ColumnShape, DataType, DimensionShape, DriverShape
from cubes.rules.slices import ColumnRef

from .plan import ColumnPlan, FactPlan, Plan, SheetPlan, Use

KEY, DATE = "Name", "Date"


def planned_definition(
    plan: Plan, standing: Callable[[str], DimensionShape | None], taken: Collection[str]
) -> Definition:
    """The definition of `plan`. `standing` gives a dimension that exists by its name, `taken` are logical names."""
    names = set(taken)
    dimensions: dict[str, DimensionShape] = {}
    for sheet in plan.dimension_sheets:
        dimensions[sheet.name] = standing(sheet.name) or _dimension(sheet, names)
    for fact in plan.facts:
        if fact.use is Use.OWN:
            dimensions[fact.dimension] = standing(fact.dimension) or _own(fact, names)
    related = tuple(
        (dimensions[fact.dimension].logical_name, fact.header)
        for fact in plan.facts
        if fact.use in (Use.DIMENSION, Use.OWN)
    )
    return Definition(
        plan.name,
        free_logical_name(CUBE + plan.name, names),
        _drivers([fact for fact in plan.facts if fact.use is Use.DRIVER]),
        tuple(dimensions.values()),
        related,
    )


def _named(prefix: str, name: str, names: set[str]) -> str:
    logical = free_logical_name(prefix + name, names)
    names.add(logical)
    return logical


def _dimension(sheet: SheetPlan, names: set[str]) -> DimensionShape:
    kept = [column for column in sheet.columns if column.kept or column.header == sheet.key]
    kept.sort(key=lambda column: column.header != sheet.key)
    columns: list[ColumnShape] = []
    for column in kept:
        logical = free_logical_name(COLUMN + column.header, {one.logical_name for one in columns})
        columns.append(_column(column, logical, column.header == sheet.key))
    return DimensionShape(sheet.name, _named(DIMENSION, sheet.name, names), columns[0].logical_name, tuple(columns))


def _column(column: ColumnPlan, logical_name: str, is_key: bool) -> ColumnShape:
    if is_key:
        return ColumnShape(column.header, logical_name, DataType.TEXT)
    precision = column.precision if column.data_type is DataType.DECIMAL else 0
    linked_to = ColumnRef.parse(column.linked_to) if column.linked_to else None
    return ColumnShape(column.header, logical_name, column.data_type, precision, linked_to)


def _own(fact: FactPlan, names: set[str]) -> DimensionShape:
    """A dimension of a column's values; dates get a column of type Date, which an export asks for."""
    key = ColumnShape(KEY, COLUMN + "name", DataType.TEXT)
    columns = (key, ColumnShape(DATE, COLUMN + "date", DataType.DATE)) if fact.is_date else (key,)
    return DimensionShape(fact.dimension, _named(DIMENSION, fact.dimension, names), key.logical_name, columns)


def _drivers(facts: Sequence[FactPlan]) -> tuple[DriverShape, ...]:
    found: list[DriverShape] = []
    for fact in facts:
        logical = free_logical_name(COLUMN + fact.header, {one.logical_name for one in found})
        found.append(DriverShape(fact.header, logical, fact.precision, fact.header))
    return tuple(found)
