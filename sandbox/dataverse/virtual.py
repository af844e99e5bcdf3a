"""Rows of virtual tables written through to Finance, which checks the rights and has the last word."""

import sqlite3
from typing import Any

from sandbox import access
from sandbox.dataverse.rules import plugin_error
from sandbox.dataverse.session import Session, not_supported
from sandbox.dataverse.table import Table
from sandbox.entities import ENUMS, NO_DATE
from sandbox.finance.sets import FINANCE_SETS
from sandbox.odata import FIRST_OPTION
from sandbox.seed import put_row

_PROJECTS = ("DataManagementDefinitionGroupEntity", "DataManagementDefinitionGroupDetailEntity")


def write(session: Session, table: Table, row: dict[str, Any], existing: sqlite3.Row | None) -> str:
    """Write a row through to Finance, as projects and their entities are; the row's id. Finance checks the rights."""
    access.virtual_user(session.call, session.claims, table.entity)
    if table.entity not in _PROJECTS:
        raise not_supported(f"Rows of {table.entity} are not written through its virtual table here.")
    entity_set = next(item for item in FINANCE_SETS.values() if item.entity == table.entity)
    written: dict[str, Any] = {}
    for field in entity_set.fields.values():
        value = row.get(f"mserp_{field.name.lower()}")
        if field.is_enum and value is not None:
            value = ENUMS[field.type][int(value) - FIRST_OPTION]
        if field.type == "DateTimeOffset" and value is None:
            value = NO_DATE
        if value is not None:
            written[field.name] = value
    for key in entity_set.keys:
        if not written.get(key):
            raise plugin_error(f"Field '{key}' must be filled in.")
    where = " AND ".join(f'"{key}" = ?' for key in entity_set.keys)
    keys = [written[key] for key in entity_set.keys]
    if existing is None and session.store.row(f'SELECT 1 FROM "{entity_set.name}" WHERE {where}', keys):
        raise plugin_error(f"Cannot create a record in {entity_set.label}. The record already exists.")
    put_row(session.store, entity_set, written)
    return str(
        session.store.value(
            f"SELECT {table.primary_id} FROM {table.source} t WHERE "
            + " AND ".join(f'"mserp_{key.lower()}" = ?' for key in entity_set.keys),
            keys,
        )
    )


def delete(session: Session, table: Table, row_id: str) -> None:
    access.virtual_user(session.call, session.claims, table.entity)
    if table.entity not in _PROJECTS:
        raise not_supported(f"Rows of {table.entity} are not deleted through its virtual table here.")
    entity_set = next(item for item in FINANCE_SETS.values() if item.entity == table.entity)
    row = session.store.row(f'SELECT * FROM {table.source} t WHERE "{table.primary_id}" = ?', (row_id,))
    if row is None:
        return
    where = " AND ".join(f'"{key}" = ?' for key in entity_set.keys)
    with session.store.transaction() as connection:
        connection.execute(
            f'DELETE FROM "{entity_set.name}" WHERE {where}', [row[f"mserp_{key.lower()}"] for key in entity_set.keys]
        )
