"""Addresses of rows: by primary key, by alternate key, as clients write them into paths and bindings."""

import re
import sqlite3
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from sandbox.dataverse.functions import prepare
from sandbox.dataverse.session import Session, invalid, missing_row
from sandbox.dataverse.table import Table
from sandbox.wire import dataverse_error

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SEGMENT = re.compile(r"(?P<name>[\w.$@]+)(\((?P<key>.*)\))?", re.DOTALL)
_PAIR = re.compile(r"\s*(?P<name>\w+)\s*=\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<bare>[^,']*))\s*(?:,|$)")


@dataclass(frozen=True)
class Address:
    set_name: str
    key: str


@dataclass(frozen=True)
class Found:
    """A key looked up: the row if there is one, and the cells that the key gives a new row."""

    table: Table
    key: str
    row: sqlite3.Row | None
    cells: Mapping[str, Any]

    @property
    def row_id(self) -> str:
        """The id of the row, or the one that a new row is to get; empty when that is free."""
        if self.row is not None:
            return str(self.row[self.table.primary_id])
        return str(self.cells.get(self.table.primary_id, ""))

    def row_id_or_missing(self) -> str:
        """The id of an existing row. Raises 404."""
        if self.row is None:
            self.missing()
        return self.row_id

    def missing(self) -> None:
        """Raises the 404 of a key without a row."""
        if self.table.primary_id in self.cells:
            raise missing_row(self.table, self.row_id)
        raise dataverse_error(
            404,
            "0x80060891",
            f"A record with the specified key values does not exist in {self.table.logical_name} entity",
        )


def segments(path: str) -> list[tuple[str, str | None]]:
    """A path as (name, key) pairs: `systemusers(…)/roles` → [("systemusers", "…"), ("roles", None)]."""
    parts, quoted, start = [], False, 0
    for at, sign in enumerate(path):
        if sign == "'":
            quoted = not quoted
        elif sign == "/" and not quoted:
            parts.append(path[start:at])
            start = at + 1
    parts.append(path[start:])
    found = []
    for part in parts:
        match = _SEGMENT.fullmatch(part)
        if match is None:
            raise invalid(f"Bad Request - Error in query syntax: '{part}'.")
        found.append((match["name"], match["key"]))
    return found


def parse_address(text: str) -> Address | None:
    """`/accounts(…)`, `accounts(…)` or the absolute address of a row; None when it is none."""
    relative = unquote(text).rsplit("/api/data/v9.2/", 1)[-1].removeprefix("/")
    match = _SEGMENT.fullmatch(relative)
    return Address(match["name"], match["key"]) if match and match["key"] else None


def find(session: Session, table: Table, key: str) -> Found:
    """The row of a key. Raises 400 when the key is neither the primary key nor a declared alternate key."""
    prepare(session.store.connection)
    named = _pairs(table, key)
    where = " AND ".join(f'"{name}" = ?' for name in named)
    row = session.store.row(f"SELECT * FROM {table.source} WHERE {where}", list(named.values()))
    return Found(table, key, row, named)


def _pairs(table: Table, key: str) -> dict[str, str]:
    if _GUID.fullmatch(key.strip()):
        return {table.primary_id: key.strip().lower()}
    pairs, at = {}, 0
    while at < len(key):
        match = _PAIR.match(key, at)
        if match is None or match.end() == at:
            raise _bad_key(table)
        text = match["bare"].strip() if match["text"] is None else match["text"].replace("''", "'")
        pairs[_wire(table, match["name"])] = text
        at = match.end()
    if set(pairs) == {table.primary_id}:
        return {table.primary_id: str(uuid.UUID(pairs[table.primary_id]))}
    known = next((one for one in table.keys if set(one.columns) == set(pairs)), None)
    if known is None:
        raise _bad_key(table)
    if known.active_at > time.time():
        raise invalid(f"The entity key {known.name} is not active yet: its index is still being built.")
    return pairs


def _wire(table: Table, name: str) -> str:
    """A lookup in a key is written `_name_value`; the bare name is taken as well."""
    lookup = next((column for column in table.columns if column.is_lookup and column.name == name), None)
    return lookup.wire if lookup else name


def _bad_key(table: Table) -> Exception:
    return invalid(
        f"The key in the request URI is not valid for resource '{table.type_name}'. Ensure that the names and number "
        f"of key properties match the declared or alternate key properties for the resource '{table.type_name}'."
    )
