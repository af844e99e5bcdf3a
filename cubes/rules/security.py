"""What of a cube a person may see: the one predicate that every query of facts takes."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Access(StrEnum):
    """What a group may see of a dimension; the first two hold for values that come later as well."""

    FULL = "full"
    READ_ONLY = "read-only"
    ROW_LEVEL = "row-level"

    @property
    def label(self) -> str:
        return {"full": "Full access", "read-only": "Read-only", "row-level": "Row-level"}[self.value]


@dataclass(frozen=True)
class Rule:
    """What one group says of one dimension (its logical name); `read` and `edit` are the keys of a row-level rule."""

    dimension: str
    access: Access
    read: frozenset[str] = frozenset()
    edit: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Visibility:
    """Facts a reader sees: none unless `readable`, else those whose member is among the keys of each dimension in
    `only` (by logical name). A dimension that is not in `only` hides nothing; a fact without a member is hidden by any
    that is."""

    readable: bool = False
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def everything(self) -> bool:
        return self.readable and not self.only

    @property
    def digest(self) -> str:
        """The same for two visibilities that show the same; empty for everything."""
        if self.everything:
            return ""
        total = hashlib.sha256(b"1" if self.readable else b"0")
        for dimension in sorted(self.only):
            keys = sorted(self.only[dimension])
            total.update(f"\0\0{dimension}\0{len(keys)}".encode())
            total.update("\0".join(keys).encode("utf-8", "surrogatepass"))
        return total.hexdigest()

    def covers(self, other: "Visibility") -> bool:
        """Whether whoever sees this sees all that `other` shows, in whatever data."""
        if not other.readable:
            return True
        inside = (name in other.only and other.only[name] <= keys for name, keys in self.only.items())
        return self.readable and all(inside)


EVERYTHING = Visibility(readable=True)
NOTHING = Visibility(readable=False)


def visibility_of(*, may_read: bool, secured: Collection[str] = (), rules: Iterable[Rule] = ()) -> Visibility:
    """What a reader sees who holds, or lacks, the right to read the cube.

    `secured` are the dimensions of the cube that any group names, `rules` those of the reader's own groups. The
    highest of them holds; a secured dimension without one shows no value, and so no fact.
    """
    if not may_read:
        return NOTHING
    mine = list(rules)
    limits = {name: _keys(name, mine) for name in secured}
    return Visibility(True, {name: keys for name, keys in limits.items() if keys is not None})


def _keys(dimension: str, rules: Iterable[Rule]) -> frozenset[str] | None:
    """The keys that the rules open; None for all."""
    found = [rule for rule in rules if rule.dimension == dimension]
    if any(rule.access is not Access.ROW_LEVEL for rule in found):
        return None
    sets = [rule.read | rule.edit if rule.edit else rule.read for rule in found]
    return sets[0] if len(sets) == 1 else frozenset().union(*sets)


def not_editable(secured: Collection[str], rules: Iterable[Rule]) -> tuple[str, ...]:
    """The secured dimensions of which not every value, present and to come, may be changed."""
    full = {rule.dimension for rule in rules if rule.access is Access.FULL}
    return tuple(sorted(name for name in secured if name not in full))
