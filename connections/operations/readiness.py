"""Checks readiness and keeps the result. Remote calls stand before the transaction."""

from dataclasses import replace
from typing import Any

from django.db import transaction

from bpp_portal.audit.operations import record
from connections.models import Environment, ReadinessCheck, ReadinessRow
from connections.queries.readiness import check
from connections.queries.readiness.remembered import remembered
from connections.rules.readiness import Report


def check_again(*, environment: Environment, legal_entity: str = "", actor: Any = None) -> Report:
    """Ask everything now and keep the answer; a change of what fails goes to the trail.

    Without a `legal_entity` that Finance has, the one of the latest check is taken. `actor` is None when nobody asked.
    """
    latest = remembered(environment=environment)
    known = latest.legal_entities if latest else ()
    asked = legal_entity if legal_entity in known or not known else ""
    report = check(environment=environment, legal_entity=asked or (latest.legal_entity if latest else ""))
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
        record(actor=actor, verb="ready" if report.ready else "not ready", subject=subject, detail=detail)
