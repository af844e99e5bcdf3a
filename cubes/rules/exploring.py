"""What a reader looks at in a cube, as it stands in the page's address: pivot, filter and order."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .slices import ColumnRef, Condition, Operator, Slice

WORDS = {
    Operator.IN: "is",
    Operator.NOT_IN: "is not",
    Operator.BETWEEN: "is between",
    Operator.CONTAINS: "contains",
    Operator.BEGINS: "begins with",
    Operator.BLANK: "is blank",
    Operator.NOT_BLANK: "is not blank",
}


@dataclass(frozen=True)
class Looking:
    """Pivot, filter and order of a view. `sort` is a column's number, `total`, or `name` of the rows."""

    rows: ColumnRef
    columns: ColumnRef | None
    driver: str
    slice_: Slice
    sort: str = "total"


def condition_text(condition: Condition) -> str:
    """`condition` as one parameter of an address; values keep every character."""
    return json.dumps([str(condition.column), condition.operator.value, *condition.values], ensure_ascii=False)


def parse_condition(text: str) -> Condition:
    """The condition that `condition_text` wrote. ValueError for anything else."""
    parts = json.loads(text)
    if not isinstance(parts, list) or len(parts) < 2 or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"{text!r} is not a filter.")
    column, operator, *values = parts
    return Condition(ColumnRef.parse(column), Operator(operator), tuple(values))


def parse_slice(texts: Iterable[str]) -> tuple[Slice, int]:
    """The filter in the parameters of an address, and how many of them could not be read."""
    conditions, unread = [], 0
    for text in texts:
        try:
            conditions.append(parse_condition(text))
        except ValueError:
            unread += 1
    return Slice(tuple(conditions)), unread


def condition_words(condition: Condition) -> str:
    """Column and operator as people read them: `Department is any of`; the values follow."""
    several = len(condition.values) > 1
    words = WORDS[condition.operator]
    if condition.operator is Operator.IN and several:
        words = "is any of"
    if condition.operator is Operator.NOT_IN and several:
        words = "is none of"
    return f"{condition.column} {words}"


def without(slice_: Slice, index: int) -> Slice:
    """`slice_` without its condition number `index`."""
    kept = tuple(condition for number, condition in enumerate(slice_.conditions) if number != index)
    return replace(slice_, conditions=kept)
