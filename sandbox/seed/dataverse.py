"""The Dataverse side of the seed: people and roles, the environment variable, the catalog, flows, and a cube."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sandbox.dataverse_definitions import custom_table, drop_all, save
from sandbox.dataverse_sets import ALL_SETS, DATAVERSE_SETS, FIXED_TABLES, LINKS, VIRTUAL_ENTITIES
from sandbox.dataverse_table import Column, Key, Table, name_column
from sandbox.finance_sets import FINANCE_SETS
from sandbox.identifiers import guid
from sandbox.store import Store

VERSION = "2"  # of this part of the seed: an older store gets it anew
VARIABLE = "msdyn_xpna_BPPAppFinOpsURI"
DATAVERSE_API, FINANCE_API = "shared_commondataserviceforapps", "shared_dynamicsax"
FLOWS = {
    "BREExportFromDataverseToFnO": (DATAVERSE_API,),
    "CountTotalCubeRows": (DATAVERSE_API,),
    "BREExportFnOStatusUpdate": (DATAVERSE_API, FINANCE_API),
}
ROLES = {
    "System Administrator": ("installer@contoso.example",),
    "BPP Administrator": ("installer@contoso.example",),
    "BPP Power User": ("owner@contoso.example", "planner@contoso.example"),
    "BPP Contributor": (),
    "BPP Limited Contributor": (),
    "BPP Viewer": ("reviewer@contoso.example",),
    "Basic User": ("owner@contoso.example", "planner@contoso.example", "reviewer@contoso.example"),
}
MOMENT = "2021-06-01T08:00:00Z"
DIMENSIONS = ("account", "department", "fund")
FUNDS = 12  # 39 accounts × 27 departments × 12 funds = 12,636 facts, three pages


def fill(store: Store, entra: dict[str, Any], finance_url: str) -> None:
    """Seed all of it anew; called inside the transaction of the whole seed, after Finance's rows are there."""
    drop_all(store)
    _people(store, entra)
    _put(store, "environmentvariabledefinitions", [_definition()])
    set_variable(store, VARIABLE, finance_url)
    _put(store, "mserp_financeandoperationsentities", [_catalog_row(name) for name in VIRTUAL_ENTITIES])
    companies = store.rows('SELECT "LegalEntityId", "Name" FROM "LegalEntities"')
    _put(
        store,
        "cdm_companies",
        [
            {"cdm_companyid": guid("company", c[0]), "cdm_companycode": c[0].lower(), "cdm_name": c[1]}
            for c in companies
        ],
    )
    _flows(store, guid("user", entra["users"][0]["upn"]))
    _cube(store)


def prepare(store: Store) -> None:
    """Add what a table of an older store lacks, and the indexes of the alternate keys."""
    connection = store.connection
    for entity_set in ALL_SETS.values():
        if entity_set.view:
            continue
        known = {row[1].lower() for row in connection.execute(f'PRAGMA table_info("{entity_set.name}")')}
        for column in entity_set.columns:
            if column.name.lower() not in known:
                connection.execute(f'ALTER TABLE "{entity_set.name}" ADD COLUMN {column.column}')
    for table in FIXED_TABLES.values():
        for key in table.keys:
            connection.execute(table.index(key))


def _put(store: Store, set_name: str, rows: Sequence[dict[str, Any]]) -> None:
    storage = DATAVERSE_SETS[set_name].name
    with store.transaction() as connection:
        for row in rows:
            full = {**row, "versionnumber": 1}
            names, marks = ", ".join(f'"{name}"' for name in full), ", ".join("?" * len(full))
            connection.execute(f'INSERT INTO "{storage}" ({names}) VALUES ({marks})', list(full.values()))


