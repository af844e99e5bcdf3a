"""Account structures: which combinations of dimension values a ledger allows.

A criterion as Finance writes it: `*` any value or none, `40*` a beginning, `1..5` a range in text order, `""` none,
and several of them parted by `;`. An empty criterion allows no value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sandbox.entities import NO_DATE
from sandbox.finance.sets import FINANCE_SETS
from sandbox.store import Store

_COUNT = 11


@dataclass(frozen=True)
class Constraint:
    """One allowed combination: a criterion for each segment, and its days."""

    criteria: tuple[str, ...]
    first: str
    last: str

    def allows(self, values: tuple[str, ...], day: str) -> bool:
        return is_active(self.first, self.last, day) and all(map(matches, self.criteria, values))


@dataclass(frozen=True)
class AccountStructure:
    name: str
    segments: tuple[str, ...]
    constraints: tuple[Constraint, ...]

    def allows(self, values: Mapping[str, str], day: str) -> bool:
        """Without constraints every combination is allowed; a segment that the structure lacks must be empty."""
        if not self.constraints:
            return True
        if any(value and name not in self.segments for name, value in values.items()):
            return False
        wanted = tuple(values.get(name, "") for name in self.segments)
        return any(constraint.allows(wanted, day) for constraint in self.constraints)


def read(store: Store, names: list[str]) -> list[AccountStructure]:
    """The active structures among `names`, in their order."""
    found = []
    for name in names:
        row = store.row("SELECT * FROM AccountStructures WHERE AccountStructureName = ? AND Status = 'Active'", (name,))
        if row is not None:
            segments = tuple(row[f"SegmentName{n:02}"] for n in range(1, _COUNT + 1) if row[f"SegmentName{n:02}"])
            found.append(AccountStructure(name, segments, _constraints(store, name, len(segments))))
    return found


def _constraints(store: Store, name: str, count: int) -> tuple[Constraint, ...]:
    if "AccountStructureConstraints" not in FINANCE_SETS:
        return ()
    rows: list[Any] = store.rows(
        "SELECT * FROM AccountStructureConstraints WHERE AccountStructure = ? AND Status = 'Active' ORDER BY Position",
        (name,),
    )
    return tuple(
        Constraint(
            tuple(row[f"SegmentCriteria{n:02}"] for n in range(1, count + 1)), row["ActiveFrom"], row["ActiveTo"]
        )
        for row in rows
    )


def matches(criterion: str, value: str) -> bool:
    return any(_matches(part.strip(), value) for part in criterion.split(";"))


def _matches(part: str, value: str) -> bool:
    if part in ("", '""'):
        return not value
    first, between, last = part.partition("..")
    if between:
        return bool(value) and first <= value and (value <= last or not last)
    return fnmatchcase(value, part.replace("[", "[[]"))


def is_active(first: str, last: str, day: str) -> bool:
    """Whether a day lies within two stored dates; 1900-01-01 is no bound."""
    return (first == NO_DATE or first[:10] <= day) and (last == NO_DATE or day <= last[:10])
