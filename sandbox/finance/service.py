"""Finance's OData service: sets, single rows, company scope, paging, counts, and writes to the sets that take them."""

import sqlite3

from starlette.responses import Response

from sandbox import access
from sandbox.entities import EntitySet
from sandbox.finance.addresses import Resource, not_allowed, not_found, resource
from sandbox.finance.rows import (
    Expansion,
    Presenter,
    count,
    expansions,
    find,
    odata_answer,
    page,
    related,
    shape_of,
)
from sandbox.finance.writes import WRITERS, write
from sandbox.odata import Query, QueryError, parse_query
from sandbox.wire import Call, WireError, finance_error

_NEED_ROLE = {
    "DataManagementDefinitionGroups",
    "DataManagementDefinitionGroupDetails",
    "Ledgers",
    "BudgetModels",
    "BudgetCodes",
    "BudgetDimensions",
    "DimensionIntegrationFormats",
    "DimensionParameters",
}


def handle(call: Call) -> Response:
    """Whatever is asked of a resource below /data."""
    user = access.finance_user(call)
    asked = resource(call)
    if asked.entity_set.name in _NEED_ROLE:
        access.need_data_management(user, duty=asked.entity_set.name == "DimensionParameters")
    company = _company(call, user.company)
    if call.method in ("POST", "PATCH", "DELETE"):
        if asked.entity_set.name not in WRITERS or asked.rest or (asked.key is None) != (call.method == "POST"):
            raise not_allowed(call)
        return write(call, user, asked.entity_set, asked.key, company)
    if call.method not in ("GET", "HEAD"):
        raise not_allowed(call)
    return _read_set(call, asked, company) if asked.key is None else _read_row(call, asked, company)


def _company(call: Call, own: str) -> str:
    """The company that a call sees; empty means all of them."""
    everywhere = call.query.get("cross-company", "").lower() == "true"
    return "" if everywhere or not call.world.faults.plays("finance-wire") else own


def _read_set(call: Call, asked: Resource, company: str) -> Response:
    if asked.rest not in ("", "$count"):
        raise not_found(call)
    entity_set = asked.entity_set
    query = _query(call, entity_set)
    if company and entity_set.is_company_scoped:
        query.restrict('"dataAreaId" = ?', company)
    try:
        if asked.rest:
            mark = b"\xef\xbb\xbf" if call.world.faults.plays("finance-wire") else b""
            total = str(count(call, entity_set, query)).encode()
            return Response(mark + total, 200, {"content-type": "text/plain; charset=utf-8"})
        return odata_answer(call, page(call, entity_set, query, f"{call.world.finance_url}/data"))
    except QueryError as error:
        raise finance_error(400, "An error has occurred.", str(error)) from None
    except sqlite3.OperationalError:
        # The filter is too large for one statement; anything else wrong in it was found before.
        raise finance_error(400, "An error has occurred.", "The query is too complex.") from None


def _query(call: Call, entity_set: EntitySet) -> Query:
    try:
        return parse_query(call.query, shape_of(entity_set))
    except QueryError as error:
        raise finance_error(400, "An error has occurred.", str(error)) from None


def _read_row(call: Call, asked: Resource, company: str) -> Response:
    entity_set, key = asked.entity_set, asked.key or {}
    has_enum = any(entity_set.fields[name].is_enum for name in key)
    row = None
    if not (has_enum and call.world.faults.mode("enum_key_404")):
        row = find(call, entity_set, key, company)
    if row is None:
        raise missing(call)
    base = f"{call.world.finance_url}/data/$metadata#"
    if asked.rest:
        return _follow(call, asked, row, base)
    query = _query(call, entity_set)
    presenter = Presenter(call, entity_set, query.select)
    try:
        presenter.expansions = expansions(query.expand, entity_set)
    except QueryError as error:
        raise finance_error(400, "An error has occurred.", str(error)) from None
    return odata_answer(call, {"@odata.context": f"{base}{entity_set.name}/$entity", **presenter.show(row)})


def _follow(call: Call, asked: Resource, row: sqlite3.Row, base: str) -> Response:
    """The rows behind a navigation property, at an address of their own."""
    navigation = asked.entity_set.navigations.get(asked.rest)
    if navigation is None:
        raise not_found(call)
    found = related(call, row, Expansion(navigation, ()))
    if navigation.is_collection:
        return odata_answer(call, {"@odata.context": f"{base}{navigation.target}", "value": found})
    if found is None:
        return Response(status_code=204)
    return odata_answer(call, {"@odata.context": f"{base}{navigation.target}/$entity", **found})


def missing(call: Call) -> WireError:
    return finance_error(404, "An error has occurred.", f"There is no row with the key of {call.path}.")
