"""The doors of cubes without pages: commands, API, administration."""

from collections.abc import Callable
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.urls import reverse
from rest_framework.test import APIRequestFactory, force_authenticate

from bpp_portal.kernel.roles import Role
from cubes.admin import CubeAdmin, LoadAdmin
from cubes.api import CubeViewSet
from cubes.models import Cube, Load
from cubes.operations import Source, import_definition

from .conftest import SAMPLES, definition_text
from .test_import import DEPARTMENT, OTHER, SAID

pytestmark = pytest.mark.django_db
OAKLAND = SAMPLES / "oakland"
Person = Callable[[Role | None], User]


def command(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def reusing(tmp_path: Path) -> Path:
    """A file whose two dimensions exist already, with other columns and types."""
    import_definition(actor=None, text=definition_text(dimensions=DEPARTMENT))
    path = tmp_path / "other.json"
    path.write_text(definition_text(name="Other", logical_name="cube_other", dimensions=OTHER))
    return path


def test_the_command_tells_reused_dimensions_and_their_differences(reusing: Path) -> None:
    error = StringIO()
    call_command("import_cube", str(reusing), stderr=error, stdout=StringIO())
    assert error.getvalue().splitlines() == SAID


def test_the_page_tells_reused_dimensions_and_their_differences(reusing: Path, client: Client, person: Person) -> None:
    client.force_login(person(Role.ADMINISTRATOR))
    with reusing.open("rb") as file:
        answer = client.post(reverse("cubes:import"), {"definition": file}, follow=True)
    html = unescape(answer.content.decode())
    assert all(f"<span>{sentence}</span>" in html for sentence in SAID)
    assert html.count("msgbar-warning") == 2


def test_the_sample_is_imported_and_loaded_by_command() -> None:
    said = command("import_cube", str(OAKLAND / "definition.json"), "--publish")
    assert said.startswith("City of Oakland Adopted Budget (city-of-oakland-adopted-budget) is published.")
    assert "dimension Fiscal year: Name (text), Start date (date)" in said
    said = command(
        "load_cube",
        "city-of-oakland-adopted-budget",
        "--facts",
        str(OAKLAND / "facts.csv"),
        "--dimension",
        f"Fiscal year={OAKLAND / 'fiscal-year.csv'}",
    )
    assert "facts.csv: 22236 records, 22235 loaded, 1 refused." in said
    assert "Refused: facts.csv, line 22237, column amount: The amount is empty." in said
    assert "Amount 4066776078.00" in said


def test_import_without_publish_makes_a_draft(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(definition_text(), encoding="utf-8-sig")
    assert "is draft." in command("import_cube", str(tmp_path / "plan.json"))
    assert Cube.objects.get().origin == "plan.json"


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "Error parsing JSON"), (definition_text(drivers={"Amount": 99}), "Precision of column Amount")],
)
def test_import_says_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(CommandError, match=says):
        command("import_cube", str(tmp_path / "plan.json"))
    with pytest.raises(CommandError, match="cannot be read"):
        command("import_cube", str(tmp_path / "gone.json"))


def test_load_says_what_is_wrong(plan: Cube, write: Callable[..., Source]) -> None:
    good = str(write("f.csv", "Account,Amount\na,1\n").path)
    bad = str(write("g.csv", "Account,Amount\na,x\n").path)
    with pytest.raises(CommandError, match="There is no cube other"):
        command("load_cube", "other", "--facts", good)
    with pytest.raises(CommandError, match="does not say NAME=FILE"):
        command("load_cube", "plan", "--facts", good, "--dimension", "Account")
    with pytest.raises(CommandError, match="Plan has no dimension Fund"):
        command("load_cube", "plan", "--facts", good, "--dimension", "Fund=x.csv")
    with pytest.raises(CommandError, match="No record could be loaded"):
        command("load_cube", "plan", "--facts", bad)
    assert "Snapshot 1 of Plan" in command("load_cube", "Plan", "--facts", good)


MOSTLY_BAD = "Account,Amount\n" + "a,x\n" * 10 + "a,1\na,2\n"


