"""EntityDefinitions: what a client asks to learn tables, columns, options and keys, and to make tables of its own."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from sandbox.dataverse.definitions import add_column, add_key, create_tables, drop_column, drop_key, drop_table, keep
from sandbox.dataverse.keys import segments
from sandbox.dataverse.metadata_query import listed, single
from sandbox.dataverse.session import Session, invalid, missing_segment, not_allowed
from sandbox.dataverse.shapes import attribute, collection_relation, column_of, definition, key_shape, lookup_relation
from sandbox.dataverse.table import Table
from sandbox.wire import dataverse_error

_CAST = "Microsoft.Dynamics.CRM."
Answer = tuple[int, dict[str, Any] | None, dict[str, str]]


def answer(session: Session) -> Answer:
    """Status, content and headers for a path that begins with EntityDefinitions."""
    parts = segments(session.path)
    method, key = session.call.method, parts[0][1]
    if len(parts) == 1 and key is None:
        if method != "GET":
            raise not_allowed(method)
        return 200, listed(session, [definition(table) for table in session.tables], "EntityDefinitions"), {}
    table = _table(session, key or "")
    if len(parts) == 1:
        if method == "DELETE":
            drop_table(session, table)
            return 204, None, {}
        if method != "GET":
            raise not_allowed(method)
        return 200, single(session, definition(table), "EntityDefinitions"), {}
    name, inner = parts[1]
    handler = _PARTS.get(name)
    if handler is None:
        raise missing_segment(name)
    return handler(session, table, inner, parts[2][0] if len(parts) > 2 else "")


def _table(session: Session, key: str) -> Table:
    """A table by `LogicalName='…'` or by its metadata id. Raises 404."""
    logical = key.removeprefix("LogicalName=").strip("'")
    for table in session.tables:
        if logical == table.logical_name or key.lower() == definition(table)["MetadataId"]:
            return table
    raise dataverse_error(404, "0x80040217", f"Could not find an entity with name {logical}.")


def _attributes(session: Session, table: Table, key: str | None, cast: str) -> Answer:
    method = session.call.method
    if method == "POST" and key is None:
        made = add_column(session, table, session.call.json())
        return (
            204,
            None,
            _entity_id(session, f"EntityDefinitions({definition(table)['MetadataId']})/Attributes({made})"),
        )
    if key is None:
        items = [item for item in map(attribute(table), table.columns) if _is_of(item, cast)]
        return 200, listed(session, items, f"EntityDefinitions('{table.logical_name}')/Attributes"), {}
    found = column_of(table, key)
    if found is None:
        raise dataverse_error(404, "0x80040217", f"Could not find an attribute {key} on {table.logical_name}.")
    if method == "DELETE":
        drop_column(session, table, found)
        return 204, None, {}
    if method == "PUT":
        keep(session, table, found, session.call.json())
        return 204, None, {}
    if method != "GET":
        raise not_allowed(method)
    return 200, single(session, attribute(table)(found), "Attributes"), {}


def _is_of(item: dict[str, Any], cast: str) -> bool:
    return not cast or item["@odata.type"] == f"#{cast}"


def _keys(session: Session, table: Table, key: str | None, _: str) -> Answer:
    method = session.call.method
    if method == "POST" and key is None:
        made = add_key(session, table, session.call.json())
        return 204, None, _entity_id(session, f"EntityDefinitions('{table.logical_name}')/Keys({made})")
    if method == "DELETE" and key:
        drop_key(session, table, key)
        return 204, None, {}
    if method != "GET" or key:
        raise not_allowed(method)
    return 200, listed(session, [key_shape(table, one, time.time()) for one in table.keys], "Keys"), {}


def _many_to_one(session: Session, table: Table, key: str | None, _: str) -> Answer:
    items = [lookup_relation(table, column) for column in table.columns if column.is_lookup]
    return 200, listed(session, items, "ManyToOneRelationships"), {}


def _one_to_many(session: Session, table: Table, key: str | None, _: str) -> Answer:
    items = [
        lookup_relation(other, column)
        for other in session.tables
        for column in other.columns
        if column.is_lookup and column.target == table.logical_name
    ]
    return 200, listed(session, items, "OneToManyRelationships"), {}


def _many_to_many(session: Session, table: Table, key: str | None, _: str) -> Answer:
    items = [collection_relation(table, item) for item in table.collections if item.through]
    return 200, listed(session, items, "ManyToManyRelationships"), {}


_PARTS: dict[str, Callable[[Session, Table, str | None, str], Answer]] = {
    "Attributes": _attributes,
    "Keys": _keys,
    "ManyToOneRelationships": _many_to_one,
    "OneToManyRelationships": _one_to_many,
    "ManyToManyRelationships": _many_to_many,
}


def create_entities(session: Session) -> Answer:
    create_tables(session, session.call.json())
    return 200, {"@odata.context": f"{session.base}/$metadata#Microsoft.Dynamics.CRM.CreateEntitiesResponse"}, {}


def metadata_changes(session: Session) -> Answer:
    """RetrieveMetadataChanges, as far as it asks for the attributes of one table by name."""
    try:
        query = json.loads(session.call.query.get("@p1", ""))
    except ValueError:
        raise invalid("The parameter Query of RetrieveMetadataChanges is not valid JSON.") from None
    names = set(_named(query))
    columns = query.get("AttributeQuery") or {}
    wanted, only = (columns.get("Properties") or {}).get("PropertyNames") or [], set(_named(columns))
    found = []
    for table in session.tables:
        if names and table.logical_name not in names:
            continue
        items = [attribute(table)(column) for column in table.columns if not only or column.name in only]
        shown = [
            {key: value for key, value in item.items() if key == "@odata.type" or not wanted or key in wanted}
            for item in items
        ]
        found.append({"LogicalName": table.logical_name, "Attributes": shown})
    kind = f"{_CAST}RetrieveMetadataChangesResponse"
    return 200, {"@odata.context": f"{session.base}/$metadata#{kind}", "EntityMetadata": found}, {}


def _named(query: dict[str, Any]) -> list[str]:
    """The logical names that the conditions of a metadata query ask for."""
    conditions = (query.get("Criteria") or {}).get("Conditions") or []
    return [str(item["Value"]["Value"]) for item in conditions if item.get("PropertyName") == "LogicalName"]


def _entity_id(session: Session, path: str) -> dict[str, str]:
    return {"OData-EntityId": f"{session.base}/{path}", "x-ms-request-id": str(uuid.uuid4())}
