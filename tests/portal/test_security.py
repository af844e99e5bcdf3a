"""Mass assignment, addresses, redirects, templates (scoreboard F36, F37, F47)."""

import json
import socket
import threading
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from rest_framework.test import APIClient

from bpp_portal.kernel.roles import Role
from connections import http
from connections.errors import FinanceNotConfigured
from connections.forms import EnvironmentForm
from connections.models import Connection, Environment, Flow, StartLock
from cubes.models import Cube, Snapshot
from exports.forms import form_data
from exports.models import Attempt, Export, Run
from exports.rules.configuration_file import KNOWN
from exports.rules.states import State
from tests.world import SAMPLES, configuration, export, work

pytestmark = pytest.mark.django_db
CONFIGURATION = json.loads((SAMPLES / "codes" / "codes.json").read_text())
FIELDS = sorted(
    {field.name for model in (Run, Export, Attempt, Snapshot, Cube) for field in model._meta.get_fields()}
    | {f"{field.name}_id" for model in (Run, Export) for field in model._meta.concrete_fields}
)


def forged(name: str, somebody: int) -> str | int:
    known = {"state": State.SUCCEEDED.value, "requested_by": somebody, "created_by": somebody, "fence": 99}
    return known.get(name.removesuffix("_id"), 7)


class TestMassAssignment:
    """Fields of a model that no form offers are not taken from a request."""

    def test_the_api_refuses_a_field_that_is_none_of_a_configuration(self, world, codes):
        client = APIClient()
        client.force_authenticate(world.planner)
        tried = [name for name in FIELDS if name not in KNOWN]
        assert {"state", "fence", "requested_by", "runs_as", "execution_id", "environment_id"} <= set(tried)
        for name in tried:
            data = CONFIGURATION | {name: forged(name, world.owner.pk)}
            answer = client.post("/api/v1/exports/", data, format="json")
            assert answer.status_code == 400
            assert f"{name} is not a field of a configuration." in answer.content.decode()
        assert not Run.objects.exists()

    def test_the_pane_takes_what_it_shows_and_nothing_else(self, client, world, codes):
        client.force_login(world.planner)
        form = form_data(configuration("codes/codes.json").configuration)
        form |= {"environment": Environment.objects.get().pk}
        extra = {name: forged(name, world.owner.pk) for name in FIELDS if name not in form}
        extra |= {"client_token": str(uuid.uuid4())}
        answer = client.post(reverse("pane:open", args=[codes.slug]), extra | form | {"action": "export"})
        assert answer.status_code == 302
        run = Run.objects.get()
        assert (run.state, run.fence, run.requested_by, run.export.created_by) == (
            State.REQUESTED.value,
            0,
            world.planner,
            world.planner,
        )
        assert (run.entry_number, run.export.cube, run.line_count) == ("BPP-000001", codes, None)

    def test_a_person_cannot_be_made_more_than_the_form_offers(self, client, world):
        client.force_login(world.installer)
        user = world.guest
        form = {"username": "guest", "email": "g@contoso.example", "is_active": "on"}
        form |= {"date_joined_0": f"{user.date_joined:%Y-%m-%d}", "date_joined_1": f"{user.date_joined:%H:%M:%S}"}
        extra = {"is_superuser": "on", "is_staff": "on", "user_permissions": ["1"], "password": "x", "id": "1"}
        assert client.post(reverse("admin:auth_user_change", args=[user.pk]), form | extra).status_code == 302
        before = user.password
        user.refresh_from_db()
        assert (user.email, user.is_superuser, user.is_staff, user.password) == (
            "g@contoso.example",
            False,
            False,
            before,
        )
        assert not user.user_permissions.exists()

    @pytest.mark.parametrize("address", ["/environments/new/", "/environments/{pk}/edit/", "{admin}"])
    def test_an_environment_takes_the_fields_of_its_form(self, client, world, environment, address):
        client.force_login(world.installer)
        admin = reverse("admin:connections_environment_change", args=[environment.pk])
        address = address.format(pk=environment.pk, admin=admin)
        offered = set(EnvironmentForm._meta.fields or ())
        form = {name: getattr(environment, name) or "" for name in offered}
        if address.endswith("/new/"):
            # An address of Dataverse belongs to one environment; this one is allowed too.
            form |= {"name": "Other", "dataverse_url": environment.dataverse_url.replace("127.0.0.1", "localhost")}
            form |= {"tenant_id": "other.onmicrosoft.com", "client_id": str(uuid.uuid4())}
        before = [Connection.objects.count(), Flow.objects.count(), *Flow.objects.values_list("owner", "is_on")]
        locks = list(StartLock.objects.filter(environment=environment).values())
        names = {
            field.name for model in (Environment, Connection, Flow, StartLock) for field in model._meta.get_fields()
        }
        extra = dict.fromkeys(names - offered, "99")
        assert {"id", "flows", "connections", "owner", "is_on", "holder", "token_cache"} <= set(extra)
        assert client.post(address, extra | form).status_code == 302
        assert before == [Connection.objects.count(), Flow.objects.count(), *Flow.objects.values_list("owner", "is_on")]
        assert locks == list(StartLock.objects.filter(environment=environment).values())
        assert not Environment.objects.filter(pk=99).exists()

    def test_a_sign_in_begins_for_oneself_whatever_is_posted(self, client, world, environment):
        client.force_login(world.installer)
        extra = {"owner": world.owner.pk, "account": "x", "token_version": 99, "redirect_uri": "https://evil.example/"}
        extra |= {"status": "connected", "login_hint": "owner@contoso.example", "back": "https://evil.example/"}
        form = {"environment": environment.pk, "kind": "dataverse"}
        answer = client.post(reverse("connections:sign-in"), extra | form)
        assert answer.status_code == 302, "`back` is one of three words"
        del extra["back"]
        away = client.post(reverse("connections:sign-in"), extra | form)["Refresh"]
        assert "evil.example" not in away
        assert "login_hint=installer%40contoso.example" in away

    def test_who_is_not_an_it_administrator_gives_no_role(self, client, world):
        client.force_login(world.owner)
        role = Group.objects.get(name=Role.IT_ADMINISTRATOR)
        address = reverse("admin:auth_user_change", args=[world.owner.pk])
        assert client.post(address, {"username": "owner", "groups": [role.pk]}).status_code == 403
        assert role not in world.owner.groups.all()

    def test_preferences_set_the_known_cookies_only(self, client, db):
        answer = client.post("/preferences/", {"theme": "dark", "bpp_session": "x", "keys": "on\r\nX: y"})
        assert set(answer.cookies) == {"bpp_theme"}


