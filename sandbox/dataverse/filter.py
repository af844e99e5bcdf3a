"""Dataverse's own $filter: dates without a time, rows that a lookup points at, literals of the property's type."""

import re
import uuid

from odata_query import ast

from sandbox.dataverse.session import Tables
from sandbox.dataverse.table import Column, Table
from sandbox.filter_kinds import QueryError, Shape, kind
from sandbox.filters import FilterToSql

_EDM = {"text": "Edm.String", "number": "Edm.Decimal", "instant": "Edm.DateTimeOffset", "date": "Edm.Date"}
_EDM |= {"truth": "Edm.Boolean", "guid": "Edm.Guid", "binary": "Edm.Binary"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d(T|$)", re.ASCII)
_ALIKE = ({"instant", "date"},)  # kinds that can be compared though they are not the same

# The visitor of the library names its methods after the classes of the grammar, hence N802.


class DataverseFilter(FilterToSql):
    """Every literal is held against the type of the property beside it; a guid may also stand in quotes."""

    def __init__(self, shape: Shape, tables: Tables, table: Table) -> None:
        super().__init__(shape)
        self._tables, self._table = tables, table

    def condition(self, tree: ast._Node) -> str:
        """The whole filter, which has to be true or false."""
        self._need(tree, "truth")
        return str(self.visit(tree))

    def visit_Compare(self, node: ast.Compare) -> str:  # noqa: N802
        if isinstance(node.comparator, ast.In):
            for literal in getattr(node.right, "val", ()):
                self._check_pair(node, node.left, literal, is_quoted=True)
        else:
            self._check_pair(node, node.left, node.right)
        return super().visit_Compare(node)

    def visit_Date(self, node: ast.Date) -> str:  # noqa: N802
        return self.bind(node.val if self._compared and self._compared.type == "Date" else f"{node.val}T00:00:00Z")

    def visit_Boolean(self, node: ast.Boolean) -> str:  # noqa: N802
        return self.bind(int(node.val.lower() == "true"))

    def visit_Attribute(self, node: ast.Attribute) -> str:  # noqa: N802
        target, column, lookup = self._followed(node)
        # both sides are qualified: the same names may occur in both tables
        return (
            f'(SELECT x."{node.attr}" FROM {target.source} x WHERE x."{target.primary_id}" = t."{lookup.wire}") '
            f"{_collation(column)}"
        )

    def _followed(self, node: ast.Attribute) -> tuple[Table, Column, Column]:
        """The table behind a lookup, the column asked of it, and the lookup."""
        if not isinstance(node.owner, ast.Identifier):
            raise QueryError("Only one level of navigation is supported in $filter.")
        lookup = self._table.navigations.get(node.owner.name.lower())
        target = self._tables.by_name.get(lookup.target) if lookup else None
        if lookup is None or target is None:
            raise QueryError(f"Could not find a property named '{node.owner.name}' on type '{self.shape.table}'.")
        if node.attr not in target.by_wire:
            raise QueryError(f"Could not find a property named '{node.attr}' on type '{target.type_name}'.")
        return target, target.by_wire[node.attr], lookup

    def _kind(self, node: ast._Node) -> str:
        if isinstance(node, ast.Attribute):
            target, column, _ = self._followed(node)
            return self._kind_of(target, column.wire)
        if isinstance(node, ast.Identifier):
            self.shape.field(node.name)
            return self._kind_of(self._table, node.name)
        return kind(node, self.shape)

    def _kind_of(self, table: Table, wire: str) -> str:
        field = table.fields[wire]
        return "date" if field.type == "Date" else kind(ast.Identifier(wire), Shape("", table.fields, ()))

    def _need(self, node: ast._Node, wanted: str) -> None:
        found = self._kind(node)
        if found not in (wanted, "null"):
            raise QueryError(
                f"A value of the type '{_EDM[wanted]}' is needed, and '{_EDM.get(found, found)}' was found."
            )

    def _check_pair(self, node: ast.Compare, one: ast._Node, other: ast._Node, *, is_quoted: bool = False) -> None:
        left, right = self._kind(one), self._kind(other)
        if left == right or "null" in (left, right) or {left, right} in _ALIKE or _is_quoted_value(other, left):
            return
        if _is_quoted_value(one, right) or (is_quoted and _reads_as(other, left)):
            return
        raise QueryError(
            "A binary operator with incompatible types was detected. Found operand types "
            f"'{_EDM.get(left, left)}' and '{_EDM.get(right, right)}' for operator kind "
            f"'{_OPERATORS.get(type(node.comparator).__name__, type(node.comparator).__name__)}'."
        )


_OPERATORS = {"Eq": "Equal", "NotEq": "NotEqual", "Lt": "LessThan", "LtE": "LessThanOrEqual"}
_OPERATORS |= {"Gt": "GreaterThan", "GtE": "GreaterThanOrEqual"}


def _is_quoted_value(node: ast._Node, beside: str) -> bool:
    """Whether a text in quotes stands beside a guid or a date and is one; Microsoft's own client quotes dates."""
    if not isinstance(node, ast.String):
        return False
    if beside in ("date", "instant"):
        return _DAY.match(node.val) is not None
    if beside != "guid":
        return False
    try:
        uuid.UUID(node.val)
    except ValueError:
        return False
    return True


def _reads_as(node: ast._Node, wanted: str) -> bool:
    """Whether a value of Microsoft.Dynamics.CRM.In, which are all in quotes, reads as what the property is."""
    if wanted != "number" or not isinstance(node, ast.String):
        return wanted in ("instant", "date", "truth")
    return node.val.removeprefix("-").replace(".", "", 1).isdecimal()


def _collation(column: Column) -> str:
    return {"Decimal": "COLLATE DECIMAL", "Int32": "", "Boolean": ""}.get(column.field.type, "COLLATE NOCASE")
