"""Fills an empty store from the data files beside this module. The code knows no customer; the files do."""

import json
import secrets
import uuid
from calendar import monthrange
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.dataverse_sets import ALL_SETS, VIRTUAL_ENTITIES
from sandbox.entities import EntitySet, default_of
from sandbox.finance_sets import FINANCE_SETS
from sandbox.store import SCHEMA, Store

FOLDER = Path(__file__).parent
ENTRA: dict[str, Any] = json.loads((FOLDER / "entra.json").read_text(encoding="utf-8"))
VARIABLE = "msdyn_xpna_BPPAppFinOpsURI"
FLOWS = ("BREExportFromDataverseToFnO", "CountTotalCubeRows", "BREExportFnOStatusUpdate")
NAMESPACE = uuid.UUID("5a7d1f10-7d0f-4a53-9a55-0a6f2a1c7b00")


def prepare(store: Store, finance_url: str) -> None:
    """Create what is missing; an existing store keeps its data, only the seeded addresses follow the ports."""
    connection = store.connection
    connection.executescript(SCHEMA)
    tables = [entity_set for entity_set in ALL_SETS.values() if not entity_set.view]
    for entity_set in [*tables, *(s for s in ALL_SETS.values() if s.view)]:
        connection.executescript(entity_set.ddl())
    if store.setting("client_secret") is None:
        store.keep_setting("client_secret", secrets.token_urlsafe(24))
    _accounts(store)
    if store.setting("seeded") is None:
        fill(store, finance_url)
    elif store.setting("finance_url") != finance_url:
        with store.transaction() as open_connection:
            open_connection.execute(
                "UPDATE environmentvariablevalues SET value = ? WHERE schemaname = ? AND value = ?",
                (finance_url, VARIABLE, store.setting("finance_url")),
            )
    store.keep_setting("finance_url", finance_url)


def fill(store: Store, finance_url: str) -> None:
    """Empty every table and seed it anew, in one transaction."""
    with store.transaction() as connection:
        for entity_set in ALL_SETS.values():
            if not entity_set.view:
                connection.execute(f'DELETE FROM "{entity_set.name}"')
        for table in (
            "entra_accounts",
            "grants",
            "blobs",
            "blob_blocks",
            "executions",
            "execution_errors",
            "drawn_numbers",
        ):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM settings WHERE name = 'application'")
        _accounts(store)
        for path in sorted(FOLDER.glob("finance*.json")):
            for name, rows in json.loads(path.read_text(encoding="utf-8")).items():
                for row in rows:
                    put_row(store, FINANCE_SETS[name], row)
        _periods(store)
        _dataverse(store, finance_url)
    store.keep_setting("seeded", "yes")


def _accounts(store: Store) -> None:
    """The tenant's accounts, those that are missing; what was done to the others stays."""
    with store.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO entra_accounts (upn, oid, name) VALUES (?, ?, ?)",
            [(user["upn"], user["oid"], user["name"]) for user in ENTRA["users"]],
        )


def put_row(store: Store, entity_set: EntitySet, row: dict[str, Any]) -> None:
    """Insert or replace one row; what it leaves out gets its default, or keeps its value when the row exists."""
    keys = [str(row.get(key, "")) for key in entity_set.keys]
    where = " AND ".join(f'"{key}" = ?' for key in entity_set.keys)
    with store.transaction() as connection:
        existing = connection.execute(f'SELECT * FROM "{entity_set.name}" WHERE {where}', keys).fetchone()
        full = {f.name: default_of(f) for f in entity_set.columns}
        if existing is not None:
            full |= dict(existing)
        full |= {name: value for name, value in row.items() if name in full}
        marks = ", ".join("?" * len(full))
        names = ", ".join(f'"{name}"' for name in full)
        connection.execute(
            f'INSERT OR REPLACE INTO "{entity_set.name}" ({names}) VALUES ({marks})', list(full.values())
        )


