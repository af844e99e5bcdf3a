"""Writes the audit trail for auditors: CSV for a spreadsheet, JSON lines for a program that checks the hashes."""

import csv
import json
from argparse import ArgumentTypeError
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from bpp_portal.audit import chain
from bpp_portal.audit.models import AuditEntry
from bpp_portal.audit.queries import Asked, entries
from bpp_portal.kernel.formulas import neutral

FORM = "like 2026-11-25, or with a time like 2026-11-25T14:30"
COLUMNS = (*chain.COVERED, "hash")


class Command(BaseCommand):
    help = "Export the audit trail, oldest entry first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=["csv", "jsonl"], default="jsonl")
        parser.add_argument("--output", type=Path, help="a file; standard output when it is left out")
        parser.add_argument("--since", type=_moment, help=f"first day or moment, {FORM}")
        parser.add_argument("--until", type=_moment, help=f"last day or moment, {FORM}")

    def handle(self, *args: Any, **options: Any) -> None:
        write = _csv if options["format"] == "csv" else _json_lines
        rows = _between(options["since"], options["until"]).order_by("seq").iterator(chunk_size=2000)
        if options["output"] is None:
            write(self.stdout, rows)
            return
        try:
            with options["output"].open("w", encoding="utf-8", newline="") as file:
                count = write(file, rows)
        except OSError as error:
            raise CommandError(
                f"{options['output']} can't be written: {error.strerror}. Name a file in a folder that exists and "
                "that you may write to."
            ) from error
        self.stderr.write(f"{count} entries")


def _moment(text: str) -> date | datetime:
    """A day, or a moment in the portal's time zone where it names none."""
    try:
        day, moment = parse_date(text), parse_datetime(text)
    except ValueError:
        day = moment = None
    if day is not None:
        return day
    if moment is None:
        raise ArgumentTypeError(f"{text} is not a day. Write it {FORM}.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _between(since: date | datetime | None, until: date | datetime | None) -> QuerySet[AuditEntry]:
    """Both ends belong to it; a day is all of that day."""
    first = None if isinstance(since, datetime) else since
    last = None if isinstance(until, datetime) else until
    found = entries(Asked(since=first, until=last))
    if isinstance(since, datetime):
        found = found.filter(at__gte=since)
    return found.filter(at__lte=until) if isinstance(until, datetime) else found


def _json_lines(file: TextIO | Any, rows: Any) -> int:
    """Each line is the canonical spelling that the hash covers, plus that hash."""
    count = 0
    for row in rows:
        count += 1
        content = json.loads(chain.canonical(row.link.content)) | {"hash": row.hash}
        file.write(json.dumps(content, ensure_ascii=False, sort_keys=True) + "\n")
    return count


def _csv(file: TextIO | Any, rows: Any) -> int:
    write = csv.writer(file, lineterminator="\n").writerow
    write(COLUMNS)
    count = 0
    for row in rows:
        count += 1
        write([_cell(row, name) for name in COLUMNS])
    return count


def _cell(row: AuditEntry, name: str) -> str:
    value = getattr(row, name)
    text = row.at.isoformat() if name == "at" else "" if value is None else str(value)
    return neutral(text)