def _people(store: Store, entra: dict[str, Any]) -> None:
    users = [
        {
            "systemuserid": guid("user", user["upn"]),
            "fullname": user["name"],
            "internalemailaddress": user["upn"],
            "domainname": user["upn"],
            "azureactivedirectoryobjectid": user["oid"],
            "isdisabled": 0,
        }
        for user in entra["users"]
    ]
    application = {
        "systemuserid": guid("user", "application"),
        "fullname": "# Portal",
        "azureactivedirectoryobjectid": entra.get("app_oid"),
        "applicationid": entra["client_id"],
        "isdisabled": 0,
    }
    _put(store, "systemusers", [*users, application])
    _put(store, "roles", [{"roleid": guid("role", name), "name": name} for name in ROLES])
    known = {user["upn"] for user in entra["users"]}
    with store.transaction() as connection:
        connection.executemany(
            f'INSERT INTO "{LINKS[0].name}" VALUES (?, ?)',
            [
                (guid("user", upn), guid("role", name))
                for name, members in ROLES.items()
                for upn in members
                if upn in known
            ],
        )


def _definition() -> dict[str, Any]:
    return {
        "environmentvariabledefinitionid": guid("definition", VARIABLE),
        "schemaname": VARIABLE,
        "displayname": "BPP App FinOps URI",
        "type": 100000000,
    }


def set_variable(store: Store, schema_name: str, value: str | None) -> None:
    """Set the current value of an environment variable, or take it away."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM environmentvariablevalues WHERE schemaname = ?", (schema_name,))
        if value is not None:
            row = {
                "environmentvariablevalueid": guid("value", schema_name),
                "schemaname": schema_name,
                "value": value,
                "_environmentvariabledefinitionid_value": guid("definition", schema_name),
            }
            _put(store, "environmentvariablevalues", [row])


def _catalog_row(name: str) -> dict[str, Any]:
    entity = FINANCE_SETS[name].entity
    return {
        "mserp_financeandoperationsentityid": guid("entity", entity),
        "mserp_physicalname": entity,
        "mserp_displayname": FINANCE_SETS[name].label,
        "mserp_hasbeengenerated": 1,
        "mserp_refresh": 0,
        "mserp_changetrackingenabled": 0,
        "generated_at": "0",
        "busy_until": "0",
    }


def _flows(store: Store, installer: str) -> None:
    """Flows as the solution brings them: the installer's, and the one that needs Finance still to be connected."""
    references = {
        DATAVERSE_API: guid("connection", "dataverse").replace("-", ""),
        FINANCE_API: None,
    }
    _put(
        store,
        "connectionreferences",
        [
            {
                "connectionreferenceid": guid("connection reference", api),
                "connectionreferencelogicalname": _reference(api),
                "connectionreferencedisplayname": {
                    DATAVERSE_API: "Microsoft Dataverse",
                    FINANCE_API: "Dynamics 365 Finance (Dynamics 365)",
                }[api],
                "connectionid": connection,
                "connectorid": f"/providers/Microsoft.PowerApps/apis/{api}",
                "_ownerid_value": installer,
                "statecode": 0,
                "statuscode": 1,
            }
            for api, connection in references.items()
        ],
    )
    _put(store, "workflows", [_flow(name, apis, installer) for name, apis in FLOWS.items()])


def _reference(api: str) -> str:
    return f"msdyn_xpna_{api.replace('_', '')}"


def _flow(name: str, apis: Sequence[str], owner: str) -> dict[str, Any]:
    is_on = FINANCE_API not in apis
    connections = {
        api: {
            "runtimeSource": "embedded",
            "connection": {"connectionReferenceLogicalName": _reference(api)},
            "api": {"name": api},
        }
        for api in apis
    }
    content = {"properties": {"connectionReferences": connections, "definition": {}}, "schemaVersion": "1.0.0.0"}
    return {
        "workflowid": guid("flow", name),
        "workflowidunique": guid("flow version", name),
        "name": name,
        "category": 5,
        "type": 1,
        "statecode": int(is_on),
        "statuscode": 2 if is_on else 1,
        "primaryentity": "none",
        "ismanaged": 1,
        "_ownerid_value": owner,
        "clientdata": json.dumps(content),
        "createdon": MOMENT,
        "modifiedon": MOMENT,
        "saved": 0,
    }


# --- a published cube: three dimensions of the seed's own values, one fact for each combination ---


def dimension(name: str) -> Table:
    columns = (
        Column("msdyn_name", length=200, label="Name", required=True),
        Column("msdyn_description", length=200, label="Description"),
        *((Column("msdyn_accounttype", length=100, label="Account type"),) if name == "account" else ()),
    )
    return custom_table(
        f"msdyn_xpnadim_{name}",
        columns,
        "msdyn_name",
        label=name.capitalize(),
        keys=(Key("NameKey", ("msdyn_name",)),),
    )


