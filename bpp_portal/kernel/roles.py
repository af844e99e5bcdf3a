"""Portal roles and the rights they carry: one table, read by every door.

The five planning roles have the documented privileges of Business performance planning; IT administrator and Reviewer
are the portal's own. Roles are Django groups of the same name, made by a migration.
"""

from enum import StrEnum
from typing import Any

from django.core.exceptions import PermissionDenied


class Role(StrEnum):
    IT_ADMINISTRATOR = "IT administrator"
    ADMINISTRATOR = "BPP administrator"
    POWER_USER = "Power User"
    CONTRIBUTOR = "Contributor"
    LIMITED_CONTRIBUTOR = "Limited Contributor"
    VIEWER = "Viewer"
    REVIEWER = "Reviewer"


class Right(StrEnum):
    READ_CUBES = "read cubes"
    MAINTAIN_CUBES = "maintain cubes"
    MAINTAIN_SECURITY = "maintain dimension security"
    LOAD_DATA = "load data"
    EXPORT = "export"
    SAVE_DRAFT = "save a draft configuration"
    READ_EXPORTS = "read exports"
    READ_RUNS = "read runs and their states"
    CONNECT_ACCOUNT = "connect an account"
    MANAGE_CONNECTIONS = "manage connections and flows"
    MANAGE_ENVIRONMENTS = "manage environments"
    MANAGE_USERS = "manage users"
    USE_ADMIN = "use the administration"
    READ_AUDIT = "read the audit trail"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.IT_ADMINISTRATOR: frozenset(
        {
            Right.READ_RUNS,
            Right.CONNECT_ACCOUNT,
            Right.MANAGE_CONNECTIONS,
            Right.MANAGE_ENVIRONMENTS,
            Right.MANAGE_USERS,
            Right.USE_ADMIN,
            Right.READ_AUDIT,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {
            Right.READ_CUBES,
            Right.MAINTAIN_CUBES,
            Right.MAINTAIN_SECURITY,
            Right.LOAD_DATA,
            Right.EXPORT,
            Right.SAVE_DRAFT,
            Right.READ_EXPORTS,
            Right.READ_RUNS,
            Right.CONNECT_ACCOUNT,
            Right.MANAGE_CONNECTIONS,
            Right.USE_ADMIN,
            Right.READ_AUDIT,
        }
    ),
    Role.POWER_USER: frozenset(
        {
            Right.READ_CUBES,
            Right.MAINTAIN_CUBES,
            Right.LOAD_DATA,
            Right.CONNECT_ACCOUNT,
            Right.EXPORT,
            Right.SAVE_DRAFT,
            Right.READ_EXPORTS,
            Right.READ_RUNS,
        }
    ),
    Role.CONTRIBUTOR: frozenset({Right.READ_CUBES, Right.LOAD_DATA, Right.CONNECT_ACCOUNT}),
    Role.LIMITED_CONTRIBUTOR: frozenset({Right.READ_CUBES}),
    Role.VIEWER: frozenset({Right.READ_CUBES}),
    Role.REVIEWER: frozenset(
        {Right.READ_CUBES, Right.READ_EXPORTS, Right.READ_RUNS, Right.SAVE_DRAFT, Right.READ_AUDIT}
    ),
}


class RightMissing(PermissionDenied):
    """A portal right is missing; the error page says which and who can grant it."""

    def __init__(self, right: Right, held: tuple[str, ...]) -> None:
        self.right = right
        self.roles = tuple(role.value for role in Role if right in RIGHTS[role])
        self.held = held
        have = ", ".join(held) or "no role"
        super().__init__(f"To {right.value} needs the role {' or '.join(self.roles)}. You have: {have}.")


class SeesPart(PermissionDenied):
    """Dimension security shows the reader a part of the cube, and this is for those who see all of it."""

    def __init__(self, what: str) -> None:
        text = "You see a part of the values of this cube."
        super().__init__(f"{text} {what} A BPP administrator can open the other values to you.")


def roles_of(user: Any) -> tuple[Role, ...]:
    """The portal roles of `user` (active only), read once per user object."""
    if not user.is_authenticated or not user.is_active:
        return ()
    names = getattr(user, "_portal_roles", None)
    if names is None:
        names = frozenset(user.groups.values_list("name", flat=True))
        user._portal_roles = names
    return tuple(role for role in Role if role.value in names)


def rights_of(user: Any) -> frozenset[Right]:
    """All rights of `user`: the union of those of the roles."""
    return frozenset().union(*(RIGHTS[role] for role in roles_of(user)))


def has_right(user: Any, right: Right) -> bool:
    """Whether `user` holds `right`."""
    return right in rights_of(user)


def require(user: Any, *rights: Right) -> None:
    """Refuse with `RightMissing` unless `user` holds at least one of `rights`."""
    held = rights_of(user)
    if not any(right in held for right in rights):
        raise RightMissing(rights[0], tuple(role.value for role in roles_of(user)))
