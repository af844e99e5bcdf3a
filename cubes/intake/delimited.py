"""CSV files: comma, double quotes, UTF-8 or UTF-16 by its byte order mark. Blanks and quotes stay as they are."""

import codecs
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .rows import leave_out_empty
from .source import Batch, FileRefused, Refusal, Source, Table

CHUNK = 200_000
_SKIPPED = re.compile(r"Skipping line (\d+): expected (\d+) fields, saw (\d+)")


def open_csv(source: Source) -> Table:
    """The records of a CSV file, in chunks."""
    encoding = _encoding(Path(source.path))
    headers = _headers(source, encoding)
    return Table(headers, _batches(source, encoding, len(headers)))


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
    import pandas as pd

    place = _Place()
    try:
        with _read(source, encoding, names=list(range(width)), chunksize=CHUNK, on_bad_lines="warn") as chunks:
            while True:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    frame = next(chunks, None)
                refused = [line for warning in caught for line in _SKIPPED.findall(str(warning.message))]
                if frame is None and not refused:
                    return
                yield place.batch(frame, [(int(at), int(want), int(saw)) for at, want, saw in refused])
                if frame is None:
                    return
    except (pd.errors.ParserError, UnicodeError) as error:
        raise _refused(source, error) from error


class _Place:
    """Where the next chunk begins: the parser counts records, people count lines, and quoted values span lines."""

    def __init__(self) -> None:
        self.logical = 1
        self.extra_lines = 0

    def batch(self, frame: Any, skipped: list[tuple[int, int, int]]) -> Batch:
        columns = [] if frame is None else [_texts(frame[name]) for name in frame.columns]
        size = 0 if frame is None else len(frame)
        numbers = np.arange(self.logical, self.logical + size, dtype=np.int64)
        for at, _, _ in sorted(skipped):
            numbers[numbers >= at] += 1
        breaks = sum((_breaks(column) for column in columns), np.zeros(size, dtype=np.int64))
        before = np.concatenate([[0], np.cumsum(breaks)])
        lines = numbers + self.extra_lines + before[:-1]
        refused = [
            Refusal(
                at + self.extra_lines + int(before[int(np.searchsorted(numbers, at))]),
                "",
                f"The line has {saw} values, the header names {want} columns. "
                "Put values with a comma in double quotes.",
            )
            for at, want, saw in skipped
        ]
        header = self.logical == 1
        self.logical += size + len(skipped)
        self.extra_lines += int(before[-1])
        start = 1 if header else 0
        batch = Batch([column[start:] for column in columns], numbers[start:] - 1, lines[start:], refused)
        return leave_out_empty(batch)


def _texts(series: Any) -> pa.Array:
    return pa.array(series, type=pa.string(), from_pandas=True)


def _breaks(column: pa.Array) -> np.ndarray:
    return pc.fill_null(pc.count_substring(column, "\n"), 0).to_numpy(zero_copy_only=False).astype(np.int64)
