"""The three documented flows: what each does, which connections it needs, when it may be turned on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bpp_portal.kernel.problems import Problem


class ConnectionKind(StrEnum):
    DATAVERSE = "dataverse"
    FINANCE = "finance"

    @property
    def label(self) -> str:
        return {"dataverse": "Dataverse", "finance": "Dynamics 365 Finance"}[self.value]


EXPORT_FLOW = "BREExportFromDataverseToFnO"
COUNT_FLOW = "CountTotalCubeRows"
STATUS_FLOW = "BREExportFnOStatusUpdate"


@dataclass(frozen=True)
class FlowSpec:
    name: str
    trigger: str
    responsibility: str
    requires: tuple[ConnectionKind, ...]


FLOWS: Mapping[str, FlowSpec] = {
    spec.name: spec
    for spec in (
        FlowSpec(
            EXPORT_FLOW,
            "User export action",
            "Sends data from Dataverse to Dynamics 365 Finance",
            (ConnectionKind.DATAVERSE,),
        ),
        FlowSpec(
            COUNT_FLOW,
            "System-triggered during export",
            "Counts total rows to validate the dataset before export",
            (ConnectionKind.DATAVERSE,),
        ),
        FlowSpec(
            STATUS_FLOW,
            "Called post-export",
            "Retrieves export completion status from Finance",
            (ConnectionKind.DATAVERSE, ConnectionKind.FINANCE),
        ),
    )
}


@dataclass(frozen=True)
class ReferenceState:
    """What a flow's slot points at: `owner` is the user name behind the connection, empty when the slot is empty."""

    owner: str = ""
    needs_attention: bool = False


def turn_on_problems(flow: str, owner: str, references: Mapping[ConnectionKind, ReferenceState]) -> list[Problem]:
    """Why `flow` can't be turned on; empty when it can. `owner` is a user name, empty before installation."""
    if not owner:
        return [Problem("flow-not-installed", f"{flow} has no owner. Install the flows first.", "owner")]
    problems = []
    for kind in FLOWS[flow].requires:
        state = references.get(kind, ReferenceState())
        if not state.owner:
            text = f"{flow} has no {kind.label} connection. {owner} connects one, then the flow can be turned on."
            problems.append(Problem("reference-empty", text, kind.value))
        elif state.needs_attention:
            text = f"The {kind.label} connection of {flow} needs attention. {state.owner} signs in again."
            problems.append(Problem("connection-needs-attention", text, kind.value))
    return problems


def reference_problems(flow: str, kind: ConnectionKind, flow_owner: str, connection_owner: str) -> list[Problem]:
    """Why a connection can't be put into the slot: a flow runs with its owner's own connections only."""
    if kind not in FLOWS[flow].requires:
        text = f"{flow} needs no {kind.label} connection."
        return [Problem("reference-not-needed", text, kind.value)]
    if flow_owner != connection_owner:
        text = (
            f"{flow} belongs to {flow_owner or 'nobody'}. Its {kind.label} connection must be the owner's: "
            "take ownership first, or let the owner connect."
        )
        return [Problem("reference-foreign", text, kind.value)]
    return []
