"""Runs an export from a configuration file, through the same operation and rights as the pages."""

import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from connections.errors import RemoteError
from connections.models import Environment
from connections.queries import default_environment
from cubes.models import Cube
from cubes.queries import cube_for
from exports.models import Run
from exports.operations.requesting import ExportRefused, request_export
from exports.queries.summaries import Summary, summary_of
from exports.rules.configuration_file import read
from exports.rules.states import State


class Command(BaseCommand):
    help = "Export a cube to budget register entries, as a configuration file says."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("configuration", type=Path, metavar="CONFIG.json")
        parser.add_argument("--as", dest="user", required=True, help="user name of the requester")
        parser.add_argument("--wait", action="store_true", help="wait for the end; exit status 0 only on success")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--timeout", type=float, default=3600, help="seconds to wait at most")

    def handle(self, *, configuration: Path, user: str, wait: bool, json: bool, timeout: float, **_: Any) -> None:
        run = _request(configuration, user)
        if wait:
            _wait(run, timeout)
        summary = summary_of(run)
        self.stdout.write(_as_json(summary) if json else _as_text(summary))
        if wait and run.status is not State.SUCCEEDED:
            sys.exit(1)


def _request(path: Path, username: str) -> Run:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=str)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as JSON: {error}") from error
    file = read(data)
    actor = get_user_model().objects.filter(username=username).first()
    if actor is None:
        raise CommandError(f"There is no user {username}.")
    if file.problems:
        raise CommandError("\n".join(f"{p.field}: {p.message}" for p in file.problems))
    try:
        cube = cube_for(actor, file.cube)
        environment = Environment.objects.get(name=file.environment) if file.environment else default_environment()
        return request_export(
            actor=actor,
            cube=cube,
            environment=environment,
            chosen=file.configuration,
            client_token=uuid.uuid4(),
        )
    except Cube.DoesNotExist as error:
        raise CommandError(f"There is no cube {file.cube}, or it is not shared with {username}.") from error
    except Environment.DoesNotExist as error:
        raise CommandError(f"There is no environment {file.environment or 'yet'}.") from error
    except (PermissionDenied, RemoteError) as error:
        raise CommandError(str(error)) from error
    except ExportRefused as error:
        lines = [f"{problem.field}: {problem.message}" for problem in error.problems]
        raise CommandError("\n".join(lines)) from error


def _wait(run: Run, timeout: float) -> None:
    until = time.monotonic() + timeout
    while run.is_active and time.monotonic() < until:
        time.sleep(0.2)
        run.refresh_from_db()


def _as_json(summary: Summary) -> str:
    return json.dumps(summary.as_dict(), ensure_ascii=False, indent=2)


def _as_text(summary: Summary) -> str:
    lines = [
        f"Run           {summary.run_id}",
        f"Entry number  {summary.entry_number}",
        f"Status        {summary.status}",
    ]
    if summary.cube_rows is not None:
        lines += [f"Cube rows     {summary.cube_rows:,}", f"Lines         {summary.lines:,}"]
    lines += [f"Total         {t.amount_type} {t.currency} {t.amount:,} ({t.lines:,} lines)" for t in summary.totals]
    lines += [text for text in (summary.headline, summary.cause, summary.hint) if text]
    return "\n".join(lines)
