"""The one writer of a run's state: claim, move, release. Every write carries the fence of the claim."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max, Q

from bpp_portal.audit.operations import record
from bpp_portal.kernel.clock import database_now
from exports.models import Run, RunEvent
from exports.rules.states import FLOW_OF, TERMINAL, State, may_follow

from .telling import tell_end


class LeaseLost(Exception):
    """Somebody else took the run over; stop at once, without any further effect."""


class ForbiddenMove(Exception):
    """The transition table does not allow this move: a defect, never a person's mistake."""


def claim(*, run_id: int, flow: str) -> Run | None:
    """Take the run for one step of `flow`, or None when it is not due, not this flow's, or held by another."""
    now = database_now()
    states = [state.value for state, name in FLOW_OF.items() if name == flow]
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    due = Q(not_before__isnull=True) | Q(not_before__lte=now)
    won = Run.objects.filter(free, due, pk=run_id, state__in=states).update(
        fence=F("fence") + 1, lease_until=now + timedelta(seconds=settings.EXPORT_LEASE)
    )
    return (
        Run.objects.select_related("environment", "export__cube", "snapshot", "requested_by").get(pk=run_id)
        if won
        else None
    )


def renew(*, run: Run) -> None:
    """Extend the lease; raises LeaseLost when the fence moved on."""
    write(run=run, lease_until=database_now() + timedelta(seconds=settings.EXPORT_LEASE))


@contextmanager
def heartbeat(run: Run) -> Iterator[None]:
    """Extends the lease from a thread of its own while a long step runs."""
    stop = Event()

    def beat() -> None:
        try:
            while not stop.wait(settings.EXPORT_LEASE / 3):
                renew(run=Run(pk=run.pk, fence=run.fence))
        except LeaseLost:
            pass  # the next write of the step itself meets the same loss and stops it
        finally:
            connection.close()

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def write(*, run: Run, **fields: Any) -> None:
    """Write `fields` of a claimed run; raises LeaseLost when the fence moved on."""
    if not Run.objects.filter(pk=run.pk, fence=run.fence).update(**fields):
        raise LeaseLost(run.pk)
    for name, value in fields.items():
        setattr(run, name, value)


def move(*, run: Run, to: State, actor: Any = None, note: str = "", **fields: Any) -> None:
    """Change the state: compare-and-swap on state and fence, plus the event row, in one transaction.

    Who asked for the run is told when it ends.
    """
    old = run.status
    if old is to:
        write(run=run, **fields)
        return
    if not may_follow(old, to):
        raise ForbiddenMove(f"{run} may not move from {old} to {to}")
    now = database_now()
    if to in TERMINAL:
        fields |= {"ended_at": now, "lease_until": None, "not_before": None}
    with transaction.atomic():
        won = Run.objects.filter(pk=run.pk, fence=run.fence, state=old).update(state=to, **fields)
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


def release(*, run: Run) -> None:
    """Give the run free for the next step."""
    Run.objects.filter(pk=run.pk, fence=run.fence).update(lease_until=None)
