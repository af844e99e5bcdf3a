"""A pivot of exact sums: members down, members across, totals of all."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext

# Enough for the sum of any number of the longest amounts; the usual 28 digits would round.
DIGITS = 80


@dataclass(frozen=True)
class PivotRow:
    """One member down: `cells` in the order of the pivot's columns, None where there is no fact."""

    member: str
    cells: tuple[Decimal | None, ...]
    total: Decimal
    facts: int


@dataclass(frozen=True)
class Pivot:
    """Sums of one driver. Members are text as conditions take it, blank is empty; the largest sums come first.

    `columns` is empty when only rows were asked for; `column_totals` belong to `columns`. Totals are those of all
    facts, also when `hidden_rows` say that more members exist than `rows` shows.
    """

    columns: tuple[str, ...]
    rows: tuple[PivotRow, ...]
    column_totals: tuple[Decimal, ...]
    total: Decimal
    facts: int
    hidden_rows: int = 0


def pivot(groups: Iterable[tuple[str, str, Decimal, int]], across: bool, limit: int) -> Pivot:
    """The pivot of (row member, column member, sum, facts); row members beyond `limit` are counted, not shown."""
    with localcontext(prec=DIGITS):
        cells: dict[str, dict[str, Decimal]] = defaultdict(dict)
        facts: dict[str, int] = defaultdict(int)
        downs: dict[str, Decimal] = defaultdict(Decimal)
        acrosses: dict[str, Decimal] = defaultdict(Decimal)
        for row, column, amount, count in groups:
            cells[row][column] = amount
            facts[row] += count
            downs[row] += amount
            acrosses[column] += amount
        columns = tuple(_largest_first(acrosses)) if across else ()
        members = _largest_first(downs)
        rows = tuple(
            PivotRow(member, tuple(cells[member].get(column) for column in columns), downs[member], facts[member])
            for member in members[:limit]
        )
        return Pivot(
            columns=columns,
            rows=rows,
            column_totals=tuple(acrosses[column] for column in columns),
            total=sum(downs.values(), Decimal(0)),
            facts=sum(facts.values()),
            hidden_rows=max(len(members) - limit, 0),
        )


def _largest_first(sums: dict[str, Decimal]) -> list[str]:
    return sorted(sums, key=lambda member: (-abs(sums[member]), member))
