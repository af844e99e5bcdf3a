"""What is set up in an environment: its addresses, the variable that names Finance, the visible virtual entities."""

from typing import Any

from django.db import transaction

from bpp_portal.audit.operations import record
from bpp_portal.kernel.problems import Problem
from connections import dataverse_setup
from connections.dataverse import FINANCE_URI, FINANCE_URI_NAME, DataverseClient
from connections.errors import EntityHidden, FinanceNotConfigured, InDoubt, Refused
from connections.http import check_address
from connections.models import Connection, Environment
from connections.queries.access import own_connection
from connections.rules.addresses import root_of
from connections.rules.entities import VIRTUAL_ENTITIES
from connections.rules.flows import ConnectionKind


@transaction.atomic
def save_environment(*, actor: Any, name: str, **values: Any) -> Environment:
    """Create the environment `name` or bring it to `values` (fields of the model); unchanged ones are left alone.

    The trail keeps each changed value with the one before.
    """
    environment = Environment.objects.select_for_update().filter(name=name).first() or Environment(name=name)
    changed = {field: getattr(environment, field) for field in values if getattr(environment, field) != values[field]}
    if environment.pk and not changed:
        return environment
    for field in changed:
        setattr(environment, field, values[field])
    environment.save()
    record(
        actor=actor,
        verb="set up environment",
        subject=name,
        detail="; ".join(f"{field}: {was or 'empty'} → {values[field] or 'empty'}" for field, was in changed.items()),
        before="\n".join(f"{field}: {was}" for field, was in changed.items()),
        after="\n".join(f"{field}: {values[field]}" for field in changed),
    )
    return environment


def set_finance_url(*, actor: Any, environment: Environment, value: str) -> str:
    """Set the current value of the variable *BPP App FinOps URI* in Dataverse, as the actor; returns what stands there.

    Only the root address of a host that the deployment allows is taken: Refused names what is wrong with another one.
    """
    root = root_of(value)
    if not root:
        raise Refused([Problem("finance-address-malformed", MALFORMED, "value")])
    try:
        check_address(root)
    except FinanceNotConfigured as error:
        raise Refused([Problem(error.code, error.cause, "value", error.hint)]) from None
    client = _client(actor, environment)
    variable = client.variable(FINANCE_URI)
    if variable is None:
        raise FinanceNotConfigured(
            f"The environment variable {FINANCE_URI_NAME} ({FINANCE_URI}) does not exist.",
            hint="Install the flows: that creates it.",
            code="variable-missing",
        )
    if variable.current.strip() == root:
        return root
    try:
        client.set_variable(variable, root)
    except InDoubt:
        found = client.variable(FINANCE_URI)
        if found is None or found.current != root:
            raise
    record(
        actor=actor,
        verb="set variable",
        subject=f"{environment.name}: {FINANCE_URI_NAME}",
        detail=f"{variable.current or 'empty'} → {root}",
    )
    return root


MALFORMED = "This is not the root address of an environment. Enter one like https://contoso.operations.dynamics.com."


def make_visible(*, actor: Any, environment: Environment, entity: str) -> bool:
    """Ask Dataverse, as the actor, to show a virtual entity of the write-back; False when it is visible already.

    Dataverse generates its table some time later. Raises Busy while another one is generated.
    """
    if entity not in VIRTUAL_ENTITIES:
        raise Refused([Problem("entity-not-needed", f"The write-back does not use {entity}.")])
    client = _client(actor, environment)
    found = dataverse_setup.catalog_entity(client, entity)
    if found is None:
        raise EntityHidden(
            f"Finance offers no entity {entity} to Dataverse.",
            hint="Refresh the entity list in Finance (Data management, Framework parameters). "
            "A Finance administrator can.",
            code="entity-unknown",
        )
    if found.visible:
        return False
    dataverse_setup.make_visible(client, found)
    record(actor=actor, verb="make visible", subject=f"{environment.name}: {entity}", detail="hidden → visible")
    return True


def _client(actor: Any, environment: Environment) -> DataverseClient:
    connection: Connection = own_connection(
        environment=environment, user=actor, kind=ConnectionKind.DATAVERSE, purpose="What you change there is changed"
    )
    return DataverseClient(environment=environment, connection=connection)
