"""Environments: what Dataverse says now, the variable that names Finance, and the virtual entities."""

import datetime
import re
import time

import pytest
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from connections.models import Connection, Environment
from connections.queries import environment_page
from connections.rules.entities import VIRTUAL_ENTITIES
from connections.rules.expiry import expiry_of
from tests.connections.sign_in import as_, connect, text_of

pytestmark = pytest.mark.django_db
URI = "environment-variables/msdyn_xpna_BPPAppFinOpsURI"


@pytest.fixture
def address(environment):
    return f"/environments/{environment.pk}/"


@pytest.fixture
def installer(world, environment):
    client = as_(world.installer)
    connect(client, environment, "dataverse")
    return client


def set_value(client, environment, value):
    return client.post(reverse("connections:set-variable", args=[environment.pk]), {"value": value}, follow=True)


def chips(answer):
    """(colour, visible word) of every environment's chip outside the frame; each has a picture as well."""
    text = text_of(answer).partition("<main")[2]
    found = re.findall(r'class="env env-(\w+)"><svg.*?</svg><span class="env-text">(.*?)</span>', text)
    assert len(found) == text.count('class="env env-')
    return found


def form_of(environment, **changes):
    names = ("name", "kind", "linked_through", "dataverse_url", "authority", "tenant_id", "client_id")
    return {name: getattr(environment, name) for name in names} | changes


def test_the_page_shows_the_variable_and_the_eight_entities(world, address, sandbox):
    page = text_of(as_(world.owner).get(address))
    assert f"https://localhost:{sandbox.tls_port}" in page
    assert "Default value" in page
    assert "8 of 8 visible" in page
    for name in VIRTUAL_ENTITIES:
        assert name in page
    assert "Read from Dataverse as owner@contoso.example" in page
    assert "Set value" not in page


def test_without_a_connection_of_ones_own_the_page_is_read_only(world, address):
    page = text_of(as_(world.installer).get(address))
    assert "To set the value you need a Dataverse connection of your own." in page
    assert "Set value" not in page


def test_the_value_is_set_in_dataverse_and_kept_in_the_trail(installer, world, environment, sandbox):
    sandbox.put(URI, {"value": None})
    assert "Finance service not reachable" in text_of(installer.get(f"/environments/{environment.pk}/"))
    root = f"https://localhost:{sandbox.tls_port}"
    assert f"BPP App FinOps URI is {root}." in text_of(set_value(installer, environment, f"{root}/"))
    entry = AuditEntry.objects.get(verb="set variable")
    assert (entry.actor, entry.detail) == (world.installer, f"empty → {root}")
    set_value(installer, environment, root)
    assert AuditEntry.objects.filter(verb="set variable").count() == 1


def steps_of(page):
    """(title, whether it is done) of the manual configuration, in its order."""
    found = re.findall(r'<li><div><span class="chip.*?</svg>(Done|To do)</span></div><div><b>(.*?)</b>', page)
    return [(title, state == "Done") for state, title in found]


def test_where_the_link_came_later_the_manual_steps_are_explained(installer, environment, sandbox, address):
    assert "Manual configuration" not in text_of(installer.get(address))
    Environment.objects.update(linked_through="not linked")
    sandbox.put(URI, {"value": None})
    sandbox.put("virtual-entities/BudgetModelEntity", {"visible": False})
    page = text_of(installer.get(address))
    assert "the environment variable must be configured manually" in page
    link, install, value, entities = (title for title, _ in steps_of(page))
    assert steps_of(page) == [(link, False), (install, True), (value, False), (entities, False)]
    Environment.objects.update(linked_through="dual-write")
    set_value(installer, environment, f"https://localhost:{sandbox.tls_port}")
    page = text_of(installer.get(address))
    assert steps_of(page) == [(link, True), (install, True), (value, True), (entities, False)]
    sandbox.put("virtual-entities/BudgetModelEntity", {"visible": True})
    assert "Manual configuration" not in text_of(installer.get(address))


NO_ROOT, REFUSED = "not the root address", "The portal may not call"


def test_only_allowed_hosts_are_taken(installer, environment, sandbox):
    for value, text in (
        ("", NO_ROOT),
        ("http://localhost", NO_ROOT),
        ("https://user@localhost", NO_ROOT),
        (f"https://localhost:{sandbox.tls_port}/data", NO_ROOT),
        ("https://evil.example", f"{REFUSED} evil.example:443"),
        ("https://169.254.169.254", f"{REFUSED} 169.254.169.254:443"),
        ("https://localhost:1/", f"{REFUSED} localhost:1"),
    ):
        page = set_value(installer, environment, value)
        assert (page.status_code, text in text_of(page)) == (422, True), value
    assert not AuditEntry.objects.filter(verb="set variable").exists()


def test_a_lost_answer_is_looked_up_and_not_believed(installer, environment, sandbox):
    sandbox.put(URI, {"value": None})
    sandbox.faults({"call": "environmentvariablevalues", "kind": "lost_answer"})
    root = f"https://localhost:{sandbox.tls_port}"
    page = text_of(set_value(installer, environment, root))
    assert len(sandbox.requests("environmentvariablevalues")) == 1
    assert f"BPP App FinOps URI is {root}." in page


def test_only_who_manages_environments_sets_it(world, environment, sandbox):
    root = f"https://localhost:{sandbox.tls_port}"
    assert set_value(as_(world.owner), environment, root).status_code == 403
    assert as_(world.owner).get("/environments/new/").status_code == 403
    assert as_(world.owner).get(f"/environments/{environment.pk}/edit/").status_code == 403


