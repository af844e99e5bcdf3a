"""A flow as Dataverse keeps it: its definition, its connection references, and where it differs from the portal's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from uuid import NAMESPACE_URL, uuid5

from .dataverse import CloudFlow, ConnectionSlot
from .flows import FLOWS, ConnectionKind

OFF, ON = 0, 1
CLOUD_FLOW, DEFINITION = 5, 1  # category and type of a row of `workflows`
APIS: Mapping[ConnectionKind, str] = {
    ConnectionKind.DATAVERSE: "shared_commondataserviceforapps",
    ConnectionKind.FINANCE: "shared_dynamicsax",
}
CONNECTORS = "/providers/Microsoft.PowerApps/apis/"


@dataclass(frozen=True)
class FlowHere:
    """The portal's flow. `owner_id` is its owner's id in Dataverse, empty when Dataverse does not know them."""

    name: str
    is_on: bool
    owner: str
    owner_id: str


def slot_name(kind: ConnectionKind) -> str:
    """The logical name of the connection reference that the three flows share for a kind of connection."""
    return f"msdyn_xpna_{APIS[kind].replace('_', '')}"


def connection_name(dataverse_url: str, owner_id: int, kind: ConnectionKind) -> str:
    """The id under which a reference names a connection of the portal: 32 hexadecimal digits, always the same."""
    return uuid5(NAMESPACE_URL, f"{dataverse_url.rstrip('/')}/{owner_id}/{kind.value}").hex


def client_data(name: str) -> str:
    """The definition of the flow `name` as `clientdata` carries it: its connection references, and no steps.

    The steps of the documented flow are the portal's worker.
    """
    references = {
        APIS[kind]: {
            "runtimeSource": "embedded",
            "connection": {"connectionReferenceLogicalName": slot_name(kind)},
            "api": {"name": APIS[kind]},
        }
        for kind in FLOWS[name].requires
    }
    content = {"properties": {"connectionReferences": references, "definition": {}}, "schemaVersion": "1.0.0.0"}
    return json.dumps(content)


def flow_row(name: str) -> dict[str, object]:
    """A new row of `workflows`, turned off."""
    return {
        "name": name,
        "category": CLOUD_FLOW,
        "type": DEFINITION,
        "statecode": OFF,
        "primaryentity": "none",
        "clientdata": client_data(name),
    }


def slot_row(kind: ConnectionKind) -> dict[str, object]:
    """A new row of `connectionreferences`, without a connection."""
    return {
        "connectionreferencelogicalname": slot_name(kind),
        "connectionreferencedisplayname": kind.label,
        "connectorid": f"{CONNECTORS}{APIS[kind]}",
    }


def slot_of(slots: Mapping[str, ConnectionSlot], flow: CloudFlow, kind: ConnectionKind) -> ConnectionSlot | None:
    """The reference that the definition of `flow` names for `kind`; the shared one when it names none that exists."""
    try:
        named = json.loads(flow.client_data)["properties"]["connectionReferences"][APIS[kind]]["connection"]
        logical = named["connectionReferenceLogicalName"]
    except (ValueError, KeyError, TypeError):
        logical = ""
    return slots.get(logical) or slots.get(slot_name(kind))


def not_on(there: CloudFlow | None) -> str:
    """Why the flow does not run in Dataverse, in words; empty when it is on.

    It has been off at least since its row was last changed.
    """
    if there is None:
        return "missing in Dataverse"
    if there.state == ON:
        return ""
    word = "off" if there.state == OFF else "suspended"
    at = there.changed_at.astimezone(UTC) if there.changed_at else None
    return f"{word} in Dataverse" + (f" since {at.day} {at:%b %Y %H:%M} UTC" if at else "")


def differences(here: FlowHere, there: CloudFlow | None) -> list[str]:
    """Where Dataverse differs from the portal, in words; empty when both agree."""
    if there is None:
        return [not_on(there)]
    words = []
    if (there.state == ON) != here.is_on:
        words.append(not_on(there) or "on in Dataverse")
    if not here.owner_id:
        words.append(f"{here.owner} is unknown in Dataverse")
    elif there.owner_id.casefold() != here.owner_id.casefold():
        words.append(f"owned by {there.owner_name or 'another person'} in Dataverse")
    return words
