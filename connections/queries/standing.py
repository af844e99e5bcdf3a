"""What Finance says about the flow owner: the person whose rights decide over every export."""

from dataclasses import dataclass

from connections import finance_users
from connections.errors import NoPermission, RemoteError
from connections.models import Environment
from connections.refusals import OPERATIONS_ROLE, PARAMETERS_DUTY
from connections.rules.flows import EXPORT_FLOW

from .access import finance_client_of, flow, flows


@dataclass(frozen=True)
class Standing:
    """The owner's account in Finance with its roles, and what of the two documented ones is missing there."""

    account: str
    roles: tuple[str, ...]
    missing: tuple[str, ...]
    headline: str = ""
    cause: str = ""
    hint: str = ""

    @property
    def is_fine(self) -> bool:
        return not (self.missing or self.headline)


def owner_standing(*, environment: Environment) -> Standing:
    """Read as the owner of the export flow. What could not be read comes back as the documented text with its cause."""
    try:
        return _read(environment)
    except RemoteError as error:
        return Standing("", (), (), error.headline, error.cause, error.hint)


def _read(environment: Environment) -> Standing:
    finance = finance_client_of(flow(environment=environment, name=EXPORT_FLOW), must_be_on=False)
    found = [user for user in finance_users.users(finance, finance.who) if user.enabled]
    held = [role for user in found[:1] for role in finance_users.roles(finance, user.user_id) if role.enabled]
    names = tuple(sorted(role.name for role in held))
    missing = [] if OPERATIONS_ROLE in names else [f"the role {OPERATIONS_ROLE}"]
    if not any(PARAMETERS_DUTY in finance_users.duties(finance, role.identifier) for role in held):
        missing.append(f"a role with the duty {PARAMETERS_DUTY}")
    return Standing(finance.who, names, tuple(missing))


def what_was_found(*, environment: Environment) -> str:
    """Two sentences under *No permission to execute Finance operation*: the owner's roles, and whose the flows are."""
    standing = owner_standing(environment=environment)
    roles = ", ".join(standing.roles) or "no role"
    first = f"Found: {standing.account} has {roles} in Finance." if standing.account else ""
    if standing.account and standing.missing:
        first = f"{first[:-1]}, and lacks {' and '.join(standing.missing)}."
    return " ".join(filter(None, (first, _ownership(environment))))


def explained(error: RemoteError, *, environment: Environment) -> RemoteError:
    """A refusal of permission with what was found added to its next step; every other error as it is."""
    if isinstance(error, NoPermission):
        error.hint = " ".join(filter(None, (error.hint, what_was_found(environment=environment))))
    return error


def _ownership(environment: Environment) -> str:
    found = []
    for one in flows(environment=environment):
        accounts = {r.connection.account if r.connection else "nobody" for r in one.references.all()}
        found.append((one.name, f"owned by {one.owner or 'nobody'} and connected as {' and '.join(sorted(accounts))}"))
    if len(found) > 1 and len({text for _, text in found}) == 1:
        return f"All flows are {found[0][1]}."
    return f"{'; '.join(f'{name} is {text}' for name, text in found)}." if found else ""
