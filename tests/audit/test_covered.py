"""What the trail covers: sign-ins, roles, accounts, configuration, ownership, every move of a run; and from where."""

from base64 import b64encode

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from bpp_portal.audit import origin
from bpp_portal.audit.models import AuditEntry
from bpp_portal.audit.queries import check_chain
from bpp_portal.kernel.roles import Role
from connections import operations
from connections.models import Environment
from exports.models import RunEvent

pytestmark = pytest.mark.django_db
PASSWORD = "right and long enough"


@pytest.fixture(autouse=True)
def no_attempts_yet(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    yield
    cache.clear()
    assert check_chain() is None


@pytest.fixture
def planner(db):
    return get_user_model().objects.create_user("planner", "planner@contoso.example", PASSWORD)


@pytest.fixture
def installer(db):
    user = get_user_model().objects.create_user("installer", password=PASSWORD)
    user.groups.add(Group.objects.get(name=Role.IT_ADMINISTRATOR))
    return user


def sign_in(client, name, password, **headers):
    return client.post(reverse("account_login"), {"login": name, "password": password}, **headers)


def last(**wanted) -> AuditEntry:
    return AuditEntry.objects.filter(**wanted).order_by("-seq")[0]


def test_signing_in_and_out(client, planner):
    sign_in(client, "planner", PASSWORD, REMOTE_ADDR="10.1.2.3")
    entry = last()
    assert (entry.verb, entry.subject, entry.actor, entry.actor_name) == ("sign in", "user planner", planner, "planner")
    assert (entry.door, entry.ip) == ("page", "10.1.2.3")
    client.post("/accounts/logout/")
    entry = last()
    assert (entry.verb, entry.actor) == ("sign out", planner)


def test_a_header_that_anybody_can_send_is_no_address(client, planner, settings):
    sign_in(client, "planner", PASSWORD, HTTP_X_FORWARDED_FOR="10.9.9.9")
    assert last().ip == "127.0.0.1"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    sign_in(Client(), "planner", PASSWORD, HTTP_X_FORWARDED_FOR="10.6.6.6, 10.9.9.9")
    assert last().ip == "10.9.9.9"


def test_refused_and_locked_sign_ins(client, planner):
    for _ in range(5):
        sign_in(client, "planner", "wrong")
    assert AuditEntry.objects.filter(verb="sign-in refused", subject="user planner", actor=None).count() == 5
    sign_in(client, "planner", PASSWORD)
    assert (last().verb, last().subject) == ("sign-in locked", "user planner")


def test_a_password_in_the_field_of_the_name_stays_out_of_the_trail(client, planner):
    sign_in(client, PASSWORD, "wrong")
    assert (last().verb, last().subject) == ("sign-in refused", "an unknown name")


def test_a_wrong_second_factor(client, planner):
    TOTP.activate(planner, "JBSWY3DPEHPK3PXP")
    sign_in(client, "planner", PASSWORD)
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert (last().verb, last().subject) == ("second factor refused", "user planner")


def test_the_api_refuses_through_its_own_door(client, planner):
    header = "Basic " + b64encode(b"planner:wrong").decode()
    client.get("/api/v1/cubes/", HTTP_AUTHORIZATION=header)
    assert (last().verb, last().door) == ("sign-in refused", "api")


def user_form(user, **changes) -> dict:
    joined = user.date_joined
    return {
        "username": user.username,
        "email": user.email,
        "is_active": "on",
        "date_joined_0": f"{joined:%Y-%m-%d}",
        "date_joined_1": f"{joined:%H:%M:%S}",
    } | changes


def test_roles_given_in_the_administration(client, planner, installer):
    client.force_login(installer)
    role = Group.objects.get(name=Role.POWER_USER)
    address = reverse("admin:auth_user_change", args=[planner.pk])
    assert client.post(address, user_form(planner, groups=[role.pk])).status_code == 302
    entry = last(verb="set roles", subject="user planner")
    assert (entry.before, entry.after) == ("no role", "Power User")
    assert (entry.actor, entry.door) == (installer, "admin")
    assert client.post(address, user_form(planner)).status_code == 302
    entry = last(verb="set roles", subject="user planner")
    assert (entry.before, entry.after) == ("Power User", "no role")


def test_roles_given_from_any_side(planner):
    role, other = Group.objects.filter(name__in=[Role.VIEWER, Role.REVIEWER]).order_by("name")
    role.user_set.add(planner)
    assert last().after == "Reviewer"
    planner.groups.set([other])
    assert last().after == "Viewer"
    other.user_set.clear()
    assert (last().before, last().after) == ("Viewer", "no role")
    count = AuditEntry.objects.count()
    planner.groups.remove(other)
    assert AuditEntry.objects.count() == count, "nothing changed"


def test_accounts(client, planner, installer):
    client.force_login(installer)
    address = reverse("admin:auth_user_change", args=[planner.pk])
    form = user_form(planner, email="p@contoso.example")
    del form["is_active"]
    assert client.post(address, form).status_code == 302
    entry = last(verb="change user")
    assert entry.before == "email: planner@contoso.example\nis_active: True"
    assert entry.after == "email: p@contoso.example\nis_active: False"
    assert (entry.actor, entry.subject) == (installer, "user planner")


def test_a_new_password_leaves_neither_itself_nor_its_hash(client, planner, installer):
    client.force_login(installer)
    address = reverse("admin:auth_user_password_change", args=[planner.pk])
    new = "another and longer one"
    assert client.post(address, {"password1": new, "password2": new, "usable_password": "true"}).status_code == 302
    entry = last(verb="change user")
    assert entry.after == "password: (not kept)"
    planner.refresh_from_db()
    everything = "\n".join(f"{row.detail}{row.before}{row.after}" for row in AuditEntry.objects.all())
    assert new not in everything
    assert planner.password not in everything


def test_configuration_in_the_administration(client, installer, settings):
    settings.ALLOWED_REMOTE_HOSTS = ["fabrikam.example", "login.example"]
    client.force_login(installer)
    environment = Environment.objects.create(
        name="Contoso", dataverse_url="https://contoso.example", tenant_id="t", authority="https://login.example"
    )
    values = {"name": "Contoso", "kind": "sandbox", "dataverse_url": "https://fabrikam.example"}
    values |= {"authority": "https://login.example", "linked_through": "virtual tables"}
    values |= {"tenant_id": "contoso.example", "client_id": "00001111-aaaa-2222-bbbb-3333cccc4444"}
    address = reverse("admin:connections_environment_change", args=[environment.pk])
    assert client.post(address, values).status_code == 302
    entry = last(verb="change in administration")
    assert "dataverse_url: https://contoso.example" in entry.before
    assert "dataverse_url: https://fabrikam.example" in entry.after
    nobody = get_user_model().objects.create_user("nobody")
    delete = reverse("admin:auth_user_delete", args=[nobody.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 302
    assert last().subject == "user nobody"
    assert last().verb == "delete in administration"


def test_ownership_with_before_and_after(people):
    environment = Environment.objects.create(
        name="Contoso", dataverse_url="https://contoso.example", tenant_id="t", authority="https://login.example"
    )
    operations.install_flows(actor=people.installer, environment=environment)
    operations.take_ownership(actor=people.owner, environment=environment)
    entry = last(verb="take ownership")
    assert (entry.actor, entry.before, entry.after) == (people.owner, "owner: installer", "owner: owner")
    assert entry.door == "command"
    operations.save_environment(actor=people.owner, name="Contoso", dataverse_url="https://fabrikam.example")
    assert last().before == "dataverse_url: https://contoso.example"
    assert last().after == "dataverse_url: https://fabrikam.example"


def test_every_move_of_a_run(world, codes):
    from tests.world import export, work

    run = work(export(world.planner, "codes/codes.json"))
    events = RunEvent.objects.filter(run=run).order_by("seq")
    entries = AuditEntry.objects.filter(verb="move run", subject=f"run {run.uuid}").order_by("seq")
    assert len(events) > 5
    assert [(event.old_state, event.new_state, event.actor) for event in events] == [
        (entry.before, entry.after, entry.actor) for entry in entries
    ]
    assert all(entry.detail.startswith(run.entry_number) for entry in entries)


def test_background_tasks_come_through_the_door_of_the_worker():
    from django_q.signals import pre_execute

    token = origin._door.set(origin.Door.COMMAND)
    try:
        pre_execute.send(sender="django_q", func=None, task={})
        assert origin.present().door is origin.Door.WORKER
    finally:
        origin._door.reset(token)


def test_commands_come_through_their_own_door():
    operations.save_environment(actor=None, name="Contoso", dataverse_url="https://contoso.example")
    assert (last().door, last().ip, last().actor) == ("command", "", None)
