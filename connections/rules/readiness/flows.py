"""Preconditions about the three flows."""

from connections.errors import ConnectionMissing, FlowOff
from connections.rules.flows import FLOWS, STATUS_FLOW

from .names import flow_key
from .words import FAILS_WITH, Fix, Group, Precondition

STAYS = "An export started now would arrive, and stay"
STATUS_UNKNOWN = "In Finance: status unknown"


def _connected(flow: str) -> Precondition:
    status = flow == STATUS_FLOW
    return Precondition(
        flow_key("connected", flow),
        Group.FLOWS,
        f"{flow}, connections",
        STATUS_UNKNOWN if status else ConnectionMissing.headline,
        f"{FLOWS[flow].responsibility}. It needs "
        + " and ".join(f"the {kind.label} connection" for kind in FLOWS[flow].requires)
        + " of its owner.",
        "The flow owner connects with their own account; or take ownership and connect yours.",
        "The flow owner, or a BPP administrator who takes ownership.",
        Fix.FLOWS,
        ("flows-installed",),
        target=flow,
        outcome=STAYS if status else FAILS_WITH,
    )


def _on(flow: str) -> Precondition:
    status = flow == STATUS_FLOW
    return Precondition(
        flow_key("on", flow),
        Group.FLOWS,
        f"{flow}, on",
        STATUS_UNKNOWN if status else FlowOff.headline,
        f"{FLOWS[flow].responsibility}.",
        "Turn the flow on.",
        "You, or another BPP administrator.",
        Fix.TURN_ON,
        (flow_key("connected", flow),),
        target=flow,
        outcome=STAYS if status else FAILS_WITH,
    )


FLOW_ROWS = (
    Precondition(
        "flows-installed",
        Group.FLOWS,
        "Flows installed and owned",
        ConnectionMissing.headline,
        "Exports run through three flows, as their owner.",
        "Install the flows in the administration; whoever installs them owns them.",
        "An IT administrator.",
        Fix.FLOWS,
    ),
    *(_connected(flow) for flow in FLOWS),
    *(_on(flow) for flow in FLOWS),
    Precondition(
        "token-status",
        Group.FLOWS,
        "Sign-in of the flow owner, status flow",
        STATUS_UNKNOWN,
        "BREExportFnOStatusUpdate asks Finance with the sign-in of its Dynamics 365 Finance connection.",
        "The flow owner signs in again on the Connections page.",
        "The flow owner.",
        Fix.CONNECTIONS,
        (flow_key("connected", STATUS_FLOW), "variable", "finance", "certificate"),
        outcome=STAYS,
    ),
)
