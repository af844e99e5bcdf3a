"""The engine: conditions, exactness, and the seal around it."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from sqlglot import exp

from cubes.engine import Engine, SliceRefused, open_engine
from cubes.models import Snapshot
from cubes.operations import Source, import_definition, load
from cubes.rules.security import EVERYTHING, NOTHING
from cubes.rules.slices import ColumnRef, Condition, Operator, Slice

from .conftest import definition_text

pytestmark = pytest.mark.django_db

ODD = "Ko'sten;\"stelle\\"
FACTS = """Account,Period,Amount
0800,Jul,1.10
000110,Jul,2.20
NA,Aug,-3.30
 lead,Aug,4
"two  blanks",Jul,5
🧾 emoji,,6
" ",Jul,7
,Jul,8
o'hara,Aug,9
"%_\\",Aug,0
na,Sep,0.01
"""
PERIODS = """Name,Start,Rank,Rate,Open
Jul,2021-07-01,1,0.50,true
Aug,2021-08-01,2,-1.25,false
Sep,,,,
"""


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    columns = {"Name": "String", "Start": "Date", "Rank": "Integer", "Rate": "Decimal", "Open": "Boolean"}
    dimensions = {
        ODD: [('Код "x"', "StringType")],
        "Period": [(name, f"{data_type}Type") for name, data_type in columns.items()],
    }
    cube = import_definition(actor=None, text=definition_text(dimensions=dimensions), publish=True).cube
    (tmp_path / "f.csv").write_text(FACTS.replace("Account", '"Ko\'sten;""stelle\\"', 1))
    (tmp_path / "p.csv").write_text(PERIODS)
    report = load(
        actor=None,
        cube=cube,
        facts=Source(tmp_path / "f.csv"),
        dimensions={"Period": Source(tmp_path / "p.csv")},
    )
    assert report.snapshot is not None
    assert (report.loaded, report.failed) == (11, 0)
    return report.snapshot


@pytest.fixture
def engine(snapshot: Snapshot) -> Iterator[Engine]:
    with open_engine(snapshot, EVERYTHING) as engine:
        yield engine


CODE = ColumnRef(ODD, 'Код "x"')


def numbers(engine: Engine, column: ColumnRef, operator: str, *values: str) -> list[int]:
    """The record numbers of the facts that pass one condition."""
    slice_ = Slice((Condition(column, Operator(operator), values),))
    return sorted(row[0] for row in engine.rows(engine.relation(slice_, {}, {}, row_no=True)))


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("in", ("0800",), [1]),
        ("in", ("800",), []),
        ("in", ("NA", "000110"), [2, 3]),
        ("in", ("lead",), []),
        ("in", (" lead",), [4]),
        ("in", ("two blanks",), []),
        ("in", ("🧾 emoji",), [6]),
        ("in", ("o'hara",), [9]),
        ("in", ("%_\\",), [10]),
        ("in", ("' OR 1=1 --",), []),
        ("in", ("", "0800"), [1, 8]),
        ("not in", ("0800", "NA"), [2, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("not in", ("",), [1, 2, 3, 4, 5, 6, 7, 9, 10, 11]),
        ("not in", ("0800", ""), [2, 3, 4, 5, 6, 7, 9, 10, 11]),
        ("contains", ("a",), [4, 5, 9, 11]),
        ("contains", ("A",), [3]),
        ("contains", ("%",), [10]),
        ("contains", ("_",), [10]),
        ("contains", ("  ",), [5]),
        ("contains", ("🧾", "o'h"), [6, 9]),
        ("between", ("0", "1"), [1, 2]),
        ("between", (" ", "  "), [7]),
        ("begins with", ("0",), [1, 2]),
        ("begins with", (" ",), [4, 7]),
        ("begins with", ("%",), [10]),
        ("blank", (), [8]),
        ("not blank", (), [1, 2, 3, 4, 5, 6, 7, 9, 10, 11]),
    ],
)
def test_text_is_compared_byte_for_byte(
    engine: Engine, operator: str, values: tuple[str, ...], expected: list[int]
) -> None:
    assert numbers(engine, CODE, operator, *values) == expected


@pytest.mark.parametrize(
    ("column", "operator", "values", "expected"),
    [
        ("Start", "in", ("2021-07-01",), [1, 2, 5, 7, 8]),
        ("Start", "not in", ("2021-07-01",), [3, 4, 6, 9, 10, 11]),
        ("Start", "between", ("2021-07-02", "2021-08-01"), [3, 4, 9, 10]),
        ("Start", "blank", (), [6, 11]),
        ("Rank", "between", ("2", "9"), [3, 4, 9, 10]),
        ("Rate", "in", ("-1.25", "0.5"), [1, 2, 3, 4, 5, 7, 8, 9, 10]),
        ("Rate", "between", ("-2", "0"), [3, 4, 9, 10]),
        ("Rate", "not blank", (), [1, 2, 3, 4, 5, 7, 8, 9, 10]),
        ("Open", "in", ("false",), [3, 4, 9, 10]),
        ("Name", "blank", (), [6]),
        ("Name", "contains", ("u",), [1, 2, 3, 4, 5, 7, 8, 9, 10]),
    ],
)
def test_columns_of_members_are_compared_by_type(
    engine: Engine, column: str, operator: str, values: tuple[str, ...], expected: list[int]
) -> None:
    assert numbers(engine, ColumnRef("Period", column), operator, *values) == expected


def test_conditions_must_all_hold(engine: Engine) -> None:
    slice_ = Slice(
        (
            Condition(ColumnRef("Period", "Name"), Operator.IN, ("Jul",)),
            Condition(CODE, Operator.BEGINS, ("0",)),
            Condition(CODE, Operator.NOT_IN, ("0800",)),
        )
    )
    assert engine.rows(engine.relation(slice_, {}, {}, row_no=True)) == [(2,)]


def test_a_relation_gives_text_dates_and_exact_amounts_under_its_aliases(engine: Engine) -> None:
    columns = {'the "code"; x': CODE, "day": ColumnRef("Period", "Start"), "rank": ColumnRef("Period", "Rank")}
    relation = engine.relation(Slice(), columns, {"amount": "Amount"}, row_no=True)
    rows = sorted(engine.rows(relation), key=lambda row: row[-1])
    assert rows[0] == ("0800", date(2021, 7, 1), 1, Decimal("1.10"), 1)
    assert rows[5] == ("🧾 emoji", None, None, Decimal("6.00"), 6)
    assert engine.arrow(relation).schema.names == ['the "code"; x', "day", "rank", "amount", "row_no"]


def test_a_relation_is_a_subquery_under_any_tree_and_sums_stay_exact(engine: Engine) -> None:
    facts = engine.relation(Slice(), {"period": ColumnRef("Period", "Name")}, {"amount": "Amount"}).subquery("f")
    total = exp.func("sum", exp.column("amount"))
    grouped = exp.select("period", total).from_(facts).group_by("period").order_by("period NULLS FIRST")
    assert engine.rows(grouped) == [
        (None, Decimal("6.00")),
        ("Aug", Decimal("9.70")),
        ("Jul", Decimal("23.30")),
        ("Sep", Decimal("0.01")),
    ]


def test_an_attached_table_can_be_joined(engine: Engine) -> None:
    engine.attach("known", pa.table({"value": ["0800", "NA"]}))
    facts = engine.relation(Slice(), {"code": CODE}, {}).subquery("f")
    unknown = (
        exp.select(exp.Count(this=exp.Star())).from_(facts).join("known", on="f.code = known.value", join_type="anti")
    )
    assert engine.rows(unknown) == [(9,)]


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_result_is_copied_to_a_file_whole(engine: Engine, tmp_path: Path, format: str) -> None:
    relation = engine.relation(Slice(), {"code": CODE}, {"amount": "Amount"}, row_no=True).order_by("row_no")
    target = tmp_path / f"o'ut.{format}"
    assert engine.copy(relation, target, format=format) == 11  # type: ignore[arg-type]
    if format == "parquet":
        assert pq.read_table(target).to_pylist()[0] == {"code": "0800", "amount": Decimal("1.10"), "row_no": 1}
    else:
        assert target.read_text().splitlines()[:2] == ["code,amount,row_no", "0800,1.10,1"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT * FROM '{data}/cubes/other/facts.parquet'",
        "COPY (SELECT 1) TO '{data}/elsewhere.csv'",
        "ATTACH '{data}/other.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access=true",
        "SET allowed_directories=['/']",
    ],
)
def test_nothing_but_the_snapshot_can_be_reached(engine: Engine, statement: str) -> None:
    other = Path(settings.DATA_DIR) / "cubes" / "other"
    other.mkdir(parents=True)
    pq.write_table(pa.table({"a": [1]}), other / "facts.parquet")
    with pytest.raises(duckdb.Error):
        engine._connection.execute(statement.format(data=settings.DATA_DIR)).fetchall()


def test_who_sees_nothing_gets_no_fact(snapshot: Snapshot) -> None:
    with open_engine(snapshot, NOTHING) as engine:
        assert engine.rows(engine.relation(Slice(), {"code": CODE}, {"amount": "Amount"})) == []


def test_an_unknown_column_or_driver_and_an_unfit_slice_are_refused(engine: Engine) -> None:
    with pytest.raises(LookupError, match=r"Period\.Gone is not a column of Plan"):
        engine.relation(Slice(), {"x": ColumnRef("Period", "Gone")}, {})
    with pytest.raises(LookupError, match="Hours is not a driver of Plan"):
        engine.relation(Slice(), {}, {"x": "Hours"})
    with pytest.raises(SliceRefused, match="is not a date") as refused:
        engine.relation(Slice((Condition(ColumnRef("Period", "Start"), Operator.IN, ("July",)),)), {}, {})
    assert refused.value.problems[0].field == "filters.0"


def test_nothing_is_left_behind(snapshot: Snapshot, tmp_path: Path) -> None:
    with open_engine(snapshot, EVERYTHING) as engine:
        engine.copy(engine.relation(Slice(), {"code": CODE}, {}), tmp_path / "out.parquet")
    assert list((Path(settings.DATA_DIR) / "scratch").iterdir()) == []
