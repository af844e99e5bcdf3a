"""BREExportFromDataverseToFnO: uploads the frozen package and starts the import, as the flow owner."""

import uuid
from datetime import timedelta

from django.db.models import Q

from bpp_portal.kernel.clock import database_now
from bpp_portal.kernel.hold import hold
from connections import blob
from connections.data_management import PROJECT
from connections.errors import RemoteError
from connections.models import StartLock
from connections.queries import explained, finance_client, finance_user_may_export, flow
from connections.rules.execution import ExecutionStatus
from exports.frozen import PACKAGE
from exports.models import Attempt, Run
from exports.rules.decide import Decision, Failure, Observation, Seen
from exports.rules.states import OCCUPIES_PROJECT, SEND, State

from .leasing import renew, write
from .moving import move
from .observing import before_start, of_question, of_start

LOCK_SECONDS = 180.0
LANES = 8


def upload(run: Run) -> Observation:
    """Ask for a write address and upload the package. The address is a secret and is not stored."""
    try:
        client = finance_client(environment=run.environment, flow_name=SEND)
        finance_user_may_export(environment=run.environment, user=run.requested_by)
        taken = client.entry_header(legal_entity=run.export.legal_entity, entry_number=run.entry_number)
        if taken is not None:
            return Observation(Seen.PERMANENT, _taken(run))
        name = f"{run.uuid}-{run.package_sha256[:12]}.zip"
        write(run, blob_name=name)
        hold("uploading")
        blob.upload(client.write_url(name), run.folder / PACKAGE)
    except RemoteError as error:
        return before_start(explained(error, environment=run.environment))
    return Observation(Seen.UPLOADED)


def _taken(run: Run) -> Failure:
    return Failure(
        f"Finance already has an entry {run.entry_number} in {run.export.legal_entity}.",
        "It is not of this run, and sending would change it. Nothing was sent.",
        "Export again: the next run takes the next number.",
        "BRE-ENTRY-TAKEN",
    )


def start(run: Run) -> Observation | None:
    """Store the intent, then start the import: one start at a time in an environment."""
    if not lock(run):
        write(run, not_before=database_now() + timedelta(seconds=1))
        return None
    try:
        return _start_locked(run)
    finally:
        unlock(run)


def _start_locked(run: Run) -> Observation | None:
    project = _free_project(run)
    if project is None:
        write(
            run,
            not_before=database_now() + timedelta(seconds=2),
            trouble="Waits for its turn in Finance.",
        )
        return None
    try:
        client = finance_client(environment=run.environment, flow_name=SEND)
        owner = flow(environment=run.environment, name=SEND).owner
        client.ensure_project(project)
        attempt = _attempt(run)
        if run.sent_at and attempt.result:
            # The same execution id was sent before: Finance is asked once more, under the lock, right before the call.
            status = client.execution_status(attempt.execution_id)
            if status is not ExecutionStatus.NOT_FOUND:
                move(run=run, to=State.STARTING, project=project)
                return Observation(Seen.ACCEPTED)
        address = client.write_url(run.blob_name)
    except RemoteError as error:
        return before_start(explained(error, environment=run.environment))
    move(
        run=run,
        to=State.STARTING,
        project=project,
        sent_at=database_now(),
        runs_as=owner.get_username() if owner else "",
        not_before=None,
    )
    hold("intent")
    renew(run)
    try:
        client.start_import(
            package_url=address,
            project=project,
            execution_id=attempt.execution_id,
            legal_entity=run.export.legal_entity,
        )
    except RemoteError as error:
        return of_start(explained(error, environment=run.environment))
    hold("started")
    return Observation(Seen.ACCEPTED)


