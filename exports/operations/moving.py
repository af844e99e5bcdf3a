"""The one writer of a run's state. Every move carries the fence of the claim."""

from typing import Any

from django.db import transaction
from django.db.models import Max

from bpp_portal.audit.operations import record
from bpp_portal.kernel.clock import database_now
from exports.models import Run, RunEvent
from exports.rules.states import TERMINAL, State, may_follow

from .leasing import LeaseLost, same_claim, write
from .telling import tell_end


class ForbiddenMove(Exception):
    """The transition table does not allow this move: a defect, never a person's mistake."""


def move(*, run: Run, to: State, actor: Any = None, note: str = "", **fields: Any) -> None:
    """Change the state: compare-and-swap on state and fence, plus the event row, in one transaction.

    Who asked for the run is told when it ends.
    """
    old = run.status
    if old is to:
        write(run, **fields)
        return
    if not may_follow(old, to):
        raise ForbiddenMove(f"{run} may not move from {old} to {to}")
    now = database_now()
    if to in TERMINAL:
        fields |= {"ended_at": now, "lease_until": None, "not_before": None}
    with transaction.atomic():
        won = same_claim(run).filter(state=old).update(state=to, **fields)
        if not won:
            raise LeaseLost(run.pk)
        tell_end(run=run, state=to)
        add_event(run=run, old=old, new=to, actor=actor, note=note, at=now)
    run.state = to
    for name, value in fields.items():
        setattr(run, name, value)


def add_event(*, run: Run, old: State | None, new: State, at: Any, actor: Any = None, note: str = "") -> RunEvent:
    """Append the next event of a run, and its entry in the audit trail; inside the caller's transaction."""
    last = run.events.aggregate(last=Max("seq"))["last"] or 0
    event = RunEvent.objects.create(
        run=run,
        seq=last + 1,
        at=at,
        old_state=old or "",
        new_state=new,
        actor=actor,
        fence=run.fence,
        note=note,
    )
    record(
        actor=actor,
        verb="move run",
        subject=f"run {run.uuid}",
        detail=f"{run.entry_number}: {note}" if note else run.entry_number,
        before=str(old or ""),
        after=str(new),
    )
    return event
