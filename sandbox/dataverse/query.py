"""Query options of the Web API to SQL: what is selected, filtered, ordered and expanded, with Dataverse's refusals."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.dataverse.filter import DataverseFilter
from sandbox.dataverse.session import Tables, invalid, not_supported
from sandbox.dataverse.table import Table
from sandbox.odata import QueryError, Shape, _tree
from sandbox.wire import WireError

_KNOWN = {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "sql", "fetchxml"}
_IN = re.compile(
    r"Microsoft\.Dynamics\.CRM\.(?P<not>Not)?In\(PropertyName='(?P<name>\w+)',\s*PropertyValues=\[(?P<values>[^\]]*)\]\)"
)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Expand:
    navigation: str
    options: "Options"


@dataclass
class Options:
    """One set of query options, of a request or inside the parentheses of an `$expand`."""

    select: tuple[str, ...] = ()
    where: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)  # wire name, descending
    top: int | None = None
    count: bool = False
    expand: list[Expand] = field(default_factory=list)

    def restrict(self, sql: str, *parameters: Any) -> None:
        self.where.append(f"({sql})")
        self.parameters.extend(parameters)

    def condition(self) -> str:
        return " WHERE " + " AND ".join(self.where) if self.where else ""


def parse(tables: Tables, table: Table, query: Mapping[str, str]) -> Options:
    """The options of one table. Raises 400 for what Dataverse refuses, 501 for what it does not offer."""
    for name in query:
        if name == "$skip":
            raise invalid("Skip Clause is not supported in CRM")
        if name in ("$apply", "$search", "$compute"):
            raise not_supported(f"The query parameter {name} is not supported.")
        if name.startswith("$") and name not in _KNOWN:
            raise invalid(f"The query parameter {name} is not supported.")
    made = Options(count=query.get("$count", "").lower() == "true", top=_whole(query, "$top"))
    made.select = tuple(
        _property(table, name.strip()) for name in _split(query.get("$select", ""), ",") if name.strip()
    )
    for part in _split(query.get("$orderby", ""), ","):
        name, _, direction = part.strip().partition(" ")
        if direction.strip().lower() not in ("", "asc", "desc"):
            raise invalid(f"Syntax error in $orderby '{part}'.")
        made.order.append((_property(table, name), direction.strip().lower() == "desc"))
    if query.get("$filter"):
        made.restrict(*_filter(tables, table, query["$filter"]))
    made.expand = [_expand(tables, table, part) for part in _split(query.get("$expand", ""), ",") if part.strip()]
    return made


def _whole(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise invalid(f"Invalid value '{text}' for {name} query option found. A non-negative integer is needed.")
    return int(text)


def _property(table: Table, name: str) -> str:
    if name not in table.by_wire:
        raise invalid(f"Could not find a property named '{name}' on type '{table.type_name}'.")
    return name


def _split(text: str, mark: str) -> list[str]:
    """Parts at `mark`, except inside parentheses and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, sign in enumerate(text):
        if sign == "'":
            quoted = not quoted
        elif not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
        elif not quoted and not depth and sign == mark:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]] if text else []


def _expand(tables: Tables, table: Table, part: str) -> Expand:
    name, _, rest = part.strip().partition("(")
    target = target_of(tables, table, name)
    options: dict[str, str] = {}
    for item in _split(rest.removesuffix(")"), ";"):
        key, _, value = item.strip().partition("=")
        options[key if key.startswith("$") else f"${key}"] = value
    return Expand(name, parse(tables, target, options))


def target_of(tables: Tables, table: Table, name: str) -> Table:
    """The table behind a navigation property."""
    lookup = table.navigations.get(name.lower())
    collection = next((item for item in table.collections if item.name == name), None)
    target = lookup.target if lookup else collection.target if collection else ""
    if target not in tables.by_name:
        raise invalid(f"Could not find a property named '{name}' on type '{table.type_name}'.")
    return tables.by_name[target]


def _filter(tables: Tables, table: Table, text: str) -> tuple[Any, ...]:
    shape = Shape(table.type_name, table.fields, (table.primary_id,))
    visitor = DataverseFilter(shape, tables, table)
    try:
        sql = visitor.condition(_tree(_IN.sub(_values, text)))
    except (QueryError, NotImplementedError) as error:
        raise invalid(str(error) or f"Syntax error in $filter '{text}'.") from None
    except WireError:
        raise
    except Exception as error:  # the library's visitor raises its own classes for what SQLite has not
        raise not_supported(f"The filter '{text}' is not supported: {type(error).__name__}.") from None
    return sql, *visitor.parameters


def _values(match: re.Match[str]) -> str:
    """Microsoft.Dynamics.CRM.In as the `in` of the grammar, with the literals that the property needs."""
    values = ("'" + value.replace("'", "''") + "'" for value in _STRING.findall(match["values"]))
    inner = f"{match['name']} in ({', '.join(values)})"
    return f"not ({inner})" if match["not"] else f"({inner})"
