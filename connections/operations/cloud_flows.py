"""The three flows as Dataverse keeps them, made at installation and kept like the portal's.

Turning on asks Dataverse first, because it may refuse; ownership and turning off hold here at once, so that a flow can
be stopped while Dataverse is away, and Dataverse follows.
"""

from collections.abc import Collection, Sequence
from typing import Any

from bpp_portal.kernel.problems import Problem
from connections.dataverse import DataverseClient
from connections.errors import ConnectionMissing, Refused, Rejected, RemoteError
from connections.models import Environment, Flow
from connections.queries.access import connection_of, flows, own_connection
from connections.queries.cloud_flows import account_of
from connections.rules.cloud_flows import FlowHere, connection_name, differences, slot_of
from connections.rules.dataverse import ConnectionSlot
from connections.rules.flows import FLOWS, ConnectionKind

from .cloud_rows import There, change, connect_slot, note, read_completed

SAVE = "Save and turn on, on the Flows page, saves its definition first."


class SaveFirst(Refused):
    """Dataverse refuses to turn a flow on; as documented, saving its definition first may help."""


def bring_in_line(*, actor: Any, environment: Environment, names: Collection[str] = FLOWS, save: bool = False) -> None:
    """Give the cloud flows in `names` owner, connections and state of the portal's, as the actor.

    `save` saves their definitions on the way. Raises SaveFirst or Refused when Dataverse does not turn a flow on,
    ConnectionMissing when the actor has no connection to Dataverse.
    """
    there, _ = read_completed(own_client(actor, environment))
    wanted = [flow for flow in flows(environment=environment) if flow.name in names]
    try:
        problems = _settle(there, environment, wanted, save=save)
    finally:
        note(actor, there)
    if problems:
        raise (Refused if save else SaveFirst)(problems)


def turn_on_there(*, actor: Any, environment: Environment, wanted: Sequence[Flow], save: bool = False) -> list[Problem]:
    """Let Dataverse turn on the flows in `wanted`, as the actor; the portal's own state is not touched.

    What Dataverse refuses comes back as problems; their `field` is the name of the flow. Raises ConnectionMissing when
    the actor has no connection to Dataverse.
    """
    there, _ = read_completed(own_client(actor, environment))
    try:
        return _settle(there, environment, wanted, save=save, turn_on=True)
    finally:
        note(actor, there)


def follow(*, actor: Any, environment: Environment, names: Collection[str] = FLOWS) -> str:
    """Bring Dataverse in line after a change here, which stands whatever comes; why it could not, else empty."""
    try:
        bring_in_line(actor=actor, environment=environment, names=names)
    except (RemoteError, Refused) as error:
        plain = f"{error.cause} {error.hint}" if isinstance(error, ConnectionMissing) else str(error)
        why = plain.strip().removesuffix(".")
        return f"Dataverse has not followed yet ({why}). Bring it in line on the Flows page."
    return ""


def follow_connected(*, actor: Any, environment: Environment) -> str:
    """The same for the flows that the actor owns, once they have a connection to do it with.

    A new owner may take the flows before they connect: Dataverse hears of it when they do.
    """
    names = list(environment.flows.filter(owner=actor).values_list("name", flat=True))
    if not names or connection_of(environment=environment, user=actor, kind=ConnectionKind.DATAVERSE) is None:
        return ""
    return follow(actor=actor, environment=environment, names=names)


def own_client(actor: Any, environment: Environment) -> DataverseClient:
    """Dataverse as the actor: nobody borrows the rights of the flow owner."""
    connection = own_connection(
        environment=environment, user=actor, kind=ConnectionKind.DATAVERSE, purpose="The flows are changed there"
    )
    return DataverseClient(environment=environment, connection=connection)


def _settle(
    there: There, environment: Environment, wanted: Sequence[Flow], *, save: bool = False, turn_on: bool = False
) -> list[Problem]:
    """Off first, then the references, then on: a reference that a running flow uses is not taken away."""
    on = [flow for flow in wanted if flow.is_on or turn_on]
    problems = [p for flow in wanted if flow not in on for p in _settle_one(there, flow, is_on=False)]
    _connect_slots(there, environment, wanted)
    return problems + [problem for flow in on for problem in _settle_one(there, flow, is_on=True, save=save)]


def _settle_one(there: There, flow: Flow, *, is_on: bool, save: bool = False) -> list[Problem]:
    """Owner and state of one flow; a refusal of Dataverse is a problem of that flow only."""
    cloud, owner_id = there.flows[flow.name], there.user_id(account_of(flow))
    words = differences(FlowHere(flow.name, is_on, str(flow.owner), owner_id), cloud)
    if not save and not words:
        return []
    try:
        if save:
            change(there, cloud, save=True)
        change(there, cloud, owner_id=owner_id, is_on=is_on)
    except Rejected as error:
        asked = f"did not turn {'on' if is_on else 'off'} {flow.name}"
        hint = "Ask an administrator of the Dataverse environment." if save or not is_on else SAVE
        return [Problem("flow-save-first", f"Dataverse {asked}: {error.cause}", flow.name, hint)]
    there.changed.append((flow.name, f"before: {', '.join(words) or 'not saved'}"))
    return []


def _connect_slots(there: There, environment: Environment, wanted: Sequence[Flow]) -> None:
    """The references of the flows in `wanted` name the connection that the portal's flows use, or none."""
    used: dict[str, str] = {}
    touched: dict[str, ConnectionSlot] = {}
    names = {flow.name for flow in wanted}
    for flow in flows(environment=environment):
        for reference in flow.references.all():
            kind = ConnectionKind(reference.kind)
            slot = slot_of(there.slots, there.flows[flow.name], kind)
            if slot is None:
                continue
            if flow.name in names:
                touched[slot.row_id] = slot
            if connection := reference.connection:  # flows share a reference: one that needs it keeps it connected
                used[slot.row_id] = connection_name(environment.dataverse_url, connection.owner_id, kind)
    for row_id, slot in touched.items():
        if slot.connection_id != used.get(row_id, ""):
            connect_slot(there, slot, used.get(row_id, ""))
