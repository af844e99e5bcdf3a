"""Installing and updating: the variable, the three flows and their references, in Dataverse and here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from bpp_portal.audit.operations import record
from bpp_portal.kernel.roles import Right, has_right
from connections import dataverse_setup
from connections.dataverse import FINANCE_URI, FINANCE_URI_NAME, DataverseClient
from connections.errors import InDoubt, Rejected
from connections.models import Connection, ConnectionReference, Environment, Flow
from connections.queries.access import connection_of
from connections.queries.flow_page import problems_of
from connections.rules.cloud_flows import connection_name, not_on, slot_of
from connections.rules.flows import FLOWS, ConnectionKind

from . import cloud_flows
from .cloud_rows import There, change, connect_slot, note, read_completed


@dataclass(frozen=True)
class Found:
    """A flow as the installation leaves it in Dataverse: the person of the portal who owns it there, and its state."""

    owner: Any
    is_on: bool


def install(*, actor: Any, environment: Environment) -> list[Flow]:
    """Install as documented, on the actor's Dataverse connection: the variable, if missing, then the flows.

    Flows that Dataverse has already are taken over as they stand. Repeatable: nothing is made twice. Returns what was
    installed here. Raises ConnectionMissing when the actor has no Dataverse connection.
    """
    client = cloud_flows.own_client(actor, environment)
    if client.variable(FINANCE_URI) is None:
        try:
            dataverse_setup.create_variable(client, FINANCE_URI, FINANCE_URI_NAME)
        except InDoubt:
            if client.variable(FINANCE_URI) is None:
                raise
        record(actor=actor, verb="create variable", subject=f"{environment.name}: {FINANCE_URI_NAME}")
    there = _install_there(client, actor, environment)
    return install_flows(actor=actor, environment=environment, there=there)


@transaction.atomic
def install_flows(*, actor: Any, environment: Environment, there: Mapping[str, Found] | None = None) -> list[Flow]:
    """Install the flows that are missing here; as documented, whoever installs them owns them.

    The owner's Dataverse connection, if there is one, fills their Dataverse slots, and a flow that needs nothing else
    is turned on. The Finance slot stays empty. Flows that exist keep owner and connections. `there` is what Dataverse
    has: who owns a flow there keeps it, and what is off there is off here.
    """
    added = []
    present = set(environment.flows.values_list("name", flat=True))
    for name in FLOWS:
        if name in present:
            continue
        found = (there or {}).get(name)
        flow = Flow.objects.create(environment=environment, name=name, owner=found.owner if found else actor)
        _fill_slots(flow)
        flow.is_on = not problems_of(flow=flow) and (found is None or found.is_on)
        flow.save(update_fields=["is_on"])
        record(actor=actor, verb="install flow", subject=name, detail=f"{environment.name}, owned by {flow.owner}")
        added.append(flow)
    return added


def update_flows(*, actor: Any, environment: Environment) -> list[Flow]:
    """Install what an update brings: the actor becomes owner of flows that are missing or owned by nobody.

    An owner's flows stay theirs, with their connections. Returns the flows that are the actor's now.
    """
    connection = connection_of(environment=environment, user=actor, kind=ConnectionKind.DATAVERSE)
    there = None
    if connection is not None:
        client = DataverseClient(environment=environment, connection=connection)
        there = _install_there(client, actor, environment)
    taken = _update(actor, environment, there)
    if connection is not None and taken:
        cloud_flows.follow(actor=actor, environment=environment, names=[flow.name for flow in taken])
    return taken


@transaction.atomic
def _update(actor: Any, environment: Environment, there: Mapping[str, Found] | None) -> list[Flow]:
    unowned = list(environment.flows.select_for_update().filter(owner=None))
    for flow in unowned:
        flow.owner = actor
        flow.save(update_fields=["owner"])
        record(actor=actor, verb="update flow", subject=flow.name, detail="before: nobody")
    added = install_flows(actor=actor, environment=environment, there=there)
    return unowned + [flow for flow in added if flow.owner_id == actor.pk]


def _fill_slots(flow: Flow) -> None:
    dataverse = Connection.objects.filter(
        environment=flow.environment,
        owner=flow.owner,
        kind=ConnectionKind.DATAVERSE,
        status=Connection.Status.CONNECTED,
    ).first()
    for kind in FLOWS[flow.name].requires:
        connection = dataverse if kind is ConnectionKind.DATAVERSE else None
        ConnectionReference.objects.create(flow=flow, kind=kind, connection=connection)


def _install_there(client: DataverseClient, actor: Any, environment: Environment) -> dict[str, Found]:
    """Make in Dataverse what it lacks, connected and on as far as the actor's connection reaches; what it has then."""
    there, made = read_completed(client)
    try:
        for name in made:
            _start(there, name, connection_name(environment.dataverse_url, actor.pk, ConnectionKind.DATAVERSE))
    finally:
        note(actor, there)
    me = client.who_am_i().user_id
    found = dataverse_setup.documented_flows(client, defined=False)
    people = {owner: _person(client, owner) for owner in {one.owner_id.lower() for one in found.values()} - {me}}
    return {name: Found(people.get(one.owner_id.lower()) or actor, not not_on(one)) for name, one in found.items()}


def _start(there: There, name: str, connection: str) -> None:
    """Connect a flow that was just made and turn it on, unless it needs Finance too; what is connected stays so."""
    slot = slot_of(there.slots, there.flows[name], ConnectionKind.DATAVERSE)
    if slot is not None and not slot.connection_id:
        connect_slot(there, slot, connection)
        there.slots[slot.logical_name] = replace(slot, connection_id=connection)
    if FLOWS[name].requires != (ConnectionKind.DATAVERSE,):
        return
    try:
        change(there, there.flows[name], is_on=True)
    except Rejected:
        return  # it stays off, here as well: turning it on says why, and offers to save it first
    there.changed.append((name, "turned on in Dataverse"))


def _person(client: DataverseClient, owner_id: str) -> Any:
    """The person of the portal who owns a flow in Dataverse and may manage it here; None when there is none."""
    account = dataverse_setup.account_of_user(client, owner_id) if owner_id else ""
    found = list(get_user_model().objects.filter(email__iexact=account, is_active=True)) if account else []
    fit = [person for person in found if has_right(person, Right.MANAGE_CONNECTIONS)]
    return fit[0] if len(fit) == 1 else None
