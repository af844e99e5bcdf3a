"""States of a run and the one table of how they may follow each other."""

from enum import StrEnum


class State(StrEnum):
    REQUESTED = "REQUESTED"
    BUILDING = "BUILDING"
    READY = "READY"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    UPLOADED = "UPLOADED"
    STARTING = "STARTING"
    IN_DOUBT = "IN_DOUBT"
    RUNNING = "RUNNING"
    VERIFYING = "VERIFYING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


S = State
TRANSITIONS: dict[State, frozenset[State]] = {
    S.REQUESTED: frozenset({S.BUILDING, S.FAILED, S.CANCELLED}),
    S.BUILDING: frozenset({S.READY, S.FAILED, S.CANCELLED}),
    S.READY: frozenset({S.UPLOADED, S.AWAITING_APPROVAL, S.FAILED, S.CANCELLED}),
    S.AWAITING_APPROVAL: frozenset({S.READY, S.FAILED, S.CANCELLED}),
    S.UPLOADED: frozenset({S.STARTING, S.READY, S.FAILED, S.CANCELLED}),
    S.STARTING: frozenset({S.RUNNING, S.IN_DOUBT, S.UPLOADED, S.FAILED}),
    S.IN_DOUBT: frozenset({S.RUNNING, S.VERIFYING, S.UPLOADED, S.FAILED, S.NEEDS_ATTENTION}),
    S.RUNNING: frozenset({S.VERIFYING, S.NEEDS_ATTENTION}),
    S.VERIFYING: frozenset({S.SUCCEEDED, S.PARTIAL, S.FAILED, S.CANCELLED, S.UPLOADED, S.NEEDS_ATTENTION}),
    S.SUCCEEDED: frozenset(),
    S.PARTIAL: frozenset(),
    # A person's Retry: the frozen lines are sent again under a new execution id.
    S.FAILED: frozenset({S.REQUESTED}),
    S.CANCELLED: frozenset(),
    S.NEEDS_ATTENTION: frozenset({S.RUNNING, S.VERIFYING, S.FAILED}),
}
TERMINAL = frozenset({S.SUCCEEDED, S.PARTIAL, S.FAILED, S.CANCELLED, S.NEEDS_ATTENTION})
ACTIVE = frozenset(State) - TERMINAL
BEFORE_START = frozenset({S.REQUESTED, S.BUILDING, S.READY, S.AWAITING_APPROVAL, S.UPLOADED})
# While a run is in one of these, Finance may still be working in its project.
OCCUPIES_PROJECT = frozenset({S.STARTING, S.IN_DOUBT, S.RUNNING, S.NEEDS_ATTENTION})


def may_follow(old: State, new: State) -> bool:
    """Whether a run may move from `old` to `new`."""
    return new in TRANSITIONS[old]


# Which flow (and so which task) moves a run on from a state.
COUNT = "CountTotalCubeRows"
SEND = "BREExportFromDataverseToFnO"
FOLLOW = "BREExportFnOStatusUpdate"
FLOW_OF: dict[State, str] = {
    S.REQUESTED: COUNT,
    S.BUILDING: COUNT,
    S.READY: SEND,
    S.UPLOADED: SEND,
    S.STARTING: SEND,
    S.IN_DOUBT: SEND,
    S.RUNNING: FOLLOW,
    S.VERIFYING: FOLLOW,
}

STAGES = ("Queued", "Preparing", "Sending", "In Finance", "Checking")
# What people see: stage of the run page, then the words and the kind of the chip.
STAGE_OF: dict[State, str] = {
    S.REQUESTED: "Queued",
    S.AWAITING_APPROVAL: "Queued",
    S.BUILDING: "Preparing",
    S.READY: "Preparing",
    S.UPLOADED: "Sending",
    S.STARTING: "Sending",
    S.IN_DOUBT: "Sending",
    S.RUNNING: "In Finance",
    S.VERIFYING: "Checking",
    S.SUCCEEDED: "Completed",
    S.PARTIAL: "Partly completed",
    S.FAILED: "Failed",
    S.CANCELLED: "Cancelled",
    S.NEEDS_ATTENTION: "Outcome unknown",
}
CHIP_OF: dict[State, tuple[str, str]] = {
    S.REQUESTED: ("neutral", "Queued"),
    S.AWAITING_APPROVAL: ("warning", "Awaiting approval"),
    S.BUILDING: ("info", "Preparing"),
    S.READY: ("info", "Preparing"),
    S.UPLOADED: ("info", "Sending"),
    S.STARTING: ("info", "Sending"),
    S.IN_DOUBT: ("unknown", "Asking Finance"),
    S.RUNNING: ("info", "In Finance"),
    S.VERIFYING: ("info", "Checking"),
    S.SUCCEEDED: ("success", "Completed"),
    S.PARTIAL: ("warning", "Partly completed"),
    S.FAILED: ("danger", "Failed"),
    S.CANCELLED: ("neutral", "Cancelled"),
    S.NEEDS_ATTENTION: ("unknown", "Outcome unknown"),
}


def diagram() -> str:
    """The table as a Mermaid state diagram, for the README."""
    lines = ["stateDiagram-v2", "    [*] --> REQUESTED"]
    lines += [f"    {old} --> {new}" for old in State for new in State if new in TRANSITIONS[old]]
    lines += [f"    {state} --> [*]" for state in State if not TRANSITIONS[state]]
    return "\n".join(lines)
