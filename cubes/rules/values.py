"""How text becomes an amount, a number, a date: stated rules, nothing guessed, trimmed or rounded."""

import re
from datetime import date
from decimal import Decimal

from .shape import DECIMAL_DIGITS, DataType, DriverShape

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_BOOLEANS = {"true": True, "false": False}

# A float keeps every decimal number of so many digits. One of more has perhaps lost some before it came here, so that
# its text says that it is doubtful, and no rule takes it for a number.
FLOAT_DIGITS = 15
DOUBTFUL = "about "
UNSTORABLE = "{} holds a character that no value can have. Take it out of the source."

Value = str | int | bool | Decimal | date


def shown(value: str) -> str:
    """`value` as a sentence quotes it, cut when long."""
    return f"'{value[:60]}…'" if len(value) > 60 else f"'{value}'"


def amount_pattern(precision: int) -> str:
    """The one regular expression of an amount: plain digits, a point, at most `precision` decimals."""
    decimals = rf"(\.[0-9]{{1,{precision}}})?" if precision else ""
    return rf"^-?[0-9]{{1,{DECIMAL_DIGITS - precision}}}{decimals}$"


def amount_problem(value: str, precision: int) -> str | None:
    """Why `value` is no amount with up to `precision` decimals; None when it is one."""
    if re.fullmatch(amount_pattern(precision)[1:-1], value):
        return None
    if value == "":
        return "The amount is empty. Enter a number, 0 included, or take the record out."
    if value.startswith(DOUBTFUL) and _PLAIN.fullmatch(value.removeprefix(DOUBTFUL)):
        return (
            f"{shown(value)} is a number cell of more than {FLOAT_DIGITS} digits; the file does not keep it exactly. "
            "Write the amount as text."
        )
    if not _PLAIN.fullmatch(value):
        return (
            f"{shown(value)} is not a plain number. Write digits with a point before the decimals, such as -1250.75, "
            "without blanks, separators or exponent."
        )
    whole, _, decimals = value.lstrip("-").partition(".")
    if len(decimals) > precision:
        return (
            f"{shown(value)} has {len(decimals)} decimals, the driver keeps {precision}. "
            "Round it in the source; nothing is rounded here."
        )
    return f"{shown(value)} has {len(whole)} digits before the point, the driver keeps {DECIMAL_DIGITS - precision}."


def bound_problem(value: str, driver: DriverShape) -> str | None:
    """Why the amount `value` lies outside the bounds of `driver`; None when it does not."""
    amount = Decimal(value)
    if driver.lowest is not None and amount < driver.lowest:
        return f"{shown(value)} is below {driver.lowest:f}, the lowest value of {driver.name}. Correct the record."
    if driver.highest is not None and amount > driver.highest:
        return f"{shown(value)} is above {driver.highest:f}, the highest value of {driver.name}. Correct the record."
    return None


def storable(value: str) -> bool:
    """Whether a file of facts and the database can hold `value`: Unicode text without the character zero."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def legible(value: str) -> str:
    """`value` with the characters that cannot be stored or sent written as their code."""
    return value.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def parse(value: str, data_type: DataType, precision: int = 0) -> Value:
    """`value` as `data_type`. ValueError with a sentence when it is none."""
    if data_type is DataType.DATE:
        return _parse_date(value)
    if data_type is DataType.INTEGER:
        if not _WHOLE.fullmatch(value):
            raise ValueError(f"{shown(value)} is not a whole number. Write digits only, such as 110.")
        return int(value)
    if data_type is DataType.DECIMAL:
        problem = amount_problem(value, precision) if value else f"{shown(value)} is not a plain number."
        if problem:
            raise ValueError(problem.replace("the driver keeps", "the column keeps"))
        return Decimal(value)
    if data_type is DataType.BOOLEAN:
        if value.lower() not in _BOOLEANS:
            raise ValueError(f"{shown(value)} is neither true nor false. Write one of them.")
        return _BOOLEANS[value.lower()]
    if not storable(value):
        raise ValueError(UNSTORABLE.format(shown(legible(value))))
    return value


def _parse_date(value: str) -> date:
    if _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{shown(value)} is not a day of the calendar. Correct it.") from None
    raise ValueError(f"{shown(value)} is not a date. Write year-month-day, such as 2021-07-01.")
