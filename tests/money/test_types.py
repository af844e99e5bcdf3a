"""No float on the way of an amount: neither in what the files hold, nor in what the engine answers, nor in the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

from cubes.engine import open_engine
from cubes.rules.security import EVERYTHING
from cubes.rules.slices import ColumnRef, Slice
from exports import frozen
from exports.lines import line_select, totals_select

from .oracle import Wish
from .plans import DAYS, Dimension, Plan
from .product import configuration, loaded, send, shape, undone

ROOT = Path(__file__).parents[2]
COLUMNS = (
    ("Name", "StringType"),
    ("Day", "DateType"),
    ("Rank", "IntegerType"),
    ("Rate", "DecimalType"),
    ("Open", "BooleanType"),
)
KEY = (("Name", "StringType"),)
PLAN = Plan(
    (
        Dimension("Account", KEY, (("0800",),)),
        Dimension("Period", COLUMNS, (("Jul", DAYS[0], "1", "0.50", "true"),)),
        Dimension("Kind", KEY, (("Expense",),)),
        Dimension("Currency", KEY, (("USD",), ("JPY",))),
        Dimension("Other", KEY, (("x",),)),
    ),
    (("Amount", 6), ("Hours", 0)),
    (("0800", "Jul", "Expense", "USD", "x", "0.005", "1"), ("0800", "Jul", "Expense", "JPY", "x", "0.5", "1")),
)
WISH = Wish((("Account.Name", ""),), ("Period.Day", ""), ("Kind.Name", ""), ("Currency.Name", ""), driver="Amount")


def floats(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if pa.types.is_floating(field.type)]


@pytest.mark.django_db
@pytest.mark.parametrize("per_record", [False, True])
def test_no_column_on_the_way_is_a_float(per_record: bool) -> None:
    wish = Wish(WISH.segments, WISH.day, WISH.kind, WISH.currency, WISH.driver, per_record=per_record)
    with undone():
        snapshot = loaded(PLAN)
        files = sorted(snapshot.path.glob("*.parquet"))
        assert len(files) == 1 + len(PLAN.dimensions)
        schemas = {path.name: pq.read_schema(path) for path in files}
        with open_engine(snapshot, EVERYTHING) as engine:
            refs = {f"c{at}": ColumnRef("Period", name) for at, (name, _) in enumerate(COLUMNS)}
            drivers = {f"m{at}": name for at, (name, _) in enumerate(PLAN.drivers)}
            relation = engine.relation(Slice(), refs, drivers, row_no=True)
            schemas["relation"] = engine.arrow(relation).schema
            sums = [exp.alias_(exp.func("sum", exp.column(alias)), alias) for alias in drivers]
            schemas["sums"] = engine.arrow(exp.select(*sums).from_(relation.subquery("f"))).schema
            lines = line_select(engine=engine, chosen=configuration(wish), shape=shape(wish))
            schemas["lines"] = engine.arrow(lines).schema
            schemas["totals"] = engine.arrow(totals_select(lines)).schema
        sent = send(snapshot, wish)
        schemas["frozen"] = pq.read_schema(sent.run.folder / frozen.LINES)
        assert {name: floats(schema) for name, schema in schemas.items() if floats(schema)} == {}
        for name, column in (("lines", "exact"), ("lines", "amount"), ("frozen", "exact"), ("frozen", "amount")):
            assert pa.types.is_decimal(schemas[name].field(column).type)
        assert floats(frozen.READ_BACK_SCHEMA) == []
        # text in the package, with the point of plain numbers
        assert {row["TRANSACTIONCURRENCYAMOUNT"] for row in sent.records} == {"0.010", "1.000"}


# Where a float is meant: seconds, sizes, a retry's wait. Each place with its reason; none is an amount.
FLOATS_MEANT = {
    "bpp_portal/settings.py": "seconds",
    "connections/entra_application.py": "seconds that a token lives",
    "connections/rules/wire.py": "seconds to wait",
    "cubes/reporting/downloads.py": "cells of at most 15 digits, which a float keeps",
    "cubes/intake/cells.py": "counts the digits of a float that a file holds",
}
NO_AMOUNT = {
    "cubes/engine/formulas.py .Div": "refuses division",
    "cubes/engine/formulas.py .IntDiv": "refuses division",
    "exports/operations/from_dataverse/pages.py Sum": "counts requests",
}
PRODUCT = ("bpp_portal", "connections", "cubes", "exports")
FUNCTIONS = {"float", "avg", "Avg", "mean", "Sum", "StdDev", "Variance"}
METHODS = {"df", "fetchdf", "to_pandas", "float", "mean", "avg", "Avg", "Sum"}
SQL = ("avg(", "::float", "::double", "as double", "as float", "as real", "mean(")


def traps(path: Path) -> Iterator[tuple[str, int]]:
    """Lines of a module that make floats of amounts: known calls, and SQL that divides or takes a mean."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = ""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            name = node.func.id
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            name = f".{node.func.attr}"
        if isinstance(node, ast.Attribute) and node.attr in ("Avg", "Div", "IntDiv", "float64", "DOUBLE", "FLOAT"):
            name = f".{node.attr}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = next((f"SQL {word}" for word in SQL if word in node.value.lower()), "")
            name = name or ("SQL /" if "SELECT" in node.value and " / " in node.value else "")
        if name:
            yield f"{path.relative_to(ROOT).as_posix()} {name}", getattr(node, "lineno", 0)


def test_product_code_has_none_of_the_known_traps() -> None:
    found = [
        f"{trap} in line {line}"
        for package in PRODUCT
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
        for trap, line in traps(path)
        if trap not in NO_AMOUNT and trap.partition(" ")[0] not in FLOATS_MEANT
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "connection.sql(q).df()",
        "float(total)",
        "Run.objects.aggregate(models.Sum('x'))",
        "a = exp.Div(this=x)",
        "q = 'SELECT avg(amount) FROM t'",
        "q = f'SELECT amount / {n} FROM t'",
        "x = 'amount::DOUBLE'",
    ],
)
def test_the_traps_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "module.py").write_text(code + "\n")
    assert len(list(traps(tmp_path / "module.py"))) == 1
