"""Requests of a page whose sign-in ran out, or that belongs to somebody else by now."""

from html import unescape

import pytest
from django.urls import reverse

from exports.forms import form_data
from exports.models import Export, Run
from exports.views.kept import GIVEN_BACK, MOST_FORMS
from tests.world import configuration

CUBE = "/cubes/city-of-oakland-adopted-budget/"
PANE = f"{CUBE}export/"
PARTS = [PANE, f"{PANE}values/", CUBE, "/exports/?rows=1", "/exports/BPP-000001/live/"]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def planner(client, world, oakland):
    client.force_login(world.planner)
    return client


def form(person, name="FY21-22"):
    chosen = configuration("oakland/fire-police-finance.json").configuration
    return form_data(chosen) | {"name": name, "reader": str(person.pk), "action": "export"}


def posted_signed_out(client, person, name):
    """Post the form without a session; the address that the sign-in page leads to."""
    answer = client.post(PANE, form(person, name))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))
    return answer["Location"]


def back(client, person, location):
    """Sign `person` in as the browser would and follow the way back."""
    person.set_password("right and long enough")
    person.save()
    signed_in = client.post(location, {"login": person.username, "password": "right and long enough"})
    assert signed_in.status_code == 302, signed_in.content
    return unescape(client.get(signed_in["Location"]).content.decode())


@pytest.mark.parametrize("path", PARTS)
def test_a_part_of_a_page_is_answered_with_401_and_no_sign_in_page(client, world, oakland, path):
    answer = client.get(path, headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 401
    assert "You were signed out." in text
    assert "Sign in again; what you typed is kept." in text
    assert "data-way-back" in text
    assert "password" not in text.partition("<main")[2]


def test_posting_the_pane_signed_out_changes_nothing(client, world, oakland):
    assert client.post(PANE, form(world.planner), headers=HTMX).status_code == 401
    assert not Export.objects.exists()


@pytest.mark.parametrize("path", PARTS[:3])
def test_a_whole_page_still_leads_to_the_sign_in_page(client, world, oakland, path):
    assert client.get(path)["Location"].startswith(reverse("account_login"))


def test_a_page_of_one_person_does_nothing_for_another(planner, world):
    headers = HTMX | {"X-Reader": str(world.owner.pk)}
    answer = planner.post(PANE, form(world.owner), headers=headers)
    assert answer.status_code == 409
    assert "You are signed in as planner now." in answer.content.decode()
    assert not Run.objects.exists()
    own = planner.get(PANE, headers=HTMX | {"X-Reader": str(world.planner.pk)})
    assert own.status_code == 200


def test_every_page_names_its_reader_and_the_cookie_of_its_token(planner, world, settings):
    text = planner.get("/").content.decode()
    assert f'"X-Reader": "{world.planner.pk}"' in text
    assert f'data-csrf-cookie="{settings.CSRF_COOKIE_NAME}"' in text


def test_a_posted_form_comes_back_to_the_same_person(client, world, oakland):
    text = back(client, world.planner, posted_signed_out(client, world.planner, name="Kept  so"))
    assert GIVEN_BACK in text
    assert 'value="Kept  so"' in text
    assert 'value="column:Fiscal year.Start date" selected' in text
    assert not Run.objects.exists()


def test_a_posted_form_is_not_given_to_another_person(client, world, oakland):
    text = back(client, world.owner, posted_signed_out(client, world.planner, name="Only for me"))
    assert "Only for me" not in text
    assert GIVEN_BACK not in text


def test_only_the_latest_forms_wait(client, world, oakland):
    for number in range(MOST_FORMS + 2):
        posted_signed_out(client, world.planner, f"Number {number}")
    kept = client.session["kept_forms"]
    assert len(kept) == MOST_FORMS
    assert not any("Number+0" in each["form"] for each in kept.values())
