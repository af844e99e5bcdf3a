"""OData query options to SQL, and stored values to what JSON shows of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.entities import ENUMS, NO_DATE, Field
from sandbox.enums import ENUM_MEMBERS
from sandbox.filter_kinds import QueryError, Shape
from sandbox.filters import FIRST_OPTION, FilterToSql, condition
from sandbox.filters import parse_filter as _tree

__all__ = [
    "FIRST_OPTION",
    "FilterToSql",
    "Query",
    "QueryError",
    "Shape",
    "_order",
    "_tree",
    "_whole",
    "parse_query",
    "reader",
]

_KNOWN = ("$filter", "$select", "$orderby", "$top", "$skip", "$count", "$expand", "$skiptoken", "$format")
_LARGEST = 2**31 - 1


@dataclass
class Query:
    where: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    select: tuple[str, ...] = ()
    order: list[str] = field(default_factory=list)
    top: int | None = None
    skip: int = 0
    count: bool = False
    expand: str = ""

    def restrict(self, sql: str, *parameters: Any) -> None:
        self.where.append(sql)
        self.parameters.extend(parameters)

    def condition(self) -> str:
        return " WHERE " + " AND ".join(f"({part})" for part in self.where) if self.where else ""


def parse_query(options: Mapping[str, str], shape: Shape) -> Query:
    """The query options of Finance. QueryError for what it does not support or cannot read."""
    for name in options:
        if name.startswith("$") and name not in _KNOWN:
            raise QueryError(f"The query parameter '{name}' is not supported.")
    query = Query(count=_truth(options, "$count"), expand=options.get("$expand", ""))
    if "$filter" in options:
        sql, parameters = condition(options["$filter"], shape)
        query.restrict(sql, *parameters)
    query.select = selected(options.get("$select", ""), shape)
    query.order = [_order(part, shape) for part in options.get("$orderby", "").split(",") if part.strip()]
    query.order += [f'"{key}"' for key in shape.keys]
    query.top = _whole(options, "$top")
    query.skip = _whole(options, "$skip") or 0
    _whole(options, "$skiptoken")
    return query


def selected(text: str, shape: Shape) -> tuple[str, ...]:
    """The chosen properties, each once; `*` and nothing at all mean every one."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if names in ((), ("*",)):
        return ()
    for name in names:
        shape.field(name)
    return names


def _order(part: str, shape: Shape) -> str:
    name, _, direction = part.strip().partition(" ")
    shape.field(name)
    if direction.strip().lower() not in ("", "asc", "desc"):
        raise QueryError(f"Syntax error in $orderby '{part}': the direction is asc or desc.")
    return f'"{shape.fields[name].name}" {"DESC" if direction.strip().lower() == "desc" else "ASC"}'


def _whole(options: Mapping[str, str], name: str) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        raise QueryError(f"Invalid value '{text}' for {name} query option found. A non-negative integer is needed.")
    return min(int(text), _LARGEST)


def _truth(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name, "false").lower()
    if text not in ("true", "false"):
        raise QueryError(f"Invalid value '{text}' for {name} query option found. Valid values are 'true' or 'false'.")
    return text == "true"


def reader(column: Field, *, options: bool, null_dates: bool, numbers: bool = False) -> Callable[[Any], Any]:
    """How a stored value is shown: decimals exact, dates as they are, enums by member name, as an option number of a
    virtual table (`options`), or as Finance's own integer (`numbers`)."""
    if column.is_enum and options:
        return lambda value: FIRST_OPTION + ENUMS[column.type].index(value)
    if column.is_enum and numbers:
        return lambda value: ENUM_MEMBERS[column.type].get(value, value)
    if column.type in ("Decimal", "Line"):
        return lambda value: None if value is None else Decimal(str(value))
    if column.type == "Boolean":
        return lambda value: None if value is None else bool(value)
    if column.type == "DateTimeOffset" and null_dates:
        return lambda value: None if value == NO_DATE else value
    return lambda value: value
