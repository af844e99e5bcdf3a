"""Fields of one imported row: text to dates, numbers and enumerations, and what is said when that fails."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from sandbox.entities import ENUMS, EntitySet

DATES = ("DATE", "ENTRYDATE", "DEFAULTDATE")
CODES = ("ENTRYNUMBER", "BUDGETMODELID", "BUDGETCODE", "REASONCODE", "CURRENCYCODE")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII)
# ASCII digits only; a Real of Finance holds 16 of them before the point, of which leading zeros are none
_NUMBER = re.compile(r"[+-]?(0*[0-9]{1,16}(\.[0-9]{0,28})?|\.[0-9]{1,28})")


class RowError(Exception):
    """One row is refused: the field, and what is said of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field, message)
        self.field, self.message = field, message


def not_found(value: str, field_name: str, table: str) -> str:
    return f"The value '{value}' in field '{field_name}' is not found in the related table '{table}'."


def must_be_filled(field_name: str) -> str:
    return f"Field '{field_name}' must be filled in."


def day_of(text: str, column: str) -> str:
    """A date as YYYY-MM-DD, of a date or of a date with a time; the day is taken as it stands."""
    day = text.strip()[:10]
    try:
        if not _DATE.fullmatch(text.strip()):
            raise ValueError
        return date.fromisoformat(day).isoformat()
    except ValueError:
        raise RowError(column, f"DMF2016: bad date-time in column {column}: {text}") from None


def decimal_of(text: str, name: str) -> str:
    """A number with exactly its digits."""
    if not _NUMBER.fullmatch(text.strip()):
        raise RowError(name, f"DMF2018: bad data in column {name}: {text}")
    return format(Decimal(text.strip()), "f")


def member_of(text: str, enum: str, name: str) -> str:
    """The member that a text names, whatever its letters' case."""
    for member in ENUMS[enum]:
        if member.lower() == text.strip().lower():
            return member
    raise RowError(name, f"The string '{text}' is not a valid enumeration type constant.")


def line_number_of(text: str) -> int:
    number = Decimal(decimal_of(text, "LINENUMBER"))
    if number < 0 or number != number.to_integral_value():
        raise RowError("LINENUMBER", f"DMF2018: bad data in column LINENUMBER: {text}")
    return int(number)


def staged(
    rows: Iterable[Mapping[str, str]], entity_set: EntitySet, *, longest: int | None, keys: bool
) -> dict[int, RowError]:
    """Row number → why the row does not get into staging: types, lengths and, with `keys`, a repeated key."""
    decimals = {f.name.upper() for f in entity_set.fields.values() if f.type == "Decimal"}
    names = [key.upper() for key in entity_set.keys if key in ("EntryNumber", "LineNumber", "LegalEntityId")]
    seen: set[tuple[str, ...]] = set()
    problems: dict[int, RowError] = {}
    for number, row in enumerate(rows, start=1):
        try:
            _check_types(row, decimals, longest)
            key = tuple(row.get(name, "").lower() for name in names)
            if keys and row.get("ENTRYNUMBER") and key in seen:
                raise RowError("ENTRYNUMBER", f"DMF1959: duplicate key in the file: {', '.join(key)}")
            seen.add(key)
        except RowError as error:
            problems[number] = error
    return problems


def _check_types(row: Mapping[str, str], decimals: set[str], longest: int | None) -> None:
    for name, text in row.items():
        if not text:
            continue
        if name in DATES:
            day_of(text, name)
        elif name == "LINENUMBER":
            line_number_of(text)
        elif name in decimals:
            decimal_of(text, name)
        elif longest is not None and name in CODES and len(text) > longest:
            raise RowError(name, f"DMF2018: bad data in column {name}: longer than {longest} characters: {text}")
