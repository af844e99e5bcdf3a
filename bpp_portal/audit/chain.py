"""The arithmetic of the chain: what an entry's hash covers, and where a chain breaks. Plain Python."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

GENESIS = "0" * 64
# What a hash covers, besides the hash before it. A new field of the trail must be added here as well.
COVERED = (
    "seq",
    "at",
    "actor_id",
    "actor_name",
    "door",
    "ip",
    "verb",
    "subject",
    "detail",
    "before",
    "after",
)


@dataclass(frozen=True)
class Link:
    """One entry as it is stored: its place, its content by the names of `COVERED`, and the hash that it claims."""

    seq: int
    content: Mapping[str, object]
    hash: str


@dataclass(frozen=True)
class Head:
    """Where the chain ended when it was last written, or when an anchor was taken."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Break:
    """The first entry that cannot be trusted, and why."""

    seq: int
    why: str

    @property
    def title(self) -> str:
        return f"The audit trail cannot be trusted from entry {self.seq:,} on"

    @property
    def text(self) -> str:
        return f"{self.why[0].upper()}{self.why[1:]}."


def canonical(content: Mapping[str, object]) -> bytes:
    """The one spelling of an entry: keys in order, no blanks, times in UTC with microseconds, UTF-8."""
    spelled = {name: _spelled(content[name]) for name in COVERED}
    return json.dumps(spelled, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _spelled(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def digest(previous: str, content: Mapping[str, object]) -> str:
    """sha256 over the hash before and the canonical entry, 64 hex digits."""
    return hashlib.sha256(previous.encode() + canonical(content)).hexdigest()


def first_break(
    links: Iterable[Link], *, head: Head | None, after: Head | None = None, anchors: Iterable[Head] = ()
) -> Break | None:
    """The first place where the chain does not hold, None when it does.

    `links` come in the order of their seq, from the one behind `after` (from the first when it is None) to the end.
    `head` is where the portal says that it stopped writing, None when that row is missing. `anchors` were kept
    elsewhere; those at or before `after` are not asked.
    """
    last = after or Head(0, GENESIS)
    outside = {anchor.seq: anchor.hash for anchor in anchors if anchor.seq > last.seq}
    for link in links:
        if link.seq != last.seq + 1:
            return Break(last.seq + 1, f"entry {last.seq + 1} is missing")
        if digest(last.hash, link.content) != link.hash:
            return Break(link.seq, f"entry {link.seq} was edited, moved or put in")
        if outside.pop(link.seq, link.hash) != link.hash:
            return Break(link.seq, f"entry {link.seq} differs from the anchor: the chain was written anew")
        last = Head(link.seq, link.hash)
    return _wrong_end(last, head, outside)


def _wrong_end(last: Head, head: Head | None, outside: Mapping[int, str]) -> Break | None:
    if outside:
        return Break(last.seq + 1, f"the end is cut off: an anchor names entry {max(outside)}")
    if head is None:
        return Break(last.seq, "the head of the chain is missing") if last.seq else None
    if head.seq != last.seq:
        return Break(last.seq + 1, f"the end is cut off: the head of the chain names entry {head.seq}")
    if head.hash != last.hash:
        return Break(last.seq, f"entry {last.seq} is not the one that the head of the chain names")
    return None
