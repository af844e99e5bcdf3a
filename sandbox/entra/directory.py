"""The tenant: its accounts, the one registered application, and the shape of a refusal."""

import json
import re
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography import x509

from sandbox.tenant import ENTRA
from sandbox.wire import Call, WireError
from sandbox.world import World

TENANT: str = ENTRA["tenant_id"]
# Names that stand for any tenant. An application of a single tenant is not served there.
COMMON = ("common", "organizations", "consumers")
_SETTING = "application"
_ACCOUNTS = (
    "SELECT entra_accounts.*, coalesce(roles, '[]') AS roles FROM entra_accounts LEFT JOIN app_roles USING (upn)"
)


@dataclass(frozen=True)
class Account:
    """A person. The instants are seconds since 1970, 0 for never; what was granted before them no longer counts."""

    upn: str
    oid: str
    name: str
    enabled: bool
    consent: bool
    signed_in_since: float  # password reset or sessions revoked
    mfa_since: float  # since then a second factor is asked for
    inactive_since: float  # refresh tokens handed out before are taken for unused for too long
    roles: tuple[str, ...]  # values of the application's app roles that the account is assigned to


@dataclass(frozen=True)
class Application:
    """The registered application; `finance_user` is its row in Finance's table of Microsoft Entra applications."""

    client_id: str
    object_id: str
    name: str
    secret: str
    secret_expired: bool
    certificates: tuple[x509.Certificate, ...]
    enabled: bool
    finance_user: str
    redirect_uris: tuple[str, ...]  # those registered; none: any on this machine
    id_token_claims: dict[str, Any]  # laid over those of the next id_tokens, as a wrong or hostile authority would


def authority(world: World) -> str:
    return f"{world.dataverse_url}/{TENANT}"


def application(world: World) -> Application:
    kept = json.loads(world.store.setting(_SETTING) or "{}")
    return Application(
        client_id=ENTRA["client_id"],
        object_id=ENTRA["app_oid"],
        name=ENTRA["application_name"],
        secret=kept.get("secret") or world.store.setting("client_secret") or "",
        secret_expired=bool(kept.get("secret_expired")),
        certificates=certificates(kept.get("certificate") or ""),
        enabled=bool(kept.get("enabled", True)),
        finance_user=kept.get("finance_user") or "",
        redirect_uris=tuple(kept.get("redirect_uris") or ()),
        id_token_claims=kept.get("id_token_claims") or {},
    )


def change_application(world: World, changes: dict[str, Any]) -> None:
    kept = json.loads(world.store.setting(_SETTING) or "{}")
    world.store.keep_setting(_SETTING, json.dumps({**kept, **changes}))


@lru_cache(maxsize=8)
def certificates(pem: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text, none of an empty one. Raises ValueError when it holds something else."""
    return tuple(x509.load_pem_x509_certificates(pem.encode())) if pem.strip() else ()


def account(world: World, upn: str) -> Account | None:
    row = world.store.row(f"{_ACCOUNTS} WHERE upn = ?", (upn,))
    return None if row is None else _account(row)


def accounts(world: World) -> list[Account]:
    return [_account(row) for row in world.store.rows(f"{_ACCOUNTS} ORDER BY entra_accounts.rowid")]


def _account(row: Any) -> Account:
    flags = {name: bool(row[name]) for name in ("enabled", "consent")}
    return Account(**{**dict(row), **flags, "roles": tuple(json.loads(row["roles"]))})


def change_account(world: World, upn: str, changes: dict[str, Any]) -> None:
    """Set columns of an account, by name."""
    with world.store.transaction() as connection:
        for name, value in changes.items():
            connection.execute(f'UPDATE entra_accounts SET "{name}" = ? WHERE upn = ?', (value, upn))


def assign_roles(world: World, upn: str, roles: list[str]) -> None:
    """The account's app roles, by value, in place of those it had."""
    with world.store.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO app_roles (upn, roles) VALUES (?, ?)", (upn, json.dumps(roles)))


def check_tenant(call: Call, *, common: bool = False) -> None:
    """Refuse a tenant that is not ours, and one of the names for any tenant unless they are `common` ground."""
    asked = call.parts["tenant"].lower()
    if asked == TENANT or (common and asked in COMMON):
        return
    if asked in COMMON:
        raise oauth_error(
            "invalid_request",
            f"AADSTS50194: Application '{ENTRA['client_id']}'({ENTRA['application_name']}) is not configured as a "
            f"multi-tenant application. Usage of the /{asked} endpoint is not supported for such applications created "
            "after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
        )
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\w-]+(\.[\w-]+)+", asked):
        raise oauth_error(
            "invalid_request",
            f"AADSTS900023: Specified tenant identifier '{asked}' is neither a valid DNS name, nor a valid "
            "external domain.",
        )
    raise oauth_error(
        "invalid_tenant",
        f"AADSTS90002: Tenant '{asked}' not found. Check to make sure you have the correct tenant ID and are signing "
        "into the correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    )


def oauth_error(
    error: str, description: str, status: int = 400, *, suberror: str = "", claims: str = ""
) -> "OAuthRefusal":
    return OAuthRefusal(error, description, status, suberror, claims)


class OAuthRefusal(WireError):
    """A refusal in Entra's envelope; the number in front of the text is also in `error_codes`."""

    def __init__(self, error: str, description: str, status: int, suberror: str, claims: str) -> None:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
        numbers = [int(code) for code in re.findall(r"AADSTS(\d+)", description)]
        content: dict[str, Any] = {
            "error": error,
            "error_description": f"{description} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": numbers,
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        content |= {name: text for name, text in (("suberror", suberror), ("claims", claims)) if text}
        super().__init__(status, content, {"Cache-Control": "no-store", "Pragma": "no-cache"})


def iso(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def instant_of(value: Any) -> float:
    """Seconds since 1970 of "now", an ISO time or nothing (0). Raises ValueError."""
    if not value:
        return 0.0
    return time.time() if value == "now" else datetime.fromisoformat(str(value)).timestamp()
