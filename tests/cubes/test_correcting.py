"""What was refused comes back corrected and completes its load."""

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import xlsxwriter

from cubes.models import Cube, Load
from cubes.operations import LoadRefused, Source, correct, import_definition, load
from cubes.reporting.downloads import records_csv, records_xlsx, refused_records
from cubes.reporting.errors import Chosen, refused_page
from cubes.rules.loading import Mode

from .conftest import definition_text, refused

pytestmark = pytest.mark.django_db
Write = Callable[..., Source]


def facts(report: Load) -> list[dict[str, Any]]:
    assert report.snapshot is not None
    rows: list[dict[str, Any]] = pq.read_table(report.snapshot.path / "facts.parquet").to_pylist()
    return rows


def to_correct(report: Load, key: str = "") -> str:
    """The file of refused records, as a person gets it."""
    records = refused_records(report, report.tables.get(key=key))
    assert records is not None
    return "".join(records_csv(records))


def total(report: Load) -> Decimal:
    assert report.snapshot is not None
    return report.snapshot.totals.get().amount


def big(bad: Callable[[int], bool], wrong: str) -> str:
    lines = ["Account,Comment,Amount"]
    lines += [f"{n % 500:04},row {n},{wrong if bad(n) else f'{n}.01'}" for n in range(100_000)]
    return "\n".join(lines) + "\n"


def test_a_thousand_errors_in_a_hundred_thousand_rows_are_all_shown_and_their_correction_completes_the_load(
    plan: Cube, write: Write
) -> None:
    report = load(actor=None, cube=plan, facts=write("plan.csv", big(lambda n: n % 100 == 7, "7;x")))
    assert (report.processed, report.loaded, report.failed) == (100_000, 99_000, 1_000)
    errors = refused(report)
    assert [(item.row, item.column, item.value) for item in errors] == [
        (n + 2, "Amount", "7;x") for n in range(100_000) if n % 100 == 7
    ]
    page = refused_page(load=report, chosen=Chosen("Amount", "PLAIN number"), start=900)
    assert (page.count, len(page.values), page.columns, page.values[0].row) == (
        1_000,
        100,
        (("Amount", 1_000),),
        90_009,
    )
    assert refused_page(load=report, chosen=Chosen("Account")).count == 0

    rows = list(csv.DictReader(to_correct(report).removeprefix("\ufeff").splitlines()))
    assert list(rows[0]) == ["Account", "Comment", "Amount"]
    lines = [f"{row['Account']},{row['Comment']},{row['Comment'].removeprefix('row ')}.01" for row in rows]
    mended = write("mended.csv", "Account,Comment,Amount\n" + "\n".join(lines) + "\n")
    done = correct(actor=None, load=report, files={"": mended})
    assert (done.processed, done.loaded, done.failed, done.corrects) == (1_000, 1_000, 0, report)
    assert done.snapshot is not None
    assert done.snapshot.rows == 100_000

    again = correct(actor=None, load=report, files={"": mended})
    assert (again, plan.snapshots.count()) == (done, 2)

    good = load(actor=None, cube=plan, facts=write("good.csv", big(lambda n: False, "")))
    assert good.failed == 0
    assert facts(done) == facts(good)
    assert total(done) == total(good) == sum(Decimal(f"{n}.01") for n in range(100_000))


HEAD = "Account,Amount\n"


@pytest.mark.parametrize("mode", list(Mode))
def test_a_correction_gives_what_the_good_file_would_have_given(plan: Cube, write: Write, mode: Mode) -> None:
    old, rest = HEAD + "a,1\nb,2\nz,3\n", "c,4\n" * 20
    load(actor=None, cube=plan, facts=write("f.csv", old))
    report = load(actor=None, cube=plan, facts=write("g.csv", HEAD + "a,x\na,5\nb,y\n" + rest), mode=mode)
    assert to_correct(report) == "\ufeffAccount,Amount\r\na,x\r\nb,y\r\n"
    half = correct(actor=None, load=report, files={"": write("h.csv", HEAD + "a,7\nb,y\n")})
    assert (half.loaded, half.failed, half.mode) == (1, 1, mode)
    assert to_correct(half) == "\ufeffAccount,Amount\r\nb,y\r\n"
    done = correct(actor=None, load=half, files={"": write("i.csv", HEAD + "b,9\n")})
    load(actor=None, cube=plan, facts=write("f.csv", old))
    good = load(actor=None, cube=plan, facts=write("k.csv", HEAD + "a,7\na,5\nb,9\n" + rest), mode=mode)
    assert facts(done) == facts(good)
    assert total(done) == total(good)


def test_a_load_that_was_held_back_is_completed(plan: Cube, write: Write) -> None:
    load(actor=None, cube=plan, facts=write("f.csv", HEAD + "a,1\n"))
    report = load(actor=None, cube=plan, facts=write("g.csv", HEAD + "b,x\nc,3\n"))
    assert report.snapshot is None
    done = correct(actor=None, load=report, files={"": write("h.csv", HEAD + "b,2\n")})
    assert [(row["d_dim_cube_plan_0"], row["m_a0"], row["row_no"]) for row in facts(done)] == [("b", 2, 1), ("c", 3, 2)]


