"""Who may not export is refused at every door: no button, no address, no command, no API. One test each."""

import json
import re
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from bpp_portal.kernel.roles import Role
from connections.models import Environment
from cubes.models import Cube
from exports.forms import form_data
from exports.models import Export, Run
from tests.world import SAMPLES, configuration

CONFIGURATION = SAMPLES / "oakland" / "fire-police-finance.json"
REFUSED = {
    "Contributor": Role.CONTRIBUTOR,
    "Limited Contributor": Role.LIMITED_CONTRIBUTOR,
    "Viewer": Role.VIEWER,
    "Reviewer": Role.REVIEWER,
    "IT administrator": Role.IT_ADMINISTRATOR,
    "guest": None,
}
ALLOWED = {"Power User": Role.POWER_USER, "BPP administrator": Role.ADMINISTRATOR}
refused = pytest.mark.parametrize("role", list(REFUSED.values()), ids=list(REFUSED))
allowed = pytest.mark.parametrize("role", list(ALLOWED.values()), ids=list(ALLOWED))


@pytest.fixture
def somebody(oakland, role):
    user = get_user_model().objects.create_user("somebody")
    if role:
        user.groups.add(Group.objects.get(name=role.value))
    return user


@pytest.fixture
def page(somebody) -> Client:
    client = Client()
    client.force_login(somebody)
    return client


@pytest.fixture
def api(somebody) -> APIClient:
    client = APIClient()
    client.force_authenticate(somebody)
    return client


def nothing_is_stored() -> bool:
    return not Run.objects.exists() and not Export.objects.exists()


@refused
def test_no_button(page, oakland):
    answer = page.get(reverse("cubes:cube", args=[oakland.slug]))
    assert b"Export to budget register entry" not in answer.content


@refused
def test_the_address_is_refused(page, oakland):
    assert page.get(reverse("pane:open", args=[oakland.slug])).status_code == 403


@refused
def test_a_posted_form_is_refused(page, oakland):
    form = form_data(configuration("oakland/fire-police-finance.json").configuration) | {"action": "export"}
    assert page.post(reverse("pane:open", args=[oakland.slug]), form).status_code == 403
    assert nothing_is_stored()


@refused
def test_the_command_is_refused(somebody):
    with pytest.raises(CommandError, match=r"needs the role BPP administrator or Power User|is not shared with"):
        call_command("export_budget", str(CONFIGURATION), user=somebody.username)
    assert nothing_is_stored()


@pytest.mark.parametrize("role", list(ALLOWED.values()), ids=list(ALLOWED))
def test_the_command_is_refused_for_who_left(somebody):
    somebody.is_active = False
    somebody.save()
    with pytest.raises(CommandError):
        call_command("export_budget", str(CONFIGURATION), user=somebody.username)
    assert nothing_is_stored()


def test_the_command_knows_its_people(oakland):
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("export_budget", str(CONFIGURATION), user="nobody")
    assert nothing_is_stored()


def test_the_command_says_that_no_environment_is_set_up(oakland):
    Environment.objects.all().delete()
    with pytest.raises(CommandError, match="No environment is set up"):
        call_command("export_budget", str(CONFIGURATION), user="planner")
    assert nothing_is_stored()


@refused
def test_the_api_is_refused(api):
    answer = api.post("/api/v1/exports/", json.loads(CONFIGURATION.read_text()), format="json")
    assert answer.status_code == 403
    assert nothing_is_stored()


@allowed
def test_those_who_may_have_the_button(page, oakland):
    answer = page.get(reverse("cubes:cube", args=[oakland.slug]))
    assert b"Export to budget register entry" in answer.content


@allowed
def test_those_who_may_export_by_page_command_and_api(page, api, somebody, oakland):
    form = form_data(configuration("oakland/fire-police-finance.json").configuration) | {"action": "export"}
    assert page.post(reverse("pane:open", args=[oakland.slug]), form).status_code == 302
    with pytest.raises(SystemExit, match="3"):  # accepted, not finished
        call_command("export_budget", str(CONFIGURATION), user=somebody.username)
    answer = api.post("/api/v1/exports/", json.loads(CONFIGURATION.read_text()), format="json")
    assert answer.status_code == 201
    assert Run.objects.filter(requested_by=somebody).count() == 3


@pytest.mark.parametrize("role", [Role.REVIEWER])
def test_a_reviewer_may_reuse_and_save_a_draft_but_not_send(page, somebody, oakland, world):
    from tests.world import export

    run = export(world.planner, "oakland/fire-police-finance.json")
    address = reverse("exports:reuse", args=[run.entry_number])
    answer = page.get(address)
    assert answer.status_code == 200
    assert b'value="export"' not in answer.content
    form = form_data(configuration("oakland/fire-police-finance.json").configuration) | {"reuse": run.entry_number}
    assert page.post(address, form | {"action": "export"}).status_code == 403
    assert Run.objects.count() == 1
    assert page.post(address, form | {"action": "draft"}).status_code == 302
    assert Export.objects.get(run__isnull=True).created_by == somebody


