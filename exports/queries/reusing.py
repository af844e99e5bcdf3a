"""An earlier export beside the cube as it is now: what still fits, and what it would send."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bpp_portal.kernel.problems import Problem
from exports.models import Run, RunTotal
from exports.rules.configuration import Configuration, Source

from .pane import WORDS, FilterView, MapRow, Pane
from .seeing import Reader

FITS = ("success", "Fits")
WORD_OF_CODE = {
    "BRE-COLUMN-GONE": "Column gone",
    "filter-column-unknown": "Column gone",
    "BRE-WRONG-TYPE": "Type changed",
    "BRE-UNKNOWN-VALUE": "Value gone",
    "BRE-INACTIVE-VALUE": "Value gone",
    "BRE-STOPPED-MODEL": "Model stopped",
    "BRE-UNMAPPED": "Not mapped",
}


@dataclass(frozen=True)
class FitRow:
    row: MapRow
    earlier: str
    kind: str
    word: str


@dataclass(frozen=True)
class FitFilter:
    view: FilterView
    earlier: str
    kind: str
    word: str


@dataclass(frozen=True)
class ThenNow:
    label: str
    then: object
    now: object
    is_amount: bool = False
    currency: str = ""


@dataclass(frozen=True)
class Reuse:
    """What the reuse page shows beside the form."""

    rows: tuple[FitRow, ...]
    filters: tuple[FitFilter, ...]
    facts: tuple[ThenNow, ...]
    misfits: int
    newer_snapshot: bool

    @property
    def fitting_rows(self) -> int:
        return sum(1 for row in self.rows if row.kind == "success")

    @property
    def fitting_filters(self) -> int:
        return sum(1 for row in self.filters if row.kind == "success")


def compare(*, run: Run, earlier: Configuration, pane: Pane, user: Any) -> Reuse:
    """`run` with its configuration, as far as `user` sees both, against what stands in the form now."""
    rows = tuple(FitRow(row, _source(earlier.source(row.target.name)), *_fit(row.problems)) for row in pane.rows)
    before = [f"{WORDS[one.operator]} {', '.join(one.values[:5])}".strip() for one in earlier.conditions]
    before += [""] * max(len(pane.filters) - len(before), 0)
    filters = tuple(
        FitFilter(view, text, *_fit(view.problems)) for view, text in zip(pane.filters, before, strict=False)
    )
    return Reuse(
        rows=rows,
        filters=filters,
        facts=tuple(_facts(run, pane, Reader(user))),
        misfits=len(pane.problems),
        newer_snapshot=pane.whole and pane.snapshot.pk != run.snapshot_id,
    )


def _source(source: Source) -> str:
    if source.column:
        return source.column
    return f"Always {source.constant}" if source.constant else ""


def _fit(problems: Sequence[Problem]) -> tuple[str, str]:
    if not problems:
        return FITS
    return "danger", WORD_OF_CODE.get(problems[0].code, "Does not fit")


def _facts(run: Run, pane: Pane, reader: Reader) -> list[ThenNow]:
    """What was sent and would be sent; of a run of somebody who saw more, nothing that was."""
    facts = [ThenNow("Snapshot", run.snapshot.number, pane.snapshot.number)] if pane.whole else []
    shown = reader.numbers(run)
    facts += [
        ThenNow("Cube rows", run.cube_rows if shown else None, pane.checked.rows),
        ThenNow("Lines", run.line_count if shown else None, pane.line_count),
    ]
    sent_totals = run.totals.filter(place=RunTotal.Place.PACKAGE) if shown else []
    then = {(t.amount_type, t.currency): t.amount for t in sent_totals}
    now = {(t.amount_type, t.currency): t.amount for t in pane.checked.totals}
    for kind, currency in sorted({*then, *now}):
        sent, sends = then.get((kind, currency)), now.get((kind, currency))
        facts.append(ThenNow(f"{kind or 'Amount'}, {currency}", sent, sends, True, currency))
        if sent is not None and sends is not None:
            facts.append(ThenNow("Change", None, Decimal(sends) - Decimal(sent), True, currency))
    return facts
