"""From cube rows to budget register entry lines: one SELECT on top of the cube's relation.

Amounts are summed exactly and rounded once per line, half away from zero, to the currency's minor units.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from connections.rules.facts import BudgetSchema
from cubes.engine import Engine
from cubes.rules.slices import ColumnRef
from exports.money import minor_units
from exports.rules.configuration import (
    AMOUNT,
    AMOUNT_TYPE,
    CURRENCY,
    DATE,
    Configuration,
    LineDetail,
    Source,
)


@dataclass(frozen=True)
class LineShape:
    """What Finance dictates: order of the segments, their delimiter, the currency of lines that name none."""

    segments: tuple[str, ...]
    delimiter: str
    currency: str
    currencies: frozenset[str]

    @classmethod
    def of(cls, schema: BudgetSchema) -> "LineShape":
        return cls(schema.segments, schema.delimiter, schema.accounting_currency, schema.currencies)


@dataclass(frozen=True)
class Total:
    """Lines of one amount type and currency: how many, their exact sum in the cube, their sum as sent."""

    amount_type: str
    currency: str
    lines: int
    rows: int
    exact: Decimal
    amount: Decimal


def line_select(
    *, engine: Engine, chosen: Configuration, shape: LineShape, detail: LineDetail | None = None
) -> exp.Select:
    """The lines: line_number, s_0…s_n (segments in format order), display_value, date, amount_type, currency,
    exact, amount, source_rows. Unmapped targets come as NULL, so that a half-filled pane can count already."""
    keys = [f"s_{i}" for i in range(len(shape.segments))] + ["date", "amount_type", "currency"]
    rows = _mapped_rows(engine, chosen, shape)
    if (detail or chosen.line_detail) is LineDetail.AGGREGATE:
        summed = (
            exp.select(*keys, "SUM(amount) AS exact", "COUNT(*) AS source_rows")
            .from_(rows.subquery("r"))
            .group_by(*keys)
        )
    else:
        summed = exp.select(*keys, "amount AS exact", "1 AS source_rows").from_(rows.subquery("r"))
    # By what the lines say and not by their place in the file: the same rows in any order make the same package.
    numbered = ", ".join([*keys, "exact"])
    return exp.select(
        f"ROW_NUMBER() OVER (ORDER BY {numbered}) AS line_number",
        *keys,
        exp.alias_(_display_value(shape), "display_value"),
        "exact",
        exp.alias_(_rounded(chosen, shape), "amount"),
        "source_rows",
    ).from_(summed.subquery("l"))


def _mapped_rows(engine: Engine, chosen: Configuration, shape: LineShape) -> exp.Select:
    sources = {f"s_{i}": chosen.source(name) for i, name in enumerate(shape.segments)}
    sources |= {"date": chosen.source(DATE), "amount_type": chosen.source(AMOUNT_TYPE)}
    sources["currency"] = chosen.source(CURRENCY) or Source(constant=shape.currency)
    columns = {alias: ColumnRef.parse(s.column) for alias, s in sources.items() if s.column}
    driver = chosen.source(AMOUNT).column
    relation = engine.relation(chosen.slice, columns=columns, drivers={"amount": driver} if driver else {})
    wanted: list[exp.Expr] = [_field(alias, source) for alias, source in sources.items()]
    amount = exp.column("amount") if driver else exp.cast(exp.Literal.number(0), "DECIMAL(38,2)")
    return exp.select(*wanted, exp.alias_(amount, "amount")).from_(relation.subquery("f"))


def _field(alias: str, source: Source) -> exp.Expr:
    if source.column:
        return exp.column(alias)
    kind = "DATE" if alias == "date" else "TEXT"
    value = exp.Literal.string(source.constant) if source.constant else exp.null()
    return exp.alias_(exp.cast(value, kind), alias)


def _display_value(shape: LineShape) -> exp.Expr:
    parts: list[exp.Expr] = []
    for index in range(len(shape.segments)):
        if index:
            parts.append(exp.Literal.string(shape.delimiter))
        parts.append(exp.func("COALESCE", exp.column(f"s_{index}"), exp.Literal.string("")))
    if not parts:
        return exp.Literal.string("")
    value = parts[0]
    for part in parts[1:]:
        value = exp.DPipe(this=value, expression=part)
    return value


def _rounded(chosen: Configuration, shape: LineShape) -> exp.Expr:
    source = chosen.source(CURRENCY)
    used = shape.currencies if source.column else {source.constant or shape.currency}
    by_digits: dict[int, list[str]] = {}
    for currency in sorted(used):
        by_digits.setdefault(minor_units(currency), []).append(currency)
    widest = max(by_digits, default=2)
    case = exp.Case()
    for digits, names in sorted(by_digits.items()):
        names_in = exp.column("currency").isin(*(exp.Literal.string(name) for name in names))
        case = case.when(names_in, _round(digits, widest))
    return case.else_(_round(widest, widest))


def _round(digits: int, scale: int) -> exp.Expr:
    rounded = exp.func("ROUND", exp.column("exact"), exp.Literal.number(digits))
    return exp.cast(rounded, f"DECIMAL(38,{scale})")


def totals_select(lines: exp.Select) -> exp.Select:
    """Totals of a line select, one row per amount type and currency."""
    return (
        exp.select(
            "amount_type",
            "currency",
            "COUNT(*)",
            "SUM(source_rows)",
            "SUM(exact)",
            "SUM(amount)",
        )
        .from_(lines.subquery("t"))
        .group_by("amount_type", "currency")
        .order_by("amount_type", "currency")
    )


def totals_of(engine: Engine, lines: exp.Select) -> tuple[Total, ...]:
    """The totals of `lines`, exact."""
    return tuple(
        Total(kind or "", currency or "", int(count), int(rows), exact, amount)
        for kind, currency, count, rows, exact, amount in engine.rows(totals_select(lines))
    )


def rounding_difference(totals: tuple[Total, ...]) -> Decimal:
    """Sent minus exact, over all lines."""
    return sum((total.amount - total.exact for total in totals), Decimal(0))


def as_mapping(totals: tuple[Total, ...]) -> Mapping[tuple[str, str], Total]:
    return {(total.amount_type, total.currency): total for total in totals}