def _periods(store: Store) -> None:
    """Monthly periods of every fiscal calendar and their status in each ledger that uses it."""
    data = json.loads((FOLDER / "calendars.json").read_text(encoding="utf-8"))
    for calendar in data["calendars"]:
        for year in range(calendar["first_year"], calendar["last_year"] + 1):
            for index in range(12):
                month = (calendar["first_month"] - 1 + index) % 12 + 1
                calendar_year = year - 1 if month >= calendar["first_month"] > 1 else year
                start = date(calendar_year, month, 1)
                end = date(calendar_year, month, monthrange(calendar_year, month)[1])
                name = f"{start:%b %Y}"
                put_row(
                    store,
                    FINANCE_SETS["FiscalPeriods"],
                    {
                        "Calendar": calendar["name"],
                        "FiscalYear": f"FY{year}",
                        "StartDate": noon(start),
                        "EndDate": noon(end),
                        "PeriodName": name,
                        "Type": "Operating",
                        "Month": month,
                        "Quarter": index // 3 + 1,
                    },
                )
                for ledger in calendar["ledgers"]:
                    closed = month in calendar.get("closed_months", [])
                    put_row(
                        store,
                        FINANCE_SETS["LedgerFiscalPeriods"],
                        {
                            "LedgerName": ledger,
                            "Calendar": calendar["name"],
                            "YearName": f"FY{year}",
                            "PeriodName": name,
                            "PeriodStatus": "Closed" if closed else "Open",
                        },
                    )


def noon(day: date) -> str:
    return f"{day.isoformat()}T12:00:00Z"


def guid(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "/".join(parts)))


def _dataverse(store: Store, finance_url: str) -> None:
    for user in ENTRA["users"]:
        put_row(
            store,
            ALL_SETS["dv_systemusers"],
            {
                "systemuserid": guid("user", user["upn"]),
                "fullname": user["name"],
                "internalemailaddress": user["upn"],
                "domainname": user["upn"],
                "azureactivedirectoryobjectid": user["oid"],
            },
        )
    put_row(
        store,
        ALL_SETS["dv_systemusers"],
        {
            "systemuserid": guid("application user", ENTRA["client_id"]),
            "fullname": f"# {ENTRA['application_name']}",
            "applicationid": ENTRA["client_id"],
            "azureactivedirectoryobjectid": ENTRA["app_oid"],
        },
    )
    put_row(
        store,
        ALL_SETS["environmentvariabledefinitions"],
        {
            "environmentvariabledefinitionid": guid("definition", VARIABLE),
            "schemaname": VARIABLE,
            "displayname": "BPP App FinOps URI",
            "type": 100000000,
        },
    )
    set_variable(store, VARIABLE, finance_url)
    for name in VIRTUAL_ENTITIES:
        entity = FINANCE_SETS[name].entity
        put_row(
            store,
            ALL_SETS["mserp_financeandoperationsentities"],
            {
                "mserp_financeandoperationsentityid": guid("entity", entity),
                "mserp_physicalname": entity,
                "mserp_displayname": FINANCE_SETS[name].label,
                "mserp_hasbeengenerated": 1,
            },
        )
    owner = guid("user", ENTRA["users"][0]["upn"])
    for flow in FLOWS:
        put_row(
            store,
            ALL_SETS["workflows"],
            {
                "workflowid": guid("flow", flow),
                "name": flow,
                "category": 5,
                "type": 1,
                "statecode": 1,
                "statuscode": 2,
                "primaryentity": "none",
                "_ownerid_value": owner,
                "clientdata": "{}",
            },
        )


def set_variable(store: Store, schema_name: str, value: str | None) -> None:
    """Set the current value of an environment variable, or take it away."""
    definition = guid("definition", schema_name)
    with store.transaction() as connection:
        connection.execute("DELETE FROM environmentvariablevalues WHERE schemaname = ?", (schema_name,))
        if value is not None:
            put_row(
                store,
                ALL_SETS["environmentvariablevalues"],
                {
                    "environmentvariablevalueid": guid("value", schema_name),
                    "schemaname": schema_name,
                    "value": value,
                    "_environmentvariabledefinitionid_value": definition,
                },
            )
