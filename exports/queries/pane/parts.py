"""The parts of the pane: what one select, one mapping row and one condition show."""

from dataclasses import dataclass

from bpp_portal.kernel.problems import Problem
from cubes.rules.slices import Operator
from exports.forms import FilterRow
from exports.rules.configuration import Kind, Source, Target

EMPTY_LABELS = {Kind.DATE: "Choose a Date column", Kind.AMOUNT: "Choose a driver"}
RANGE, NO_VALUES, LIST = "range", "none", "list"
SHAPES = {Operator.BETWEEN: RANGE, Operator.BLANK: NO_VALUES, Operator.NOT_BLANK: NO_VALUES}
SHOWN_TOKENS = 50


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    selected: bool


@dataclass(frozen=True)
class Sample:
    """How many values would be sent, and the first of them; or a sentence."""

    count: int = 0
    values: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class MapRow:
    number: int
    target: Target
    note: str
    choices: tuple[Choice, ...]
    source: Source
    typing: bool
    suggested: bool
    sample: Sample
    offers: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def field(self) -> str:
        return f"mapping-{self.target.name}"

    @property
    def empty_label(self) -> str:
        return EMPTY_LABELS.get(self.target.kind, "Choose a column")


@dataclass(frozen=True)
class FilterView:
    index: int
    row: FilterRow
    columns: tuple[Choice, ...]
    operators: tuple[Choice, ...]
    anchor: str
    problems: tuple[Problem, ...]

    @property
    def name(self) -> str:
        return f"filter-{self.index}"

    @property
    def shape(self) -> str:
        return SHAPES.get(Operator(self.row.operator), LIST)

    @property
    def shown_values(self) -> tuple[str, ...]:
        return self.row.values[:SHOWN_TOKENS]

    @property
    def hidden_values(self) -> tuple[str, ...]:
        return self.row.values[SHOWN_TOKENS:]

    @property
    def bounds(self) -> tuple[str, str]:
        first, second, *_ = (*self.row.values, "", "")
        return first, second
