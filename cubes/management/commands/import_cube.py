"""Imports the definition of a cube."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cubes.operations import CubeRefused, import_definition


class Command(BaseCommand):
    help = "Imports the definition of one cube from a JSON file as a draft, or publishes it at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.json", type=Path)
        parser.add_argument("--publish", action="store_true", help="publish the cube after the import")

    def handle(self, *args: Any, file: Path, publish: bool, **options: Any) -> None:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}.") from error
        try:
            imported = import_definition(actor=None, text=text, publish=publish, origin=file.name)
        except CubeRefused as error:
            raise CommandError("\n".join(problem.message for problem in error.problems)) from error
        cube, shape = imported.cube, imported.cube.shape()
        for reused in imported.reused:
            (self.stderr if reused.differences else self.stdout).write(str(reused))
        self.stdout.write(f"{cube.name} ({cube.slug}) is {cube.get_status_display().lower()}.")
        for dimension in shape.dimensions:
            columns = ", ".join(f"{column.name} ({column.data_type})" for column in dimension.columns)
            self.stdout.write(f"  dimension {dimension.name}: {columns}")
        for driver in shape.drivers:
            limits = f", {driver.limits}" if driver.limits else ""
            self.stdout.write(f"  driver {driver.name}: {driver.precision} decimals{limits}")
        for one in shape.calculated:
            self.stdout.write(f"  calculated driver {one.name}: {one.precision} decimals, {one.formula}")
