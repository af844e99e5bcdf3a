"""Loads the data of a cube."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from cubes.models import Cube, Load
from cubes.operations import CubeRefused, Source, load


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

    def handle(
        self, *args: Any, cube: str, facts: Path, dimension: list[str], allow_partial: bool, **options: Any
    ) -> None:
        found = Cube.objects.filter(Q(slug=cube) | Q(name=cube)).first()
        if found is None:
            have = ", ".join(Cube.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no cube {cube}. Import its definition first; imported: {have}.")
        sources = dict(_named(found, item) for item in dimension)
        try:
            report = load(actor=None, cube=found, facts=Source(facts), dimensions=sources, allow_partial=allow_partial)
        except CubeRefused as error:
            raise CommandError("\n".join(problem.message for problem in error.problems)) from error
        self._print(report)
        if report.snapshot is None:
            if report.failed < report.processed:
                raise CommandError("Too many records were refused. Correct the file, or load it with --allow-partial.")
            raise CommandError("No record could be loaded; the data of the cube is as it was before.")

    def _print(self, report: Load) -> None:
        self.stdout.write(
            f"{report.file}: {report.processed} records, {report.loaded} loaded, {report.failed} refused."
        )
        for note in report.notes.splitlines():
            self.stdout.write(note)
        for error in report.errors.all():
            place = f"{error.file}, sheet {error.sheet}" if error.sheet else error.file
            column = f", column {error.column}" if error.column else ""
            self.stdout.write(f"Refused: {place}, line {error.row}{column}: {error.reason}")
        if report.snapshot:
            self.stdout.write(f"Snapshot {report.snapshot.number} of {report.cube.name}:")
            for total in report.snapshot.totals.select_related("driver"):
                self.stdout.write(f"  {total.driver.name} {total.amount}")


def _named(cube: Cube, item: str) -> tuple[str, Source]:
    """Dimension and file of NAME=FILE; both may hold equals signs, so the cube's own names decide first."""
    for dimension in cube.shape().every_dimension:
        if item.startswith(f"{dimension.name}="):
            return dimension.name, Source(Path(item[len(dimension.name) + 1 :]))
    name, equals, file = item.partition("=")
    if not (name and equals and file):
        raise CommandError(f"{item} does not say NAME=FILE.")
    return name, Source(Path(file))
