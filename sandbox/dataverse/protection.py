"""Service protection: what a user asked in the last minutes is counted, and too much of it is refused with 429."""

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from sandbox.wire import WireError, dataverse_error


@dataclass(frozen=True)
class Limits:
    """The documented limits of one user on one web server; a test sets smaller ones."""

    requests: float = 6000
    execution_seconds: float = 1200
    concurrent: float = 52
    window_seconds: float = 300
    call_seconds: float = 0  # every call is made to take at least so long


def limits(mode: dict[str, Any] | None) -> Limits | None:
    """The limits of a mode's value; numbers may come exact, time is measured in floats."""
    return None if mode is None else Limits(**{name: float(value) for name, value in mode.items()})


def problems(mode: Any) -> list[str]:
    """What is wrong with a value of the mode `service_protection`."""
    known = [item.name for item in fields(Limits)]
    if mode is None or (isinstance(mode, dict) and set(mode) <= set(known)):
        return []
    return [f"service_protection is null or an object with {', '.join(known)}."]


def too_many(limit: Limits, wait: float) -> WireError:
    window = f"over time window of {limit.window_seconds:g} seconds"
    text = f"Number of requests exceeded the limit of {limit.requests:.0f} {window}."
    return _refused("0x80072322", text, wait)


def too_long(limit: Limits, wait: float) -> WireError:
    text = (
        f"Combined execution time of incoming requests exceeded limit of {limit.execution_seconds * 1000:,.0f} "
        f"milliseconds over time window of {limit.window_seconds:g} seconds. Decrease number of concurrent requests or "
        "reduce the duration of requests and try again later."
    )
    return _refused("0x80072321", text, wait)


def too_wide(limit: Limits) -> WireError:
    return _refused("0x80072326", f"Number of concurrent requests exceeded the limit of {limit.concurrent:.0f}.", 1)


def _refused(code: str, text: str, wait: float) -> WireError:
    error = dataverse_error(429, code, text)
    return WireError(429, error.content, {"Retry-After": str(max(1, math.ceil(round(wait, 3))))})


@dataclass
class _Record:
    """One call: when it came, and how long it took."""

    started: float
    seconds: float = 0.0


class Protection:
    """Calls of each user in a sliding window. Refused calls count too: who goes on asking waits longer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, deque[_Record]] = {}
        self._running: Counter[str] = Counter()

    def clear(self) -> None:
        with self._lock:
            self._records.clear()

    @contextmanager
    def waiting(self, user: str) -> Iterator[None]:
        """Counts a call as running, from its arrival on and not only while a thread works on it."""
        with self._lock:
            self._running[user] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[user] -= 1

    @contextmanager
    def counted(self, user: str, limit: Limits | None) -> Iterator[dict[str, str]]:
        """Carry out one call inside the limits. Yields the headers that tell what remains; raises 429."""
        limit = limit or Limits(requests=10**9, execution_seconds=10**9, concurrent=10**9)
        record = _Record(time.monotonic())
        with self._lock:
            records = self._records.setdefault(user, deque())
            while records and records[0].started <= record.started - limit.window_seconds:
                records.popleft()
            earlier = list(records)
            records.append(record)
            running = self._running[user]
        self._check(earlier, record.started, running, limit)
        headers = {
            "x-ms-ratelimit-burst-remaining-xrm-requests": f"{min(limit.requests, 6000) - len(earlier) - 1:.0f}",
            "x-ms-ratelimit-time-remaining-xrm-requests": f"{min(limit.execution_seconds, 1200) - _used(earlier):,.2f}",
        }
        try:
            yield headers
        finally:
            if limit.call_seconds:
                time.sleep(max(0.0, record.started + limit.call_seconds - time.monotonic()))
            record.seconds = time.monotonic() - record.started

    def _check(self, earlier: list[_Record], now: float, running: int, limit: Limits) -> None:
        if running >= limit.concurrent and running > 1:
            raise too_wide(limit)
        if len(earlier) >= limit.requests:
            # this call counts as well: so many must leave that the next one finds room
            starts = [record.started for record in earlier] + [now]
            leaves = starts[len(starts) - max(1, int(limit.requests))] + limit.window_seconds
            raise too_many(limit, leaves - now)
        if _used(earlier) > limit.execution_seconds:
            raise too_long(limit, _until_room(earlier, limit) - now)


def _used(records: list[_Record]) -> float:
    return sum(record.seconds for record in records)


def _until_room(records: list[_Record], limit: Limits) -> float:
    """When enough of the used time has left the window."""
    used = _used(records)
    for record in records:
        used -= record.seconds
        if used <= limit.execution_seconds:
            return record.started + limit.window_seconds
    return records[-1].started + limit.window_seconds
