"""What reading a file hands on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Source:
    """A file to load; `name` is how reports call it, by default its own name. `sheet` is that of a workbook, empty is
    the first one.

    `returned` = it began as a download of the portal: the apostrophe that keeps a spreadsheet from taking text for a
    formula is taken off again.
    """

    path: Path
    name: str = ""
    sheet: str = ""
    returned: bool = False

    @property
    def label(self) -> str:
        return self.name or Path(self.path).name


class FileRefused(Exception):
    """The file as a whole cannot be read; the text is a sentence for people."""


@dataclass(frozen=True)
class Refusal:
    """A record that cannot even be taken apart into values; `values` are all that stand in its line."""

    line: int
    value: str
    reason: str
    record: int = 0
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Some records: one text array per column of the file, with record numbers (from 1) and lines (1 = header).

    `typed` says for each column which values were numbers or dates in the file and not text, so that they are plain
    already; empty = all were text.
    """

    columns: list[pa.Array]
    records: np.ndarray
    lines: np.ndarray
    refused: list[Refusal] = field(default_factory=list)
    typed: list[pa.Array] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.records)


@dataclass(frozen=True)
class Table:
    """An opened file: its headers as they are, the sheet where there is one, and its records in batches.

    `read` goes through the file from its start each time.
    """

    headers: list[str]
    read: Callable[[], Iterator[Batch]]
    sheet: str = ""
    notes: tuple[str, ...] = ()

    @property
    def batches(self) -> Iterator[Batch]:
        return self.read()
