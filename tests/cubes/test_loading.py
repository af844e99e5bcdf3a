"""Loading facts and members into snapshots."""

import hashlib
import json
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.db import connection

from cubes.models import Cube, Load, Snapshot
from cubes.operations import LoadRefused, Source, import_definition, load

from .conftest import definition_text, refused

pytestmark = pytest.mark.django_db
Write = Callable[..., Source]


def facts_of(snapshot: Snapshot | None) -> list[dict[str, object]]:
    assert snapshot is not None
    rows: list[dict[str, object]] = pq.read_table(snapshot.path / "facts.parquet").to_pylist()
    return rows


def errors_of(report: Load) -> list[tuple[int, str, str]]:
    return [(error.row, error.column, error.value) for error in refused(report)]


def test_equal_records_stay_apart_and_keep_their_number(plan: Cube, write: Write) -> None:
    report = load(actor=None, cube=plan, facts=write("f.csv", "Account,Amount\n0800,1\n0800,1\n0800,-1\n"))
    assert facts_of(report.snapshot) == [
        {"d_dim_cube_plan_0": "0800", "m_a0": Decimal("1.00"), "row_no": 1},
        {"d_dim_cube_plan_0": "0800", "m_a0": Decimal("1.00"), "row_no": 2},
        {"d_dim_cube_plan_0": "0800", "m_a0": Decimal("-1.00"), "row_no": 3},
    ]
    assert (report.processed, report.loaded, report.failed) == (3, 3, 0)
    assert report.snapshot is not None
    assert [(total.driver.name, total.amount) for total in report.snapshot.totals.all()] == [("Amount", Decimal("1"))]


def test_what_is_wrong_is_named_and_the_rest_is_loaded(plan: Cube, write: Write) -> None:
    text = 'Account,Amount\na,1\n b,1e5\nc,\nd,"1,000.50"\ne,1.005\nf,2,3\n,7\n'
    report = load(actor=None, cube=plan, facts=write("f.csv", text))
    assert sorted(errors_of(report)) == [
        (3, "Amount", "1e5"),
        (4, "Amount", ""),
        (5, "Amount", "1,000.50"),
        (6, "Amount", "1.005"),
        (7, "", "3"),
    ]
    assert [(row["d_dim_cube_plan_0"], row["row_no"]) for row in facts_of(report.snapshot)] == [("a", 1), (None, 7)]
    assert (report.processed, report.loaded, report.failed) == (7, 2, 5)


def test_members_from_facts_are_taken_from_loaded_records_only_and_stay_in_the_next_snapshot(
    plan: Cube, write: Write
) -> None:
    load(actor=None, cube=plan, facts=write("f.csv", "Account,Amount\nb,1\nx,bad\na,1\n"))
    report = load(actor=None, cube=plan, facts=write("g.csv", "Account,Amount\nc,1\n"))
    assert report.snapshot is not None
    members = pq.read_table(report.snapshot.path / "members-dim_cube_plan_0.parquet")
    assert members.to_pydict() == {"c0": ["a", "b", "c"]}
    assert report.notes == "Account: 3 members (2 from the snapshot before, 1 taken from the facts)."


@pytest.fixture
def dated() -> Cube:
    dimensions = {
        "Account": [("Code", "StringType")],
        "Period": [("Name", "StringType"), ("Start", "DateType"), ("Rank", "IntegerType"), ("Rate", "DecimalType")],
    }
    return import_definition(actor=None, text=definition_text(dimensions=dimensions), publish=True).cube


PERIODS = "Name,Start,Rank,Rate\nJul,2021-07-01,1,0.50\nAug,2021-08-01,,\n"


def test_members_of_a_file_are_typed(dated: Cube, write: Write) -> None:
    facts = write("f.csv", "Account,Period,Amount\na,Jul,1\nb,Sep,1\nc,jul,1\nd,,1\n")
    report = load(actor=None, cube=dated, facts=facts, dimensions={"Period": write("p.csv", PERIODS)})
    assert report.snapshot is not None
    members = pq.read_table(report.snapshot.path / "members-dim_cube_plan_1.parquet")
    assert [str(field.type) for field in members.schema] == ["string", "date32[day]", "int64", "decimal128(32, 2)"]
    assert errors_of(report) == [(3, "Period", "Sep"), (4, "Period", "jul")]
    assert "'Sep' is not a member of Period. Add the member or correct the record." in refused(report)[0].reason


def test_members_that_cannot_be_read_are_named_in_their_own_file_and_the_facts_wait(dated: Cube, write: Write) -> None:
    periods = "Name,Start,Rank,Rate\nJul,1 July,1,0.5\n,2021-08-01,,\nSep,2021-09-01,x,1.555\nOkt,,,\nOkt,,,\n"
    facts = write("f.csv", "Account,Period,Amount\na,Okt,1\nb,Jul,1\n")
    report = load(actor=None, cube=dated, facts=facts, dimensions={"Period": write("p.csv", periods)})
    assert [(error.file, error.row, error.column, error.value) for error in refused(report)] == [
        ("p.csv", 2, "Start", "1 July"),
        ("p.csv", 3, "Name", ""),
        ("p.csv", 4, "Rank", "x"),
        ("p.csv", 4, "Rate", "1.555"),
        ("p.csv", 6, "Name", "Okt"),
    ]
    assert [(table.name, table.state) for table in report.tables.all()] == [
        ("Facts", "Skipped"),
        ("Account", "Skipped"),
        ("Period", "Partially loaded"),
    ]
    assert (report.snapshot, report.loaded, report.failed) == (None, 0, 0)


