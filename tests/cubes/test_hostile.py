"""Files that mean harm, and files that are only odd: each is exact or a named error."""

import io
import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import xlsxwriter
from django.core.management import CommandError, call_command

from cubes.intake import FileRefused, Source, open_table
from cubes.models import Cube
from cubes.operations import LoadRefused, load

from .conftest import refused

Write = Callable[..., Source]
SHEET = "xl/worksheets/sheet1.xml"


def workbook(path: Path, parts: dict[str, bytes] | None = None) -> Path:
    """A good workbook with other parts put in or in place of its own."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Account", "Amount"])
        sheet.write_row(1, 0, ["a", 1])
    parts = parts or {}
    with zipfile.ZipFile(buffer) as good, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in good.infolist():
            if entry.filename not in parts:
                archive.writestr(entry, good.read(entry))
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def bomb(path: Path) -> Path:
    workbook(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/media/zeros.xml", "w") as part:
        for _ in range(300):
            part.write(bytes(1_000_000))
    return path


def many(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(100_000):
            archive.writestr(f"{number}", b"")
    return path


def link(path: Path) -> Path:
    workbook(path)
    entry = zipfile.ZipInfo("xl/worksheets/sheet9.xml")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    return path


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "zip bomb": (bomb, "packed more tightly"),
    "nested zip": (lambda path: workbook(path, {"xl/inner.zip": b"PK\x05\x06" + bytes(18)}), "holds another archive"),
    "symlink": (link, "holds a link to another file"),
    "100k entries": (many, "more than 5000 parts"),
    "XML bomb": (lambda path: workbook(path, {SHEET: LAUGHS}), "declares XML entities"),
    "XML bomb in UTF-16": (
        lambda path: workbook(path, {SHEET: LAUGHS.decode().encode("utf-16")}),
        "declares XML entities",
    ),
    "external link": (
        lambda path: workbook(path, {"xl/externalLinks/externalLink1.xml": b"<externalLink/>"}),
        "is linked to other workbooks",
    ),
}
# Opens a file in a process of its own and says how long that took and how much its memory grew.
MEASURE = """
import json, resource, sys, time
from cubes.intake import FileRefused, Source, open_table
import numpy, pandas, pyarrow
begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    open_table(Source(sys.argv[1]))
    said = ""
except FileRefused as error:
    said = str(error)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([said, time.monotonic() - begun, grown]))
