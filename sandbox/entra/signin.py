"""The sign-in page: pick an account, give consent, go back with a code or an error. No password is asked."""

import re
from urllib.parse import urlencode, urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.entra import grants
from sandbox.entra.directory import (
    Account,
    OAuthRefusal,
    account,
    accounts,
    application,
    change_account,
    check_tenant,
    oauth_error,
)
from sandbox.entra.pages import account_page, consent_page, error_page, form_post_page
from sandbox.entra.scopes import asked_scope, resource_of
from sandbox.entra.token import client_info
from sandbox.wire import Call
from sandbox.world import World

_PROMPTS = ("", "login", "select_account", "none", "consent")
_KEPT = ("redirect_uri", "code_challenge", "nonce")


def authorize(call: Call) -> Response:
    check_tenant(call)
    asked = call.query if call.method == "GET" else call.form
    try:
        _check_client(call.world, asked)
    except OAuthRefusal as refusal:
        return HTMLResponse(error_page(refusal.content["error_description"]), 400)
    try:
        _check_request(call.world, asked)
        return _silently(call, asked) if asked.get("prompt") == "none" else _with_a_person(call, asked)
    except OAuthRefusal as refusal:
        told = {name: refusal.content[name] for name in ("error", "error_description")}
        return _back(asked, told | {n: refusal.content[n] for n in ("suberror", "claims") if n in refusal.content})


def _check_client(world: World, asked: dict[str, str]) -> None:
    """What makes it unsafe to send anything back: the page then says so itself."""
    address = urlsplit(asked.get("redirect_uri", ""))
    if asked.get("client_id") != application(world).client_id:
        raise oauth_error(
            "unauthorized_client",
            f"AADSTS700016: Application with identifier '{asked.get('client_id', '')}' was not found in the directory "
            "'Contoso'.",
        )
    registered = application(world).redirect_uris
    here = address.hostname in ("localhost", "127.0.0.1") and address.scheme in ("http", "https")
    if not here or (registered and asked["redirect_uri"] not in registered):
        raise oauth_error(
            "invalid_request",
            f"AADSTS50011: The redirect URI '{asked.get('redirect_uri', '')}' specified in the request does not match "
            f"the redirect URIs configured for the application '{application(world).client_id}'.",
        )


def _check_request(world: World, asked: dict[str, str]) -> None:
    if asked.get("response_type") != "code":
        raise oauth_error(
            "unsupported_response_type",
            f"AADSTS700054: response_type '{asked.get('response_type', '')}' is not enabled for the application.",
        )
    if asked.get("response_mode", "query") not in ("query", "form_post"):
        raise oauth_error("invalid_request", "AADSTS90023: Unsupported 'response_mode' value.")
    if asked.get("prompt", "") not in _PROMPTS:
        raise oauth_error("invalid_request", "AADSTS90023: Unsupported 'prompt' value.")
    challenge = asked.get("code_challenge", "")
    if challenge and asked.get("code_challenge_method") != "S256":
        raise oauth_error("invalid_request", "AADSTS50149: Invalid Code_Challenge_method parameter.")
    if challenge and not re.fullmatch(r"[\w-]{43}", challenge):
        raise oauth_error("invalid_request", "AADSTS501491: Invalid size of Code_Challenge parameter.")
    resource_of(world, asked_scope(asked))


def _silently(call: Call, asked: dict[str, str]) -> Response:
    """`prompt=none`: whoever `login_hint` names counts as signed in, as far as nothing has to be shown to them."""
    person = account(call.world, asked.get("login_hint", ""))
    if person is None or not person.enabled:
        raise oauth_error("login_required", "AADSTS50058: A silent sign-in request was sent but no user is signed in.")
    if not person.consent:
        raise oauth_error(
            "consent_required",
            f"AADSTS65001: The user or administrator has not consented to use the application with ID "
            f"'{asked['client_id']}' named '{application(call.world).name}'. Send an interactive authorization "
            "request for this user and resource.",
        )
    if person.mfa_since:
        raise grants.second_factor(resource_of(call.world, asked_scope(asked)))
    return _with_code(call.world, asked, person)


def _with_a_person(call: Call, asked: dict[str, str]) -> Response:
    if not asked.get("user"):
        return HTMLResponse(account_page(accounts(call.world), asked))
    person = account(call.world, asked["user"])
    if person is None or not person.enabled:
        reason = (
            "AADSTS50034: The user account does not exist in the directory."
            if person is None
            else "AADSTS50057: The user account is disabled."
        )
        return HTMLResponse(account_page(accounts(call.world), asked, reason))
    if asked.get("answer") == "cancel":
        raise oauth_error("access_denied", "AADSTS65004: User declined to consent to access the app.")
    if (not person.consent or asked.get("prompt") == "consent") and asked.get("answer") != "accept":
        return HTMLResponse(consent_page(application(call.world).name, person, asked))
    if not person.consent:
        change_account(call.world, person.upn, {"consent": 1})
    return _with_code(call.world, asked, person)


def _with_code(world: World, asked: dict[str, str], person: Account) -> Response:
    details = {name: asked.get(name, "") for name in _KEPT} | {"scope": asked_scope(asked)}
    code = grants.issue(world, "code", person.upn, details)
    more = {"client_info": client_info(person)} if asked.get("client_info") else {}
    return _back(asked, {"code": code, **more, "session_state": person.oid})


def _back(asked: dict[str, str], values: dict[str, str]) -> Response:
    values = values | ({"state": asked["state"]} if "state" in asked else {})
    if asked.get("response_mode") == "form_post":
        return HTMLResponse(form_post_page(asked["redirect_uri"], values))
    joiner = "&" if urlsplit(asked["redirect_uri"]).query else "?"
    return RedirectResponse(asked["redirect_uri"] + joiner + urlencode(values), 302)