def test_a_dimension_with_more_than_its_key_needs_a_file_once(dated: Cube, write: Write) -> None:
    facts = write("f.csv", "Account,Period,Amount\na,Jul,1\n")
    with pytest.raises(LoadRefused, match="The members of Period are not known yet"):
        load(actor=None, cube=dated, facts=facts)
    load(actor=None, cube=dated, facts=facts, dimensions={"Period": write("p.csv", PERIODS)})
    report = load(actor=None, cube=dated, facts=facts)
    assert report.loaded == 1
    assert "Period: 2 members (2 from the snapshot before)." in report.notes


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("f.csv", "Konto,Amount\na,1\n", "f.csv has no column 'Account' for dimension Account."),
        ("f.csv", "Account,Account,Amount\na,a,1\n", "f.csv has the column 'Account' twice."),
        ("f.csv", "", "f.csv is empty"),
        ("f.txt", "Account,Amount\na,1\n", "f.txt is not a CSV, XLSX or Parquet file"),
    ],
)
def test_a_file_that_does_not_fit_leaves_no_trace(plan: Cube, write: Write, name: str, text: str, says: str) -> None:
    with pytest.raises(LoadRefused, match=says):
        load(actor=None, cube=plan, facts=write(name, text))
    assert Load.objects.count() == 0
    assert list((Path(settings.DATA_DIR) / "cubes" / "plan").iterdir()) == []


def test_an_unknown_dimension_is_named(plan: Cube, write: Write) -> None:
    facts = write("f.csv", "Account,Amount\na,1\n")
    with pytest.raises(LoadRefused, match=r"Plan has no dimension Fund\. It has Account\."):
        load(actor=None, cube=plan, facts=facts, dimensions={"Fund": facts})


def test_a_load_without_any_good_record_leaves_a_report_and_the_data_as_it_was(plan: Cube, write: Write) -> None:
    load(actor=None, cube=plan, facts=write("f.csv", "Account,Amount\na,1\n"))
    report = load(actor=None, cube=plan, facts=write("g.csv", "Account,Amount\na,x\n"))
    assert (report.snapshot, report.processed, report.failed) == (None, 1, 1)
    assert plan.snapshots.count() == 1


def test_few_refused_records_replace_the_data_without_a_question(plan: Cube, write: Write) -> None:
    load(actor=None, cube=plan, facts=write("f.csv", "Account,Amount\na,1\n"))
    report = load(actor=None, cube=plan, facts=write("g.csv", "Account,Amount\n" + "a,1\n" * 9 + "a,x\n"))
    assert report.snapshot is not None
    report = load(actor=None, cube=plan, facts=write("h.csv", "Account,Amount\n" + "a,1\n" * 8 + "a,x\n"))
    assert (report.snapshot, report.processed, report.loaded, report.failed) == (None, 9, 0, 1)
    assert "1 of 9 records was refused, so the data of the cube is as it was before." in report.notes


BOUNDS = {"MinValue": -5, "MaxValue": 100000000000.25}


def bounded(options: dict[str, object]) -> str:
    document = json.loads(definition_text())
    document["Tables"][-1]["Columns"][0]["Options"] |= options
    return json.dumps(document)


def test_an_amount_outside_the_bounds_of_its_driver_is_named(db: None, write: Write) -> None:
    cube = import_definition(actor=None, text=bounded(BOUNDS), publish=True).cube
    cube.refresh_from_db()
    text = "Account,Amount\na,-5\nb,-5.01\nc,100000000000.25\nd,100000000000.26\n"
    report = load(actor=None, cube=cube, facts=write("f.csv", text))
    assert errors_of(report) == [(3, "Amount", "-5.01"), (5, "Amount", "100000000000.26")]
    assert [error.reason for error in refused(report)] == [
        "'-5.01' is below -5, the lowest value of Amount. Correct the record.",
        "'100000000000.26' is above 100000000000.25, the highest value of Amount. Correct the record.",
    ]
    assert (report.loaded, report.failed) == (2, 2)


@pytest.mark.parametrize(("lowest", "fits"), [("-1e31", 2), ("1e31", 0), ("0.001", 1), ("-0.001", 2)])
def test_bounds_that_no_amount_can_have_still_divide_amounts(db: None, write: Write, lowest: str, fits: int) -> None:
    text = bounded({"MinValue": "LOWEST"}).replace('"LOWEST"', lowest)
    cube = import_definition(actor=None, text=text, publish=True).cube
    report = load(actor=None, cube=cube, facts=write("f.csv", "Account,Amount\na,0\nb,0.01\n"))
    assert report.loaded == fits


