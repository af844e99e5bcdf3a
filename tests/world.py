"""A planner's world: a real sandbox, the sample cubes, and the worker's steps done in this process."""

import json
import time
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from bpp_portal.kernel.roles import Role
from connections.queries import default_environment
from cubes.models import Cube
from exports.models import Run
from exports.operations.requesting import request_export
from exports.operations.stepping import step
from exports.rules.configuration_file import read
from exports.rules.states import FLOW_OF, State

SAMPLES = Path(__file__).parents[1] / "samples"
ROLES = {
    "installer": Role.IT_ADMINISTRATOR,
    "owner": Role.ADMINISTRATOR,
    "planner": Role.POWER_USER,
    "reviewer": Role.REVIEWER,
}


@pytest.fixture
def world(environment, people, settings):
    """Environment ready, people with their portal roles, waits short."""
    for name, role in ROLES.items():
        getattr(people, name).groups.add(Group.objects.get(name=role.value))
    settings.EXPORT_SETTLE = 0.6
    settings.EXPORT_RETRY_BASE = 0.02
    settings.EXPORT_POLL_BASE = 0.05
    settings.EXPORT_POLL_MAX = 0.2
    return people


def load(folder: str, facts: str, dimension: str) -> Cube:
    path = SAMPLES / folder
    call_command("import_cube", str(path / "definition.json"), publish=True, verbosity=0)
    cube = Cube.objects.latest("pk")
    call_command("load_cube", cube.slug, facts=str(path / facts), dimension=[dimension], verbosity=0)
    return cube


@pytest.fixture
def oakland(world, capsys):
    cube = load("oakland", "facts.csv", f"Fiscal year={SAMPLES / 'oakland' / 'fiscal-year.csv'}")
    capsys.readouterr()
    return cube


@pytest.fixture
def codes(world, capsys):
    cube = load("codes", "facts.csv", f"Period={SAMPLES / 'codes' / 'period.csv'}")
    capsys.readouterr()
    return cube


def work(run: Run, seconds: float = 60) -> Run:
    """Do the worker's steps until the run ends."""
    until = time.monotonic() + seconds
    while run.is_active:
        assert time.monotonic() < until, f"{run} stays in {run.state}: {run.trouble}"
        if run.status in FLOW_OF:
            step(run_id=run.pk, flow=FLOW_OF[run.status])
        run.refresh_from_db()
        time.sleep(0.01)
    return run


def configuration(name: str, /, **changes):
    folder, _, file = name.partition("/")
    return read(json.loads((SAMPLES / folder / file).read_text()) | changes)


def export(actor, name: str, **changes) -> Run:
    file = configuration(name, **changes)
    assert not file.problems
    return request_export(
        actor=actor,
        cube=Cube.objects.get(slug=file.cube),
        environment=default_environment(),
        chosen=file.configuration,
        client_token=uuid.uuid4(),
    )


def entry(sandbox, run: Run) -> dict:
    """The one entry of `run` in the sandbox's Finance."""
    entries = sandbox.get("register-entries", legalEntity=run.export.legal_entity)["entries"]
    [found] = [item for item in entries if item["EntryNumber"] == run.entry_number]
    return found


def sums(entry: dict) -> dict[tuple, Decimal]:
    """(dimension value, date, type, currency) → sum of an entry's lines."""
    found: dict[tuple, Decimal] = {}
    for line in entry["lines"]:
        key = (line["DimensionDisplayValue"], line["EntryDate"][:10], line["AmountType"], line["CurrencyCode"])
        found[key] = found.get(key, Decimal(0)) + Decimal(line["TransactionCurrencyAmount"])
    return found


__all__ = ["State"]
