"""What happens next to a run: facts and one observation in, a decision out. No clock, no network, no database."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from .states import State


class Seen(StrEnum):
    """What the shell observed after doing one step."""

    BUILT = "built"
    UPLOADED = "uploaded"
    ACCEPTED = "accepted"  # the start call was answered with success
    DOUBT = "doubt"  # the start call left, its answer did not arrive
    REFUSED = "refused"  # transient and certain: nothing was received
    BUSY = "busy"  # asked to wait; never counted
    PERMANENT = "permanent"
    UNKNOWN_TO_FINANCE = "unknown to Finance"  # status question: not found
    FOUND = "found"  # status question: Finance has it, still at work
    FINISHED = "finished"  # status question: a final word of Finance
    AGREES = "agrees"
    DIFFERS = "differs"
    NOTHING_THERE = "nothing there"  # Finance's final word was bad and no line stands there
    NOTHING_THERE_TRANSIENT = "nothing there, transient"
    CANNOT_ASK = "cannot ask"  # the question itself failed; nothing is known


@dataclass(frozen=True)
class Failure:
    """Why a run failed or waits: documented headline, sharper cause, next step, stable code."""

    headline: str
    cause: str = ""
    hint: str = ""
    code: str = ""


@dataclass(frozen=True)
class Facts:
    """What deciding needs to know of a run."""

    state: State
    retries_used: int
    asked: int
    sent_at: datetime | None
    doubt_since: datetime | None
    fetched_under_lock: bool = False  # the question was asked while holding the environment's start lock


@dataclass(frozen=True)
class Policy:
    """Numbers of the deployment; seconds."""

    max_retries: int
    retry_base: float
    poll_base: float
    poll_max: float
    settle: float
    max_doubt: float
    max_run: float


@dataclass(frozen=True)
class Observation:
    seen: Seen
    failure: Failure | None = None
    retry_after: float | None = None


@dataclass(frozen=True)
class Decision:
    """The next state, when to act again, and what to write down."""

    state: State
    wait: float = 0.0
    retry: bool = False  # one of the counted retries was used
    new_attempt: bool = False  # the next start needs a new execution id
    failure: Failure | None = None
    trouble: Failure | None = field(default=None)  # shown while the run waits; not a failure


NEXT = {
    Seen.BUILT: State.READY,
    Seen.UPLOADED: State.UPLOADED,
    Seen.ACCEPTED: State.RUNNING,
    Seen.AGREES: State.SUCCEEDED,
    Seen.DIFFERS: State.PARTIAL,
    Seen.FINISHED: State.VERIFYING,
}
SUPPORT = "If you see repeated integration errors, contact your administrator or Microsoft support."


def decide(facts: Facts, seen: Observation, now: datetime, policy: Policy) -> Decision:
    """The decision for a run with `facts` after observing `seen` at `now`."""
    if seen.seen in NEXT:
        wait = policy.poll_base if seen.seen is Seen.ACCEPTED else 0.0
        return Decision(NEXT[seen.seen], wait=wait, failure=seen.failure)
    match seen.seen:
        case Seen.BUSY:
            back_to = State.UPLOADED if facts.state is State.STARTING else facts.state
            return Decision(back_to, wait=seen.retry_after or policy.poll_base, trouble=seen.failure)
        case Seen.DOUBT:
            return Decision(State.IN_DOUBT, wait=policy.poll_base, trouble=seen.failure)
        case Seen.REFUSED:
            return _retry(facts, seen, policy)
        case Seen.PERMANENT:
            return Decision(State.FAILED, failure=seen.failure)
        case Seen.NOTHING_THERE:
            return Decision(State.FAILED, failure=seen.failure)
        case Seen.NOTHING_THERE_TRANSIENT:
            return _retry(facts, seen, policy, new_attempt=True)
        case Seen.FOUND:
            return _still_working(facts, seen, now, policy)
        case Seen.UNKNOWN_TO_FINANCE:
            return _unknown(facts, seen, now, policy)
        case _:
            return _cannot_ask(facts, seen, now, policy)


def _retry(facts: Facts, seen: Observation, policy: Policy, new_attempt: bool = False) -> Decision:
    if facts.retries_used >= policy.max_retries:
        known = seen.failure or Failure("Finance service not reachable")
        cause = f"The export failed after {policy.max_retries} retries. {known.cause}".strip()
        hint = f"{known.hint} {SUPPORT}".strip()
        return Decision(State.FAILED, failure=Failure(known.headline, cause, hint, known.code))
    # Whoever names a time (a 503 with Retry-After) is not asked before it; the retry counts all the same.
    wait = max(min(policy.retry_base * 2**facts.retries_used, 60.0), seen.retry_after or 0.0)
    started = facts.state in (State.STARTING, State.IN_DOUBT, State.VERIFYING)
    return Decision(
        State.UPLOADED if started else facts.state,
        wait=wait,
        retry=True,
        new_attempt=new_attempt,
        trouble=seen.failure,
    )


def _still_working(facts: Facts, seen: Observation, now: datetime, policy: Policy) -> Decision:
    if facts.sent_at and now - facts.sent_at > timedelta(seconds=policy.max_run):
        return Decision(State.NEEDS_ATTENTION, failure=_silence())
    return Decision(State.RUNNING, wait=_poll_wait(facts, policy), trouble=seen.failure)


def _unknown(facts: Facts, seen: Observation, now: datetime, policy: Policy) -> Decision:
    """Finance does not know the execution id (yet): "not found" is not "never received"."""
    if facts.state in (State.RUNNING, State.VERIFYING):
        # It accepted the start, so the record is only late, or was seen before: never send again from here.
        return _still_working(facts, seen, now, policy)
    if facts.doubt_since and now - facts.doubt_since > timedelta(seconds=policy.max_doubt):
        return Decision(State.NEEDS_ATTENTION, failure=_silence())
    since = facts.doubt_since or facts.sent_at
    settled = since is not None and now - since >= timedelta(seconds=policy.settle)
    if settled and facts.fetched_under_lock:
        return _retry(facts, seen, policy)
    return Decision(State.IN_DOUBT, wait=_poll_wait(facts, policy))


def _cannot_ask(facts: Facts, seen: Observation, now: datetime, policy: Policy) -> Decision:
    since = facts.doubt_since if facts.state is State.IN_DOUBT else facts.sent_at
    limit = policy.max_doubt if facts.state is State.IN_DOUBT else policy.max_run
    if since and now - since > timedelta(seconds=limit):
        return Decision(State.NEEDS_ATTENTION, failure=seen.failure or _silence())
    return Decision(facts.state, wait=seen.retry_after or _poll_wait(facts, policy), trouble=seen.failure)


def _poll_wait(facts: Facts, policy: Policy) -> float:
    return min(policy.poll_base * 1.5 ** min(facts.asked, 20), policy.poll_max)


def _silence() -> Failure:
    return Failure(
        "The outcome in Finance is not known.",
        "Finance gave no final answer in time. Nothing is sent again.",
        "Look for the entry number in Finance, then let two people decide the run.",
        "BRE-UNKNOWN",
    )