class Ear:
    """A server on this machine that only counts who comes."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.came = 0
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.came += 1

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


@pytest.fixture
def ear():
    ear = Ear()
    yield ear
    ear.close()


WAYS_IN = [
    "https://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "http://127.0.0.1:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://127.1:{port}/",
    "https://0.0.0.0:{port}/",
    "https://[::1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://fin.operations.dynamics.com@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}#@fin.operations.dynamics.com/",
    "https://127.0.0.1:{port}\\@fin.operations.dynamics.com/",
    "https://127.0.0.1.:{port}/",
    "https://fin.operations.dynamics.com:22/",
    "https://fin.operations.dynamics.com.evil.example/",
    "https://evil-fin.operations.dynamics.com/",
    "https://attacker-trial.operations.dynamics.com/",
    "https://169.254.169.254/latest/meta-data/",
    "https://fin.operations.dynamics.com./",
    "https://f\u0131n.operations.dynamics.com/",
    "https://xn--fn-gka.operations.dynamics.com/",
    "https://fin\u3002operations.dynamics.com/",
    "https://[fe80::1%25eth0]:{port}/",
    "https://[fe80::1%eth0]:{port}/",
    "https://fin.operations.dynamics.com:{port}@127.0.0.1/",
    "//127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
]


@pytest.mark.parametrize("storage", [False, True], ids=["finance", "storage"])
@pytest.mark.parametrize("way", WAYS_IN)
def test_no_connection_leaves_for_a_host_that_is_not_allowed(settings, ear, way, storage):
    settings.ALLOWED_REMOTE_HOSTS = ["fin.operations.dynamics.com"]
    settings.ALLOWED_BLOB_HOSTS = [".blob.core.windows.net"]
    with pytest.raises(FinanceNotConfigured):
        http.request("GET", way.format(port=ear.port), repeatable=True, storage=storage)
    assert ear.came == 0


def test_a_redirect_of_the_other_side_leads_nowhere(world, codes, sandbox, ear):
    """Neither Finance, nor Dataverse, nor the storage can send the portal on, with or without its token."""
    for call in ("ImportFromPackage", "PutBlob", "GetAzureWriteUrl"):
        sandbox.faults({"call": call, "kind": "redirect", "location": f"https://127.0.0.1:{ear.port}/", "times": 1})
        run = work(export(world.planner, "codes/codes.json"))
        assert run.state in (State.SUCCEEDED, State.FAILED), call
        sandbox.faults(reset=True)
    assert ear.came == 0


@pytest.mark.parametrize(
    "where", ["https://127.0.0.1:{port}/c/p.zip?sig=x", "https://other.operations.dynamics.com/p.zip"]
)
def test_a_write_address_that_leads_elsewhere_gets_neither_package_nor_token(world, codes, sandbox, ear, where):
    address = json.dumps({"BlobId": "{1}", "BlobUrl": where.format(port=ear.port)})
    body = json.dumps({"value": address})
    sandbox.faults({"call": "GetAzureWriteUrl", "kind": "body", "body": body, "times": None})
    run = work(export(world.planner, "codes/codes.json"))
    assert run.status is State.FAILED
    assert ear.came == 0
    assert not sandbox.requests("PutBlob")


def test_production_calls_nothing_on_this_machine_even_when_it_is_listed(settings, ear):
    settings.PORTAL_ENV, settings.ALLOWED_REMOTE_HOSTS = "production", [f"127.0.0.1:{ear.port}"]
    with pytest.raises(FinanceNotConfigured):
        http.request("GET", f"https://127.0.0.1:{ear.port}/", repeatable=True)
    assert ear.came == 0


def test_an_environment_with_another_address_is_called_nowhere(world, ear):
    Environment.objects.update(dataverse_url=f"https://127.0.0.1:{ear.port}")
    client = Client()
    client.force_login(world.owner)
    assert client.get("/").status_code == 200
    assert ear.came == 0


# Hashing that is slow on purpose is not what these tests are about.
QUICK = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ELSEWHERE = [
    "https://elsewhere.example/",
    "//elsewhere.example/",
    "///elsewhere.example/",
    r"/\elsewhere.example/",
    r"\\elsewhere.example/",
    "https:elsewhere.example",
    "https:///elsewhere.example",
    "http://testserver@elsewhere.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/elsewhere.example/",
    "\x08//elsewhere.example",
]


def test_no_door_leads_elsewhere(client, db, settings):
    settings.PASSWORD_HASHERS = QUICK
    get_user_model().objects.create_user("planner", password="right and long enough")
    for address in ELSEWHERE:
        assert client.post("/preferences/", {"theme": "dark", "next": address})["Location"] == "/"
        form = {"login": "planner", "password": "right and long enough", "next": address}
        assert client.post("/accounts/login/", form)["Location"] == "/"
        assert client.post("/accounts/logout/", {"next": address})["Location"] == "/"
        led = client.get("/admin/login/", {"next": address})["Location"]
        assert led.startswith("/accounts/login/?next=")


TEMPLATES = [
    "{{ 7*7 }}",
    "{% debug %}",
    "{{ settings.SECRET_KEY }}",
    "${7*7}",
    "<script>alert(1)</script>",
    "{% load x %}",
]


def test_what_people_type_is_never_a_template(client, world, codes, settings):
    environment = Environment.objects.get()
    for text in TEMPLATES:
        Export.objects.create(
            cube=codes, environment=environment, name=text, line_detail="aggregate", created_by=world.planner
        )
    client.force_login(world.planner)
    drafts = client.get("/exports/", {"tab": "drafts"}).content.decode()
    client.force_login(world.owner)
    configurations = client.get(reverse("admin:exports_export_changelist")).content.decode()
    for text in TEMPLATES:
        pages = [client.get(page, {"q": text}).content.decode() for page in ("/cubes/", "/exports/", "/audit/")]
        for html in (*pages, drafts, configurations):
            assert escape(text) in html
            assert "<script>alert" not in html
            assert settings.SECRET_KEY not in html
