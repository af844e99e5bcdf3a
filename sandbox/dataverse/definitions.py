"""Tables, columns and keys that a client makes; each change of a definition changes the stored table with it."""

import sqlite3
import time
from dataclasses import replace
from typing import Any

from sandbox.dataverse.session import Session, invalid
from sandbox.dataverse.shapes import column_of
from sandbox.dataverse.table import Column, Key, Option, Table, is_logical_name, plural
from sandbox.identifiers import guid
from sandbox.store import Store
from sandbox.wire import dataverse_error

_KINDS = ("String", "Memo", "Integer", "BigInt", "Decimal", "Double", "Boolean", "Picklist", "DateTime")
_SYSTEM = (
    Column("createdon", "DateTime"),
    Column("modifiedon", "DateTime"),
    Column("ownerid", "Owner", target="systemuser"),
    Column("statecode", "State", options=(Option(0, "Active"), Option(1, "Inactive"))),
    Column("statuscode", "Status", options=(Option(1, "Active"), Option(2, "Inactive"))),
)


def custom_table(
    logical_name: str,
    columns: tuple[Column, ...],
    primary_name: str,
    *,
    label: str = "",
    schema_name: str = "",
    keys: tuple[Key, ...] = (),
) -> Table:
    """A table as Dataverse makes it: with an id, an owner, a state and the moments of creation and change."""
    columns = (Column(f"{logical_name}id", "Uniqueidentifier"), *columns, *_SYSTEM)
    return Table(
        logical_name,
        plural(logical_name),
        f"dvt_{logical_name}",
        label or logical_name,
        columns,
        primary_name,
        keys,
        schema_name=schema_name or logical_name,
        is_custom=True,
    )


def save(store: Store, table: Table) -> None:
    """Keep a definition, and make what it stores its rows in."""
    with store.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO dv_tables VALUES (?, ?)", (table.logical_name, table.to_json()))
        for statement in table.ddl():
            connection.execute(statement)


def drop_all(store: Store) -> None:
    """Forget every table that was made."""
    with store.transaction() as connection:
        for row in connection.execute("SELECT logical_name FROM dv_tables").fetchall():
            connection.execute(f'DROP TABLE IF EXISTS "dvt_{row[0]}"')
        connection.execute("DELETE FROM dv_tables")


def create_tables(session: Session, body: dict[str, Any]) -> None:
    """CreateEntities: all of its tables or none. Raises 400 when a name is taken or not a name."""
    with session.store.transaction():
        for entity in body.get("Entities") or []:
            schema_name = str(entity.get("SchemaName", ""))
            logical_name = schema_name.lower()
            if not is_logical_name(logical_name) or "_" not in logical_name:
                raise invalid(f"The schema name '{schema_name}' needs a publisher's prefix, letters and digits.")
            if logical_name in session.tables.by_name:
                text = f"An entity with the specified name {schema_name} already exists."
                raise dataverse_error(400, "0x80044363", text)
            columns = [_column(item) for item in entity.get("Attributes") or []]
            primary = next((c.name for c in columns if _is_primary(entity, c)), "")
            label = _label(entity.get("DisplayName")) or schema_name
            save(
                session.store,
                custom_table(logical_name, tuple(columns), primary, label=label, schema_name=schema_name),
            )


def _is_primary(entity: dict[str, Any], column: Column) -> bool:
    return any(
        item.get("IsPrimaryName") and str(item.get("SchemaName", "")).lower() == column.name
        for item in entity.get("Attributes") or []
    )


def _column(item: dict[str, Any]) -> Column:
    """A column from its metadata. Raises 400 for a kind that is not made here."""
    schema_name = str(item.get("SchemaName", ""))
    kind = str(item.get("@odata.type", "")).rsplit(".", 1)[-1].removeprefix("Complex").removesuffix("AttributeMetadata")
    if kind not in _KINDS or not is_logical_name(schema_name.lower()):
        raise invalid(f"The attribute '{schema_name}' of type '{kind}' cannot be created here.")
    if kind == "DateTime" and item.get("Format") == "DateOnly":
        kind = "DateOnly"
    return _constrained(Column(schema_name.lower(), kind, schema_name=schema_name), item)


