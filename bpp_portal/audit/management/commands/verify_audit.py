"""Checks the chain of the audit trail from its first entry to its last."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from bpp_portal.audit import triggers
from bpp_portal.audit.chain import Head
from bpp_portal.audit.queries import check_chain, head

ANCHOR_HELP = """a file kept outside the database, one head of the chain a line: every one must still be in the chain,
which shows a cut end and a chain that was written anew"""


class Command(BaseCommand):
    help = "Verify the audit trail; the exit status is 1 and the first bad entry is named when its chain does not hold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anchor", type=Path, help=ANCHOR_HELP)
        parser.add_argument(
            "--write-anchor", type=Path, help="when the chain holds, append its head to this file (made when missing)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        anchors = _anchors(options["anchor"]) if options["anchor"] else []
        stopped = head()
        found = check_chain(anchors=anchors)
        if found is not None:
            raise CommandError(f"The audit trail is broken at entry {found.seq}: {found.why}.")
        open_to = triggers.missing(connection)
        if open_to:
            acts = ", ".join(open_to)
            raise CommandError(f"The chain holds, but the database no longer refuses {acts}: its triggers are gone.")
        seq = stopped.seq if stopped else 0
        if stopped and options["write_anchor"]:
            _append(options["write_anchor"], stopped)
        asked = f", {len(anchors)} anchors agree" if anchors else ""
        self.stdout.write(f"The audit trail holds: {seq} entries{asked}.")


def _anchors(path: Path) -> list[Head]:
    """Lines of `seq hash time`; raises CommandError where a line is none."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError) as error:
        raise CommandError(f"The anchor file can't be read: {error}.") from error
    anchors = []
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if len(parts) < 2 or not parts[0].isdecimal():
            raise CommandError(f"Line {number} of {path} is not an anchor.")
        anchors.append(Head(int(parts[0]), parts[1]))
    return anchors


def _append(path: Path, stopped: Head) -> None:
    try:
        with path.open("a", encoding="ascii") as file:
            file.write(f"{stopped.seq} {stopped.hash} {timezone.now():%Y-%m-%dT%H:%M:%SZ}\n")
    except OSError as error:
        raise CommandError(
            f"The chain holds, but the anchor {path} can't be written: {error.strerror}. Name a file in a folder that "
            "exists and that you may write to."
        ) from error
