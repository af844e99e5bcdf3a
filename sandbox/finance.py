"""Finance's own OData service: sets, keys, company scope, paging, counts; projects by POST."""

from typing import Any

from starlette.responses import Response

from sandbox import access
from sandbox.entities import EntitySet
from sandbox.finance_sets import FINANCE_SETS
from sandbox.odata import Query, QueryError, Shape, parse_query, reader
from sandbox.seed import put_row
from sandbox.wire import Call, answer, finance_error

PROJECT_SETS = ("DataManagementDefinitionGroups", "DataManagementDefinitionGroupDetails")
_NEED_ROLE = {
    *PROJECT_SETS,
    "Ledgers",
    "BudgetModels",
    "BudgetCodes",
    "BudgetDimensions",
    "DimensionIntegrationFormats",
    "DimensionParameters",
}


def shape_of(entity_set: EntitySet) -> Shape:
    return Shape(entity_set.name, entity_set.fields, entity_set.keys, wildcards=True)


def read_set(call: Call) -> Response:
    user = access.finance_user(call)
    entity_set = _set(call)
    if entity_set.name in _NEED_ROLE:
        access.need_data_management(user, duty=entity_set.name == "DimensionParameters")
    query = _query(call, entity_set)
    _company_scope(call, entity_set, query, user.company)
    if call.parts.get("count"):
        total = call.world.store.value(f'SELECT count(*) FROM "{entity_set.name}"{query.condition()}', query.parameters)
        return Response(b"\xef\xbb\xbf" + str(total).encode(), 200, {"content-type": "text/plain"})
    return answer(page(call, entity_set, query, f"{call.world.finance_url}/data"))


def _set(call: Call) -> EntitySet:
    found = FINANCE_SETS.get(call.parts["set"])
    if found is None:
        raise finance_error(404, f"No HTTP resource was found that matches the request URI '{call.path}'.")
    return found


def _query(call: Call, entity_set: EntitySet) -> Query:
    try:
        return parse_query(call.query, shape_of(entity_set))
    except QueryError as error:
        raise finance_error(400, "An error has occurred.", str(error)) from None


def _company_scope(call: Call, entity_set: EntitySet, query: Query, company: str) -> None:
    if entity_set.is_company_scoped and call.query.get("cross-company", "").lower() != "true":
        query.restrict('"dataAreaId" = ?', company)


def page(call: Call, entity_set: EntitySet, query: Query, base: str) -> dict[str, Any]:
    """One page of a set, at most `page_size` rows, with a link to the next one."""
    size = int(call.world.faults.mode("page_size"))
    offset = int(call.query.get("$skiptoken", "0") or 0) + query.skip
    wanted = size if query.top is None else max(min(size, query.top - offset + query.skip), 0)
    names = query.select or tuple(entity_set.fields)
    order = ", ".join(query.order)
    columns = ", ".join(f'"{name}"' for name in names)
    rows = call.world.store.rows(
        f'SELECT {columns} FROM "{entity_set.name}"{query.condition()} ORDER BY {order} LIMIT ? OFFSET ?',
        [*query.parameters, wanted + 1, offset],
    )
    readers = [reader(entity_set.fields[name], options=False, null_dates=False) for name in names]
    value = [
        dict(zip(names, (show(cell) for show, cell in zip(readers, row, strict=True)), strict=True))
        for row in rows[:wanted]
    ]
    content: dict[str, Any] = {"@odata.context": f"{base}/$metadata#{entity_set.name}"}
    if query.count:
        content["@odata.count"] = call.world.store.value(
            f'SELECT count(*) FROM "{entity_set.name}"{query.condition()}', query.parameters
        )
    content["value"] = value
    if len(rows) > wanted and (query.top is None or offset - query.skip + wanted < query.top):
        kept = "&".join(
            part for part in call.raw_query.split("&") if part and not part.startswith(("$skiptoken", "%24skiptoken"))
        )
        content["@odata.nextLink"] = f"{base}/{entity_set.name}?{kept}&$skiptoken={offset + wanted - query.skip}"
    return content


def create(call: Call) -> Response:
    """POST of a project or of an entity of a project; other sets are not written over OData here."""
    user = access.finance_user(call)
    access.need_data_management(user)
    entity_set = _set(call)
    if entity_set.name not in PROJECT_SETS:
        raise finance_error(405, "The requested resource does not support http method 'POST'.")
    row = call.json()
    unknown = [name for name in row if name not in entity_set.fields]
    if unknown:
        raise finance_error(400, "An error has occurred.", f"The property '{unknown[0]}' does not exist on type.")
    keys = [row.get(key, "") for key in entity_set.keys]
    where = " AND ".join(f'"{key}" = ?' for key in entity_set.keys)
    if call.world.store.row(f'SELECT 1 FROM "{entity_set.name}" WHERE {where}', keys):
        raise finance_error(
            400,
            "An error has occurred.",
            f"Write failed for table row of type '{entity_set.entity}'. Infolog: Error: The record already exists.",
        )
    put_row(call.world.store, entity_set, row)
    return answer({"@odata.context": f"{call.world.finance_url}/data/$metadata#{entity_set.name}/$entity", **row}, 201)
