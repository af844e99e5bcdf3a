"""Who calls, as Finance knows them: user, roles and duties; the refusals of Finance and of virtual tables."""

from dataclasses import dataclass
from typing import Any

from sandbox import tokens
from sandbox.wire import Call, WireError, dataverse_error, finance_error

DMF_ROLE = "Data management operations user"
DIMENSION_DUTY = "Inquire into dimension parameters master"


@dataclass(frozen=True)
class FinanceUser:
    user_id: str
    company: str
    roles: frozenset[str]
    duties: frozenset[str]


def find(call: Call, claims: dict[str, Any]) -> FinanceUser | None:
    """The enabled Finance user of a token, or None."""
    store = call.world.store
    row = store.row("SELECT * FROM SystemUsers WHERE Alias = ? AND Enabled = 1", (claims.get("upn", ""),))
    if row is None:
        return None
    roles = store.rows(
        "SELECT SecurityRoleName FROM SecurityUserRoles WHERE UserId = ? AND AssignmentStatus = 'Enabled'",
        (row["UserID"],),
    )
    duties = store.rows(
        "SELECT d.SecurityDutyName FROM SecurityRoleDuties d JOIN SecurityUserRoles u "
        "ON u.SecurityRoleIdentifier = d.SecurityRoleIdentifier WHERE u.UserId = ? AND u.AssignmentStatus = 'Enabled'",
        (row["UserID"],),
    )
    return FinanceUser(row["UserID"], row["Company"], frozenset(r[0] for r in roles), frozenset(d[0] for d in duties))


def finance_user(call: Call) -> FinanceUser:
    """The caller in Finance; refused when Finance does not know the account or it is disabled."""
    claims = tokens.bearer(call, audience=call.world.finance_url)
    user = find(call, claims)
    if user is None:
        status = int(call.world.faults.mode("unknown_user_status"))
        raise WireError(status, {"Message": "The user is not authorized to access this environment."})
    return user


def need_data_management(user: FinanceUser, *, duty: bool = False) -> None:
    """The data management actions and projects need the role; writing budget entries needs the duty as well."""
    if DMF_ROLE not in user.roles:
        raise finance_error(403, "Forbidden", "Access denied: the role Data management operations user is needed.")
    if duty and DIMENSION_DUTY not in user.duties:
        raise finance_error(
            403, "Forbidden", "Access denied: the duty Inquire into dimension parameters master is needed."
        )


def virtual_user(call: Call, claims: dict[str, Any], entity: str) -> FinanceUser:
    """The caller of a virtual table in Finance, with the rights that the entity needs."""
    user = find(call, claims)
    if user is None:
        raise dataverse_error(403, "0x80040265", "Unable to determine the user in CDS")
    if DMF_ROLE not in user.roles:
        raise dataverse_error(
            403, "0x80040265", f"Access denied to entity {entity}: integration group is not accessible."
        )
    if entity == "DimensionParametersEntity" and DIMENSION_DUTY not in user.duties:
        raise dataverse_error(403, "0x80040265", "Access denied to dimension parameters.")
    return user
