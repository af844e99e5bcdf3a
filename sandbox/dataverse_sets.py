"""Declarations of the Dataverse tables, and the eight Finance entities that Dataverse can show as virtual tables."""

from sandbox.entities import EntitySet
from sandbox.finance_sets import FINANCE_SETS

VIRTUAL_ENTITIES = (
    "Ledgers",
    "BudgetModels",
    "BudgetDimensions",
    "DimensionIntegrationFormats",
    "BudgetCodes",
    "DataManagementDefinitionGroups",
    "DataManagementDefinitionGroupDetails",
    "DimensionParameters",
)
# mserp_<physical name, lower case>, plural: LedgerEntity → mserp_ledgerentities
VIRTUAL_SETS: dict[str, EntitySet] = {
    f"mserp_{FINANCE_SETS[name].entity.lower().removesuffix('y')}ies": FINANCE_SETS[name] for name in VIRTUAL_ENTITIES
}

_TABLES = (
    EntitySet(
        "dv_systemusers",
        "systemuser",
        "User",
        "systemuserid*:Guid fullname internalemailaddress domainname azureactivedirectoryobjectid:Guid "
        "applicationid:Guid isdisabled:Boolean",
    ),
    EntitySet(
        "environmentvariabledefinitions",
        "environmentvariabledefinition",
        "Environment Variable Definition",
        "environmentvariabledefinitionid*:Guid schemaname displayname description type:Int32 defaultvalue",
    ),
    EntitySet(
        "environmentvariablevalues",
        "environmentvariablevalue",
        "Environment Variable Value",
        "environmentvariablevalueid*:Guid schemaname value _environmentvariabledefinitionid_value:Guid",
    ),
    EntitySet(
        "workflows",
        "workflow",
        "Process",
        "workflowid*:Guid name category:Int32 type:Int32 statecode:Int32 statuscode:Int32 primaryentity "
        "ismanaged:Boolean _ownerid_value:Guid clientdata",
    ),
    EntitySet(
        "mserp_financeandoperationsentities",
        "mserp_financeandoperationsentity",
        "Available finance and operations entity",
        "mserp_financeandoperationsentityid*:Guid mserp_physicalname mserp_displayname "
        "mserp_hasbeengenerated:Boolean mserp_refresh:Boolean mserp_changetrackingenabled:Boolean",
        hidden="generated_at:Decimal",
    ),
)
# SQLite folds case, and Finance has a SystemUsers of its own: the table carries a prefix, the wire name does not.
DATAVERSE_SETS: dict[str, EntitySet] = {table.name.removeprefix("dv_"): table for table in _TABLES}
CATALOG = DATAVERSE_SETS["mserp_financeandoperationsentities"]
ALL_SETS: dict[str, EntitySet] = {entity_set.name: entity_set for entity_set in (*FINANCE_SETS.values(), *_TABLES)}
