"""$filter to SQL: the grammar is odata-query's; names, types and dialect are those of the set that is asked."""

import re
from typing import Any

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser
from odata_query.sql.sqlite import AstToSqliteSqlVisitor

from sandbox.entities import ENUMS, Field
from sandbox.filter_kinds import ENUM_MARK, QueryError, Shape, kind
from sandbox.literals import instant

_LITERALS = re.compile(r"'(?:[^']|'')*'|Microsoft\.Dynamics\.DataEntities\.(?P<enum>\w+)'(?P<member>\w*)'")
FIRST_OPTION = (
    200_000_000  # virtual tables number their options; the numbers are not stable from one environment to the next
)


def parse_filter(text: str) -> ast._Node:
    def mark(match: re.Match[str]) -> str:
        return f"'{ENUM_MARK}{match['enum']}:{match['member']}'" if match["enum"] else match[0]

    if ENUM_MARK in text:
        raise QueryError("Syntax error in $filter: the character 0x00 is not allowed.")
    try:
        tree: ast._Node | None = ODataParser().parse(ODataLexer().tokenize(_LITERALS.sub(mark, text)))
    except ODataException as error:
        raise QueryError(f"Syntax error in $filter '{text}': {type(error).__name__}.") from None
    if tree is None:
        raise QueryError(f"Syntax error in $filter '{text}'.")
    return tree


def condition(text: str, shape: Shape) -> tuple[str, list[Any]]:
    """The filter as a SQL condition with its values; QueryError for whatever Finance would refuse."""
    visitor = FilterToSql(shape)
    try:
        tree = parse_filter(text)
        if kind(tree, shape) != "truth":
            raise QueryError("The query filter must be a single boolean value.")
        return visitor.visit(tree), visitor.parameters
    except RecursionError:
        raise QueryError("The node count limit of $filter has been exceeded.") from None
    except ODataException as error:
        raise QueryError(f"The $filter expression is not supported: {type(error).__name__}.") from None


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
        if not node.val.startswith(ENUM_MARK):
            return self.bind(node.val)
        enum, _, member = node.val[1:].partition(":")
        if member not in ENUMS.get(enum, ()):
            raise QueryError(f"The string '{member}' is not a valid enumeration type constant.")
        return self.bind(member)

    def visit_Integer(self, node: ast.Integer) -> str:
        if self._compared is not None and self._compared.is_enum:
            return self.bind(_member(self._compared, int(node.val)))
        if self.shape.wildcards:
            return self._number(node.val)
        return self.bind(node.val if self._compared and self._compared.type == "Decimal" else int(node.val))

    def visit_Float(self, node: ast.Float) -> str:
        return self._number(node.val) if self.shape.wildcards else self.bind(node.val)

    def _number(self, text: str) -> str:
        """Bound as text, however long it is: the column beside it decides how it is compared."""
        return self.bind(text) if self._compared is not None else f"CAST({self.bind(text)} AS NUMERIC)"

    def visit_GUID(self, node: ast.GUID) -> str:
        return self.bind(node.val.lower())

    def visit_Date(self, node: ast.Date) -> str:
        return self.bind(f"{node.val}T00:00:00Z")

    def visit_DateTime(self, node: ast.DateTime) -> str:
        try:
            return self.bind(instant(node.val))
        except ValueError:
            raise QueryError(f"'{node.val}' is no date and time.") from None

    def visit_BoolOp(self, node: ast.BoolOp) -> str:
        self._need(node.left, "truth")
        self._need(node.right, "truth")
        return str(super().visit_BoolOp(node))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> str:
        if isinstance(node.op, ast.Not):
            self._need(node.operand, "truth")
            return f"NOT ({self.visit(node.operand)})"
        if isinstance(node.operand, ast.Integer | ast.Float):
            return self._number(f"-{node.operand.val}")
        raise QueryError("Only a number can be negated.")

    def _need(self, node: ast._Node, wanted: str) -> None:
        found = kind(node, self.shape) if self.shape.wildcards else wanted
        if found not in (wanted, "null"):
            raise QueryError(f"A value of the kind '{wanted}' is needed, and '{found}' was found.")

    def visit_Compare(self, node: ast.Compare) -> str:
        outer, self._compared = self._compared, self._side(node)
        try:
            if self.shape.wildcards:
                self._check(node)
                if (pattern := _pattern(node)) is not None:
                    return f"lower({self.visit(node.left)}) GLOB {self.bind(pattern)}"
            return str(super().visit_Compare(node))
        finally:
            self._compared = outer

    def _check(self, node: ast.Compare) -> None:
        if isinstance(node.comparator, ast.In):
            raise QueryError("The operator 'in' is not supported.")
        left, right = kind(node.left, self.shape), kind(node.right, self.shape)
        if left != right and "null" not in (left, right):
            raise QueryError(
                "A binary operator with incompatible types was detected. "
                f"Found operand types '{left}' and '{right}' for operator kind '{type(node.comparator).__name__}'."
            )
        if left.startswith("enum:") and not isinstance(node.comparator, ast.Eq | ast.NotEq):
            raise QueryError("Enumerations can be compared with eq and ne only.")

    def _side(self, node: ast.Compare) -> Field | None:
        for side in (node.left, node.right):
            if isinstance(side, ast.Identifier):
                return self.shape.field(side.name)
        return None

    def sqlfunc_contains(self, *args: ast._Node) -> str:
        left, right = self._texts(args)
        return f"instr(lower({left}), lower({right})) > 0"

    def sqlfunc_startswith(self, *args: ast._Node) -> str:
        left, right = self._texts(args)
        return f"instr(lower({left}), lower({right})) = 1"

    def sqlfunc_endswith(self, *args: ast._Node) -> str:
        left, right = self._texts(args)
        again = self.visit(args[1])
        return f"substr(lower({left}), -length({right})) = lower({again})"

    def _texts(self, args: tuple[ast._Node, ...]) -> list[str]:
        for node in args:
            self._need(node, "text")
        return [self.visit(node) for node in args]


def _pattern(node: ast.Compare) -> str | None:
    """The value of `eq '*x*'` as a GLOB pattern; None when the comparison is none of that."""
    if not isinstance(node.right, ast.String) or not isinstance(node.comparator, ast.Eq):
        return None
    value = node.right.val
    if len(value) < 2 or not (value.startswith("*") or value.endswith("*")):
        return None
    return re.sub(r"([\[\?])", r"[\1]", value.lower())


def _member(enum: Field, option: int) -> str:
    members = ENUMS[enum.type]
    index = option - FIRST_OPTION
    return members[index] if 0 <= index < len(members) else ""
