"""The definition of a cube as JSON, in the format of Business performance planning.

Extensions of the portal: the data types DateType, IntegerType and BooleanType; `SourceColumn` on a relation or a
driver, the header of the column in the fact file; `LinkedTo` on a column of a dimension, the TableName and ColumnName
that supply its values; `Formula` on a driver, which makes it a calculated one; `Kind` of the cube, Preview or Classic.
"""

import json
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bpp_portal.kernel.problems import Problem

from .links import link_dimensions, link_problems
from .shape import (
    DECIMAL_DIGITS,
    CalculatedShape,
    ColumnShape,
    CubeShape,
    DataType,
    DimensionShape,
    DriverShape,
)
from .slices import ColumnRef
from .values import legible

SEVERAL_CUBES = (
    "Error parsing JSON: Multiple cubes import isn't supported. Upload one cube at a time."  # documented text
)
TYPES = {
    "StringType": DataType.TEXT,
    "DecimalType": DataType.DECIMAL,
    "DateType": DataType.DATE,
    "IntegerType": DataType.INTEGER,
    "BooleanType": DataType.BOOLEAN,
}
_LOGICAL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
MOST_DECIMALS = 10
DEFAULT_DECIMALS = 2
LONGEST_FORMULA = 1_000
KINDS = {"Preview": "preview", "Classic": "classic"}


@dataclass(frozen=True)
class Definition:
    """A cube and the dimensions that its file describes; `related` are (logical name, source column) in order."""

    name: str
    logical_name: str
    drivers: tuple[DriverShape, ...]
    dimensions: tuple[DimensionShape, ...]
    related: tuple[tuple[str, str], ...]
    calculated: tuple[CalculatedShape, ...] = ()
    kind: str = "preview"

    def shape(self) -> CubeShape:
        """The cube as it would be if no dimension existed yet."""
        known = {dimension.logical_name: dimension for dimension in self.dimensions}
        uses = tuple(replace(known[name], source_column=source) for name, source in self.related)
        named = {dimension.name: dimension for dimension in self.dimensions}
        return CubeShape(self.name, uses, self.drivers, self.calculated, link_dimensions(uses, named.__getitem__))


def parse_definition(text: str) -> tuple[Definition | None, list[Problem]]:
    """The definition in `text`, or every problem that keeps it from being one."""
    try:
        document = json.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        return None, [_problem(f"Error parsing JSON: {error}. Correct the file and import it again.")]
    if isinstance(document, list) and len(document) > 1 and all(isinstance(item, dict) for item in document):
        return None, [_problem(SEVERAL_CUBES)]
    if not isinstance(document, dict):
        return None, [_problem("Error parsing JSON: the file must hold one object with Tables and Relations.")]
    reader = _Reader()
    definition = reader.read(document)
    return (None, reader.problems) if reader.problems else (definition, [])


def _problem(message: str) -> Problem:
    return Problem("definition-unfit", legible(message), "definition")


