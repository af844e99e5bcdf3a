"""SQL functions that SQLite lacks: ids of virtual rows, and sums that lose no digit."""

import hashlib
import sqlite3
from decimal import Decimal
from typing import Any


def prepare(connection: sqlite3.Connection) -> None:
    """SQL functions: ids of virtual rows, and sums that lose no digit."""
    connection.create_function("RECORD_ID", -1, record_id, deterministic=True)
    connection.create_aggregate("EXACT_SUM", 1, _ExactSum)  # type: ignore[arg-type]


class _ExactSum:
    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, value: Any) -> None:
        if value is not None:
            self.total = (self.total or Decimal(0)) + Decimal(str(value))

    def finalize(self) -> str | None:
        return None if self.total is None else format(self.total, "f")


def record_id(entity: str, *keys: Any) -> str:
    """The id of a virtual row: four bytes name the entity, the last eight stand for the RecId."""
    digest = hashlib.sha256("|".join(str(key).lower() for key in keys).encode()).hexdigest()[:16]
    return f"{entity}-0000-0000-{digest[:4]}-{digest[4:]}"
