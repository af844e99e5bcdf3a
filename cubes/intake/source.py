"""What reading a file hands on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Source:
    """A file to load; `name` is how reports call it, by default its own name. `sheet` is that of a workbook, empty is

    the first one.
    """

    path: Path
    name: str = ""
    sheet: str = ""

    @property
    def label(self) -> str:
        return self.name or Path(self.path).name


class FileRefused(Exception):
    """The file as a whole cannot be read; the text is a sentence for people."""


@dataclass(frozen=True)
class Refusal:
    """A record that cannot even be taken apart into values."""

    line: int
    value: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """Some records: one text array per column of the file, with record numbers (from 1) and lines (1 = header)."""

    columns: list[pa.Array]
    records: np.ndarray
    lines: np.ndarray
    refused: list[Refusal] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.records)


@dataclass(frozen=True)
class Table:
    """An opened file: its headers as they are, the sheet where there is one, and its records in batches."""

    headers: list[str]
    batches: Iterator[Batch]
    sheet: str = ""
    notes: tuple[str, ...] = ()
