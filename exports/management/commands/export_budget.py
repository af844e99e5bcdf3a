"""Runs an export from a configuration file, through the same operation and rights as the pages.

Exit status: 0 the run succeeded, 1 it was refused or did not succeed, 3 it is accepted and not finished.
"""

import json
import sys
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bpp_portal.kernel.problems import Problem
from connections.errors import RemoteError
from connections.models import Environment
from connections.queries import default_environment
from cubes.models import Cube
from cubes.queries import cube_for
from exports.models import Run
from exports.operations.requesting import ExportRefused, request_export
from exports.queries.summaries import Summary, summary_of
from exports.rules.configuration_file import parse, read
from exports.rules.states import State

NOT_SUCCEEDED, NOT_FINISHED = 1, 3


class Command(BaseCommand):
    help = (
        "Export a cube to budget register entries, as a configuration file says. "
        "Exit status: 0 the run succeeded, 1 it was refused or did not succeed, 3 it is accepted and not finished."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("configuration", type=Path, metavar="CONFIG.json")
        parser.add_argument("--as", dest="user", required=True, help="user name of the requester")
        parser.add_argument("--wait", action="store_true", help="wait for the end of the run")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--timeout", type=float, default=3600, help="seconds to wait at most")

    def handle(self, *, configuration: Path, user: str, wait: bool, json: bool, timeout: float, **_: Any) -> None:
        run = _request(configuration, user)
        if wait:
            _wait(run, timeout)
        summary = summary_of(run)
        self.stdout.write(_as_json(summary) if json else _as_text(summary))
        if run.is_active:
            self.stderr.write(f"{run} is accepted and not finished. Its page and the API tell how it ends.")
            sys.exit(NOT_FINISHED)
        if run.status is not State.SUCCEEDED:
            sys.exit(NOT_SUCCEEDED)


def _request(path: Path, username: str) -> Run:
    try:
        data = parse(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as JSON: {error}") from error
    file = read(data)
    actor = get_user_model().objects.filter(username=username).first()
    if actor is None:
        raise CommandError(f"There is no user {username}.")
    if file.problems:
        raise CommandError(_lines(file.problems))
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
        raise CommandError(_lines(error.problems)) from error


def _lines(problems: Iterable[Problem]) -> str:
    """One line for each problem: its field, what is wrong, the next step."""
    return "\n".join(" ".join(filter(None, (p.field and f"{p.field}:", p.message, p.hint))) for p in problems)


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
