"""The sandbox's own SQLite store: durable before an answer leaves, readable after `kill -9`."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entra_accounts (
  upn TEXT PRIMARY KEY COLLATE NOCASE, oid TEXT NOT NULL, name TEXT NOT NULL, enabled INTEGER NOT NULL DEFAULT 1,
  consent INTEGER NOT NULL DEFAULT 1, signed_in_since REAL NOT NULL DEFAULT 0, mfa_since REAL NOT NULL DEFAULT 0,
  inactive_since REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS app_roles (upn TEXT PRIMARY KEY COLLATE NOCASE, roles TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS grants (
  digest TEXT PRIMARY KEY, kind TEXT NOT NULL, upn TEXT NOT NULL, details TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS blobs (name TEXT PRIMARY KEY, data BLOB NOT NULL, etag TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS blob_parts (
  name TEXT NOT NULL, block TEXT NOT NULL, committed INTEGER NOT NULL, position INTEGER NOT NULL, data BLOB NOT NULL,
  created REAL NOT NULL, PRIMARY KEY (name, block, committed));
CREATE TABLE IF NOT EXISTS executions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, execution_id TEXT NOT NULL COLLATE NOCASE, project TEXT NOT NULL COLLATE NOCASE,
  entity TEXT NOT NULL, legal_entity TEXT NOT NULL, finance_user TEXT NOT NULL, package BLOB NOT NULL,
  sha256 TEXT NOT NULL, fault TEXT NOT NULL DEFAULT '', accepted REAL NOT NULL, visible REAL NOT NULL,
  started REAL, finished REAL, state TEXT NOT NULL, total INTEGER NOT NULL DEFAULT 0,
  processed INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS executions_by_execution_id ON executions (execution_id);
CREATE TABLE IF NOT EXISTS execution_entities (
  execution INTEGER NOT NULL, position INTEGER NOT NULL, entity TEXT NOT NULL, staging TEXT NOT NULL DEFAULT 'NotRun',
  target TEXT NOT NULL DEFAULT 'NotRun', total INTEGER NOT NULL DEFAULT 0, staged INTEGER NOT NULL DEFAULT 0,
  processed INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0, staging_started REAL, staging_ended REAL, target_started REAL, target_ended REAL,
  PRIMARY KEY (execution, position));
CREATE TABLE IF NOT EXISTS import_errors (
  execution INTEGER NOT NULL, position INTEGER NOT NULL, row INTEGER NOT NULL, stage TEXT NOT NULL,
  field TEXT NOT NULL, message TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS import_errors_by_execution ON import_errors (execution);
CREATE TABLE IF NOT EXISTS refused_keys (
  execution INTEGER NOT NULL, position INTEGER NOT NULL, row INTEGER NOT NULL, legal_entity TEXT NOT NULL,
  entry_number TEXT NOT NULL, line_number TEXT NOT NULL, PRIMARY KEY (execution, position, row));
CREATE TABLE IF NOT EXISTS error_files (
  execution INTEGER NOT NULL, entity TEXT NOT NULL, ready REAL NOT NULL, PRIMARY KEY (execution, entity));
CREATE TABLE IF NOT EXISTS status_questions (execution INTEGER PRIMARY KEY, asked INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS exported_packages (execution_id TEXT PRIMARY KEY COLLATE NOCASE, blob TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS connector_messages (
  id TEXT PRIMARY KEY, activity TEXT NOT NULL, execution_id TEXT NOT NULL, entity TEXT NOT NULL,
  legal_entity TEXT NOT NULL, external_id TEXT NOT NULL, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS number_sequences (legal_entity TEXT PRIMARY KEY COLLATE NOCASE, next INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS drawn_numbers (
  execution INTEGER NOT NULL, token TEXT NOT NULL, entry_number TEXT NOT NULL, PRIMARY KEY (execution, token));
CREATE TABLE IF NOT EXISTS dv_tables (logical_name TEXT PRIMARY KEY, definition TEXT NOT NULL);
"""


class Store:
    """One SQLite file. Every thread gets its own connection; writers take turns."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self.path = path
        self._synchronous = "FULL" if durable else "OFF"
        self._threads = threading.local()
        self._writing = threading.RLock()

    @property
    def connection(self) -> sqlite3.Connection:
        existing: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if existing is not None:
            return existing
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.create_collation("DECIMAL", compare_decimals)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        self._threads.connection = connection
        return connection

    def rows(self, sql: str, parameters: Iterable[Any] = ()) -> list[sqlite3.Row]:
        return self.connection.execute(sql, tuple(parameters)).fetchall()

    def row(self, sql: str, parameters: Iterable[Any] = ()) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.connection.execute(sql, tuple(parameters)).fetchone()
        return found

    def value(self, sql: str, parameters: Iterable[Any] = ()) -> Any:
        found = self.row(sql, parameters)
        return found[0] if found is not None else None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """BEGIN IMMEDIATE … COMMIT; a nested use joins the outer transaction."""
        connection = self.connection
        with self._writing:
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def setting(self, name: str) -> str | None:
        value: str | None = self.value("SELECT value FROM settings WHERE name = ?", (name,))
        return value

    def keep_setting(self, name: str, value: str) -> None:
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))


def compare_decimals(left: str, right: str) -> int:
    """Collation of decimal columns: amounts are kept as text, so that no digit is lost, and compared as numbers."""
    try:
        a, b = Decimal(left), Decimal(right)
    except InvalidOperation:
        return (left > right) - (left < right)
    return (a > b) - (a < b)
