"""The three flows as Dataverse keeps them, made at installation and kept like the portal's.

What runs is the portal's flow, as its owner. Turning on asks Dataverse first, because it may refuse; ownership and
turning off hold here at once, and Dataverse follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bpp_portal.kernel.problems import Problem
from connections import dataverse_setup
from connections.dataverse import DataverseClient
from connections.errors import ConnectionMissing, InDoubt, Refused, Rejected, RemoteError
from connections.models import Environment, Flow
from connections.queries.access import connection_of, dataverse_client, flows, own_connection
from connections.queries.cloud_flows import account_of
from connections.rules.cloud_flows import FlowHere, connection_name, differences, flow_row, slot_name, slot_of, slot_row
from connections.rules.dataverse import CloudFlow, ConnectionSlot
from connections.rules.flows import EXPORT_FLOW, FLOWS, ConnectionKind


class SaveFirst(Refused):
    """Dataverse refuses to turn a flow on; as documented, saving its definition first may help."""


@dataclass(frozen=True)
class There:
    """What one client read: the flows by name, the connection references by logical name."""

    client: DataverseClient
    flows: Mapping[str, CloudFlow]
    slots: Mapping[str, ConnectionSlot]
    ids: dict[str, str] = field(default_factory=dict)

    def user_id(self, account: str) -> str:
        """The id of a system user by sign-in, asked once; empty when Dataverse knows none."""
        if account and account not in self.ids:
            self.ids[account] = dataverse_setup.user_id(self.client, account)
        return self.ids.get(account, "")

    @classmethod
    def read(cls, client: DataverseClient) -> "There":
        found = dataverse_setup.cloud_flows(client)
        slots = dataverse_setup.connection_slots(client)
        return cls(client, {one.name: one for one in found}, {one.logical_name: one for one in slots})


def make_missing(client: DataverseClient) -> tuple[str, ...]:
    """Make the cloud flows and connection references that Dataverse lacks; the names of the flows made.

    What is there, of the original solution for example, is taken over as it stands. Repeatable: after a lost answer it
    is read again what came into being.
    """
    there = There.read(client)
    for kind in ConnectionKind:
        if slot_name(kind) not in there.slots:
            _make(client, "connectionreferences", slot_row(kind), lambda kind=kind: slot_name(kind) in _slots(client))
    missing = [name for name in FLOWS if name not in there.flows]
    for name in missing:
        _make(client, "workflows", flow_row(name), lambda name=name: bool(dataverse_setup.cloud_flows(client, name)))
    return tuple(missing)


def bring_in_line(*, actor: Any, environment: Environment, save: bool = False, owners: bool = True) -> None:
    """Give the cloud flows owner, connections and state of the portal's; `save` saves their definitions on the way.

    As the actor, else as the flow owner. Without `owners` a flow keeps the owner that it has in Dataverse. Raises
    SaveFirst or Refused when Dataverse does not turn a flow on, ConnectionMissing when neither has a connection.
    """
    client = _client(actor, environment)
    make_missing(client)
    there = There.read(client)
    found = flows(environment=environment)
    for flow in found:
        if not flow.is_on and there.flows[flow.name].state:
            dataverse_setup.change_flow(client, there.flows[flow.name], is_on=False)
    _connect_slots(there, environment, found)
    problems = [problem for flow in found for problem in _settle(there, flow, save=save, owners=owners)]
    if problems:
        raise (Refused if save else SaveFirst)(problems)


def turn_on_there(*, environment: Environment, wanted: Sequence[Flow], save: bool = False) -> list[Problem]:
    """Let Dataverse turn on the flows in `wanted`, as their owner; the portal's own state is not touched.

    What Dataverse refuses comes back as problems; their `field` is the name of the flow.
    """
    client = dataverse_client(environment=environment, flow_name=wanted[0].name)
    make_missing(client)
    there = There.read(client)
    _connect_slots(there, environment, flows(environment=environment))
    return [problem for flow in wanted for problem in _settle(there, flow, save=save, turn_on=True)]


def follow(*, actor: Any, environment: Environment) -> str:
    """Bring Dataverse in line after a change here, which stands whatever comes; why it could not, else empty.

    A new owner who has not connected yet has nothing to do it with: turning on does it later.
    """
    try:
        bring_in_line(actor=actor, environment=environment)
    except ConnectionMissing:
        return ""
    except (RemoteError, Refused) as error:
        return f"Dataverse has not followed yet ({str(error).removesuffix('.')}). Bring it in line on the Flows page."
    return ""


def _settle(
    there: There, flow: Flow, *, save: bool = False, owners: bool = True, turn_on: bool = False
) -> list[Problem]:
    """Owner and state of one flow; a refusal of Dataverse is a problem of that flow only."""
    cloud = there.flows[flow.name]
    is_on = flow.is_on or turn_on
    owner_id = there.user_id(account_of(flow)) if owners else cloud.owner_id
    here = FlowHere(flow.name, is_on, str(flow.owner), owner_id)
    if not save and not differences(here, cloud):
        return []
    try:
        if save:
            dataverse_setup.change_flow(there.client, cloud, client_data=cloud.client_data)
        dataverse_setup.change_flow(there.client, cloud, owner_id=owner_id, is_on=is_on)
    except Rejected as error:
        text = f"Dataverse did not turn on {flow.name}: {error.cause}"
        hint = f"Ask an administrator of {there.client.who}'s environment." if save else "Save and turn on."
        return [Problem("flow-save-first", text, flow.name, hint)]
    return []


def _connect_slots(there: There, environment: Environment, found: Sequence[Flow]) -> None:
    """Each reference names the connection that the portal's flows use, or none."""
    wanted: dict[str, tuple[ConnectionSlot, str]] = {}
    for flow in found:
        for reference in flow.references.all():
            kind = ConnectionKind(reference.kind)
            slot = slot_of(there.slots, there.flows[flow.name], kind)
            connection = reference.connection
            name = connection_name(environment.dataverse_url, connection.owner_id, kind) if connection else ""
            if slot is not None and (name or slot.row_id not in wanted):
                wanted[slot.row_id] = slot, name
    for slot, name in wanted.values():
        if slot.connection_id != name:
            dataverse_setup.connect_slot(there.client, slot, name)


def _client(actor: Any, environment: Environment) -> DataverseClient:
    connection = connection_of(environment=environment, user=actor, kind=ConnectionKind.DATAVERSE)
    if connection is not None:
        return DataverseClient(environment=environment, connection=connection)
    if environment.flows.filter(name=EXPORT_FLOW, references__connection__isnull=False).exists():
        return dataverse_client(environment=environment)
    own_connection(environment=environment, user=actor, kind=ConnectionKind.DATAVERSE)  # says what is missing
    raise AssertionError


def _slots(client: DataverseClient) -> set[str]:
    return {slot.logical_name for slot in dataverse_setup.connection_slots(client)}


def _make(client: DataverseClient, table_set: str, row: Mapping[str, object], is_there: Any) -> None:
    try:
        dataverse_setup.create(client, table_set, row)
    except InDoubt:
        if not is_there():
            raise
