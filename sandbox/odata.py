"""OData query options to SQL: the grammar is odata-query's, the names and types are those of the entity set."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser
from odata_query.sql.sqlite import AstToSqliteSqlVisitor

from sandbox.entities import ENUMS, NO_DATE, Field

_LITERALS = re.compile(r"'(?:[^']|'')*'|Microsoft\.Dynamics\.DataEntities\.(?P<enum>\w+)'(?P<member>\w*)'")
_ENUM_MARK = "\x00"
FIRST_OPTION = (
    200_000_000  # virtual tables number their options; the numbers are not stable from one environment to the next
)


class QueryError(Exception):
    """A query that cannot be answered: unknown property, wrong literal, broken syntax."""


@dataclass(frozen=True)
class Shape:
    """How one dialect shows a set: wire name → field. `options`: enums are numbers, as in virtual tables."""

    table: str
    fields: Mapping[str, Field]
    keys: tuple[str, ...]
    options: bool = False
    wildcards: bool = False

    def field(self, name: str) -> Field:
        if name not in self.fields:
            raise QueryError(f"Could not find a property named '{name}' on type '{self.table}'.")
        return self.fields[name]


@dataclass
class Query:
    where: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    select: tuple[str, ...] = ()
    order: list[str] = field(default_factory=list)
    top: int | None = None
    skip: int = 0
    count: bool = False

    def restrict(self, sql: str, *parameters: Any) -> None:
        self.where.append(sql)
        self.parameters.extend(parameters)

    def condition(self) -> str:
        return " WHERE " + " AND ".join(f"({part})" for part in self.where) if self.where else ""


def parse_query(options: Mapping[str, str], shape: Shape) -> Query:
    query = Query(count=options.get("$count", "").lower() == "true")
    if options.get("$filter"):
        visitor = FilterToSql(shape)
        query.restrict(visitor.visit(_tree(options["$filter"])), *visitor.parameters)
    if options.get("$select"):
        query.select = tuple(name.strip() for name in options["$select"].split(","))
        for name in query.select:
            shape.field(name)
    query.order = [_order(part, shape) for part in options.get("$orderby", "").split(",") if part.strip()]
    query.order += [f'"{key}"' for key in shape.keys]
    query.top = _whole(options, "$top")
    query.skip = _whole(options, "$skip") or 0
    return query


def _tree(text: str) -> ast._Node:
    def mark(match: re.Match[str]) -> str:
        return f"'{_ENUM_MARK}{match['member']}'" if match["enum"] else match[0]

    try:
        tree: ast._Node = ODataParser().parse(ODataLexer().tokenize(_LITERALS.sub(mark, text)))
        return tree
    except ODataException as error:
        raise QueryError(f"Syntax error in $filter '{text}': {type(error).__name__}.") from None


def _order(part: str, shape: Shape) -> str:
    name, _, direction = part.strip().partition(" ")
    shape.field(name)
    return f'"{shape.fields[name].name}" {"DESC" if direction.strip().lower() == "desc" else "ASC"}'


def _whole(options: Mapping[str, str], name: str) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise QueryError(f"Invalid value '{text}' for {name} query option found. A non-negative integer is needed.")
    return int(text)


class FilterToSql(AstToSqliteSqlVisitor):
    """The library's visitor with bound values, our column names, and literals checked against the field's type."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.parameters: list[Any] = []
        self._compared: Field | None = None

    def bind(self, value: Any) -> str:
        self.parameters.append(value)
        return "?"

    def visit_Identifier(self, node: ast.Identifier) -> str:
        return f'"{self.shape.field(node.name).name}"'

    def visit_String(self, node: ast.String) -> str:
        is_member = node.val.startswith(_ENUM_MARK)
        compared = self._compared
        if compared is not None and compared.is_enum != is_member and not self.shape.options:
            raise QueryError(f"A binary operator with incompatible types was detected for '{compared.name}'.")
        if is_member and compared is not None and node.val[1:] not in ENUMS[compared.type]:
            raise QueryError(f"The string '{node.val[1:]}' is not a valid enumeration type constant.")
        return self.bind(node.val.lstrip(_ENUM_MARK))

    def visit_Integer(self, node: ast.Integer) -> str:
        if self._compared is not None and self._compared.is_enum:
            return self.bind(_member(self._compared, int(node.val)))
        return self.bind(node.val if self._compared and self._compared.type == "Decimal" else int(node.val))

    def visit_Float(self, node: ast.Float) -> str:
        return self.bind(node.val)

    def visit_GUID(self, node: ast.GUID) -> str:
        return self.bind(node.val.lower())

    def visit_Date(self, node: ast.Date) -> str:
        return self.bind(f"{node.val}T00:00:00Z")

    def visit_DateTime(self, node: ast.DateTime) -> str:
        return self.bind(node.val if node.val.endswith("Z") else f"{node.val}Z")

    def visit_Compare(self, node: ast.Compare) -> str:
        outer, self._compared = self._compared, self._side(node)
        try:
            if self.shape.wildcards and isinstance(node.right, ast.String) and isinstance(node.comparator, ast.Eq):
                value = node.right.val
                if len(value) > 1 and (value.startswith("*") or value.endswith("*")):
                    pattern = re.sub(r"([\[\?])", r"[\1]", value.lower())
                    return f"lower({self.visit(node.left)}) GLOB {self.bind(pattern)}"
            return str(super().visit_Compare(node))
        finally:
            self._compared = outer

    def _side(self, node: ast.Compare) -> Field | None:
        for side in (node.left, node.right):
            if isinstance(side, ast.Identifier):
                return self.shape.field(side.name)
        return None

    def sqlfunc_contains(self, *args: ast._Node) -> str:
        left, right = map(self.visit, args)
        return f"instr(lower({left}), lower({right})) > 0"

    def sqlfunc_startswith(self, *args: ast._Node) -> str:
        left, right = map(self.visit, args)
        return f"instr(lower({left}), lower({right})) = 1"

    def sqlfunc_endswith(self, *args: ast._Node) -> str:
        left, right = self.visit(args[0]), self.visit(args[1])
        again = self.visit(args[1])
        return f"substr(lower({left}), -length({right})) = lower({again})"


def _member(enum: Field, option: int) -> str:
    members = ENUMS[enum.type]
    index = option - FIRST_OPTION
    return members[index] if 0 <= index < len(members) else ""


def reader(column: Field, *, options: bool, null_dates: bool) -> Callable[[Any], Any]:
    """How a stored value is shown: decimals exact, enums by member name or as an option number, dates as they are."""
    if column.is_enum and options:
        return lambda value: FIRST_OPTION + ENUMS[column.type].index(value)
    if column.type in ("Decimal", "Line"):
        return lambda value: None if value is None else Decimal(value)
    if column.type == "Boolean":
        return lambda value: None if value is None else bool(value)
    if column.type == "DateTimeOffset" and null_dates:
        return lambda value: None if value == NO_DATE else value
    return lambda value: value