def test_a_zero_character_in_a_cell_is_named_with_its_place(plan: Cube, write: Write) -> None:
    report = load(actor=None, cube=plan, facts=write("f.csv", "Account,Amount\na\0b,1\nc,2\n"))
    assert (report.loaded, errors_of(report)) == (1, [(2, "Account", "a␀b")])
    [error] = refused(report)
    assert error.reason == r"'a\x00b' holds a character that no value can have. Take it out of the source."


def test_a_zero_character_in_a_cell_of_a_workbook_is_named(plan: Cube, tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate([("Account", "Amount"), ("a\0b", "1"), ("c", "2")]):
            sheet.write_row(row, 0, cells)
    report = load(actor=None, cube=plan, facts=Source(path))
    assert (report.loaded, errors_of(report)) == (1, [(2, "Account", "a␀b")])


def test_a_zero_character_in_a_member_or_a_header_is_named(dated: Cube, write: Write) -> None:
    periods = "Name,Start,Rank,Rate,No\0te\nJul,2021-07-01,1,0.50,\nAu\0g,,,,\n"
    facts = write("f.csv", "Account,Period,Amount\na,Jul,1\n")
    report = load(actor=None, cube=dated, facts=facts, dimensions={"Period": write("p.csv", periods)})
    assert errors_of(report) == [(3, "Name", "Au␀g")]
    assert "p.csv: columns not used: No␀te." in report.notes


def test_columns_that_are_not_used_are_said(plan: Cube, write: Write) -> None:
    report = load(actor=None, cube=plan, facts=write("f.csv", "Account,Comment,Amount\na,hello,1\n"))
    assert "f.csv: columns not used: Comment." in report.notes


def test_the_report_keeps_every_refused_value(plan: Cube, write: Write) -> None:
    text = "Account,Amount\n" + "a,x\n" * 2_500 + "a,1\n" * 30_000
    report = load(actor=None, cube=plan, facts=write("f.csv", text))
    assert (report.failed, report.loaded) == (2_500, 30_000)
    assert [item.row for item in refused(report)] == list(range(2, 2_502))
    assert "not listed" not in report.notes


def test_long_amounts_are_summed_exactly(plan: Cube, write: Write) -> None:
    text = "Account,Amount\n" + f"a,{'9' * 30}.99\n" * 3 + "a,0.01\n"
    report = load(actor=None, cube=plan, facts=write("f.csv", text))
    assert report.snapshot is not None
    assert str(report.snapshot.totals.get().amount) == "2" + "9" * 30 + ".98"


def test_equal_data_gives_an_equal_hash_and_the_hash_is_that_of_the_files(plan: Cube, write: Write) -> None:
    source = write("f.csv", "Account,Amount\nb,1\na,2\n")
    one, two = (load(actor=None, cube=plan, facts=source).snapshot for _ in range(2))
    assert one is not None and two is not None
    assert one.sha256 == two.sha256
    assert (one.number, two.number) == (1, 2)
    names = sorted(path.name for path in one.path.iterdir())
    assert names == ["facts.parquet", "members-dim_cube_plan_0.parquet"]
    total = hashlib.sha256()
    for name in names:
        total.update(f"{name}\0{hashlib.sha256((one.path / name).read_bytes()).hexdigest()}\n".encode())
    assert one.sha256 == total.hexdigest()
    assert one.folder == f"cubes/plan/1-{one.sha256[:12]}"


def test_a_snapshot_never_changes(plan: Cube, write: Write) -> None:
    snapshot = load(actor=None, cube=plan, facts=write("f.csv", "Account,Amount\na,1\n")).snapshot
    assert snapshot is not None
    snapshot.rows = 2
    with pytest.raises(TypeError, match="A snapshot never changes"):
        snapshot.save()
    assert {path.stat().st_mode & 0o222 for path in snapshot.path.iterdir()} == {0}


def test_an_interrupted_load_leaves_nothing_that_counts(
    plan: Cube, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write("f.csv", "Account,Amount\na,1\n")
    first = load(actor=None, cube=plan, facts=source).snapshot
    assert first is not None
    left_over = first.path.with_name(f"2-{first.sha256[:12]}")
    left_over.mkdir()
    second = load(actor=None, cube=plan, facts=source).snapshot
    assert second is not None
    assert second.path == left_over
    assert len(facts_of(second)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_get_numbers_of_their_own(plan: Cube, write: Write) -> None:
    source = write("f.csv", "Account,Amount\na,1\n")
    start, numbers = threading.Barrier(4), []

    def work() -> None:
        try:
            start.wait(timeout=10)
            snapshot = load(actor=None, cube=plan, facts=source).snapshot
            numbers.append(snapshot.number if snapshot else None)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(numbers) == [1, 2, 3, 4]
    assert len(list((Path(settings.DATA_DIR) / "cubes" / "plan").iterdir())) == 4
