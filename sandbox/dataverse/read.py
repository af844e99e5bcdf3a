"""Rows as Dataverse shows them: selected properties, annotations, expansions along links and collections."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sandbox.dataverse.functions import prepare
from sandbox.dataverse.query import Expand, Options, target_of
from sandbox.dataverse.session import FORMATTED, Session
from sandbox.dataverse.sets import VALUES
from sandbox.dataverse.table import Column, Table, name_column
from sandbox.identifiers import guid
from sandbox.odata import reader

_LOOKUP = "Microsoft.Dynamics.CRM.lookuplogicalname"
_NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
_CHUNK = 500


def select(
    session: Session, table: Table, options: Options, *, limit: int | None = None, offset: int = 0
) -> list[sqlite3.Row]:
    """Rows in order, with the columns that `show` needs."""
    prepare(session.store.connection)
    names = {*(options.select or table.by_wire), table.primary_id, *_keys_of(table, options.expand)}
    columns = [f'"{name}"' for name in names] + ([] if table.entity else ['"versionnumber"'])
    if session.prefer.wants(FORMATTED):
        columns += _names_of_lookups(session, table, names)
    order = [f'"{name}" {"DESC" if down else "ASC"}' for name, down in options.order] + [f'"{table.primary_id}"']
    text = f"SELECT {', '.join(columns)} FROM {table.source} t{options.condition()} ORDER BY {', '.join(order)}"
    return session.store.rows(f"{text} LIMIT {-1 if limit is None else limit} OFFSET {offset}", options.parameters)


def _keys_of(table: Table, expands: Sequence[Expand]) -> list[str]:
    lookups = (table.navigations.get(expand.navigation.lower()) for expand in expands)
    return [lookup.wire for lookup in lookups if lookup]


def _names_of_lookups(session: Session, table: Table, names: set[str]) -> list[str]:
    known = session.tables.by_name
    return [
        f'{name_column(column, known[column.target])} AS "{column.wire}@"'
        for column in table.columns
        if column.is_lookup and column.wire in names and column.target in known
    ]


def show(session: Session, table: Table, rows: Sequence[sqlite3.Row], options: Options) -> list[dict[str, Any]]:
    """Rows as JSON objects, with annotations and expansions as far as they were asked for."""
    names = [*options.select] or list(table.by_wire)
    if table.primary_id not in names:
        names.append(table.primary_id)
    cells = [(name, _cell(table.by_wire[name])) for name in names]
    notes = [note for name in names if (note := _annotations(session, table, table.by_wire[name]))]
    shown = []
    for row in rows:
        item: dict[str, Any] = {} if table.entity else {"@odata.etag": etag(row)}
        for name, read in cells:
            item[name] = read(row[name])
        for note in notes:
            item |= note(row)
        shown.append(item)
    for expand in options.expand:
        _expand(session, table, rows, shown, expand)
    return shown


def etag(row: sqlite3.Row) -> str:
    return f'W/"{row["versionnumber"] or 0}"'


def _cell(column: Column) -> Callable[[Any], Any]:
    return reader(column.field, options=False, null_dates=True)


def _annotations(session: Session, table: Table, column: Column) -> Callable[[sqlite3.Row], dict[str, Any]] | None:
    wire, formatted = column.wire, session.prefer.wants(FORMATTED)
    if column.is_lookup:
        full = session.prefer.wants(_LOOKUP)

        def lookup(row: sqlite3.Row) -> dict[str, Any]:
            if row[wire] is None:
                return {}
            found: dict[str, Any] = {}
            if formatted and f"{wire}@" in row.keys():  # noqa: SIM118 - a row iterates over values
                found[f"{wire}@{FORMATTED}"] = row[f"{wire}@"]
            if full:
                found[f"{wire}@{_LOOKUP}"] = column.target
                found[f"{wire}@{_NAVIGATION}"] = column.navigation or column.name
            return found

        return lookup if formatted or full else None
    text = _formatted(column)
    if not formatted or text is None:
        return None
    return lambda row: {} if row[wire] is None else {f"{wire}@{FORMATTED}": text(row[wire])}


def _formatted(column: Column) -> Callable[[Any], str] | None:
    """How a value reads for people, in English; None for texts, which have no other form."""
    if column.options:
        return lambda value: column.label_of(value) or str(value)
    if column.kind == "Boolean":
        return lambda value: "Yes" if value else "No"
    if column.kind in ("Decimal", "Double"):
        return lambda value: f"{Decimal(value):,f}"
    if column.kind in ("Integer", "BigInt"):
        return lambda value: f"{value:,d}"
    if column.kind in ("DateTime", "DateOnly"):
        return lambda value: f"{int(value[5:7])}/{int(value[8:10])}/{value[:4]}"
    return None


def _expand(
    session: Session, table: Table, rows: Sequence[sqlite3.Row], shown: list[dict[str, Any]], expand: Expand
) -> None:
    target = target_of(session.tables, table, expand.navigation)
    lookup = table.navigations.get(expand.navigation.lower())
    if lookup:
        found = {str(k): v for k, v in _related(session, target, target.primary_id, _of(rows, lookup.wire), expand)}
        for row, item in zip(rows, shown, strict=True):
            item[expand.navigation] = found.get(str(row[lookup.wire]))
        return
    groups: dict[str, list[dict[str, Any]]] = {}
    for key, item in members(session, table, expand, _of(rows, table.primary_id)):
        groups.setdefault(key, []).append(item)
    for row, item in zip(rows, shown, strict=True):
        item[expand.navigation] = groups.get(str(row[table.primary_id]), [])[: expand.options.top]


def _of(rows: Sequence[sqlite3.Row], name: str) -> list[str]:
    return sorted({str(row[name]) for row in rows if row[name] is not None})


def members(session: Session, table: Table, expand: Expand, keys: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Rows of a collection-valued navigation property, each with the key of the row that it belongs to."""
    collection = next(item for item in table.collections if item.name == expand.navigation)
    target = session.tables.by_name[collection.target]
    if not collection.through:
        found = _related(session, target, collection.column, keys, expand)
        return found + _kept_variable(session, table, expand, keys, found)
    links = session.store.rows(
        f'SELECT "{table.primary_id}", "{collection.column}" FROM "{collection.through}" '
        f'WHERE "{table.primary_id}" IN ({", ".join("?" * len(keys))})',
        keys,
    )
    owners: dict[str, list[str]] = {}
    for owner, member in links:
        owners.setdefault(member, []).append(owner)
    related = _related(session, target, target.primary_id, sorted(owners), expand)
    return [(owner, item) for member, item in related for owner in owners[member]]


def _related(
    session: Session, target: Table, column: str, keys: Sequence[str], expand: Expand
) -> list[tuple[str, dict[str, Any]]]:
    """Rows of `target` whose `column` is one of `keys`, as (key, row)."""
    found = []
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        options = replace(
            expand.options,
            select=(*expand.options.select, column) if expand.options.select else (),
            where=list(expand.options.where),
            parameters=list(expand.options.parameters),
        )
        options.restrict(f'"{column}" IN ({", ".join("?" * len(chunk))})', *chunk)
        rows = select(session, target, options)
        found += list(zip((str(row[column]) for row in rows), show(session, target, rows, expand.options), strict=True))
    return found


def _kept_variable(
    session: Session, table: Table, expand: Expand, keys: list[str], found: list[tuple[str, dict[str, Any]]]
) -> list[tuple[str, dict[str, Any]]]:
    """With "missing-variable" switched off, a variable whose value was taken away still answers."""
    if expand.navigation != VALUES or session.call.world.faults.plays("missing-variable"):
        return []
    held = {key for key, _ in found}
    url = session.call.world.finance_url
    return [(key, {"environmentvariablevalueid": guid("value", key), "value": url}) for key in keys if key not in held]
