"""Files become text, each record with its place."""

import codecs
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from cubes.intake import FileRefused, Source, delimited, open_table, uneven
from cubes.intake.cells import cell_text

ODD = ["0800", "000110", "NA", "1E5", " lead", "two  blanks", "🧾 emoji", "N/A", "null", "'", ";", "tab\t", "\u00a0"]


def read(source: Source) -> tuple[list[str], list[tuple[int, int, tuple[str, ...]]], list[tuple[int, str]]]:
    """Headers, (record, line, values) of every record, and (line, value) of what was refused."""
    table = open_table(source)
    rows, refused = [], []
    for batch in table.batches:
        values = zip(*[column.to_pylist() for column in batch.columns], strict=True)
        rows += list(zip(batch.records.tolist(), batch.lines.tolist(), values, strict=True))
        refused += [(refusal.line, refusal.value) for refusal in batch.refused]
    return table.headers, rows, refused


Write = Callable[..., Source]


def test_csv_keeps_every_value_byte_for_byte(write: Write) -> None:
    source = write("odd.csv", "Code,n\r\n" + "".join(f'"{value}",1\r\n' for value in ODD))
    headers, rows, _ = read(source)
    assert headers == ["Code", "n"]
    assert [values[0] for _, _, values in rows] == ODD


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_is_read_in_unicode_by_its_byte_order_mark(write: Write, encoding: str) -> None:
    headers, rows, _ = read(write("a.csv", "Käse,b\n預算,🧾\n", encoding=encoding))
    assert headers == ["Käse", "b"]
    assert rows == [(1, 2, ("預算", "🧾"))]


def test_utf_16_of_the_other_byte_order(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(codecs.BOM_UTF16_BE + "a,b\n1,2\n".encode("utf-16-be"))
    assert read(Source(tmp_path / "a.csv"))[1] == [(1, 2, ("1", "2"))]


def test_lines_are_counted_as_an_editor_shows_them(write: Write) -> None:
    text = 'a,b\n1,"two\nlines"\n\n2,"x ""y"", z"\n3\n'
    assert read(write("a.csv", text))[1] == [
        (1, 2, ("1", "two\nlines")),
        (3, 5, ("2", 'x "y", z')),
        (4, 6, ("3", "")),
    ]


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_a_line_with_too_many_values_is_refused_and_the_others_are_read(
    write: Write, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "CHUNK", chunk)
    monkeypatch.setattr(uneven, "CHUNK", chunk)
    text = 'a,b\n1,"two\nlines"\n2,x\n3,1,000\n\n4,y\n5,1,2,3\n6\n'
    _, rows, refused = read(write("a.csv", text))
    assert rows == [
        (1, 2, ("1", "two\nlines")),
        (2, 4, ("2", "x")),
        (5, 7, ("4", "y")),
        (7, 9, ("6", "")),
    ]
    assert refused == [(5, "000"), (8, "2,3")]


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_chunks_do_not_change_places(write: Write, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "CHUNK", chunk)
    text = "a\n" + "".join(f'"{number}\n"\n' for number in range(5))
    assert read(write("a.csv", text))[1] == [(n + 1, 2 * n + 2, (f"{n}\n",)) for n in range(5)]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"a,b\n\xff,1\n", "not UTF-8 or UTF-16"),
        ("a.csv", b'a,b\n"1,1\n', "cannot be read"),
        ("a.txt", b"a", "not a CSV, XLSX or Parquet file"),
        ("a.xlsx", b"no workbook", "cannot be read as a workbook"),
        ("a.parquet", b"no parquet", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileRefused, match=says):
        read(Source(tmp_path / name))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"gone\.csv does not exist"):
        open_table(Source(tmp_path / "gone.csv"))


def test_a_workbook_keeps_text_cells_and_writes_numbers_exactly(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet("Plan")
    book.add_worksheet("Notes")
    sheet.write_row(1, 0, ["Code", "Value"])
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    values = [110, 0.1, -2.5, 1e-7, 1e20, datetime(2021, 7, 1), True]  # noqa: DTZ001
    for row, value in enumerate(ODD):
        sheet.write_string(2 + row, 0, value)
    for row, value in enumerate(values):
        sheet.write(2 + row, 1, value, day) if isinstance(value, datetime) else sheet.write(2 + row, 1, value)
    sheet.write_string(20, 0, "after empty lines")
    book.close()
    headers, rows, _ = read(Source(tmp_path / "a.xlsx"))
    assert headers == ["Code", "Value"]
    assert [values[0] for _, _, values in rows] == [*ODD, "after empty lines"]
    assert [values[1] for _, _, values in rows][:7] == [
        "110",
        "0.1",
        "-2.5",
        "0.0000001",
        "100000000000000000000",
        "2021-07-01",
        "true",
    ]
    assert (rows[0][:2], rows[-1][:2]) == ((1, 3), (19, 21))
    table = open_table(Source(tmp_path / "a.xlsx"))
    assert (table.sheet, table.notes) == ("Plan", ("Only the first sheet was read; not read: Notes.",))


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        book.add_worksheet("Empty")
    with pytest.raises(FileRefused, match=r"Sheet Empty of a\.xlsx is empty"):
        open_table(Source(tmp_path / "a.xlsx"))


def test_parquet_types_become_exact_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": pa.array(["0800", None, ""]).dictionary_encode(),
            "whole": [110, -1, None],
            "decimal": pa.array([Decimal("1.500000"), Decimal("-0.000001"), Decimal("100")], pa.decimal128(32, 6)),
            "float": [0.1, 1e20, float("nan")],
            "day": [date(2021, 7, 1), None, date(1999, 12, 31)],
            "moment": [datetime(2021, 7, 1), datetime(2021, 7, 1, 10, 30), None],  # noqa: DTZ001
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    headers, rows, _ = read(Source(tmp_path / "a.parquet"))
    assert headers == table.column_names
    assert [values for _, _, values in rows] == [
        ("0800", "110", "1.5", "0.1", "2021-07-01", "2021-07-01"),
        (None, "-1", "-0.000001", "100000000000000000000", None, "2021-07-01T10:30:00"),
        ("", None, "100", "", "1999-12-31", None),
    ]
    assert [(record, line) for record, line, _ in rows] == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.0, "0"),
        (0.30000000000000004, "0.30000000000000004"),
        (float("inf"), "Infinity"),
        (Decimal("1E+3"), "1000"),
        (time(10, 30), "10:30:00"),
        (False, "false"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert cell_text(value) == text
