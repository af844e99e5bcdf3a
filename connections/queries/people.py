"""What Finance says about a person: roles there are facts, never granted here."""

from typing import Any

from connections.errors import NoPermission
from connections.finance import FinanceClient
from connections.models import Environment
from connections.refusals import OPERATIONS_ROLE
from connections.rules.flows import EXPORT_FLOW
from connections.rules.wire import literal, text_of

from .access import finance_client_of, flow


def finance_user_may_export(*, environment: Environment, user: Any) -> None:
    """Return when `user` (by e-mail, their Entra sign-in) may trigger exports in Finance, else raise NoPermission.

    They must be an enabled Finance user with the role Data management operations user. Read as the owner of the export
    flow.
    """
    if not user.email:
        raise NoPermission(
            f"{user} has no e-mail address here, so Finance can't be asked about them.",
            hint="A user administrator enters the address they sign in to Finance with.",
            code="email-missing",
        )
    finance = finance_client_of(flow(environment=environment, name=EXPORT_FLOW), must_be_on=False)
    user_id = _enabled_user(finance, user.email)
    roles = finance.rows(
        "SecurityUserRoles", ("SecurityRoleName", "AssignmentStatus"), where=f"UserId eq {literal(user_id)}"
    )
    held = sorted(text_of(r, "SecurityRoleName") for r in roles if r.get("AssignmentStatus") != "Disabled")
    if OPERATIONS_ROLE not in held:
        raise NoPermission(
            f"{user.email} lacks the role {OPERATIONS_ROLE} in Finance (found: {', '.join(held) or 'no role'}).",
            hint=f"Ask a security administrator in Finance to assign the role {OPERATIONS_ROLE}.",
            code="role-missing",
        )


def _enabled_user(finance: FinanceClient, email: str) -> str:
    """The Finance id of the person. Raises NoPermission when they are unknown or disabled there."""
    where = f"Alias eq {literal(email)} or Email eq {literal(email)}"
    rows = finance.rows("SystemUsers", ("UserID", "Alias", "Email", "Enabled"), where=where)
    if not rows:
        raise NoPermission(
            f"{email} is not a user in Finance.",
            hint=f"Ask a security administrator in Finance to add {email} as a user.",
            code="finance-user-unknown",
        )
    for row in rows:
        if row["Enabled"] in (True, "Yes"):
            return text_of(row, "UserID")
    raise NoPermission(
        f"The user {email} is disabled in Finance.",
        hint="Ask a security administrator in Finance to enable the user.",
        code="finance-user-disabled",
    )