def _constrained(column: Column, item: dict[str, Any]) -> Column:
    options = tuple(
        Option(int(one["Value"]), _label(one.get("Label")))
        for one in (item.get("OptionSet") or {}).get("Options") or []
    )
    low, high = item.get("MinValue"), item.get("MaxValue")
    return replace(
        column,
        label=_label(item.get("DisplayName")) or column.label,
        options=options or column.options,
        length=int(item.get("MaxLength") or column.length),
        precision=item.get("Precision", column.precision),
        minimum=column.minimum if low is None else str(low),
        maximum=column.maximum if high is None else str(high),
        required=(item.get("RequiredLevel") or {}).get("Value", "None") != "None",
    )


def _label(item: Any) -> str:
    labels = (item or {}).get("LocalizedLabels") or []
    return str(labels[0].get("Label", "")) if labels else ""


def drop_table(session: Session, table: Table) -> None:
    _check_custom(table)
    with session.store.transaction() as connection:
        connection.execute(f'DROP TABLE IF EXISTS "{table.storage}"')
        connection.execute("DELETE FROM dv_tables WHERE logical_name = ?", (table.logical_name,))


def add_column(session: Session, table: Table, item: dict[str, Any]) -> str:
    """The metadata id of a new column. Raises 400 when there is one of that name."""
    _check_custom(table)
    column = _column(item)
    if column_of(table, column.name):
        raise dataverse_error(400, "0x80044363", f"An attribute with the specified name {column.name} already exists.")
    with session.store.transaction() as connection:
        connection.execute(f'ALTER TABLE "{table.storage}" ADD COLUMN {column.ddl}')
        save(session.store, table.changed(columns=(*table.columns, column)))
    return guid("column", table.logical_name, column.name)


def drop_column(session: Session, table: Table, column: Column) -> None:
    _check_custom(table)
    if column.name in (table.primary_id, table.primary_name) or any(column.wire in key.columns for key in table.keys):
        raise dataverse_error(400, "0x8004f01f", f"The attribute {column.name} cannot be deleted: it is in use.")
    with session.store.transaction() as connection:
        connection.execute(f'ALTER TABLE "{table.storage}" DROP COLUMN "{column.wire}"')
        save(session.store, table.changed(columns=tuple(one for one in table.columns if one != column)))


def keep(session: Session, table: Table, column: Column, item: dict[str, Any]) -> None:
    """PUT of a column: its constraints and label change, its type does not."""
    _check_custom(table)
    changed = tuple(_constrained(one, item) if one == column else one for one in table.columns)
    save(session.store, table.changed(columns=changed))


def add_key(session: Session, table: Table, item: dict[str, Any]) -> str:
    """A new alternate key; its index is built while others go on. Raises 400 when rows would collide."""
    _check_custom(table)
    by_name = {column.name: column for column in table.columns}
    names = [str(name).lower() for name in item.get("KeyAttributes") or []]
    if not names or any(name not in by_name for name in names):
        raise invalid(f"The key attributes {', '.join(names)} are not attributes of {table.logical_name}.")
    seconds = float(session.call.world.faults.mode("key_index_seconds"))
    columns = tuple(by_name[name].wire for name in names)
    key = Key(str(item.get("SchemaName", "")), columns, time.time() + seconds if seconds else 0.0)
    if not is_logical_name(key.name.lower()):
        raise invalid(f"The schema name '{key.name}' of the key is not valid.")
    try:
        save(session.store, table.changed(keys=(*table.keys, key)))
    except sqlite3.IntegrityError:
        raise dataverse_error(400, "0x80060890", "A duplicate value keeps the key from being created.") from None
    return guid("key", table.logical_name, key.name)


def drop_key(session: Session, table: Table, key_id: str) -> None:
    _check_custom(table)
    found = next((key for key in table.keys if guid("key", table.logical_name, key.name) == key_id.lower()), None)
    if found is None:
        raise dataverse_error(404, "0x80040217", f"Could not find a key with id {key_id}.")
    with session.store.transaction() as connection:
        connection.execute(f'DROP INDEX IF EXISTS "{table.storage}_{found.name}"')
        save(session.store, table.changed(keys=tuple(one for one in table.keys if one != found)))


def _check_custom(table: Table) -> None:
    if not table.is_custom:
        raise dataverse_error(400, "0x80045000", f"The table {table.logical_name} is managed and cannot be customized.")