"""


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_workbook_is_refused_at_once_and_in_little_memory(tmp_path: Path, kind: str) -> None:
    make, says = HOSTILE[kind]
    path = make(tmp_path / "f.xlsx")
    run = [sys.executable, "-c", MEASURE, str(path)]
    answer = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True)
    said, seconds, kilobytes = json.loads(answer.stdout)
    assert says in said
    assert seconds < 1
    assert kilobytes < 50_000


def test_a_part_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "f.xlsx")
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\x01\x02", 0, content.find(b"PK\x05\x06"))
    content[at + 24 : at + 28] = (5).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(FileRefused, match="cannot be read as a workbook"):
        open_table(Source(path))


def test_a_workbook_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "f.xlsx")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FileRefused, match="cannot be read as a workbook"):
        open_table(Source(path))


def cells(path: Path) -> list[tuple[object, ...]]:
    [batch] = open_table(Source(path)).batches
    return list(zip(*[column.to_pylist() for column in batch.columns], strict=True))


def test_a_formula_counts_with_the_value_that_its_spreadsheet_kept(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "f.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Account", "Amount"])
        sheet.write_string(1, 0, "=1+1")
        sheet.write_formula(1, 1, "=1+1", None, 2.5)
    assert cells(tmp_path / "f.xlsx") == [("=1+1", "2.5")]


@pytest.mark.parametrize("since_1904", [False, True])
def test_dates_of_both_epochs_are_the_days_that_the_spreadsheet_shows(tmp_path: Path, since_1904: bool) -> None:
    with xlsxwriter.Workbook(tmp_path / "f.xlsx", {"date_1904": since_1904}) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["Day"])
        for row, serial in enumerate([60, 61, 44_378], start=1):
            sheet.write_number(row, 0, serial, day)
    if since_1904:
        expected = ["1904-03-01", "1904-03-02", "2025-07-02"]
    else:  # serial 60 is a day that never was, and must not become another one in silence
        expected = ["1900-02-28 or 1900-02-29", "1900-03-01", "2021-07-01"]
    assert [row[0] for row in cells(tmp_path / "f.xlsx")] == expected


def csv_rows(cube: Cube, source: Source) -> list[tuple[object, object]]:
    report = load(actor=None, cube=cube, facts=source)
    assert refused(report) == []
    assert report.snapshot is not None
    rows = pq.read_table(report.snapshot.path / "facts.parquet").to_pylist()
    return [(row["d_dim_cube_plan_0"], row["m_a0"]) for row in rows]


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_odd_text_is_exact_whatever_its_encoding_and_line_ends(plan: Cube, write: Write, encoding: str) -> None:
    text = 'Account,Amount\r\n000110,1\nNA,2\r\n"a\r\nb",3\n🧾\u202e,4\r\n' + f"{'x' * 10_000},5\n"
    found = csv_rows(plan, write("f.csv", text, encoding=encoding))
    assert found == [("000110", 1), ("NA", 2), ("a\r\nb", 3), ("🧾\u202e", 4), ("x" * 10_000, 5)]


@pytest.mark.django_db
def test_a_number_among_text_and_a_text_among_numbers_keep_their_place(plan: Cube, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "f.xlsx") as book:
        sheet = book.add_worksheet()
        for row, values in enumerate([("Account", "Amount"), ("0800", 1), (800, "2"), ("b", "two"), (True, 3.25)]):
            for column, value in enumerate(values):
                sheet.write(row, column, value) if not isinstance(value, str) else sheet.write_string(
                    row, column, value
                )
    report = load(actor=None, cube=plan, facts=Source(tmp_path / "f.xlsx"))
    assert [(item.sheet, item.row, item.column, item.value) for item in refused(report)] == [
        ("Sheet1", 4, "Amount", "two")
    ]
    assert report.snapshot is not None
    rows = pq.read_table(report.snapshot.path / "facts.parquet").to_pylist()
    assert [row["d_dim_cube_plan_0"] for row in rows] == ["0800", "800", "true"]


@pytest.mark.django_db
def test_a_header_that_is_missing_or_stands_twice_is_named_in_a_workbook_too(plan: Cube, tmp_path: Path) -> None:
    for headers, says in ((["Account"], "no column 'Amount'"), (["Account", "Account", "Amount"], "'Account' twice")):
        with xlsxwriter.Workbook(tmp_path / "f.xlsx") as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, headers)
            sheet.write_row(1, 0, ["a", "b", "c"][: len(headers)])
        with pytest.raises(LoadRefused, match=says):
            load(actor=None, cube=plan, facts=Source(tmp_path / "f.xlsx"))


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("load_cube", "plan", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_has_modes_notations_a_report_as_json_and_exit_codes(plan: Cube, write: Write) -> None:
    good = str(write("f.csv", 'Account,Amount\na,"1.000,50"\n').path)
    said = json.loads(command("--facts", good, "--numbers", "found", "--json"))
    assert said["tables"][0]["numbers"] == "1.234,56"
    assert said["snapshot"]["totals"] == {"Amount": "1000.50"}
    bad = str(write("g.csv", "Account,Amount\n" + "a,1\n" * 20 + "b,x\n").path)
    with pytest.raises(SystemExit) as left:
        command("--facts", bad, "--mode", "append", "--strict", "--json")
    assert left.value.code == 3
    assert plan.snapshots.get(number=2).rows == 21
    assert "20 loaded, 1 refused." in command("--facts", bad, "--mode", "overwrite")
    assert plan.snapshots.get(number=3).rows == 20
    unclear = str(write("h.csv", "Account,Amount\na,1.000\n").path)
    with pytest.raises(CommandError, match="Choose how numbers are written"):
        command("--facts", unclear, "--numbers", "found")
