"""What the portal refuses to run with. The demo is loopback only; everything else is production."""

import base64
import binascii
import ipaddress
import uuid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, register
from django.db import DatabaseError

from bpp_portal.demo.people import PEOPLE, password_of

ENVIRONMENTS = ("demo", "production")
KEY_BYTES = 32


def _name_of(host: str) -> str:
    """The name or address in `host`, which may carry a port and the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return (host.rsplit(":", 1)[0] if host.count(":") == 1 else host).lower().rstrip(".")


def _is_loopback(host: str) -> bool:
    name = _name_of(host)
    if name in ("localhost", "testserver") or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _leads_here(host: str) -> bool:
    """Whether a call to `host` stays on this machine; a call to 0.0.0.0 or :: does, too."""
    return _is_loopback(host) or _name_of(host) in ("0.0.0.0", "::")  # noqa: S104 - refused, not listened on


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False


@register()
def environment_is_known(**_: Any) -> list[CheckMessage]:
    """A misspelt PORTAL_ENV would quietly be the demo."""
    if settings.PORTAL_ENV in ENVIRONMENTS:
        return []
    hint = "Set it to demo or production."
    return [Error(f"PORTAL_ENV={settings.PORTAL_ENV} is not known.", hint=hint, id="portal.E002")]


@register()
def demo_stays_on_this_machine(**_: Any) -> list[CheckMessage]:
    """Any host beyond this machine needs PORTAL_ENV=production."""
    if settings.PRODUCTION:
        return []
    far = [host for host in [*settings.ALLOWED_HOSTS, *settings.ALLOWED_REMOTE_HOSTS] if not _is_loopback(host)]
    if not far:
        return []
    hint = "Set PORTAL_ENV=production and the settings that it asks for."
    return [Error(f"The demo runs on this machine only, not for {', '.join(far)}.", hint=hint, id="portal.E001")]


@register()
def production_is_safe(**_: Any) -> list[CheckMessage]:
    """Production refuses SQLite, sandbox addresses, demo accounts and unsafe settings."""
    if not settings.PRODUCTION:
        return []
    findings = [
        (
            settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"),
            "SQLite cannot be used.",
            "Set DATABASE_URL to PostgreSQL.",
            10,
        ),
        (
            len(settings.SECRET_KEY) < 50 or settings.SECRET_KEY == settings.DEMO_SECRET,
            "SECRET_KEY is missing, short or the demo's.",
            "Set 50 random characters.",
            11,
        ),
        (
            not settings.CONNECTION_KEYS or settings.DEMO_CONNECTION_KEY in settings.CONNECTION_KEYS,
            "CONNECTION_KEYS is missing or the demo's.",
            "Set base64 of 32 random bytes.",
            12,
        ),
        (
            not all(_is_key(key) for key in settings.CONNECTION_KEYS),
            "CONNECTION_KEYS has a key that is not 32 bytes in base64.",
            "Set base64 of 32 random bytes; several are separated by commas.",
            15,
        ),
        (
            not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS,
            "ALLOWED_HOSTS is empty or open.",
            "Name the portal's hosts.",
            13,
        ),
        (
            any(_leads_here(host) for host in settings.ALLOWED_REMOTE_HOSTS),
            "ALLOWED_REMOTE_HOSTS names a sandbox on this machine.",
            "Name Dataverse, Finance, sign-in and blob hosts as host:port.",
            14,
        ),
    ]
    errors: list[CheckMessage] = [
        Error(f"Production: {text}", hint=hint, id=f"portal.E{number:03}")
        for bad, text, hint, number in findings
        if bad
    ]
    return errors + _demo_accounts() + _sandbox_environments()


@register()
def entra_sign_in_is_complete(**_: Any) -> list[CheckMessage]:
    """Half a set-up would offer no sign-in with Entra ID, or one that fails, or one for every tenant."""
    tenant, client = settings.ENTRA_SIGN_IN_TENANT, settings.ENTRA_SIGN_IN_CLIENT_ID
    if not tenant and not client:
        return []
    authority = urlsplit(settings.ENTRA_SIGN_IN_AUTHORITY)
    findings = [
        (not _is_guid(tenant), "ENTRA_SIGN_IN_TENANT is not the id of one tenant.", "Names such as common let all in."),
        (not client, "ENTRA_SIGN_IN_CLIENT_ID is missing.", "Set the id of the application."),
        (not settings.ENTRA_SIGN_IN_SECRET, "ENTRA_SIGN_IN_SECRET is missing.", "Set the application's secret."),
        (
            authority.scheme != "https" or bool(authority.path.strip("/")),
            "ENTRA_SIGN_IN_AUTHORITY is not a root address with https.",
            "The default is https://login.microsoftonline.com.",
        ),
        (
            f"{authority.hostname}:{authority.port or 443}" not in settings.ALLOWED_REMOTE_HOSTS,
            "The host of ENTRA_SIGN_IN_AUTHORITY is not in ALLOWED_REMOTE_HOSTS.",
            "Add it as host:port.",
        ),
    ]
    return [Error(f"Sign-in with Entra ID: {text}", hint=hint, id="portal.E018") for bad, text, hint in findings if bad]


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _demo_accounts() -> list[CheckMessage]:
    names = [person.username for person in PEOPLE]
    try:
        users = list(get_user_model().objects.filter(username__in=names, is_active=True))
    except DatabaseError:
        return []  # the database is not there yet; the check runs again at the next start
    working = [user.get_username() for user in users if user.check_password(password_of(user.get_username()))]
    if not working:
        return []
    hint = "Delete these accounts or set other passwords."
    return [Error(f"Production: the demo's passwords work for {', '.join(working)}.", hint=hint, id="portal.E016")]


def _sandbox_environments() -> list[CheckMessage]:
    from connections.models import Environment

    try:
        addresses = list(Environment.objects.values_list("name", "dataverse_url"))
    except DatabaseError:
        return []
    local = [name for name, url in addresses if _leads_here(urlsplit(url).hostname or "")]
    if not local:
        return []
    hint = "Delete the environment or give it its real address."
    return [Error(f"Production: {', '.join(local)} is the sandbox on this machine.", hint=hint, id="portal.E017")]
