"""Review, publish, drivers afterwards, cubes by hand, and classic cubes without an export at any door."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from cubes.models import Cube
from cubes.operations import CubeRefused, import_definition
from exports.queries.checking import cube_facts
from exports.rules.checking import check_cube

from .conftest import definition_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(client: Client, planner) -> Client:
    client.force_login(planner)
    return client


@pytest.fixture
def draft(db) -> Cube:
    return import_definition(actor=None, text=definition_text()).cube


def test_the_review_says_what_an_export_would_miss(visit: Client, draft: Cube) -> None:
    html = visit.get(reverse("cubes:review", args=[draft.slug])).content.decode()
    assert "No column of a dimension is of type Date" in html and "There is no data yet" in html
    assert "none yet" in html


def test_only_the_name_is_changed_by_the_review(visit: Client, draft: Cube) -> None:
    import_definition(actor=None, text=definition_text(name="Taken", logical_name="cube_taken"))
    address = reverse("cubes:review", args=[draft.slug])
    answer = visit.post(address, {"name": "taken"})
    assert answer.status_code == 422 and "There is a cube taken already" in answer.content.decode()
    shape = draft.shape()
    visit.post(address, {"name": "Renamed", "drivers": "Other"})
    draft.refresh_from_db()
    assert (draft.name, draft.is_published) == ("Renamed", True)
    assert draft.shape().drivers == shape.drivers
    assert visit.get(address)["Location"] == reverse("cubes:definition", args=[draft.slug])


def test_drivers_follow_after_publishing(visit: Client, plan: Cube) -> None:
    address = reverse("cubes:driver-new", args=[plan.slug])
    answer = visit.post(address, {"name": "Share", "precision": "2", "formula": "Amount / 2"})
    assert answer.status_code == 422 and "Division has no exact result" in answer.content.decode()
    visit.post(address, {"name": "Half", "precision": "3", "formula": "Amount * 0.5"})
    answer = visit.post(address, {"name": "Hours", "precision": "1"}, follow=True)
    assert "It is 0 for every record until the next load fills it." in answer.content.decode()
    assert [driver.name for driver in plan.shape().every_driver] == ["Amount", "Hours", "Half"]
    found = visit.get(f"/api/v1/cubes/{plan.slug}/").json()
    assert {"name": "Half", "precision": 3} in found["drivers"]


def test_a_cube_is_made_by_hand_from_dimensions(visit: Client, plan: Cube) -> None:
    dimension = plan.cube_dimensions.get().dimension
    address = reverse("cubes:new-from-dimensions")
    assert visit.post(address, {"name": "Second"}).status_code == 422
    chosen = {"name": "Second", "dimensions": [dimension.pk], "drivers": "Amount, Hours", "precision": "4"}
    assert visit.post(address, chosen)["Location"] == reverse("cubes:review", args=["second"])
    made = Cube.objects.get(name="Second")
    assert [(driver.name, driver.precision) for driver in made.shape().drivers] == [("Amount", 4), ("Hours", 4)]
    assert made.shape().dimensions == plan.shape().dimensions
    assert made.logical_name == "msdyn_xpnacube_second"
    assert "There is a cube Second already" in visit.post(address, chosen).content.decode()


def test_a_classic_cube_has_no_export_at_any_door(visit: Client) -> None:
    document = json.loads(definition_text(name="Old"))
    document["Tables"][-1]["Kind"] = "Classic"
    cube = import_definition(actor=None, text=json.dumps(document), publish=True).cube
    assert cube.is_classic and cube.definition().kind == "classic"
    html = visit.get(reverse("cubes:cube", args=[cube.slug])).content.decode()
    assert "Classic cubes have no export." in html and "Export to budget register entry" not in html
    pane = reverse("pane:open", args=[cube.slug])
    sentence = "Only cubes of Cubes (preview) can be exported, and this is a classic one."
    answer = visit.get(pane)
    assert sentence in answer.content.decode() and "<select" not in answer.content.decode()
    assert visit.post(pane, {"action": "export"}).status_code == 409
    # The API and the command ask the same rule.
    assert [problem.code for problem in check_cube(cube_facts(cube))] == ["BRE-CLASSIC-CUBE"]
    document["Tables"][-1]["Kind"] = "Other"
    with pytest.raises(CubeRefused, match="Kind of Old is Other"):
        import_definition(actor=None, text=json.dumps(document))


@pytest.mark.parametrize("name", ["Import", "New", "Dimensions"])
def test_no_cube_hides_behind_another_page(name: str) -> None:
    cube = import_definition(actor=None, text=definition_text(name=name)).cube
    assert cube.slug == f"{name.lower()}-2"