class _Reader:
    """Reads the document and collects what is wrong with it, so that all of it is told at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.links: dict[tuple[str, str], tuple[str, str]] = {}

    def complain(self, message: str) -> None:
        self.problems.append(_problem(message))

    def read(self, document: dict[str, Any]) -> Definition | None:
        tables = self.items(document, "Tables", "the file")
        facts = [table for table in tables if table.get("IsDimension") is False]
        if len(facts) != 1:
            self.complain(
                SEVERAL_CUBES if facts else "No table of the file is a cube. Set IsDimension to false for one."
            )
            return None
        for table in tables:
            if not isinstance(table.get("IsDimension"), bool):
                self.complain(f"{self.name(table, 'a table')} does not say IsDimension. Set it to true or false.")
        name, logical = self.name(facts[0], "the cube"), self.logical(facts[0], "the cube")
        dimensions = tuple(self.dimension(table) for table in tables if table.get("IsDimension") is True)
        drivers, calculated = self.drivers(facts[0], name)
        self.unique("dimensions", [(item.name, item.logical_name) for item in dimensions])
        names = [(item.name, item.logical_name) for item in drivers]
        names += [(item.name, item.logical_name) for item in calculated]
        self.unique(f"drivers of {name}", names)
        related = self.relations(document, logical, {item.logical_name for item in dimensions})
        dimensions = self.linked(dimensions)
        return Definition(name, logical, drivers, dimensions, related, calculated, self.kind(facts[0], name))

    def kind(self, table: dict[str, Any], name: str) -> str:
        value = table.get("Kind", "Preview")
        if not isinstance(value, str) or value not in KINDS:
            self.complain(f"Kind of {name} is {value}. Use one of {', '.join(KINDS)}.")
            return "preview"
        return KINDS[value]

    def items(self, owner: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
        value = owner.get(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.complain(f"{key} of {where} is missing or not a list of objects. Add it.")
            return []
        return value

    def text(self, owner: dict[str, Any], key: str, where: str, longest: int = 200) -> str:
        value = owner.get(key)
        if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
            self.complain(f"{key} of {where} is missing or not a text of up to {longest} characters. Correct it.")
            return ""
        return value

    def name(self, owner: dict[str, Any], where: str) -> str:
        return self.text(owner, "DisplayName", where)

    def logical(self, owner: dict[str, Any], where: str) -> str:
        value = self.text(owner, "LogicalName", where)
        if value and not _LOGICAL.fullmatch(value):
            self.complain(
                f"The logical name {value} of {where} is not usable. Use letters A to Z, digits and underscores, "
                "at most 100, not beginning with a digit."
            )
        return value

    def dimension(self, table: dict[str, Any]) -> DimensionShape:
        name = self.name(table, "a dimension")
        where = f"dimension {name}"
        if "." in name:
            self.complain(f"The name of {where} holds a dot, which separates dimension and column. Rename it.")
        logical = self.logical(table, where)
        columns = tuple(self.column(item, where, logical) for item in self.items(table, "Columns", where))
        self.unique(f"columns of {where}", [(item.name, item.logical_name) for item in columns])
        primary = self.text(table, "PrimaryColumnName", where)
        key = next((column for column in columns if column.logical_name == primary), None)
        if primary and (key is None or key.data_type is not DataType.TEXT):
            self.complain(f"The primary column {primary} of {where} is not one of its columns of type StringType.")
        return DimensionShape(name, logical, primary, columns)

    def column(self, item: dict[str, Any], where: str, table: str) -> ColumnShape:
        name = self.name(item, f"a column of {where}")
        place = f"column {name} of {where}"
        type_name = item.get("DataType")
        data_type = TYPES.get(type_name, DataType.TEXT) if isinstance(type_name, str) else DataType.TEXT
        if not isinstance(type_name, str) or type_name not in TYPES:
            self.complain(f"DataType of {place} is {type_name}. Use one of {', '.join(TYPES)}.")
        precision = self.precision(item, place) if data_type is DataType.DECIMAL else 0
        logical = self.logical(item, place)
        if "LinkedTo" in item:
            link = item["LinkedTo"] if isinstance(item["LinkedTo"], dict) else {}
            target = [self.text(link, key, f"LinkedTo of {place}") for key in ("TableName", "ColumnName")]
            self.links[table, logical] = (target[0], target[1])
        return ColumnShape(name, logical, data_type, precision)

    def linked(self, dimensions: tuple[DimensionShape, ...]) -> tuple[DimensionShape, ...]:
        """`dimensions` with the links that their columns name by logical names."""
        names = {
            (dimension.logical_name, column.logical_name): ColumnRef(dimension.name, column.name)
            for dimension in dimensions
            for column in dimension.columns
        }

        def link(dimension: DimensionShape, column: ColumnShape) -> ColumnShape:
            target = self.links.get((dimension.logical_name, column.logical_name))
            return replace(column, linked_to=names.get(target, ColumnRef(*target))) if target else column

        found = tuple(
            replace(dimension, columns=tuple(link(dimension, column) for column in dimension.columns))
            for dimension in dimensions
        )
        for problem in link_problems(found) if not self.problems else []:
            self.complain(problem)
        return found

    def precision(self, item: dict[str, Any], place: str) -> int:
        options = item.get("Options")
        value = options.get("Precision", DEFAULT_DECIMALS) if isinstance(options, dict) else DEFAULT_DECIMALS
        if type(value) is not int or not 0 <= value <= MOST_DECIMALS:
            self.complain(f"Precision of {place} is {value}. Use a whole number from 0 to {MOST_DECIMALS}.")
            return DEFAULT_DECIMALS
        return value

    def bound(self, item: dict[str, Any], key: str, place: str) -> Decimal | None:
        options = item.get("Options")
        value = options.get(key) if isinstance(options, dict) else None
        if value is None:
            return None
        number = Decimal(value) if type(value) in (int, Decimal) else Decimal("NaN")
        # copy_abs, because abs() would round to 28 digits first
        short = number.is_finite() and number.copy_abs() < Decimal(10) ** DECIMAL_DIGITS
        if not short or int(number.as_tuple().exponent) < -MOST_DECIMALS:
            self.complain(
                f"{key} of {place} is {value}. Use a number of at most {DECIMAL_DIGITS} digits before the point "
                f"and {MOST_DECIMALS} after it."
            )
            return None
        return number

    def drivers(self, table: dict[str, Any], name: str) -> tuple[tuple[DriverShape, ...], tuple[CalculatedShape, ...]]:
        drivers: list[DriverShape] = []
        calculated: list[CalculatedShape] = []
        for item in self.items(table, "Columns", name):
            if item.get("LogicalName") == table.get("PrimaryColumnName"):
                continue  # the name of a record, which facts do not need
            column = self.column(item, name, "")
            if column.data_type not in (DataType.DECIMAL, DataType.INTEGER):
                self.complain(f"{column.name} of {name} is not a number. Make it a dimension or a DecimalType driver.")
            if "Formula" in item:
                formula = self.text(item, "Formula", f"driver {column.name}", LONGEST_FORMULA)
                calculated.append(CalculatedShape(column.name, column.logical_name, column.precision, formula))
                continue
            source, place = self.source(item, name), f"driver {column.name}"
            lowest, highest = self.bound(item, "MinValue", place), self.bound(item, "MaxValue", place)
            if lowest is not None and highest is not None and lowest > highest:
                self.complain(f"MinValue of {place} is above its MaxValue. Swap them.")
            drivers.append(DriverShape(column.name, column.logical_name, column.precision, source, lowest, highest))
        if not drivers:
            self.complain(f"{name} has no driver. Add a column of type DecimalType, such as Amount.")
        return tuple(drivers), tuple(calculated)

    def source(self, item: dict[str, Any], where: str) -> str:
        return self.text(item, "SourceColumn", where) if "SourceColumn" in item else ""

    def relations(self, document: dict[str, Any], cube: str, dimensions: set[str]) -> tuple[tuple[str, str], ...]:
        related: dict[str, str] = {}
        for item in self.items(document, "Relations", "the file"):
            target = self.text(item, "RelatedTableName", "a relation")
            if item.get("ReferencingTableName") != cube:
                self.complain(
                    f"A relation to {target} does not begin at the cube {cube}. Correct ReferencingTableName."
                )
            if target in related:
                self.complain(f"Two relations lead to {target}. Remove one.")
            elif target and target not in dimensions:
                self.complain(f"The relation to {target} leads to no dimension of the file. Add its table.")
            related[target] = self.source(item, f"the relation to {target}")
        if not related:
            self.complain("The cube has no dimension. Add a relation to at least one.")
        return tuple(related.items())

    def unique(self, what: str, names: list[tuple[str, str]]) -> None:
        for position in (0, 1):
            seen: set[str] = set()
            for pair in names:
                folded = pair[position].casefold()
                if folded and folded in seen:
                    self.complain(f"{pair[position]} occurs twice among the {what}. Rename one.")
                seen.add(folded)
