"""Export, save as draft, cancel, retry: what people ask for."""

import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Max

from bpp_portal.audit.operations import record
from bpp_portal.kernel.clock import database_now
from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, Role, require, roles_of
from connections.errors import RemoteError
from connections.models import Environment
from connections.queries import environments
from cubes import queries as cube_queries
from cubes.kept_visibility import keep
from cubes.models import Cube
from exports.models import EntryNumbers, Export, Filter, FilterValue, Mapping, Run
from exports.queries.checking import check
from exports.rules.checking import check_name, check_texts
from exports.rules.configuration import Configuration
from exports.rules.states import ACTIVE, BEFORE_START, State

from .leasing import LeaseLost
from .moving import add_event, move
from .stepping import ring


class ExportRefused(Exception):
    """The configuration is not fit; nothing was stored. `problems` holds all findings."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(" ".join(problem.message for problem in problems))


class TokenReused(Exception):
    """The same form was sent twice with different content."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__(f"This form was already sent as {run}. Open a new one to export something else.")


def request_export(
    *,
    actor: Any,
    cube: Cube,
    environment: Environment,
    chosen: Configuration,
    client_token: uuid.UUID,
    reused_from: Export | None = None,
    draft: Export | None = None,
) -> Run:
    """Store export, configuration and run in one transaction and wake the worker.

    The same `client_token` gives the same run again; `draft` is the draft that this export came from and is gone after
    it. Raises RightMissing, ExportRefused (all problems at once) or
    TokenReused. An environment that is not ready does not refuse: the run fails with the documented text.
    """
    require(actor, Right.EXPORT)
    asked = (chosen.name, cube.pk, environment.pk, chosen.fingerprint())
    earlier = _earlier(actor, client_token, asked)
    if earlier is not None:
        return earlier
    snapshot = cube_queries.latest_snapshot(cube)
    if snapshot is None:
        text = "This cube has no data. Load data, then export."
        raise ExportRefused([Problem("BRE-NO-DATA", text, "cube")])
    problems = _problems(actor, cube, environment, chosen, snapshot)
    if problems:
        raise ExportRefused(problems)
    seen = keep(cube_queries.visibility(user=actor, cube=cube))
    try:
        with transaction.atomic():
            export = _store(actor, cube, environment, chosen, reused_from)
            run = _first_state(actor, export, snapshot, client_token, seen)
            if draft is not None and not hasattr(draft, "run"):
                draft.delete()
    except IntegrityError:
        earlier = _earlier(actor, client_token, asked)
        if earlier is None:
            raise
        return earlier
    return run


def _earlier(actor: Any, client_token: uuid.UUID, asked: tuple[str, int, int, str]) -> Run | None:
    """The run of this token; `asked` is everything that the form says: name, cube, environment, fingerprint."""
    run = Run.objects.filter(requested_by=actor, client_token=client_token).select_related("export").first()
    if run is None:
        return None
    export = run.export
    if (export.name, export.cube_id, export.environment_id, export.fingerprint) != asked:
        raise TokenReused(run)
    return run


def _problems(actor: Any, cube: Cube, environment: Environment, chosen: Configuration, snapshot: Any) -> list[Problem]:
    try:
        checked = check(user=actor, cube=cube, snapshot=snapshot, environment=environment, chosen=chosen, fresh=True)
    except RemoteError:
        # Not ready is not unfit: what can be judged without Finance is judged, the rest makes the run fail.
        checked = check(user=actor, cube=cube, snapshot=snapshot, environment=environment, chosen=chosen)
    return list(checked.problems)


def _first_state(actor: Any, export: Export, snapshot: Any, client_token: uuid.UUID, seen: str) -> Run:
    run = Run.objects.create(
        export=export,
        environment=export.environment,
        entry_number=_next_entry_number(),
        snapshot=snapshot,
        requested_by=actor,
        client_token=client_token,
        seen_sha256=seen,
    )
    add_event(run=run, old=None, new=State.REQUESTED, at=database_now(), actor=actor)
    record(actor=actor, verb="export", subject=f"run {run.uuid}", detail=f"{export.name} as {run.entry_number}")
    ring(run)
    return run