def test_a_correction_is_refused_where_it_would_change_something_else(plan: Cube, write: Write) -> None:
    report = load(actor=None, cube=plan, facts=write("f.csv", HEAD + "a,1\nb,x\n"))
    with pytest.raises(LoadRefused, match=r"h\.csv has 2 records, 1 were refused"):
        correct(actor=None, load=report, files={"": write("h.csv", HEAD + "a,1\nb,2\n")})
    with pytest.raises(LoadRefused, match="Choose the corrected file"):
        correct(actor=None, load=report, files={})
    load(actor=None, cube=plan, facts=write("g.csv", HEAD + "c,1\n"))
    with pytest.raises(LoadRefused, match="Other data was loaded since"):
        correct(actor=None, load=report, files={"": write("i.csv", HEAD + "b,2\n")})
    assert plan.snapshots.count() == 2


def test_another_correction_of_a_corrected_load_is_refused(plan: Cube, write: Write) -> None:
    report = load(actor=None, cube=plan, facts=write("f.csv", HEAD + "a,1\nb,x\n"))
    correct(actor=None, load=report, files={"": write("h.csv", HEAD + "b,2\n")})
    with pytest.raises(LoadRefused, match=r"h\.csv corrected this load already"):
        correct(actor=None, load=report, files={"": write("i.csv", HEAD + "b,3\n")})


def test_records_that_are_left_out_are_said(plan: Cube, write: Write) -> None:
    report = load(actor=None, cube=plan, facts=write("f.csv", HEAD + "a,1\nb,x\nc,x\n"))
    done = correct(actor=None, load=report, files={"": write("h.csv", HEAD + "c,3\n")})
    assert "1 of 2 refused records are not in h.csv." in done.notes
    assert [row["row_no"] for row in facts(done)] == [1, 4]


def test_facts_wait_for_their_members_and_go_in_with_the_corrected_ones(db: None, write: Write) -> None:
    dimensions = {"Period": [("Name", "StringType"), ("Start", "DateType")]}
    cube = import_definition(actor=None, text=definition_text(dimensions=dimensions), publish=True).cube
    members = {"Period": write("p.csv", "Name,Start\nJul,2021-07-01\nAug,August\n")}
    report = load(actor=None, cube=cube, facts=write("f.csv", "Period,Amount\nJul,1\nAug,2\n"), dimensions=members)
    assert report.snapshot is None
    still = correct(actor=None, load=report, files={"dim_cube_plan_0": write("q.csv", "Name,Start\nAug,2021-13-01\n")})
    assert [table.state for table in still.tables.all()] == ["Skipped", "Failed"]
    done = correct(actor=None, load=still, files={"dim_cube_plan_0": write("r.csv", "Name,Start\nAug,2021-08-01\n")})
    assert [(table.name, table.state) for table in done.tables.all()] == [("Facts", "Loaded"), ("Period", "Loaded")]
    assert total(done) == 3
    assert done.snapshot is not None
    kept = pq.read_table(done.snapshot.path / "members-dim_cube_plan_0.parquet").column("c0").to_pylist()
    assert kept == ["Aug", "Jul"]


NASTY = ["=1+1", "-5", "'=x", "''-x", "@a", "+1", "-1+2", "\ttab", "a\nb", '"q"', "😀", "\u202egnp", "x" * 10_000, "'"]


def test_what_comes_back_is_what_was_refused_byte_for_byte(plan: Cube, write: Write, tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["Account", "Amount"], *[[text, "x"] for text in NASTY]])
    report = load(actor=None, cube=plan, facts=Source(path))
    text = to_correct(report)
    cells = [row[0] for row in csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True))][1:]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t")) and cell != "+1"]
    mended = tmp_path / "mended.csv"
    mended.write_bytes(text.replace(",x\r\n", ",1\r\n").encode())
    done = correct(actor=None, load=report, files={"": Source(mended)})
    assert [row["d_dim_cube_plan_0"] for row in facts(done)] == NASTY


def test_a_workbook_comes_back_as_a_workbook(plan: Cube, tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Plan")
        for row, cells in enumerate([("Account", "Amount"), ("0800", 0.1), ("=x", 0.123), ("b", "1.5,0")]):
            for column, cell in enumerate(cells):
                (sheet.write_number if isinstance(cell, float) else sheet.write_string)(row, column, cell)
    report = load(actor=None, cube=plan, facts=Source(path))
    assert [(item.sheet, item.row, item.value) for item in refused(report)] == [
        ("Plan", 3, "0.123"),
        ("Plan", 4, "1.5,0"),
    ]
    records = refused_records(report, report.tables.get(key=""))
    assert records is not None
    records_xlsx(records, tmp_path / "back.xlsx")
    half = correct(actor=None, load=report, files={"": Source(tmp_path / "back.xlsx")})
    assert [(item.sheet, item.row, item.value) for item in refused(half)] == [
        ("Plan", 2, "0.123"),
        ("Plan", 3, "1.5,0"),
    ]


def test_a_line_with_too_many_values_comes_back_whole(plan: Cube, write: Write) -> None:
    report = load(actor=None, cube=plan, facts=write("f.csv", HEAD + "a,1,000\nb,2\n"))
    assert to_correct(report) == "\ufeffAccount,Amount\r\na,1,000\r\n"
    done = correct(actor=None, load=report, files={"": write("h.csv", HEAD + "a,1000\n")})
    assert [(row["m_a0"], row["row_no"]) for row in facts(done)] == [(1000, 1), (2, 2)]
