"""The flows as a page shows them: slots, what keeps a flow off, and the steps that are left after taking ownership."""

from dataclasses import dataclass
from typing import Any

from bpp_portal.kernel.problems import Problem
from connections.models import Connection, Environment, Flow
from connections.rules.flows import FLOWS, ConnectionKind, FlowSpec, ReferenceState, turn_on_problems

from .access import flows
from .fitness import account_unfit


@dataclass(frozen=True)
class Slot:
    """A connection reference: `whose` is empty while nothing is connected."""

    kind: ConnectionKind
    whose: str
    account: str
    word: str
    chip: str
    reason: str = ""


@dataclass(frozen=True)
class FlowRow:
    flow: Flow
    spec: FlowSpec
    slots: tuple[Slot, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Step:
    """One step of the new owner: `state` is done, now or todo."""

    name: str
    state: str
    note: str
    kind: ConnectionKind | None = None


def problems_of(*, flow: Flow) -> list[Problem]:
    """Why the flow can't be turned on now; empty when it can."""
    states = {}
    for reference in flow.references.select_related("connection__owner"):
        if connection := reference.connection:
            attention = connection.status == Connection.Status.NEEDS_ATTENTION or bool(account_unfit(connection))
            states[ConnectionKind(reference.kind)] = ReferenceState(str(connection.owner), attention)
    return turn_on_problems(flow.name, str(flow.owner or ""), states)


def flow_rows(*, environment: Environment) -> tuple[FlowRow, ...]:
    """The installed flows in documented order, with what a person needs to judge them."""
    return tuple(
        FlowRow(flow, FLOWS[flow.name], tuple(map(_slot, flow.references.all())), tuple(problems_of(flow=flow)))
        for flow in flows(environment=environment)
    )


def needs_update(*, environment: Environment) -> bool:
    """Whether a flow is missing or owned by nobody; an update repairs both."""
    found = list(environment.flows.all())
    return bool(found) and (len(found) < len(FLOWS) or any(flow.owner_id is None for flow in found))


def owner_steps(*, rows: tuple[FlowRow, ...], user: Any) -> tuple[Step, ...]:
    """What is left for the owner of all flows: connect Dataverse, connect Finance, turn on; empty when all is done."""
    if not rows or any(row.flow.owner_id != user.pk for row in rows) or all(row.flow.is_on for row in rows):
        return ()
    facts: list[tuple[str, bool, str, ConnectionKind | None]] = []
    for kind in ConnectionKind:
        slots = [slot for row in rows for slot in row.slots if slot.kind is kind]
        done = all(slot.word == "Connected" for slot in slots)
        facts.append((f"Connect {kind.label}", done, "Connected" if done else "With your own account", kind))
    facts.append(("Turn on the flows", False, "All three", None))
    steps, open_before = [], False
    for name, done, note, kind_or_none in facts:
        state = "done" if done else "todo" if open_before else "now"
        open_before = open_before or not done
        steps.append(Step(name, state, note, kind_or_none))
    return tuple(steps)


def _slot(reference: Any) -> Slot:
    kind, connection = ConnectionKind(reference.kind), reference.connection
    if connection is None:
        return Slot(kind, "", "", "Not set", "danger")
    if connection.status == Connection.Status.NEEDS_ATTENTION:
        return Slot(kind, str(connection.owner), connection.account, "Needs attention", "warning", connection.reason)
    if unfit := account_unfit(connection):
        return Slot(kind, str(connection.owner), connection.account, "Needs attention", "warning", str(unfit))
    return Slot(kind, str(connection.owner), connection.account, "Connected", "success")
