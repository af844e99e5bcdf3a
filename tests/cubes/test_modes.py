"""The three ways a file changes the data that stand, and how numbers and dates of a file are read."""

import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cubes.models import Cube, Load, Snapshot
from cubes.operations import AS_DETECTED, LoadRefused, Notations, Source, import_definition, load
from cubes.rules.loading import Mode
from cubes.rules.notation import DateNotation, NumberNotation

from .conftest import definition_text, refused

pytestmark = pytest.mark.django_db
Write = Callable[..., Source]


def rows_of(snapshot: Snapshot | None) -> list[tuple[Any, ...]]:
    """Keys, amounts and number of every fact."""
    assert snapshot is not None
    return [tuple(row.values()) for row in pq.read_table(snapshot.path / "facts.parquet").to_pylist()]


def total(report: Load) -> Decimal:
    assert report.snapshot is not None
    return report.snapshot.totals.get().amount


FIRST = "Account,Amount\na,1\nb,2\na,3\n,4\n"
SECOND = "Account,Amount\na,10\na,20\n,30\nc,40\n"


def test_overwrite_takes_all_records_of_a_key_away_and_puts_those_of_the_file(plan: Cube, write: Write) -> None:
    load(actor=None, cube=plan, facts=write("f.csv", FIRST))
    first = load(actor=None, cube=plan, facts=write("g.csv", SECOND), mode=Mode.OVERWRITE)
    expected = [("b", 2, 1), ("a", 10, 2), ("a", 20, 3), (None, 30, 4), ("c", 40, 5)]
    assert rows_of(first.snapshot) == expected
    assert (first.mode, first.loaded, total(first)) == ("overwrite", 4, Decimal("102"))
    again = load(actor=None, cube=plan, facts=write("g.csv", SECOND), mode=Mode.OVERWRITE)
    assert first.snapshot and again.snapshot
    assert (again.snapshot.number, again.snapshot.sha256) == (3, first.snapshot.sha256)


def test_append_adds_records_behind_those_that_stand(plan: Cube, write: Write) -> None:
    load(actor=None, cube=plan, facts=write("f.csv", FIRST))
    report = load(actor=None, cube=plan, facts=write("g.csv", SECOND), mode=Mode.APPEND)
    assert [row[:2] for row in rows_of(report.snapshot)] == [
        ("a", 1),
        ("b", 2),
        ("a", 3),
        (None, 4),
        ("a", 10),
        ("a", 20),
        (None, 30),
        ("c", 40),
    ]
    assert [row[2] for row in rows_of(report.snapshot)] == list(range(1, 9))
    assert (report.loaded, total(report)) == (4, Decimal(110))
    assert report.snapshot is not None
    assert report.snapshot.rows == 8


@pytest.mark.parametrize("mode", [Mode.OVERWRITE, Mode.APPEND])
def test_the_first_load_needs_no_data_to_go_over(plan: Cube, write: Write, mode: Mode) -> None:
    report = load(actor=None, cube=plan, facts=write("f.csv", FIRST), mode=mode)
    assert [row[:2] for row in rows_of(report.snapshot)] == [("a", 1), ("b", 2), ("a", 3), (None, 4)]


RECORDS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "", "ä"]), st.integers(-(10**9), 10**9)), min_size=1, max_size=8
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=RECORDS, new=RECORDS)
def test_overwriting_is_that_of_a_program_of_another_kind(
    plan: Cube, write: Write, old: list[tuple[str, int]], new: list[tuple[str, int]]
) -> None:
    def file(name: str, records: list[tuple[str, int]]) -> Source:
        return write(name, "Account,Amount\n" + "".join(f"{key},{amount}\n" for key, amount in records))

    load(actor=None, cube=plan, facts=file("f.csv", old))
    report = load(actor=None, cube=plan, facts=file("g.csv", new), mode=Mode.OVERWRITE)
    keys = {key for key, _ in new}
    expected = Counter((key or None, Decimal(amount)) for key, amount in [*[r for r in old if r[0] not in keys], *new])
    assert Counter(row[:2] for row in rows_of(report.snapshot)) == expected
    assert total(report) == sum(amount * count for (_, amount), count in expected.items())


