"""Lines without any value are no records."""

import functools

import pyarrow as pa
import pyarrow.compute as pc

from .source import Batch


def leave_out_empty(batch: Batch) -> Batch:
    """`batch` without the lines in which every value is empty, such as the one after the last line break."""
    if not batch.size:
        return batch
    empty = [pc.fill_null(pc.equal(column, ""), True) for column in batch.columns]
    kept = pc.invert(functools.reduce(pc.and_, empty))
    if pc.all(kept).as_py():
        return batch
    mask = kept.to_numpy(zero_copy_only=False)
    columns: list[pa.Array] = [column.filter(kept) for column in batch.columns]
    typed: list[pa.Array] = [column.filter(kept) for column in batch.typed]
    return Batch(columns, batch.records[mask], batch.lines[mask], batch.refused, typed)
