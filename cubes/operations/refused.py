"""What a load refuses: every value with its place, and every record as it stands in the file.

Both go to Parquet files beside the report, because a file of a million wrong records must not become a million rows of
the database.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cubes.intake import Batch, Refusal

ERRORS = pa.schema(
    [
        ("table", pa.string()),
        ("file", pa.string()),
        ("sheet", pa.string()),
        ("row", pa.int64()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
    ]
)
ERRORS_FILE = "errors.parquet"


def refused_name(key: str) -> str:
    """The file of the refused records of a table; `key` is the logical name of a dimension, empty for the facts."""
    return f"refused-{key}.parquet" if key else "refused.parquet"


@dataclass(frozen=True)
class Place:
    """The table that refuses, and the file it was read from."""

    key: str
    name: str
    file: str
    sheet: str
    headers: tuple[str, ...]


@dataclass
class Report:
    """Collects sentences, refused values and refused records of one load below `folder`."""

    folder: Path
    notes: list[str] = field(default_factory=list)
    _writers: dict[str, pq.ParquetWriter] = field(default_factory=dict)

    def __enter__(self) -> "Report":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish the files; no more can be refused."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def note(self, text: str) -> None:
        self.notes.append(text)

    def carry(self, folder: Path, key: str) -> None:
        """Take over what an earlier load refused of a table."""
        errors = pq.read_table(folder / ERRORS_FILE, filters=[("table", "=", key)])
        self._write(ERRORS_FILE, errors.cast(ERRORS))
        records = pq.read_table(folder / refused_name(key))
        self._write(refused_name(key), records)

    def refuse(self, place: Place, errors: pa.Table) -> None:
        """Keep refused values: columns `row`, `column`, `value` and `reason`."""
        size = len(errors)
        if not size:
            return
        same = {"table": place.key, "file": place.file, "sheet": place.sheet}
        columns = {
            name: pa.array([text], pa.string()).take(pa.array(np.zeros(size, np.int64))) for name, text in same.items()
        }
        for name in ("column", "value", "reason"):
            columns[name] = pc.replace_substring(errors.column(name), "\0", "␀")
        self._write(ERRORS_FILE, pa.table(columns | {"row": errors.column("row")}).select(ERRORS.names).cast(ERRORS))

    def refuse_lines(self, place: Place, refusals: Sequence[Refusal]) -> None:
        """Keep lines that could not be taken apart."""
        if not refusals:
            return
        self.refuse(
            place,
            pa.table(
                {
                    "row": pa.array([item.line for item in refusals], pa.int64()),
                    "column": pa.array([""] * len(refusals), pa.string()),
                    "value": pa.array([item.value for item in refusals], pa.string()),
                    "reason": pa.array([item.reason for item in refusals], pa.string()),
                }
            ),
        )
        width = len(place.headers)
        columns = [pa.array([item.values[at] for item in refusals], pa.string()) for at in range(width)]
        surplus = pa.array([list(item.values[width:]) for item in refusals], pa.list_(pa.string()))
        records = pa.array([item.record for item in refusals], pa.int64())
        typed = pa.array([""] * len(refusals), pa.string())
        self._keep(place, columns, records, typed, surplus)

    def refuse_records(self, place: Place, batch: Batch, bad: pa.Array) -> None:
        """Keep the records of `batch` that are `bad`, as they stand in the file."""
        columns = [column.filter(bad) for column in batch.columns]
        records = pa.array(batch.records, pa.int64()).filter(bad)
        kinds = [column.filter(bad).to_pylist() for column in batch.typed]
        marks = ["".join("1" if mark else "0" for mark in row) for row in zip(*kinds, strict=True)]
        typed = pa.array(marks or [""] * len(records), pa.string())
        none = pa.array([[]] * len(records), pa.list_(pa.string()))
        self._keep(place, columns, records, typed, none)

    def _keep(
        self, place: Place, columns: list[pa.Array], records: pa.Array, typed: pa.Array, surplus: pa.Array
    ) -> None:
        names = [f"c{at}" for at in range(len(columns))] + ["record", "typed", "surplus"]
        about = {"headers": json.dumps(place.headers), "file": place.file, "sheet": place.sheet}
        table = pa.table([*columns, records, typed, surplus], names=names).replace_schema_metadata(about)
        self._write(refused_name(place.key), table)

    def _write(self, name: str, table: pa.Table) -> None:
        if name not in self._writers:
            self._writers[name] = pq.ParquetWriter(self.folder / name, table.schema, compression="zstd")
        self._writers[name].write_table(table)


def listed(lines: np.ndarray, found: Sequence[tuple[str, pa.Array, pa.Array, dict[str, str]]]) -> pa.Table:
    """Refused values line by line: (header, texts, which are bad, reason by text) for each column, in their order."""
    parts = []
    for order, (header, texts, bad, reasons) in enumerate(found):
        values = pc.fill_null(texts.filter(bad), "")
        size = len(values)
        if not size:
            continue
        encoded = values.dictionary_encode()
        words = pa.array([reasons[text] for text in encoded.dictionary.to_pylist()], pa.string())
        zeros = pa.array(np.zeros(size, np.int64))
        parts.append(
            pa.table(
                {
                    "row": pa.array(lines[bad.to_numpy(zero_copy_only=False)], pa.int64()),
                    "order": pa.array(np.full(size, order), pa.int64()),
                    "column": pa.array([header], pa.string()).take(zeros),
                    "value": values,
                    "reason": words.take(encoded.indices),
                }
            )
        )
    if not parts:
        return pa.table({name: pa.array([], ERRORS.field(name).type) for name in ("row", "column", "value", "reason")})
    return pa.concat_tables(parts).sort_by([("row", "ascending"), ("order", "ascending")]).drop_columns(["order"])
