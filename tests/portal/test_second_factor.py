"""The second factor of a local account, page by page: set up, asked for, wrong, lost and given up."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth import SESSION_KEY, get_user_model
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from tests.connections.sign_in import text_of

pytestmark = pytest.mark.django_db
PASSWORD = "right and long enough"
WRONG_CODE = "Incorrect code."


@pytest.fixture(autouse=True)
def no_attempts_yet(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def planner():
    return get_user_model().objects.create_user("planner", "planner@contoso.example", PASSWORD)


def sign_in(client):
    return client.post(reverse("account_login"), {"login": "planner", "password": PASSWORD})


def is_signed_in(client) -> bool:
    return SESSION_KEY in client.session


def code_of(secret, ahead=0) -> str:
    """What the app shows now, or so many half minutes from now."""
    counter = next(totp.yield_hotp_counters_from_time()) + ahead
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


@pytest.fixture
def secret(client, planner) -> str:
    """Set up on the pages, as a person with an app does it; signed out again."""
    sign_in(client)
    asked = client.get(reverse("mfa_activate_totp"))
    assert asked["Location"].startswith(reverse("account_reauthenticate")), "the password is asked again"
    page = client.post(asked["Location"], {"password": PASSWORD}, follow=True)
    [shown] = re.findall(r'id="authenticator_secret" type="text" value="(\w+)"', page.content.decode())
    assert WRONG_CODE in text_of(client.post(reverse("mfa_activate_totp"), {"code": "000000"}))
    assert not Authenticator.objects.exists()
    client.post(reverse("mfa_activate_totp"), {"code": code_of(shown)})
    assert {each.type for each in Authenticator.objects.all()} == {"totp", "recovery_codes"}
    client.post(reverse("account_logout"))
    cache.clear()  # the app's next code, without waiting for it: each is good once
    return shown


def test_the_password_alone_no_longer_signs_in(secret):
    client = Client()
    assert sign_in(client)["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    assert client.get("/").status_code == 302


def test_password_and_code_sign_in_and_the_trail_says_so(secret):
    client = Client()
    sign_in(client)
    assert client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})["Location"] == "/"
    assert is_signed_in(client)
    entry = AuditEntry.objects.filter(verb="sign in").order_by("-seq")[0]
    assert (entry.subject, entry.detail) == ("user planner", "With a password and a second factor.")


def test_a_code_is_good_once(secret):
    code = code_of(secret)
    first, second = Client(), Client()
    for client in (first, second):
        sign_in(client)
        client.post(reverse("mfa_authenticate"), {"code": code})
    assert (is_signed_in(first), is_signed_in(second)) == (True, False)


@pytest.mark.parametrize("ahead", [-20, 20])
def test_a_wrong_or_old_code_does_not(secret, ahead):
    client = Client()
    sign_in(client)
    answer = client.post(reverse("mfa_authenticate"), {"code": code_of(secret, ahead)})
    assert WRONG_CODE in text_of(answer)
    assert not is_signed_in(client)
    assert AuditEntry.objects.filter(verb="second factor refused", subject="user planner").count() == 1


def test_wrong_codes_lock_out_even_the_right_one(secret):
    client = Client()
    sign_in(client)
    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    answer = client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert not is_signed_in(client)
    assert "Too many" in text_of(answer)


def test_a_recovery_code_stands_in_for_a_lost_app_once(secret):
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert len(codes) == 10
    first, second = Client(), Client()
    for client in (first, second):
        sign_in(client)
        client.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert (is_signed_in(first), is_signed_in(second)) == (True, False)
    first.post(reverse("account_logout"))
    sign_in(first)
    first.post(reverse("mfa_authenticate"), {"code": codes[1]})
    assert is_signed_in(first)


def test_recovery_codes_are_shown_to_their_owner_after_the_password_only(client, planner, secret):
    code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    asked = client.get(reverse("mfa_view_recovery_codes"))
    assert asked["Location"].startswith("/accounts/"), "not from an open session alone"
    page = client.post(
        f"{reverse('account_reauthenticate')}?next={reverse('mfa_view_recovery_codes')}",
        {"password": PASSWORD},
        follow=True,
    )
    assert code in page.content.decode()


def test_given_up_again_the_password_is_enough(client, planner, secret):
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert AuditEntry.objects.filter(verb="remove second factor", actor=planner).exists()
    fresh = Client()
    sign_in(fresh)
    assert is_signed_in(fresh)