def _attempt(run: Run) -> Attempt:
    """The open attempt, or a new one with its own execution id, stored before anything is sent."""
    last = run.attempts.last()
    if last is not None and last.result != "nothing there":
        return last
    number = (last.number if last else 0) + 1
    execution_id = f"{run.entry_number.lower()}-{run.uuid.hex[:8]}-{number}-{uuid.uuid4().hex[:8]}"
    return Attempt.objects.create(run=run, number=number, execution_id=execution_id, started_at=database_now())


def ask(run: Run) -> Observation | None:
    """After a start whose answer is not known: ask before anything else, holding the start lock."""
    attempt = run.attempts.last()
    if attempt is None or not lock(run):
        write(run, not_before=database_now() + timedelta(seconds=1))
        return None
    try:
        if run.status is State.STARTING:
            # The worker that sent the call died: whether it left is not known.
            move(run=run, to=State.IN_DOUBT, doubt_since=run.sent_at or database_now(), asked=0)
        client = finance_client(environment=run.environment, flow_name=SEND)
        status = client.execution_status(attempt.execution_id)
        write(run, asked=run.asked + 1, asked_at=database_now())
    except RemoteError as error:
        return of_question(error)
    finally:
        unlock(run)
    if status is ExecutionStatus.NOT_FOUND:
        return Observation(Seen.UNKNOWN_TO_FINANCE)
    return Observation(Seen.ACCEPTED)


def lock(run: Run) -> bool:
    """Take the environment's start lock, or keep it when this run holds it already."""
    now = database_now()
    StartLock.objects.get_or_create(environment=run.environment)
    mine = Q(holder=str(run.uuid)) | Q(holder="") | Q(held_until__lt=now) | Q(held_until__isnull=True)
    return bool(
        StartLock.objects.filter(mine, environment=run.environment).update(
            holder=str(run.uuid), held_until=now + timedelta(seconds=LOCK_SECONDS)
        )
    )


def unlock(run: Run) -> None:
    """Give the start lock back, if this run holds it."""
    StartLock.objects.filter(environment=run.environment, holder=str(run.uuid)).update(holder="", held_until=None)


def _free_project(run: Run) -> str | None:
    """A data project in which no other run of ours is under way: Finance runs one import per project at a time."""
    busy = set(
        Run.objects.filter(environment=run.environment, state__in=[s.value for s in OCCUPIES_PROJECT])
        .exclude(pk=run.pk)
        .values_list("project", flat=True)
    )
    names = [PROJECT, *(f"{PROJECT}-{lane}" for lane in range(2, LANES + 1))]
    return next((name for name in names if name not in busy), None)


def write_result(run: Run, seen: Observation, decision: Decision) -> None:
    """Keep what became of the attempt, for people and for the next question."""
    words = {
        Seen.ACCEPTED: ("in Finance", "Finance accepted the start."),
        Seen.DOUBT: (
            "asking Finance",
            "Finance's answer was lost. We are asking whether it has the entry; "
            "nothing is sent again until that is known.",
        ),
        Seen.UNKNOWN_TO_FINANCE: ("not received", "Finance does not know this start."),
        Seen.AGREES: ("completed", "All lines are in Finance."),
        Seen.DIFFERS: ("partly completed", "Finance differs from what was sent."),
        Seen.NOTHING_THERE: ("failed", "Finance refused the entry. Nothing of it stands there."),
        Seen.NOTHING_THERE_TRANSIENT: (
            "nothing there",
            "Finance failed without a reason. Nothing stands there.",
        ),
    }
    attempt = run.attempts.last()
    if attempt is None:
        return
    if seen.seen in words:
        if seen.seen is Seen.UNKNOWN_TO_FINANCE and decision.state is not State.UPLOADED:
            return
        result, happened = words[seen.seen]
    elif run.status is State.STARTING and seen.failure:
        result, happened = (
            "not sent",
            f"{seen.failure.headline}: {seen.failure.cause or 'nothing reached Finance'}",
        )
    else:
        return
    attempt.result, attempt.happened = result, happened
    attempt.save(update_fields=["result", "happened"])
