"""The administration shows connections without their secrets, and keeps the rules of the flows."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from bpp_portal.kernel.roles import Role
from connections import entra, operations, queries
from connections.models import Connection, ConnectionReference, Environment
from connections.rules.flows import EXPORT_FLOW, ConnectionKind

pytestmark = pytest.mark.django_db
ROLES = {"installer": Role.IT_ADMINISTRATOR, "owner": Role.ADMINISTRATOR, "planner": Role.POWER_USER}


@pytest.fixture(autouse=True)
def static_files(settings, tmp_path):
    """Pages are rendered without `collectstatic`."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def contoso(people):
    for name, role in ROLES.items():
        getattr(people, name).groups.add(Group.objects.get(name=role.value))
    environment = Environment.objects.create(
        name="Contoso", dataverse_url="https://contoso.example", tenant_id="t", authority="https://login.example"
    )
    operations.install_flows(actor=people.installer, environment=environment)
    Connection.objects.create(
        environment=environment,
        owner=people.owner,
        kind="dataverse",
        account="owner@contoso.example",
        token_cache=entra.seal_cache(people.owner.pk, "{}"),
    )
    return environment


def test_every_page_opens_and_shows_no_token_cache(client, people, contoso):
    client.force_login(people.owner)
    for model in ("environment", "connection", "flow", "connectionreference"):
        assert client.get(reverse(f"admin:connections_{model}_changelist")).status_code == 200
    connection = Connection.objects.get()
    for row in (contoso, connection, contoso.flows.first(), ConnectionReference.objects.first()):
        name = row._meta.model_name
        page = client.get(reverse(f"admin:connections_{name}_change", args=[row.pk]))
        assert page.status_code == 200
        content = page.content
        for harmless in (b"csrfmiddlewaretoken", b"csrf-token", b"css/tokens"):
            content = content.replace(harmless, b"")
        assert b"token" not in content


def test_only_who_manages_connections_comes_in(client, people, contoso):
    client.force_login(people.planner)
    assert client.get(reverse("admin:connections_flow_changelist")).status_code in (302, 403)


def test_only_the_it_administrator_changes_environments(client, people, contoso, settings):
    settings.ALLOWED_REMOTE_HOSTS = ["contoso.example", "login.example"]
    address = reverse("admin:connections_environment_change", args=[contoso.pk])
    values = {
        "name": "Renamed",
        "kind": "sandbox",
        "dataverse_url": "https://contoso.example",
        "tenant_id": "contoso.example",
        "authority": "https://login.example",
        "client_id": "00001111-aaaa-2222-bbbb-3333cccc4444",
        "linked_through": "dual-write",
    }
    client.force_login(people.owner)
    assert client.post(address, values).status_code == 403
    client.force_login(people.installer)
    assert client.post(address, values).status_code == 302
    contoso.refresh_from_db()
    assert (contoso.client_id, contoso.linked_through) == ("00001111-aaaa-2222-bbbb-3333cccc4444", "dual-write")
    assert contoso.name == "Contoso", "the name stays, here as on the page"
    entry = AuditEntry.objects.get(verb="set up environment")
    assert (entry.actor, entry.door) == (people.installer, "admin")
    assert "linked_through: virtual tables → dual-write" in entry.detail
    refused = client.post(address, values | {"dataverse_url": "https://evil.example"})
    assert b"The portal may not call evil.example:443." in refused.content
    contoso.refresh_from_db()
    assert contoso.dataverse_url == "https://contoso.example"
    assert client.post(reverse("admin:connections_environment_delete", args=[contoso.pk])).status_code == 403


def test_installing_is_the_operation_of_the_page(client, people, contoso):
    client.force_login(people.installer)
    chosen = {"action": "install_flows", "_selected_action": [contoso.pk]}
    page = client.post(reverse("admin:connections_environment_changelist"), chosen, follow=True)
    assert b"You have no Dataverse connection in Contoso." in page.content


def test_a_connection_is_removed_by_its_owner_or_who_manages_users(client, people, contoso):
    colleague = get_user_model().objects.create_user("colleague")
    colleague.groups.add(Group.objects.get(name=Role.ADMINISTRATOR.value))
    kept = Connection.objects.get()
    one = reverse("admin:connections_connection_delete", args=[kept.pk])
    several = {"action": "delete_selected", "_selected_action": [kept.pk], "post": "yes"}
    client.force_login(colleague)
    assert client.post(one, {"post": "yes"}).status_code == 403
    assert client.post(reverse("admin:connections_connection_changelist"), several).status_code == 403
    assert Connection.objects.get() == kept
    client.force_login(people.installer)
    assert client.post(reverse("admin:connections_connection_changelist"), several).status_code == 302
    assert not Connection.objects.exists()
    entry = AuditEntry.objects.get(verb="remove connection")
    assert (entry.actor, entry.door) == (people.installer, "admin")


def act(client, action, flow):
    return client.post(
        reverse("admin:connections_flow_changelist"),
        {"action": action, "_selected_action": [flow.pk]},
        follow=True,
    )


def test_ownership_and_state_follow_the_rules(client, people, contoso):
    client.force_login(people.owner)
    flow = queries.flow(environment=contoso, name=EXPORT_FLOW)
    assert b"You own the flows" in act(client, "take_ownership", flow).content
    assert {f.owner for f in contoso.flows.all()} == {people.owner}
    assert b"has no Dataverse connection" in act(client, "turn_on", flow).content
    reference = flow.references.get(kind=ConnectionKind.DATAVERSE)
    address = reverse("admin:connections_connectionreference_change", args=[reference.pk])
    assert client.post(address, {"connection": Connection.objects.get().pk}).status_code == 302
    act(client, "turn_on", flow)  # Dataverse is asked first, as the owner, who has never signed in
    assert not queries.flow(environment=contoso, name=EXPORT_FLOW).is_on
    assert b"is off" in act(client, "turn_off", flow).content


def test_a_slot_takes_no_foreign_connection(client, people, contoso):
    client.force_login(people.owner)
    reference = queries.flow(environment=contoso, name=EXPORT_FLOW).references.get()
    address = reverse("admin:connections_connectionreference_change", args=[reference.pk])
    page = client.post(address, {"connection": Connection.objects.get().pk})
    assert page.status_code == 200
    reference.refresh_from_db()
    assert reference.connection is None
