"""A run in a few facts, the same for the command, the API and notifications."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from exports.models import Run, RunTotal
from exports.rules.states import CHIP_OF


@dataclass(frozen=True)
class TotalFact:
    amount_type: str
    currency: str
    lines: int
    amount: Decimal


@dataclass(frozen=True)
class Summary:
    """`status` is the word people see, `state` the internal one; `totals` are those of the package."""

    run_id: str
    entry_number: str
    name: str
    cube: str
    legal_entity: str
    budget_model: str
    budget_code: str
    status: str
    state: str
    requested_by: str
    runs_as: str
    created_at: str
    cube_rows: int | None
    lines: int | None
    totals: tuple[TotalFact, ...]
    retries_used: int
    execution_id: str
    headline: str
    cause: str
    hint: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; amounts as text, so that no reader makes floats of them."""
        data = asdict(self)
        for total in data["totals"]:
            total["amount"] = format(total["amount"], "f")
        return data


def summary_of(run: Run) -> Summary:
    """The summary of `run`."""
    export, attempt = run.export, run.attempts.last()
    return Summary(
        run_id=str(run.uuid),
        entry_number=run.entry_number,
        name=export.name,
        cube=export.cube.slug,
        legal_entity=export.legal_entity,
        budget_model=export.budget_model,
        budget_code=export.budget_code,
        status=CHIP_OF[run.status][1],
        state=run.state,
        requested_by=run.requested_by.get_username(),
        runs_as=run.runs_as,
        created_at=run.created_at.isoformat(),
        cube_rows=run.cube_rows,
        lines=run.line_count,
        totals=tuple(
            TotalFact(total.amount_type, total.currency, total.lines, total.amount)
            for total in run.totals.filter(place=RunTotal.Place.PACKAGE)
        ),
        retries_used=run.retries_used,
        execution_id=attempt.execution_id if attempt else "",
        headline=run.headline,
        cause=run.cause,
        hint=run.hint,
    )
