"""What of a run a reader may see: its numbers, lines and texts are cube data, cut by dimension security."""

from dataclasses import dataclass, field, replace
from typing import Any

from bpp_portal.kernel.roles import Right, has_right
from cubes import queries as cube_queries
from cubes.kept_visibility import covers
from cubes.models import Cube, Snapshot
from cubes.rules.security import Visibility
from exports.models import Export, Run
from exports.rules.configuration import Configuration

from .configurations import configuration_of


@dataclass
class Reader:
    """Somebody who reads runs. Asked about many, each cube is looked up once."""

    user: Any
    _seen: dict[int, Visibility] = field(default_factory=dict)

    def sees(self, cube: Cube) -> Visibility:
        """What the reader sees of `cube`."""
        if cube.pk not in self._seen:
            self._seen[cube.pk] = cube_queries.visibility(user=self.user, cube=cube)
        return self._seen[cube.pk]

    def numbers(self, run: Run) -> bool:
        """Whether the reader sees all that the requester saw: else counts, totals, lines, hashes and texts about
        values stay hidden, of the reader's own runs too once access was taken away."""
        return has_right(self.user, Right.READ_EXPORTS) and covers(self.sees(run.export.cube), run.seen_sha256)

    def whole(self, run: Run) -> bool:
        """Whether nothing of the run's cube is hidden from the reader."""
        return self.sees(run.export.cube).everything


def seen_configuration(*, export: Export, user: Any, snapshot: Snapshot | None) -> tuple[Configuration, bool]:
    """The configuration without the filter values that `user` may not see, and whether any was left out.

    A condition that loses its values stays and asks for new ones, so that the slice does not widen in silence.
    """
    chosen = configuration_of(export)
    if snapshot is None:
        return chosen, False
    kept = tuple(
        replace(one, values=cube_queries.values_seen(snapshot=snapshot, user=user, condition=one))
        for one in chosen.conditions
    )
    return replace(chosen, conditions=kept), kept != chosen.conditions
