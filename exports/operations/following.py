"""BREExportFnOStatusUpdate: asks Finance how the import stands, then reads the entry back and compares."""

from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db import transaction

from bpp_portal.kernel.clock import database_now
from bpp_portal.kernel.hold import hold
from connections.errors import RemoteError
from connections.finance import FinanceClient
from connections.queries import finance_client
from connections.rules.execution import EntryLine, ExecutionStatus
from exports import frozen
from exports.models import Reconciliation, Rejection, Run, RunTotal
from exports.rules.decide import Failure, Observation, Seen
from exports.rules.states import FOLLOW

from .building import comment_of
from .leasing import write
from .observing import of_question

KEPT_MESSAGES = 10_000
SHOWN_NUMBERS = 20
NEXT_STEP = (
    "The lines below show which. Correct the draft in Finance, or delete it there and export again; "
    "exporting again beside it would count lines twice."
)


def ask(run: Run) -> Observation:
    """One question about the running import."""
    attempt = run.attempts.last()
    if attempt is None:
        raise LookupError(f"{run} is running without an attempt")
    hold("polling")
    try:
        client = finance_client(environment=run.environment, flow_name=FOLLOW)
        status = client.execution_status(attempt.execution_id)
        counts = (
            None if status is ExecutionStatus.NOT_FOUND else client.execution_counts(attempt.execution_id, run.project)
        )
    except RemoteError as error:
        return of_question(error)
    fields: dict[str, object] = {
        "asked": run.asked + 1,
        "asked_at": database_now(),
        "finance_status": status.value,
    }
    if counts is not None:
        fields["finance_lines"] = counts.created + counts.updated
    write(run, **fields)
    if status.is_final:
        return Observation(Seen.FINISHED)
    return Observation(Seen.UNKNOWN_TO_FINANCE if status is ExecutionStatus.NOT_FOUND else Seen.FOUND)


def read_back(run: Run) -> Observation:
    """Read the whole entry back and compare count, sums and keys with the frozen lines."""
    hold("reading back")
    try:
        client = finance_client(environment=run.environment, flow_name=FOLLOW)
        numbers = _numbers(run, client)
        header = client.entry_header(legal_entity=run.export.legal_entity, entry_number=numbers[0])
        _store_lines(run, client, numbers)
        messages = _messages(run, client)
    except RemoteError as error:
        return of_question(error)
    found = frozen.compare(run.folder)
    failed = run.finance_status in (ExecutionStatus.FAILED.value, ExecutionStatus.CANCELED.value)
    if not found.agrees and not failed and not messages and _may_be_late(run):
        text = f"Finance reports success, but {found.missing:,} lines cannot be read yet."
        return Observation(Seen.CANNOT_ASK, Failure(text))
    _reconcile(run, found, header, messages)
    if found.agrees:
        return Observation(Seen.AGREES)
    if failed and not found.finance_lines:
        return _nothing_there(run, messages)
    return Observation(Seen.DIFFERS, _differs(run, found, messages))


def _numbers(run: Run, client: FinanceClient) -> list[str]:
    """Where Finance keeps the lines: under our number, or, where its sequence is automatic, under those it drew."""
    legal_entity = run.export.legal_entity
    if client.entry_header(legal_entity=legal_entity, entry_number=run.entry_number) is not None:
        return [run.entry_number]
    drawn = client.entries_with(legal_entity=legal_entity, comment=comment_of(run))
    if drawn:
        more = f" and {len(drawn) - SHOWN_NUMBERS:,} more" if len(drawn) > SHOWN_NUMBERS else ""
        write(run, finance_numbers=", ".join(drawn[:SHOWN_NUMBERS]) + more)
    return drawn or [run.entry_number]


def _may_be_late(run: Run) -> bool:
    """Finance may show lines a little later than its final word: wait for the settle time before judging."""
    since = run.events.filter(new_state="VERIFYING").last()
    return since is not None and database_now() - since.at < timedelta(seconds=settings.EXPORT_SETTLE)


def _store_lines(run: Run, client: FinanceClient, numbers: list[str]) -> None:
    """Put the file in place when it is whole: pages read it at any time, and this process may die."""
    temporary = run.folder / f"{frozen.READ_BACK}.{run.fence}"
    with pq.ParquetWriter(temporary, frozen.READ_BACK_SCHEMA) as writer:
        for number in numbers:
            for page in client.entry_lines(legal_entity=run.export.legal_entity, entry_number=number):
                writer.write_table(_table(page))
    temporary.replace(run.folder / frozen.READ_BACK)


