"""*New connection*: a sign-in with one's own account through Entra's page, good once, in the session that began it."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from bpp_portal.kernel.roles import Role
from connections import entra_application, queries
from connections.models import Connection
from connections.rules.flows import COUNT_FLOW, EXPORT_FLOW, STATUS_FLOW
from tests.connections.sign_in import as_, begin, connect, page_answer, text_of

pytestmark = pytest.mark.django_db
LIST = "/connections/"


@pytest.fixture
def owner(world):
    return as_(world.owner)


@pytest.fixture
def installer(world):
    return as_(world.installer)


def test_a_person_connects_with_their_own_account(installer, world, environment):
    page = connect(installer, environment, "dataverse")
    assert page.request["PATH_INFO"] == LIST
    assert "Dataverse is connected as installer@contoso.example." in text_of(page)
    made = Connection.objects.get(owner=world.installer)
    assert (made.account, made.status, made.auth) == ("installer@contoso.example", "connected", "person")
    assert AuditEntry.objects.filter(actor=world.installer, verb="connect").count() == 1


def test_a_colleagues_account_is_refused_with_both_names(owner, world, environment):
    before = Connection.objects.get(owner=world.owner, kind="dataverse").token_version
    page = text_of(connect(owner, environment, "dataverse", account="planner@contoso.example"))
    assert "The sign-in is planner@contoso.example, but owner is owner@contoso.example here." in page
    assert "Sign in as owner@contoso.example, or ask a user administrator to correct your e-mail address here." in page
    made = Connection.objects.get(owner=world.owner, kind="dataverse")
    assert (made.account, made.token_version) == ("owner@contoso.example", before)


def test_the_own_account_is_known_by_its_letters_whatever_their_case(installer, world, environment):
    world.installer.email = "Installer@Contoso.example"
    world.installer.save()
    page = text_of(connect(installer, environment, "dataverse", account="installer@contoso.example"))
    assert "Dataverse is connected as" in page


def test_without_an_address_here_nobody_connects(installer, world, environment):
    world.installer.email = ""
    world.installer.save()
    page = text_of(connect(installer, environment, "dataverse", account="installer@contoso.example"))
    assert "installer has no e-mail address here to compare it with. Ask a user administrator" in page
    assert not Connection.objects.filter(owner=world.installer).exists()


def test_the_sign_in_is_an_authorization_code_with_pkce(installer, environment):
    asked = parse_qs(urlsplit(begin(installer, environment, "dataverse")).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://127.0.0.1/connections/signed-in/"]
    assert asked["login_hint"] == ["installer@contoso.example"]


def test_a_replayed_answer_is_refused(installer, environment):
    answer = page_answer(begin(installer, environment, "dataverse"), "installer@contoso.example")
    assert "is connected" in text_of(installer.get(reverse("connections:signed-in"), answer, follow=True))
    again = text_of(installer.get(reverse("connections:signed-in"), answer, follow=True))
    assert "This sign-in was finished already or was not begun in this browser" in again
    assert "is connected as" not in again


def test_an_answer_that_another_browser_began_is_refused(installer, owner, world, environment):
    before = Connection.objects.get(owner=world.owner, kind="dataverse").token_version
    answer = page_answer(begin(installer, environment, "dataverse"), "installer@contoso.example")
    assert "was not begun in this browser" in text_of(owner.get(reverse("connections:signed-in"), answer, follow=True))
    assert Connection.objects.get(owner=world.owner, kind="dataverse").token_version == before
    assert not Connection.objects.filter(owner=world.installer).exists()


def test_an_answer_that_was_changed_is_refused(installer, world, environment):
    for changes in ({"code": "other"}, {"state": "other"}, {"code": ""}):
        answer = page_answer(begin(installer, environment, "dataverse"), "installer@contoso.example") | changes
        page = installer.get(reverse("connections:signed-in"), answer, follow=True)
        assert 'role="alert"' in page.content.decode()
        assert not Connection.objects.filter(owner=world.installer).exists()


def test_what_entra_refuses_is_said(installer, world, environment, sandbox):
    sandbox.put("accounts/installer", {"consent": False})
    address = begin(installer, environment, "dataverse")
    answer = page_answer(address, "installer@contoso.example", answer="cancel")
    page = text_of(installer.get(reverse("connections:signed-in"), answer, follow=True))
    assert "declined" in page or "consent" in page
    assert not Connection.objects.filter(owner=world.installer).exists()


def test_finance_comes_after_dataverse(installer, environment):
    form = {"environment": environment.pk, "kind": "finance"}
    page = text_of(installer.post(reverse("connections:sign-in"), form, follow=True))
    assert "You have no Dataverse connection, which tells where Finance is. Connect Dataverse first." in page
    connect(installer, environment, "dataverse")
    assert "Dynamics 365 Finance is connected" in text_of(connect(installer, environment, "finance"))


def test_an_entra_that_is_not_there_leaves_the_page_usable(installer, environment):
    environment.authority = "https://127.0.0.1:1"
    environment.save()
    form = {"environment": environment.pk, "kind": "dataverse"}
    page = installer.post(reverse("connections:sign-in"), form, follow=True)
    assert page.status_code == 200
    assert "The portal may not call 127.0.0.1:1" in text_of(page)


def test_the_list_names_kind_whose_state_since_and_flows(owner, environment):
    page = text_of(owner.get(LIST))
    for text in ("owner@contoso.example", "Connected", EXPORT_FLOW, COUNT_FLOW, STATUS_FLOW, "Sign in again", "Remove"):
        assert text in page


def test_a_connection_that_lapsed_says_why(owner, environment):
    Connection.objects.filter(kind="finance").update(status="needs attention", reason="The sign-in has lapsed.")
    page = text_of(owner.get(LIST))
    assert "Needs attention" in page
    assert "The sign-in has lapsed." in page
    connect(owner, environment, "finance")
    assert "Needs attention" not in text_of(owner.get(LIST))


def test_no_secret_is_on_a_page_or_in_the_trail(owner, installer, environment, sandbox):
    connect(installer, environment, "dataverse")
    pages = [owner.get(path).content.decode() for path in (LIST, "/flows/", f"/environments/{environment.pk}/")]
    secret = sandbox.get("facts")["client_secret"]
    trail = " ".join(f"{e.subject} {e.detail}" for e in AuditEntry.objects.all())
    for text in [*pages, trail]:
        assert secret not in text
        assert "eyJ" not in text
        assert "code_verifier" not in text


def test_removing_says_what_it_empties_and_turns_those_flows_off(owner, world, environment):
    connection = Connection.objects.get(owner=world.owner, kind="finance")
    address = reverse("connections:remove", args=[connection.pk])
    assert STATUS_FLOW in text_of(owner.get(address))
    assert Connection.objects.filter(pk=connection.pk).exists()
    owner.post(address)
    assert not Connection.objects.filter(pk=connection.pk).exists()
    assert [flow.is_on for flow in queries.flows(environment=environment)] == [True, True, False]
    entry = AuditEntry.objects.get(verb="remove connection")
    assert (entry.actor, entry.detail) == (world.owner, f"owner@contoso.example: {STATUS_FLOW}")


def test_nobody_removes_a_colleagues_connection_but_the_it_administrator(owner, installer, world, environment):
    connect(installer, environment, "dataverse")
    theirs = Connection.objects.get(owner=world.installer)
    assert owner.post(reverse("connections:remove", args=[theirs.pk])).status_code == 404
    mine = Connection.objects.get(owner=world.owner, kind="finance")
    assert installer.post(reverse("connections:remove", args=[mine.pk])).status_code == 302
    assert not Connection.objects.filter(pk=mine.pk).exists()


def test_others_have_no_door(world, environment):
    mine, numbered = Connection.objects.first(), [environment.pk]
    for person in (world.planner, world.reviewer, world.guest):
        client = as_(person)
        for path in ("/flows/", "/environments/", f"/environments/{environment.pk}/"):
            assert client.get(path).status_code == 403, path
        refused = 404 if person == world.planner else 403
        assert client.post(reverse("connections:remove", args=[mine.pk])).status_code == refused
        if person != world.planner:
            form = {"environment": environment.pk, "kind": "dataverse"}
            assert client.post(reverse("connections:sign-in"), form).status_code == 403
            for path in (LIST, "/connections/signed-in/"):
                assert client.get(path).status_code == 403, path
        for name in ("take-ownership", "turn-on-all", "install", "update", "set-variable"):
            assert client.post(reverse(f"connections:{name}", args=numbered)).status_code == 403, name


def test_the_application_can_stand_in_for_a_person(owner, environment, sandbox):
    entra_application._tokens.clear()
    form = {"environment": environment.pk, "kind": "dataverse", "auth": "application"}
    asked = text_of(owner.post(reverse("connections:sign-in"), form))
    assert EXPORT_FLOW in asked
    assert "Replace connection" in asked
    assert not Connection.objects.filter(auth="application").exists()
    form["confirmed"] = "yes"
    assert "is connected as application" in text_of(owner.post(reverse("connections:sign-in"), form, follow=True))
    made = Connection.objects.get(kind="dataverse", auth="application")
    assert bytes(made.token_cache) == b""
    assert queries.dataverse_client(environment=environment).who_am_i()
    sandbox.put("application", {"secret_expired": True})
    entra_application._tokens.clear()
    page = text_of(owner.get(f"/environments/{environment.pk}/"))
    assert "Entra refused the portal's application" in page
    assert "Needs attention" in text_of(owner.get(LIST))


def test_an_application_without_a_credential_is_refused(installer, environment, settings):
    settings.ENTRA_CLIENT_SECRET = settings.ENTRA_CERTIFICATE_FILE = ""
    settings.CLIENT_SECRETS = {}
    form = {"environment": environment.pk, "kind": "dataverse", "auth": "application"}
    page = text_of(installer.post(reverse("connections:sign-in"), form, follow=True))
    assert "The deployment has no certificate and no client secret for Sandbox." in page
    assert "Connect the application" in page


class TestWhoLoadsData:
    """A Contributor reads Dataverse as oneself, and gets nothing else of the set-up."""

    @pytest.fixture
    def clerk(self, world):
        world.planner.groups.set([Group.objects.get(name=Role.CONTRIBUTOR)])
        return as_(world.planner)

    def test_connects_dataverse_and_sees_the_own_connection_only(self, clerk, world, environment):
        page = text_of(connect(clerk, environment, "dataverse"))
        assert "Dataverse is connected as planner@contoso.example." in page
        assert Connection.objects.get(owner=world.planner).status == Connection.Status.CONNECTED
        assert "owner@contoso.example" not in page
        assert "Application (service principal)" not in page
        assert "Flows and ownership" not in page

    @pytest.mark.parametrize("more", [{"kind": "finance"}, {"kind": "dataverse", "auth": "application"}])
    def test_connects_neither_finance_nor_the_application(self, clerk, world, environment, more):
        form = {"environment": environment.pk, **more}
        answer = clerk.post(reverse("connections:sign-in"), form)
        made = Connection.objects.filter(owner=world.planner)
        assert not made.exists()
        assert "Refresh" not in answer or more["kind"] == "dataverse"

    def test_is_asked_to_connect_where_the_load_begins(self, clerk, codes):
        assert reverse("connections:list") in clerk.get(reverse("dataverse:load", args=[codes.slug])).content.decode()
