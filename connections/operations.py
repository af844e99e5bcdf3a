"""What people do with environments, connections and flows. One intention, one operation, one transaction."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from bpp_portal.audit.operations import record
from bpp_portal.kernel.problems import Problem

from . import entra
from .dataverse import DataverseClient
from .errors import ConnectionMissing, Refused
from .models import Connection, ConnectionReference, Environment, Flow
from .rules.flows import FLOWS, ConnectionKind, ReferenceState, reference_problems, turn_on_problems


@transaction.atomic
def save_environment(*, actor: Any, name: str, **values: str) -> Environment:
    """Create the environment `name` or bring it to `values` (fields of the model); unchanged ones are left alone."""
    environment = Environment.objects.select_for_update().filter(name=name).first() or Environment(name=name)
    changed = [field for field, value in values.items() if getattr(environment, field) != value]
    before = "\n".join(f"{field}: {getattr(environment, field)}" for field in changed if environment.pk)
    if environment.pk and not changed:
        return environment
    for field in changed:
        setattr(environment, field, values[field])
    environment.save()
    after = "\n".join(f"{field}: {values[field]}" for field in changed)
    record(
        actor=actor,
        verb="set up environment",
        subject=name,
        detail=", ".join(changed),
        before=before,
        after=after,
    )
    return environment


@transaction.atomic
def install_flows(*, actor: Any, environment: Environment) -> list[Flow]:
    """Install the flows that are missing; as documented, whoever installs them owns them.

    The actor's Dataverse connection, if there is one, fills their Dataverse slots, and a flow that needs nothing else
    is turned on. The Finance slot stays empty. Flows that exist keep owner and connections.
    """
    present = set(environment.flows.values_list("name", flat=True))
    added = [
        Flow.objects.create(environment=environment, name=name, owner=actor) for name in FLOWS if name not in present
    ]
    dataverse = Connection.objects.filter(
        environment=environment, owner=actor, kind=ConnectionKind.DATAVERSE, status=Connection.Status.CONNECTED
    ).first()
    for flow in added:
        for kind in FLOWS[flow.name].requires:
            connection = dataverse if kind is ConnectionKind.DATAVERSE else None
            ConnectionReference.objects.create(flow=flow, kind=kind, connection=connection)
        flow.is_on = not _turn_on_problems(flow)
        flow.save(update_fields=["is_on"])
        record(actor=actor, verb="install flow", subject=flow.name, detail=environment.name)
    return added


@transaction.atomic
def take_ownership(*, actor: Any, environment: Environment) -> None:
    """Make `actor` the owner of all three flows. Their connections are unset, so they are off until turned on again.

    Runs that Finance is working on go on: the new owner asks for the same executions. Raises ConnectionMissing when no
    flow is installed.
    """
    flows = list(environment.flows.select_for_update())
    if not flows:
        raise ConnectionMissing(
            "The flows are not installed.", hint="An IT administrator installs them.", code="flow-not-installed"
        )
    for flow in flows:
        previous = flow.owner
        flow.owner, flow.is_on = actor, False
        flow.save(update_fields=["owner", "is_on"])
        flow.references.update(connection=None)
        record(
            actor=actor,
            verb="take ownership",
            subject=flow.name,
            detail=f"before: {previous or 'nobody'}",
            before=f"owner: {previous or 'nobody'}",
            after=f"owner: {actor}",
        )


def begin_connect(
    *, actor: Any, environment: Environment, kind: ConnectionKind, redirect_uri: str, login_hint: str = ""
) -> dict[str, Any]:
    """Start the actor's sign-in; `auth_uri` of the result is where the browser goes, all of it belongs to the session.

    A sign-in to Finance needs the actor's Dataverse connection, which tells where Finance is.
    """
    resource = environment.dataverse_url.rstrip("/")
    if kind is ConnectionKind.FINANCE:
        resource = _finance_url_for(actor, environment)
    return entra.begin_sign_in(
        environment=environment, resource=resource, redirect_uri=redirect_uri, login_hint=login_hint
    )


def connect(
    *,
    actor: Any,
    environment: Environment,
    kind: ConnectionKind,
    flow: Mapping[str, Any],
    answer: Mapping[str, str],
) -> Connection:
    """Finish the actor's sign-in and keep the connection; empty slots of the flows they own point at it.

    `flow` is what `begin_connect` returned, `answer` the query of the address that the browser came back to.
    """
    signed_in = entra.complete_sign_in(environment=environment, flow=flow, answer=answer)
    with transaction.atomic():
        found = Connection.objects.select_for_update().filter(environment=environment, owner=actor, kind=kind)
        connection = found.first() or Connection(environment=environment, owner=actor, kind=kind)
        connection.account, connection.home_account_id = signed_in.account, signed_in.home_account_id
        connection.token_cache = entra.seal_cache(actor.pk, signed_in.cache)
        connection.token_version += 1
        connection.status, connection.reason = Connection.Status.CONNECTED, ""
        connection.connected_at = timezone.now()
        connection.save()
        ConnectionReference.objects.filter(
            flow__environment=environment, flow__owner=actor, kind=kind, connection=None
        ).update(connection=connection)
        record(actor=actor, verb="connect", subject=str(connection), detail=f"as {signed_in.account}")
    return connection


@transaction.atomic
def set_reference(
    *,
    actor: Any,
    environment: Environment,
    name: str,
    kind: ConnectionKind,
    connection: Connection | None,
) -> None:
    """Let the flow's slot point at `connection`, or empty it (which turns the flow off).

    Raises Refused when the flow has no such slot or the connection is not its owner's.
    """
    flow = _locked(environment, name)
    if connection is not None:
        owner = str(flow.owner or "")
        problems = reference_problems(name, kind, owner, str(connection.owner))
        if connection.kind != kind or connection.environment_id != environment.pk:
            problems.extend(reference_problems(name, kind, owner, "")[:1])
        if problems:
            raise Refused(problems)
    ConnectionReference.objects.filter(flow=flow, kind=kind).update(connection=connection)
    if connection is None and flow.is_on:
        flow.is_on = False
        flow.save(update_fields=["is_on"])
    record(actor=actor, verb="set connection", subject=f"{name}: {kind.label}", detail=str(connection or "empty"))


@transaction.atomic
def turn_on(*, actor: Any, environment: Environment, name: str) -> None:
    """Turn the flow on. Raises Refused when a connection that it needs is missing or needs attention."""
    flow = _locked(environment, name)
    problems = _turn_on_problems(flow)
    if problems:
        raise Refused(problems)
    _switch(flow, actor, is_on=True)


@transaction.atomic
def turn_off(*, actor: Any, environment: Environment, name: str) -> None:
    """Turn the flow off; runs that need it wait or fail with that reason, nothing is lost."""
    _switch(_locked(environment, name), actor, is_on=False)


def _switch(flow: Flow, actor: Any, *, is_on: bool) -> None:
    if flow.is_on != is_on:
        flow.is_on = is_on
        flow.save(update_fields=["is_on"])
        record(actor=actor, verb="turn on" if is_on else "turn off", subject=flow.name)


def _locked(environment: Environment, name: str) -> Flow:
    flow = environment.flows.select_for_update().filter(name=name).first()
    if flow is None:
        raise ConnectionMissing(
            f"{name} is not installed.", hint="An IT administrator installs the flows.", code="flow-not-installed"
        )
    return flow


def _turn_on_problems(flow: Flow) -> list[Problem]:
    states = {}
    for reference in flow.references.select_related("connection__owner"):
        if connection := reference.connection:
            attention = connection.status == Connection.Status.NEEDS_ATTENTION
            states[ConnectionKind(reference.kind)] = ReferenceState(str(connection.owner), attention)
    return turn_on_problems(flow.name, str(flow.owner or ""), states)


def _finance_url_for(actor: Any, environment: Environment) -> str:
    connection = (
        Connection.objects.select_related("environment", "owner")
        .filter(environment=environment, owner=actor, kind=ConnectionKind.DATAVERSE)
        .first()
    )
    if connection is None:
        raise ConnectionMissing(
            "You have no Dataverse connection, which tells where Finance is.", hint="Connect Dataverse first."
        )
    return DataverseClient(environment=environment, connection=connection).finance_url()
