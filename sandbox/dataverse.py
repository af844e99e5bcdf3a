"""Dataverse Web API v9.2: own tables, and the Finance entities that the catalog makes visible."""

import re
import time
from typing import Any

from starlette.responses import Response

from sandbox import access
from sandbox.dataverse_sets import ALL_SETS, CATALOG, DATAVERSE_SETS, VIRTUAL_SETS
from sandbox.entities import EntitySet, Field
from sandbox.odata import FilterToSql, Query, QueryError, Shape, _order, _tree, _whole, reader
from sandbox.seed import guid, put_row
from sandbox.wire import Call, answer, dataverse_error

EXPAND = "environmentvariabledefinition_environmentvariablevalue"
_KEY = re.compile(r"^(?P<set>\w+)\((?P<id>[0-9a-fA-F-]{36})\)$")


def base(call: Call) -> str:
    return f"{call.world.dataverse_url}/api/data/v9.2"


def who_am_i(call: Call) -> Response:
    caller = access.dataverse_user(call)
    return answer(
        {
            "@odata.context": f"{base(call)}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": guid("business unit"),
            "UserId": caller.user_id,
            "OrganizationId": guid("organization"),
        }
    )


def read_set(call: Call) -> Response:
    claims = access.dataverse_user(call).claims
    name = call.parts["set"]
    if name in VIRTUAL_SETS:
        return _read_virtual(call, claims, name)
    entity_set = DATAVERSE_SETS.get(name)
    if entity_set is None:
        raise _not_found(name)
    fields = {field.name: field for field in entity_set.fields.values()}
    return answer(_page(call, entity_set, name, fields))


def _not_found(name: str) -> Any:
    return dataverse_error(404, "0x80060888", f"Resource not found for the segment '{name}'.")


def _read_virtual(call: Call, claims: dict[str, Any], name: str) -> Response:
    entity_set = VIRTUAL_SETS[name]
    visible = call.world.store.row(
        f'SELECT 1 FROM "{CATALOG.name}" WHERE mserp_physicalname = ? AND mserp_hasbeengenerated = 1 '
        "AND CAST(generated_at AS REAL) <= ?",
        (entity_set.entity, time.time()),
    )
    if visible is None:
        raise _not_found(name)
    access.virtual_user(call, claims, entity_set.entity)
    fields = {f"mserp_{field.name.lower()}": field for field in entity_set.fields.values()}
    return answer(_page(call, entity_set, name, fields, options=True))


def _query(call: Call, shape: Shape) -> Query:
    query = Query(count=call.query.get("$count", "").lower() == "true")
    try:
        if call.query.get("$filter"):
            visitor = FilterToSql(shape)
            query.restrict(visitor.visit(_tree(call.query["$filter"])), *visitor.parameters)
        query.select = tuple(n.strip() for n in call.query.get("$select", "").split(",") if n.strip())
        for name in query.select:
            shape.field(name)
        query.order = [_order(part, shape) for part in call.query.get("$orderby", "").split(",") if part.strip()]
        query.order += [f'"{shape.fields[key].name}"' for key in shape.keys]
        query.top = _whole(call.query, "$top")
    except QueryError as error:
        raise dataverse_error(400, "0x80060888", str(error)) from None
    return query


