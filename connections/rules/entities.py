"""The virtual entities that the write-back reads through Dataverse, as documented, and what each is for."""

VIRTUAL_ENTITIES: dict[str, str] = {
    "LedgerEntity": "Legal entities and their ledgers",
    "BudgetModelEntity": "Budget models",
    "BudgetDimensionEntity": "Financial dimensions of budgets",
    "DimensionIntegrationFormatEntity": "Order of the dimensions in an account",
    "BudgetCodeEntity": "Budget codes and their types",
    "DataManagementDefinitionGroupEntity": "Data projects",
    "DataManagementDefinitionGroupDetailEntity": "Entities in a data project",
    "DimensionParametersEntity": "Delimiter of dimension values",
}
