"""Entra ID: discovery, keys, the sign-in page and the token endpoint."""

import base64
import hashlib
import json
import secrets
import time
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox import tokens
from sandbox.seed import ENTRA
from sandbox.wire import Call, WireError, answer
from sandbox.world import World

_RESERVED = {"openid", "profile", "offline_access", "email"}
_CODE_SECONDS, _REFRESH_SECONDS = 600, 90 * 86400


def authority(world: World) -> str:
    return f"{world.dataverse_url}/{ENTRA['tenant_id']}"


def discovery(call: Call) -> Response:
    _check_tenant(call)
    base, tenant = call.world.dataverse_url, ENTRA["tenant_id"]
    return answer(
        {
            "issuer": f"{base}/{tenant}/v2.0",
            "authorization_endpoint": f"{call.world.plain_url}/{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
            "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": sorted(_RESERVED),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": [
                "sub",
                "iss",
                "aud",
                "exp",
                "iat",
                "nonce",
                "preferred_username",
                "name",
                "tid",
                "oid",
            ],
        }
    )


def keys(call: Call) -> Response:
    return answer(tokens.public_keys(call.world.store))


def _check_tenant(call: Call) -> None:
    if call.parts["tenant"].lower() != ENTRA["tenant_id"]:
        raise oauth_error("invalid_tenant", f"AADSTS90002: Tenant '{call.parts['tenant']}' not found.")


def oauth_error(error: str, description: str, status: int = 400) -> WireError:
    code = description.split(":")[0].removeprefix("AADSTS")
    return WireError(
        status,
        {
            "error": error,
            "error_description": description,
            "error_codes": [int(code)] if code.isdigit() else [],
            "trace_id": secrets.token_hex(8),
        },
    )


# --- the sign-in page ------------------------------------------------------------------------------------------------


def authorize(call: Call) -> Response:
    _check_tenant(call)
    asked = call.query if call.method == "GET" else call.form
    _check_client(asked)
    chosen = asked.get("user") or (asked.get("login_hint", "") if asked.get("prompt") == "none" else "")
    user = _user(call.world, chosen) if chosen else None
    if user is not None:
        code = _grant(
            call.world,
            "code",
            user["upn"],
            _CODE_SECONDS,
            {name: asked.get(name, "") for name in ("redirect_uri", "scope", "code_challenge", "nonce")},
        )
        return _back(asked, {"code": code, "client_info": _client_info(user["oid"])})
    if asked.get("prompt") == "none" or chosen:
        return _back(
            asked,
            {
                "error": "login_required",
                "error_description": "AADSTS50058: A silent sign-in request was sent but no user is signed in.",
            },
        )
    return HTMLResponse(_sign_in_page(call.world, asked))


def _check_client(asked: dict[str, str]) -> None:
    address = urlsplit(asked.get("redirect_uri", ""))
    if asked.get("client_id") != ENTRA["client_id"]:
        raise oauth_error("unauthorized_client", "AADSTS700016: Application was not found in the directory.")
    if address.hostname not in ("localhost", "127.0.0.1") or address.scheme not in ("http", "https"):
        raise oauth_error(
            "invalid_request",
            "AADSTS50011: The redirect URI specified in the request does not match the "
            "redirect URIs configured for the application.",
        )
    if asked.get("response_type") != "code":
        raise oauth_error("unsupported_response_type", "AADSTS700054: response_type 'code' is needed.")
    if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
        raise oauth_error("invalid_request", "AADSTS501491: code_challenge_method must be S256.")


def _back(asked: dict[str, str], values: dict[str, str]) -> Response:
    values = {**values, "state": asked.get("state", "")}
    if asked.get("response_mode") == "form_post":
        fields = "".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in values.items())
        action = escape(asked["redirect_uri"])
        return HTMLResponse(_page(f'<form method="post" action="{action}">{fields}<button>Continue</button></form>'))
    joiner = "&" if urlsplit(asked["redirect_uri"]).query else "?"
    return RedirectResponse(asked["redirect_uri"] + joiner + urlencode(values), 302)


def _sign_in_page(world: World, asked: dict[str, str]) -> str:
    kept = "".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in asked.items())
    users = world.store.rows("SELECT upn, name FROM entra_users WHERE enabled = 1 ORDER BY rowid")
    buttons = "".join(
        f'<p><button name="user" value="{escape(row["upn"])}"><b>{escape(row["name"])}</b> '
        f"{escape(row['upn'])}</button></p>"
        for row in users
    )
    return _page(
        "<h1>Pick an account</h1><p>Sandbox sign-in. No password is asked.</p>"
        f'<form method="get">{kept}{buttons}</form>'
    )


def _page(content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in to your account</title>'
        '<link rel="icon" href="data:,"></head>'
        f'<body style="font-family:Segoe UI,sans-serif;max-width:30rem;margin:4rem auto">{content}</body></html>'
    )


# --- the token endpoint ----------------------------------------------------------------------------------------------


def token(call: Call) -> Response:
    _check_tenant(call)
    asked = call.form
    _check_secret(call, asked)
    grant = asked.get("grant_type")
    if grant == "client_credentials":
        return _for_application(call.world, asked)
    if grant == "authorization_code":
        return _for_code(call, asked)
    if grant == "refresh_token":
        upn = _redeem(call.world, "refresh", asked.get("refresh_token", ""))["upn"]
        return _for_user(call, upn, asked.get("scope", ""), asked, nonce="")
    raise oauth_error("unsupported_grant_type", f"AADSTS70003: The app requested an unsupported grant type '{grant}'.")


