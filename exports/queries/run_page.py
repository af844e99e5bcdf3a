"""Everything on the page of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.template.defaultfilters import filesizeformat, pluralize
from django.utils import timezone

from exports import frozen
from exports.models import Attempt, Reconciliation, Rejection, Run, RunTotal
from exports.rules.configuration import FIXED_LABELS, MAIN_ACCOUNT
from exports.rules.stages import Event, Stage, span_text, stages_of
from exports.rules.states import BEFORE_START, CHIP_OF, TERMINAL, State

LINES_PER_PAGE = 50
SHOWN_REJECTIONS = 100
ACCESS_CHANGED = "BRE-ACCESS-CHANGED"
CREATED = "Budget register entries created successfully"
LOOK_OF_RESULT = {
    "in Finance": "info",
    "asking Finance": "unknown",
    "completed": "success",
    "partly completed": "warning",
    "failed": "danger",
}
# Seconds between two questions of the page, by the age of the run in seconds.
POLLING = ((60, 2), (300, 5), (1800, 10))
SLOWEST = 30


@dataclass(frozen=True)
class StageView:
    name: str
    look: str
    note: str


@dataclass(frozen=True)
class ProofRow:
    """One comparison; `equal` of cube with package, and of package with Finance."""

    label: str
    cube: object
    package: object
    finance: object
    difference: object
    is_amount: bool
    currency: str = ""
    note: str = ""

    @property
    def equals(self) -> tuple[bool, bool]:
        return self.cube == self.package, self.package == self.finance


@dataclass(frozen=True)
class TotalBlock:
    """Values of a segment (value, lines, amount), largest first, those that are left over, and the total of all."""

    label: str
    values: Sequence[tuple[str, int, Decimal]]
    others: int
    other_lines: int
    other_amount: Decimal
    total: RunTotal


@dataclass(frozen=True)
class AttemptView:
    row: Attempt
    kind: str
    word: str


@dataclass(frozen=True)
class LinesPage:
    """One page of the frozen lines; `counts` by outcome over all that match the search."""

    lines: Sequence[frozen.Line]
    counts: dict[str, int]
    total: int
    first: int
    has_next: bool

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1


class RunPage:
    """A run for its page. Cube data (counts, totals, lines, proof) only with `numbers`: for readers who may see exports
    and see all that the requester saw. `whole` = nothing of the cube is hidden from the reader."""

    def __init__(self, run: Run, *, numbers: bool, whole: bool = False) -> None:
        self.run = run
        self.numbers = numbers
        self.whole = numbers and whole
        self.part = numbers and bool(run.seen_sha256)
        self.state = run.status
        self.chip_kind, self.chip_word = CHIP_OF[run.status]
        self.ended = run.status in TERMINAL
        self.before_start = run.status in BEFORE_START

    @property
    def shows_texts(self) -> bool:
        """Findings about lines and values (codes BRE-…) may quote cube data; those about connections do not."""
        return texts_are_free(self.run) or self.numbers

    @property
    def trouble(self) -> str:
        """What holds the run up. While lines are compared it may count them."""
        if self.run.trouble and not self.numbers and self.state is State.VERIFYING:
            return "The entry cannot be read back whole yet. The export asks again by itself."
        return self.run.trouble

    @property
    def part_chip(self) -> bool:
        """Whether the slice counts as partial for this reader."""
        return not self.whole or self.run.unseen_rows != 0

    @property
    def part_text(self) -> str:
        """What a run of part of the values leaves out. How much that is, only those hear who see everything."""
        who, unseen = self.run.requested_by, self.run.unseen_rows
        if not self.whole:
            return f"Rows with values that {who} may not see, if there are any, are no part of this export."
        if unseen is None:
            return f"Rows that {who} may not see are no part of this export."
        if not unseen:
            return f"{who} sees a part of the cube; every row that passes the filters is in this export."
        rows = "1 row passes" if unseen == 1 else f"{unseen:,} rows pass"
        verb = "is" if unseen == 1 else "are"
        return f"{rows} the filters and {verb} no part of this export: {who} may not see them."

    @property
    def with_lines(self) -> str:
        count = self.run.line_count if self.numbers else None
        return "" if count is None else f" with {count:,} line{pluralize(count)}"

    @cached_property
    def attempts(self) -> list[AttemptView]:
        return [
            AttemptView(row, LOOK_OF_RESULT.get(row.result, "neutral"), row.result.capitalize() or "Starting")
            for row in self.run.attempts.all()
        ]

    @cached_property
    def reconciliation(self) -> Reconciliation | None:
        return Reconciliation.objects.filter(run=self.run).first() if self.numbers else None

    @cached_property
    def stages(self) -> list[StageView]:
        events = [Event(State(event.new_state), event.at) for event in self.run.events.all()]
        return [StageView(stage.name, stage.look, self._note(stage)) for stage in stages_of(events)]

    def _note(self, stage: Stage) -> str:
        if stage.since is None:
            return "Not reached" if self.ended else ""
        parts = [span_text(stage.lasted) if stage.lasted is not None else f"since {_clock(stage.since)}"]
        if stage.name == "Queued":
            parts = [_clock(stage.since)]
        elif stage.name == "Sending" and self.attempts:
            parts.append(f"{len(self.attempts)} attempt{pluralize(len(self.attempts))}")
        elif stage.look in ("bad", "warn", "unsure") or stage.name == "Completed":
            parts = [_clock(stage.since), f"{span_text(stage.lasted)} in all" if stage.lasted is not None else ""]
        if self.numbers:
            parts.append(self._numbers_of(stage.name))
        return ", ".join(part for part in parts if part)

    def _numbers_of(self, stage: str) -> str:
        run = self.run
        if stage == "Preparing" and run.line_count is not None:
            return f"{run.cube_rows:,} rows to {run.line_count:,} lines"
        if stage == "Sending" and run.package_bytes:
            return filesizeformat(run.package_bytes)
        if stage == "In Finance" and run.finance_lines is not None:
            return f"{run.finance_lines:,} lines"
        if stage == "Checking" and self.reconciliation:
            return "all equal" if self.reconciliation.agrees else "not equal"
        return ""

    @property
    def shows_progress(self) -> bool:
        """Whether Finance itself has named a count."""
        return self.numbers and self.state is State.RUNNING and self.run.finance_lines is not None

    @property
    def max_retries(self) -> int:
        return int(settings.EXPORT_MAX_RETRIES)

    @property
    def poll_seconds(self) -> int:
        age = (timezone.now() - self.run.created_at).total_seconds()
        return next((seconds for limit, seconds in POLLING if age < limit), SLOWEST)

    @cached_property
    def totals(self) -> list[RunTotal]:
        return list(self.run.totals.filter(place=RunTotal.Place.PACKAGE)) if self.numbers else []

    @property
    def only_total(self) -> RunTotal | None:
        """The total when all lines share amount type and currency: they stand in the heading then."""
        return self.totals[0] if len(self.totals) == 1 else None

    @property
    def only_currency(self) -> str:
        currencies = {total.currency for total in self.totals}
        return currencies.pop() if len(currencies) == 1 else ""

    @property
    def has_lines(self) -> bool:
        return self.numbers and bool(self.run.lines_sha256) and (self.run.folder / frozen.LINES).exists()

    @property
    def segment_labels(self) -> list[str]:
        return [FIXED_LABELS.get(name, name) for name in self.run.segments]

    @cached_property
    def blocks(self) -> list[TotalBlock]:
        """One block per amount type and currency, by the first segment beside the main account."""
        names = self.run.segments
        number = next((n for n, name in enumerate(names) if name != MAIN_ACCOUNT), 0)
        found = frozen.segment_totals(self.run.folder, segment=number) if self.has_lines and names else {}
        label = self.segment_labels[number] if found else "Type"
        return [_block(label, total, found.get((total.amount_type, total.currency), [])) for total in self.totals]

    def lines(self, *, search: str, outcome: str, page: int) -> LinesPage | None:
        """One page of lines, largest first; None when nothing is frozen (yet)."""
        if not self.has_lines:
            return None
        offset = (page - 1) * LINES_PER_PAGE
        counts, lines = frozen.lines_page(
            self.run.folder, segments=len(self.run.segments), search=search, outcome=outcome, offset=offset
        )
        total = counts.get(outcome, 0) if outcome else sum(counts.values())
        return LinesPage(lines, counts, total, offset + 1, offset + LINES_PER_PAGE < total)

    @cached_property
    def rejections(self) -> list[Rejection]:
        return list(self.run.rejections.all()[:SHOWN_REJECTIONS]) if self.numbers else []

    @cached_property
    def rejection_count(self) -> int:
        shown = len(self.rejections)
        return shown if shown < SHOWN_REJECTIONS else self.run.rejections.count()

    @cached_property
    def proof(self) -> list[ProofRow]:
        """Cube, package and Finance side by side; empty before the read-back."""
        found = self.reconciliation
        if found is None:
            return []
        run, sums = self.run, self._sums()
        lines = run.line_count or 0
        note = f"from {run.cube_rows:,} rows" if run.cube_rows is not None else ""
        rows = [ProofRow("Lines", lines, lines, found.lines, found.lines - lines, False, note=note)]
        for (kind, currency), (cube, package, finance) in sorted(sums.items()):
            rows.append(ProofRow(f"{kind}, {currency}", cube, package, finance, finance - package, True, currency))
        bad = found.missing + found.different
        keys = ", ".join(
            f"{count:,} {word}"
            for count, word in ((found.missing, "missing"), (found.extra, "extra"), (found.different, "different"))
            if count
        )
        rows.append(
            ProofRow("Line keys", lines, lines, lines - bad if bad else lines + found.extra, keys or "0", False)
        )
        return rows

    def _sums(self) -> dict[tuple[str, str], tuple[Decimal, Decimal, Decimal]]:
        found: dict[tuple[str, str], dict[str, Decimal]] = {}
        for total in self.run.totals.all():
            found.setdefault((total.amount_type, total.currency), {})[total.place] = total.amount
        zero = Decimal(0)
        return {
            key: (places.get("cube", zero), places.get("package", zero), places.get("finance", zero))
            for key, places in found.items()
        }

    @property
    def verdict(self) -> tuple[str, str]:
        """Chip of the proof."""
        found = self.reconciliation
        if found is None or found.agrees:
            return "success", "Cube, package and Finance agree"
        counts = ((found.missing, "missing"), (found.extra, "extra"), (found.different, "different"))
        words = [f"{count:,} line{pluralize(count)} {word}" for count, word in counts if count]
        return "danger", f"Finance differs: {', '.join(words)}"


def texts_are_free(run: Run) -> bool:
    """Whether the texts of a failure quote nothing of the cube: those about connections and access, all with a code."""
    return bool(run.code) and (run.code == ACCESS_CHANGED or not run.code.startswith("BRE-"))


def _block(label: str, total: RunTotal, rows: Sequence[tuple[str, int, Decimal, int]]) -> TotalBlock:
    others = rows[0][3] - len(rows) if rows else 0
    lines = total.lines - sum(row[1] for row in rows) if others else 0
    amount = total.amount - sum((row[2] for row in rows), Decimal(0)) if others else Decimal(0)
    return TotalBlock(label, [row[:3] for row in rows], others, lines, amount, total)


def _clock(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%H:%M:%S")
