"""The end of a load: snapshot, report and audit event in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from bpp_portal.audit.operations import record
from bpp_portal.kernel.problems import Problem
from cubes.models import Cube, Load, LoadTable, Snapshot, SnapshotTotal
from cubes.rules.loading import Mode

from .folder import place, seal
from .refusals import LoadRefused
from .staging import Staged


@dataclass(frozen=True)
class Finish:
    """What a finished load says of itself. `base` is the snapshot that its data goes over.

    `then` is what the caller writes down together with the report, in the same transaction.
    """

    actor: Any
    cube: Cube
    staged: Staged
    file: str
    mode: Mode
    base: Snapshot | None
    corrects: Load | None = None
    sha256: str = ""
    then: Callable[[Load], None] | None = None


@transaction.atomic
def finish(end: Finish) -> Load:
    """Number the snapshot, put the folders in place and write the report. The lock on the cube orders the numbers."""
    staged = end.staged
    locked = Cube.objects.select_for_update().get(pk=end.cube.pk)
    _check(end, locked)
    snapshot = _snapshot(end, locked) if staged.goes_in else None
    row = Load.objects.create(
        cube=locked,
        snapshot=snapshot,
        base=end.base,
        corrects=end.corrects,
        created_by=end.actor,
        mode=end.mode,
        file=end.file[:255],
        sha256=end.sha256,
        processed=staged.tally.processed,
        loaded=staged.tally.loaded if snapshot else 0,
        failed=staged.tally.failed,
        notes=_kept("\n".join(staged.report.notes)),
    )
    _tables(row, staged)
    _keep_folder(row, staged)
    detail = f"{end.file}: {row.loaded} of {row.processed} records, {end.mode}"
    detail += f", corrects load {end.corrects.pk}" if end.corrects else ""
    record(actor=end.actor, verb="load", subject=f"cube {locked.slug}", detail=detail)
    if end.then:
        end.then(row)
    return row


def _check(end: Finish, locked: Cube) -> None:
    """LoadRefused when something changed since the files were read."""
    if locked.shape() != end.staged.shape:
        message = f"The definition of {locked.name} changed while the file was read. Load it again."
        raise LoadRefused([Problem("definition-changed", message, "file")])
    last = locked.snapshots.order_by("-number").first()
    expected = end.corrects.snapshot if end.corrects and end.corrects.snapshot else end.base
    if last != expected and (end.mode is not Mode.REPLACE or end.corrects):
        message = f"Other data of {locked.name} was loaded while the file was read. Load it again."
        raise LoadRefused([Problem("data-changed", message, "file")])


def _tables(row: Load, staged: Staged) -> None:
    LoadTable.objects.bulk_create(
        LoadTable(
            load=row,
            key=table.key,
            name=table.name,
            file=table.file[:255],
            sheet=table.sheet[:255],
            state=table.state,
            processed=table.processed,
            loaded=table.loaded,
            failed=table.failed,
            numbers=table.numbers,
            dates=table.dates,
            note=_kept(table.note),
        )
        for table in sorted(staged.tables, key=lambda table: bool(table.key))
    )


def _keep_folder(row: Load, staged: Staged) -> None:
    """Put the folder of what was refused in its place; a load without any refusal keeps none."""
    staged.report.close()
    if not any(table.failed for table in staged.tables):
        return
    target = Path("loads") / row.cube.slug / str(row.pk)
    seal(staged.kept)
    place(staged.kept, Path(settings.DATA_DIR) / target)
    row.folder = target.as_posix()
    row.save(update_fields=["folder"])


def _kept(text: str) -> str:
    """`text` as PostgreSQL stores it, which takes no zero character."""
    return text.replace("\0", "␀")


def _snapshot(end: Finish, cube: Cube) -> Snapshot:
    staged = end.staged
    last = cube.snapshots.order_by("-number").first()
    number = last.number + 1 if last else 1
    sha256 = seal(staged.ready)
    target = Path("cubes") / cube.slug / f"{number}-{sha256[:12]}"
    place(staged.ready, Path(settings.DATA_DIR) / target)
    snapshot = Snapshot.objects.create(
        cube=cube,
        number=number,
        created_by=end.actor,
        rows=staged.whole.loaded,
        sha256=sha256,
        folder=target.as_posix(),
    )
    for driver in cube.drivers.all():
        SnapshotTotal.objects.create(snapshot=snapshot, driver=driver, amount=staged.whole.totals[driver.logical_name])
    return snapshot
