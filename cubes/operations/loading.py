"""Loads facts and members into a new snapshot."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bpp_portal.kernel.problems import Problem
from cubes.intake import FileRefused, Source
from cubes.models import Cube, Load
from cubes.rules.links import sources_first
from cubes.rules.loading import Mode

from .folder import staging
from .notations import PLAIN, Notations
from .refusals import LoadRefused
from .refused import Report
from .reporting import Finish, finish
from .securing import check_may_load
from .staging import (
    Staged,
    compose,
    keep_members,
    known_dimensions,
    may_go_in,
    read_facts,
    read_members,
    skip_facts,
    write_members,
)


def load(
    *,
    actor: Any,
    cube: Cube,
    facts: Source,
    dimensions: Mapping[str, Source] | None = None,
    allow_partial: bool = False,
    mode: Mode = Mode.REPLACE,
    notations: Notations = PLAIN,
    then: Callable[[Load], None] | None = None,
) -> Load:
    """Read the files into a new immutable snapshot and report on them; the report's `snapshot` is the new one.

    `dimensions` maps names of dimensions to files of their members: all of them in mode *replace*, else those that
    change or come. Without a file the members of the snapshot before stay, or those that stand in another cube are
    taken; a dimension with only its key takes new ones from the facts. A record that cannot be loaded is named in the
    report with its line, column, value and reason; the others are loaded as they are, and a corrected file completes
    the load. LoadRefused when a file does not fit the cube at all, its notation must be asked, or dimension security
    hides some of the cube from the actor; a report without a snapshot when no record is left, when a member was
    refused, or when more than one record in ten was refused, a snapshot stands and `allow_partial` is not given.
    `then` is called with the report in its transaction.
    """
    check_may_load(actor=actor, cube=cube)
    sources = dimensions or {}
    base = cube.snapshots.order_by("-number").first()
    before = base.path if base else None
    with staged_load(cube) as staged:
        known_dimensions(staged, sources)
        for dimension in sources_first(staged.shape.every_dimension):
            source = sources.get(dimension.name)
            if source is not None:
                read_members(staged, dimension, source, notations, mode, before)
            else:
                keep_members(staged, cube, dimension, before)
        if staged.blocking:
            skip_facts(staged, facts, notations)
            write_members(staged)
        else:
            accepted = read_facts(staged, facts, notations)
            write_members(staged)
            if may_go_in(staged, stands=base is not None, allow_partial=allow_partial):
                compose(staged, accepted, base=before, mode=mode)
        return finish(Finish(actor, cube, staged, facts.label, mode, base, then=then))


@contextmanager
def staged_load(cube: Cube) -> Iterator[Staged]:
    """Folders and report of one load. A file that cannot be read becomes LoadRefused."""
    try:
        with (
            staging(cube.slug) as ready,
            staging(cube.slug, "loads") as kept,
            Report(kept) as report,
        ):
            yield Staged(cube.shape(), kept, ready, report)
    except FileRefused as error:
        raise LoadRefused([Problem("file-unreadable", str(error), "file")]) from error