@pytest.mark.parametrize("role", [Role.IT_ADMINISTRATOR])
def test_an_it_administrator_sees_states_and_no_cube_data(page, api, oakland, world):
    from tests.world import export, work

    run = work(export(world.planner, "oakland/fire-police-finance.json"))
    html = page.get(reverse("exports:run", args=[run.entry_number])).content.decode()
    assert "Completed" in html
    listed = page.get(reverse("exports:list")).content.decode()
    assert run.entry_number in listed
    answered = api.get(f"/api/v1/exports/{run.entry_number}/").content.decode()
    for text in (html, listed, answered):
        assert "564,602,579" not in text
        assert "564602579" not in text
        assert "4,069" not in text
    assert page.get(reverse("exports:lines-csv", args=[run.entry_number])).status_code == 403
    assert page.get(reverse("cubes:cube", args=[oakland.slug])).status_code == 403


READERS_PAGES = ["exports:run", "exports:live", "exports:lines-csv", "exports:reuse"]


@pytest.mark.parametrize("role", [Role.CONTRIBUTOR, Role.LIMITED_CONTRIBUTOR, Role.VIEWER, None])
def test_exports_are_not_for_everybody(page, api, oakland, world):
    from tests.world import export

    run = export(world.planner, "oakland/fire-police-finance.json")
    for name in READERS_PAGES:
        assert page.get(reverse(name, args=[run.entry_number])).status_code == 403, name
    for name in ("exports:cancel", "exports:retry"):
        assert page.post(reverse(name, args=[run.entry_number])).status_code == 403, name
    assert page.get(reverse("exports:list")).status_code == 403
    assert api.get(f"/api/v1/exports/{run.entry_number}/").status_code == 403
    assert api.get("/api/v1/exports/").status_code == 403


@pytest.mark.parametrize("name", ["planner", "owner"])
class TestDraftCubes:
    """Draft cubes have no Export command; page, command and API refuse them, whoever asks."""

    text = "Only published cubes can be exported."

    @pytest.fixture
    def draft(self, oakland):
        oakland.status = Cube.Status.DRAFT
        oakland.save()
        return oakland

    def test_on_the_page(self, client, world, draft, name):
        client.force_login(getattr(world, name))
        cube = client.get(reverse("cubes:cube", args=[draft.slug])).content.decode()
        assert "Export to budget register entry" not in cube
        assert self.text in cube
        pane = reverse("pane:open", args=[draft.slug])
        assert self.text in client.get(pane).content.decode()
        form = form_data(configuration("oakland/fire-police-finance.json").configuration) | {"action": "export"}
        answer = client.post(pane, form)
        assert answer.status_code == 409
        assert self.text in answer.content.decode()
        assert nothing_is_stored()

    def test_by_command(self, world, draft, name):
        with pytest.raises(CommandError, match="Only published cubes can be exported"):
            call_command("export_budget", str(CONFIGURATION), user=name)
        assert nothing_is_stored()

    def test_by_api(self, world, draft, name):
        client = APIClient()
        client.force_authenticate(getattr(world, name))
        answer = client.post("/api/v1/exports/", json.loads(CONFIGURATION.read_text()), format="json")
        assert answer.status_code == 400
        assert self.text in answer.content.decode()
        assert nothing_is_stored()


class TestCubesWithoutADateColumn:
    """They may be published; their export configuration cannot be submitted, and the text names what is needed."""

    text = "This cube has no column of type Date, so it cannot be exported. Add one to its date dimension and publish."
    lacking = "Dimension Fiscal year has no column of type Date; it needs one."

    @pytest.fixture
    def dateless(self, oakland):
        from cubes.models import Column

        Column.objects.filter(data_type="date").update(data_type="text")
        return oakland

    def test_on_the_page(self, client, world, dateless):
        client.force_login(world.planner)
        pane = reverse("pane:open", args=[dateless.slug])
        assert self.text in client.get(pane).content.decode()
        assert self.lacking in client.get(pane).content.decode()
        form = form_data(configuration("oakland/fire-police-finance.json").configuration) | {"action": "export"}
        answer = client.post(pane, form)
        assert answer.status_code == 409
        assert self.text in answer.content.decode()
        assert nothing_is_stored()

    def test_by_command(self, world, dateless):
        with pytest.raises(CommandError, match=re.escape(f"{self.text} {self.lacking}")):
            call_command("export_budget", str(CONFIGURATION), user="planner")
        assert nothing_is_stored()

    def test_by_api(self, world, dateless):
        client = APIClient()
        client.force_authenticate(world.planner)
        answer = client.post("/api/v1/exports/", json.loads(CONFIGURATION.read_text()), format="json")
        assert answer.status_code == 400
        assert self.text in answer.content.decode()
        assert self.lacking in answer.content.decode()
        assert nothing_is_stored()


def test_a_repeated_request_gives_the_same_run(world, oakland):
    client = APIClient()
    client.force_authenticate(world.planner)
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    data = json.loads(CONFIGURATION.read_text())
    first, second = (client.post("/api/v1/exports/", data, format="json", **key) for _ in range(2))
    assert first.json()["run_id"] == second.json()["run_id"]
    for change in ({"budget_model": "FY22-CIP"}, {"name": "Another one"}):
        answer = client.post("/api/v1/exports/", data | change, format="json", **key)
        assert answer.status_code == 409, change
        assert "already sent" in answer.json()["detail"]
    assert Run.objects.count() == 1
