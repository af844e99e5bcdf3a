"""How a file writes numbers and dates: notations, their plain form, and which one a file uses.

A notation never rounds and never guesses: a text fits it whole or not at all. Plain is digits with a point before the
decimals, and year-month-day.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .values import shown

MINUS = "\u2212"
BLANKS = " \u00a0\u202f"
APOSTROPHES = "'\u2019"


class NumberNotation(StrEnum):
    PLAIN = "1234.56"
    COMMA_POINT = "1,234.56"
    POINT_COMMA = "1.234,56"
    SPACE_COMMA = "1 234,56"
    APOSTROPHE_POINT = "1'234.56"


class DateNotation(StrEnum):
    ISO = "2021-07-31"
    DAY_DOTS = "31.07.2021"
    DAY_SLASHES = "31/07/2021"
    MONTH_SLASHES = "07/31/2021"
    YEAR_SLASHES = "2021/07/31"


@dataclass(frozen=True)
class _Marks:
    """Characters between thousands and the one before the decimals."""

    grouping: str
    decimal: str


_MARKS = {
    NumberNotation.COMMA_POINT: _Marks(",", "."),
    NumberNotation.POINT_COMMA: _Marks(".", ","),
    NumberNotation.SPACE_COMMA: _Marks(BLANKS, ","),
    NumberNotation.APOSTROPHE_POINT: _Marks(APOSTROPHES, "."),
}
# The day, month and year of a text, in that order of groups.
_DATES = {
    DateNotation.ISO: r"^(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})$",
    DateNotation.DAY_DOTS: r"^(?P<d>[0-9]{1,2})\.(?P<m>[0-9]{1,2})\.(?P<y>[0-9]{4})$",
    DateNotation.DAY_SLASHES: r"^(?P<d>[0-9]{1,2})/(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})$",
    DateNotation.MONTH_SLASHES: r"^(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})/(?P<y>[0-9]{4})$",
    DateNotation.YEAR_SLASHES: r"^(?P<y>[0-9]{4})/(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})$",
}


def number_pattern(notation: NumberNotation) -> str:
    """The regular expression of a number: groups of exactly three digits or none; the typographic minus is a minus."""
    marks = _MARKS.get(notation)
    if marks is None:
        return r"^-?[0-9]+(\.[0-9]+)?$"
    grouped = rf"[1-9][0-9]{{0,2}}([{marks.grouping}][0-9]{{3}})+"
    return rf"^[-{MINUS}]?([0-9]+|{grouped})([{marks.decimal}][0-9]+)?$"


def replacements(notation: NumberNotation) -> list[tuple[str, str]]:
    """What to put in place of what, in this order, to make a fitting text plain."""
    marks = _MARKS.get(notation)
    if marks is None:
        return []
    steps = [(mark, "") for mark in marks.grouping]
    return [*steps, (marks.decimal, "."), (MINUS, "-")]


def plain_number(text: str, notation: NumberNotation) -> str:
    """`text` in plain digits. ValueError with a sentence when it does not fit."""
    if not re.fullmatch(number_pattern(notation)[1:-1], text):
        raise ValueError(number_problem(text, notation))
    for mark, by in replacements(notation):
        text = text.replace(mark, by)
    return text


def number_problem(text: str, notation: NumberNotation) -> str:
    """Why `text` is no number of this notation."""
    return f"{shown(text)} is not a number written as {notation}. Correct it, or load the file with another notation."


def plain_date(text: str, notation: DateNotation) -> str:
    """`text` as year-month-day. ValueError with a sentence when it does not fit; the calendar is not asked."""
    found = re.fullmatch(_DATES[notation][1:-1], text)
    if found is None:
        raise ValueError(f"{shown(text)} is not a date written as {notation}. Correct it.")
    return f"{found['y']}-{int(found['m']):02}-{int(found['d']):02}"


def fits_date(text: str, notation: DateNotation) -> bool:
    """Whether `text` is a possible day in this notation."""
    found = re.fullmatch(_DATES[notation][1:-1], text)
    return found is not None and 1 <= int(found["m"]) <= 12 and 1 <= int(found["d"]) <= 31


@dataclass(frozen=True)
class Example:
    """A text of a file with its place."""

    text: str
    column: str
    line: int


@dataclass(frozen=True)
class Evidence:
    """Texts seen that fit some notation but not this one, by notation; and one that tells notations apart."""

    misfits: Mapping[str, int]  # by notation
    example: Example | None = None


def number_notation(evidence: Evidence) -> NumberNotation | None:
    """The notation that fits most; None when two that mean different amounts fit equally well."""
    if evidence.example is None:
        return NumberNotation.PLAIN
    fewest = min(evidence.misfits.values())
    best = [notation for notation in NumberNotation if evidence.misfits[notation] == fewest]
    decimals = {_MARKS[notation].decimal if notation in _MARKS else "." for notation in best}
    return best[0] if len(decimals) == 1 else None


def date_notation(evidence: Evidence) -> DateNotation | None:
    """The notation that fits most; None when day and month cannot be told apart."""
    if evidence.example is None:
        return DateNotation.ISO
    fewest = min(evidence.misfits.values())
    best = [notation for notation in DateNotation if evidence.misfits[notation] == fewest]
    return best[0] if len(best) == 1 else None
