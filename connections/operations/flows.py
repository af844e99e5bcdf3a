"""Who owns the flows, what they run with, and whether they are on."""

from typing import Any

from django.db import transaction

from bpp_portal.audit.operations import record
from connections.errors import ConnectionMissing, Refused
from connections.models import Connection, ConnectionReference, Environment, Flow
from connections.queries.access import flow as flow_named
from connections.queries.access import flows
from connections.queries.flow_page import problems_of
from connections.rules.flows import ConnectionKind, reference_problems

from . import cloud_flows


def take_ownership(*, actor: Any, environment: Environment) -> str:
    """Make `actor` the owner of all three flows. Their connections are unset, so they are off until turned on again.

    Runs that Finance is working on go on: the new owner asks for the same executions. Dataverse follows at once when
    the actor has a connection to it, else as soon as they have one; says why it could not, else empty. Raises
    ConnectionMissing when no flow is installed.
    """
    _take(actor, environment)
    return cloud_flows.follow_connected(actor=actor, environment=environment)


@transaction.atomic
def _take(actor: Any, environment: Environment) -> None:
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


@transaction.atomic
def set_reference(
    *,
    actor: Any,
    environment: Environment,
    name: str,
    kind: ConnectionKind,
    connection: Connection | None,
) -> None:
    """Let the flow's slot point at `connection`, or empty it (which turns the flow off); `follow` tells Dataverse.

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


def turn_on(*, actor: Any, environment: Environment, name: str, save: bool = False) -> None:
    """Turn the flow on, in Dataverse first; `save` saves its definition there before, as documented.

    Raises Refused when a connection that it needs is missing or needs attention, SaveFirst when Dataverse refuses,
    ConnectionMissing when the actor has no connection to Dataverse of their own.
    """
    flow = flow_named(environment=environment, name=name)
    if problems := problems_of(flow=flow):
        raise Refused(problems)
    _turn_on(actor, environment, [flow], save=save)


def turn_on_all(*, actor: Any, environment: Environment, save: bool = False) -> list[str]:
    """Turn on every flow that is off and can be on; their names. What keeps another one off is raised afterwards."""
    off = [flow for flow in flows(environment=environment) if not flow.is_on]
    kept = [problem for flow in off for problem in problems_of(flow=flow)]
    fit = [flow for flow in off if not problems_of(flow=flow)]
    if fit:
        _turn_on(actor, environment, fit, save=save)
    if kept:
        raise Refused(kept)
    return [flow.name for flow in fit]


def _turn_on(actor: Any, environment: Environment, wanted: list[Flow], *, save: bool) -> None:
    refused = cloud_flows.turn_on_there(actor=actor, environment=environment, wanted=wanted, save=save)
    names = {problem.field for problem in refused}
    with transaction.atomic():
        for flow in wanted:
            if flow.name not in names:
                locked = _locked(environment, flow.name)
                if problems := problems_of(flow=locked):  # somebody removed a connection meanwhile
                    raise Refused(problems)
                _switch(locked, actor, is_on=True)
    if refused:
        raise (Refused if save else cloud_flows.SaveFirst)(refused)


def turn_off(*, actor: Any, environment: Environment, name: str) -> str:
    """Turn the flow off; runs that need it wait or fail with that reason, nothing is lost.

    Says why Dataverse has not followed, else empty.
    """
    with transaction.atomic():
        _switch(_locked(environment, name), actor, is_on=False)
    return cloud_flows.follow(actor=actor, environment=environment, names=[name])


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
