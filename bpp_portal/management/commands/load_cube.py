"""Loads the data of a cube: from files, as the command of the cubes does, or from its tables in Dataverse."""

import time
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.management.base import CommandError, CommandParser
from django.db.models import Q

from connections.models import Environment
from cubes.management.commands.load_cube import Command as FromFiles
from cubes.models import Cube
from cubes.rules.loading import Mode
from exports.models import DataverseLoad
from exports.operations import from_dataverse
from exports.rules.dataverse_tables import Extent


class Command(FromFiles):
    help = "Loads a cube from CSV, XLSX or Parquet files, or from its tables in Dataverse, into a new snapshot."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        for action in parser._actions:
            if action.dest == "facts":
                action.required = False
        parser.add_argument("--from-dataverse", action="store_true", help="read the cube's tables in Dataverse")
        parser.add_argument("--as", dest="user", default="", help="whose Dataverse connection reads the tables")
        parser.add_argument("--environment", default="", help="the environment, where there are several")
        parser.add_argument(
            "--all-rows", action="store_true", help="read all rows, not only those changed since the last load"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["from_dataverse"]:
            if options["facts"] is None:
                raise CommandError("Name the file of facts with --facts, or load with --from-dataverse.")
            super().handle(*args, **options)
            return
        if options["facts"] or options["dimension"]:
            raise CommandError("With --from-dataverse no file is read.")
        load = _request(options)
        while load.is_active:
            _wait(load)
            from_dataverse.step(pk=load.pk)
            load.refresh_from_db()
        if load.trouble:
            raise CommandError(load.trouble)
        if load.report is None:
            self.stdout.write(load.said)
        else:
            self.tell(load.report, **options)


def _request(options: dict[str, Any]) -> DataverseLoad:
    cube = Cube.objects.filter(Q(slug=options["cube"]) | Q(name=options["cube"])).first()
    if cube is None:
        raise CommandError(f"There is no cube {options['cube']}. Import its definition first.")
    user = get_user_model().objects.filter(username=options["user"]).first()
    if user is None:
        raise CommandError(f"There is no user {options['user']}. Name with --as whose Dataverse connection reads.")
    environment = _environment(options["environment"])
    # A mode other than replace says what becomes of all rows.
    every = options["all_rows"] or Mode(options["mode"]) is not Mode.REPLACE
    try:
        return from_dataverse.request_load(
            actor=user,
            cube=cube,
            environment=environment,
            extent=Extent.ALL if every else Extent.CHANGED,
            mode=Mode(options["mode"]),
            allow_partial=options["allow_partial"],
        )
    except PermissionDenied as error:
        raise CommandError(str(error)) from error
    except from_dataverse.LoadNotRequested as error:
        raise CommandError(" ".join(f"{item.message} {item.hint}" for item in error.problems)) from error


def _environment(name: str) -> Environment:
    known = {str(item.name): item for item in Environment.objects.order_by("id")}
    if name in known:
        return known[name]
    if len(known) == 1 and not name:
        return next(iter(known.values()))
    raise CommandError(f"Name the environment with --environment: {', '.join(known) or 'none is set up'}.")


def _wait(load: DataverseLoad) -> None:
    """A command has nothing else to do; the worker may do the step meanwhile."""
    time.sleep(0.05 if load.not_before is None else 0.2)
