"""Loads the data of a cube."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from cubes.models import Cube, Load
from cubes.operations import CubeRefused, Notations, Source, load
from cubes.reporting.errors import refused_values
from cubes.rules.loading import Mode, TableState
from cubes.rules.notation import DateNotation, NumberNotation

# Exit status of a load that left records out, told apart from one that loaded nothing.
PARTLY = 3


class Command(BaseCommand):
    help = "Loads facts, and members of dimensions, from CSV, XLSX or Parquet files into a new snapshot of a cube."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cube", metavar="CUBE", help="name or address part of the cube")
        parser.add_argument("--facts", metavar="FILE", type=Path, required=True)
        parser.add_argument(
            "--dimension",
            metavar="NAME=FILE",
            action="append",
            default=[],
            help="all members of the dimension NAME; may be given for several dimensions",
        )

        parser.add_argument(
            "--allow-partial",
            action="store_true",
            help="load what fits even when more than one record in ten is refused and data stand already",
        )
        parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.REPLACE.value)
        parser.add_argument(
            "--numbers",
            choices=["found", *(item.value for item in NumberNotation)],
            default=NumberNotation.PLAIN.value,
            help="how numbers are written; found = as the files show, or an error when they do not show it",
        )
        parser.add_argument(
            "--dates", choices=["found", *(item.value for item in DateNotation)], default=DateNotation.ISO.value
        )
        parser.add_argument("--json", action="store_true", help="the report as one JSON object on standard output")
        parser.add_argument("--strict", action="store_true", help="exit with status 3 when some records were refused")
        parser.epilog = "Exit status: 0 loaded, 1 nothing was loaded, 3 with --strict: loaded without some records."

    def handle(
        self, *args: Any, cube: str, facts: Path, dimension: list[str], allow_partial: bool, **options: Any
    ) -> None:
        found = Cube.objects.filter(Q(slug=cube) | Q(name=cube)).first()
        if found is None:
            have = ", ".join(Cube.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no cube {cube}. Import its definition first; imported: {have}.")
        sources = dict(_named(found, item) for item in dimension)
        try:
            report = load(
                actor=None,
                cube=found,
                facts=Source(facts),
                dimensions=sources,
                allow_partial=allow_partial,
                mode=Mode(options["mode"]),
                notations=_notations(options["numbers"], options["dates"]),
            )
        except CubeRefused as error:
            if options["json"]:
                self.stdout.write(json.dumps({"problems": [asdict(problem) for problem in error.problems]}, indent=2))
            raise CommandError("\n".join(problem.message for problem in error.problems)) from error
        self.tell(report, **options)

    def tell(self, report: Load, **options: Any) -> None:
        """Print the report; the exit status says what was loaded."""
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report), ensure_ascii=False, indent=2))
        else:
            self._print(report)
        if report.snapshot is None:
            if any(table.key and table.failed for table in report.tables.all()):
                raise CommandError("Members were refused, so the facts were not loaded. Correct the file of members.")
            if report.failed < report.processed:
                raise CommandError("Too many records were refused. Correct the file, or load it with --allow-partial.")
            raise CommandError("No record could be loaded; the data of the cube is as it was before.")
        if options["strict"] and report.failed:
            sys.exit(PARTLY)

    def _print(self, report: Load) -> None:
        self.stdout.write(
            f"{report.file}: {report.processed} records, {report.loaded} loaded, {report.failed} refused."
        )
        for table in report.tables.all():
            if table.note and table.state != TableState.SKIPPED:
                self.stdout.write(f"{table.name}: {table.note}")
        for note in report.notes.splitlines():
            self.stdout.write(note)
        for error in refused_values(load=report):
            place = f"{error.file}, sheet {error.sheet}" if error.sheet else error.file
            column = f", column {error.column}" if error.column else ""
            self.stdout.write(f"Refused: {place}, line {error.row}{column}: {error.reason}")
        if report.snapshot:
            self.stdout.write(f"Snapshot {report.snapshot.number} of {report.cube.name}:")
            for total in report.snapshot.totals.select_related("driver"):
                self.stdout.write(f"  {total.driver.name} {total.amount}")


def _notations(numbers: str, dates: str) -> Notations:
    return Notations(
        None if numbers == "found" else NumberNotation(numbers), None if dates == "found" else DateNotation(dates)
    )


def _as_json(report: Load) -> dict[str, Any]:
    """The report as plain values; amounts are text, so that no digit is lost."""
    fields = ("name", "state", "file", "sheet", "processed", "loaded", "failed", "numbers", "dates", "note")
    snapshot = report.snapshot
    totals = snapshot.totals.select_related("driver") if snapshot else ()
    return {
        "load": report.pk,
        "mode": report.mode,
        "processed": report.processed,
        "loaded": report.loaded,
        "failed": report.failed,
        "tables": [{field: getattr(table, field) for field in fields} for table in report.tables.all()],
        "errors": [asdict(error) for error in refused_values(load=report)],
        "notes": report.notes.splitlines(),
        "snapshot": {
            "number": snapshot.number,
            "rows": snapshot.rows,
            "sha256": snapshot.sha256,
            "totals": {total.driver.name: str(total.amount) for total in totals},
        }
        if snapshot
        else None,
    }


def _named(cube: Cube, item: str) -> tuple[str, Source]:
    """Dimension and file of NAME=FILE; both may hold equals signs, so the cube's own names decide first."""
    for dimension in cube.shape().every_dimension:
        if item.startswith(f"{dimension.name}="):
            return dimension.name, Source(Path(item[len(dimension.name) + 1 :]))
    name, equals, file = item.partition("=")
    if not (name and equals and file):
        raise CommandError(f"{item} does not say NAME=FILE.")
    return name, Source(Path(file))
