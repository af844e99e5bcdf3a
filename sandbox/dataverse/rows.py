"""What is asked of an entity set: the set, one of its rows, a property or navigation of a row, a message."""

from typing import Any

from starlette.responses import Response

from sandbox import access
from sandbox.dataverse import multiple as dataverse_multiple
from sandbox.dataverse import write as dataverse_write
from sandbox.dataverse.keys import find, parse_address
from sandbox.dataverse.pages import content, context, page, total
from sandbox.dataverse.query import Expand, Options, parse, target_of
from sandbox.dataverse.read import etag, members, select, show
from sandbox.dataverse.rules import check_right
from sandbox.dataverse.session import Session, invalid, missing_segment, not_allowed
from sandbox.dataverse.table import Collection, Table
from sandbox.wire import answer

MESSAGES = ("CreateMultiple", "UpdateMultiple", "UpsertMultiple")


def serve(session: Session, parts: list[tuple[str, str | None]]) -> Response:
    """What is asked of an entity set: the set, one of its rows, a property or navigation of a row, a message."""
    (name, key), rest = parts[0], parts[1:]
    table = session.tables.of_set(name)
    if table.entity and session.call.method == "GET":
        access.virtual_user(session.call, session.claims, table.entity)
    if key is None:
        return _set(session, table, rest)
    if not rest:
        return _one(session, table, key)
    return _within(session, table, key, rest)


def _set(session: Session, table: Table, rest: list[tuple[str, str | None]]) -> Response:
    method, query = session.call.method, session.call.query
    if rest:
        return _of_set(session, table, rest)
    if method == "POST":
        row_id = dataverse_write.create(session, table, session.call.json())
        return _written(session, table, row_id, is_new=True)
    if method != "GET":
        raise not_allowed(method)
    if "sql" in query or "fetchXml" in query:
        from sandbox.dataverse import sql as dataverse_sql  # its parser takes a third of a second to load

        if "sql" in query:
            return answer(dataverse_sql.sql(session, query["sql"]))
        return answer(dataverse_sql.fetch(session, table, query["fetchXml"]))
    return answer(page(session, table))


def _of_set(session: Session, table: Table, rest: list[tuple[str, str | None]]) -> Response:
    name, method = rest[0][0], session.call.method
    if name == "$count" and method == "GET":
        options = parse(session.tables, table, session.call.query)
        return Response(str(total(session, table, options)), 200, {"content-type": "text/plain; charset=utf-8"})
    message = name.removeprefix("Microsoft.Dynamics.CRM.")
    if message not in MESSAGES or table.entity:
        raise missing_segment(name)
    if method != "POST":
        raise not_allowed(method)
    body = session.call.json()
    if message == "CreateMultiple":
        ids = dataverse_multiple.create_multiple(session, table, body)
        kind = "Microsoft.Dynamics.CRM.CreateMultipleResponse"
        return answer({"@odata.context": f"{session.base}/$metadata#{kind}", "Ids": ids})
    if message == "UpdateMultiple":
        dataverse_multiple.update_multiple(session, table, body)
    else:
        dataverse_multiple.upsert_multiple(session, table, body)
    return Response(status_code=204)


def _one(session: Session, table: Table, key: str) -> Response:
    call = session.call
    if call.method == "GET":
        return _read_one(session, table, key)
    if call.method == "PATCH":
        with session.store.transaction():
            done = dataverse_write.upsert(session, table, key, call.json(), call.headers)
        return _written(session, table, done.row_id, is_new=done.is_new)
    if call.method == "DELETE":
        dataverse_write.delete(session, table, key, call.headers)
        return Response(status_code=204)
    raise not_allowed(call.method)


def _read_one(session: Session, table: Table, key: str) -> Response:
    found = find(session, table, key)
    row_id = found.row_id_or_missing()
    if found.row is not None and not table.entity and session.call.headers.get("if-none-match") == etag(found.row):
        return Response(status_code=304)
    return answer(_row(session, table, row_id, parse(session.tables, table, session.call.query)))


