"""A person's connections: made by signing in, removed, and kept under the newest key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from bpp_portal.audit.operations import record
from bpp_portal.kernel.problems import Problem
from connections import entra, vault
from connections.dataverse import DataverseClient
from connections.entra_application import application_token, credential
from connections.errors import ConnectionMissing, Refused, Rejected
from connections.models import Connection, ConnectionReference, Environment, Flow
from connections.queries.access import connection_of
from connections.rules.flows import ConnectionKind
from connections.rules.owners import account_problem

from . import cloud_flows


@dataclass(frozen=True)
class Rotated:
    """How many stored sign-ins were encrypted again, had the newest key already, and can't be read any more."""

    done: int
    kept: int
    unreadable: int


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
    Raises Refused when the account is not the actor's own.
    """
    signed_in = entra.complete_sign_in(environment=environment, flow=flow, answer=answer)
    if unfit := account_problem(account=signed_in.account, user=str(actor), email=actor.email):
        raise Refused([Problem("foreign-account", unfit.cause, hint=unfit.hint)])
    values = {
        "auth": Connection.Auth.PERSON,
        "account": signed_in.account,
        "home_account_id": signed_in.home_account_id,
        "token_cache": entra.seal_cache(actor.pk, signed_in.cache),
    }
    return _keep(actor, environment, kind, values)


def connect_application(*, actor: Any, environment: Environment, kind: ConnectionKind) -> Connection:
    """Let the actor's connection be the portal's own application (a service principal) in place of a person.

    Proved by a token first. Raises Rejected when Entra does not take the application, ConnectionMissing when a
    connection to Finance comes before the one to Dataverse.
    """
    if not credential(environment):
        raise Rejected(
            f"The deployment has no certificate and no client secret for {environment}.",
            hint="An IT administrator sets ENTRA_CERTIFICATE_FILE or ENTRA_CLIENT_SECRET.",
            headline="The application can't be connected",
            code="credential-missing",
        )
    resource = environment.dataverse_url.rstrip("/")
    if kind is ConnectionKind.FINANCE:
        resource = _finance_url_for(actor, environment)
    application_token(environment, resource, refresh=True)
    values = {
        "auth": Connection.Auth.APPLICATION,
        "account": f"application {environment.client_id}",
        "home_account_id": "",
        "token_cache": b"",
    }
    return _keep(actor, environment, kind, values)


@transaction.atomic
def _keep(actor: Any, environment: Environment, kind: ConnectionKind, values: Mapping[str, Any]) -> Connection:
    found = Connection.objects.select_for_update().filter(environment=environment, owner=actor, kind=kind)
    connection = found.first() or Connection(environment=environment, owner=actor, kind=kind)
    for name, value in values.items():
        setattr(connection, name, value)
    connection.token_version += 1
    connection.status, connection.reason = Connection.Status.CONNECTED, ""
    connection.connected_at = timezone.now()
    connection.save()
    ConnectionReference.objects.filter(
        flow__environment=environment, flow__owner=actor, kind=kind, connection=None
    ).update(connection=connection)
    record(actor=actor, verb="connect", subject=str(connection), detail=f"as {connection.account}")
    return connection


def disconnect(*, actor: Any, connection: Connection) -> str:
    """Remove a connection. The slots that point at it are emptied, and their flows are off until somebody connects.

    Says why Dataverse has not followed, else empty.
    """
    names = _unset(connection)
    # Before it is removed: it may be the very connection that Dataverse is told with.
    left = cloud_flows.follow(actor=actor, environment=connection.environment, names=names) if names else ""
    with transaction.atomic():
        detail = f"{connection.account}: {', '.join(names) or 'no flow used it'}"
        record(actor=actor, verb="remove connection", subject=str(connection), detail=detail)
        connection.delete()
    return left


@transaction.atomic
def _unset(connection: Connection) -> list[str]:
    """Empty the slots that point at the connection and turn their flows off; the flows' names."""
    flows = list(Flow.objects.select_for_update().filter(references__connection=connection))
    for flow in flows:
        flow.is_on = False
        flow.save(update_fields=["is_on"])
    ConnectionReference.objects.filter(connection=connection).update(connection=None)
    return [flow.name for flow in flows]


def rotate_keys() -> Rotated:
    """Encrypt every stored sign-in with the newest of CONNECTION_KEYS, so that older keys may go.

    One that no key opens needs attention: its owner signs in again. A refresh by a worker meanwhile wins; it has used
    the newest key.
    """
    done = kept = unreadable = 0
    for connection in Connection.objects.exclude(token_cache=b"").select_related("owner"):
        sealed, version = bytes(connection.token_cache), connection.token_version
        plain = _opens(connection, sealed)
        if plain is None:
            entra.needs_attention(connection, entra.UNREADABLE)
            unreadable += 1
            continue
        if vault.is_newest(sealed):
            kept += 1
            continue
        Connection.objects.filter(pk=connection.pk, token_version=version).update(
            token_cache=vault.seal(plain, owner_id=connection.owner_id, column=entra.COLUMN), token_version=version + 1
        )
        done += 1
    record(actor=None, verb="rotate keys", subject="connections", detail=f"{done} encrypted, {unreadable} unreadable")
    return Rotated(done, kept, unreadable)


def _opens(connection: Connection, sealed: bytes) -> bytes | None:
    try:
        return vault.unseal(sealed, owner_id=connection.owner_id, column=entra.COLUMN)
    except vault.Unreadable:
        return None


def _finance_url_for(actor: Any, environment: Environment) -> str:
    connection = connection_of(environment=environment, user=actor, kind=ConnectionKind.DATAVERSE)
    if connection is None:
        raise ConnectionMissing(
            "You have no Dataverse connection, which tells where Finance is.", hint="Connect Dataverse first."
        )
    return DataverseClient(environment=environment, connection=connection).finance_url()
