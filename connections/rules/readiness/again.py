"""Asking about one precondition again: what has to be asked for it, and the verdict with the rest as it was."""

from collections.abc import Iterable
from dataclasses import dataclass

from .table import BY_KEY
from .verdict import Row
from .words import State

# Both sides say something about these: without Finance only half of it is known.
_OF_BOTH_SIDES = frozenset({"certificate", "clock"})


@dataclass(frozen=True)
class Holding:
    """Values of one cube column that hold the delimiter: how many."""

    cube: str
    column: str
    values: int


def needs(key: str) -> frozenset[str]:
    """`key` with everything it waits for, directly or not."""
    found: set[str] = set()
    left = [key, "finance"] if key in _OF_BOTH_SIDES else [key]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += BY_KEY[one].waits_for
    return frozenset(found)


def freed(before: Iterable[Row], now: Iterable[Row], asked: frozenset[str]) -> frozenset[str]:
    """Preconditions that waited for one of `asked` and need not wait any longer."""
    failing = {row.key for row in now if row.state is not State.PASSED}
    return frozenset(row.key for row in before if row.waits_for in asked and row.waits_for not in failing) - asked


def merged(before: Iterable[Row], now: Iterable[Row], asked: frozenset[str]) -> tuple[Row, ...]:
    """One row for each precondition: what was asked now, else what was known, unless it waits for what fails now."""
    fresh = {row.key: row for row in now if _is_fresh(row, asked)}
    failing = [key for key, row in fresh.items() if row.state is State.FAILS]
    return tuple(fresh.get(row.key) or _still(row, failing) for row in before)


def _is_fresh(row: Row, asked: frozenset[str]) -> bool:
    if row.key in _OF_BOTH_SIDES and "finance" not in asked:
        return row.is_open
    return row.key in asked or row.state is not State.NOT_CHECKED


def _still(row: Row, failing: list[str]) -> Row:
    cause = next((key for key in failing if key in needs(row.key)), "")
    if not cause:
        return row
    return Row(row.key, State.NOT_CHECKED, f"Waits for {BY_KEY[cause].label}", waits_for=cause)