def test_the_command_asks_before_most_records_are_left_out(plan: Cube, write: Callable[..., Source]) -> None:
    command("load_cube", "plan", "--facts", str(write("f.csv", "Account,Amount\na,1\n").path))
    bad = str(write("g.csv", MOSTLY_BAD).path)
    with pytest.raises(CommandError, match="Too many records were refused"):
        command("load_cube", "plan", "--facts", bad)
    assert plan.snapshots.count() == 1
    assert "12 records, 2 loaded, 10 refused." in command("load_cube", "plan", "--facts", bad, "--allow-partial")
    assert plan.snapshots.count() == 2


def test_the_page_asks_before_most_records_are_left_out(
    plan: Cube, write: Callable[..., Source], client: Client, planner: User
) -> None:
    command("load_cube", "plan", "--facts", str(write("f.csv", "Account,Amount\na,1\n").path))
    client.force_login(planner)
    address = reverse("cubes:load", args=["plan"])
    html = client.post(
        address, {"facts": SimpleUploadedFile("g.csv", MOSTLY_BAD.encode())}, follow=True
    ).content.decode()
    assert "Nothing was loaded" in html
    assert "10 of 12 records were refused, so the data of the cube is as it was before." in html
    assert plan.snapshots.count() == 1
    html = client.post(
        address, {"facts": SimpleUploadedFile("g.csv", MOSTLY_BAD.encode()), "partial": "on"}, follow=True
    ).content.decode()
    assert "10 records were not loaded" in html
    assert plan.snapshots.count() == 2


def test_names_and_files_may_hold_equals_signs(write: Callable[..., Source]) -> None:
    text = definition_text(dimensions={"A=B": [("Code", "StringType")]})
    import_definition(actor=None, text=text)
    facts = write("f=1.csv", "A=B,Amount\na,1\n").path
    members = write("m=1.csv", "Code\na\n").path
    said = command("load_cube", "plan", "--facts", str(facts), "--dimension", f"A=B={members}")
    assert "A=B: 1 member (from m=1.csv)." in said


def answer(user: User, slug: str | None = None) -> tuple[int, Any]:
    request = APIRequestFactory().get("/api/v1/cubes/")
    force_authenticate(request, user)
    view = CubeViewSet.as_view({"get": "retrieve" if slug else "list"})
    response = view(request, slug=slug) if slug else view(request)
    response.render()
    return response.status_code, response.data


def test_the_api_lists_and_describes_cubes(oakland: Cube, viewer: User) -> None:
    status, listed = answer(viewer)
    assert (status, listed["count"]) == (200, 1)
    assert listed["results"][0] == {
        "slug": "city-of-oakland-adopted-budget",
        "name": "City of Oakland Adopted Budget",
        "status": "published",
        "dimensions": ["Account category", "Department", "Fund", "Account type", "Fiscal year"],
        "snapshot": 1,
    }
    status, detail = answer(viewer, oakland.slug)
    assert status == 200
    assert detail["columns"][-1] == {"name": "Fiscal year.Start date", "data_type": "date", "is_key": False}
    assert detail["drivers"] == [{"name": "Amount", "precision": 2}]
    assert detail["latest_snapshot"]["rows"] == 22_235
    assert detail["latest_snapshot"]["totals"] == [{"driver": "Amount", "amount": "4066776078.00"}]


def test_the_api_hides_drafts_from_readers_and_refuses_others(person: Person) -> None:
    cube = import_definition(actor=None, text=definition_text()).cube
    viewer, planner, guest = person(Role.VIEWER), person(Role.POWER_USER), person(None)
    assert answer(viewer)[1]["count"] == 0
    assert answer(viewer, cube.slug)[0] == 404
    assert answer(planner, cube.slug)[1]["latest_snapshot"] is None
    assert answer(guest)[0] == 403
    assert answer(guest, cube.slug)[0] == 403


def test_the_administration_shows_cubes_to_maintainers_and_changes_nothing(person: Person) -> None:
    request = RequestFactory().get("/admin/")
    cubes, loads = CubeAdmin(Cube, admin.site), LoadAdmin(Load, admin.site)
    for role, sees in ((Role.ADMINISTRATOR, True), (Role.IT_ADMINISTRATOR, False)):
        request.user = person(role)
        for page in (cubes, loads):
            assert page.has_view_permission(request) is sees
            assert not page.has_change_permission(request)
            assert not page.has_add_permission(request)
            assert not page.has_delete_permission(request)
