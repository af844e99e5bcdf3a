"""Declarations of the Dataverse tables, and the eight Finance entities that Dataverse can show as virtual tables.

A table is declared as one line of text: `*` marks the primary key, `!` the primary name, `:Kind` a kind other than
String, `>table/Navigation` the table that a lookup points at.
"""

import zlib

from sandbox.dataverse.table import Collection, Column, Key, Option, Table
from sandbox.entities import ENUMS, LABELS, NO_DATE, EntitySet, Field
from sandbox.finance.sets import FINANCE_SETS
from sandbox.odata import FIRST_OPTION

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
VALUES = "environmentvariabledefinition_environmentvariablevalue"
OPTIONS: dict[str, tuple[tuple[int, str], ...]] = {
    "environmentvariabledefinition.type": (
        (100000000, "String"),
        (100000001, "Number"),
        (100000002, "Boolean"),
        (100000003, "JSON"),
        (100000004, "Data source"),
        (100000005, "Secret"),
    ),
    "workflow.category": (
        (0, "Workflow"),
        (2, "Business Rule"),
        (3, "Action"),
        (5, "Modern Flow"),
        (6, "Desktop Flow"),
    ),
    "workflow.type": ((1, "Definition"), (2, "Activation"), (3, "Template")),
    "workflow.statecode": ((0, "Draft"), (1, "Activated"), (2, "Suspended")),
    "workflow.statuscode": ((1, "Draft"), (2, "Activated"), (3, "CompanyDLPViolation")),
    "connectionreference.statecode": ((0, "Active"), (1, "Inactive")),
    "connectionreference.statuscode": ((1, "Active"), (2, "Inactive")),
}


def declared(logical_name: str, declaration: str) -> tuple[tuple[Column, ...], str]:
    """The columns of a declaration, and the name of the primary name column."""
    columns, primary_name = [], ""
    for text in declaration.split():
        text, _, aim = text.partition(">")
        name, _, kind = text.partition(":")
        target, _, navigation = aim.partition("/")
        if name.endswith("!"):
            primary_name = name.rstrip("!")
        kind = "Uniqueidentifier" if name.endswith("*") else kind or "String"
        name = name.rstrip("*!")
        options = tuple(Option(*pair) for pair in OPTIONS.get(f"{logical_name}.{name}", ()))
        columns.append(Column(name, kind, target=target, navigation=navigation, options=options))
    return tuple(columns), primary_name


def _table(
    storage: str,
    logical_name: str,
    label: str,
    declaration: str,
    *,
    keys: tuple[Key, ...] = (),
    collections: tuple[Collection, ...] = (),
) -> Table:
    columns, primary_name = declared(logical_name, declaration)
    set_name = storage.removeprefix("dv_")
    return Table(logical_name, set_name, storage, label, columns, primary_name, keys, collections, logical_name)


# SQLite folds case, and Finance has a SystemUsers of its own: some tables carry a prefix, the wire name does not.
_TABLES = (
    _table(
        "dv_systemusers",
        "systemuser",
        "User",
        "systemuserid* fullname! internalemailaddress domainname azureactivedirectoryobjectid:Uniqueidentifier "
        "applicationid:Uniqueidentifier isdisabled:Boolean",
        keys=(Key("azureactivedirectoryobjectid", ("azureactivedirectoryobjectid",)),),
        collections=(Collection("systemuserroles_association", "role", "roleid", through="dv_systemuserroles"),),
    ),
    _table("dv_roles", "role", "Security Role", "roleid* name!"),
    _table("dv_cdm_companies", "cdm_company", "Company", "cdm_companyid* cdm_companycode! cdm_name"),
    _table(
        "environmentvariabledefinitions",
        "environmentvariabledefinition",
        "Environment Variable Definition",
        "environmentvariabledefinitionid* schemaname! displayname description:Memo type:Picklist defaultvalue:Memo",
        keys=(Key("schemaname", ("schemaname",)),),
        collections=(Collection(VALUES, "environmentvariablevalue", "_environmentvariabledefinitionid_value"),),
    ),
    _table(
        "environmentvariablevalues",
        "environmentvariablevalue",
        "Environment Variable Value",
        "environmentvariablevalueid* schemaname! value:Memo "
        "environmentvariabledefinitionid:Lookup>environmentvariabledefinition/EnvironmentVariableDefinitionId",
        keys=(Key("definition", ("_environmentvariabledefinitionid_value",)),),
    ),
    _table(
        "workflows",
        "workflow",
        "Process",
        "workflowid* name! category:Picklist type:Picklist statecode:State statuscode:Status primaryentity "
        "ismanaged:Boolean workflowidunique:Uniqueidentifier ownerid:Owner>systemuser clientdata:Memo "
        "createdon:DateTime modifiedon:DateTime",
    ),
    _table(
        "dv_connectionreferences",
        "connectionreference",
        "Connection Reference",
        "connectionreferenceid* connectionreferencedisplayname! connectionreferencelogicalname connectionid "
        "connectorid ownerid:Owner>systemuser statecode:State statuscode:Status",
        keys=(Key("connectionreferencelogicalname", ("connectionreferencelogicalname",)),),
    ),
    _table(
        "mserp_financeandoperationsentities",
        "mserp_financeandoperationsentity",
        "Available finance and operations entity",
        "mserp_financeandoperationsentityid* mserp_physicalname! mserp_displayname "
        "mserp_hasbeengenerated:Boolean mserp_refresh:Boolean mserp_changetrackingenabled:Boolean",
    ),
)
# columns that are stored and never shown
_HIDDEN = {
    "mserp_financeandoperationsentity": "generated_at:Decimal busy_until:Decimal pending:Boolean",
    "workflow": "saved:Boolean",
}
# association of users and roles; user id and role id are the whole of it
LINKS = (EntitySet("dv_systemuserroles", "systemuserroles", "", "systemuserid*:Guid roleid*:Guid"),)


