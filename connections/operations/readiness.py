"""Checks readiness and keeps the result. Remote calls stand before the transaction."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse
from django.utils.module_loading import import_string

from bpp_portal.audit.operations import record
from bpp_portal.notices.operations import tell
from connections.models import Environment, ReadinessCheck, ReadinessRow
from connections.queries.readiness import Tell, check
from connections.queries.readiness.remembered import remembered
from connections.rules.readiness import Report, freed, merged, needs

from .progress import alone

MOST_NAMED = 5


def check_again(*, environment: Environment, legal_entity: str = "", actor: Any = None, join: bool = False) -> Report:
    """Ask everything now and keep the answer; a change of what fails goes to the trail and to the flow owner.

    Only one check of an environment runs at a time; with `join` the answer of one that runs already will do. Without a
    `legal_entity` that Finance has, the one of the latest check is taken. `actor` is None when nobody asked.
    """
    with alone(environment) as (progress, waited):
        known = _known(environment, legal_entity)
        if join and waited and (theirs := remembered(environment=environment, legal_entity=known)):
            return theirs
        return _check_all(environment, known, actor, progress)


def check_row(*, environment: Environment, key: str, legal_entity: str = "", actor: Any = None) -> Report:
    """Ask about one precondition again, with what it waits for; then about those that waited for it in vain.

    The rest stays as it was remembered, and so does the time of the check. Without one everything is asked.
    """
    before = remembered(environment=environment, legal_entity=_known(environment, legal_entity))
    if before is None:
        return check_again(environment=environment, legal_entity=legal_entity, actor=actor)
    asked = needs(key)
    rows = _ask(environment, before.legal_entity, wanted=asked).rows
    if waiting := freed(before.rows, rows, asked):
        asked = asked.union(*map(needs, waiting))
        rows = _ask(environment, before.legal_entity, wanted=asked).rows
    report = replace(before, rows=merged(before.rows, rows, asked))
    _keep(environment, report, before, actor)
    return report


def _known(environment: Environment, legal_entity: str) -> str:
    """`legal_entity` unless the latest check says that Finance has none of that code; then that check's own."""
    latest = remembered(environment=environment)
    known = latest.legal_entities if latest else ()
    asked = legal_entity if legal_entity in known or not known else ""
    return asked or (latest.legal_entity if latest else "")


def _ask(environment: Environment, legal_entity: str, **more: Any) -> Report:
    sent_values = import_string(settings.READINESS_SENT_VALUES) if settings.READINESS_SENT_VALUES else None
    return check(environment=environment, legal_entity=legal_entity, sent_values=sent_values, **more)


def _check_all(environment: Environment, legal_entity: str, actor: Any, progress: Tell) -> Report:
    latest = remembered(environment=environment)
    known = latest.legal_entities if latest else ()
    report = _ask(environment, legal_entity, tell=progress)
    if not report.legal_entities:
        # Nobody said now which ones there are: only one that was there before is kept under its name.
        mine = report.legal_entity if report.legal_entity in known else ""
        report = replace(report, legal_entity=mine, legal_entities=known)
    _keep(environment, report, remembered(environment=environment, legal_entity=report.legal_entity), actor)
    return report


@transaction.atomic
def _keep(environment: Environment, report: Report, before: Report | None, actor: Any) -> None:
    Environment.objects.select_for_update().get(pk=environment.pk)
    newer = ReadinessCheck.objects.filter(
        environment=environment, legal_entity=report.legal_entity, checked_at__gt=report.checked_at
    )
    if newer.exists():
        return
    kept, _ = ReadinessCheck.objects.update_or_create(
        environment=environment,
        legal_entity=report.legal_entity,
        defaults={
            "legal_entities": "\n".join(report.legal_entities),
            "checked_at": report.checked_at,
            "seconds": report.seconds,
        },
    )
    kept.rows.all().delete()
    ReadinessRow.objects.bulk_create(
        ReadinessRow(
            check_of=kept,
            key=row.key,
            state=row.state.value,
            found=row.found,
            hint=row.hint,
            waits_for=row.waits_for,
            seconds=row.seconds,
            lacking="\n".join(row.lacking),
        )
        for row in report.rows
    )
    failing = [row.about.label for row in report.failing]
    if before is None or failing != [row.about.label for row in before.failing]:
        subject = f"{environment} {report.legal_entity}".strip()
        detail = f"fails: {', '.join(failing)}" if failing else "every precondition is met"
        if failing or before is not None:
            _tell_owners(environment, report, subject)
        record(actor=actor, verb="ready" if report.ready else "not ready", subject=subject, detail=detail)


def _tell_owners(environment: Environment, report: Report, subject: str) -> None:
    """One notice for each owner of a flow: what fails now, or that all is well again."""
    failing = report.failing
    owners = get_user_model().objects.filter(owned_flows__environment=environment).distinct()
    names = ", ".join(row.about.label for row in failing[:MOST_NAMED])
    more = f" and {len(failing) - MOST_NAMED} more" if len(failing) > MOST_NAMED else ""
    query = {"environment": environment.pk} | ({"legal_entity": report.legal_entity} if report.legal_entity else {})
    tell(
        users=owners,
        topic=f"readiness {environment.pk} {report.legal_entity}".strip(),
        kind="danger" if failing else "success",
        word="Not ready" if failing else "Ready",
        text=f"{subject} is not ready for exports." if failing else f"{subject} is ready for exports again.",
        detail=f"{'This fails' if len(failing) == 1 else 'These fail'}: {names}{more}." if failing else "",
        link=f"{reverse('readiness:page')}?{urlencode(query)}",
    )
