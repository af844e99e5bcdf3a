"""What a person makes of the sheets: the answers of the wizard, and their form as JSON between its pages."""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from cubes.rules.shape import DataType


class Role(StrEnum):
    FACT = "fact"
    DIMENSION = "dimension"
    OUT = "leave out"


class Use(StrEnum):
    """What a column of the fact sheet is. OWN = a new dimension of the column's values."""

    DIMENSION = "dimension"
    OWN = "own dimension"
    DRIVER = "driver"
    OUT = "leave out"


@dataclass(frozen=True)
class ColumnPlan:
    """A column of a dimension sheet. `linked_to` is `Dimension.Column` or empty."""

    header: str
    kept: bool
    data_type: DataType
    precision: int = 0
    linked_to: str = ""


@dataclass(frozen=True)
class SheetPlan:
    """A sheet with its role. `name` and `key`, the header of the primary name column, are those of a dimension."""

    file: int
    sheet: str
    role: Role
    name: str = ""
    key: str = ""
    columns: tuple[ColumnPlan, ...] = ()


@dataclass(frozen=True)
class FactPlan:
    """A column of the fact sheet. `dimension` is a name; `precision` belongs to drivers; `reason` says why it is so."""

    header: str
    use: Use
    dimension: str = ""
    precision: int = 2
    reason: str = ""
    is_date: bool = False


@dataclass(frozen=True)
class Plan:
    """All answers. `facts` are the columns of the one fact sheet, once it is known."""

    name: str
    sheets: tuple[SheetPlan, ...]
    facts: tuple[FactPlan, ...] = ()

    @property
    def fact_sheet(self) -> SheetPlan | None:
        found = [sheet for sheet in self.sheets if sheet.role is Role.FACT]
        return found[0] if len(found) == 1 else None

    @property
    def dimension_sheets(self) -> tuple[SheetPlan, ...]:
        return tuple(sheet for sheet in self.sheets if sheet.role is Role.DIMENSION)

    def with_sheet(self, number: int, sheet: SheetPlan) -> "Plan":
        return replace(self, sheets=(*self.sheets[:number], sheet, *self.sheets[number + 1 :]))


def to_json(plan: Plan) -> dict[str, Any]:
    """`plan` for a JSON field."""
    return asdict(plan)


def from_json(data: dict[str, Any]) -> Plan:
    """The plan that `to_json` wrote."""
    sheets = tuple(
        SheetPlan(**{**sheet, "role": Role(sheet["role"]), "columns": tuple(_column(one) for one in sheet["columns"])})
        for sheet in data["sheets"]
    )
    facts = tuple(FactPlan(**{**fact, "use": Use(fact["use"])}) for fact in data["facts"])
    return Plan(data["name"], sheets, facts)


def _column(data: dict[str, Any]) -> ColumnPlan:
    return ColumnPlan(**{**data, "data_type": DataType(data["data_type"])})
