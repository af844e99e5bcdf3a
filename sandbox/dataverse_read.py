"""Rows as Dataverse shows them: selected properties, annotations, expansions, pages with a cookie, counts."""

import hashlib
import hmac
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

from sandbox.dataverse_query import Expand, Options, parse, target_of
from sandbox.dataverse_session import FORMATTED, PAGE, Session
from sandbox.dataverse_sets import VALUES
from sandbox.dataverse_table import Column, Table, name_column
from sandbox.identifiers import guid
from sandbox.odata import reader
from sandbox.wire import Call, dataverse_error

_COOKIE = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="False" />')
_LOOKUP = "Microsoft.Dynamics.CRM.lookuplogicalname"
_NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
_CHUNK = 500


@dataclass(frozen=True)
class Place:
    """Where a page begins: number of the page, rows before it, and the key of the last row before it."""

    number: int = 1
    offset: int = 0
    last: str = ""


def page(session: Session, table: Table) -> dict[str, Any]:
    """One page of a set, at most 5,000 rows, with a link to the next one."""
    options = parse(session.tables, table, session.call.query)
    return {"@odata.context": context(session, table, options), **content(session, table, options, session.path)}


def content(session: Session, table: Table, options: Options, path: str) -> dict[str, Any]:
    """`value`, the count when it was asked for, and the next link of a page."""
    shown: dict[str, Any] = {}
    if options.count:
        shown |= _count(session, table, options)
    size = _page_size(session, options)
    place = _place(session, path)
    rows = select(session, table, _from(options, table, place), limit=None if size is None else size + 1, place=place)
    has_more = size is not None and len(rows) > size and options.top is None
    rows = rows if size is None else rows[:size]
    shown["value"] = show(session, table, rows, options)
    if has_more and size is not None:
        last = Place(place.number + 1, place.offset + size, str(rows[-1][table.primary_id]))
        shown["@odata.nextLink"] = _next_link(session, path, last, str(rows[0][table.primary_id]))
    return shown


def _page_size(session: Session, options: Options) -> int | None:
    if not session.pages:
        return options.top
    if options.top is not None:  # with $top the preferred page size is ignored
        return min(options.top, PAGE)
    return min(session.prefer.page_size or PAGE, PAGE)


def _from(options: Options, table: Table, place: Place) -> Options:
    """Without an order, a page begins after the key of the last row: rows that come or go do not shift it."""
    if options.order or not place.last:
        return options
    made = replace(options, where=list(options.where), parameters=list(options.parameters))
    made.restrict(f'"{table.primary_id}" > ?', place.last)
    return made


def _place(session: Session, path: str) -> Place:
    text = session.call.query.get("$skiptoken")
    if text is None:
        return Place()
    found = _COOKIE.fullmatch(text)
    inner = unquote(unquote(found[2])) if found else ""
    position = re.search(r'<cookie page="\d+"><\w+ last="\{([^}]*)\}" first="\{[^}]*\}" /></cookie>', inner)
    checked = re.search(r'<row offset="(\d+)" check="(\w+)" />$', inner)
    if not (found and position and checked):
        raise dataverse_error(400, "0x80041129", "Malformed XML in the Paging Cookie")
    place = Place(int(found[1]), int(checked[1]), position[1])
    if not hmac.compare_digest(checked[2], _check(session.call, path, place)):
        raise dataverse_error(
            400, "0x8004112b", "Paging cookie is invalid for this query; use @odata.nextLink unchanged."
        )
    return place


def _next_link(session: Session, path: str, place: Place, first: str) -> str:
    key = "{" + place.last + "}"
    inner = (
        f'<cookie page="{place.number - 1}"><row last="{key}" first="{{{first}}}" /></cookie>'
        f'<row offset="{place.offset}" check="{_check(session.call, path, place)}" />'
    )
    encoded = quote(quote(inner, safe=""), safe="")
    token = f'<cookie pagenumber="{place.number}" pagingcookie="{encoded}" istracking="False" />'
    kept = "&".join([*_kept(session.call.raw_query), f"$skiptoken={quote(token, safe='')}"])
    return f"{session.base}/{quote(path, safe='/()=,$.')}?{kept}"


def _kept(raw_query: str) -> list[str]:
    return [part for part in raw_query.split("&") if part and not part.startswith(("$skiptoken", "%24skiptoken"))]


def _check(call: Call, path: str, place: Place) -> str:
    """Ties a cookie to its query and its place, so that a changed one is noticed."""
    text = f"{path}|{'&'.join(_kept(call.raw_query))}|{place.number}|{place.offset}|{place.last}"
    secret = str(call.world.store.setting("client_secret"))
    return hmac.new(secret.encode(), unquote(text).encode(), hashlib.sha256).hexdigest()[:16]


def total(session: Session, table: Table, options: Options) -> int:
    """How many rows there are; Dataverse stops counting at 5,000."""
    prepare(session.store.connection)
    counted = session.store.value(f"SELECT count(*) FROM {table.source} t{options.condition()}", options.parameters)
    return min(int(counted), PAGE) if session.pages else int(counted)


def _count(session: Session, table: Table, options: Options) -> dict[str, Any]:
    number = total(session, table, options)
    shown: dict[str, Any] = {"@odata.count": number}
    if session.prefer.wants("Microsoft.Dynamics.CRM.totalrecordcount"):
        shown["@Microsoft.Dynamics.CRM.totalrecordcount"] = number
        shown["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] = number >= PAGE
    return shown


def select(
    session: Session, table: Table, options: Options, *, limit: int | None = None, place: Place | None = None
) -> list[sqlite3.Row]:
    """Rows in order, with the columns that `show` needs."""
    prepare(session.store.connection)
    names = {*(options.select or table.by_wire), table.primary_id, *_keys_of(table, options.expand)}
    columns = [f'"{name}"' for name in names] + ([] if table.entity else ['"versionnumber"'])
    if session.prefer.wants(FORMATTED):
        columns += _names_of_lookups(session, table, names)
    order = [f'"{name}" {"DESC" if down else "ASC"}' for name, down in options.order] + [f'"{table.primary_id}"']
    text = f"SELECT {', '.join(columns)} FROM {table.source} t{options.condition()} ORDER BY {', '.join(order)}"
    offset = place.offset if place and options.order else 0
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


def context(session: Session, table: Table, options: Options, *, single: bool = False) -> str:
    names = f"({','.join(options.select)})" if options.select else ""
    return f"{session.base}/$metadata#{table.set_name}{names}{'/$entity' if single else ''}"


def prepare(connection: sqlite3.Connection) -> None:
    """SQL functions: ids of virtual rows, and sums that lose no digit."""
    connection.create_function("RECORD_ID", -1, record_id, deterministic=True)
    connection.create_aggregate("EXACT_SUM", 1, _ExactSum)  # type: ignore[arg-type]


class _ExactSum:
    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, value: Any) -> None:
        if value is not None:
            self.total = (self.total or Decimal(0)) + Decimal(str(value))

    def finalize(self) -> str | None:
        return None if self.total is None else format(self.total, "f")


def record_id(entity: str, *keys: Any) -> str:
    """The id of a virtual row: four bytes name the entity, the last eight stand for the RecId."""
    digest = hashlib.sha256("|".join(str(key).lower() for key in keys).encode()).hexdigest()[:16]
    return f"{entity}-0000-0000-{digest[:4]}-{digest[4:]}"
