"""`GET <set>?sql=SELECT …` and `?fetchXml=…`: the two other query languages, in the small part that clients use."""

import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import sqlglot
from sqlglot import exp

from sandbox.dataverse.functions import prepare
from sandbox.dataverse.query import Options
from sandbox.dataverse.read import select, show
from sandbox.dataverse.session import PAGE, Session, invalid
from sandbox.dataverse.table import Column, Table
from sandbox.odata import reader

_FORBIDDEN = (exp.Union, exp.Having, exp.With, exp.Subquery, exp.Star)


def sql(session: Session, text: str) -> dict[str, Any]:
    """The rows of one SELECT, 5,000 at most; columns are named, joins inner or left. Raises 400."""
    statement = _parsed(text)
    aliases = {table.alias_or_name: _known(session, table.name) for table in statement.find_all(exp.Table)}
    readers = [_reader(aliases, item) for item in statement.expressions]
    names = [item.alias_or_name for item in statement.expressions]
    for total in list(statement.find_all(exp.Sum)):
        total.replace(exp.Anonymous(this="EXACT_SUM", expressions=[total.this]))
    for item in list(statement.find_all(exp.Table)):
        alias = item.alias_or_name
        source = sqlglot.parse_one(f"SELECT * FROM {aliases[alias].source} AS x", read="sqlite").find(exp.From)
        assert source is not None
        inner = source.this
        inner.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
        item.replace(inner)
    if statement.args.get("limit") is None:
        statement.set("limit", exp.Limit(expression=exp.Literal.number(PAGE)))
    prepare(session.store.connection)
    try:
        rows = session.store.rows(statement.sql(dialect="sqlite"))
    except sqlite3.Error:
        # what the store says of it names another database than the one that is played
        raise invalid("The SQL statement could not be run: a column or a function is not known.") from None
    value = [
        {name: read(cell) for name, read, cell in zip(names, readers, tuple(row), strict=True)} for row in rows[:PAGE]
    ]
    return {"@odata.context": f"{session.base}/$metadata#{session.path}", "value": value}


def _parsed(text: str) -> exp.Select:
    try:
        statements = sqlglot.parse(text, read="tsql")
    except sqlglot.errors.SqlglotError:
        raise invalid("The SQL statement could not be read: its syntax is incorrect.") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise invalid("Exactly one SELECT statement is allowed.")
    for node in statements[0].find_all(*_FORBIDDEN):
        if not (isinstance(node, exp.Star) and isinstance(node.parent, exp.Count)):
            raise invalid(f"{type(node).__name__} is not supported in SQL.")
    return statements[0]


def _known(session: Session, name: str) -> Table:
    table = session.tables.by_name.get(name.lower())
    if table is None:
        raise invalid(f"Invalid object name '{name}'.")
    return table


def _reader(aliases: dict[str, Table], item: exp.Expression) -> Callable[[Any], Any]:
    """How a result cell is shown: as its column is, and sums of numbers as numbers."""
    column = item.find(exp.Column)
    if item.find(exp.Sum):
        return lambda value: None if value is None else Decimal(value)
    if column is None or item.find(exp.Count):
        return lambda value: value
    for alias, table in aliases.items():
        if column.table in ("", alias) and column.name.lower() in table.by_wire:
            return reader(table.by_wire[column.name.lower()].field, options=False, null_dates=True)
    return lambda value: value


_OPERATORS = {
    "eq": "=",
    "ne": "!=",
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
    "like": "LIKE",
    "not-like": "NOT LIKE",
}


def fetch(session: Session, table: Table, text: str) -> dict[str, Any]:
    """FetchXML with attributes, conditions and orders of one entity, paged by a cookie. Raises 400."""
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise invalid(f"Invalid XML: {error}") from None
    entity = root.find("entity")
    if entity is None or entity.get("name") != table.logical_name or entity.find("link-entity") is not None:
        raise invalid(f"The fetch needs one entity {table.logical_name} without links.")
    options = Options(select=tuple(_wire(table, item.get("name", "")) for item in entity.findall("attribute")))
    for block in entity.findall("filter"):
        clause, parameters = _clause(table, block)
        options.restrict(clause, *parameters)
    options.order = [
        (_wire(table, item.get("attribute", "")), item.get("descending") == "true") for item in entity.findall("order")
    ]
    return _fetched(session, table, root, options)


def _fetched(session: Session, table: Table, root: ET.Element, options: Options) -> dict[str, Any]:
    top, number = root.get("top"), int(root.get("page", "1"))
    size = min(int(top or root.get("count") or PAGE), PAGE)
    rows = select(session, table, options)[(number - 1) * size : number * size + 1]
    content: dict[str, Any] = {
        "@odata.context": f"{session.base}/$metadata#{table.set_name}",
        "@Microsoft.Dynamics.CRM.morerecords": len(rows) > size and top is None,
        "value": show(session, table, rows[:size], options),
    }
    if content["@Microsoft.Dynamics.CRM.morerecords"]:
        inner = f'<cookie page="{number}"><row last="{{{rows[size - 1][table.primary_id]}}}" /></cookie>'
        encoded = quote(quote(inner, safe=""), safe="")
        content["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"] = (
            f'<cookie pagenumber="{number + 1}" pagingcookie={quoteattr(encoded)} istracking="False" />'
        )
    return content


def _wire(table: Table, name: str) -> str:
    column = _column(table, name)
    return column.wire


def _column(table: Table, name: str) -> Column:
    found = next((column for column in table.columns if name in (column.name, column.wire)), None)
    if found is None:
        raise invalid(f"'{table.logical_name}' entity doesn't contain attribute with Name = '{name}'.")
    return found


def _clause(table: Table, block: ET.Element) -> tuple[str, list[Any]]:
    parts, parameters = [], []
    for item in block:
        clause, values = _clause(table, item) if item.tag == "filter" else _condition(table, item)
        parts.append(f"({clause})")
        parameters += values
    joined = " OR " if block.get("type") == "or" else " AND "
    return joined.join(parts) or "1", parameters


def _condition(table: Table, item: ET.Element) -> tuple[str, list[Any]]:
    name, operator = f'"{_wire(table, item.get("attribute", ""))}"', item.get("operator", "")
    if operator in ("null", "not-null"):
        return f"{name} IS {'NOT ' if operator == 'not-null' else ''}NULL", []
    if operator in ("in", "not-in"):
        values = [value.text or "" for value in item.findall("value")]
        return f"{name} {'NOT ' if operator == 'not-in' else ''}IN ({', '.join('?' * len(values))})", list(values)
    if operator not in _OPERATORS:
        raise invalid(f"The condition operator '{operator}' is not supported.")
    return f"{name} {_OPERATORS[operator]} ?", [item.get("value", "")]
