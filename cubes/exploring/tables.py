"""Tables and the chart of the Explore page, from a pivot."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from cubes.rules.bars import MOST_SERIES, Chart, bar_chart
from cubes.rules.exploring import Looking
from cubes.rules.pivot import Pivot, PivotRow

from .looking import address_of

BLANK = "blank"
NAME, TOTAL = "name", "total"


@dataclass(frozen=True)
class Head:
    label: str
    address: str
    sorted: bool
    aria: SafeString


@dataclass(frozen=True)
class Row:
    label: str
    cells: tuple[Decimal | None, ...]
    total: Decimal
    count: int


@dataclass(frozen=True)
class PivotView:
    """The pivot in the chosen order, with the addresses of the other orders."""

    name_head: Head
    heads: tuple[Head, ...]
    total_head: Head
    rows: tuple[Row, ...]
    totals: tuple[Decimal, ...]
    total: Decimal
    count: int
    hidden: int
    order_words: str

    @property
    def all_rows(self) -> int:
        return len(self.rows) + self.hidden


def pivot_view(found: Pivot, page: str, looking: Looking) -> PivotView:
    """`found` as the page shows it."""
    heads = tuple(_head(member or BLANK, str(number), page, looking) for number, member in enumerate(found.columns))
    return PivotView(
        name_head=_head(str(looking.rows), NAME, page, looking),
        heads=heads,
        total_head=_head("All columns" if found.columns else "Total", TOTAL, page, looking),
        rows=tuple(Row(row.member or BLANK, row.cells, row.total, row.facts) for row in _ordered(found, looking.sort)),
        totals=found.column_totals,
        total=found.total,
        count=found.facts,
        hidden=found.hidden_rows,
        order_words=_order_words(found, looking.sort),
    )


def _head(label: str, sort: str, page: str, looking: Looking) -> Head:
    chosen = looking.sort == sort
    direction = "ascending" if sort == NAME else "descending"
    aria = mark_safe(f' aria-sort="{direction}"') if chosen else SafeString("")  # noqa: S308  one of two words
    return Head(label, address_of(page, looking, sort=sort), chosen, aria)


def _ordered(found: Pivot, sort: str) -> list[PivotRow]:
    if sort == NAME:
        return sorted(found.rows, key=lambda row: row.member)
    number = _number(found, sort)
    if number is None:
        return list(found.rows)
    return sorted(found.rows, key=lambda row: -(row.cells[number] or Decimal(0)))


def _number(found: Pivot, sort: str) -> int | None:
    return int(sort) if sort.isdecimal() and int(sort) < len(found.columns) else None


def _order_words(found: Pivot, sort: str) -> str:
    if sort == NAME:
        return "By name"
    number = _number(found, sort)
    return "Largest first" if number is None else f"Largest {found.columns[number] or BLANK} first"


def chart_context(found: Pivot) -> dict[str, Any]:
    """The bars of the largest rows; a legend when the columns are few enough to be series."""
    stacked = 0 < len(found.columns) <= MOST_SERIES
    chart: Chart = bar_chart(
        [
            (row.member or BLANK, [cell or Decimal(0) for cell in row.cells] if stacked else [], row.total)
            for row in found.rows
        ]
    )
    legend = [{"series": number, "label": member or BLANK} for number, member in enumerate(found.columns, start=1)]
    return {"chart": chart, "legend": legend if stacked else []}


def by_period(found: Pivot, most: int) -> list[Row]:
    """Totals by period, in the order of time; the latest ones when there are many."""
    ordered = sorted(found.rows, key=lambda row: row.member)[-most:]
    return [replace(_row(row), cells=()) for row in ordered]


def _row(row: PivotRow) -> Row:
    return Row(row.member or BLANK, row.cells, row.total, row.facts)
