"""Which facts are meant: columns, conditions and slices, as everybody who filters a cube writes them."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class ColumnRef:
    """A column of a dimension, written `Fund.Code`. Names are compared as they are."""

    dimension: str
    column: str

    def __str__(self) -> str:
        return f"{self.dimension}.{self.column}"

    @classmethod
    def parse(cls, text: str) -> "ColumnRef":
        """The column that `text` names; dimension names hold no dot, column names may. ValueError without a dot."""
        dimension, dot, column = text.partition(".")
        if not (dimension and dot and column):
            raise ValueError(f"{text!r} does not name a column as Dimension.Column.")
        return cls(dimension, column)


class Operator(StrEnum):
    IN = "in"
    NOT_IN = "not in"
    BETWEEN = "between"
    CONTAINS = "contains"
    BLANK = "blank"
    NOT_BLANK = "not blank"
    BEGINS = "begins with"


@dataclass(frozen=True)
class Condition:
    """One condition. Text is compared byte for byte; several values of *contains* or *begins with* mean any of them,
    and *between* takes both ends.

    Blank is empty or missing; a value of blanks only is a value. *not in* keeps blank rows, and an empty value in a
    list of *in* or *not in* stands for blank.
    """

    column: ColumnRef
    operator: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slice:
    """Conditions that must all hold; none is the whole cube."""

    conditions: tuple[Condition, ...] = ()
