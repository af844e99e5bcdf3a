"""Calculated drivers: what a formula may be, and that it gives the last digit right."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from cubes import queries
from cubes.engine import AmountOverflow, Engine, FormulaRefused, formula_problem, open_folder
from cubes.engine.formulas import compile_formula
from cubes.models import Cube
from cubes.operations import CubeRefused, LoadRefused, add_driver, correct, import_definition, load
from cubes.rules.loading import Mode
from cubes.rules.security import EVERYTHING
from cubes.rules.shape import CalculatedShape, ColumnShape, CubeShape, DataType, DimensionShape, DriverShape
from cubes.rules.slices import ColumnRef, Slice

from .conftest import definition_text

DRIVERS = (
    DriverShape("Price", "price", 6),
    DriverShape("Quantity", "quantity", 3),
    DriverShape("Unit cost", "cost", 2),
)
KEY = DimensionShape("Account", "account", "code", (ColumnShape("Code", "code", DataType.TEXT),))


def calculated(formula: str, precision: int = 2) -> CalculatedShape:
    return CalculatedShape("Result", "result", precision, formula)


def problem(formula: str) -> str:
    found = formula_problem(calculated(formula), {driver.name: driver for driver in DRIVERS})
    return found.message if found else ""


@contextmanager
def engine(folder: Path, formula: str, rows: list[tuple[Decimal, ...]], precision: int = 2) -> Iterator[Engine]:
    shape = CubeShape("Plan", (KEY,), DRIVERS, (calculated(formula, precision),))
    columns: dict[str, pa.Array] = {"d_account": pa.array(["1"] * len(rows), pa.string())}
    for place, driver in enumerate(DRIVERS):
        kind = pa.decimal128(32, driver.precision)
        columns[f"m_{driver.logical_name}"] = pa.array([row[place] for row in rows], kind)
    columns["row_no"] = pa.array(range(len(rows)), pa.int64())
    pq.write_table(pa.table(columns), folder / "facts.parquet")
    pq.write_table(pa.table({"code": ["1"]}), folder / "members-account.parquet")
    with open_folder(folder, shape, EVERYTHING) as opened:
        yield opened


def results(folder: Path, formula: str, rows: list[tuple[Decimal, ...]], precision: int = 2) -> list[Decimal]:
    with engine(folder, formula, rows, precision) as opened:
        facts = opened.relation(Slice(), {}, {"amount": "Result"}, row_no=True).subquery("f")
        return [row[0] for row in opened.rows(exp.select("amount").from_(facts).order_by("row_no"))]


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("Price / Quantity", "Division has no exact result"),
        ("Nothing * 2", "Nothing is not a driver"),
        ("facts.Price", "is not a driver"),
        ("COUNT(*)", "COUNT(*) is not possible there"),
        ("(SELECT 1)", "is not possible there"),
        ("Price; DROP TABLE facts", "not possible"),
        ("read_text('/etc/passwd')", "not possible"),
        ("Price::DOUBLE", "not possible"),
        ("1e5", "1e5 is not a plain number"),
        ("'1'", "not possible"),
        ("Price > 1", "not possible"),
        ("CASE WHEN Price > 1 THEN 1 END", "not possible"),
        ("CASE Price WHEN 1 THEN 1 ELSE 2 END", "not possible"),
        ("IF(Price, 1, 2)", "not possible"),
        ("ROUND(Price, Quantity)", "ROUND takes a number"),
        ("ROUND(Price, 21)", "ROUND takes a number"),
        ("Price * Price * Price * Price", "24 decimals"),
        ("Price +", "cannot be read"),
        ("(" * 3000 + "1" + ")" * 3000, "longer than"),
        (" + ".join(["1"] * 240), "too many parts"),
        ("(" * 490 + "1" + ")" * 490, "cannot be used"),
        ("random()", "not possible"),
        ("Price IN (1, 2)", "not possible"),
    ],
)
def test_what_is_no_formula_is_refused_with_a_sentence(formula: str, sentence: str) -> None:
    assert sentence in problem(formula)


@pytest.mark.parametrize(
    ("formula", "row", "expected"),
    [
        ("Price * Quantity", ("0.005", "1", "0"), "0.01"),
        ("Price * Quantity", ("-0.005", "1", "0"), "-0.01"),
        ('"unit cost" - 0.01', ("0", "0", "9999999999.12"), "9999999999.11"),
        ("ROUND(Price, 2) * Quantity", ("1.005", "1000", "0"), "1010.00"),
        ("IF(Price > 1.5 AND NOT Quantity = 0, Quantity, -Quantity)", ("1.6", "2", "0"), "2.00"),
        ("CASE WHEN Price < 0 THEN ABS(Price) WHEN Quantity >= 2 THEN 7 ELSE 0 END", ("0", "2", "0"), "7.00"),
        ("COALESCE(Price, 0) + 1", ("0.125", "0", "0"), "1.13"),
        ("-(-Price)", ("0.125", "0", "0"), "0.13"),
        ("2 - -3 -- a remark", ("0", "0", "0"), "5.00"),
    ],
)
def test_formulas_give_the_exact_amount_rounded_once(
    tmp_path: Path, formula: str, row: tuple[str, ...], expected: str
) -> None:
    assert results(tmp_path, formula, [tuple(map(Decimal, row))]) == [Decimal(expected)]


AMOUNT = st.integers(-(10**12), 10**12)
ROW = st.tuples(AMOUNT, AMOUNT, AMOUNT).map(
    lambda row: tuple(Decimal(one).scaleb(-driver.precision) for one, driver in zip(row, DRIVERS, strict=True))
)
LEAF = st.sampled_from([("Price", 0, 6), ("Quantity", 1, 3), ('"Unit cost"', 2, 2)]).map(
    lambda leaf: (leaf[0], lambda row, place=leaf[1]: row[place], leaf[2], 10**7)
) | st.decimals(0, 1000, places=3).map(lambda number: (f"{number:f}", lambda row: number, 3, 10**3))


def _combined(parts: tuple) -> tuple:
    kind, (left, value, decimals, size), (right, other, more, size_of_other) = parts
    if kind == "*" and (decimals + more > 12 or size * size_of_other > 10**18):
        kind = "+"
    if kind in ("+", "-"):
        step = (lambda row: value(row) + other(row)) if kind == "+" else (lambda row: value(row) - other(row))
        return f"({left} {kind} {right})", step, max(decimals, more), size + size_of_other
    if kind == "*":
        return f"({left} * {right})", lambda row: value(row) * other(row), decimals + more, size * size_of_other
    if kind == "if":
        text = f"CASE WHEN {left} > {right} THEN {left} ELSE {right} END"
        return text, lambda row: max(value(row), other(row)), max(decimals, more), max(size, size_of_other)
    if kind == "abs":
        return f"ABS({left})", lambda row: abs(value(row)), decimals, size
    return f"ROUND({left}, 1)", lambda row: value(row).quantize(Decimal("0.1"), ROUND_HALF_UP), 1, size


FORMULA = st.recursive(
    LEAF,
    lambda inner: st.tuples(st.sampled_from(["+", "-", "*", "if", "abs", "round"]), inner, inner).map(_combined),
    max_leaves=5,
)


@given(FORMULA, st.lists(ROW, min_size=1, max_size=4), st.integers(0, 10))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_formula_gives_what_exact_arithmetic_gives(tmp_path: Path, formula, rows, precision: int) -> None:
    text, value, _, _ = formula
    with localcontext(prec=120):
        step = Decimal(1).scaleb(-precision)
        expected = [value(row).quantize(step, ROUND_HALF_UP) for row in rows]
    assert results(tmp_path, text, rows, precision) == expected


def test_an_amount_that_is_too_long_is_refused_and_not_cut(tmp_path: Path) -> None:
    row = tuple(map(Decimal, ("9" * 20, "9" * 20, "0")))
    with engine(tmp_path, "Price * Quantity", [row]) as opened:
        facts = opened.relation(Slice(), {}, {"amount": "Result"}).subquery("f")
        with pytest.raises(AmountOverflow, match="Result: an amount has more digits than can be kept exactly"):
            opened.rows(exp.select("amount").from_(facts))


def test_a_driver_is_never_read_as_a_table_or_function() -> None:
    with pytest.raises(FormulaRefused):
        compile_formula(calculated("Price.Quantity"), {one.name: one for one in DRIVERS}, lambda one: exp.column("x"))


CALCULATED = {"Amount": 2, "Rate": 6}


@pytest.fixture
def priced(write, planner) -> Cube:
    text = json.loads(definition_text(drivers=CALCULATED))
    text["Tables"][-1]["Columns"].append(
        {"LogicalName": "local", "DisplayName": "Local", "DataType": "DecimalType", "Formula": "Amount * Rate"}
    )
    cube = import_definition(actor=None, text=json.dumps(text), publish=True).cube
    facts = "Account,Amount,Rate\nA,9999999999.12,1.000001\nB,0.01,0.5\nB,0.03,0.5\n"
    load(actor=None, cube=cube, facts=write("facts.csv", facts))
    return cube


def test_a_calculated_driver_is_explored_like_any_other(priced: Cube, planner) -> None:
    found = queries.explore(
        snapshot=queries.latest_snapshot(priced),
        user=planner,
        rows=ColumnRef("Account", "Code"),
        columns=None,
        driver="Local",
        slice_=Slice(),
    )
    sums = {row.member: row.total for row in found.rows}
    assert sums == {"A": Decimal("10000009999.12"), "B": Decimal("0.03")}  # 0.01 + 0.02, rounded for each record
    assert [driver.name for driver in queries.drivers_of(priced)] == ["Amount", "Rate", "Local"]


def test_a_driver_can_be_added_after_publishing_and_is_zero_until_it_is_loaded(priced: Cube, planner, write) -> None:
    add_driver(actor=planner, cube=priced, name="Stock", precision=1)
    add_driver(actor=planner, cube=priced, name="Twice", precision=2, formula="Stock * 2 + Amount")
    asked = {"user": planner, "rows": ColumnRef("Account", "Code"), "columns": None, "slice_": Slice()}
    before = queries.latest_snapshot(priced)
    assert queries.explore(snapshot=before, driver="Stock", **asked).total == 0
    assert queries.explore(snapshot=before, driver="Twice", **asked).total == Decimal("9999999999.16")
    load(actor=None, cube=priced, facts=write("more.csv", "Account,Amount,Rate,Stock\nA,1,1,2.5\n"))
    assert queries.explore(snapshot=queries.latest_snapshot(priced), driver="Twice", **asked).total == Decimal("6.00")
    assert queries.explore(snapshot=before, driver="Stock", **asked).total == 0


@pytest.mark.parametrize(("mode", "amount"), [(Mode.APPEND, "10000000000.16"), (Mode.OVERWRITE, "1.04")])
def test_data_goes_over_what_stood_before_a_driver_was_added(
    priced: Cube, planner, write, mode: Mode, amount: str
) -> None:
    add_driver(actor=planner, cube=priced, name="Stock", precision=1)
    report = load(actor=None, cube=priced, facts=write("more.csv", "Account,Amount,Rate,Stock\nA,1,1,2.5\n"), mode=mode)
    totals = {total.driver.name: total.amount for total in report.snapshot.totals.select_related("driver")}
    assert (totals["Amount"], totals["Stock"]) == (Decimal(amount), Decimal("2.5"))


def test_a_load_is_completed_though_a_driver_was_added_since(priced: Cube, planner, write) -> None:
    report = load(
        actor=None, cube=priced, facts=write("f.csv", "Account,Amount,Rate\nA,1,1\nB,x,1\n"), allow_partial=True
    )
    add_driver(actor=planner, cube=priced, name="Stock", precision=1)
    with pytest.raises(LoadRefused, match="has no column 'Stock' for driver Stock"):
        correct(actor=None, load=report, files={"": write("g.csv", "Account,Amount,Rate\nB,2,1\n")})
    done = correct(actor=None, load=report, files={"": write("h.csv", "Account,Amount,Rate,Stock\nB,2,1,0.5\n")})
    totals = {total.driver.name: total.amount for total in done.snapshot.totals.select_related("driver")}
    assert totals == {"Amount": 3, "Rate": 2, "Stock": Decimal("0.5")}


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"name": "amount"}, "has a driver Amount already"),
        ({"name": "Share", "formula": "Amount / 3"}, "Division"),
        ({"name": "Chain", "formula": "Local + 1"}, "Local is not a driver that is loaded"),
    ],
)
def test_a_driver_that_does_not_fit_is_refused(priced: Cube, planner, chosen, sentence: str) -> None:
    with pytest.raises(CubeRefused, match=sentence):
        add_driver(actor=planner, cube=priced, precision=2, **chosen)


def test_a_definition_with_an_unfit_formula_is_refused(db) -> None:
    text = json.loads(definition_text())
    text["Tables"][-1]["Columns"].append(
        {"LogicalName": "x", "DisplayName": "X", "DataType": "DecimalType", "Formula": "Amount +"}
    )
    with pytest.raises(CubeRefused, match="The formula of X cannot be used"):
        import_definition(actor=None, text=json.dumps(text))
    assert not Cube.objects.exists()
