"""A definition as the JSON that `parse_definition` reads: what is exported can be imported again."""

import json
import re
from typing import Any

from .definition import KINDS, TYPES, Definition
from .shape import CalculatedShape, ColumnShape, DataType, DimensionShape, DriverShape
from .slices import ColumnRef

TYPE_NAMES = {data_type: name for name, data_type in TYPES.items()}
KIND_NAMES = {kind: name for name, kind in KINDS.items()}
# The library writes no decimals: they pass as texts between zero characters, which no name can hold.
_NUMBER = re.compile(r'"\\u0000(-?[0-9.]+)\\u0000"')


def definition_text(definition: Definition) -> str:
    """The definition in the format of Business performance planning, with the portal's extensions where they are used.

    Bounds of drivers keep every digit.
    """
    dimensions = {dimension.name: dimension for dimension in definition.dimensions}
    tables = [_dimension(dimension, dimensions) for dimension in definition.dimensions]
    relations: list[dict[str, Any]] = []
    for logical_name, source in definition.related:
        relation = {"ReferencingTableName": definition.logical_name, "RelatedTableName": logical_name}
        relations.append(relation | ({"SourceColumn": source} if source else {}))
    document = {"Tables": [*tables, _cube(definition)], "Relations": relations}
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return _NUMBER.sub(r"\1", text) + "\n"


def _cube(definition: Definition) -> dict[str, Any]:
    columns = [*map(_driver, definition.drivers), *map(_calculated, definition.calculated)]
    table: dict[str, Any] = {
        "LogicalName": definition.logical_name,
        "DisplayName": definition.name,
        "PrimaryColumnName": _free(f"{definition.logical_name}_name", {column["LogicalName"] for column in columns}),
        "IsDimension": False,
        "Columns": columns,
    }
    return table | ({} if definition.kind == "preview" else {"Kind": KIND_NAMES[definition.kind]})


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _dimension(dimension: DimensionShape, dimensions: dict[str, DimensionShape]) -> dict[str, Any]:
    return {
        "LogicalName": dimension.logical_name,
        "DisplayName": dimension.name,
        "PrimaryColumnName": dimension.primary,
        "IsDimension": True,
        "Columns": [_column(column, dimensions) for column in dimension.columns],
    }


def _column(column: ColumnShape, dimensions: dict[str, DimensionShape]) -> dict[str, Any]:
    found = _named(column.name, column.logical_name, column.data_type)
    if column.data_type is DataType.DECIMAL:
        found["Options"] = {"Precision": column.precision}
    if column.linked_to:
        found["LinkedTo"] = _link(column.linked_to, dimensions[column.linked_to.dimension])
    return found


def _link(target: ColumnRef, source: DimensionShape) -> dict[str, str]:
    column = next(one for one in source.columns if one.name == target.column)
    return {"TableName": source.logical_name, "ColumnName": column.logical_name}


def _driver(driver: DriverShape) -> dict[str, Any]:
    options: dict[str, Any] = {"Precision": driver.precision}
    bounds = (("MinValue", driver.lowest), ("MaxValue", driver.highest))
    options |= {key: f"\0{bound:f}\0" for key, bound in bounds if bound is not None}
    found = _named(driver.name, driver.logical_name, DataType.DECIMAL) | {"Options": options}
    return found | ({"SourceColumn": driver.source_column} if driver.source_column else {})


def _calculated(driver: CalculatedShape) -> dict[str, Any]:
    found = _named(driver.name, driver.logical_name, DataType.DECIMAL)
    return found | {"Options": {"Precision": driver.precision}, "Formula": driver.formula}


def _named(name: str, logical_name: str, data_type: DataType) -> dict[str, Any]:
    return {"LogicalName": logical_name, "DisplayName": name, "DataType": TYPE_NAMES[data_type]}