def test_a_hidden_entity_is_made_visible(installer, environment, sandbox, address):
    sandbox.put("virtual-entities/BudgetModelEntity", {"visible": False})
    page = text_of(installer.get(address))
    assert "7 of 8 visible" in page
    assert "Unable to load Finance entity definitions" in page
    make = reverse("connections:make-visible", args=[environment.pk, "BudgetModelEntity"])
    assert "Dataverse makes BudgetModelEntity visible." in text_of(installer.post(make, follow=True))
    assert "8 of 8 visible" in text_of(installer.get(address))
    assert "is visible already" in text_of(installer.post(make, follow=True))
    assert AuditEntry.objects.filter(verb="make visible").count() == 1
    other = reverse("connections:make-visible", args=[environment.pk, "VendorEntity"])
    assert "The write-back does not use VendorEntity." in text_of(installer.post(other, follow=True))


def test_a_dataverse_that_is_not_there_is_said_with_the_next_step(world, address):
    Environment.objects.update(dataverse_url="https://127.0.0.1:1")
    page = as_(world.owner).get(address)
    assert page.status_code == 200
    assert "could not be read" in text_of(page)


def test_nobody_connected_yet(world, environment, address):
    Connection.objects.all().delete()
    page = text_of(as_(world.installer).get(address))
    assert "has no Dataverse connection" in page
    assert ">Connect Dataverse</button>" in page


def test_the_it_administrator_sets_up_an_environment(world, environment, settings):
    installer = as_(world.installer)
    form = form_of(environment, name="Contoso", kind="production", linked_through="not linked")
    form |= {"dataverse_url": "https://contoso.example", "tenant_id": "contoso.onmicrosoft.com"}
    settings.ALLOWED_REMOTE_HOSTS = [*settings.ALLOWED_REMOTE_HOSTS, "contoso.example"]
    page = text_of(installer.post("/environments/new/", form, follow=True))
    assert "Contoso is saved." in page
    assert "not linked to Dynamics 365 Finance" in page
    assert chips(installer.get("/environments/")) == [("sandbox", "Sandbox"), ("production", "Production")]
    entry = AuditEntry.objects.filter(verb="set up environment").first()
    assert entry.actor == world.installer
    assert "kind: sandbox → production" in entry.detail


def test_an_unfit_environment_is_refused(world, environment):
    installer = as_(world.installer)
    for field, value, text in (
        ("dataverse_url", "https://evil.example", f"{REFUSED} evil.example:443"),
        ("authority", "https://login.example", f"{REFUSED} login.example:443"),
        ("dataverse_url", "http://127.0.0.1", "Enter an https address"),
        ("name", "Sandbox", "already exists"),
        ("tenant_id", "common", "Enter the id of one tenant"),
        ("tenant_id", "consumers", "Enter the id of one tenant"),
        ("tenant_id", "a/../b.example", "Enter the id of one tenant"),
        ("client_id", "portal", "Enter the application (client) id"),
        ("dataverse_url", f"{environment.dataverse_url}/", "This is the Dataverse address of Sandbox already."),
    ):
        page = installer.post("/environments/new/", form_of(environment, name="Contoso") | {field: value})
        assert (page.status_code, text in text_of(page)) == (422, True), field
    assert Environment.objects.count() == 1


def test_a_dataverse_that_never_answers_is_given_up(world, address, sandbox, monkeypatch):
    monkeypatch.setattr(environment_page, "ANSWER_SECONDS", 0.5)
    sandbox.faults({"call": "environmentvariabledefinitions", "kind": "trickle", "times": None})
    began = time.monotonic()
    page = text_of(as_(world.owner).get(address))
    assert time.monotonic() - began < 4
    assert "The variable and the virtual entities could not be read." in page


def test_changing_one_keeps_its_name(world, environment):
    form = form_of(environment, name="Other", secret_expires_on="2026-12-01")
    as_(world.installer).post(f"/environments/{environment.pk}/edit/", form)
    environment.refresh_from_db()
    assert (environment.name, environment.secret_expires_on) == ("Sandbox", datetime.date(2026, 12, 1))
    assert "secret_expires_on: empty → 2026-12-01" in AuditEntry.objects.first().detail


def test_expiry_counts_down():
    today = datetime.date(2026, 11, 24)
    found = {
        days: expiry_of("Client secret", today + datetime.timedelta(days), today) for days in (-1, 0, 7, 8, 30, 31)
    }
    assert [one.kind for one in found.values()] == ["danger", "danger", "danger", "warning", "warning", "success"]
    assert found[-1].text == "Expired 1 day ago"
    assert found[0].text == "Expires today"
    assert found[8].text == "Expires in 8 days"
    assert expiry_of("Client secret", None, today).kind == "neutral"


def test_the_countdown_is_on_the_pages(world, environment, settings, tmp_path):
    from django.utils import timezone

    from tests.connections.test_entra import rsa_certificate

    Environment.objects.update(secret_expires_on=timezone.localdate() + datetime.timedelta(12))
    owner = as_(world.owner)
    for path in ("/connections/", "/environments/", f"/environments/{environment.pk}/"):
        assert "Expires in 12 days" in text_of(owner.get(path)), path
    settings.ENTRA_CERTIFICATE_FILE = str(rsa_certificate(tmp_path)[0])
    assert "Certificate of the portal in Sandbox: Expires in 1 day" in text_of(owner.get("/connections/"))
    settings.ENTRA_CERTIFICATE_FILE = str(tmp_path / "nowhere.pem")
    assert "can't be used" in text_of(owner.get("/environments/"))
