"""The careful way through a CSV file in which some lines have more values than the header has columns."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from .rows import leave_out_empty
from .source import Batch, FileRefused, Refusal, Source

CHUNK = 50_000


def uneven_batches(source: Source, encoding: str, width: int, done: int) -> Iterator[Batch]:
    """The records after the first `done`, the header being one; too long ones are refused by line."""
    part = _Part(width)
    try:
        with Path(source.path).open(encoding=encoding, newline="") as file:
            reader = csv.reader(file)
            line = 1
            for record, values in enumerate(reader):
                if record >= max(done, 1):
                    part.add(record, line, values)
                line = reader.line_num + 1
                if part.size >= CHUNK:
                    yield part.batch()
                    part = _Part(width)
    except (csv.Error, UnicodeError) as error:
        raise FileRefused(f"{source.label} cannot be read: {error}. Save it as CSV with commas again.") from error
    yield part.batch()


class _Part:
    """Records on their way to one batch."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: list[list[str]] = []
        self.places: list[tuple[int, int]] = []
        self.refused: list[Refusal] = []

    @property
    def size(self) -> int:
        return len(self.rows) + len(self.refused)

    def add(self, record: int, line: int, values: list[str]) -> None:
        if len(values) <= self.width:
            self.rows.append(values + [""] * (self.width - len(values)))
            self.places.append((record, line))
            return
        surplus = ",".join(values[self.width :])
        reason = (
            f"The line has {len(values)} values, the header names {self.width} columns. "
            "Put values that hold a comma in double quotes."
        )
        self.refused.append(Refusal(line, surplus, reason, record, tuple(values)))

    def batch(self) -> Batch:
        columns = [pa.array([row[place] for row in self.rows], type=pa.string()) for place in range(self.width)]
        places = np.array(self.places, dtype=np.int64).reshape(-1, 2)
        return leave_out_empty(Batch(columns, places[:, 0], places[:, 1], self.refused))
