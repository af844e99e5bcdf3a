"""Fills an empty store from the data files beside this module. The code knows no customer; the files do."""

import json
import secrets
from calendar import monthrange
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.dataverse.sets import ALL_SETS, DATAVERSE_SETS, LINKS
from sandbox.entities import EntitySet, default_of
from sandbox.finance.sets import FINANCE_SETS
from sandbox.identifiers import guid
from sandbox.seed import dataverse
from sandbox.seed.dataverse import VARIABLE, set_variable
from sandbox.store import SCHEMA, Store
from sandbox.tenant import ENTRA

__all__ = ["VARIABLE", "fill", "guid", "noon", "prepare", "put_row", "set_variable"]

FOLDER = Path(__file__).parent


def prepare(store: Store, finance_url: str) -> None:
    """Create what is missing; an existing store keeps its data, only the seeded addresses follow the ports."""
    connection = store.connection
    connection.executescript(SCHEMA)
    tables = [entity_set for entity_set in ALL_SETS.values() if not entity_set.view]
    for entity_set in [*tables, *(s for s in ALL_SETS.values() if s.view)]:
        connection.executescript(entity_set.ddl())
    dataverse.prepare(store)
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
    if store.setting("dataverse_seed") != dataverse.VERSION:
        with store.transaction():
            _empty_dataverse(store)
            dataverse.fill(store, ENTRA, finance_url)
        store.keep_setting("dataverse_seed", dataverse.VERSION)
    store.keep_setting("finance_url", finance_url)


def fill(store: Store, finance_url: str) -> None:
    """Empty every table and seed it anew, in one transaction."""
    with store.transaction() as connection:
        for entity_set in ALL_SETS.values():
            if not entity_set.view:
                connection.execute(f'DELETE FROM "{entity_set.name}"')
        for table in (
            "entra_accounts",
            "app_roles",
            "grants",
            "blobs",
            "blob_parts",
            "executions",
            "execution_entities",
            "import_errors",
            "refused_keys",
            "error_files",
            "status_questions",
            "exported_packages",
            "connector_messages",
            "drawn_numbers",
            "number_sequences",
        ):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM settings WHERE name = 'application'")
        _accounts(store)
        for path in sorted(FOLDER.glob("finance*.json")):
            for name, rows in json.loads(path.read_text(encoding="utf-8")).items():
                for row in rows:
                    put_row(store, FINANCE_SETS[name], row)
        _periods(store)
        dataverse.fill(store, ENTRA, finance_url)
    store.keep_setting("seeded", "yes")
    store.keep_setting("dataverse_seed", dataverse.VERSION)


def _empty_dataverse(store: Store) -> None:
    with store.transaction() as connection:
        for entity_set in (*DATAVERSE_SETS.values(), *LINKS):
            connection.execute(f'DELETE FROM "{entity_set.name}"')


def _accounts(store: Store) -> None:
    """The tenant's accounts, those that are missing; what was done to the others stays."""
    with store.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO entra_accounts (upn, oid, name) VALUES (?, ?, ?)",
            [(user["upn"], user["oid"], user["name"]) for user in ENTRA["users"]],
        )
        connection.executemany(
            "INSERT OR IGNORE INTO app_roles (upn, roles) VALUES (?, ?)",
            [(user["upn"], json.dumps(user["app_roles"])) for user in ENTRA["users"]],
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