def _stored(table: Table) -> EntitySet:
    """The table as the store and the seed know sets."""
    names = [
        f"{column.wire}{'*' if column.name == table.primary_id else ''}:{column.field.type}" for column in table.stored
    ]
    hidden = f"versionnumber:Int64 {_HIDDEN.get(table.logical_name, '')}"
    return EntitySet(table.storage, table.logical_name, table.label, " ".join(names), hidden=hidden)


FIXED_TABLES: dict[str, Table] = {table.logical_name: table for table in _TABLES}
DATAVERSE_SETS: dict[str, EntitySet] = {table.set_name: _stored(table) for table in _TABLES}
CATALOG = DATAVERSE_SETS["mserp_financeandoperationsentities"]
ALL_SETS: dict[str, EntitySet] = {
    entity_set.name: entity_set for entity_set in (*FINANCE_SETS.values(), *DATAVERSE_SETS.values(), *LINKS)
}


def _virtual(entity_set: EntitySet) -> Table:
    """The virtual table of a Finance entity, named by the documented rule: LedgerEntity → mserp_ledgerentities."""
    entity = entity_set.entity.lower()
    keys = [f't."{key}"' for key in entity_set.keys]
    joined = " || '|' || ".join(keys)
    number = f"{zlib.crc32(entity.encode()):08x}"
    columns = [
        Column(f"mserp_{entity}id", "Uniqueidentifier", sql=f"RECORD_ID('{number}', {', '.join(keys)})"),
        Column("mserp_primaryfield", sql=f"substr({joined}, 1, 255)"),
        *(_virtual_column(field) for field in entity_set.fields.values()),
    ]
    if entity_set.is_company_scoped:
        company = '(SELECT c.cdm_companyid FROM dv_cdm_companies c WHERE c.cdm_companycode = t."dataAreaId")'
        columns.append(Column("mserp_dataareaid_id", "Lookup", "cdm_company", sql=company))
    name = f"mserp_{entity}"
    return Table(
        name,
        f"{name.removesuffix('y')}ies",
        entity_set.name,
        entity_set.label,
        tuple(columns),
        "mserp_primaryfield",
        (Key("mserp_entitykey", tuple(f"mserp_{key.lower()}" for key in entity_set.keys)),),
        schema_name=name,
        entity=entity_set.entity,
    )


def _virtual_column(field: Field) -> Column:
    """Enums become numbered options, 1900-01-01 becomes null; the numbers are this environment's own."""
    name, cell = f"mserp_{field.name.lower()}", f't."{field.name}"'
    if field.is_enum:
        members = ENUMS[field.type]
        cases = " ".join(f"WHEN '{member}' THEN {FIRST_OPTION + n}" for n, member in enumerate(members))
        options = tuple(Option(FIRST_OPTION + n, LABELS.get(m, m), m) for n, m in enumerate(members))
        return Column(name, "Picklist", options=options, sql=f"CASE {cell} {cases} END")
    if field.type == "DateTimeOffset":
        return Column(name, "DateTime", sql=f"NULLIF({cell}, '{NO_DATE}')")
    kinds = {"Decimal": "Decimal", "Line": "Decimal", "Int32": "Integer", "Int64": "Decimal", "Boolean": "Boolean"}
    return Column(name, kinds.get(field.type, "String"), sql=cell)


VIRTUAL_TABLES: dict[str, Table] = {
    table.logical_name: table for table in (_virtual(FINANCE_SETS[name]) for name in VIRTUAL_ENTITIES)
}
VIRTUAL_SETS: dict[str, EntitySet] = {
    table.set_name: FINANCE_SETS[name] for name, table in zip(VIRTUAL_ENTITIES, VIRTUAL_TABLES.values(), strict=True)
}
