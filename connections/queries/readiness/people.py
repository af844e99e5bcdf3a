"""The flow owner and those who may export, as Finance knows them: users, roles, duties."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth import get_user_model

from bpp_portal.kernel.roles import RIGHTS, Right
from connections import finance_users
from connections.finance import FinanceClient
from connections.finance_users import FinanceUser
from connections.refusals import OPERATIONS_ROLE, PARAMETERS_DUTY, is_application
from connections.rules.readiness import State
from connections.rules.wire import literal, text_of

from .sheet import Sheet

MOST_AT_ONCE = 20
SHOWN = 5


@dataclass(frozen=True)
class Exporter:
    """A person of the portal who may export."""

    username: str
    email: str


def exporters() -> tuple[Exporter, ...]:
    """Everybody whose portal role allows to export."""
    roles = [role.value for role, rights in RIGHTS.items() if Right.EXPORT in rights]
    people = get_user_model().objects.filter(is_active=True, groups__name__in=roles).distinct().order_by("username")
    return tuple(Exporter(person.get_username(), person.email) for person in people)


def owner_of(sheet: Sheet, finance: FinanceClient) -> FinanceUser | None:
    """The enabled Finance user of the flow owner."""
    found = sheet.ask("owner-user", "finance", lambda: finance_users.users(finance, finance.who))
    if found is None:
        return None
    user = next((one for one in found if one.enabled), None)
    if user is not None:
        sheet.passed("owner-user", f"{finance.who} is user {user.user_id} in Finance and enabled")
    elif found:
        sheet.fails("owner-user", f"The user {finance.who} is disabled in Finance")
    else:
        found_none = "is not mapped to a user in Finance" if is_application(finance.who) else "is not a user in Finance"
        sheet.fails("owner-user", f"{finance.who} {found_none}")
    return user


def owner_rights(sheet: Sheet, finance: FinanceClient, owner: FinanceUser) -> None:
    """Role and duty of the flow owner."""
    roles = sheet.ask("owner-role", "finance", lambda: finance_users.roles(finance, owner.user_id))
    if roles is None:
        return
    held = sorted(role.name for role in roles if role.enabled)
    found = f"Roles found: {', '.join(held) or 'none'}"
    if OPERATIONS_ROLE in held:
        sheet.passed("owner-role", f"Held by {owner.user_id}")
    else:
        sheet.fails("owner-role", f"Not held by {owner.user_id}. {found}")
    identifiers = [role.identifier for role in roles if role.enabled]
    duties = sheet.ask("owner-duty", "finance", lambda: _duties(finance, identifiers))
    if duties is None:
        return
    if PARAMETERS_DUTY in duties:
        sheet.passed("owner-duty", f"In a role of {owner.user_id}")
    else:
        sheet.fails("owner-duty", f"Not in any role that {owner.user_id} holds in Finance. {found}")


def _duties(finance: FinanceClient, roles: Sequence[str]) -> frozenset[str]:
    rows = _rows(finance, "SecurityRoleDuties", ("SecurityDutyName",), ("SecurityRoleIdentifier",), roles)
    return frozenset(text_of(row, "SecurityDutyName") for row in rows)


def exporter_rights(sheet: Sheet, finance: FinanceClient, people: Sequence[Exporter]) -> None:
    """Whether everybody who may export is an enabled Finance user with the role; the flow owner has rows apart."""
    others = [one for one in people if one.email.casefold() != finance.who.casefold()]
    if people and not others:
        sheet.passed("exporter-role", "Only the flow owner may export")
        return
    _others_rights(sheet, finance, others)


def _others_rights(sheet: Sheet, finance: FinanceClient, people: Sequence[Exporter]) -> None:
    reasons = sheet.ask("exporter-role", "finance", lambda: _reasons(finance, people))
    if reasons is None:
        return
    if not people:
        sheet.note("exporter-role", State.WARNING, "Nobody has a portal role that may export")
        return
    if not reasons:
        names = ", ".join(one.username for one in people[:SHOWN])
        more = f" and {len(people) - SHOWN} more" if len(people) > SHOWN else ""
        sheet.passed("exporter-role", f"Held by {names}{more}, who may export beside the flow owner")
        return
    listed = "; ".join(f"{name} {why}" for name, why in list(reasons.items())[:SHOWN])
    more = f" and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
    state = State.FAILS if len(reasons) == len(people) else State.WARNING
    found = f"{len(people) - len(reasons)} of {len(people)} others who may export hold it: {listed}{more}"
    sheet.note("exporter-role", state, found, lacking=tuple(reasons))


def _reasons(finance: FinanceClient, people: Sequence[Exporter]) -> dict[str, str]:
    """User name → why Finance would refuse them; who is well is not in it."""
    addresses = sorted({one.email for one in people if one.email})
    users = _rows(finance, "SystemUsers", ("UserID", "Alias", "Email", "Enabled"), ("Alias", "Email"), addresses)
    ids: dict[str, str] = {}
    disabled: set[str] = set()
    for row in users:
        names = {text_of(row, "Alias").casefold(), text_of(row, "Email").casefold()}
        if row["Enabled"] in (True, "Yes"):
            ids |= dict.fromkeys(names, text_of(row, "UserID"))
        else:
            disabled |= names
    columns = ("UserId", "SecurityRoleName", "AssignmentStatus")
    roles = _rows(finance, "SecurityUserRoles", columns, ("UserId",), sorted(set(ids.values())))
    good = {
        text_of(row, "UserId")
        for row in roles
        if row["SecurityRoleName"] == OPERATIONS_ROLE and row["AssignmentStatus"] != "Disabled"
    }
    reasons = {}
    for one in people:
        address = one.email.casefold()
        if not address:
            reasons[one.username] = "has no e-mail address here"
        elif address not in ids:
            reasons[one.username] = "is disabled in Finance" if address in disabled else "is not a user in Finance"
        elif ids[address] not in good:
            reasons[one.username] = "lacks the role"
    return reasons


def _rows(
    finance: FinanceClient, entity_set: str, fields: Sequence[str], columns: Sequence[str], values: Iterable[str]
) -> list[dict[str, object]]:
    """The rows that have one of `values` in one of `columns`, asked in parts that fit into an address."""
    wanted, rows = list(values), []
    for start in range(0, len(wanted), MOST_AT_ONCE):
        part = wanted[start : start + MOST_AT_ONCE]
        where = " or ".join(f"{column} eq {literal(value)}" for value in part for column in columns)
        rows += finance.rows(entity_set, fields, where=where)
    return rows
