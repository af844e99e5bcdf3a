"""Loads facts and members into a new snapshot."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from django.conf import settings
from django.db import transaction

from bpp_portal.audit.operations import record
from bpp_portal.kernel.problems import Problem
from cubes.engine.relation import FACTS, members_name
from cubes.intake import FileRefused, Source, Table, open_table
from cubes.models import Cube, Load, LoadError, Snapshot, SnapshotTotal
from cubes.rules.headers import Match, Wanted, match_headers, wanted_facts, wanted_members
from cubes.rules.links import sources_first
from cubes.rules.shape import CubeShape, DimensionShape

from .facts import FactLoader, Tally
from .folder import place, seal, staging
from .links import Allowed, allowed_values, check_kept
from .members import Members, members_schema, previous_members, read_members, standing_members
from .refusals import LoadRefused
from .refused import Report

# More than this share of refused records does not replace data that stand, unless a person says so.
MOST_REFUSED = Fraction(1, 10)


def load(
    *,
    actor: Any,
    cube: Cube,
    facts: Source,
    dimensions: Mapping[str, Source] | None = None,
    allow_partial: bool = False,
) -> Load:
    """Read the files into a new immutable snapshot and report on them; the report's `snapshot` is the new one.

    `dimensions` maps names of dimensions to files with all their members. Without a file the members of the snapshot
    before stay; a dimension with only its key takes new ones from the facts. A record that cannot be loaded is named
    in the report with its line, column, value and reason; the others are loaded as they are. LoadRefused when a file
    does not fit the cube at all; a report without a snapshot when no record is left, or when more than one record in
    ten was refused, a snapshot stands and `allow_partial` is not given.
    """
    shape = cube.shape()
    report = Report()
    try:
        with staging(cube.slug) as folder:
            members = _members(cube, shape, dimensions or {}, report)
            table, match = _open(facts, wanted_facts(shape), report)
            tally = FactLoader(shape, facts, table, match, members, report).write(folder / f"{FACTS}.parquet")
            for item in members.values():
                pq.write_table(item.complete(), folder / f"{members_name(item.dimension)}.parquet", compression="zstd")
                report.note(item.note())
            if report.not_kept:
                report.note(f"{report.not_kept} more refused values are not listed.")
            asks = not allow_partial and tally.failed > tally.processed * MOST_REFUSED and cube.snapshots.exists()
            if tally.loaded and asks:
                report.note(_held_back(tally))
            return _finish(actor, cube, shape, folder if tally.loaded and not asks else None, facts, tally, report)
    except FileRefused as error:
        raise LoadRefused([Problem("file-unreadable", str(error), "file")]) from error


def _held_back(tally: Tally) -> str:
    was = "was" if tally.failed == 1 else "were"
    return (
        f"{tally.failed} of {tally.processed} records {was} refused, so the data of the cube is as it was before. "
        f"Correct the file, or load it again and allow a partial load; it would keep {tally.loaded}."
    )


def _open(source: Source, wanted: list[Wanted], report: Report) -> tuple[Table, Match]:
    table = open_table(source)
    match, problems = match_headers(table.headers, wanted, source.label)
    if problems:
        raise LoadRefused(problems)
    for note in table.notes:
        report.note(f"{source.label}: {note}")
    if match.unused:
        report.note(f"{source.label}: columns not used: {', '.join(match.unused)}.")
    return table, match


def _members(cube: Cube, shape: CubeShape, sources: Mapping[str, Source], report: Report) -> dict[str, Members]:
    names = [dimension.name for dimension in shape.every_dimension]
    strangers = [name for name in sources if name not in names]
    if strangers:
        message = f"{shape.name} has no dimension {strangers[0]}. It has {', '.join(names)}."
        raise LoadRefused([Problem("dimension-unknown", message, "dimension")])
    before = cube.snapshots.order_by("-number").first()
    folder = before.path if before else None
    found: dict[str, Members] = {}
    for dimension in sources_first(shape.every_dimension):
        allowed = allowed_values(dimension, {item.dimension.name: item for item in found.values()})
        source = sources.get(dimension.name)
        found[dimension.logical_name] = _members_of(
            cube, dimension, source, folder, report, allowed, dimension in shape.dimensions
        )
    return found


def _members_of(
    cube: Cube,
    dimension: DimensionShape,
    source: Source | None,
    before: Path | None,
    report: Report,
    allowed: Mapping[str, Allowed],
    in_facts: bool,
) -> Members:
    if source is not None:
        table, match = _open(source, wanted_members(dimension), report)
        members = read_members(dimension, source, table, match, report, allowed)
        return Members(dimension, members, False, f"from {source.label}")
    previous = previous_members(dimension, before)
    if previous is not None:
        check_kept(dimension, previous, allowed)
        return Members(dimension, previous, dimension.key_only, f"{len(previous)} from the snapshot before")
    standing = standing_members(dimension, cube)
    if standing is not None:
        check_kept(dimension, standing, allowed)
        return Members(dimension, standing, dimension.key_only, f"{len(standing)} as they stand in other cubes")
    if dimension.key_only and in_facts:
        return Members(dimension, members_schema(dimension).empty_table(), True, "")
    message = (
        f"The members of {dimension.name} are not known yet, and facts alone cannot describe them. "
        f"Load a file of members with it: {dimension.name}=FILE."
    )
    raise LoadRefused([Problem("members-missing", message, "dimension")])


@transaction.atomic
def _finish(
    actor: Any, cube: Cube, shape: CubeShape, folder: Path | None, facts: Source, tally: Tally, report: Report
) -> Load:
    """Number the snapshot, put its folder in place and write the report. The lock on the cube orders the numbers."""
    locked = Cube.objects.select_for_update().get(pk=cube.pk)
    if locked.shape() != shape:
        message = f"The definition of {cube.name} changed while the file was read. Load it again."
        raise LoadRefused([Problem("definition-changed", message, "file")])
    snapshot = _snapshot(actor, locked, folder, tally) if folder else None
    row = Load.objects.create(
        cube=locked,
        snapshot=snapshot,
        created_by=actor,
        file=facts.label[:255],
        processed=tally.processed,
        loaded=tally.loaded if snapshot else 0,
        failed=tally.failed,
        notes=_kept("\n".join(report.notes)),
    )
    LoadError.objects.bulk_create(
        [
            LoadError(
                load=row,
                file=item.file[:255],
                sheet=item.sheet[:255],
                row=item.row,
                column=_kept(item.column[:255]),
                value=_kept(item.value),
                reason=_kept(item.reason),
            )
            for item in report.refused
        ]
    )
    detail = f"{facts.label}: {row.loaded} of {tally.processed} records"
    record(actor=actor, verb="load", subject=f"cube {locked.slug}", detail=detail)
    return row


def _kept(text: str) -> str:
    """`text` as PostgreSQL stores it, which takes no zero character."""
    return text.replace("\0", "␀")


def _snapshot(actor: Any, cube: Cube, folder: Path, tally: Tally) -> Snapshot:
    last = cube.snapshots.order_by("-number").first()
    number = last.number + 1 if last else 1
    sha256 = seal(folder)
    target = Path("cubes") / cube.slug / f"{number}-{sha256[:12]}"
    place(folder, Path(settings.DATA_DIR) / target)
    snapshot = Snapshot.objects.create(
        cube=cube, number=number, created_by=actor, rows=tally.loaded, sha256=sha256, folder=target.as_posix()
    )
    for driver in cube.drivers.all():
        SnapshotTotal.objects.create(snapshot=snapshot, driver=driver, amount=tally.totals[driver.logical_name])
    return snapshot
