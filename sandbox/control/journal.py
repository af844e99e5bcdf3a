"""What the sandbox was asked: one row for each call, without secrets, readable after `kill -9`."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.store import Store

_SCHEMA = """CREATE TABLE IF NOT EXISTS requests (
  number INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT, seconds REAL, method TEXT, path TEXT, call TEXT, user TEXT,
  status INTEGER, fault TEXT, execution_id TEXT)"""
_SECRET = re.compile(
    r"(?i)((?:^|[?&])(?:sig|code|client_secret|refresh_token|access_token|code_challenge|state|nonce)=)[^&]*"
)


class Journal:
    """Kept beside the ledger in a file of its own, so that a long import never delays it."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path, durable=False)
        self._store.connection.execute(_SCHEMA)

    def write(
        self, *, started: float, seconds: float, method: str, path: str, call: str, status: int, notes: dict[str, str]
    ) -> None:
        time = datetime.fromtimestamp(started, UTC).isoformat(timespec="milliseconds")
        self._store.connection.execute(
            "INSERT INTO requests (time, seconds, method, path, call, user, status, fault, execution_id) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                time,
                round(seconds, 4),
                method,
                without_secrets(path),
                call,
                notes.get("user", ""),
                status,
                notes.get("fault", ""),
                notes.get("execution_id", ""),
            ),
        )

    def read(self, *, call: str = "", limit: int = 10_000) -> dict[str, Any]:
        """{"count", "counts": {call: n}, "requests": [...]}: counts over all calls, the newest `limit` requests."""
        where, parameters = ("WHERE call = ?", [call]) if call else ("", [])
        rows = self._store.rows(f"SELECT * FROM requests {where} ORDER BY number DESC LIMIT ?", [*parameters, limit])
        counts = self._store.rows("SELECT call, count(*) FROM requests GROUP BY call ORDER BY call")
        requests = [dict(row) for row in reversed(rows)]
        total = self._store.value(f"SELECT count(*) FROM requests {where}", parameters)
        return {"count": total, "counts": {row[0]: row[1] for row in counts}, "requests": requests}

    def clear(self) -> None:
        self._store.connection.execute("DELETE FROM requests")


def without_secrets(path: str) -> str:
    return _SECRET.sub(r"\1…", path)
