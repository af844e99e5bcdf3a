"""Conditions of a slice as predicates of the engine's tree. Text is compared byte for byte."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from sqlglot import exp

from cubes.rules.shape import DECIMAL_DIGITS, ColumnShape, DataType
from cubes.rules.slices import Condition, Operator
from cubes.rules.values import parse


def literal(value: str, column: ColumnShape) -> exp.Expression:
    """`value` as a constant of the column's type. ValueError when it is none."""
    parsed = parse(value, column.data_type, column.precision)
    if isinstance(parsed, bool):
        return exp.Boolean(this=parsed)
    if isinstance(parsed, date):
        return exp.cast(exp.Literal.string(parsed.isoformat()), exp.DataType.Type.DATE)
    if isinstance(parsed, Decimal):
        decimal = exp.DataType.build(f"DECIMAL({DECIMAL_DIGITS}, {column.precision})")
        return exp.cast(exp.Literal.string(value), decimal)
    if isinstance(parsed, int):
        return exp.cast(exp.Literal.string(value), exp.DataType.Type.BIGINT)
    return exp.Literal.string(parsed)


def predicate(condition: Condition, value: exp.Expression, column: ColumnShape) -> exp.Expression:
    """The predicate of `condition` over `value`, the expression of its column."""
    return _PREDICATES[condition.operator](condition, value, column)


def _blank(value: exp.Expression, column: ColumnShape) -> exp.Expression:
    missing = exp.Is(this=value.copy(), expression=exp.Null())
    if column.data_type is not DataType.TEXT:
        return missing
    return exp.paren(exp.or_(missing, exp.EQ(this=value.copy(), expression=exp.Literal.string(""))), copy=False)


def _in(condition: Condition, value: exp.Expression, column: ColumnShape) -> exp.Expression:
    constants = [literal(text, column) for text in condition.values if text]
    parts: list[exp.Expression] = [exp.In(this=value.copy(), expressions=constants)] if constants else []
    if "" in condition.values:
        parts.append(_blank(value, column))
    return exp.paren(exp.or_(*parts), copy=False)


def _not_in(condition: Condition, value: exp.Expression, column: ColumnShape) -> exp.Expression:
    """Without the COALESCE a blank row would be neither in nor not in, and be lost."""
    return exp.not_(exp.Coalesce(this=_in(condition, value, column), expressions=[exp.false()]))


def _between(condition: Condition, value: exp.Expression, column: ColumnShape) -> exp.Expression:
    first, last = condition.values
    return exp.Between(this=value.copy(), low=literal(first, column), high=literal(last, column))


def _any_of(
    build: type[exp.Contains] | type[exp.StartsWith],
) -> Callable[[Condition, exp.Expression, ColumnShape], exp.Expression]:
    def any_of(condition: Condition, value: exp.Expression, column: ColumnShape) -> exp.Expression:
        parts = [build(this=value.copy(), expression=literal(text, column)) for text in condition.values]
        return exp.paren(exp.or_(*parts), copy=False)

    return any_of


_PREDICATES: dict[Operator, Callable[[Condition, exp.Expression, ColumnShape], exp.Expression]] = {
    Operator.IN: _in,
    Operator.NOT_IN: _not_in,
    Operator.BETWEEN: _between,
    Operator.CONTAINS: _any_of(exp.Contains),
    Operator.BEGINS: _any_of(exp.StartsWith),
    Operator.BLANK: lambda condition, value, column: _blank(value, column),
    Operator.NOT_BLANK: lambda condition, value, column: exp.not_(_blank(value, column)),
}
