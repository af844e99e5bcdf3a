"""The check that is running now, as far as it got."""

from collections.abc import Iterator
from dataclasses import dataclass

from bpp_portal.kernel.clock import database_now
from connections.models import Environment, ReadinessProgress
from connections.rules.readiness import BY_KEY, PRECONDITIONS, Group, Precondition, Row, State


@dataclass(frozen=True)
class Running:
    """Key → row, of what is known so far."""

    answers: dict[str, Row]

    @property
    def count(self) -> int:
        return len(self.answers)

    @property
    def total(self) -> int:
        return len(PRECONDITIONS)

    def groups(self) -> Iterator[tuple[Group, list[tuple[Precondition, Row | None]]]]:
        """Groups in the order of the table, each precondition with its row once it is known."""
        for group in Group:
            yield group, [(one, self.answers.get(one.key)) for one in PRECONDITIONS if one.group is group]


def running(*, environment: Environment) -> Running | None:
    """The running check of `environment`; None when there is none, or nobody has heard of it for too long."""
    progress = ReadinessProgress.objects.filter(environment=environment, held_until__gte=database_now()).first()
    if progress is None:
        return None
    rows = (answer for answer in progress.answers.all() if answer.key in BY_KEY)
    return Running({one.key: Row(one.key, State(one.state), one.found, seconds=one.seconds) for one in rows})
