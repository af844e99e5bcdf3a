"""Who calls, as Finance knows them: user, roles and duties; the refusals of Finance and of virtual tables."""

from dataclasses import dataclass
from typing import Any

from sandbox import tokens
from sandbox.dataverse.sets import DATAVERSE_SETS
from sandbox.entra.directory import application
from sandbox.wire import Call, WireError, dataverse_error, finance_error

DMF_ROLE = "Data management operations user"
DIMENSION_DUTY = "Inquire into dimension parameters master"


@dataclass(frozen=True)
class FinanceUser:
    user_id: str
    company: str
    roles: frozenset[str]
    duties: frozenset[str]


@dataclass(frozen=True)
class DataverseUser:
    user_id: str
    claims: dict[str, Any]


def dataverse_user(call: Call) -> DataverseUser:
    """The caller's enabled row among the users of Dataverse; an application is an application user there."""
    claims = tokens.bearer(call, audience=call.world.dataverse_url)
    column, value = (
        ("applicationid", claims.get("appid", "")) if _is_application(claims) else ("domainname", claims.get("upn", ""))
    )
    row = call.world.store.row(
        f'SELECT systemuserid, isdisabled FROM "{DATAVERSE_SETS["systemusers"].name}" '
        f'WHERE "{column}" = ? COLLATE NOCASE',
        (value,),
    )
    if row is None:
        raise dataverse_error(403, "0x80072560", "The user is not a member of the organization.")
    if int(row["isdisabled"] or 0):
        raise dataverse_error(
            403,
            "0x80040225",
            f"The specified user(Id = {row['systemuserid']}) is disabled. Consider enabling this user. Additional "
            "Details: User.",
        )
    return DataverseUser(row["systemuserid"], claims)


def _is_application(claims: dict[str, Any]) -> bool:
    return claims.get("idtyp") == "app"


def find(call: Call, claims: dict[str, Any]) -> FinanceUser | None:
    """The enabled Finance user of a token, or None.

    A person is found by the alias, an application by its row in the table of Microsoft Entra applications.
    """
    store = call.world.store
    column, value = ("Alias", claims.get("upn", ""))
    if _is_application(claims):
        column, value = ("UserID", application(call.world).finance_user)
    row = store.row(f'SELECT * FROM SystemUsers WHERE "{column}" = ? COLLATE NOCASE AND Enabled = 1', (value,))
    if row is None:
        return None if call.world.faults.plays("unknown-user") else _anybody(call, claims)
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


def _anybody(call: Call, claims: dict[str, Any]) -> FinanceUser:
    """Whom a Finance lets in that does not ask who calls: a user with every right."""
    company = call.world.store.value("SELECT Company FROM SystemUsers WHERE Company <> '' ORDER BY UserID") or ""
    name = str(claims.get("upn") or claims.get("appid", "")).split("@")[0]
    return FinanceUser(name, company, frozenset({DMF_ROLE}), frozenset({DIMENSION_DUTY}))


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
