"""Pages with a cookie that is good only unchanged, and counts that stop at 5,000."""

import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from sandbox.dataverse.functions import prepare
from sandbox.dataverse.query import Options, parse
from sandbox.dataverse.read import select, show
from sandbox.dataverse.session import PAGE, Session
from sandbox.dataverse.table import Table
from sandbox.wire import Call, dataverse_error

_COOKIE = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="False" />')


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
    rows = select(
        session,
        table,
        _from(options, table, place),
        limit=None if size is None else size + 1,
        offset=place.offset if options.order else 0,
    )
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


def context(session: Session, table: Table, options: Options, *, single: bool = False) -> str:
    names = f"({','.join(options.select)})" if options.select else ""
    return f"{session.base}/$metadata#{table.set_name}{names}{'/$entity' if single else ''}"
