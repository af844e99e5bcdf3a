"""Writes the audit trail for auditors: CSV for a spreadsheet, JSON lines for a program that checks the hashes."""

import csv
import json
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandParser
from django.utils.dateparse import parse_date

from bpp_portal.audit import chain
from bpp_portal.audit.models import AuditEntry
from bpp_portal.audit.queries import Asked, entries
from bpp_portal.kernel.formulas import neutral

COLUMNS = (*chain.COVERED, "hash")


class Command(BaseCommand):
    help = "Export the audit trail, oldest entry first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=["csv", "jsonl"], default="jsonl")
        parser.add_argument("--output", type=Path, help="a file; standard output when it is left out")
        parser.add_argument("--since", type=parse_date, help="first day, YYYY-MM-DD")
        parser.add_argument("--until", type=parse_date, help="last day, YYYY-MM-DD")

    def handle(self, *args: Any, **options: Any) -> None:
        write = _csv if options["format"] == "csv" else _json_lines
        rows = entries(Asked(since=options["since"], until=options["until"])).order_by("seq").iterator(chunk_size=2000)
        if options["output"] is None:
            write(self.stdout, rows)
            return
        with options["output"].open("w", encoding="utf-8", newline="") as file:
            count = write(file, rows)
        self.stderr.write(f"{count} entries")


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
