"""Writes the definition of a cube."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from cubes.models import Cube
from cubes.rules.definition_text import definition_text


class Command(BaseCommand):
    help = "Writes the definition of a cube as JSON that import_cube reads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cube", metavar="CUBE", help="name or address part of the cube")
        parser.add_argument("--output", metavar="FILE.json", type=Path, help="without it the definition is printed")

    def handle(self, *args: Any, cube: str, output: Path | None, **options: Any) -> None:
        found = Cube.objects.filter(Q(slug=cube) | Q(name=cube)).first()
        if found is None:
            have = ", ".join(Cube.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no cube {cube}. There are: {have}.")
        text = definition_text(found.definition())
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error}.") from error
        self.stdout.write(f"The definition of {found.name} is in {output}.")
