"""One step of a run for the worker: claim, do the one thing that its state asks for, decide, write down, hand on."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from structlog.contextvars import bound_contextvars

from bpp_portal import queue
from bpp_portal.kernel.clock import database_now
from exports.models import Run
from exports.rules.decide import Decision, Facts, Failure, Observation, Policy, Seen, decide
from exports.rules.states import ACTIVE, FLOW_OF, State

from . import building, following, sending
from .leasing import LeaseLost, claim, heartbeat, release, same_claim
from .moving import move

log = structlog.get_logger(__name__)

PERFORM = {
    State.REQUESTED: building.begin,
    State.BUILDING: building.build,
    State.READY: sending.upload,
    State.UPLOADED: sending.start,
    State.STARTING: sending.ask,
    State.IN_DOUBT: sending.ask,
    State.RUNNING: following.ask,
    State.VERIFYING: following.read_back,
}


def policy() -> Policy:
    """The deployment's numbers."""
    return Policy(
        max_retries=settings.EXPORT_MAX_RETRIES,
        retry_base=settings.EXPORT_RETRY_BASE,
        poll_base=settings.EXPORT_POLL_BASE,
        poll_max=settings.EXPORT_POLL_MAX,
        settle=settings.EXPORT_SETTLE,
        max_doubt=settings.EXPORT_MAX_DOUBT,
        max_run=settings.EXPORT_MAX_RUN,
    )


def step(*, run_id: int, flow: str) -> None:
    """Move the run on by as many steps as `flow` may do now. Safe to call twice, late, or never."""
    states = [state.value for state, name in FLOW_OF.items() if name == flow]
    mine = Run.objects.filter(state__in=states)
    run = claim(mine.select_related("environment", "export__cube", "snapshot", "requested_by"), run_id)
    if run is None:
        return
    try:
        # The border sends the run's id along, and every line of the log carries it.
        with heartbeat(run), bound_contextvars(run_id=run.uuid.hex):
            while run.status in FLOW_OF and FLOW_OF[run.status] == flow:
                if not _one(run):
                    break
    except LeaseLost:
        log.warning("lease lost", run=str(run), fence=run.fence)
        return
    except Exception:
        # A defect of ours must not spin: the run rests for a lease and is then tried again.
        log.exception("step failed", run=str(run), state=run.state)
        _rest(run)
        return
    release(run)
    if run.status in ACTIVE and not run.not_before:
        ring(run)


def _one(run: Run) -> bool:
    """Do one thing; whether to go on at once."""
    before = run.status
    observation = PERFORM[before](run)
    if observation is None:
        return run.status is not before and not run.not_before
    apply(run, observation)
    return run.status in ACTIVE and not run.not_before


def facts_of(run: Run) -> Facts:
    return Facts(
        state=run.status,
        retries_used=run.retries_used,
        asked=run.asked,
        sent_at=run.sent_at,
        doubt_since=run.doubt_since,
        fetched_under_lock=run.status in (State.STARTING, State.IN_DOUBT),
    )


def apply(run: Run, seen: Observation) -> Decision:
    """Decide and write the decision down."""
    now = database_now()
    decision = decide(facts_of(run), seen, now, policy())
    fields: dict[str, object] = {"not_before": now + timedelta(seconds=decision.wait) if decision.wait else None}
    fields["trouble"] = _words(decision.trouble)
    if decision.retry:
        fields["retries_used"] = run.retries_used + 1
    if decision.state is State.IN_DOUBT and run.status is not State.IN_DOUBT:
        fields |= {"doubt_since": now, "asked": 0}
    if decision.state in (State.RUNNING, State.UPLOADED) and run.status is not decision.state:
        fields |= {"doubt_since": None, "asked": 0}
    if decision.failure:
        failure = decision.failure
        fields |= {
            "headline": failure.headline,
            "cause": failure.cause,
            "hint": failure.hint,
            "code": failure.code,
            "trouble": "",
        }
    with transaction.atomic():
        sending.write_result(run, seen, decision)
        move(run=run, to=decision.state, note=_note(seen), **fields)
    return decision


def _words(trouble: Failure | None) -> str:
    return " ".join(part for part in (trouble.headline, trouble.cause, trouble.hint) if part) if trouble else ""


def _note(seen: Observation) -> str:
    return f"{seen.failure.headline}: {seen.failure.cause}" if seen.failure else ""


def _rest(run: Run) -> None:
    later = database_now() + timedelta(seconds=settings.EXPORT_LEASE)
    same_claim(run).update(
        lease_until=None,
        not_before=later,
        trouble="Something failed on our side. The export goes on by itself.",
    )


def ring(run: Run) -> None:
    """Wake the task of the flow that moves this run on."""
    if run.status in FLOW_OF:
        Run.objects.filter(pk=run.pk).update(rung_at=database_now())
        queue.ring(f"exports.tasks.{FLOW_OF[run.status]}", run.pk)


__all__ = ["Seen", "apply", "ring", "step"]
