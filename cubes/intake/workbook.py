"""Workbooks: one sheet, its first line with a value naming the columns."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from .cells import counted_text
from .guard import check_workbook
from .rows import leave_out_empty
from .source import Batch, FileRefused, Source, Table

CHUNK = 50_000


def open_workbook(source: Source) -> Table:
    """The records of the source's sheet, or of the first one; then the other sheets are named in the notes."""
    import pandas as pd

    check_workbook(source)
    try:
        with pd.ExcelFile(source.path, engine="calamine") as book:
            sheets = [str(name) for name in book.sheet_names]
            sheet = source.sheet or sheets[0]
            frame = pd.read_excel(
                book, sheet_name=sheet, header=None, dtype=object, keep_default_na=False, na_filter=False
            )
    except Exception as error:  # the reader raises many kinds, one of its own among them
        raise FileRefused(f"{source.label} cannot be read as a workbook: {error}. Save it as XLSX again.") from error
    texts = [frame[name].map(_text).tolist() for name in frame.columns]
    typed = [frame[name].map(lambda value: not isinstance(value, str)).tolist() for name in frame.columns]
    top = next((row for row in range(len(frame)) if any(column[row] for column in texts)), None)
    if top is None:
        raise FileRefused(f"Sheet {sheet} of {source.label} is empty. Its first line must name the columns.")
    unread = sheets[1:] if not source.sheet else []
    notes = (f"Only the first sheet was read; not read: {', '.join(unread)}.",) if unread else ()
    return Table([column[top] for column in texts], lambda: _batches(texts, typed, top), sheet, notes)


def sheet_names(source: Source) -> list[str]:
    """The sheets of a workbook in their order. FileRefused when it is none, or one that is dangerous to open."""
    from python_calamine import CalamineWorkbook

    check_workbook(source)
    try:
        with CalamineWorkbook.from_path(source.path) as book:
            return list(book.sheet_names)
    except Exception as error:  # the reader raises many kinds, one of its own among them
        raise FileRefused(f"{source.label} cannot be read as a workbook: {error}. Save it as XLSX again.") from error


def _text(value: Any) -> str:
    """The text of a cell. Serial 60, the 29 February 1900 that never was, arrives as the day before it."""
    if isinstance(value, datetime | date) and (value.year, value.month, value.day) == (1900, 2, 28):
        return "1900-02-28 or 1900-02-29"
    return counted_text(value)


def _batches(texts: list[list[Any]], typed: list[list[bool]], top: int) -> Iterator[Batch]:
    rows = len(texts[0])
    for start in range(top + 1, rows, CHUNK):
        stop = min(start + CHUNK, rows)
        columns = [pa.array(column[start:stop], type=pa.string()) for column in texts]
        places = np.arange(start, stop, dtype=np.int64)
        kinds = [pa.array(column[start:stop], type=pa.bool_()) for column in typed]
        yield leave_out_empty(Batch(columns, places - top, places + 1, [], kinds))
