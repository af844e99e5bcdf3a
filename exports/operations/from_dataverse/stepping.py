"""One step of a load for the worker: read pages for a while, hand on, and load them once all are there."""

import shutil
import time
from datetime import timedelta
from functools import partial

import structlog
from django.db import transaction
from django.urls import reverse

from bpp_portal.audit.operations import record
from bpp_portal.kernel.clock import database_now
from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, has_right
from bpp_portal.notices.operations import tell
from connections.dataverse import DataverseClient
from connections.errors import Busy, RemoteError, Transient
from connections.queries.access import own_connection
from connections.rules.flows import ConnectionKind
from cubes.intake import Source
from cubes.models import Load
from cubes.operations import LoadRefused
from cubes.operations import load as load_files
from cubes.rules.loading import Mode
from exports.models import DataverseLoad
from exports.operations import leasing
from exports.operations.leasing import LeaseLost, claim, heartbeat, release, write
from exports.rules.dataverse_tables import ACTIVE, LoadState

from .pages import read_page, whole
from .preparing import OTHER_DATA, TablesMissing, base_of_changes, choose_rows, prepare
from .requesting import ring

log = structlog.get_logger(__name__)
# After so long the worker is free for others: an export never waits for a whole cube.
SLICE_SECONDS = 15.0
MOST_FAILURES = 8
LONGEST_PAUSE = 60.0


def step(*, pk: int) -> None:
    """Read or load for a while. Safe to call twice, late, or never."""
    under_way = DataverseLoad.objects.filter(state__in=[*ACTIVE])
    load = claim(under_way.select_related("cube", "environment", "requested_by"), pk)
    if load is None:
        return
    try:
        with heartbeat(load):
            _go(load)
    except LeaseLost:
        log.warning("lease lost", load=str(load), fence=load.fence)
        return
    except Exception:
        # A defect of ours must not spin: the load ends, and a person can let it go on.
        log.exception("load from Dataverse failed", load=str(load))
        _fail(load, "The load ended by a defect of the portal. Its operators find it in the log.")
        return
    release(load)
    load.refresh_from_db()
    if load.is_active and not load.not_before:
        ring(load)


def _go(load: DataverseLoad) -> None:
    """Go on until the slice is over, and write down what came in the way."""
    try:
        if not has_right(load.requested_by, Right.LOAD_DATA):
            _fail(load, f"{load.requested_by} may not load data any more.")
            return
        write(load, not_before=None)
        if load.state != LoadState.LOADING:
            _read(load)
        if load.state == LoadState.LOADING:
            _load(load)
    except Busy as error:
        _rest(load, error.retry_after or LONGEST_PAUSE, _words(error), load.failures)
    except Transient as error:
        if load.failures >= MOST_FAILURES:
            _fail(load, _words(error))
            return
        pause = error.retry_after or min(2.0**load.failures, LONGEST_PAUSE)
        _rest(load, pause, _words(error), load.failures + 1)
    except RemoteError as error:
        _fail(load, _words(error))
    except TablesMissing as error:
        _fail(load, str(error))
    except LoadRefused as error:
        _fail(load, " ".join(problem.message for problem in error.problems))


def _words(error: RemoteError) -> str:
    return " ".join(filter(None, (error.cause or error.headline, error.hint)))


def _read(load: DataverseLoad) -> None:
    """Read pages until all are there or the slice is over."""
    connection = own_connection(
        environment=load.environment,
        user=load.requested_by,
        kind=ConnectionKind.DATAVERSE,
        purpose="The tables are read",
    )
    client = DataverseClient(environment=load.environment, connection=connection)
    if load.state == LoadState.QUEUED:
        prepare(client, load)
    until = time.monotonic() + SLICE_SECONDS
    for table in load.tables.filter(is_done=False):
        table.load = load
        if not table.key and not table.pages:
            choose_rows(load, table)
        while not table.is_done:
            read_page(client, load, table, load.since)
            if time.monotonic() > until:
                return
    if not load.tables.filter(is_done=False).exists():
        write(load, state=LoadState.LOADING)


def _load(load: DataverseLoad) -> None:
    """Load the pages as any other file; the report and the end of the load are one transaction."""
    *dimensions, facts = load.tables.all()
    standing = base_of_changes(load)
    said = "\n".join(filter(None, (load.said, _extent_said(load, facts.why_all, facts.rows))))
    if load.since and not facts.rows:
        _end(load, None, LoadState.DONE, said)
        return
    load_files(
        actor=load.requested_by,
        cube=load.cube,
        facts=Source(whole(facts), f"{facts.table}.parquet"),
        dimensions={table.name: Source(whole(table), f"{table.table}.parquet") for table in dimensions},
        allow_partial=load.allow_partial,
        mode=Mode(load.mode),
        then=partial(_loaded, load, said, standing.pk if load.since and standing else None),
    )
    shutil.rmtree(load.folder, ignore_errors=True)


def _extent_said(load: DataverseLoad, reason: str, rows: int) -> str:
    where = f"Read from Dataverse, {load.environment}, as {load.requested_by}"
    if load.since is None:
        return f"{where}: all {rows:,} rows{f', because {reason}' if reason else ''}."
    return (
        f"{where}: only the {rows:,} rows that changed since {load.since:%Y-%m-%d %H:%M} UTC; they overwrite by key. "
        "Rows that were deleted there, or moved to other members, stay here until all rows are loaded."
    )


def _loaded(load: DataverseLoad, said: str, base: int | None, report: Load) -> None:
    """In the transaction of the report: a load that runs twice leaves one report, whoever of the two is first.

    `base` is the snapshot that the changes belong to.
    """
    if load.since and report.base_id != base:
        raise LoadRefused([Problem("data-changed", OTHER_DATA, "file")])
    report.notes = "\n".join(filter(None, (said, report.notes)))
    report.save(update_fields=["notes"])
    _end(load, report, LoadState.DONE, said)


@transaction.atomic
def _end(load: DataverseLoad, report: Load | None, state: LoadState, said: str, trouble: str = "") -> None:
    write(load, state=state, report=report, said=said, trouble=trouble, ended_at=database_now(), not_before=None)
    good = state is LoadState.DONE and (report is None or report.snapshot is not None)
    tell(
        users=[load.requested_by],
        topic=f"load from Dataverse {load.pk}",
        kind="success" if good else "danger",
        word="Loaded" if good else "Not loaded",
        text=f"{load.cube.name} {'was' if good else 'was not'} loaded from Dataverse.",
        detail=trouble,
        link=reverse("dataverse:status", args=[load.cube.slug, load.pk]),
    )


def _fail(load: DataverseLoad, trouble: str) -> None:
    with transaction.atomic():
        _end(load, None, LoadState.FAILED, load.said, trouble)
        record(actor=load.requested_by, verb="fail to load from Dataverse", subject=f"cube {load.cube.slug}")
    write(load, lease_until=None)


def _rest(load: DataverseLoad, seconds: float, trouble: str, failures: int) -> None:
    write(load, not_before=database_now() + timedelta(seconds=seconds), trouble=trouble, failures=failures)


def sweep() -> int:
    """Ring for every load that is due, free, and was not rung for just now. Returns how many."""
    waiting = leasing.unanswered(DataverseLoad.objects.filter(state__in=[*ACTIVE]))
    for load in waiting:
        ring(load)
    return len(waiting)


def working() -> bool:
    """Whether a load is in a step."""
    return leasing.working(DataverseLoad.objects.all())
