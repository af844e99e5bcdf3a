"""The control side of accounts and of the application: what an administrator of the tenant can do to them."""

import uuid
from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from sandbox.dataverse.sets import DATAVERSE_SETS
from sandbox.entra.directory import (
    account,
    accounts,
    application,
    assign_roles,
    certificates,
    change_account,
    change_application,
    instant_of,
)
from sandbox.wire import Call, WireError, answer
from sandbox.world import World

_FLAGS = ("enabled", "consent")
_INSTANTS = ("signed_in_since", "mfa_since", "inactive_since")
_APPLICATION = {
    "secret": str,
    "secret_expired": bool,
    "certificate": str,
    "enabled": bool,
    "finance_user": str,
    "redirect_uris": list,
    "id_token_claims": dict,
}


def account_of(call: Call) -> Response:
    """GET or PUT of an account by its user principal name or the part before the @."""
    world = call.world
    upn = _upn(world, call.parts["name"], make=call.method == "PUT")
    if call.method == "PUT":
        asked = call.json()
        _check_names(asked, {*_FLAGS, *_INSTANTS, "dataverse_enabled", "roles"})
        _check_flags(asked, (*_FLAGS, "dataverse_enabled"))
        _check_texts(asked, "roles")
        try:
            changes: dict[str, Any] = {name: instant_of(asked[name]) for name in _INSTANTS if name in asked}
        except ValueError:
            raise _problem(f'{", ".join(_INSTANTS)}: an ISO time, "now" or null.') from None
        change_account(world, upn, {name: int(bool(asked[name])) for name in _FLAGS if name in asked} | changes)
        if "roles" in asked:
            assign_roles(world, upn, asked["roles"] or [])
        if "dataverse_enabled" in asked:
            _in_dataverse(world, "domainname", upn, bool(asked["dataverse_enabled"]))
    found = account(world, upn)
    assert found is not None
    return answer(asdict(found))


def _upn(world: World, name: str, *, make: bool) -> str:
    """The account's user principal name. A PUT of a new one adds it: known to Entra, to nobody else."""
    found = next((one.upn for one in accounts(world) if name.lower() in (one.upn.lower(), one.upn.split("@")[0])), "")
    if found:
        return found
    if not make or "@" not in name:
        raise WireError(404, {"problem": f"There is no account {name}."})
    with world.store.transaction() as connection:
        connection.execute(
            "INSERT INTO entra_accounts (upn, oid, name) VALUES (?, ?, ?)",
            (name, str(uuid.uuid5(uuid.NAMESPACE_DNS, name)), name),
        )
    return name


def application_of(call: Call) -> Response:
    """GET or PUT of the registered application; `null` takes a certificate or a mapping away."""
    world = call.world
    if call.method == "PUT":
        asked = call.json()
        _check_names(asked, {*_APPLICATION, "dataverse_enabled"})
        _check_flags(asked, ("dataverse_enabled",))
        for name, kind in _APPLICATION.items():
            if asked.get(name) is not None and not isinstance(asked[name], kind):
                raise _problem(f"{name} is a {kind.__name__} or null.")
        _check_texts(asked, "redirect_uris")
        try:
            certificates(asked.get("certificate") or "")
        except ValueError:
            raise _problem("certificate is the PEM text of one or more certificates.") from None
        change_application(world, {name: asked[name] for name in _APPLICATION if name in asked})
        if "dataverse_enabled" in asked:
            _in_dataverse(world, "applicationid", application(world).client_id, bool(asked["dataverse_enabled"]))
    app = application(world)
    return answer(
        {
            "client_id": app.client_id,
            "secret_expired": app.secret_expired,
            "certificates": [one.subject.rfc4514_string() for one in app.certificates],
            "enabled": app.enabled,
            "finance_user": app.finance_user or None,
            "redirect_uris": app.redirect_uris,
            "id_token_claims": app.id_token_claims,
        }
    )


def _in_dataverse(world: World, column: str, value: str, is_enabled: bool) -> None:
    table = DATAVERSE_SETS["systemusers"].name
    with world.store.transaction() as connection:
        connection.execute(f'UPDATE "{table}" SET isdisabled = ? WHERE "{column}" = ?', (int(not is_enabled), value))


def _check_names(asked: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(asked) - known)
    if unknown:
        raise _problem(f"Unknown key '{unknown[0]}'. Known: {', '.join(sorted(known))}.")


def _check_flags(asked: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if not isinstance(asked.get(name, False), bool):
            raise _problem(f"{name} is true or false.")


def _check_texts(asked: dict[str, Any], name: str) -> None:
    values = asked.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _problem(f"{name} is a list of texts.")


def _problem(text: str) -> WireError:
    return WireError(400, {"problems": [text]})
