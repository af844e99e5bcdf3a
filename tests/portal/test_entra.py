"""Signing in with Entra ID, at the sandbox's real sign-in page: who comes in, with which roles, and who does not."""

import re

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from bpp_portal.audit.queries import check_chain
from bpp_portal.checks import entra_sign_in_is_complete
from bpp_portal.entra.rules import APP_ROLES
from bpp_portal.kernel.roles import Role
from tests.connections.sign_in import page_answer, text_of
from tests.remote import ROOT

pytestmark = pytest.mark.django_db
PASSWORD = "right and long enough"
PLANNER = "planner@contoso.example"


@pytest.fixture(autouse=True)
def ready(sandbox, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    yield
    assert check_chain() is None


def leave(window, **form) -> str:
    """Press *Sign in with Microsoft* and read where the browser is sent."""
    answer = window.post(reverse("entra_login"), form)
    assert answer.status_code == 200, text_of(answer)
    seconds, _, address = answer["Refresh"].partition(";url=")
    assert seconds == "0"
    return address


def come_back(window, query):
    return window.get(reverse("entra_callback"), query)


def sign_in(window, account=PLANNER, **form):
    return come_back(window, page_answer(leave(window, **form), account))


def is_signed_in(window) -> bool:
    return SESSION_KEY in window.session


def refused(answer, window, code, *, users=0) -> None:
    assert code in text_of(answer), text_of(answer)
    assert answer.status_code == 403
    assert not is_signed_in(window)
    assert get_user_model().objects.count() == users
    assert not SocialToken.objects.exists()


def person(name=PLANNER):
    return get_user_model().objects.get(username=name)


def roles(name=PLANNER) -> list[str]:
    return sorted(person(name).groups.values_list("name", flat=True))


def trail(*verbs) -> list[tuple]:
    found = AuditEntry.objects.filter(verb__in=verbs).order_by("seq")
    return [(entry.verb, entry.subject, entry.before, entry.after, entry.detail) for entry in found]


class TestWhoComesIn:
    def test_the_first_sign_in_makes_the_account_with_the_roles_of_entra(self, window):
        answer = sign_in(window)
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert is_signed_in(window)
        made = person()
        assert (made.email, made.first_name, made.last_name) == (PLANNER, "Chris", "Planner (User C)")
        assert not made.has_usable_password()
        assert roles() == [Role.POWER_USER]
        assert not SocialToken.objects.exists(), "nothing that opens another door is kept"
        assert trail("add user", "set roles", "sign in") == [
            ("add user", f"user {PLANNER}", "", "", ""),
            ("set roles", f"user {PLANNER}", "no role", "Power User", "from the app roles in Entra ID"),
            ("sign in", f"user {PLANNER}", "", "", "With Entra ID."),
        ]
        assert AuditEntry.objects.get(verb="sign in").ip == "127.0.0.1"

    def test_the_second_sign_in_finds_the_same_account_under_whatever_name(self, window, sandbox):
        sign_in(window)
        sandbox.put("application", {"id_token_claims": {"preferred_username": "married@contoso.example"}})
        sign_in(again := Client(SERVER_NAME="127.0.0.1"))
        assert is_signed_in(again)
        assert get_user_model().objects.get().username == PLANNER

    def test_a_name_that_returns_is_not_the_person_who_had_it(self, window, sandbox):
        sign_in(window)
        sandbox.put("application", {"id_token_claims": {"oid": "11111111-2222-4333-8444-555555555555"}})
        again = Client(SERVER_NAME="127.0.0.1")
        refused(sign_in(again), again, "NAME_TAKEN", users=1)

    def test_the_same_object_id_in_another_tenant_is_another_person(self, window):
        sign_in(window)
        link = SocialAccount.objects.get()
        link.uid = f"11111111-2222-4333-8444-555555555555:{link.uid.partition(':')[2]}"
        link.save()
        again = Client(SERVER_NAME="127.0.0.1")
        refused(sign_in(again), again, "NAME_TAKEN", users=1)

    def test_each_app_role_is_a_portal_role(self, window, sandbox):
        for value, role in APP_ROLES.items():
            sandbox.put("accounts/planner", {"roles": [value, "Somebody.Elses"]})
            sign_in(window)
            assert roles() == [role.value]

    def test_the_readme_has_the_same_table(self):
        rows = re.findall(r"^\| `(BPP\.\w+)` \| ([^|]+?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
        assert dict(rows) == {value: role.value for value, role in APP_ROLES.items()}
        assert set(APP_ROLES.values()) == set(Role)

    def test_a_second_factor_is_asked_of_who_has_set_one_up(self, window):
        sign_in(window)
        TOTP.activate(person(), "JBSWY3DPEHPK3PXP")
        again = Client(SERVER_NAME="127.0.0.1")
        assert sign_in(again)["Location"] == reverse("mfa_authenticate")
        assert not is_signed_in(again)


class TestRolesAreThoseOfEntra:
    def test_a_role_taken_away_there_is_gone_at_the_next_sign_in(self, window, sandbox):
        sandbox.put("accounts/planner", {"roles": ["BPP.PowerUser", "BPP.Reviewer"]})
        sign_in(window)
        person().groups.add(Group.objects.get(name=Role.ADMINISTRATOR))
        assert roles() == ["BPP administrator", "Power User", "Reviewer"]
        sandbox.put("accounts/planner", {"roles": ["BPP.Reviewer"]})
        sign_in(window)
        assert is_signed_in(window)
        assert roles() == ["Reviewer"]
        [*_, last] = trail("set roles")
        assert last[1:4] == (f"user {PLANNER}", "BPP administrator, Power User, Reviewer", "Reviewer")

    def test_nothing_is_written_when_nothing_changed(self, window):
        sign_in(window)
        before = len(trail("set roles", "change user"))
        sign_in(window)
        assert len(trail("set roles", "change user")) == before

    def test_without_any_role_no_account_is_made(self, window, sandbox):
        sandbox.put("accounts/planner", {"roles": ["Somebody.Elses"]})
        answer = sign_in(window)
        refused(answer, window, "NO_ROLE")
        assert "Ask your IT administrator to assign an app role" in text_of(answer)
        assert trail("sign-in refused") == [
            (
                "sign-in refused",
                f"Entra account {PLANNER}",
                "",
                "",
                "With Entra ID: Your account has no role for this portal.",
            )
        ]

    def test_the_last_role_taken_away_closes_the_portal_everywhere(self, window, sandbox):
        sign_in(window)
        sandbox.put("accounts/planner", {"roles": []})
        other = Client(SERVER_NAME="127.0.0.1")
        refused(sign_in(other), other, "NO_ROLE", users=1)
        assert roles() == []
        assert window.get(reverse("cubes:list")).status_code == 403


class TestWhoDoesNotComeIn:
    def test_a_deactivated_person(self, window, sandbox):
        sign_in(window)
        made = person()
        made.is_active = False
        made.save()
        sandbox.put("accounts/planner", {"roles": ["BPP.Administrator"]})
        again = Client(SERVER_NAME="127.0.0.1")
        refused(sign_in(again), again, "DEACTIVATED", users=1)
        assert roles() == ["Power User"]
        assert trail("sign-in refused")[0][1] == f"user {PLANNER}"

    @pytest.mark.parametrize("name", [PLANNER, PLANNER.upper()])
    def test_a_local_account_of_the_same_name_is_not_taken_over(self, window, name):
        local = get_user_model().objects.create_user(name, PLANNER, PASSWORD)
        answer = sign_in(window)
        refused(answer, window, "NAME_TAKEN", users=1)
        assert not SocialAccount.objects.exists()
        local.refresh_from_db()
        assert local.check_password(PASSWORD)

    def test_a_local_account_with_the_same_address_is_not_taken_over(self, window):
        local = get_user_model().objects.create_user("somebody", PLANNER, PASSWORD)
        sign_in(window)
        assert is_signed_in(window)
        assert SocialAccount.objects.get().user != local

    def test_an_account_that_is_disabled_in_entra_between_page_and_way_back(self, window, sandbox):
        query = page_answer(leave(window), PLANNER)
        sandbox.put("accounts/planner", {"enabled": False})
        refused(come_back(window, query), window, "DECLINED")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ENTRA_SIGN_IN_TENANT": "common"}, "is not the id of one tenant"),
        ({"ENTRA_SIGN_IN_TENANT": ""}, "is not the id of one tenant"),
        ({"ENTRA_SIGN_IN_CLIENT_ID": ""}, "ENTRA_SIGN_IN_CLIENT_ID is missing"),
        ({"ENTRA_SIGN_IN_SECRET": ""}, "ENTRA_SIGN_IN_SECRET is missing"),
        ({"ENTRA_SIGN_IN_AUTHORITY": "http://login.example"}, "is not a root address with https"),
        ({"ENTRA_SIGN_IN_AUTHORITY": "https://login.example"}, "is not in ALLOWED_REMOTE_HOSTS"),
    ],
)
def test_half_a_set_up_is_refused_at_the_start(settings, changes, text):
    assert not entra_sign_in_is_complete()
    for name, value in changes.items():
        setattr(settings, name, value)
    assert any(text in error.msg for error in entra_sign_in_is_complete())


class TestWithoutEntra:
    @pytest.fixture(autouse=True)
    def not_configured(self, ready, settings):
        settings.ENTRA_SIGN_IN_TENANT = ""

    def test_there_is_no_button_and_no_address(self, window):
        assert "Microsoft" not in text_of(window.get(reverse("account_login")))
        assert window.post(reverse("entra_login")).status_code == 404
        assert window.get(reverse("entra_callback")).status_code == 404

    def test_an_application_in_the_database_opens_nothing(self, window):
        SocialApp.objects.create(provider="entra", name="Mine", client_id="mine", secret="x")
        assert window.post(reverse("entra_login")).status_code == 404

    @pytest.mark.parametrize("path", ["3rdparty/", "3rdparty/signup/", "3rdparty/login/error/", "social/login/error/"])
    def test_pages_of_other_providers_are_closed(self, window, path):
        assert window.get(f"/accounts/{path}").status_code == 404
