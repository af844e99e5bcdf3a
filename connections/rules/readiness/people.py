"""Preconditions about people and Finance roles, and the virtual entities that they read."""

from connections.errors import DIMENSION_PARAMETERS_DENIED, NO_DEFINITIONS, NO_PERMISSION, VIRTUAL_ENTITIES_DENIED

from .names import DATA_PROJECT_ENTITIES, DUTY, ENTITY_NAMES, PARAMETERS_ENTITY, ROLE, SECURITY, entity_key
from .words import Fix, Group, Precondition

PEOPLE = (
    Precondition(
        "dataverse-user",
        Group.PEOPLE,
        "Dataverse user of the flow owner",
        NO_PERMISSION,
        "The flows read Dataverse as their owner.",
        "In the Power Platform admin center, add the flow owner to the environment and enable the user.",
        "A system administrator in Dataverse.",
        Fix.REQUEST,
        ("token-dataverse", "dataverse"),
    ),
    Precondition(
        "owner-user",
        Group.PEOPLE,
        "Finance user of the flow owner",
        NO_PERMISSION,
        "The flow owner runs every export, so Finance must know the account as an enabled user.",
        "In Finance, add the flow owner as a user with the same Entra account, and enable the user. An application "
        "is mapped to a user instead, under System administration, Microsoft Entra applications.",
        SECURITY,
        Fix.REQUEST,
        ("token-finance", "finance"),
    ),
    Precondition(
        "owner-role",
        Group.PEOPLE,
        f"Role {ROLE}, flow owner",
        VIRTUAL_ENTITIES_DENIED,
        "The flow owner runs every export. Without this role Finance opens neither virtual entities nor data projects.",
        f"In Finance, assign the role {ROLE} to the flow owner. Then check again.",
        SECURITY,
        Fix.REQUEST,
        ("owner-user",),
    ),
    Precondition(
        "owner-duty",
        Group.PEOPLE,
        f"Duty {DUTY}, flow owner",
        DIMENSION_PARAMETERS_DENIED,
        "The flow owner runs every export. Without this duty Finance will not show the delimiter of dimension values.",
        f"In Finance, add the duty {DUTY} to a custom role and assign that role to the flow owner. Then check again.",
        SECURITY,
        Fix.REQUEST,
        ("owner-user",),
    ),
    Precondition(
        "exporter-role",
        Group.PEOPLE,
        f"Role {ROLE}, who exports",
        NO_PERMISSION,
        "Whoever starts an export must be an enabled Finance user with this role, though it runs as the flow owner.",
        f"In Finance, add these people as users, enable them and assign the role {ROLE}.",
        SECURITY,
        Fix.REQUEST,
        ("owner-user",),
    ),
)


def _entity(name: str) -> Precondition:
    needed = name not in DATA_PROJECT_ENTITIES
    duty = ("owner-duty",) if name == PARAMETERS_ENTITY else ()
    return Precondition(
        entity_key(name),
        Group.ENTITIES,
        name,
        NO_DEFINITIONS,
        "Dataverse does not show this entity of Finance."
        if needed
        else "The write-back asks for it. This portal reaches data projects in Finance itself, so its exports go on.",
        "Make the entity visible in the table Available finance and operations entities. Dataverse needs about a "
        "minute to generate it.",
        "You, with your own Dataverse connection, or a system administrator in Dataverse.",
        Fix.MAKE_VISIBLE,
        ("linked", "dataverse-user", "owner-user", "owner-role", *duty),
        target=name,
    )


ENTITIES = tuple(map(_entity, ENTITY_NAMES))
