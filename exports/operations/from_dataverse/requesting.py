"""What people do with loads from Dataverse: ask for one, let a failed one go on, stop one."""

import shutil
from pathlib import Path
from typing import Any

from django.db import transaction

from bpp_portal import queue
from bpp_portal.audit.operations import record
from bpp_portal.kernel.clock import database_now
from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, require
from connections.errors import RemoteError
from connections.models import Environment
from connections.queries.access import own_connection
from connections.rules.flows import ConnectionKind
from cubes.models import Cube
from cubes.rules.loading import Mode
from exports.models import DataverseLoad
from exports.rules.dataverse_tables import ACTIVE, Extent, LoadState

TASK = "exports.tasks.LoadFromDataverse"
# The last step reads all pages again and writes a snapshot: a large cube takes its time.
MOST_SECONDS = 3000


class LoadNotRequested(Exception):
    """A load was not asked for, because of expected findings."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(" ".join(problem.message for problem in problems))


def request_load(
    *,
    actor: Any,
    cube: Cube,
    environment: Environment,
    extent: Extent = Extent.CHANGED,
    mode: Mode = Mode.REPLACE,
    allow_partial: bool = False,
) -> DataverseLoad:
    """Ask for a load of `cube` as the actor's own Dataverse connection; the worker does it.

    With `extent` *changed*, rows that changed since the last load overwrite by key, and `mode` counts only where all
    rows are read. RightMissing; LoadNotRequested when the actor has no connection or a load of the cube is under way.
    """
    require(actor, Right.LOAD_DATA)
    try:
        own_connection(
            environment=environment, user=actor, kind=ConnectionKind.DATAVERSE, purpose="The tables are read"
        )
    except RemoteError as error:
        raise LoadNotRequested([error.problem("environment")]) from error
    with transaction.atomic():
        Cube.objects.select_for_update().get(pk=cube.pk)
        _check_free(cube)
        wanted = Mode.REPLACE if extent is Extent.CHANGED else mode
        load = DataverseLoad.objects.create(
            cube=cube,
            environment=environment,
            requested_by=actor,
            extent=extent,
            mode=wanted,
            allow_partial=allow_partial,
        )
        _clear_failed(cube)
        record(actor=actor, verb="load from Dataverse", subject=f"cube {cube.slug}", detail=f"{environment}, {extent}")
        ring(load)
    return load


def go_on(*, actor: Any, load: DataverseLoad) -> None:
    """Let a failed load of the actor go on at the page where it stopped; otherwise nothing happens."""
    require(actor, Right.LOAD_DATA)
    with transaction.atomic():
        Cube.objects.select_for_update().get(pk=load.cube_id)
        held = DataverseLoad.objects.select_for_update().get(pk=load.pk)
        if held.state != LoadState.FAILED or held.requested_by_id != actor.pk:
            return
        _check_free(load.cube)
        held.state, held.failures, held.trouble, held.ended_at = LoadState.QUEUED, 0, "", None
        held.save(update_fields=["state", "failures", "trouble", "ended_at"])
        record(actor=actor, verb="go on loading from Dataverse", subject=f"cube {load.cube.slug}")
        ring(held)


def stop(*, actor: Any, load: DataverseLoad) -> None:
    """Stop a load that is under way; what was read is dropped. One that has ended stays as it is."""
    require(actor, Right.LOAD_DATA)
    with transaction.atomic():
        held = DataverseLoad.objects.select_for_update().get(pk=load.pk)
        if not held.is_active:
            return
        held.state, held.ended_at, held.fence = LoadState.STOPPED, database_now(), held.fence + 1
        held.trouble = f"{actor} stopped it. The data of the cube is as it was before."
        held.save(update_fields=["state", "ended_at", "fence", "trouble"])
        record(actor=actor, verb="stop loading from Dataverse", subject=f"cube {load.cube.slug}")
    shutil.rmtree(held.folder, ignore_errors=True)


def ring(load: DataverseLoad) -> None:
    """Wake the worker for `load`."""
    DataverseLoad.objects.filter(pk=load.pk).update(rung_at=database_now())
    queue.ring(TASK, load.pk, seconds=MOST_SECONDS)


def _check_free(cube: Cube) -> None:
    if DataverseLoad.objects.filter(cube=cube, state__in=list(ACTIVE)).exists():
        message = f"{cube.name} is being loaded from Dataverse already. Wait for its end, or stop it."
        raise LoadNotRequested([Problem("dataverse-load-active", message, "environment")])


def _clear_failed(cube: Cube) -> None:
    """A new load takes the place of failed ones: their pages go, once that is final."""
    failed = DataverseLoad.objects.filter(cube=cube, state=LoadState.FAILED)
    folders = [load.folder for load in failed]
    failed.update(state=LoadState.STOPPED)
    transaction.on_commit(lambda: _remove(folders))


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
