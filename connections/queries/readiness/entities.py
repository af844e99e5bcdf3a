"""The eight virtual entities, read as the flow owner, and whether the environment is linked at all."""

from collections.abc import Mapping

from connections.data_management import PROJECT
from connections.dataverse import DataverseClient
from connections.dataverse_setup import catalog_entities
from connections.models import Environment
from connections.refusals import Asked
from connections.rules.dataverse import CatalogEntity
from connections.rules.readiness import DATA_PROJECT_ENTITIES, ENTITY_NAMES, State, entity_key
from connections.rules.wire import literal

from .sheet import Sheet

Rows = list[dict[str, str]]
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "LedgerEntity": ("LegalEntityId", "Name", "FiscalCalendar", "AccountStructureName1"),
    "BudgetModelEntity": ("dataAreaId", "BudgetModel", "Stopped"),
    "BudgetDimensionEntity": ("LegalEntityId", "DimensionAttributeId"),
    "DimensionIntegrationFormatEntity": (
        "DimensionFormatName",
        "DimensionFormatType",
        "FinancialDimensionFormat",
        "IsActive",
    ),
    "BudgetCodeEntity": ("dataAreaId", "BudgetCode", "BudgetType", "IsDefaultCode", "Description"),
    "DataManagementDefinitionGroupEntity": ("Name",),
    "DataManagementDefinitionGroupDetailEntity": ("DefinitionGroupId", "EntityName"),
    "DimensionParametersEntity": ("DimensionSegmentDelimiter",),
}
_WHERE = {
    "DataManagementDefinitionGroupEntity": f"mserp_name eq {literal(PROJECT)}",
    "DataManagementDefinitionGroupDetailEntity": f"mserp_definitiongroupid eq {literal(PROJECT)}",
}


def linked(sheet: Sheet, client: DataverseClient, environment: Environment) -> None:
    """Whether Dataverse offers Finance's entities. An environment without a link has none of these tables."""
    catalog: list[CatalogEntity] | None = sheet.ask(
        "linked", "dataverse", lambda: catalog_entities(client, ENTITY_NAMES)
    )
    if catalog is None:
        return
    through = environment.get_linked_through_display()
    if catalog and through:
        sheet.passed("linked", f"Through {through[0].lower()}{through[1:]}, {len(catalog)} of 8 entities offered")
    else:
        sheet.fails("linked", "Dataverse offers no entity of Finance" if through else "Not linked")


def read_entity(sheet: Sheet, client: DataverseClient, entity: str) -> Rows | None:
    """All rows of a virtual entity (of the data projects, the portal's own ones)."""
    key = entity_key(entity)
    asked = Asked.DIMENSION_PARAMETERS if entity == "DimensionParametersEntity" else Asked.VIRTUAL_ENTITIES
    rows = sheet.ask(
        key,
        "dataverse",
        lambda: client.virtual_rows(entity, _FIELDS[entity], where=_WHERE.get(entity, ""), asked=asked),
    )
    if rows is not None:
        sheet.passed(key, "Visible and readable")
    elif entity in DATA_PROJECT_ENTITIES:
        sheet.soften(key, State.WARNING)
    return rows
