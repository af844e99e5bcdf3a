"""Connections as a page lists them, and how long the portal's own credential in Entra still holds."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from bpp_portal.kernel.roles import Right, has_right
from connections.entra_application import certificate_until
from connections.errors import CertificateRefused
from connections.models import Connection, Environment
from connections.rules.expiry import Expiry, expiry_of


@dataclass(frozen=True)
class ConnectionRow:
    connection: Connection
    used_by: tuple[str, ...]

    @property
    def chip(self) -> str:
        return "success" if self.connection.status == Connection.Status.CONNECTED else "warning"


def connection_rows(*, reader: Any) -> tuple[ConnectionRow, ...]:
    """Connections with the flows that use each: all for who manages them, else one's own. Never a token."""
    found = Connection.objects.select_related("environment", "owner").defer("token_cache")
    if not has_right(reader, Right.MANAGE_CONNECTIONS):
        found = found.filter(owner=reader)
    found = found.prefetch_related("references__flow")
    return tuple(ConnectionRow(one, tuple(r.flow.name for r in one.references.all())) for one in found)


def credential_expiry(*, environment: Environment) -> Expiry:
    """The certificate's own date if there is one, else the date entered for the client secret of the environment."""
    today = timezone.localdate()
    try:
        until = certificate_until()
    except CertificateRefused as error:
        return Expiry("Certificate", None, "danger", error.cause)
    if until is not None:
        return expiry_of("Certificate", until, today)
    return expiry_of("Client secret", environment.secret_expires_on, today)
