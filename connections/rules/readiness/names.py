"""Keys and names that several groups of preconditions use."""

from connections.rules.entities import VIRTUAL_ENTITIES

DATA_PROJECT_ENTITIES = ("DataManagementDefinitionGroupEntity", "DataManagementDefinitionGroupDetailEntity")
PARAMETERS_ENTITY = "DimensionParametersEntity"
ENTITY_NAMES = tuple(VIRTUAL_ENTITIES)
ROLE, DUTY = "Data management operations user", "Inquire into dimension parameters master"
SECURITY = "A security administrator in Finance. The portal cannot grant Finance roles."


def entity_key(entity: str) -> str:
    return f"entity-{entity}"


def flow_key(what: str, flow: str) -> str:
    """`what` is "connected" or "on"."""
    return f"{what}-{flow}"
