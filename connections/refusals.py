"""A refusal (4xx) as the error it means, by what was asked."""

from enum import Enum

from .errors import (
    DIMENSION_PARAMETERS_DENIED,
    VIRTUAL_ENTITIES_DENIED,
    EntityHidden,
    NoPermission,
    NotFinance,
    Rejected,
    RemoteError,
)
from .http import Answer

OPERATIONS_ROLE = "Data management operations user"
PARAMETERS_DUTY = "Inquire into dimension parameters master"
_UNKNOWN_USER = "Unable to determine the user"


class Asked(Enum):
    """What a request was about, as far as a refusal of it means something different."""

    DIMENSION_PARAMETERS = "dimension parameters"
    VIRTUAL_ENTITIES = "virtual entities"
    INTEGRATION_GROUP = "integration group"
    DATAVERSE = "Dataverse"
    FINANCE = "Finance"


def refusal(answer: Answer, *, asked: Asked, who: str, entity: str = "") -> RemoteError:
    """The error for a 4xx answer. `who` is the account that asked, `entity` the virtual entity, if it was one."""
    reason = answer.reason
    if answer.status in (401, 403) or _UNKNOWN_USER in reason:
        # Finance's front door, before any of its code, answers with a bare message: the user is not let in at all.
        unknown = asked is not Asked.DATAVERSE and (answer.status == 401 or "Message" in answer.content)
        return no_permission(asked, who=who, reason=reason, unknown=unknown)
    if answer.status == 404 and entity:
        return EntityHidden(
            f"The virtual entity {entity} is not visible in Dataverse.",
            hint="Mark it as Visible in the table Available finance and operations entities. "
            "An administrator of the Dataverse environment can.",
        )
    return Rejected(reason or f"The answer was {answer.status}.", code=f"rejected-{answer.status}")


def not_finance(place: str) -> NotFinance:
    """What answers at `place` has no OData service of Finance."""
    return NotFinance(
        f"{place} answers, but is not Dynamics 365 Finance.",
        hint="Correct the variable BPP App FinOps URI in Dataverse: it must be the address of Dynamics 365 Finance. "
        "An administrator of the Dataverse environment can.",
    )


def is_application(who: str) -> bool:
    """Whether the account is the portal's own application, not a person."""
    return who.startswith("application ")


def _let_in(who: str) -> str:
    if is_application(who):
        return f"In Finance, map the {who} to a user, under System administration, Microsoft Entra applications."
    return f"Ask a security administrator in Finance to add and enable the user {who}."


def no_permission(asked: Asked, *, who: str, reason: str, unknown: bool) -> NoPermission:
    """Permission refused: the documented cause where one is documented, and what to ask for."""
    if _UNKNOWN_USER in reason or unknown:
        return NoPermission(
            f"Finance does not know {who} as an enabled user.",
            hint=_let_in(who),
            code="finance-user-unknown",
        )
    if asked is Asked.DIMENSION_PARAMETERS or PARAMETERS_DUTY in reason:
        return NoPermission(
            DIMENSION_PARAMETERS_DENIED,
            hint=f"Ask a security administrator in Finance to give {who} a role with the duty {PARAMETERS_DUTY}.",
            code="duty-missing",
        )
    if asked in (Asked.VIRTUAL_ENTITIES, Asked.INTEGRATION_GROUP):
        return NoPermission(
            VIRTUAL_ENTITIES_DENIED,
            hint=f"Ask a security administrator in Finance to assign the role {OPERATIONS_ROLE} to {who}.",
            code="role-missing",
        )
    return NoPermission(
        f"{asked.value} refused {who}: {reason or 'access denied'}",
        hint=f"Ask an administrator of {asked.value} to give {who} access.",
    )
