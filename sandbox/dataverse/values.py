"""JSON values to stored cells: types, lengths, ranges and options are checked, lookups are bound."""

import re
import uuid
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from sandbox.dataverse.keys import find, parse_address
from sandbox.dataverse.session import Session, invalid
from sandbox.dataverse.table import Column, Table
from sandbox.wire import WireError, dataverse_error

_PARAMETERS = "An error occurred while validating input parameters: Microsoft.OData.ODataException: "
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})")
_EDM = {
    "Integer": "Edm.Int32",
    "BigInt": "Edm.Int64",
    "Picklist": "Edm.Int32",
    "State": "Edm.Int32",
    "Status": "Edm.Int32",
    "Decimal": "Edm.Decimal",
    "Double": "Edm.Double",
    "Boolean": "Edm.Boolean",
    "DateOnly": "Edm.Date",
    "DateTime": "Edm.DateTimeOffset",
    "Uniqueidentifier": "Edm.Guid",
}


def cells(session: Session, table: Table, body: dict[str, Any]) -> dict[str, Any]:
    """The cells that a body sets, by wire name. Raises 400 for what does not fit, 404 for a bind to no row."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name.endswith("@odata.bind"):
            lookup = table.navigations.get(name.removesuffix("@odata.bind").lower())
            if lookup is None:
                raise unknown_property(table, name.removesuffix("@odata.bind"))
            found[lookup.wire] = bound(session, lookup, value)
            continue
        if "@" in name:
            continue
        column = table.by_wire.get(name)
        if column is None and value is None and name.lower() in table.navigations:
            found[table.navigations[name.lower()].wire] = None
            continue
        if column is None or (column.sql and not table.entity):
            raise unknown_property(table, name)
        if column.is_lookup:
            raise invalid(
                "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
            )
        found[name] = cell(table, column, value)
    return found


def unknown_property(table: Table, name: str) -> WireError:
    return invalid(
        f"{_PARAMETERS}The property '{name}' does not exist on type '{table.type_name}'. Make sure to only use "
        "property names that are defined by the type."
    )


def bound(session: Session, lookup: Column, value: Any) -> str | None:
    """The id of the row that `@odata.bind` names: an address, relative or absolute, by id or by alternate key."""
    if value is None:
        return None
    text = session.content_ids.get(str(value), str(value))
    if text.startswith("$"):
        raise dataverse_error(400, "0x80060888", f"Content-ID Reference: '{text}' does not exist in the batch context.")
    address = parse_address(text)
    target = session.tables.by_name.get(lookup.target)
    if address is None or target is None or address.set_name != target.set_name:
        raise invalid(f"{_PARAMETERS}Invalid entity reference '{text}' for {lookup.navigation or lookup.name}.")
    return find(session, target, address.key).row_id_or_missing()


def cell(table: Table, column: Column, value: Any) -> Any:
    """One stored cell. Raises 400 when the value is not of the column's type or out of its range."""
    if value is None:
        return None
    try:
        stored = _converted(column, value)
    except (ValueError, TypeError, InvalidOperation):
        raise invalid(
            f"{_PARAMETERS}Cannot convert the literal '{value}' to the expected type "
            f"'{_EDM.get(column.kind, 'Edm.String')}'."
        ) from None
    _check_range(table, column, stored)
    return stored


def _converted(column: Column, value: Any) -> Any:
    kind = column.kind
    if kind in ("String", "Memo"):
        if not isinstance(value, str):
            raise TypeError
        return value
    if kind == "Boolean":
        if not isinstance(value, bool):
            raise TypeError
        return int(value)
    if kind in ("Decimal", "Double"):
        return _decimal(column, value)
    if kind in ("DateOnly", "DateTime"):
        return _moment(column, value)
    if kind == "Uniqueidentifier":
        return str(uuid.UUID(value))
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _decimal(column: Column, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError
    number = Decimal(value)
    if column.precision is not None:
        number = number.quantize(Decimal(1).scaleb(-column.precision), ROUND_HALF_EVEN)
    return format(number, "f")


def _moment(column: Column, value: Any) -> str:
    if column.kind == "DateOnly":
        if not isinstance(value, str) or not _DATE.fullmatch(value[:10]) or len(value) not in (10, 20):
            raise ValueError
        return value[:10]
    if not isinstance(value, str) or not (_MOMENT.fullmatch(value) or _DATE.fullmatch(value)):
        raise ValueError
    return f"{value}T00:00:00Z" if len(value) == 10 else value


def _check_range(table: Table, column: Column, stored: Any) -> None:
    if column.length and isinstance(stored, str) and len(stored) > column.length:
        raise dataverse_error(
            400,
            "0x80044331",
            f"A validation error occurred.  The length of the '{column.name}' attribute of the "
            f"'{table.logical_name}' entity exceeded the maximum allowed length of '{column.length}'.",
        )
    if column.options and column.label_of(stored) is None:
        accepted = ",".join(str(option.value) for option in column.options)
        raise dataverse_error(
            400,
            "0x80048408",
            f"A validation error occurred. The value {stored} of '{column.name}' on record of type "
            f"'{table.logical_name}' is outside the valid range. Accepted Values: {accepted}",
        )
    low, high = column.minimum, column.maximum
    if (low and Decimal(str(stored)) < Decimal(low)) or (high and Decimal(str(stored)) > Decimal(high)):
        raise dataverse_error(
            400,
            "0x80044331",
            f"A validation error occurred.  The value of '{column.name}' on record of type '{table.logical_name}' "
            "is outside the valid range.",
        )
