"""Formulas of calculated drivers: a small, closed part of the expressions that the parser knows, computed exactly.

A formula gives one amount for every fact, from its drivers. Everything on the way is DECIMAL(38, s): a sum keeps the
decimals of its longer part, a product those of both. The end is rounded once, half away from zero. Division is left
out, because its result has no exact end.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from bpp_portal.kernel.problems import Problem
from cubes.rules.shape import DECIMAL_DIGITS, CalculatedShape, DriverShape

WIDEST = 38
MOST_DECIMALS = 20
MOST_PARTS = 200
LONGEST = 1_000
ALLOWED = "Use drivers, numbers, + - *, parentheses, comparisons, AND, OR, NOT, CASE, IF, ROUND, ABS and COALESCE"
_NUMBER = re.compile(r"[0-9]{1,32}(\.[0-9]{1,20})?")
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


class FormulaRefused(ValueError):
    """The text is no formula over the drivers; the message is a sentence for people."""


@dataclass(frozen=True)
class _Amount:
    """A part of a formula that is an amount: its tree, and its decimals."""

    tree: exp.Expr
    decimals: int

    def as_decimals(self, decimals: int) -> exp.Expr:
        return _cast(self.tree, WIDEST, decimals)


def compile_formula(
    driver: CalculatedShape, drivers: Mapping[str, DriverShape], column: Callable[[DriverShape], exp.Expr]
) -> exp.Expr:
    """The formula of `driver` as a tree of the engine, DECIMAL(32, precision).

    `column` gives the tree of a driver. FormulaRefused when the text is none.
    """
    amount = _Compiler(drivers, column).amount(_parsed(driver.formula))
    return _cast(_cast(amount.tree, WIDEST, amount.decimals), DECIMAL_DIGITS, driver.precision)


def formula_problem(driver: CalculatedShape, drivers: Mapping[str, DriverShape]) -> Problem | None:
    """What is wrong with the formula of `driver`; None when it can be computed."""
    try:
        compile_formula(driver, drivers, lambda one: exp.column(one.logical_name, quoted=True))
    except FormulaRefused as error:
        return Problem("formula-unfit", f"The formula of {driver.name} cannot be used: {error}", "formula")
    return None


def _cast(tree: exp.Expr, digits: int, decimals: int) -> exp.Expr:
    # Not exp.cast(): it leaves a cast out when there is one to another DECIMAL already, and with it the rounding.
    return exp.Cast(this=tree, to=exp.DataType.build(f"DECIMAL({digits}, {decimals})"))


def _parsed(text: str) -> exp.Expr:
    if len(text) > LONGEST:
        raise FormulaRefused(f"It is longer than {LONGEST:,} characters. Shorten it.")
    try:
        tree = parse_one(text, dialect="duckdb")
        parts = sum(1 for _ in tree.walk())
    except (SqlglotError, RecursionError, ValueError):
        raise FormulaRefused(f"It cannot be read. {ALLOWED}, such as Price * Quantity.") from None
    if parts > MOST_PARTS:
        raise FormulaRefused("It has too many parts. Split it into shorter ones.")
    return tree


class _Compiler:
    """Walks what the parser read and builds a new tree of its own; a part that is not named here is refused."""

    def __init__(self, drivers: Mapping[str, DriverShape], column: Callable[[DriverShape], exp.Expr]) -> None:
        self._drivers = {name.casefold(): driver for name, driver in drivers.items()}
        self._column = column

    def amount(self, node: exp.Expr | None) -> _Amount:
        match node:
            case exp.Paren():
                return self.amount(node.this)
            case exp.Column():
                return self._driver(node)
            case exp.Literal(is_string=False):
                return self._number(str(node.this))
            case exp.Neg():
                part = self.amount(node.this)
                return _Amount(exp.Neg(this=exp.paren(part.tree)), part.decimals)
            case exp.Add() | exp.Sub():
                return self._sum(node)
            case exp.Mul():
                return self._product(node)
            case exp.Abs():
                part = self.amount(node.this)
                return _Amount(exp.Abs(this=part.as_decimals(part.decimals)), part.decimals)
            case exp.Round():
                return self._rounded(node)
            case exp.Coalesce():
                return self._first([node.this, *node.expressions])
            case exp.Case(this=None) if node.args.get("default") is not None:
                return self._case(node.args["ifs"], node.args["default"])
            case exp.If() if node.args.get("false") is not None:
                return self._case([node], node.args["false"])
        raise self._foreign(node)

    def condition(self, node: exp.Expr | None) -> exp.Expr:
        match node:
            case exp.Paren():
                return exp.paren(self.condition(node.this))
            case exp.Not():
                return exp.not_(exp.paren(self.condition(node.this)))
            case exp.And() | exp.Or():
                left, right = self.condition(node.this), self.condition(node.expression)
                return exp.paren(type(node)(this=left, expression=right))
        if isinstance(node, _COMPARISONS):
            first, second = self.amount(node.this), self.amount(node.expression)
            decimals = max(first.decimals, second.decimals)
            return type(node)(this=first.as_decimals(decimals), expression=second.as_decimals(decimals))
        raise self._foreign(node)

    def _driver(self, node: exp.Column) -> _Amount:
        driver = None if node.args.get("table") else self._drivers.get(node.name.casefold())
        if driver is None:
            have = ", ".join(one.name for one in self._drivers.values()) or "none"
            raise FormulaRefused(
                f"{node.sql('duckdb')[:80]} is not a driver that is loaded. There are: {have}. "
                'Put a name with blanks in double quotes, such as "Unit price".'
            )
        return _Amount(self._column(driver), driver.precision)

    def _number(self, text: str) -> _Amount:
        if not _NUMBER.fullmatch(text):
            raise FormulaRefused(f"{text[:80]} is not a plain number. Write digits with a point before the decimals.")
        decimals = len(text.partition(".")[2])
        return _Amount(_cast(exp.Literal.string(text), WIDEST, decimals), decimals)

    def _sum(self, node: exp.Add | exp.Sub) -> _Amount:
        first, second = self.amount(node.this), self.amount(node.expression)
        decimals = max(first.decimals, second.decimals)
        tree = type(node)(this=first.as_decimals(decimals), expression=second.as_decimals(decimals))
        return _Amount(exp.paren(tree), decimals)

    def _product(self, node: exp.Mul) -> _Amount:
        first, second = self.amount(node.this), self.amount(node.expression)
        decimals = first.decimals + second.decimals
        if decimals > MOST_DECIMALS:
            raise FormulaRefused(
                f"A product in it has {decimals} decimals, {MOST_DECIMALS} are kept exactly. ROUND a part of it."
            )
        factors = first.as_decimals(first.decimals), second.as_decimals(second.decimals)
        return _Amount(exp.paren(exp.Mul(this=factors[0], expression=factors[1])), decimals)

    def _rounded(self, node: exp.Round) -> _Amount:
        part, digits = self.amount(node.this), node.args.get("decimals")
        decimals = 0 if digits is None else _whole(digits)
        if any(value for key, value in node.args.items() if key not in ("this", "decimals")):
            raise self._foreign(node)
        return _Amount(_cast(part.as_decimals(part.decimals), WIDEST, decimals), decimals)

    def _first(self, nodes: list[exp.Expr]) -> _Amount:
        parts = [self.amount(node) for node in nodes]
        decimals = max(part.decimals for part in parts)
        trees = [part.as_decimals(decimals) for part in parts]
        return _Amount(exp.Coalesce(this=trees[0], expressions=trees[1:]), decimals)

    def _case(self, ifs: list[exp.If], default: exp.Expr) -> _Amount:
        parts = [(self.condition(one.this), self.amount(one.args["true"])) for one in ifs]
        otherwise = self.amount(default)
        decimals = max([otherwise.decimals, *(part.decimals for _, part in parts)])
        case = exp.Case(default=otherwise.as_decimals(decimals))
        for when, part in parts:
            case = case.when(when, part.as_decimals(decimals), copy=False)
        return _Amount(case, decimals)

    def _foreign(self, node: exp.Expr | None) -> FormulaRefused:
        if isinstance(node, exp.Div | exp.IntDiv | exp.Mod):
            return FormulaRefused(
                "Division has no exact result and is left out. Multiply by a decimal, such as * 0.25."
            )
        text = node.sql("duckdb")[:80] if node is not None else "nothing"
        return FormulaRefused(f"{text} is not possible there. {ALLOWED}.")


def _whole(node: exp.Expr) -> int:
    text = str(node.this) if isinstance(node, exp.Literal) and not node.is_string else ""
    if not re.fullmatch("[0-9]{1,2}", text) or int(text) > MOST_DECIMALS:
        raise FormulaRefused(f"ROUND takes a number of decimals from 0 to {MOST_DECIMALS}.")
    return int(text)