def test_a_million_records_are_overwritten_in_seconds(plan: Cube, tmp_path: Path) -> None:
    size = 1_000_000
    keys = pa.array([f"{number:06}" for number in range(1_000)]).take(pa.array([n % 1_000 for n in range(size)]))
    pq.write_table(pa.table({"Account": keys, "Amount": pa.array([1] * size)}), tmp_path / "f.parquet")
    pq.write_table(pa.table({"Account": keys.slice(0, 500), "Amount": [5] * 500}), tmp_path / "g.parquet")
    load(actor=None, cube=plan, facts=Source(tmp_path / "f.parquet"))
    begun = time.monotonic()
    report = load(actor=None, cube=plan, facts=Source(tmp_path / "g.parquet"), mode=Mode.OVERWRITE)
    assert time.monotonic() - begun < 10
    assert (report.snapshot and report.snapshot.rows, total(report)) == (500_500, Decimal(502_500))


def test_members_of_a_file_go_over_those_that_stand_unless_all_is_replaced(db: None, write: Write) -> None:
    dimensions = {"Account": [("Code", "StringType"), ("Name", "StringType")]}
    cube = import_definition(actor=None, text=definition_text(dimensions=dimensions), publish=True).cube
    facts = write("f.csv", "Account,Amount\na,1\n")
    load(actor=None, cube=cube, facts=facts, dimensions={"Account": write("m.csv", "Code,Name\na,A\nb,B\n")})
    more = {"Account": write("n.csv", "Code,Name\nb,Better\nc,C\n")}
    report = load(
        actor=None, cube=cube, facts=write("g.csv", "Account,Amount\nc,2\n"), dimensions=more, mode=Mode.APPEND
    )
    assert report.snapshot is not None
    members = pq.read_table(report.snapshot.path / "members-dim_cube_plan_0.parquet").to_pydict()
    assert list(members.values()) == [["a", "b", "c"], ["A", "Better", "C"]]


def read(cube: Cube, source: Source, notations: Notations) -> list[Decimal]:
    report = load(actor=None, cube=cube, facts=source, notations=notations)
    assert refused(report) == []
    return [row[1] for row in rows_of(report.snapshot)]


@pytest.mark.parametrize(
    ("notation", "texts"),
    [
        (NumberNotation.COMMA_POINT, ["1,234.5", "-0.25", "\u22121,000,000"]),
        (NumberNotation.POINT_COMMA, ["1.234,5", "-0,25", "\u22121.000.000"]),
        (NumberNotation.SPACE_COMMA, ["1\u00a0234,5", "-0,25", "\u22121 000\u202f000"]),
        (NumberNotation.APOSTROPHE_POINT, ["1'234.5", "-0.25", "\u22121’000’000"]),
    ],
)
def test_numbers_are_read_as_chosen_and_as_found(
    plan: Cube, write: Write, notation: NumberNotation, texts: list[str]
) -> None:
    source = write("f.csv", "Account,Amount\n" + "".join(f'a,"{text}"\n' for text in texts))
    expected = [Decimal("1234.50"), Decimal("-0.25"), Decimal(-1_000_000)]
    assert read(plan, source, Notations(notation, DateNotation.ISO)) == expected
    assert read(plan, source, AS_DETECTED) == expected
    table = plan.loads.order_by("-id")[0].tables.get(key="")
    assert table.numbers == notation
    assert table.note == f"Numbers were read as {notation}, so '{texts[0]}' is 1234.5 (found in the file)."


