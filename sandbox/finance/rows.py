"""Rows of Finance as OData shows them: pages, single rows, expanded ones, by metadata level."""

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from sandbox.entities import EntitySet, Navigation
from sandbox.enums import NAMESPACE
from sandbox.finance.addresses import address_of
from sandbox.finance.sets import FINANCE_SETS
from sandbox.odata import Query, QueryError, Shape, reader, selected
from sandbox.wire import Call, as_bytes

_LEVEL = re.compile(r"odata\.metadata\s*=\s*(none|minimal|full)", re.IGNORECASE)
_EXPAND = re.compile(r"\s*(?P<name>\w+)\s*(?:\((?P<options>[^()]*(?:\([^()]*\)[^()]*)*)\))?\s*(?:,|$)")


def shape_of(entity_set: EntitySet) -> Shape:
    return Shape(f"{NAMESPACE}.{entity_set.type_name}", entity_set.fields, entity_set.keys, wildcards=True)


def level(call: Call) -> str:
    match = _LEVEL.search(call.headers.get("accept", ""))
    return match[1].lower() if match else "minimal"


def odata_answer(
    call: Call, content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """JSON in the metadata level that was asked for; `none` leaves only counts and links to next pages."""
    kind = level(call)
    if kind == "none":
        content = {name: value for name, value in content.items() if name != "@odata.context"}
    text = as_bytes(content)
    return Response(
        text, status, {**(headers or {}), "content-type": f"application/json; odata.metadata={kind}; charset=utf-8"}
    )


@dataclass(frozen=True)
class Expansion:
    navigation: Navigation
    select: tuple[str, ...]


def expansions(text: str, entity_set: EntitySet) -> list[Expansion]:
    """The navigation properties of a $expand: of the first level only, with $select and nothing else inside."""
    if text.strip() == "*":
        return [Expansion(navigation, ()) for navigation in entity_set.navigations.values()]
    found, position = [], 0
    while position < len(text):
        match = _EXPAND.match(text, position)
        navigation = entity_set.navigations.get(match["name"]) if match else None
        if match is None or navigation is None or match.end() == position:
            raise QueryError(f"Could not find a navigation property for '$expand={text}' on '{entity_set.type_name}'.")
        options = (match["options"] or "").strip()
        if options and not re.fullmatch(r"\$select=[\w,\s]*", options):
            raise QueryError("Only the first level can be expanded, and only $select can be given for it.")
        target = shape_of(FINANCE_SETS[navigation.target])
        found.append(Expansion(navigation, selected(options.partition("=")[2], target)))
        position = match.end()
    return found


class Presenter:
    """Shows rows of one set for one call."""

    def __init__(self, call: Call, entity_set: EntitySet, select: tuple[str, ...] = ()) -> None:
        self.call, self.entity_set = call, entity_set
        self.level = level(call)
        self.expansions: list[Expansion] = []
        numbers = not call.world.faults.plays("finance-wire")
        self._readers = {
            name: reader(entity_set.fields[name], options=False, null_dates=False, numbers=numbers)
            for name in select or entity_set.fields
        }

    def show(self, row: Any) -> dict[str, Any]:
        shown = {} if self.level == "none" else self._annotations(row)
        shown |= {name: show(row[name]) for name, show in self._readers.items()}
        for one in self.expansions:
            shown[one.navigation.name] = related(self.call, row, one)
        return shown

    def _annotations(self, row: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"@odata.etag": etag(self.entity_set, row)}
        if self.level == "full":
            address = address_of(self.call, self.entity_set, dict(row))
            found |= {
                "@odata.type": f"#{NAMESPACE}.{self.entity_set.type_name}",
                "@odata.id": address,
                "@odata.editLink": address,
            }
        return found


def etag(entity_set: EntitySet, row: Any) -> str:
    text = "\x1f".join(str(row[name]) for name in entity_set.fields)
    return f'W/"{zlib.crc32(text.encode()):08x}"'


def related(call: Call, row: Any, expansion: Expansion) -> Any:
    """The rows that a navigation property leads to: a list, or the first one or None."""
    target = FINANCE_SETS[expansion.navigation.target]
    where = " AND ".join(f'"{theirs}" = ?' for _, theirs in expansion.navigation.pairs)
    many = expansion.navigation.is_collection
    order = ", ".join(f'"{key}"' for key in target.keys) + ("" if many else " LIMIT 1")
    found = call.world.store.rows(
        f'SELECT * FROM "{target.name}" WHERE {where} ORDER BY {order}',
        [row[own] for own, _ in expansion.navigation.pairs],
    )
    presenter = Presenter(call, target, expansion.select)
    shown = [presenter.show(one) for one in found]
    return shown if many else next(iter(shown), None)


def find(call: Call, entity_set: EntitySet, key: dict[str, Any], company: str = "") -> Any:
    """One stored row by its key, or None. With a company, rows of the others are out of sight."""
    where = " AND ".join(f'"{name}" = ?' for name in key)
    values: list[Any] = list(key.values())
    if company and entity_set.is_company_scoped:
        where, values = f'{where} AND "dataAreaId" = ?', [*values, company]
    return call.world.store.row(f'SELECT * FROM "{entity_set.name}" WHERE {where}', values)


def count(call: Call, entity_set: EntitySet, query: Query) -> int:
    sql = f'SELECT count(*) FROM "{entity_set.name}"{query.condition()}'
    return int(call.world.store.value(sql, query.parameters))


def page(call: Call, entity_set: EntitySet, query: Query, base: str) -> dict[str, Any]:
    """One page of a set, at most `page_size` rows, with a link to the next one."""
    paged = call.world.faults.plays("finance-wire")
    size = int(call.world.faults.mode("page_size")) if paged else 2**31
    given = int(call.query.get("$skiptoken", "0") or 0)
    wanted = size if query.top is None else max(min(size, query.top - given), 0)
    presenter = Presenter(call, entity_set, query.select)
    presenter.expansions = expansions(query.expand, entity_set)
    rows = call.world.store.rows(
        f'SELECT * FROM "{entity_set.name}"{query.condition()} ORDER BY {", ".join(query.order)} LIMIT ? OFFSET ?',
        [*query.parameters, wanted + 1, given + query.skip],
    )
    content: dict[str, Any] = {"@odata.context": f"{base}/$metadata#{entity_set.name}{_chosen(query)}"}
    if query.count:
        content["@odata.count"] = count(call, entity_set, query)
    content["value"] = [presenter.show(row) for row in rows[:wanted]]
    if len(rows) > wanted and (query.top is None or given + wanted < query.top):
        content["@odata.nextLink"] = f"{base}/{entity_set.name}?{_kept(call)}$skiptoken={given + wanted}"
    return content


def _chosen(query: Query) -> str:
    return f"({','.join(query.select)})" if query.select else ""


def _kept(call: Call) -> str:
    parts: Iterable[str] = (part for part in call.raw_query.split("&") if part)
    return "".join(f"{part}&" for part in parts if not part.startswith(("$skiptoken", "%24skiptoken")))
