"""From what single questions found to the verdict: only the true cause fails, what depends on it is not checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from .table import BY_KEY, PRECONDITIONS
from .words import OPERATOR, Group, Precondition, State


@dataclass(frozen=True)
class Finding:
    """What was found for one precondition. `lacking`: user names it fails for, when it does not fail for everybody."""

    state: State
    found: str
    hint: str = ""
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blame:
    """A question was not answered: `cause` is the precondition that the class of its error speaks of.

    `certain`: the cause fails even though its own question passed, as when a server answers one call and not the next.
    """

    cause: str
    finding: Finding
    certain: bool = False


@dataclass(frozen=True)
class Row:
    """One precondition and its state; `waits_for` is the key of what it waits for; `seconds` it took to ask."""

    key: str
    state: State
    found: str = ""
    hint: str = ""
    waits_for: str = ""
    seconds: float | None = None
    lacking: tuple[str, ...] = ()

    @property
    def about(self) -> Precondition:
        return BY_KEY[self.key]

    @property
    def is_open(self) -> bool:
        """Whether somebody has to look at it."""
        return self.state in (State.FAILS, State.WARNING)

    @property
    def outcome(self) -> str:
        """What introduces the documented error: only what fails would stop an export started now."""
        return self.about.outcome if self.state is State.FAILS else "The documented error is"

    @property
    def who(self) -> str:
        """Who can mend it. Which hosts may be called at all is up to who runs the portal, whichever row met it."""
        return OPERATOR if OPERATOR.rstrip(".") in self.hint else self.about.who

    @property
    def told(self) -> str:
        """What was found, as a sentence."""
        return f"{self.found.rstrip('.')}."

    @property
    def cause(self) -> Precondition | None:
        return BY_KEY.get(self.waits_for)

    def seen_by(self, username: str) -> "Row":
        """The row for one reader: what is missing for others only is a warning."""
        if self.state is State.WARNING and username in self.lacking:
            return replace(self, state=State.FAILS)
        return self


@dataclass(frozen=True)
class Report:
    """All rows of an environment and legal entity (empty when none could be asked about), and when they were asked."""

    legal_entity: str
    legal_entities: tuple[str, ...]
    rows: tuple[Row, ...]
    checked_at: datetime
    seconds: float

    @property
    def ready(self) -> bool:
        return not self.failing

    @property
    def failing(self) -> tuple[Row, ...]:
        return self.of(State.FAILS)

    @property
    def warnings(self) -> tuple[Row, ...]:
        return self.of(State.WARNING)

    @property
    def not_checked(self) -> tuple[Row, ...]:
        return self.of(State.NOT_CHECKED)

    @property
    def passed(self) -> int:
        return len(self.of(State.PASSED))

    @property
    def summary(self) -> str:
        """How many passed, and how many did not, as a sentence."""
        parts = [f"{self.passed} of {len(self.rows)} passed"]
        parts += [f"{len(self.failing)} failed"] if self.failing else []
        parts += [f"{len(self.warnings)} warning{'s'[: len(self.warnings) > 1]}"] if self.warnings else []
        parts += [f"{len(self.not_checked)} not checked"] if self.not_checked else []
        return f"{', '.join(parts)}."

    def of(self, state: State) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.state is state)

    def row(self, key: str) -> Row:
        return next(row for row in self.rows if row.key == key)

    def groups(self) -> Iterator[tuple[Group, tuple[Row, ...]]]:
        """Groups with their rows; those that somebody has to look at come first."""
        found = [(group, tuple(row for row in self.rows if row.about.group is group)) for group in Group]
        yield from sorted(found, key=lambda item: min(_rank(row) for row in item[1]))

    def seen_by(self, username: str) -> "Report":
        return replace(self, rows=tuple(row.seen_by(username) for row in self.rows))


def _rank(row: Row) -> int:
    return {State.FAILS: 0, State.WARNING: 1}.get(row.state, 2)


def settle(
    findings: Mapping[str, Finding], blames: Mapping[str, Blame], seconds: Mapping[str, float]
) -> tuple[Row, ...]:
    """One row for each precondition, in the order of the table."""
    settled = dict(findings)
    for key, blame in sorted(blames.items(), key=lambda item: item[0] != item[1].cause):
        cause = settled.get(blame.cause)
        if cause is None or (blame.certain and cause.state is State.PASSED):
            settled[blame.cause] = blame.finding
        elif cause.state is State.PASSED and blame.cause != key and not _failing_before(key, settled):
            settled[key] = blame.finding
    return tuple(_row(one, settled, blames, seconds) for one in PRECONDITIONS)


def _row(
    one: Precondition, settled: Mapping[str, Finding], blames: Mapping[str, Blame], seconds: Mapping[str, float]
) -> Row:
    finding, taken = settled.get(one.key), seconds.get(one.key)
    if finding is not None:
        return Row(one.key, finding.state, finding.found, finding.hint, "", taken, finding.lacking)
    waits = _root(one.key, settled, blames, set())
    found = f"Waits for {BY_KEY[waits].label}" if waits else "Could not be asked."
    return Row(one.key, State.NOT_CHECKED, found, waits_for=waits, seconds=taken)


def _failing_before(key: str, settled: Mapping[str, Finding]) -> bool:
    """Whether something fails that `key` waits for: then a refusal that names another cause says nothing new."""
    before = (settled.get(other) for other in BY_KEY[key].waits_for)
    return any(finding is not None and finding.state is State.FAILS for finding in before)


def _root(key: str, settled: Mapping[str, Finding], blames: Mapping[str, Blame], seen: set[str]) -> str:
    """The precondition at the bottom of why `key` could not be judged: whom its error names, or what it waits for."""
    seen.add(key)
    finding = settled.get(key)
    if finding is not None:
        return "" if finding.state is State.PASSED else key
    named = (blames[key].cause,) if key in blames else ()
    before = [other for other in (*named, *BY_KEY[key].waits_for) if other not in seen]
    roots = (_root(other, settled, blames, seen) for other in before)
    return next((root for root in roots if root), "")
