"""Who comes from Entra ID, with which portal roles, and who is refused. Claims in, values out."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bpp_portal.kernel.roles import Role

# Value of an app role in Entra → portal role. The README has the same table, a test compares them.
APP_ROLES: dict[str, Role] = {
    "BPP.ITAdministrator": Role.IT_ADMINISTRATOR,
    "BPP.Administrator": Role.ADMINISTRATOR,
    "BPP.PowerUser": Role.POWER_USER,
    "BPP.Contributor": Role.CONTRIBUTOR,
    "BPP.LimitedContributor": Role.LIMITED_CONTRIBUTOR,
    "BPP.Viewer": Role.VIEWER,
    "BPP.Reviewer": Role.REVIEWER,
}
NAME_LENGTH = 150  # of a username and of each part of a name


class Refusal(Enum):
    """Why a sign-in ends: what happened, what it means and what to do."""

    STALE = (
        "This sign-in is no longer valid",
        "It was begun in another window, used before, or begun more than ten minutes ago. Sign in again.",
    )
    CANCELLED = ("You cancelled the sign-in", "Nothing was changed. Sign in again, or use a local account.")
    DECLINED = (
        "Entra ID declined the sign-in",
        "Sign in again. If it happens again, give your IT administrator the code and the correlation id below.",
    )
    UNREACHABLE = (
        "Entra ID cannot be reached",
        "The sign-in of Microsoft does not answer the portal, or not as it should. Try again in a minute. If it "
        "happens again, give your IT administrator the correlation id below.",
    )
    NOT_FOR_US = (
        "The answer of Entra ID does not fit this sign-in",
        "It was made for another organization, application or sign-in, so nobody was signed in. Sign in again with "
        "the account of your organization.",
    )
    NO_ROLE = (
        "Your account has no role for this portal",
        "Ask your IT administrator to assign an app role of this portal to you in Entra ID, then sign in again.",
    )
    NAME_TAKEN = (
        "A local account of your name exists",
        "The portal does not take it over by itself. If it is yours, sign in with its password and link your Microsoft "
        "account under your name › Microsoft account. If not, ask your IT administrator.",
    )
    DEACTIVATED = (
        "Your account is deactivated in this portal",
        "Ask your IT administrator, who opens Administration › Users.",
    )

    def __init__(self, title: str, text: str) -> None:
        self.title = title
        self.text = text


@dataclass(frozen=True)
class Person:
    """Somebody whom Entra ID vouches for. `tenant` and `oid` together are the identity; names may change and return."""

    tenant: str
    oid: str
    name: str
    email: str
    first_name: str
    last_name: str
    roles: frozenset[Role]

    @property
    def uid(self) -> str:
        return f"{self.tenant}:{self.oid}"


def person_of(claims: Mapping[str, Any], *, tenant: str) -> Person | None:
    """The person of a verified id_token; None when it is not of `tenant` or names no object."""
    tid, oid = _guid(claims.get("tid")), _guid(claims.get("oid"))
    if not oid or tid != _guid(tenant) or not tid:
        return None
    name = _text(claims, "preferred_username")
    full = _text(claims, "name")
    first, _, last = full.partition(" ")
    return Person(
        tenant=tid,
        oid=oid,
        name=name if 0 < len(name) <= NAME_LENGTH else oid,
        email=_text(claims, "email") or name,
        first_name=(_text(claims, "given_name") or first)[:NAME_LENGTH],
        last_name=(_text(claims, "family_name") or last)[:NAME_LENGTH],
        roles=roles_of(claims.get("roles")),
    )


def roles_of(values: Any) -> frozenset[Role]:
    """Portal roles of the claim `roles`; values of somebody else's making mean nothing."""
    known = values if isinstance(values, list) else []
    return frozenset(APP_ROLES[value] for value in known if isinstance(value, str) and value in APP_ROLES)


def refusal_of(person: Person, *, active: bool | None, name_is_taken: bool) -> Refusal | None:
    """Why `person` may not come in; `active` is None as long as the portal has no account for them."""
    if active is False:
        return Refusal.DEACTIVATED
    if not person.roles:
        return Refusal.NO_ROLE
    return Refusal.NAME_TAKEN if active is None and name_is_taken else None


def _guid(value: Any) -> str:
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) else ""
    except ValueError:
        return ""


def _text(claims: Mapping[str, Any], name: str) -> str:
    """The claim as every database takes it: no sign that cannot be printed."""
    value = claims.get(name)
    return "".join(c for c in value if c.isprintable()).strip() if isinstance(value, str) else ""
