"""The blobs themselves and the blocks of uploads that are not finished; both vanish after some days."""

import hashlib
import time
from typing import Any

from sandbox.world import World


def purge(world: World) -> None:
    """Forget what is older than `blob_days`."""
    oldest = time.time() - float(world.faults.mode("blob_days")) * 86_400
    if world.store.row(
        "SELECT 1 FROM blobs WHERE created < ? UNION SELECT 1 FROM blob_parts WHERE created < ?", (oldest,) * 2
    ):
        with world.store.transaction() as connection:
            connection.execute("DELETE FROM blobs WHERE created < ?", (oldest,))
            connection.execute("DELETE FROM blob_parts WHERE created < ?", (oldest,))


def find(world: World, name: str) -> Any:
    """The row of a blob: name, data, etag, created; None when there is none or it vanished."""
    purge(world)
    return world.store.row("SELECT * FROM blobs WHERE name = ?", (name,))


def keep(world: World, name: str, data: bytes, blocks: list[tuple[str, bytes]]) -> tuple[str, float]:
    """Store a whole blob in place of what there was; returns its etag and time. `blocks` are those it consists of."""
    now = time.time()
    etag = f'"0x{hashlib.sha256(data + str(now).encode()).hexdigest()[:15].upper()}"'
    with world.store.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)", (name, data, etag, now))
        connection.execute("DELETE FROM blob_parts WHERE name = ?", (name,))
        connection.executemany(
            "INSERT OR REPLACE INTO blob_parts VALUES (?, ?, 1, ?, ?, ?)",
            [(name, block, position, part, now) for position, (block, part) in enumerate(blocks)],
        )
    return etag, now


def keep_block(world: World, name: str, block: str, data: bytes) -> None:
    with world.store.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO blob_parts VALUES (?, ?, 0, 0, ?, ?)", (name, block, data, time.time())
        )


def block_of(world: World, name: str, block: str, kind: str) -> bytes | None:
    """Data of a block: `Latest` looks among the uncommitted ones first, `Committed` and `Uncommitted` only there."""
    wanted = {"Committed": (1,), "Uncommitted": (0,), "Latest": (0, 1)}.get(kind, ())
    for committed in wanted:
        row = world.store.row(
            "SELECT data FROM blob_parts WHERE name = ? AND block = ? AND committed = ?", (name, block, committed)
        )
        if row is not None:
            return bytes(row["data"])
    return None


def blocks(world: World, name: str, *, committed: bool) -> list[tuple[str, int]]:
    """Ids and sizes, those of a finished blob in its order."""
    purge(world)
    rows = world.store.rows(
        "SELECT block, length(data) AS size FROM blob_parts WHERE name = ? AND committed = ? ORDER BY position, block",
        (name, int(committed)),
    )
    return [(row["block"], row["size"]) for row in rows]


def remove(world: World, name: str) -> None:
    with world.store.transaction() as connection:
        connection.execute("DELETE FROM blobs WHERE name = ?", (name,))
        connection.execute("DELETE FROM blob_parts WHERE name = ?", (name,))
