"""The first person of an empty portal, and the start page's list of what is left."""

from io import StringIO
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from bpp_portal.audit.models import AuditEntry
from bpp_portal.errors import administrators
from bpp_portal.first_steps import first_steps
from bpp_portal.kernel.roles import Role
from bpp_portal.management.commands.add_administrator import PASSWORD


def person(name, *roles):
    user = get_user_model().objects.create_user(name)
    user.groups.set(Group.objects.filter(name__in=[role.value for role in roles]))
    return user


def test_the_first_person_is_an_it_administrator(db, monkeypatch, client):
    monkeypatch.setenv(PASSWORD, "orchard-lantern-42")
    call_command("add_administrator", "alex", email="alex@contoso.example")
    user = get_user_model().objects.get()
    assert user.check_password("orchard-lantern-42")
    assert [group.name for group in user.groups.all()] == ["IT administrator"]
    assert AuditEntry.objects.filter(verb="set roles", after="IT administrator").exists()
    client.force_login(user)
    assert "/admin/auth/user/add/" in client.get("/").content.decode()


def test_a_weak_password_makes_nobody(db, monkeypatch):
    monkeypatch.setenv(PASSWORD, "password")
    with pytest.raises(CommandError, match="too short"):
        call_command("add_administrator", "alex")
    assert not get_user_model().objects.exists()


def test_who_exists_gets_the_role_and_keeps_the_password(db):
    user = get_user_model().objects.create_superuser("root", password="kept and long enough")
    call_command("add_administrator", "root")
    user.refresh_from_db()
    assert user.check_password("kept and long enough")
    assert user.groups.get().name == "IT administrator"


def test_without_a_terminal_it_says_where_the_password_goes(db, monkeypatch):
    monkeypatch.delenv(PASSWORD, raising=False)
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(CommandError, match="valid email"):
        call_command("add_administrator", "neu", email="notanemail")
    with pytest.raises(CommandError, match=f"no terminal to ask for the password on. Set it in {PASSWORD}"):
        call_command("add_administrator", "neu")
    assert not get_user_model().objects.exists()


def test_another_address_of_who_exists_is_refused(db):
    user = get_user_model().objects.create_user("installer", email="installer@contoso.example")
    with pytest.raises(CommandError, match=r"installer exists with another address. Change it in the administration"):
        call_command("add_administrator", "installer", email="x@y.example")
    assert not user.groups.exists()
    call_command("add_administrator", "installer", email="Installer@contoso.example")
    assert user.groups.exists()


def test_the_page_without_a_role_names_who_can_give_one(db, client):
    person("alex", Role.IT_ADMINISTRATOR)
    person("bea", Role.ADMINISTRATOR)
    assert administrators() == ["alex"]
    client.force_login(person("guest"))
    assert "Ask an IT administrator for one." in client.get("/").content.decode()


def test_each_step_offers_its_button_to_those_who_may(db):
    alex, bea = person("alex", Role.IT_ADMINISTRATOR), person("bea", Role.ADMINISTRATOR)
    for user, wanted in ((alex, True), (bea, False)):
        [step] = [step for step in first_steps(user=user) if step.state == "now"]
        assert (step.name, bool(step.address)) == ("Set up an environment", wanted)
    assert first_steps(user=person("viewer", Role.VIEWER)) == ()


def test_nothing_is_left_once_a_cube_is_published(world, oakland):
    assert first_steps(user=world.owner) == ()


def test_the_sign_in_page_offers_only_people_who_are_there(db, client):
    assert "Sign-ins of this demo" not in client.get("/accounts/login/").content.decode()
    person("planner", Role.POWER_USER)
    shown = client.get("/accounts/login/").content.decode()
    assert "demo-planner" in shown
    assert "demo-owner" not in shown


def test_a_person_is_added_with_address_and_role_at_once(db, client):
    client.force_login(person("alex", Role.IT_ADMINISTRATOR))
    role = Group.objects.get(name=Role.POWER_USER)
    content = {
        "username": "chris",
        "usable_password": "true",
        "password1": "orchard-lantern-42",
        "password2": "orchard-lantern-42",
        "email": "planner@contoso.example",
        "groups": [role.pk],
    }
    assert client.post("/admin/auth/user/add/", content).status_code == 302
    made = get_user_model().objects.get(username="chris")
    found = SimpleNamespace(email=made.email, roles=list(made.groups.all()))
    assert found == SimpleNamespace(email="planner@contoso.example", roles=[role])
    entry = AuditEntry.objects.get(verb="add in administration")
    assert "None" not in entry.before
