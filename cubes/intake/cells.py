"""Typed cells of workbooks and Parquet files as exact text."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from cubes.rules.values import DOUBTFUL, FLOAT_DIGITS


def cell_text(value: Any) -> str:
    """The text of a cell: text as it is, whole numbers without decimals, other numbers with all their digits,

    dates as year-month-day, and a time of day only where there is one.
    """
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return decimal_text(Decimal(repr(value)))
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        midnight = value.time() == time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def counted_text(value: Any) -> str:
    """As `cell_text`, for files that keep numbers as floats: what may have lost a digit there is no plain number."""
    text = cell_text(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value == value
    if is_number and len(Decimal(repr(float(value))).normalize().as_tuple().digits) > FLOAT_DIGITS:
        return f"{DOUBTFUL}{text}"
    return text


def decimal_text(value: Decimal) -> str:
    """`value` in plain digits, without the zeros at the end that a fixed scale adds."""
    if not value.is_finite():
        return str(value)
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
