"""Parquet files: typed columns become exact text, record by record in the file's order."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .cells import counted_text
from .source import Batch, FileRefused, Source, Table

CHUNK = 200_000


def open_parquet(source: Source) -> Table:
    """The records of a Parquet file; a record's line is its number, because there is no header line."""
    try:
        schema = pq.read_schema(source.path)
    except (pa.ArrowException, OSError) as error:
        raise FileRefused(f"{source.label} cannot be read as Parquet: {error}. Write it again.") from error
    return Table(list(schema.names), lambda: _batches(source, schema))


def _batches(source: Source, schema: pa.Schema) -> Iterator[Batch]:
    done = 0
    texts = [_is_text(field.type) for field in schema]
    file = pq.ParquetFile(source.path)
    try:
        for part in file.iter_batches(batch_size=CHUNK):
            records = np.arange(done + 1, done + 1 + part.num_rows, dtype=np.int64)
            done += part.num_rows
            typed = [pa.array(np.full(part.num_rows, not text)) for text in texts]
            yield Batch([_texts(column) for column in part.columns], records, records, [], typed)
    except (pa.ArrowException, OSError) as error:
        raise FileRefused(f"{source.label} cannot be read as Parquet: {error}. Write it again.") from error
    finally:
        file.close()


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_integer(column.type):
        return column.cast(pa.string())
    if pa.types.is_binary(column.type):
        raise FileRefused("A column holds bytes instead of text. Write it as text.")
    distinct = column.dictionary_encode()
    texts = [None if value is None else counted_text(value) for value in distinct.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(distinct.indices, pa.array(texts, pa.string())).dictionary_decode()