def _table(page: list[EntryLine]) -> pa.Table:
    columns = {
        "line_number": [line.line_number for line in page],
        "display_value": [line.display_value for line in page],
        "date": [line.date for line in page],
        "amount_type": [line.amount_type for line in page],
        "currency": [line.currency for line in page],
        "amount": [line.amount.quantize(Decimal("0.000001")) for line in page],
        "comment": [line.comment for line in page],
    }
    return pa.table(columns, schema=frozen.READ_BACK_SCHEMA)


def _messages(run: Run, client: FinanceClient) -> list[tuple[str, str, str]]:
    if run.finance_status == ExecutionStatus.SUCCEEDED.value:
        return []
    attempt = run.attempts.last()
    if attempt is None:
        return []
    errors = client.execution_errors(attempt.execution_id)
    return [(error.record_id, error.field, error.message) for error in errors[:KEPT_MESSAGES]]


def _reconcile(run: Run, found: frozen.Differences, header: object, messages: list[tuple[str, str, str]]) -> None:
    sums = frozen.totals(run.folder, frozen.READ_BACK)
    with transaction.atomic():
        Reconciliation.objects.update_or_create(
            run=run,
            defaults={
                "checked_at": database_now(),
                "lines": found.finance_lines,
                "missing": found.missing,
                "extra": found.extra,
                "different": found.different,
                "entry_status": getattr(header, "status", "") or "",
                "read_back_sha256": frozen.sha256_of(run.folder / frozen.READ_BACK),
            },
        )
        RunTotal.objects.filter(run=run, place=RunTotal.Place.FINANCE).delete()
        for total in sums:
            RunTotal.objects.create(
                run=run,
                place=RunTotal.Place.FINANCE,
                amount_type=total.amount_type,
                currency=total.currency,
                lines=total.lines,
                amount=total.amount,
            )
        Rejection.objects.filter(run=run).delete()
        Rejection.objects.bulk_create(
            Rejection(run=run, record_id=record, field=field, message=text) for record, field, text in messages
        )


def _nothing_there(run: Run, messages: list[tuple[str, str, str]]) -> Observation:
    if run.finance_status == ExecutionStatus.CANCELED.value:
        failure = Failure(
            "The import was cancelled in Finance.", "No line of this run stands there.", code="BRE-CANCELLED"
        )
        return Observation(Seen.NOTHING_THERE, failure)
    if not messages:
        failure = Failure("Finance failed without naming a reason.", "No line stands there.", code="BRE-NO-REASON")
        return Observation(Seen.NOTHING_THERE_TRANSIENT, failure)
    first = messages[0][2]
    more = f" ({len(messages):,} messages)" if len(messages) > 1 else ""
    failure = Failure(
        "Finance refused the entry.",
        f"{first}{more} Nothing is in Finance from this run.",
        "Correct what Finance names, then export again.",
        "BRE-REFUSED",
    )
    return Observation(Seen.NOTHING_THERE, failure)


def _differs(run: Run, found: frozen.Differences, messages: list[tuple[str, str, str]]) -> Failure:
    """What Finance holds against what was sent, in words that are true for each way to differ."""
    sent, there = run.line_count or 0, found.finance_lines
    if not there:
        headline = f"Finance reports success, but holds none of the {_lines(sent)}."
    elif there < sent:
        headline = f"Finance holds {there:,} of the {_lines(sent)}."
    elif there > sent:
        headline = f"Finance holds {_lines(there)} instead of {sent:,}."
    else:
        headline = f"Finance holds {_lines(there)}, but not all of them as they were sent."
    counts = ((found.missing, "missing"), (found.extra, "extra"), (found.different, "different"))
    parts = [f"{_lines(count)} {word}" for count, word in counts if count]
    reason = f" {messages[0][2]}" if messages else ""
    return Failure(headline, f"Finance differs: {', '.join(parts)}.{reason}", NEXT_STEP, "BRE-DIFFERS")


def _lines(count: int) -> str:
    return f"{count:,} {'line' if count == 1 else 'lines'}"
