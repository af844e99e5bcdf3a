"""A calculated driver as the export's Amount: offered, previewed, packed and posted with every digit, at each door."""

import json
import uuid
from decimal import Decimal

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from cubes.operations import add_driver
from exports.forms import form_data
from exports.models import Run, RunTotal
from exports.rules.states import State
from tests.city import city_rows, fire_police_finance
from tests.world import SAMPLES, configuration, entry, sums, work

FILE = "oakland/fire-police-finance.json"
DOCUMENT = json.loads((SAMPLES / FILE).read_text())
CHANGED = {"mapping": DOCUMENT["mapping"] | {"Amount": {"column": "Quarter"}}}
ROWS = [Decimal(row["amount"]) for row in city_rows(fire_police_finance)]
PRECISION, FORMULA = 4, "Amount * 0.25 + 0.01"
EXACT = sum((amount * Decimal("0.25") + Decimal("0.01") for amount in ROWS), Decimal(0))


@pytest.fixture
def quarter(world, oakland):
    add_driver(actor=world.owner, cube=oakland, name="Quarter", precision=PRECISION, formula=FORMULA)
    return oakland


def by_pane(client, world, cube) -> Run:
    client.force_login(world.planner)
    address = reverse("pane:open", args=[cube.slug])
    form = form_data(configuration(FILE, **CHANGED).configuration) | {"client_token": str(uuid.uuid4())}
    page = client.post(address, form | {"action": "refresh"}).content.decode()
    assert f"{EXACT:,.2f}" in page, "the preview sums the formula"
    assert client.post(address, form | {"action": "export"}).status_code == 302
    return Run.objects.get()


def by_api(client, world, cube) -> Run:
    api = APIClient()
    api.force_authenticate(world.planner)
    answer = api.post("/api/v1/exports/", DOCUMENT | CHANGED, format="json")
    assert answer.status_code in (201, 202), answer.json()
    return Run.objects.get()


@pytest.mark.parametrize("door", [by_pane, by_api])
def test_it_arrives_in_finance_exactly(client, world, quarter, sandbox, door):
    run = work(door(client, world, quarter))
    assert (run.state, run.cause) == (State.SUCCEEDED, "")
    [packed] = run.totals.filter(place=RunTotal.Place.PACKAGE)
    assert packed.amount == EXACT
    found = entry(sandbox, run)
    assert sum(sums(found).values()) == EXACT
    assert len(found["lines"]) == 314
    assert run.reconciliation.agrees
