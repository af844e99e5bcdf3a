"""`manage.py readiness`: would an export succeed now? Exit status 0 when it would, 1 when something fails."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connections.errors import RemoteError
from connections.models import Environment
from connections.operations import check_again
from connections.queries import default_environment
from connections.rules.readiness import Report, Row, State


class Command(BaseCommand):
    help = "Checks every precondition of an export. Exit status 1 when one of them fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--environment", default="", help="name of the environment; the first one unless given")
        parser.add_argument("--legal-entity", default="", help="code of the legal entity, as USMF")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        environment = _environment(options["environment"])
        report = check_again(environment=environment, legal_entity=options["legal_entity"])
        if options["legal_entity"] not in ("", report.legal_entity) and report.legal_entities:
            raise CommandError(f"Finance has no legal entity {options['legal_entity']}.")
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(environment, report), ensure_ascii=False, indent=2))
        else:
            self.stdout.write(_as_text(environment, report))
        if not report.ready:
            raise SystemExit(1)


def _environment(name: str) -> Environment:
    if not name:
        try:
            return default_environment()
        except RemoteError as error:
            raise CommandError(f"{error.cause} {error.hint}") from None
    found = Environment.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"There is no environment {name}.")
    return found


def _as_json(environment: Environment, report: Report) -> dict[str, Any]:
    return {
        "environment": environment.name,
        "legal_entity": report.legal_entity,
        "ready": report.ready,
        "checked_at": report.checked_at.isoformat(),
        "seconds": round(report.seconds, 3),
        "counts": {state.value: len(report.of(state)) for state in State},
        "preconditions": [_row(row) for row in report.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    about = row.about
    facts: dict[str, Any] = {
        "key": row.key,
        "group": about.group.value,
        "label": about.label,
        "state": row.state.value,
        "found": row.found,
        "waits_for": row.waits_for or None,
        "seconds": None if row.seconds is None else round(row.seconds, 3),
    }
    if row.is_open:
        facts |= {"text": about.text, "to_do": row.hint or about.todo, "who_can": row.who}
    return facts


def _as_text(environment: Environment, report: Report) -> str:
    state = "Ready" if report.ready else "Not ready"
    lines = [f"{environment} {report.legal_entity}: {state}. {report.summary} Took {report.seconds:.1f} s."]
    for group, rows in report.groups():
        lines += ["", group.value]
        for row in rows:
            lines.append(f"  {row.state:<12} {row.about.label}: {row.found}")
            if row.is_open:
                lines += [f"{'':15}{row.outcome}: {row.about.text}"] if row.about.text else []
                lines += [f"{'':15}To do: {row.hint or row.about.todo}", f"{'':15}Who can: {row.who}"]
    return "\n".join(lines)
