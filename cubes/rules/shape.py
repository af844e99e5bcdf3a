"""The shape of a cube: its dimensions with their columns, and its drivers. Plain facts for rules and the engine."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from .slices import ColumnRef


class DataType(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    BOOLEAN = "boolean"


TYPE_WORDS = {
    DataType.TEXT: "Text",
    DataType.INTEGER: "Whole number",
    DataType.DECIMAL: "Decimal",
    DataType.DATE: "Date",
    DataType.BOOLEAN: "Boolean",
}
# Digits of a decimal in all; a sum keeps six more than the longest value.
DECIMAL_DIGITS = 32


@dataclass(frozen=True)
class ColumnShape:
    """A column. A linked column takes the values of the column `linked_to` of another dimension, and no others."""

    name: str
    logical_name: str
    data_type: DataType
    precision: int = 0
    linked_to: ColumnRef | None = None

    @property
    def type_words(self) -> str:
        """The type as pages write it."""
        words = TYPE_WORDS[self.data_type]
        if self.data_type is not DataType.DECIMAL:
            return words
        return f"{words}, {self.precision} decimal{'' if self.precision == 1 else 's'}"


@dataclass(frozen=True)
class DimensionShape:
    """A dimension. `primary` is the logical name of the column that holds the member key."""

    name: str
    logical_name: str
    primary: str
    columns: tuple[ColumnShape, ...]
    source_column: str = ""

    @property
    def key(self) -> ColumnShape:
        return next(column for column in self.columns if column.logical_name == self.primary)

    @property
    def key_only(self) -> bool:
        """Whether a member is nothing but its key, so that facts alone can name it."""
        return len(self.columns) == 1


@dataclass(frozen=True)
class DriverShape:
    """A driver; both bounds belong to the values that it takes, None is no bound."""

    name: str
    logical_name: str
    precision: int
    source_column: str = ""
    lowest: Decimal | None = None
    highest: Decimal | None = None

    @property
    def limits(self) -> str:
        """The bounds in words; empty without any."""
        words = [
            f"{word} {bound:f}" for word, bound in (("from", self.lowest), ("to", self.highest)) if bound is not None
        ]
        return " ".join(words)


@dataclass(frozen=True)
class CalculatedShape:
    """A driver that is not loaded: `formula` over drivers, for every fact, rounded once to `precision` decimals."""

    name: str
    logical_name: str
    precision: int
    formula: str


@dataclass(frozen=True)
class CubeShape:
    """All names are unique; logical names also without regard to case, because the engine folds it.

    `drivers` are loaded, `calculated` ones are not. `links` are column link dimensions that are not among `dimensions`.
    """

    name: str
    dimensions: tuple[DimensionShape, ...]
    drivers: tuple[DriverShape, ...]
    calculated: tuple[CalculatedShape, ...] = ()
    links: tuple[DimensionShape, ...] = ()

    @property
    def every_dimension(self) -> tuple[DimensionShape, ...]:
        """The dimensions of the facts, and those that only supply linked columns: all that have members to load."""
        return (*self.dimensions, *self.links)

    def may_grow(self, dimension: DimensionShape) -> bool:
        """Whether facts alone can name members of `dimension`: these name it, and a member is nothing but its key."""
        return dimension.key_only and dimension in self.dimensions

    @property
    def every_driver(self) -> tuple[DriverShape | CalculatedShape, ...]:
        """The drivers that are loaded, then the calculated ones."""
        return (*self.drivers, *self.calculated)

    def find(self, ref: ColumnRef) -> tuple[DimensionShape, ColumnShape] | None:
        """The dimension and column that `ref` names, or None."""
        for dimension in self.dimensions:
            if dimension.name == ref.dimension:
                for column in dimension.columns:
                    if column.name == ref.column:
                        return dimension, column
        return None

    def driver(self, name: str) -> DriverShape | CalculatedShape | None:
        """The driver called `name`, or None."""
        return next((driver for driver in self.every_driver if driver.name == name), None)
