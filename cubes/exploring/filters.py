"""Filters of the Explore page: the tokens of those that hold, and the form that adds one."""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from cubes import queries
from cubes.models import Cube, Snapshot
from cubes.rules.exploring import WORDS, Looking, condition_words, without
from cubes.rules.filters import OPERATORS
from cubes.rules.shape import DataType
from cubes.rules.slices import ColumnRef, Condition, Operator, Slice

from .looking import address_of

SHOWN_VALUES = 3
LISTED_VALUES = 200
KINDS = {
    Operator.IN: "list",
    Operator.NOT_IN: "list",
    Operator.BETWEEN: "range",
    Operator.CONTAINS: "text",
    Operator.BEGINS: "text",
    Operator.BLANK: "none",
    Operator.NOT_BLANK: "none",
}


@dataclass(frozen=True)
class Token:
    """One condition that holds."""

    words: str
    values: tuple[str, ...]
    more: int
    without: str


@dataclass(frozen=True)
class Adding:
    """The condition that is being added; values are kept as they were typed."""

    column: ColumnRef
    data_type: DataType
    operator: Operator
    values: tuple[str, ...]
    search: str
    applied: bool

    @classmethod
    def of(cls, query: QueryDict, cube: Cube) -> "Adding | None":
        """What the form holds, or None when it is closed."""
        if "adding" not in query:
            return None
        columns = {str(column.ref): column for column in queries.columns_of(cube)}
        column = columns.get(query.get("fc", "")) or next(iter(columns.values()))
        allowed = [one for one in Operator if one in OPERATORS[column.data_type]]
        operator = next((one for one in allowed if one.value == query.get("fo")), allowed[0])
        values = tuple(query.getlist("fv"))
        return cls(column.ref, column.data_type, operator, values, query.get("fq", ""), "apply" in query)

    @property
    def kind(self) -> str:
        return KINDS[self.operator]

    def condition(self) -> Condition:
        return Condition(self.column, self.operator, () if self.kind == "none" else self.values)


def tokens(page: str, looking: Looking) -> dict[str, list[Token]]:
    """The conditions that hold, each with the address without it."""
    return {
        "tokens": [
            Token(
                condition_words(condition),
                condition.values[:SHOWN_VALUES],
                max(len(condition.values) - SHOWN_VALUES, 0),
                address_of(page, looking, slice_=without(looking.slice_, number)),
            )
            for number, condition in enumerate(looking.slice_.conditions)
        ]
    }


def form_context(
    adding: Adding | None, cube: Cube, snapshot: Snapshot, user: Any, looking: Looking | None
) -> dict[str, Any]:
    """The form that adds a condition; value lists are those of the view without the condition."""
    if adding is None:
        return {"adding": None}
    context: dict[str, Any] = {
        "adding": adding,
        "filter_column": str(adding.column),
        "filter_operator": adding.operator.value,
        "filter_kind": adding.kind,
        "filter_search": adding.search,
        "operators": [(one.value, WORDS[one]) for one in Operator if one in OPERATORS[adding.data_type]],
    }
    if adding.kind == "list":
        values = queries.column_values(
            snapshot=snapshot,
            user=user,
            column=adding.column,
            slice_=looking.slice_ if looking else Slice(),
            search=adding.search,
            limit=LISTED_VALUES,
        )
        listed = {value for value, _ in values.values} | ({""} if values.blank_rows else set())
        context |= {
            "values": values,
            "chosen": adding.values,
            "chosen_elsewhere": [value for value in adding.values if value not in listed],
        }
    return context