def _check_secret(call: Call, asked: dict[str, str]) -> None:
    client, secret = asked.get("client_id", ""), asked.get("client_secret", "")
    scheme, _, basic = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        client, _, secret = base64.b64decode(basic).decode("utf-8", "replace").partition(":")
    if client != ENTRA["client_id"]:
        raise oauth_error(
            "unauthorized_client", f"AADSTS700016: Application '{client}' was not found in the directory."
        )
    if not secrets.compare_digest(secret.encode(), (call.world.store.setting("client_secret") or "").encode()):
        raise oauth_error("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)


def _for_application(world: World, asked: dict[str, str]) -> Response:
    audience = _audience(world, asked.get("scope", ""))
    claims = {
        **_claims(world, audience),
        "oid": ENTRA["app_oid"],
        "sub": ENTRA["app_oid"],
        "idtyp": "app",
        "appid": ENTRA["client_id"],
        "roles": [],
    }
    seconds = world.faults.mode("token_seconds")
    return answer(
        {
            "token_type": "Bearer",
            "expires_in": int(seconds),
            "ext_expires_in": int(seconds),
            "access_token": tokens.sign(world.store, claims, seconds=seconds),
        }
    )


def _for_code(call: Call, asked: dict[str, str]) -> Response:
    code = _redeem(call.world, "code", asked.get("code", ""))
    if code["redirect_uri"] != asked.get("redirect_uri", ""):
        raise oauth_error("invalid_grant", "AADSTS50011: The redirect URI does not match the one of the sign-in.")
    if code["code_challenge"]:
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code["code_challenge"]:
            raise oauth_error("invalid_grant", "AADSTS501481: The code_verifier does not match the code_challenge.")
    return _for_user(call, code["upn"], asked.get("scope") or code["scope"], asked, nonce=code["nonce"])


def _for_user(call: Call, upn: str, scope: str, asked: dict[str, str], *, nonce: str) -> Response:
    world = call.world
    user = _user(world, upn)
    if user is None:
        raise oauth_error("invalid_grant", "AADSTS50057: The user account is disabled.")
    call.notes["user"] = upn
    audience = _audience(world, scope)
    person = {
        "oid": user["oid"],
        "sub": user["oid"],
        "upn": user["upn"],
        "preferred_username": user["upn"],
        "name": user["name"],
    }
    seconds = world.faults.mode("token_seconds")
    reply: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": f"{audience}/.default" if "/.default" in scope else f"{audience}/user_impersonation",
        "expires_in": int(seconds),
        "ext_expires_in": int(seconds),
        "access_token": tokens.sign(
            world.store,
            {**_claims(world, audience), **person, "appid": ENTRA["client_id"], "scp": "user_impersonation"},
            seconds=seconds,
        ),
        "refresh_token": _grant(world, "refresh", upn, _REFRESH_SECONDS, {}),
        "id_token": tokens.sign(
            world.store,
            {**_claims(world, ENTRA["client_id"]), **person, "ver": "2.0", **({"nonce": nonce} if nonce else {})},
            seconds=3600,
        ),
    }
    if asked.get("client_info"):
        reply["client_info"] = _client_info(user["oid"])
    return answer(reply)


def _claims(world: World, audience: str) -> dict[str, Any]:
    return {"iss": f"{authority(world)}/v2.0", "aud": audience, "tid": ENTRA["tenant_id"], "ver": "1.0"}


def _audience(world: World, scope: str) -> str:
    """The one resource that the scopes name; Entra refuses two in one request."""
    resources = {name.rsplit("/", 1)[0].rstrip("/") for name in scope.split() if name not in _RESERVED}
    if len(resources) > 1:
        raise oauth_error("invalid_request", "AADSTS28000: The scope input parameter contains more than one resource.")
    resource = resources.pop() if resources else ENTRA["client_id"]
    if resource not in (world.dataverse_url, world.finance_url, ENTRA["client_id"]):
        raise oauth_error("invalid_resource", f"AADSTS500011: The resource principal named {resource} was not found.")
    return resource


def _client_info(oid: str) -> str:
    text = json.dumps({"uid": oid, "utid": ENTRA["tenant_id"]})
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _user(world: World, upn: str) -> Any:
    return world.store.row("SELECT * FROM entra_users WHERE upn = ? AND enabled = 1", (upn,))


# --- codes and refresh tokens, kept as digests -----------------------------------------------------------------------


def _grant(world: World, kind: str, upn: str, seconds: float, details: dict[str, str]) -> str:
    secret = secrets.token_urlsafe(32)
    with world.store.transaction() as connection:
        connection.execute(
            "INSERT INTO grants VALUES (?, ?, ?, ?, ?)",
            (_digest(secret), kind, upn, json.dumps(details), time.time() + seconds),
        )
    return secret


def _redeem(world: World, kind: str, secret: str) -> dict[str, str]:
    """The grant's details and upn. A code is good once; a refresh token for many resources, as long as it lives."""
    with world.store.transaction() as connection:
        row = connection.execute(
            "SELECT * FROM grants WHERE digest = ? AND kind = ?", (_digest(secret), kind)
        ).fetchone()
        if row is not None and kind == "code":
            connection.execute("DELETE FROM grants WHERE digest = ?", (row["digest"],))
    if row is None or row["expires"] < time.time():
        raise oauth_error(
            "invalid_grant",
            "AADSTS70008: The provided authorization code or refresh token has expired or was revoked. Sign in again.",
        )
    return {**json.loads(row["details"]), "upn": row["upn"]}


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
