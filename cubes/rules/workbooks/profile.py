"""What a sheet looks like: its columns with their types, as their values show them."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from cubes.rules.shape import DataType

# Distinct values that are kept of a column, to compare it with the keys of other sheets.
KEPT = 20_000
SAMPLES = 3
MOST_DECIMALS = 10
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,21})(\.([0-9]+))?")
_ZEROS = re.compile(r"0[0-9]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class ColumnProfile:
    """A column of a sheet. `values` are its distinct values when these are at most KEPT, else empty.

    `data_type` is the narrowest that takes all of them; text also for numbers with leading zeros, which are codes.
    """

    header: str
    filled: int
    blanks: int
    distinct: int
    data_type: DataType
    precision: int
    negative: bool
    leading_zeros: bool
    samples: tuple[str, ...]
    values: frozenset[str]

    @property
    def is_key(self) -> bool:
        """Whether every record has a value of its own here."""
        return self.filled > 0 and self.blanks == 0 and self.distinct == self.filled

    @property
    def numeric(self) -> bool:
        return self.data_type in (DataType.INTEGER, DataType.DECIMAL)


@dataclass(frozen=True)
class SheetProfile:
    """A sheet: number of its file, the file's name, the sheet's name, records, and columns that have a header."""

    file: int
    label: str
    sheet: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    problem: str = ""

    @property
    def place(self) -> str:
        """How sentences call the sheet."""
        return f"{self.sheet} of {self.label}"

    def column(self, header: str) -> ColumnProfile | None:
        return next((column for column in self.columns if column.header == header), None)


def profile_column(header: str, distinct: Sequence[str], filled: int, blanks: int) -> ColumnProfile:
    """The profile of a column with the `distinct` values that are not empty, `filled` of them in all."""
    data_type, precision = type_of(distinct)
    return ColumnProfile(
        header=header,
        filled=filled,
        blanks=blanks,
        distinct=len(distinct),
        data_type=data_type,
        precision=precision,
        negative=data_type in (DataType.INTEGER, DataType.DECIMAL) and any(v.startswith("-") for v in distinct),
        leading_zeros=any(_ZEROS.fullmatch(value) for value in distinct),
        samples=tuple(distinct[:SAMPLES]),
        values=frozenset(distinct) if len(distinct) <= KEPT else frozenset(),
    )


def type_of(values: Collection[str]) -> tuple[DataType, int]:
    """The narrowest type that takes all `values`, and its decimals; text when there are none."""
    if not values:
        return DataType.TEXT, 0
    if all(value.lower() in ("true", "false") for value in values):
        return DataType.BOOLEAN, 0
    if all(_is_date(value) for value in values):
        return DataType.DATE, 0
    if all(_WHOLE.fullmatch(value) for value in values):
        return DataType.INTEGER, 0
    decimals = 0
    for value in values:
        found = _NUMBER.fullmatch(value)
        if not found:
            return DataType.TEXT, 0
        decimals = max(decimals, len(found[3] or ""))
    return DataType.DECIMAL, min(decimals, MOST_DECIMALS)


def _is_date(value: str) -> bool:
    try:
        return bool(_DATE.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False
