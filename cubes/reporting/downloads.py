"""Files of a load report: its refused values for people, and its refused records to be corrected and sent back.

What people read is kept from becoming a formula by an apostrophe. What comes back must be exact: in a workbook every
text is a text cell, in CSV an apostrophe is put on that the way back takes off again.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq

from bpp_portal.kernel.formulas import guarded, neutral
from cubes.models import Load, LoadTable
from cubes.operations.refused import refused_name
from cubes.rules.values import FLOAT_DIGITS

from .errors import FIELDS, Chosen, refused_values

HEADINGS = ("File", "Sheet", "Line", "Column", "Value", "Reason")
# A sheet ends after this many lines.
SHEET_LINES = 1_048_576
MOST_IN_SHEET = 32_767


@dataclass(frozen=True)
class RefusedRecords:
    """The records of one table that were refused, in the order of their file: headers, and values with their kinds."""

    headers: tuple[str, ...]
    sheet: str
    path: Path

    def rows(self) -> Iterator[tuple[list[str], str]]:
        """The values of each record, and for each value 1 where it was a number or a date in the file."""
        table = pq.read_table(self.path).sort_by("record")
        width = len(self.headers)
        for batch in table.to_batches(max_chunksize=5_000):
            columns = [batch.column(at).to_pylist() for at in range(width)]
            typed, surplus = batch.column("typed").to_pylist(), batch.column("surplus").to_pylist()
            for at in range(batch.num_rows):
                yield [column[at] or "" for column in columns] + surplus[at], typed[at]


def refused_records(load: Load, table: LoadTable) -> RefusedRecords | None:
    """The refused records of a table; None when there are none."""
    path = load.path / refused_name(table.key)
    if not load.folder or not path.is_file():
        return None
    about = {key.decode(): value.decode() for key, value in (pq.read_schema(path).metadata or {}).items()}
    return RefusedRecords(tuple(json.loads(about["headers"])), about["sheet"], path)


def records_suffix(table: LoadTable) -> str:
    """The ending of the file of refused records: a workbook for a workbook, CSV for the others."""
    return ".xlsx" if Path(table.file).suffix.lower() in (".xlsx", ".xls") else ".csv"


class _Echo:
    """A file for `csv.writer` that gives the text back."""

    def write(self, text: str) -> str:
        return text


def records_csv(records: RefusedRecords) -> Iterator[str]:
    """The refused records as CSV with a byte order mark."""
    write = csv.writer(_Echo()).writerow
    yield "\ufeff" + str(write([guarded(header) for header in records.headers]))
    for values, _ in records.rows():
        yield str(write([guarded(value) for value in values]))


def records_xlsx(records: RefusedRecords, file: IO[bytes] | Path) -> None:
    """The refused records as a workbook: numbers as numbers where they were, all else as text."""
    with _book(file) as book:
        sheet = book.add_worksheet((records.sheet or "Records")[:31])
        for column, header in enumerate(records.headers):
            sheet.write_string(0, column, header)
        for line, (values, typed) in enumerate(records.rows(), start=1):
            for column, value in enumerate(values):
                if typed[column : column + 1] == "1" and _is_number(value):
                    sheet.write_number(line, column, float(value))
                else:
                    sheet.write_string(line, column, value)


def errors_csv(load: Load, chosen: Chosen) -> Iterator[str]:
    """The refused values as CSV with a byte order mark."""
    write = csv.writer(_Echo()).writerow
    yield "\ufeff" + str(write(HEADINGS))
    for error in refused_values(load=load, chosen=chosen):
        cells = [getattr(error, name) for name in FIELDS]
        yield str(write([neutral(cell) if isinstance(cell, str) else cell for cell in cells]))


def errors_xlsx(load: Load, chosen: Chosen, file: IO[bytes]) -> None:
    """The refused values as a workbook; a sheet that is full is followed by another."""
    with _book(file) as book:
        sheet: Any = None
        line = SHEET_LINES
        for error in refused_values(load=load, chosen=chosen):
            if line >= SHEET_LINES:
                sheet, line = book.add_worksheet(), 1
                sheet.write_row(0, 0, HEADINGS)
            for column, name in enumerate(FIELDS):
                cell = getattr(error, name)
                if isinstance(cell, int):
                    sheet.write_number(line, column, cell)
                else:
                    sheet.write_string(line, column, cell[:MOST_IN_SHEET])
            line += 1


def _is_number(value: str) -> bool:
    try:
        short = sum(map(str.isdigit, value)) <= FLOAT_DIGITS
        return short and repr(float(value)) != "nan" and bool(value) and value.lstrip("-").replace(".", "", 1).isdigit()
    except ValueError:
        return False


def _book(file: IO[bytes] | Path) -> Any:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    return xlsxwriter.Workbook(file, options)
