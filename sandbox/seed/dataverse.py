"""The Dataverse side of the seed: people and roles, the environment variable, the catalog, flows, and a cube."""

import json
from collections.abc import Sequence
from typing import Any

from sandbox.dataverse.definitions import drop_all
from sandbox.dataverse.sets import ALL_SETS, DATAVERSE_SETS, FIXED_TABLES, LINKS, VIRTUAL_ENTITIES
from sandbox.finance.sets import FINANCE_SETS
from sandbox.identifiers import guid
from sandbox.seed import cube
from sandbox.seed.cube import MOMENT
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
    cube.fill(store)


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
