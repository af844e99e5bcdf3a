"""The samples, recomputed by a program of another kind: csv and Decimal, row by row."""

import csv
import random
from collections import defaultdict
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import User
from sqlglot import exp

from cubes import queries
from cubes.engine import open_engine
from cubes.models import Load, Snapshot
from cubes.rules.security import EVERYTHING
from cubes.rules.slices import ColumnRef, Condition, Operator, Slice

from .conftest import SAMPLES, refused, sample

pytestmark = pytest.mark.django_db

COLUMNS = {
    "department": ColumnRef("Department", "Name"),
    "account_type": ColumnRef("Account type", "Name"),
    "fund_code": ColumnRef("Fund", "Code"),
    "account_category": ColumnRef("Account category", "Name"),
}
Sums = dict[tuple[str, ...], tuple[int, Decimal]]


def recomputed(wanted: dict[str, set[str]]) -> Sums:
    """Records and sum of each combination, straight from the city's file."""
    sums: Sums = defaultdict(lambda: (0, Decimal(0)))
    with (SAMPLES / "oakland" / "facts.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["amount"] and all(row[column] in values for column, values in wanted.items()):
                key = tuple(row[column] for column in COLUMNS)
                count, total = sums[key]
                sums[key] = count + 1, total + Decimal(row["amount"])
    return dict(sums)


def asked(snapshot: Snapshot, wanted: dict[str, set[str]]) -> Sums:
    """The same from the engine."""
    conditions = [Condition(COLUMNS[name], Operator.IN, tuple(sorted(values))) for name, values in wanted.items()]
    with open_engine(snapshot, EVERYTHING) as engine:
        facts = engine.relation(Slice(tuple(conditions)), COLUMNS, {"amount": "Amount"}).subquery("f")
        keys = [exp.column(alias) for alias in COLUMNS]
        sums = exp.Count(this=exp.Star()), exp.func("sum", exp.column("amount"))
        rows = engine.rows(exp.select(*keys, *sums).from_(facts).group_by(*keys))
    return {row[:-2]: row[-2:] for row in rows}


def test_expense_of_fire_police_and_finance(oakland_load: Load, viewer: User) -> None:
    assert oakland_load.snapshot is not None
    wanted = {"account_type": {"Expense"}, "department": {"Fire", "Police", "Finance"}}
    found = asked(oakland_load.snapshot, wanted)
    assert found == recomputed(wanted)
    assert len(found) == 314
    assert sum(count for count, _ in found.values()) == 4_069
    assert sum(total for _, total in found.values()) == 564_602_579
    assert sum(total == 0 for _, total in found.values()) == 20
    assert sum(total < 0 for _, total in found.values()) == 7
    conditions = tuple(Condition(COLUMNS[name], Operator.IN, tuple(values)) for name, values in wanted.items())
    count = queries.count_rows(snapshot=oakland_load.snapshot, user=viewer, slice_=Slice(conditions))
    assert count == 4_069


def test_the_whole_budget_and_filters_drawn_at_random(oakland_load: Load) -> None:
    assert oakland_load.snapshot is not None
    whole = recomputed({})
    assert len(whole) == 1_948
    assert asked(oakland_load.snapshot, {}) == whole
    for seed in range(5):
        draw = random.Random(seed)
        wanted = {}
        for place, name in enumerate(COLUMNS):
            values = sorted({key[place] for key in whole})
            wanted[name] = set(draw.sample(values, draw.randint(1, len(values))))
        assert asked(oakland_load.snapshot, wanted) == recomputed(wanted), f"seed {seed}"


def test_the_city_s_file_loads_but_for_its_last_record(oakland_load: Load) -> None:
    assert (oakland_load.processed, oakland_load.loaded, oakland_load.failed) == (22_236, 22_235, 1)
    [error] = refused(oakland_load)
    assert (error.file, error.row, error.column, error.value) == ("facts.csv", 22_237, "amount", "")
    assert error.reason == "The amount is empty. Enter a number, 0 included, or take the record out."
    assert oakland_load.snapshot is not None
    assert oakland_load.snapshot.rows == 22_235
    assert oakland_load.snapshot.totals.get().amount == Decimal("4066776078.00")


def test_blanks_in_front_of_a_name_stay(oakland_load: Load, viewer: User) -> None:
    assert oakland_load.snapshot is not None
    found = queries.column_values(
        snapshot=oakland_load.snapshot, user=viewer, column=COLUMNS["account_category"], slice_=Slice()
    )
    assert found.distinct == 39
    assert next(value for value, _ in found.values if value.startswith(" ")) == " Allowances & Premiums"


CODES = ["0800", "000110", "NA", "1E5", " lead", "two  blanks", "🧾 emoji"]


def test_csv_workbook_and_parquet_hold_the_same_facts(db: None) -> None:
    tables = []
    for file in ("facts.csv", "facts.xlsx", "facts.parquet"):
        snapshot = sample("codes", file, Period="period.csv").snapshot
        assert snapshot is not None
        tables.append((pq.read_table(snapshot.path / "facts.parquet").to_pylist(), snapshot.sha256))
    assert tables[0] == tables[1] == tables[2]
    with (SAMPLES / "codes" / "facts.csv").open(encoding="utf-8", newline="") as file:
        expected = [(list(row.values())[:3], Decimal(row["Amount"])) for row in csv.DictReader(file)]
    assert len(expected) == 7**3
    assert [(list(row.values())[:3], row["m_msdyn_amount"]) for row in tables[0][0]] == expected


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("column", ["Main account.Code", "Department.Name", "Fund.Code"])
def test_every_odd_code_is_found_as_it_is(db: None, viewer: User, column: str, code: str) -> None:
    snapshot = sample("codes", "facts.xlsx", Period="period.csv").snapshot
    assert snapshot is not None
    for operator in (Operator.IN, Operator.BEGINS, Operator.CONTAINS):
        slice_ = Slice((Condition(ColumnRef.parse(column), operator, (code,)),))
        assert queries.count_rows(snapshot=snapshot, user=viewer, slice_=slice_) == 49
