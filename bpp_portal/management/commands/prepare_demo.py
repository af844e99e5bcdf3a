"""Prepares the demo's database, people, environment and cubes. Repeating it changes nothing that people did."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from bpp_portal.demo.people import PEOPLE, password_of
from cubes.models import Cube

WELCOME = """
  BPP Portal    http://127.0.0.1:{port}/
  Sandbox       http://127.0.0.1:{sandbox}/_sandbox/   (what stands in the sandbox's Finance)

  Sign in as    password           who
{people}

  Ctrl-C ends the demo; your data is kept. `make demo-reset` starts over.
"""


class Command(BaseCommand):
    help = "Prepare the demo: database, static files, people, environment, sample cubes."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo cannot be prepared in production.")
        self.stdout.write("Database …")
        call_command("migrate", verbosity=0, interactive=False)
        self.stdout.write("Static files …")
        call_command("collectstatic", verbosity=0, interactive=False)
        _people()
        self.stdout.write("Environment, connections and flows …")
        call_command("setup_environment", owner="owner", installer="installer", verbosity=0)
        self._cubes()
        _welcome()

    def _cubes(self) -> None:
        for folder, facts, dimensions in (
            ("oakland", "facts.csv", ["Fiscal year=fiscal-year.csv"]),
            ("codes", "facts.csv", ["Period=period.csv"]),
        ):
            path = Path(settings.BASE_DIR) / "samples" / folder
            marker = settings.VAR_DIR / f"{folder}.loaded"
            if marker.exists():
                continue
            known = set(Cube.objects.values_list("pk", flat=True))
            call_command("import_cube", str(path / "definition.json"), publish=True, verbosity=0)
            cube = Cube.objects.exclude(pk__in=known).get()
            self.stdout.write(f"Cube {cube.name} …")
            given = [f"{name}={path / file}" for name, _, file in (item.partition("=") for item in dimensions)]
            call_command("load_cube", cube.slug, facts=str(path / facts), dimension=given)
            marker.touch()


def _people() -> None:
    model = get_user_model()
    for person in PEOPLE:
        user, made = model.objects.get_or_create(
            username=person.username, defaults={"email": f"{person.username}@contoso.example"}
        )
        if not made:
            continue
        user.set_password(password_of(person.username))
        user.save()
        if person.role:
            user.groups.add(Group.objects.get(name=person.role.value))


def _welcome() -> None:
    people = "\n".join(f"  {person.username:<13} {password_of(person.username):<18} {person.who}" for person in PEOPLE)
    text = WELCOME.format(port=os.environ.get("PORT", "8000"), sandbox=settings.SANDBOX_PORT, people=people)
    (settings.VAR_DIR / "welcome.txt").write_text(text, encoding="utf-8")
