"""Sign-in with Entra ID through msal, and tokens from what a person's sign-in left behind.

msal speaks through our own transport, so that allowed hosts, certificates and error classes are the same everywhere.
It is imported where it is needed: the import is slow, and most processes never sign anybody in.
"""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import vault
from .entra_application import application, application_token, bearer_of, sign_in_error, understood
from .errors import ConnectionMissing, Permanent
from .models import Connection, Environment
from .rules.secrets import storable

COLUMN = "connections.connection.token_cache"
UNREADABLE = "The stored sign-in can't be decrypted."
_MARGIN_SECONDS = 300


@dataclass(frozen=True)
class SignedIn:
    """The outcome of a sign-in: whose account it is, and the token cache to keep (a secret)."""

    account: str
    home_account_id: str
    cache: str = field(repr=False)


def begin_sign_in(
    *, environment: Environment, resource: str, redirect_uri: str, login_hint: str = ""
) -> dict[str, Any]:
    """Start a sign-in (authorization code with PKCE) for `resource`, a root address.

    Returns what `complete_sign_in` needs again (keep it in the session); its `auth_uri` is where the browser goes.
    """
    warnings.filterwarnings("ignore", message="response_mode='form_post'", category=UserWarning)
    app = application(environment, None)
    with understood():
        flow: dict[str, Any] = app.initiate_auth_code_flow(
            [f"{resource}/.default"],
            redirect_uri=redirect_uri,
            login_hint=login_hint or None,
            response_mode="query",
        )
    return flow


def complete_sign_in(*, environment: Environment, flow: Mapping[str, Any], answer: Mapping[str, str]) -> SignedIn:
    """Redeem the code that came back. Raises ConnectionMissing when the sign-in was refused or is not ours."""
    from msal import SerializableTokenCache

    cache = SerializableTokenCache()
    app = application(environment, cache)
    with understood():
        try:
            result = app.acquire_token_by_auth_code_flow(dict(flow), dict(answer))
        except ValueError:
            raise ConnectionMissing("The answer does not belong to this sign-in.", hint="Sign in again.") from None
    if "error" in result:
        raise sign_in_error(result, "the new account")
    accounts = app.get_accounts()
    if not accounts:
        raise ConnectionMissing("The sign-in named no account.", hint="Sign in again.")
    with understood():
        bearer_of(result)  # a cache with another one would hand it out until it ends
        return SignedIn(_name(accounts[0]["username"]), _name(accounts[0]["home_account_id"]), cache.serialize())


def token_for(connection: Connection, resource: str, *, refresh: bool = False) -> str:
    """A bearer token of the connection's account for `resource`, a root address; `refresh` asks for a new one.

    One sign-in serves Dataverse and Finance. Raises ConnectionMissing when the person must sign in again; the
    connection is then marked as needing attention.
    """
    if connection.auth == Connection.Auth.APPLICATION:
        return _application_token(connection, resource, refresh)
    from msal import SerializableTokenCache

    cache = SerializableTokenCache()
    cache.deserialize(_cache_text(connection))
    scopes = [f"{resource}/.default"]
    kept = None if refresh else _kept_token(cache, connection, scopes)
    if kept:
        return kept
    app = application(connection.environment, cache)
    account = next((a for a in app.get_accounts() if a["home_account_id"] == connection.home_account_id), None)
    with understood():
        result = (
            app.acquire_token_silent_with_error(scopes, account=account, force_refresh=refresh) if account else None
        )
        # Before the cache is stored: with a token that can't be sent it would be of no use until that ends.
        token = bearer_of(result) if result and "access_token" in result else ""
    if cache.has_state_changed:
        _keep(connection, cache.serialize())
    if token:
        return token
    error = sign_in_error(result or {"error": "invalid_grant"}, connection.account)
    if isinstance(error, ConnectionMissing):
        needs_attention(connection, error.cause)
    raise error


def _application_token(connection: Connection, resource: str, refresh: bool) -> str:
    try:
        return application_token(connection.environment, resource, refresh=refresh)
    except Permanent as error:
        needs_attention(connection, error.cause)
        raise


def seal_cache(owner_id: int, cache: str) -> bytes:
    """The token cache as it is stored for this owner."""
    return vault.seal(cache.encode(), owner_id=owner_id, column=COLUMN)


def needs_attention(connection: Connection, reason: str) -> None:
    """Mark the connection, so that pages say why nothing works and who has to sign in."""
    connection.status, connection.reason = Connection.Status.NEEDS_ATTENTION, reason[:500]
    # Somebody who has signed in again in the meantime has another version, and is left alone.
    Connection.objects.filter(pk=connection.pk, token_version=connection.token_version).update(
        status=connection.status, reason=connection.reason
    )


def _kept_token(cache: Any, connection: Connection, scopes: list[str]) -> str:
    """A token still good for some minutes, found without asking Entra for anything."""
    query = {"home_account_id": connection.home_account_id, "client_id": connection.environment.client_id}
    found = cache.search(cache.CredentialType.ACCESS_TOKEN, target=scopes, query=query)
    good = (entry for entry in found if int(entry["expires_on"]) > time.time() + _MARGIN_SECONDS)
    return str(next(good, {"secret": ""})["secret"])


def _name(text: Any) -> str:
    """A name that every database stores. Raises ValueError when Entra sent something else."""
    if not isinstance(text, str) or storable(text) != text:
        raise ValueError("not a name")
    return text


def _cache_text(connection: Connection) -> str:
    sealed = bytes(connection.token_cache)
    try:
        if sealed:
            return vault.unseal(sealed, owner_id=connection.owner_id, column=COLUMN).decode()
        reason = "Nobody has signed in yet."
    except vault.Unreadable:
        reason = UNREADABLE
    needs_attention(connection, reason)
    raise ConnectionMissing(reason, hint=f"{connection.owner} signs in again on the Connections page.")


def _keep(connection: Connection, cache: str) -> None:
    """Store a refreshed cache, unless another worker was first: its tokens are as good, so ours are dropped."""
    seen = connection.token_version
    sealed = seal_cache(connection.owner_id, cache)
    won = Connection.objects.filter(pk=connection.pk, token_version=seen).update(
        token_cache=sealed, token_version=seen + 1
    )
    if won:
        connection.token_cache, connection.token_version = sealed, seen + 1
    else:
        connection.refresh_from_db(fields=["token_cache", "token_version"])
