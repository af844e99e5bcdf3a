"""Environments and flows, and the clients that act as a flow's owner."""

from typing import Any

from django.db.models import QuerySet

from connections import entra
from connections.dataverse import DataverseClient
from connections.errors import ConnectionMissing, FinanceNotConfigured, FlowOff
from connections.finance import FinanceClient
from connections.models import Connection, Environment, Flow
from connections.rules.flows import EXPORT_FLOW, FLOWS, ConnectionKind

from .fitness import account_unfit, owner_unfit


def environments() -> QuerySet[Environment]:
    """All environments, the default one first."""
    return Environment.objects.order_by("id")


def default_environment() -> Environment:
    """The environment that is meant when none is named. Raises FinanceNotConfigured when there is none."""
    environment = environments().first()
    if environment is None:
        raise FinanceNotConfigured(
            "No environment is set up.",
            hint="An IT administrator adds one in the administration.",
            code="no-environment",
        )
    return environment


def flows(*, environment: Environment) -> list[Flow]:
    """The installed flows in documented order, with owner and references loaded."""
    found = environment.flows.select_related("owner").prefetch_related("references__connection__owner")
    order = list(FLOWS)
    return sorted(found, key=lambda flow: order.index(flow.name))


def flow(*, environment: Environment, name: str) -> Flow:
    """One of the documented flows. Raises ConnectionMissing when it is not installed."""
    found = environment.flows.select_related("owner").filter(name=name).first()
    if found is None:
        raise ConnectionMissing(
            f"{name} is not installed.",
            hint="An IT administrator installs the flows.",
            code="flow-not-installed",
        )
    return found


def dataverse_client(*, environment: Environment, flow_name: str = EXPORT_FLOW) -> DataverseClient:
    """Reads Dataverse as the owner of the flow, whether the flow is on or off."""
    connection = _connection(flow(environment=environment, name=flow_name), ConnectionKind.DATAVERSE)
    return DataverseClient(environment=environment, connection=connection)


def finance_client(*, environment: Environment, flow_name: str) -> FinanceClient:
    """Acts in Finance as the flow's owner, at the address that the environment variable has at this moment.

    The export flow has a Dataverse connection only: the token for Finance comes from the same sign-in. Raises FlowOff
    or another ConnectionMissing, FinanceNotConfigured, NoPermission, or a transient error.
    """
    return finance_client_of(flow(environment=environment, name=flow_name), must_be_on=True)


def finance_client_of(wanted: Flow, *, must_be_on: bool) -> FinanceClient:
    """The same for a flow at hand; reading for a form does not need the flow to be on."""
    if must_be_on and not wanted.is_on:
        raise FlowOff(f"{wanted.name} is turned off.", hint=f"{wanted.owner or 'Its owner'} turns it on.")
    dataverse = _connection(wanted, ConnectionKind.DATAVERSE)
    kind = FLOWS[wanted.name].requires[-1]
    connection = dataverse if kind is ConnectionKind.DATAVERSE else _connection(wanted, kind)
    root = DataverseClient(environment=wanted.environment, connection=dataverse).finance_url()

    def bearer(refresh: bool) -> str:
        return entra.token_for(connection, root, refresh=refresh)

    return FinanceClient(root=root, who=connection.account, bearer=bearer)


def connection_of(*, environment: Environment, user: Any, kind: ConnectionKind) -> Connection | None:
    """The person's own connection of this kind, if there is one."""
    found = Connection.objects.select_related("environment", "owner")
    return found.filter(environment=environment, owner=user, kind=kind).first()


def own_connection(*, environment: Environment, user: Any, kind: ConnectionKind, purpose: str = "") -> Connection:
    """The person's own connection. Raises ConnectionMissing when they have none: nobody acts with another's."""
    found = connection_of(environment=environment, user=user, kind=kind)
    if found is None:
        raise ConnectionMissing(
            f"You have no {kind.label} connection in {environment}.",
            hint=" ".join(filter(None, (f"Connect {kind.label} first.", purpose and f"{purpose} as you."))),
        )
    return found


def _connection(wanted: Flow, kind: ConnectionKind) -> Connection:
    if unfit := owner_unfit(wanted):
        raise ConnectionMissing(unfit.cause, hint=unfit.hint, code="flow-owner-unfit")
    reference = (
        wanted.references.select_related("connection__owner", "connection__environment").filter(kind=kind).first()
    )
    connection = reference.connection if reference else None
    if connection is None or connection.owner_id != wanted.owner_id:
        raise ConnectionMissing(
            f"{wanted.name} has no {kind.label} connection.",
            hint=f"{wanted.owner or 'Its owner'} connects {kind.label} on the Flows page.",
        )
    if unfit := account_unfit(connection):
        raise ConnectionMissing(unfit.cause, hint=unfit.hint, code="foreign-account")
    return connection
