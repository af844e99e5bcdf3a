"""Authorization codes and refresh tokens: random texts of which only the digest is kept."""

import hashlib
import json
import secrets
import time
from dataclasses import dataclass

from sandbox.entra.directory import Account, iso, oauth_error
from sandbox.tenant import ENTRA
from sandbox.world import World


@dataclass(frozen=True)
class Grant:
    """What a person granted: when they signed in, when this text was handed out, when it ends; seconds since 1970."""

    upn: str
    details: dict[str, str]
    signed_in: float
    issued: float
    expires: float


def issue(world: World, kind: str, upn: str, details: dict[str, str], *, signed_in: float = 0.0) -> str:
    """A new code or refresh token, good for as long as the mode of its kind says."""
    secret, now = secrets.token_urlsafe(48), time.time()
    seconds = float(world.faults.mode({"code": "code_seconds", "refresh": "refresh_token_seconds"}[kind]))
    kept = {**details, "issued": repr(now), "signed_in": repr(signed_in or now)}
    with world.store.transaction() as connection:
        connection.execute(
            "INSERT INTO grants VALUES (?, ?, ?, ?, ?)", (_digest(secret), kind, upn, json.dumps(kept), now + seconds)
        )
    return secret


def redeem_code(world: World, secret: str) -> Grant:
    """The grant of a code, which is spent with this, even when what follows is refused."""
    with world.store.transaction() as connection:
        grant = _find(world, "code", secret)
        if grant.details.get("redeemed"):
            raise oauth_error(
                "invalid_grant",
                "AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new valid code or "
                "use an existing refresh token.",
            )
        connection.execute(
            "UPDATE grants SET details = ? WHERE digest = ?",
            (json.dumps({**grant.details, "redeemed": "yes"}), _digest(secret)),
        )
    if grant.expires < time.time():
        raise oauth_error(
            "invalid_grant",
            "AADSTS70008: The provided authorization code or refresh token has expired due to inactivity. Send a new "
            "interactive authorization request for this user and resource.",
        )
    return grant


def refresh(world: World, secret: str) -> Grant:
    """The grant of a refresh token. It serves every resource, and stays good beside the one that replaces it."""
    return _find(world, "refresh", secret)


def check_standing(grant: Grant, person: Account, resource: str) -> None:
    """Refuse what happened to the account since: disabled, revoked, unused, not consented, a second factor asked."""
    if not person.enabled:
        raise oauth_error("invalid_grant", "AADSTS50057: The user account is disabled.")
    if grant.signed_in < person.signed_in_since:
        raise oauth_error(
            "invalid_grant",
            "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed. The "
            f"user might have changed or reset their password. The grant was issued on '{iso(grant.signed_in)}' and "
            "the TokensValidFrom date (before which tokens are not valid) for this user is "
            f"'{iso(person.signed_in_since)}'.",
            suberror="bad_token",
        )
    if grant.issued < person.inactive_since or grant.expires < time.time():
        raise oauth_error(
            "invalid_grant",
            "AADSTS700082: The refresh token has expired due to inactivity. The token was issued on "
            f"{iso(grant.issued)} and was inactive for 90.00:00:00.",
            suberror="token_expired",
        )
    check_consent(person)
    if grant.signed_in < person.mfa_since:
        raise second_factor(resource)


def check_consent(person: Account) -> None:
    if not person.consent:
        raise oauth_error(
            "invalid_grant",
            "AADSTS65001: The user or administrator has not consented to use the application with ID "
            f"'{ENTRA['client_id']}' named '{ENTRA['application_name']}'. Send an interactive authorization request "
            "for this user and resource.",
            suberror="consent_required",
        )


def second_factor(resource: str) -> Exception:
    return oauth_error(
        "interaction_required",
        "AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new "
        f"location, you must use multi-factor authentication to access '{resource}'.",
        suberror="basic_action",
        claims='{"access_token":{"capolids":{"essential":true,"values":["5a7d1f10-7d0f-4a53-9a55-0a6f2a1c7b01"]}}}',
    )


def _find(world: World, kind: str, secret: str) -> Grant:
    row = world.store.row("SELECT * FROM grants WHERE digest = ? AND kind = ?", (_digest(secret), kind))
    if row is None:
        raise oauth_error(
            "invalid_grant", "AADSTS9002313: Invalid request. Request is malformed or invalid.", suberror="bad_token"
        )
    details = json.loads(row["details"])
    issued = float(details.get("issued", 0))
    return Grant(row["upn"], details, float(details.get("signed_in", issued)), issued, row["expires"])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
