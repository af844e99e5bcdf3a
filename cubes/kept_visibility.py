"""What somebody saw of a cube at a time, kept by its digest, so that it can be held against what others see later."""

import functools
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from .rules.security import EVERYTHING, Visibility

_SCHEMA = pa.schema([("dimension", pa.string()), ("key", pa.string())])


def keep(seen: Visibility) -> str:
    """Keep `seen` and return its digest, which is empty for everything. The same one again is kept once."""
    digest = seen.digest
    path = _path(digest)
    if digest and not path.exists():
        rows = [(name, key) for name, keys in sorted(seen.only.items()) for key in [None, *sorted(keys)]]
        columns = [[row[0] for row in rows], [row[1] for row in rows]]
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{digest}.{uuid4().hex}")
        pq.write_table(pa.table(columns, schema=_SCHEMA), part, compression="zstd")
        part.replace(path)
    return digest


def covers(reader: Visibility, digest: str) -> bool:
    """Whether `reader` sees all that was seen under `digest`. What is not kept any more covers only everything."""
    if reader.everything or (digest and reader.digest == digest):
        return True
    if not digest:
        return reader.covers(EVERYTHING)
    path = _path(digest)
    return path.exists() and reader.covers(_kept(path))


def _path(digest: str) -> Path:
    return Path(settings.DATA_DIR) / "seen" / f"{digest}.parquet"


@functools.lru_cache(maxsize=64)
def _kept(path: Path) -> Visibility:
    """The file never changes: its name is the digest of what it holds."""
    only: dict[str, list[str]] = {}
    table = pq.read_table(path)
    for dimension, key in zip(table["dimension"].to_pylist(), table["key"].to_pylist(), strict=True):
        keys = only.setdefault(dimension, [])
        if key is not None:
            keys.append(key)
    return Visibility(True, {name: frozenset(keys) for name, keys in only.items()})
