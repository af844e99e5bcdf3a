"""The stages of a run as people see them, from its events and from nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from .states import STAGE_OF, STAGES, TERMINAL, State

END_LOOK = {
    State.SUCCEEDED: "done",
    State.PARTIAL: "warn",
    State.FAILED: "bad",
    State.CANCELLED: "warn",
    State.NEEDS_ATTENTION: "unsure",
}


@dataclass(frozen=True)
class Event:
    state: State
    at: datetime


@dataclass(frozen=True)
class Stage:
    """`look` is done, now, todo, bad, warn or unsure; `since` the first event in it, `lasted` until the next stage."""

    name: str
    look: str
    since: datetime | None = None
    lasted: timedelta | None = None


def stages_of(events: Sequence[Event]) -> tuple[Stage, ...]:
    """The five stages and the end. A stage without an event of its own is never shown as done."""
    events = _since_last_request(events)
    if not events:
        return tuple(Stage(name, "todo") for name in (*STAGES, "Completed"))
    last = events[-1]
    ended = last.state in TERMINAL
    now = STAGE_OF[last.state]
    stopped_in = _stopped_in(events)
    found = []
    for number, name in enumerate(STAGES):
        own = [event for event in events if STAGE_OF[event.state] == name]
        if name == now:
            look = "now"
        elif own and name == stopped_in:
            look = END_LOOK[last.state]
        elif own and (ended or number < STAGES.index(now)):
            look = "done"
        else:
            look = "todo"
        found.append(Stage(name, look, own[0].at if own else None, _lasted(events, name)))
    end = Stage(now, END_LOOK[last.state], last.at, last.at - events[0].at) if ended else Stage("Completed", "todo")
    return (*found, end)


def _stopped_in(events: Sequence[Event]) -> str:
    """The stage that a run did not get through. Checking is through even when it finds that something differs."""
    if events[-1].state not in TERMINAL or events[-1].state is State.SUCCEEDED:
        return ""
    before = [STAGE_OF[event.state] for event in events if event.state not in TERMINAL]
    return before[-1] if before and before[-1] != STAGE_OF[State.VERIFYING] else ""


def _since_last_request(events: Sequence[Event]) -> Sequence[Event]:
    """A retry begins the way anew."""
    starts = [number for number, event in enumerate(events) if event.state is State.REQUESTED]
    return events[starts[-1] :] if starts else events


def _lasted(events: Sequence[Event], name: str) -> timedelta | None:
    """Time between entering and leaving a stage, all visits together; None while it lasts or when never entered."""
    spans = [after.at - event.at for event, after in pairwise(events) if STAGE_OF[event.state] == name]
    if not spans or STAGE_OF[events[-1].state] == name:
        return None
    return sum(spans, timedelta())


def span_text(span: timedelta) -> str:
    """`2.1 s` below ten seconds, `37 s` below a minute, then `1:04` and `2:03:04`."""
    seconds = span.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"
