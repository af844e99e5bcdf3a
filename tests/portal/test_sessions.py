"""A sign-in gets a new session, ends in time, and does not outlive the account (scoreboard F43)."""

import time

import pytest
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from bpp_portal.sessions import BEGAN, SEEN

pytestmark = pytest.mark.django_db
PASSWORD = "right and long enough"
HOUR = 3600


@pytest.fixture
def planner(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    return get_user_model().objects.create_user("planner", "planner@contoso.example", PASSWORD)


def sign_in(client) -> None:
    client.post(reverse("account_login"), {"login": "planner", "password": PASSWORD})
    assert SESSION_KEY in client.session


def earlier(client, **seconds: float) -> None:
    """As if the session had begun or been used so many seconds ago."""
    session = client.session
    for name, ago in seconds.items():
        session[name] = time.time() - ago
    session.save()


def is_out(client) -> bool:
    return client.get("/").status_code == 302


def test_a_session_that_somebody_planted_is_not_the_one_of_the_sign_in(client, planner):
    client.post("/preferences/", {"theme": "dark"})
    session = client.session
    session["planted"] = "1"
    session.save()
    client.cookies["bpp_session"] = before = session.session_key
    sign_in(client)
    assert client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()


def test_a_key_of_ones_own_making_is_not_taken(planner):
    client = Client()
    client.cookies["bpp_session"] = "0" * 32
    sign_in(client)
    assert client.session.session_key != "0" * 32


@pytest.mark.parametrize(("unused", "out"), [(8 * HOUR - 60, False), (8 * HOUR + 60, True)])
def test_it_ends_without_use(client, planner, unused, out):
    sign_in(client)
    earlier(client, **{BEGAN: unused, SEEN: unused})
    assert is_out(client) is out
    if out:
        page = client.get(reverse("account_login")).content.decode()
        assert "a sign-in ends after 8 hours without use" in page
        assert AuditEntry.objects.filter(verb="sign out", actor=planner).exists()


@pytest.mark.parametrize(("age", "out"), [(12 * HOUR - 60, False), (12 * HOUR + 60, True)])
def test_it_ends_at_last_however_much_it_is_used(client, planner, age, out):
    sign_in(client)
    earlier(client, **{BEGAN: age, SEEN: 0})
    assert is_out(client) is out


def test_use_is_remembered(client, planner):
    sign_in(client)
    earlier(client, **{SEEN: 7 * HOUR})
    assert not is_out(client)
    assert time.time() - client.session[SEEN] < 60


def test_a_session_of_before_this_rule_begins_now(client, planner):
    sign_in(client)
    session = client.session
    del session[BEGAN], session[SEEN]
    session.save()
    assert not is_out(client)
    assert time.time() - client.session[BEGAN] < 60


def test_disabling_an_account_ends_its_sessions_for_good(planner):
    other = get_user_model().objects.create_user("owner")
    first, second, others = Client(), Client(), Client()
    others.force_login(other)
    for client in (first, second):
        sign_in(client)
    planner.is_active = False
    planner.save()
    assert is_out(first)
    planner.is_active = True
    planner.save()
    assert is_out(first)
    assert is_out(second)
    assert not is_out(others)


def test_signing_out_ends_the_session_itself(client, planner):
    sign_in(client)
    stolen = client.session.session_key
    client.post("/accounts/logout/")
    thief = Client()
    thief.cookies["bpp_session"] = stolen
    assert is_out(thief)


def test_a_new_password_ends_the_other_sessions(client, planner):
    sign_in(client)
    planner.set_password("another and longer one")
    planner.save()
    assert is_out(client)


HTMX = {"HTTP_HX_REQUEST": "true"}


def test_a_partial_whose_sign_in_is_over_is_told_so_and_keeps_its_page(client, db):
    answer = client.get("/exports/", **HTMX)
    assert answer.status_code == 401
    assert "You were signed out." in answer.content.decode()


def test_a_stale_token_under_htmx_is_said_and_not_swallowed(planner):
    client = Client(enforce_csrf_checks=True)
    client.force_login(planner)
    answer = client.post("/preferences/", {"theme": "dark"}, **HTMX)
    assert answer.status_code == 403
    assert "Nothing was changed." in answer.content.decode()
