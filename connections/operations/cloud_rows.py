"""The rows of the flows and of their references in Dataverse, as one client reads, makes and changes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from bpp_portal.audit.operations import record
from connections import dataverse_setup
from connections.dataverse import DataverseClient
from connections.errors import InDoubt, Unavailable
from connections.rules.cloud_flows import ON, flow_row, slot_name, slot_row
from connections.rules.dataverse import CloudFlow, ConnectionSlot
from connections.rules.flows import FLOWS, ConnectionKind


@dataclass(frozen=True)
class There:
    """What one client read: the flows by name, the connection references by logical name; and what it then changed."""

    client: DataverseClient
    flows: Mapping[str, CloudFlow]
    slots: dict[str, ConnectionSlot]
    ids: dict[str, str] = field(default_factory=dict)
    changed: list[tuple[str, str]] = field(default_factory=list)

    def user_id(self, account: str) -> str:
        """The id of a system user by sign-in, asked once; empty when Dataverse knows none."""
        if account and account not in self.ids:
            self.ids[account] = dataverse_setup.user_id(self.client, account)
        return self.ids.get(account, "")

    @classmethod
    def read(cls, client: DataverseClient) -> "There":
        return cls(client, dataverse_setup.documented_flows(client), _slots(client))


def read_completed(client: DataverseClient) -> tuple[There, tuple[str, ...]]:
    """What Dataverse has, after the cloud flows and references that it lacks were made; the names of the flows made.

    What is there, of the original solution for example, is taken over as it stands. Repeatable: after a lost answer it
    is read again what came into being.
    """
    there = There.read(client)
    slots = [kind for kind in ConnectionKind if slot_name(kind) not in there.slots]
    missing = tuple(name for name in FLOWS if name not in there.flows)
    for kind in slots:
        _make(client, "connectionreferences", slot_row(kind), lambda kind=kind: slot_name(kind) in _slots(client))
    for name in missing:
        _make(client, "workflows", flow_row(name), lambda name=name: bool(_flow(client, name)))
    if missing or slots:
        there = There.read(client)
        there.changed.extend((name, "made in Dataverse") for name in (*map(slot_name, slots), *missing))
    return there, missing


def change(
    there: There, cloud: CloudFlow, *, owner_id: str = "", is_on: bool | None = None, save: bool = False
) -> None:
    """Change one cloud flow; when the answer is lost, look whether it has become so."""
    client_data = cloud.client_data if save else ""
    try:
        dataverse_setup.change_flow(there.client, cloud, owner_id=owner_id, is_on=is_on, client_data=client_data)
    except (InDoubt, Unavailable):
        found = _flow(there.client, cloud.name)
        if found is None or save:  # whether a definition was saved can't be seen: it is the same as before
            raise
        if is_on is not None and (found.state == ON) != is_on:
            raise
        if owner_id and found.owner_id.casefold() != owner_id.casefold():
            raise


def connect_slot(there: There, slot: ConnectionSlot, connection_id: str) -> None:
    """Let a reference name a connection, or none; when the answer is lost, look whether it does."""
    try:
        dataverse_setup.connect_slot(there.client, slot, connection_id)
    except (InDoubt, Unavailable):
        if _slots(there.client)[slot.logical_name].connection_id != connection_id:
            raise
    there.changed.append((slot.logical_name, "connected in Dataverse" if connection_id else "unset in Dataverse"))


@transaction.atomic
def note(actor: Any, there: There) -> None:
    """Everything that was changed there goes to the trail, also when the rest failed."""
    for subject, detail in there.changed:
        record(actor=actor, verb="change in Dataverse", subject=subject, detail=detail)


def _slots(client: DataverseClient) -> dict[str, ConnectionSlot]:
    return {slot.logical_name: slot for slot in dataverse_setup.connection_slots(client)}


def _flow(client: DataverseClient, name: str) -> CloudFlow | None:
    return dataverse_setup.documented_flows(client, [name]).get(name)


def _make(client: DataverseClient, table_set: str, row: Mapping[str, object], is_there: Any) -> None:
    try:
        dataverse_setup.create(client, table_set, row)
    except InDoubt:
        if not is_there():
            raise
