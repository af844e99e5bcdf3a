"""Values as OData writes them in addresses, and as JSON carries them, turned into what the store keeps."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.entities import ENUMS, Field
from sandbox.enums import NAMESPACE

_ENUM = re.compile(rf"{re.escape(NAMESPACE)}\.(?P<type>\w+)'(?P<member>\w+)'")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,12})?)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,60}(\.\d{1,60})?([eE][+-]?\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)
_BITS = {"Int32": 31, "Int64": 63}
EDM = {"Line": "Decimal"}


class LiteralError(Exception):
    """A value that does not fit its property."""


def instant(text: str) -> str:
    """A date-time with its offset, as the store keeps it: UTC, whole seconds. ValueError when it is none."""
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    seconds = re.sub(r"\.\d+", "", text.upper()).replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(seconds).astimezone(UTC)
    except OverflowError:
        raise ValueError(text) from None
    return f"{moment.year:04}{moment:-%m-%dT%H:%M:%S}Z"


def edm_type(field: Field) -> str:
    return f"{NAMESPACE}.{field.type}" if field.is_enum else f"Edm.{EDM.get(field.type, field.type)}"


def from_address(field: Field, text: str) -> str:
    """One part of a key. LiteralError when it is written in another way than the type of the property asks for."""
    wrong = LiteralError(f"The value {text} is not of the type {edm_type(field)} of the key property '{field.name}'.")
    if field.is_enum:
        match = _ENUM.fullmatch(text)
        if match is None or match["type"] != field.type or match["member"] not in ENUMS[field.type]:
            raise wrong
        return match["member"]
    if field.type == "String":
        if not re.fullmatch(r"'(?:[^']|'')*'", text):
            raise wrong
        return text[1:-1].replace("''", "'")
    if field.type == "DateTimeOffset":
        try:
            return instant(text)
        except ValueError:
            raise wrong from None
    if not (_WHOLE if field.type in _BITS else _NUMBER).fullmatch(text):
        raise wrong
    return text


def in_address(field: Field, value: Any) -> str:
    """A stored value as part of a key."""
    if field.is_enum:
        return f"{NAMESPACE}.{field.type}'{value}'"
    if field.type == "String":
        escaped = str(value).replace("'", "''")
        return f"'{escaped}'"
    return str(value)


def from_json(field: Field, value: Any) -> Any:
    """A property of a body as the store keeps it. LiteralError for null where none is allowed, or another type."""
    if value is None:
        if not field.is_nullable:
            raise LiteralError(
                f"A null value was found for the property named '{field.name}', which has the expected type "
                f"'{edm_type(field)}[Nullable=False]'. The expected type does not allow null values."
            )
        return None if field.type == "Binary" else "" if field.type == "String" else ENUMS[field.type][0]
    kept = _kept(field, value)
    if kept is None:
        raise LiteralError(
            f"Cannot convert the literal '{value}' of '{field.name}' to the expected type '{edm_type(field)}'."
        )
    return kept


def _kept(field: Field, value: Any) -> Any:
    if isinstance(value, bool):
        return int(value) if field.type == "Boolean" else None
    if isinstance(value, str):
        return _kept_text(field, value)
    if field.type in ("Decimal", "Line") and isinstance(value, int | Decimal):
        return _plain_number(value)
    if field.type in _BITS and isinstance(value, int):
        return value if -(2 ** _BITS[field.type]) <= value < 2 ** _BITS[field.type] else None
    return None


def _kept_text(field: Field, value: str) -> str | None:
    if not value.isprintable() and any("\ud800" <= sign <= "\udfff" or sign == "\x00" for sign in value):
        return None
    if field.is_enum:
        return value if value in ENUMS[field.type] else None
    if field.type == "DateTimeOffset":
        try:
            return instant(value)
        except ValueError:
            return None
    return value if field.type in ("String", "Binary") else None


def _plain_number(value: int | Decimal) -> str | None:
    """Written out in full; None for a number that Finance's Real could not hold."""
    try:
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > 28:
            return None
        return format(number, "f")
    except (InvalidOperation, ValueError):
        return None
