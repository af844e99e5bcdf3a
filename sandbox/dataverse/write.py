"""Rows written: create, change, upsert, delete, one by one or as one of the multiple messages."""

import sqlite3
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.dataverse import rules as dataverse_rules
from sandbox.dataverse import virtual as dataverse_virtual
from sandbox.dataverse.keys import Found, find
from sandbox.dataverse.read import etag
from sandbox.dataverse.session import Session, duplicate, invalid
from sandbox.dataverse.table import Table
from sandbox.dataverse.values import cells
from sandbox.wire import dataverse_error

_PARAMETERS = "An error occurred while validating input parameters: Microsoft.OData.ODataException: "


@dataclass(frozen=True)
class Written:
    row_id: str
    is_new: bool


def create(session: Session, table: Table, body: dict[str, Any], found: Found | None = None) -> str:
    """A new row; its id. Raises 412 when a key is taken."""
    dataverse_rules.check_right(session, table, "Create")
    given = cells(session, table, body)
    if found:
        given = {**found.cells, **given}
    row_id = str(given.get(table.primary_id) or "") or str(uuid.uuid4())
    row = {**_defaults(session, table), **given, table.primary_id: row_id}
    if table.entity:
        return dataverse_virtual.write(session, table, row, None)
    row = dataverse_rules.before(session, table, row, None)
    _insert(session, table, row)
    return row_id


def change(session: Session, table: Table, body: dict[str, Any], existing: sqlite3.Row) -> None:
    """Set the cells of a body on an existing row."""
    dataverse_rules.check_right(session, table, "Write", str(existing[table.primary_id]))
    given = cells(session, table, body)
    row_id = str(existing[table.primary_id])
    if given.pop(table.primary_id, row_id) != row_id:
        raise invalid(f"The primary key of a row of {table.logical_name} cannot be changed.")
    if table.entity:
        dataverse_virtual.write(session, table, {**dict(existing), **given}, existing)
        return
    given = dataverse_rules.before(session, table, given, existing)
    if "modifiedon" in table.by_wire:
        given["modifiedon"] = _now()
    given["versionnumber"] = version()
    names = ", ".join(f'"{name}" = ?' for name in given)
    _execute(session, f'UPDATE "{table.storage}" SET {names} WHERE "{table.primary_id}" = ?', [*given.values(), row_id])


def upsert(session: Session, table: Table, key: str, body: dict[str, Any], headers: Mapping[str, str]) -> Written:
    """PATCH: update the row of a key, or create it; `If-Match` forbids to create, `If-None-Match: *` to update."""
    found = find(session, table, key)
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if found.row is None:
        if match is not None or table.entity:
            found.missing()
        return Written(create(session, table, body, found), True)
    if none_match == "*":
        raise duplicate()
    check_version(found.row, match)
    change(session, table, body, found.row)
    return Written(found.row_id, False)


def delete(session: Session, table: Table, key: str, headers: Mapping[str, str]) -> None:
    found = find(session, table, key)
    row_id = found.row_id_or_missing()
    assert found.row is not None
    check_version(found.row, headers.get("if-match"))
    delete_row(session, table, row_id)


def delete_row(session: Session, table: Table, row_id: str) -> None:
    dataverse_rules.check_right(session, table, "Delete", row_id)
    if table.entity:
        dataverse_virtual.delete(session, table, row_id)
        return
    dataverse_rules.before_delete(session, table, row_id)
    _execute(session, f'DELETE FROM "{table.storage}" WHERE "{table.primary_id}" = ?', [row_id])


def check_version(row: sqlite3.Row, match: str | None) -> None:
    if match in (None, "*") or "versionnumber" not in row.keys():  # noqa: SIM118 - a row iterates over values
        return
    if match != etag(row):
        raise dataverse_error(
            412, "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."
        )


# --- storing ---


def _defaults(session: Session, table: Table) -> dict[str, Any]:
    if table.entity:
        return {}
    known = table.by_wire
    made: dict[str, Any] = {name: _now() for name in ("createdon", "modifiedon") if name in known}
    if "_ownerid_value" in known:
        made["_ownerid_value"] = session.user_id
    if "statecode" in known:
        made |= {"statecode": 0, "statuscode": 1}
    return made


def _insert(session: Session, table: Table, row: dict[str, Any]) -> None:
    full = {**row, "versionnumber": version()}
    names = ", ".join(f'"{name}"' for name in full)
    marks = ", ".join("?" * len(full))
    _execute(session, f'INSERT INTO "{table.storage}" ({names}) VALUES ({marks})', list(full.values()))


def _execute(session: Session, sql: str, parameters: list[Any]) -> None:
    try:
        with session.store.transaction() as connection:
            connection.execute(sql, parameters)
    except sqlite3.IntegrityError:
        raise duplicate() from None


def version() -> int:
    return time.time_ns() // 1000


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
