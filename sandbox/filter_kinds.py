"""What the parts of a $filter are, so that a literal can be held against the property beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

from odata_query import ast

from sandbox.entities import Field

ENUM_MARK = "\x00"  # stands before `Type:Member` in a text literal that was written as an enumeration
_FUNCTIONS = ("contains", "startswith", "endswith")
_KINDS = {"Decimal": "number", "Line": "number", "Int32": "number", "Int64": "number", "DateTimeOffset": "instant"}
_LITERAL_KINDS: dict[type[ast._Node], str] = {
    ast.Integer: "number",
    ast.Float: "number",
    ast.Boolean: "truth",
    ast.DateTime: "instant",
    ast.Date: "date",
    ast.GUID: "guid",
    ast.Compare: "truth",
    ast.BoolOp: "truth",
}


class QueryError(Exception):
    """A query that cannot be answered: unknown property, wrong literal, broken syntax."""


@dataclass(frozen=True)
class Shape:
    """How one dialect shows a set: wire name → field.

    `options`: enums are numbers, as in virtual tables. `wildcards`: Finance's dialect, with `eq '*x*'`, without `in`
    and `has`, and with every literal held against the type of what it is compared with.
    """

    table: str
    fields: Mapping[str, Field]
    keys: tuple[str, ...]
    options: bool = False
    wildcards: bool = False

    def field(self, name: str) -> Field:
        if name not in self.fields:
            raise QueryError(f"Could not find a property named '{name}' on type '{self.table}'.")
        return self.fields[name]


def kind(node: ast._Node, shape: Shape) -> str:
    """What a part of the filter is: text, number, instant, truth, enum:<Type> …; null fits all."""
    if isinstance(node, ast.Identifier):
        field = shape.field(".".join((*node.namespace, node.name)))
        return f"enum:{field.type}" if field.is_enum else _KINDS.get(field.type, _plain(field))
    if isinstance(node, ast.String):
        is_member = node.val.startswith(ENUM_MARK)
        return f"enum:{node.val[1:].partition(':')[0]}" if is_member else "text"
    if isinstance(node, ast.UnaryOp):
        return "truth" if isinstance(node.op, ast.Not) else kind(node.operand, shape)
    if isinstance(node, ast.Call) and node.func.name in _FUNCTIONS:
        return "truth"
    if isinstance(node, ast.Null):
        return "null"
    if type(node) in _LITERAL_KINDS:
        return _LITERAL_KINDS[type(node)]
    raise QueryError(f"The $filter expression is not supported: {type(node).__name__}.")


def _plain(field: Field) -> str:
    return {"Boolean": "truth", "Guid": "guid", "Binary": "binary"}.get(field.type, "text")