def _row(session: Session, table: Table, row_id: str, options: Options) -> dict[str, Any]:
    options.restrict(f'"{table.primary_id}" = ?', row_id)
    [item] = show(session, table, select(session, table, options), options)
    return {"@odata.context": context(session, table, options, single=True), **item}


def _written(session: Session, table: Table, row_id: str, *, is_new: bool) -> Response:
    """204 with the address of the row, or the row itself when that was preferred."""
    address = f"{session.base}/{table.set_name}({row_id})"
    headers = {"OData-EntityId": address, "Location": address}
    if not session.prefer.representation:
        return Response(status_code=204, headers=headers)
    options = parse(session.tables, table, session.call.query)
    return answer(_row(session, table, row_id, options), 201 if is_new else 200, headers)


def _within(session: Session, table: Table, key: str, rest: list[tuple[str, str | None]]) -> Response:
    """A property of a row, the row behind a lookup, or the rows of a collection, and links between rows."""
    (name, inner), tail = rest[0], [part[0] for part in rest[1:]]
    found = find(session, table, key)
    row_id = found.row_id_or_missing()
    assert found.row is not None
    collection = next((item for item in table.collections if item.name == name), None)
    if collection and tail == ["$ref"]:
        return _link(session, table, row_id, collection, inner)
    if session.call.method != "GET":
        raise not_allowed(session.call.method)
    if collection and tail in ([], ["$count"]):
        return _collection(session, table, row_id, collection, count=bool(tail))
    lookup = table.navigations.get(name.lower())
    if lookup and not tail:
        if found.row[lookup.wire] is None:
            return Response(status_code=204)
        target = target_of(session.tables, table, name)
        options = parse(session.tables, target, session.call.query)
        return answer(_row(session, target, str(found.row[lookup.wire]), options))
    if name in table.by_wire and not tail:
        value = _row(session, table, row_id, Options(select=(name,)))[name]
        return answer({"@odata.context": f"{session.base}/$metadata#{table.set_name}({row_id})/{name}", "value": value})
    raise missing_segment(name)


def _collection(session: Session, table: Table, row_id: str, collection: Collection, *, count: bool) -> Response:
    target = session.tables.by_name[collection.target]
    options = parse(session.tables, target, session.call.query)
    if collection.through:
        linked = f'SELECT "{collection.column}" FROM "{collection.through}" WHERE "{table.primary_id}" = ?'
        options.restrict(f'"{target.primary_id}" IN ({linked})', row_id)
    else:
        options.restrict(f'"{collection.column}" = ?', row_id)
    if count:
        return Response(str(total(session, target, options)), 200, {"content-type": "text/plain; charset=utf-8"})
    shown = content(session, target, options, session.path)
    if not shown["value"]:  # a variable whose value is kept by a behaviour that is switched off
        kept = Expand(collection.name, Options())
        shown["value"] = [item for _, item in members(session, table, kept, [row_id])]
    return answer({"@odata.context": context(session, target, options), **shown})


def _link(session: Session, table: Table, row_id: str, collection: Collection, inner: str | None) -> Response:
    """POST and DELETE of `$ref`: two rows are associated, or no longer."""
    method = session.call.method
    if not collection.through or method not in ("POST", "DELETE"):
        raise not_allowed(method)
    target = session.tables.by_name[collection.target]
    check_right(session, target, "AppendTo")
    if method == "POST":
        address = parse_address(str(session.call.json().get("@odata.id", "")))
        if address is None or address.set_name != target.set_name:
            raise invalid(f"The body must name a row of {target.set_name} in @odata.id.")
        other = find(session, target, address.key).row_id_or_missing()
        statement = f'INSERT OR REPLACE INTO "{collection.through}" VALUES (?, ?)'
    else:
        address = parse_address(session.call.query.get("$id", "")) if inner is None else None
        other = find(session, target, address.key if address else inner or "").row_id_or_missing()
        statement = f'DELETE FROM "{collection.through}" WHERE "{table.primary_id}" = ? AND "{collection.column}" = ?'
    with session.store.transaction() as connection:
        connection.execute(statement, (row_id, other))
    return Response(status_code=204)