def _next_entry_number() -> str:
    """The number after the last one of the portal, whichever environment that went to.

    It names the run in addresses and in the trail, and a sandbox made as a copy of production holds the entries of
    production. The row of the first environment is the lock of all.
    """
    numbers, _ = EntryNumbers.objects.select_for_update().get_or_create(environment=environments()[0])
    numbers.last = (EntryNumbers.objects.aggregate(last=Max("last"))["last"] or 0) + 1
    numbers.save(update_fields=["last"])
    return f"{settings.ENTRY_NUMBER_PREFIX}-{numbers.last:06d}"


def save_draft(
    *,
    actor: Any,
    cube: Cube,
    environment: Environment,
    chosen: Configuration,
    reused_from: Export | None = None,
    draft: Export | None = None,
) -> Export:
    """Keep a configuration for later, complete or not; `draft` is replaced. Needs the right to save drafts."""
    require(actor, Right.SAVE_DRAFT)
    problems = check_name(chosen.name) + check_texts(chosen)
    if problems:
        raise ExportRefused(problems)
    with transaction.atomic():
        if draft is not None and not hasattr(draft, "run") and draft.created_by_id == actor.pk:
            draft.delete()
        export = _store(actor, cube, environment, chosen, reused_from)
        record(actor=actor, verb="save draft", subject=f"export {export.pk}", detail=export.name)
    return export


def _store(
    actor: Any, cube: Cube, environment: Environment, chosen: Configuration, reused_from: Export | None
) -> Export:
    export = Export.objects.create(
        cube=cube,
        environment=environment,
        name=chosen.name,
        legal_entity=chosen.legal_entity,
        budget_model=chosen.budget_model,
        budget_code=chosen.budget_code,
        line_detail=chosen.line_detail.value,
        fingerprint=chosen.fingerprint(),
        created_by=actor,
        reused_from=reused_from,
    )
    Mapping.objects.bulk_create(
        Mapping(export=export, target=target, column=source.column, constant=source.constant)
        for target, source in chosen.mapping.items()
        if source
    )
    for condition in chosen.conditions:
        row = Filter.objects.create(export=export, column=str(condition.column), operator=condition.operator.value)
        FilterValue.objects.bulk_create(FilterValue(filter=row, value=value) for value in condition.values)
    return export


class NotYours(PermissionDenied):
    """Somebody else's run."""

    def __init__(self) -> None:
        super().__init__("Only the person who asked for a run, or a BPP administrator, can stop it.")


def may_stop(*, user: Any, run: Run) -> bool:
    """Whether `user` asked for `run` or administers the portal."""
    return run.requested_by_id == user.pk or Role.ADMINISTRATOR in roles_of(user)


def cancel(*, actor: Any, run: Run) -> bool:
    """Cancel before the start, or ask to stop after it. True when cancelled; requester and administrators only."""
    require(actor, Right.EXPORT)
    if not may_stop(user=actor, run=run):
        raise NotYours
    if run.status not in ACTIVE:
        raise LeaseLost(run.pk)
    if run.status in BEFORE_START:
        # A new fence: the worker that holds the run meets LeaseLost at its next write.
        taken = Run.objects.filter(pk=run.pk, state=run.state, fence=run.fence).update(fence=run.fence + 1)
        if taken:
            run.fence += 1
            move(run=run, to=State.CANCELLED, actor=actor, note="cancelled by a person")
            record(actor=actor, verb="cancel", subject=f"run {run.uuid}")
            return True
        raise LeaseLost(run.pk)
    Run.objects.filter(pk=run.pk).update(stop_requested=True)
    record(actor=actor, verb="ask to stop", subject=f"run {run.uuid}")
    return False


def retry(*, actor: Any, run: Run) -> None:
    """Send a failed run again under a new execution id. Only a run of which nothing stands in Finance can be FAILED."""
    require(actor, Right.EXPORT)
    with transaction.atomic():
        taken = Run.objects.filter(pk=run.pk, state=State.FAILED, fence=run.fence).update(fence=run.fence + 1)
        if not taken:
            raise LeaseLost(run.pk)
        run.fence += 1
        run.attempts.update(result="nothing there")
        move(
            run=run,
            to=State.REQUESTED,
            actor=actor,
            note="retried by a person",
            retries_used=0,
            headline="",
            cause="",
            hint="",
            code="",
            ended_at=None,
            sent_at=None,
        )
        record(actor=actor, verb="retry", subject=f"run {run.uuid}")
        ring(run)
