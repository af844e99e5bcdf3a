"""Users, roles and duties as Finance has them. Facts to be shown: nothing is ever granted from here."""

from dataclasses import dataclass

from .finance import FinanceClient
from .rules.wire import literal, text_of


@dataclass(frozen=True)
class FinanceUser:
    """A user of Finance; `alias` is the Entra sign-in, `company` the legal entity they start in."""

    user_id: str
    alias: str
    email: str
    enabled: bool
    company: str = ""


@dataclass(frozen=True)
class AssignedRole:
    """A role of a user; `enabled` is False when the assignment does not count (any more)."""

    identifier: str
    name: str
    enabled: bool


def users(finance: FinanceClient, sign_in: str) -> list[FinanceUser]:
    """The users with this Entra sign-in or e-mail address."""
    where = f"Alias eq {literal(sign_in)} or Email eq {literal(sign_in)}"
    rows = finance.rows("SystemUsers", ("UserID", "Alias", "Email", "Enabled", "Company"), where=where)
    return [
        FinanceUser(
            text_of(r, "UserID"),
            text_of(r, "Alias"),
            text_of(r, "Email"),
            r["Enabled"] in (True, "Yes"),
            text_of(r, "Company"),
        )
        for r in rows
    ]


def roles(finance: FinanceClient, user_id: str) -> list[AssignedRole]:
    """The roles of a user."""
    fields = ("SecurityRoleIdentifier", "SecurityRoleName", "AssignmentStatus")
    rows = finance.rows("SecurityUserRoles", fields, where=f"UserId eq {literal(user_id)}")
    return [
        AssignedRole(
            text_of(r, "SecurityRoleIdentifier"), text_of(r, "SecurityRoleName"), r["AssignmentStatus"] != "Disabled"
        )
        for r in rows
    ]


def duties(finance: FinanceClient, role_identifier: str) -> frozenset[str]:
    """The names of the duties in a role."""
    where = f"SecurityRoleIdentifier eq {literal(role_identifier)}"
    rows = finance.rows("SecurityRoleDuties", ("SecurityDutyIdentifier", "SecurityDutyName"), where=where)
    return frozenset(text_of(row, "SecurityDutyName") for row in rows)
