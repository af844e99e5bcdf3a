"""The token endpoint: client credentials, authorization codes with PKCE, refresh tokens."""

import base64
import hashlib
import json
import time
from secrets import compare_digest
from typing import Any

from starlette.responses import Response

from sandbox import tokens
from sandbox.entra import clients, grants
from sandbox.entra.directory import (
    TENANT,
    Account,
    Application,
    account,
    application,
    authority,
    check_tenant,
    oauth_error,
)
from sandbox.entra.scopes import PERMISSION, asked_scope, granted, resource_of
from sandbox.wire import Call, answer
from sandbox.world import World


def token(call: Call) -> Response:
    check_tenant(call)
    grant_type = call.form.get("grant_type")
    if not grant_type:
        raise clients.missing("grant_type")
    proof = clients.authenticate(call)
    if grant_type == "client_credentials":
        return _for_application(call, proof)
    if grant_type == "authorization_code":
        return _for_code(call, proof)
    if grant_type == "refresh_token":
        return _for_refresh_token(call, proof)
    raise oauth_error(
        "unsupported_grant_type", f"AADSTS70003: The app requested an unsupported grant type '{grant_type}'."
    )


def _for_application(call: Call, proof: str) -> Response:
    world, app = call.world, application(call.world)
    call.notes["user"] = app.client_id
    resource = resource_of(world, asked_scope(call.form), application=True)
    person = {"oid": app.object_id, "sub": app.object_id, "idtyp": "app", "roles": []}
    return answer(_reply(call, resource, {**person, **_of_application(app.client_id, proof)}), headers=_NEVER_KEPT)


_NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def _of_application(client_id: str, proof: str) -> dict[str, str]:
    return {"appid": client_id, "appidacr": proof}


def _for_code(call: Call, proof: str) -> Response:
    asked = call.form
    if not asked.get("code"):
        raise clients.missing("code")
    grant = grants.redeem_code(call.world, asked["code"])
    started_with = grant.details["redirect_uri"]
    if started_with != asked.get("redirect_uri", ""):
        raise oauth_error(
            "invalid_grant",
            f"AADSTS500112: The reply address '{asked.get('redirect_uri', '')}' does not match the reply address "
            f"'{started_with}' provided when requesting Authorization code.",
        )
    _check_verifier(grant.details["code_challenge"], asked.get("code_verifier", ""))
    scope = asked_scope(asked, default=grant.details["scope"])
    return _for_person(call, proof, grant, scope, offline="offline_access" in grant.details["scope"].split())


def _check_verifier(challenge: str, verifier: str) -> None:
    if not challenge and not verifier:
        return
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not verifier or not compare_digest(digest, challenge):
        raise oauth_error(
            "invalid_grant",
            "AADSTS501481: The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        )


def _for_refresh_token(call: Call, proof: str) -> Response:
    if not call.form.get("refresh_token"):
        raise clients.missing("refresh_token")
    grant = grants.refresh(call.world, call.form["refresh_token"])
    scope = asked_scope(call.form, default=grant.details.get("scope", ""))
    return _for_person(call, proof, grant, scope, offline=True)


def _for_person(call: Call, proof: str, grant: grants.Grant, scope: str, *, offline: bool) -> Response:
    """Tokens of the person whose grant it is; a refresh token only when offline access was asked for."""
    world = call.world
    person = account(world, grant.upn)
    if person is None:
        raise oauth_error("invalid_grant", "AADSTS50034: The user account does not exist in the directory.")
    call.notes["user"] = person.upn
    resource = resource_of(world, scope)
    grants.check_standing(grant, person, resource)
    app = application(world)
    claims = {**_of_person(person, grant), **_of_application(app.client_id, proof), "scp": PERMISSION}
    reply = {**_reply(call, resource, claims), "scope": granted(resource, scope)}
    offline = offline or "offline_access" in scope.split() or call.parts.get("version") == "v1.0"
    if offline or world.faults.mode("offline_access") == "always":
        reply["refresh_token"] = grants.issue(world, "refresh", person.upn, {"scope": scope}, signed_in=grant.signed_in)
    if "openid" in (*scope.split(), *grant.details.get("scope", "").split()):
        reply["id_token"] = _id_token(world, app, person, grant)
    if call.form.get("client_info"):
        reply["client_info"] = client_info(person)
    return answer(reply, headers=_NEVER_KEPT)


def _of_person(person: Account, grant: grants.Grant) -> dict[str, Any]:
    factors = ["pwd", "mfa"] if person.mfa_since else ["pwd"]
    return {
        "oid": person.oid,
        "sub": person.oid,
        "upn": person.upn,
        "name": person.name,
        "preferred_username": person.upn,
        "auth_time": int(grant.signed_in),
        "amr": factors,
    }


def _id_token(world: World, app: Application, person: Account, grant: grants.Grant) -> str:
    """Who signed in, for the application. As in reality a claim without a value is left out, `roles` too."""
    claims = {"iss": f"{authority(world)}/v2.0", "aud": app.client_id, "tid": TENANT, "ver": "2.0"}
    more: dict[str, Any] = {
        "nonce": grant.details.get("nonce"),
        "email": person.upn if "email" in grant.details.get("scope", "").split() else None,
        "roles": list(person.roles),
    }
    claims |= {**_of_person(person, grant), **{name: value for name, value in more.items() if value}}
    return tokens.sign(world.store, {**claims, **app.id_token_claims}, seconds=3600)


def _reply(call: Call, resource: str, claims: dict[str, Any]) -> dict[str, Any]:
    """The access token and its life. The resources read tokens of the first generation, whoever asks for them."""
    world, seconds, now = call.world, int(call.world.faults.mode("token_seconds")), int(time.time())
    full = {"iss": f"{authority(world)}/", "aud": resource, "tid": TENANT, "ver": "1.0", **claims}
    reply: dict[str, Any] = {
        "token_type": "Bearer",
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": tokens.sign(world.store, full, seconds=seconds),
    }
    if call.parts.get("version") != "v1.0":
        return reply
    texts = {"expires_in": seconds, "ext_expires_in": seconds, "expires_on": now + seconds, "not_before": now}
    return {**reply, "resource": resource, **{name: str(value) for name, value in texts.items()}}


def client_info(person: Account) -> str:
    text = json.dumps({"uid": person.oid, "utid": TENANT})
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
