"""CSV files: comma, double quotes, UTF-8 or UTF-16 by its byte order mark. Blanks and quotes stay as they are."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .rows import leave_out_empty
from .source import Batch, FileRefused, Source, Table
from .uneven import uneven_batches

CHUNK = 200_000
_UNEVEN = re.compile(r"Expected \d+ fields in line \d+, saw \d+")


def open_csv(source: Source) -> Table:
    """The records of a CSV file, in chunks. Values missing at the end of a line are empty."""
    encoding = _encoding(Path(source.path))
    headers = _headers(source, encoding)
    return Table(headers, lambda: _batches(source, encoding, len(headers)))


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _read(source: Source, encoding: str, **options: Any) -> Any:
    import pandas as pd

    return pd.read_csv(
        source.path,
        encoding=encoding,
        header=None,
        dtype=str,
        keep_default_na=False,
        na_filter=False,
        skip_blank_lines=False,
        index_col=False,
        **options,
    )


def _refused(source: Source, error: Exception) -> FileRefused:
    if isinstance(error, UnicodeError):
        return FileRefused(f"{source.label} is not UTF-8 or UTF-16 text ({error}). Save it as UTF-8.")
    return FileRefused(f"{source.label} cannot be read: {str(error).strip()}. Save it as CSV with commas again.")


def _headers(source: Source, encoding: str) -> list[str]:
    import pandas as pd

    try:
        first = _read(source, encoding, nrows=1)
    except pd.errors.EmptyDataError:
        raise FileRefused(f"{source.label} is empty. Its first line must name the columns.") from None
    except (pd.errors.ParserError, UnicodeError) as error:
        raise _refused(source, error) from error
    return [str(value) for value in first.iloc[0]]


def _batches(source: Source, encoding: str, width: int) -> Iterator[Batch]:
    """The fast reader gives up at a line with too many values; the careful one goes on from there and names it."""
    import pandas as pd

    done = breaks = 0
    try:
        with _read(source, encoding, names=list(range(width)), chunksize=CHUNK) as chunks:
            for frame in chunks:
                columns = [pa.array(frame[name], type=pa.string(), from_pandas=True) for name in frame.columns]
                batch, breaks = _batch(columns, done, breaks)
                done += len(frame)
                yield batch
    except pd.errors.ParserError as error:
        if not _UNEVEN.search(str(error)):
            raise _refused(source, error) from error
        yield from uneven_batches(source, encoding, width, done)
    except UnicodeError as error:
        raise _refused(source, error) from error


def _batch(columns: list[pa.Array], done: int, breaks: int) -> tuple[Batch, int]:
    """Records after the first `done`, the header among them; line breaks inside of values move the lines."""
    size = len(columns[0])
    records = np.arange(done, done + size, dtype=np.int64)
    inside = sum((_breaks(column) for column in columns), np.zeros(size, dtype=np.int64))
    before = np.concatenate([[0], np.cumsum(inside)]) + breaks
    start = 1 if done == 0 else 0
    lines = records + 1 + before[:-1]
    batch = Batch([column[start:] for column in columns], records[start:], lines[start:])
    return leave_out_empty(batch), int(before[-1])


def _breaks(column: pa.Array) -> np.ndarray:
    counts = pc.fill_null(pc.count_substring(column, "\n"), 0)
    return np.asarray(counts, dtype=np.int64)