def cube(name: str, dimensions: Sequence[Table]) -> Table:
    columns: list[Column] = [Column(f"msdyn_xpnacube_{name}_name", length=200, label="Name")]
    for target in dimensions:
        lookup = Column(target.logical_name, "Lookup", target=target.logical_name, label=target.label)
        readable = Column(
            f"{target.logical_name}name", sql=name_column(lookup, target), column_of=lookup.name, label=target.label
        )
        columns += [lookup, readable]
    columns += [
        Column("msdyn_date", "DateOnly", label="Date"),
        Column("msdyn_amount", "Decimal", label="Amount", precision=2, minimum="-100000000000", maximum="100000000000"),
    ]
    return custom_table(
        f"msdyn_xpnacube_{name}",
        tuple(columns),
        f"msdyn_xpnacube_{name}_name",
        label=f"{name} cube",
        keys=(Key("DimensionSetAltKey", tuple(f"_{target.logical_name}_value" for target in dimensions)),),
    )


def _cube(store: Store) -> None:
    tables = [dimension(name) for name in DIMENSIONS]
    facts = cube("opexplan", tables)
    for table in (*tables, facts):
        save(store, table)
    accounts = store.rows(
        "SELECT MainAccountId, Name, MainAccountType FROM MainAccounts WHERE ChartOfAccounts = 'Shared' ORDER BY 1"
    )
    members = {
        name: store.rows(
            "SELECT DimensionValue, Description FROM FinancialDimensionValues "
            "WHERE LegalEntityId = 'USMF' AND FinancialDimension = ? ORDER BY 1",
            (name.capitalize(),),
        )
        for name in DIMENSIONS[1:]
    }
    with store.transaction() as connection:
        _insert(connection, tables[0], ("msdyn_name", "msdyn_description", "msdyn_accounttype"), map(tuple, accounts))
        for table, rows in zip(tables[1:], members.values(), strict=True):
            _insert(connection, table, ("msdyn_name", "msdyn_description"), map(tuple, rows))
        names = (facts.primary_id, *facts.keys[0].columns, "msdyn_date", "msdyn_amount", *_SYSTEM)
        marks = ", ".join("?" * len(names))
        columns = ", ".join(f'"{name}"' for name in names)
        values = _facts(
            tuple(row[0] for row in accounts),
            tuple(row[0] for row in members["department"]),
            tuple(row[0] for row in members["fund"][:FUNDS]),
        )
        connection.executemany(f'INSERT INTO "{facts.storage}" ({columns}) VALUES ({marks})', values)


_SYSTEM = ("createdon", "modifiedon", "statecode", "statuscode", "versionnumber")
_SYSTEM_VALUES = (MOMENT, MOMENT, 0, 1, 1)


def _insert(connection: Any, table: Table, names: Sequence[str], rows: Any) -> None:
    columns = (table.primary_id, *names, *_SYSTEM)
    text = ", ".join(f'"{name}"' for name in columns)
    connection.executemany(
        f'INSERT INTO "{table.storage}" ({text}) VALUES ({", ".join("?" * len(columns))})',
        [(guid(table.logical_name, row[0]), *row, *_SYSTEM_VALUES) for row in rows],
    )


@lru_cache(maxsize=2)
def _facts(accounts: tuple[str, ...], departments: tuple[str, ...], funds: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """One fact for each combination: id, links, month and amount follow from its place, the same in every store."""
    linked = [
        [guid(f"msdyn_xpnadim_{name}", value) for value in values]
        for name, values in zip(DIMENSIONS, (accounts, departments, funds), strict=True)
    ]
    combinations = [(a, d, f) for a in linked[0] for d in linked[1] for f in linked[2]]
    return [
        (
            guid("fact", str(place)),
            *combination,
            f"{2021 + (place % 12 + 6) // 12}-{(place % 12 + 6) % 12 + 1:02}-01",
            f"{place * 7919 % 1_000_000}.{place % 100:02}",
            *_SYSTEM_VALUES,
        )
        for place, combination in enumerate(combinations)
    ]