def _page(
    call: Call, entity_set: EntitySet, name: str, fields: dict[str, Field], options: bool = False
) -> dict[str, Any]:
    keys = tuple(wire for wire, field in fields.items() if field.is_key)
    query = _query(call, Shape(name, fields, keys, options=options))
    preferred = re.search(r"odata\.maxpagesize=(\d+)", call.headers.get("prefer", ""))
    size = min(int(preferred[1]) if preferred else 5000, 5000)
    offset = int(call.query.get("$skiptoken", "0") or 0)
    wanted = size if query.top is None else min(size, query.top - offset)
    names = query.select or tuple(fields)
    columns = ", ".join(f'"{fields[wire].name}"' for wire in names)
    rows = call.world.store.rows(
        f'SELECT {columns} FROM "{entity_set.name}"{query.condition()} '
        f"ORDER BY {', '.join(query.order)} LIMIT ? OFFSET ?",
        [*query.parameters, wanted + 1, offset],
    )
    readers = [reader(fields[wire], options=options, null_dates=True) for wire in names]
    value = [
        dict(zip(names, (show(cell) for show, cell in zip(readers, row, strict=True)), strict=True))
        for row in rows[:wanted]
    ]
    if options:
        for item in value:
            item["mserp_primaryfield"] = "|".join(str(item.get(key, "")) for key in keys)[:255]
    if EXPAND in call.query.get("$expand", ""):
        _expand_values(call, value)
    content: dict[str, Any] = {"@odata.context": f"{base(call)}/$metadata#{name}"}
    if query.count:
        content["@odata.count"] = min(
            5000,
            call.world.store.value(f'SELECT count(*) FROM "{entity_set.name}"{query.condition()}', query.parameters),
        )
    content["value"] = value
    if len(rows) > wanted and query.top is None:
        kept = "&".join(part for part in call.raw_query.split("&") if part and "skiptoken" not in part)
        content["@odata.nextLink"] = f"{base(call)}/{name}?{kept}&$skiptoken={offset + wanted}"
    return content


def _expand_values(call: Call, definitions: list[dict[str, Any]]) -> None:
    for item in definitions:
        rows = call.world.store.rows(
            "SELECT environmentvariablevalueid, value, schemaname FROM environmentvariablevalues "
            "WHERE _environmentvariabledefinitionid_value = ?",
            (item.get("environmentvariabledefinitionid", ""),),
        )
        item[EXPAND] = [dict(row) for row in rows]


def change(call: Call) -> Response:
    """PATCH of one row by its id."""
    access.dataverse_user(call)
    match = _KEY.match(call.parts["set"])
    entity_set = DATAVERSE_SETS.get(match["set"]) if match else None
    if match is None or entity_set is None:
        raise _not_found(call.parts["set"])
    key, body = entity_set.keys[0], call.json()
    found = call.world.store.row(f'SELECT * FROM "{entity_set.name}" WHERE "{key}" = ?', (match["id"].lower(),))
    if found is None:
        raise dataverse_error(404, "0x80040217", f"{entity_set.entity} With Id = {match['id']} Does Not Exist")
    row = {
        name: int(value) if isinstance(value, bool) else value
        for name, value in body.items()
        if name in entity_set.fields
    }
    if entity_set is CATALOG and body.get("mserp_hasbeengenerated"):
        row["generated_at"] = str(time.time() + float(call.world.faults.mode("generation_seconds")))
    put_row(call.world.store, entity_set, {key: match["id"].lower(), **row})
    return Response(status_code=204, headers={"OData-EntityId": f"{base(call)}/{call.parts['set']}"})


def create(call: Call) -> Response:
    """POST of an environment variable's value."""
    access.dataverse_user(call)
    if call.parts["set"] != "environmentvariablevalues":
        raise _not_found(call.parts["set"])
    body = call.json()
    bound = next((str(value) for name, value in body.items() if name.lower().endswith("@odata.bind")), "")
    match = re.search(r"\(([0-9a-fA-F-]{36})\)", bound)
    definition = match[1].lower() if match else ""
    known = call.world.store.row(
        "SELECT schemaname FROM environmentvariabledefinitions WHERE environmentvariabledefinitionid = ?", (definition,)
    )
    if known is None:
        raise dataverse_error(400, "0x80040217", "The environment variable definition does not exist.")
    row_id = guid("value", known["schemaname"])
    put_row(
        call.world.store,
        ALL_SETS["environmentvariablevalues"],
        {
            "environmentvariablevalueid": row_id,
            "schemaname": known["schemaname"],
            "value": str(body.get("value", "")),
            "_environmentvariabledefinitionid_value": definition,
        },
    )
    return Response(status_code=204, headers={"OData-EntityId": f"{base(call)}/environmentvariablevalues({row_id})"})
