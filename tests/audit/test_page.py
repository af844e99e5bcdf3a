"""The page of the trail: who may read it, its filters, the state of the chain."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import reverse

from bpp_portal.audit import triggers
from bpp_portal.audit.models import AuditEntry
from bpp_portal.audit.operations import record
from bpp_portal.kernel.roles import Role
from tests.world import export

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client, django_user_model):
    user = django_user_model.objects.create_user("reviewer")
    user.groups.add(Group.objects.get(name=Role.REVIEWER))
    client.force_login(user)
    return user


def shown(client, **query) -> str:
    return client.get(reverse("audit:trail"), query).content.decode()


def test_entries_stand_with_all_that_they_say(client, reader):
    record(actor=reader, verb="take ownership", subject="Flow", detail="all", before="owner: a", after="owner: <b>")
    page = shown(client)
    for text in ("take ownership", "owner: a", "owner: &lt;b&gt;", "reviewer", "Command", "Chain holds"):
        assert text in page


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ({"who": "reviewer"}, False),
        ({"who": "-"}, True),
        ({"verb": "publish"}, True),
        ({"verb": "load"}, False),
        ({"q": "cube plan"}, True),
        ({"q": "cube other"}, False),
        ({"since": "2020-01-01", "until": "2020-01-02"}, False),
        ({"since": "2020-01-01"}, True),
        ({"since": "not a day", "until": "2020-99-99", "number": "x"}, True),
    ],
    ids=str,
)
def test_filters(client, reader, query, there):
    record(actor=None, verb="publish", subject="cube plan", detail="from contoso.json")
    assert ("from contoso.json" in shown(client, **query)) is there


def test_the_page_of_a_run_leads_to_its_entries(client, world, codes):
    run, other = (export(world.planner, "codes/codes.json") for _ in range(2))
    for person, reads in ((world.reviewer, True), (world.owner, True), (world.planner, False)):
        client.force_login(person)
        page = client.get(reverse("exports:run", args=[run.entry_number])).content.decode()
        link = f"{reverse('audit:trail')}?q={run.uuid}"
        assert (link in page) is reads, person
        if reads:
            trail = client.get(link).content.decode()
            assert f"run {run.uuid}" in trail
            assert f"as {run.entry_number}" in trail
            assert str(other.uuid) not in trail


def test_nothing_found_and_nothing_there(client, reader):
    assert "No entry matches." in shown(client, q="nothing of the kind")
    page = shown(client, number=AuditEntry.objects.latest("seq").seq)
    assert "sign in" in page


def test_a_broken_chain_is_said_on_the_page(client, reader):
    entry = record(actor=None, verb="publish", subject="cube plan")
    with triggers.lifted(connection), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {triggers.TABLE} SET subject = 'x' WHERE seq = {entry.seq}")
    page = shown(client)
    assert "Chain broken" in page
    assert f"The audit trail cannot be trusted from entry {entry.seq} on" in page


def test_the_administration_shows_it_read_only(client, reader):
    reader.groups.add(Group.objects.get(name=Role.ADMINISTRATOR))
    entry = record(actor=None, verb="publish", subject="cube plan")
    address = reverse("admin:audit_auditentry_change", args=[entry.pk])
    assert client.get(address).status_code == 200
    assert client.post(address, {"verb": "x"}).status_code == 403
    assert client.post(reverse("admin:audit_auditentry_delete", args=[entry.pk]), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in client.get(reverse("admin:audit_auditentry_changelist")).content.decode()
