"""Checks readiness and keeps the result; mends what the portal can mend. Remote calls stand before the transaction."""

from dataclasses import replace
from typing import Any

from django.db import transaction

from bpp_portal.audit.operations import record
from bpp_portal.kernel.problems import Problem

from . import http
from .dataverse import FINANCE_URI, DataverseClient
from .dataverse_setup import catalog_entity, make_visible
from .errors import ConnectionMissing, FinanceNotConfigured, Refused
from .models import Connection, Environment, ReadinessCheck, ReadinessRow
from .queries.readiness import check
from .queries.readiness.remembered import remembered
from .rules.addresses import root_of
from .rules.flows import ConnectionKind
from .rules.readiness import ENTITY_NAMES, Report


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


def show_entity(*, actor: Any, environment: Environment, entity: str) -> None:
    """Make a virtual entity visible in Dataverse, with the actor's own connection; it appears some time later.

    Raises Refused when Finance offers no such entity, or what Dataverse refuses with.
    """
    client = _own_client(actor, environment)
    found = catalog_entity(client, entity) if entity in ENTITY_NAMES else None
    if found is None:
        raise Refused([Problem("entity-unknown", f"Dataverse offers no entity {entity}.", "entity")])
    make_visible(client, found)
    record(actor=actor, verb="make visible", subject=f"{environment}: {entity}", detail="before: hidden")


def set_finance_url(*, actor: Any, environment: Environment, value: str) -> None:
    """Set the environment variable that names Finance, with the actor's own connection.

    Raises Refused when the value is no root address of an allowed host, or the variable is not installed.
    """
    root = root_of(value)
    if not root:
        text = "Enter the root address of Finance, like https://contoso.operations.dynamics.com."
        raise Refused([Problem("finance-address-malformed", text, "value")])
    try:
        http.check_address(root)
    except FinanceNotConfigured as error:
        raise Refused([Problem(error.code, error.cause, "value", error.hint)]) from None
    client = _own_client(actor, environment)
    variable = client.variable(FINANCE_URI)
    if variable is None:
        text = f"Dataverse has no environment variable {FINANCE_URI}. An IT administrator installs it."
        raise Refused([Problem("variable-missing", text, "value")])
    client.set_variable(variable, root)
    before = variable.value or "nothing"
    record(actor=actor, verb="set variable", subject=f"{environment}: {FINANCE_URI}", detail=f"{before} → {root}")


def _own_client(actor: Any, environment: Environment) -> DataverseClient:
    """Dataverse as the actor: nobody borrows the rights of the flow owner."""
    connection = (
        Connection.objects.select_related("environment", "owner")
        .filter(environment=environment, owner=actor, kind=ConnectionKind.DATAVERSE)
        .first()
    )
    if connection is None:
        raise ConnectionMissing("You have no Dataverse connection.", hint="Connect Dataverse with your account first.")
    return DataverseClient(environment=environment, connection=connection)
