"""The words of readiness: states, groups, fixes, and what a precondition is."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    PASSED = "Passed"
    FAILS = "Fails"
    WARNING = "Warning"
    NOT_CHECKED = "Not checked"

    @property
    def chip(self) -> str:
        """The kind of its chip."""
        return {"Passed": "success", "Fails": "danger", "Warning": "warning", "Not checked": "neutral"}[self.value]


class Group(StrEnum):
    PEOPLE = "People and Finance roles"
    ENTITIES = "Virtual entities"
    BUDGET = "Budget set-up in Finance"
    CONNECTION = "Connection to Finance"
    FLOWS = "Flows and connections"


class Fix(StrEnum):
    """What a row offers beside *Check again*: a deed of the portal, a page where to do it, or a request to hand on."""

    NONE = ""
    SET_VARIABLE = "set-variable"
    MAKE_VISIBLE = "make-visible"
    TURN_ON = "turn-on"
    FLOWS = "flows"
    CONNECTIONS = "connections"
    ENVIRONMENTS = "environments"
    REQUEST = "request"

    @property
    def is_deed(self) -> bool:
        return self in (Fix.SET_VARIABLE, Fix.MAKE_VISIBLE, Fix.TURN_ON)


OPERATOR = "Who runs the portal."
FAILS_WITH = "An export started now would fail with"


@dataclass(frozen=True)
class Precondition:
    """One thing that has to be right before an export can succeed.

    `text` is the documented error that its absence causes, word for word; empty when nothing documented follows.
    `waits_for` names the preconditions without which it can't be judged. `target` is the virtual entity or the flow
    that it is about.
    """

    key: str
    group: Group
    label: str
    text: str
    why: str
    todo: str
    who: str
    fix: Fix = Fix.NONE
    waits_for: tuple[str, ...] = ()
    target: str = ""
    outcome: str = FAILS_WITH
