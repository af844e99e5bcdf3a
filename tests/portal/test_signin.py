"""Signing in: the message after a wrong password, the lock-out, the way back, and who is kept out."""

from base64 import b64encode
from html import unescape

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from bpp_portal.kernel.roles import Role

PASSWORD = "right and long enough"
WRONG = "The username and/or password you specified are not correct."
LOCKED = "Too many failed login attempts. Try again later."
ELSEWHERE = ["https://elsewhere.example/", "//elsewhere.example/", r"/\elsewhere.example/", "javascript:alert(1)"]


@pytest.fixture(autouse=True)
def no_attempts_yet():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def planner(db):
    return get_user_model().objects.create_user("planner", "planner@contoso.example", PASSWORD)


def sign_in(client, name, password, **extra):
    return client.post(reverse("account_login"), {"login": name, "password": password} | extra)


def is_signed_in(client) -> bool:
    return SESSION_KEY in client.session


def test_the_right_password_leads_to_the_start_page(client, planner):
    answer = sign_in(client, "planner", PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_signed_in(client)
    cookie = answer.cookies["bpp_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize("name", ["planner", "nobody"])
def test_a_wrong_password_does_not_tell_who_exists(client, planner, name):
    answer = sign_in(client, name, "wrong")
    assert answer.status_code == 200
    assert WRONG in unescape(answer.content.decode())
    assert not is_signed_in(client)


def test_five_wrong_passwords_lock_the_name_and_no_other(client, planner):
    get_user_model().objects.create_user("owner", password=PASSWORD)
    for number in range(5):
        answer = sign_in(Client(HTTP_X_FORWARDED_FOR=f"10.0.0.{number}"), "planner", "wrong")
        assert WRONG in unescape(answer.content.decode())
    assert LOCKED in sign_in(client, "planner", PASSWORD).content.decode()
    assert not is_signed_in(client)
    sign_in(client, "owner", PASSWORD)
    assert is_signed_in(client)


def test_very_many_attempts_get_a_page_of_ours(client, db):
    answers = [sign_in(client, f"name-{number}", "wrong") for number in range(31)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert answers[-1].status_code == 429
    text = answers[-1].content.decode()
    assert "Too many attempts" in text
    assert answers[-1]["X-Correlation-Id"] in text
    assert "unsafe" not in answers[-1]["Content-Security-Policy"]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_the_way_back_never_leads_elsewhere(client, planner, address):
    assert sign_in(client, "planner", PASSWORD, next=address)["Location"] == "/"


def test_the_way_back_leads_to_the_page_that_was_asked_for(client, planner):
    answer = client.get("/exports/?tab=drafts")
    assert answer["Location"] == "/accounts/login/?next=/exports/%3Ftab%3Ddrafts"
    assert sign_in(client, "planner", PASSWORD, next="/exports/?tab=drafts")["Location"] == "/exports/?tab=drafts"


@pytest.mark.parametrize("address", ["signup", "email", "password/reset"])
def test_accounts_come_from_an_administrator(client, db, address):
    page = client.get(f"/accounts/{address}/")
    assert page.status_code == 200
    assert "Ask an administrator" in page.content.decode()
    data = {"username": "stranger", "email": "a@b.example", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(f"/accounts/{address}/", data).status_code == 405
    assert not get_user_model().objects.filter(username="stranger").exists()


def test_a_deactivated_person_is_out_at_once(client, planner):
    sign_in(client, "planner", PASSWORD)
    planner.is_active = False
    planner.save()
    answer = client.get("/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
    fresh = Client()
    sign_in(fresh, "planner", PASSWORD)
    assert not is_signed_in(fresh)


def test_signing_out_needs_the_button(client, planner):
    sign_in(client, "planner", PASSWORD)
    assert client.get("/accounts/logout/").status_code == 200
    assert is_signed_in(client)
    client.post("/accounts/logout/")
    assert not is_signed_in(client)


def test_the_form_must_be_ours(planner):
    client = Client(enforce_csrf_checks=True)
    answer = sign_in(client, "planner", PASSWORD)
    assert answer.status_code == 403
    assert "Nothing was changed." in answer.content.decode()
    assert not is_signed_in(client)


def test_only_a_demo_shows_its_passwords(client, people, settings):
    assert "demo-planner" in client.get("/accounts/login/").content.decode()
    settings.PORTAL_ENV = "production"
    assert "demo-planner" not in client.get("/accounts/login/").content.decode()


def basic(name, password) -> dict:
    return {"HTTP_AUTHORIZATION": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def api(client, password):
    return client.get("/api/v1/cubes/", **basic("planner", password))


def test_the_api_locks_a_name_out_as_the_page_does(client, planner):
    planner.groups.add(Group.objects.get(name=Role.POWER_USER))
    assert api(client, PASSWORD).status_code == 200
    for _ in range(5):
        refused = api(client, "wrong")
        assert refused.status_code == 401
        assert "not correct" in refused.json()["detail"]
    assert api(client, PASSWORD).json()["detail"] == LOCKED
    sign_in(client, "planner", PASSWORD)
    assert not is_signed_in(client)


def test_a_name_with_a_second_factor_needs_the_browser(client, planner):
    TOTP.activate(planner, "JBSWY3DPEHPK3PXP")
    assert "second factor" in api(client, PASSWORD).json()["detail"]


def test_the_administration_has_no_sign_in_of_its_own(client, planner):
    answer = client.get("/admin/cubes/cube/", follow=True)
    assert answer.redirect_chain[-1][0] == "/accounts/login/?next=%2Fadmin%2Fcubes%2Fcube%2F"
    assert client.post("/admin/login/", {"username": "planner", "password": PASSWORD}).status_code == 302
    assert not is_signed_in(client)
    client.force_login(planner)
    refused = client.get("/admin/cubes/cube/", follow=True)
    assert refused.status_code == 403
    assert "use the administration" in refused.content.decode()


@pytest.mark.parametrize("name", ["account_reauthenticate", "account_change_password"])
def test_a_forgotten_password_is_asked_of_an_administrator(client, planner, name):
    client.force_login(planner)
    page = client.get(reverse(name)).content.decode()
    assert "Ask an IT administrator for a new one." in page
    assert "Forgot your password?" not in page
    heading = {"account_reauthenticate": "Confirm access", "account_change_password": "Change password"}[name]
    assert f"<h1>{heading}</h1>" in page
    assert f"<title>{heading}" in page