@pytest.mark.parametrize("texts", [["1.000"], ["1,000"], ["2.500", "-1.250"], ["1.5", "1,5"]])
def test_a_number_that_can_be_two_amounts_is_asked(plan: Cube, write: Write, texts: list[str]) -> None:
    source = write("f.csv", "Account,Amount\na,1\n" + "".join(f'a,"{text}"\n' for text in texts))
    with pytest.raises(LoadRefused, match=f"'{texts[0]}' in column Amount, line 3") as caught:
        load(actor=None, cube=plan, facts=source, notations=AS_DETECTED)
    assert [problem.field for problem in caught.value.problems] == ["numbers"]
    assert Load.objects.count() == 0


@pytest.mark.parametrize(
    "text",
    [
        "1e5",
        "NaN",
        "Infinity",
        "1e400",
        "1.23.4,5",
        "12,34.5",
        "1.000,50 ",
        "+1",
        "(1)",
        "1-",
        "0x1",
        "٣",
        "1_000",
        "1,,5",
    ],
)
@pytest.mark.parametrize("notation", list(NumberNotation))
def test_what_is_no_number_of_the_notation_is_named(
    plan: Cube, write: Write, text: str, notation: NumberNotation
) -> None:
    source = write("f.csv", f'Account,Amount\na,"{text}"\nb,1\n')
    report = load(actor=None, cube=plan, facts=source, notations=Notations(notation, None))
    [error] = refused(report)
    assert (error.row, error.column, error.value) == (2, "Amount", text)
    assert "is not a" in error.reason


def test_cells_that_are_numbers_keep_their_value_beside_text_of_another_notation(plan: Cube, tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Account", "Amount"])
        sheet.write_row(1, 0, ["a", 1.5])
        sheet.write_row(2, 0, ["a", "1.234,56"])
        sheet.write_row(3, 0, ["a", 1234])
    assert read(plan, Source(path), AS_DETECTED) == [Decimal("1.5"), Decimal("1234.56"), Decimal(1234)]


@pytest.fixture
def dated() -> Cube:
    dimensions = {"Period": [("Name", "StringType"), ("Start", "DateType")]}
    return import_definition(actor=None, text=definition_text(dimensions=dimensions), publish=True).cube


@pytest.mark.parametrize(
    ("days", "notation"),
    [
        (["2021-07-31", "2021-08-01"], DateNotation.ISO),
        (["31.7.2021", "01.08.2021"], DateNotation.DAY_DOTS),
        (["31/07/2021", "01/08/2021"], DateNotation.DAY_SLASHES),
        (["07/31/2021", "8/1/2021"], DateNotation.MONTH_SLASHES),
        (["2021/07/31", "2021/8/1"], DateNotation.YEAR_SLASHES),
    ],
)
def test_dates_are_read_as_found(dated: Cube, write: Write, days: list[str], notation: DateNotation) -> None:
    members = write("p.csv", f"Name,Start\nJul,{days[0]}\nAug,{days[1]}\n")
    facts = write("f.csv", "Period,Amount\nJul,1\n")
    report = load(actor=None, cube=dated, facts=facts, dimensions={"Period": members}, notations=AS_DETECTED)
    assert report.snapshot is not None
    found = pq.read_table(report.snapshot.path / "members-dim_cube_plan_0.parquet").column("c1").to_pylist()
    assert [day.isoformat() for day in found] == ["2021-08-01", "2021-07-31"]
    assert report.tables.get(name="Period").dates == notation


def test_a_date_that_can_be_two_days_is_asked(dated: Cube, write: Write) -> None:
    members = {"Period": write("p.csv", "Name,Start\nJan,01/02/2021\nFeb,\n")}
    facts = write("f.csv", "Period,Amount\nJan,1\n")
    with pytest.raises(
        LoadRefused, match="'01/02/2021' in column Start, line 2, can begin with the day or with the month"
    ):
        load(actor=None, cube=dated, facts=facts, dimensions=members, notations=AS_DETECTED)
    chosen = Notations(None, DateNotation.DAY_SLASHES)
    report = load(actor=None, cube=dated, facts=facts, dimensions=members, notations=chosen)
    assert report.loaded == 1
