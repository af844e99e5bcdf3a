"""A local account and one of Entra ID become one only when their owner says so, signed in, password in hand."""

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from bpp_portal.kernel.roles import Role
from tests.connections.sign_in import page_answer, text_of
from tests.portal.test_entra import (
    PASSWORD,
    PLANNER,
    come_back,
    is_signed_in,
    person,
    ready,  # noqa: F401
    roles,
    sign_in,
    trail,
)

pytestmark = pytest.mark.django_db
ACCOUNT = "/accounts/entra/"


@pytest.fixture
def local(django_user_model):
    user = django_user_model.objects.create_user("chris", password=PASSWORD)
    user.groups.add(Group.objects.get(name=Role.CONTRIBUTOR))
    return user


@pytest.fixture
def at_home(window, local):
    """A window in which the local account is signed in by its password."""
    window.post(reverse("account_login"), {"login": "chris", "password": PASSWORD})
    return window


def link(window, account=PLANNER):
    asked = window.post(ACCOUNT)
    assert asked.status_code == 302, "the password is asked again"
    away = window.post(asked["Location"], {"password": PASSWORD})
    return come_back(window, page_answer(away["Refresh"].partition(";url=")[2], account))


def test_it_is_linked_after_the_password_and_roles_follow_at_the_next_sign_in(at_home):
    assert link(at_home)["Location"] == ACCOUNT
    assert PLANNER in text_of(at_home.get(ACCOUNT))
    assert trail("link Entra account")[0][1:4] == ("user chris", "", PLANNER)
    assert roles("chris") == ["Contributor"]
    other = Client(SERVER_NAME="127.0.0.1")
    sign_in(other)
    assert is_signed_in(other)
    assert roles("chris") == ["Power User"]
    assert person("chris").check_password(PASSWORD)


def test_a_wrong_password_links_nothing(at_home):
    asked = at_home.post(ACCOUNT)
    assert at_home.post(asked["Location"], {"password": "wrong"}).status_code == 200
    assert not SocialAccount.objects.exists()


def test_nobody_signed_in_links_nothing(window):
    assert window.post(ACCOUNT)["Location"].startswith("/accounts/login/")


def test_a_sign_in_begun_signed_in_does_not_link_after_signing_out(at_home):
    asked = at_home.post(ACCOUNT)
    away = at_home.post(asked["Location"], {"password": PASSWORD})
    query = page_answer(away["Refresh"].partition(";url=")[2], PLANNER)
    at_home.post(reverse("account_logout"))
    come_back(at_home, query)
    assert not SocialAccount.objects.exists()


def test_an_account_that_is_somebody_elses_already_stays_theirs(at_home, local):
    sign_in(Client(SERVER_NAME="127.0.0.1"))
    link(at_home)
    assert SocialAccount.objects.get().user != local
    assert "already connected" in text_of(at_home.get(ACCOUNT))


def test_the_link_is_taken_away(at_home):
    link(at_home)
    answer = at_home.post(ACCOUNT, follow=True)
    assert "no longer linked" in text_of(answer)
    assert not SocialAccount.objects.exists()
    assert trail("unlink Entra account") == [("unlink Entra account", "user chris", "", "", "")]
    assert at_home.get("/").status_code == 200


def test_who_has_no_password_keeps_the_link_and_gets_no_password(window):
    sign_in(window)
    window.post(ACCOUNT)
    assert SocialAccount.objects.exists()
    page = window.get(reverse("account_change_password"), follow=True)
    assert "Ask an administrator" in text_of(page)
    new = {"password1": PASSWORD, "password2": PASSWORD}
    assert window.post(reverse("account_set_password"), new).status_code == 405
    assert not person().has_usable_password()
    assert "Change password" not in text_of(window.get("/"))
