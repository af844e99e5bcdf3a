"""The administration keeps the rules of the pages: people, runs, dates (its set-up: connections/test_admin.py)."""

import re

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from bpp_portal.kernel.roles import Role
from exports.models import Run
from tests.world import export, work

pytestmark = pytest.mark.django_db
RUNS = "admin:exports_run_changelist"


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def act(client, action, *runs):
    chosen = {"action": action, "_selected_action": [run.pk for run in runs]}
    return text_of(client.post(reverse(RUNS), chosen, follow=True))


class TestPeople:
    @pytest.fixture(autouse=True)
    def signed_in(self, client, world):
        client.force_login(world.installer)

    def test_nobody_gives_themselves_a_role_or_ends_themselves(self, client, world):
        role = Group.objects.get(name=Role.ADMINISTRATOR.value)
        own = reverse("admin:auth_user_change", args=[world.installer.pk])
        assert (
            client.post(own, {"username": "installer", "email": "i@x.example", "groups": [role.pk]}).status_code == 302
        )
        world.installer.refresh_from_db()
        assert (world.installer.email, world.installer.is_active) == ("i@x.example", True)
        assert [group.name for group in world.installer.groups.all()] == [Role.IT_ADMINISTRATOR.value]
        delete = reverse("admin:auth_user_delete", args=[world.installer.pk])
        assert client.post(delete, {"post": "yes"}).status_code == 403
        several = {"action": "delete_selected", "_selected_action": [world.installer.pk], "post": "yes"}
        client.post(reverse("admin:auth_user_changelist"), several)
        world.installer.refresh_from_db()

    def test_a_colleague_gets_one_and_the_trail_says_so(self, client, world):
        role = Group.objects.get(name=Role.REVIEWER.value)
        address = reverse("admin:auth_user_change", args=[world.guest.pk])
        assert client.post(address, {"username": "guest", "is_active": "on", "groups": [role.pk]}).status_code == 302
        entry = AuditEntry.objects.get(verb="set roles", subject="user guest", door="admin")
        assert (entry.actor, entry.before, entry.after) == (world.installer, "no role", "Reviewer")

    def test_evidence_of_a_person_cannot_be_written(self, client, world):
        joined = world.guest.date_joined
        forged = {"date_joined_0": "2001-01-01", "date_joined_1": "00:00", "last_login_0": "2001-01-01"}
        address = reverse("admin:auth_user_change", args=[world.guest.pk])
        client.post(address, {"username": "guest", "is_active": "on", "last_login_1": "00:00"} | forged)
        world.guest.refresh_from_db()
        assert (world.guest.date_joined, world.guest.last_login) == (joined, None)

    def test_an_owner_of_connections_stays(self, client, world):
        address = reverse("admin:auth_user_delete", args=[world.owner.pk])
        page = text_of(client.post(address, {"post": "yes"}))
        assert "Cannot delete user" in page
        world.owner.refresh_from_db()

    def test_ones_own_password_asks_for_the_present_one(self, client, world):
        before = world.installer.password
        address = reverse("admin:auth_user_password_change", args=[world.installer.pk])
        new = {"password1": "a long enough new one", "password2": "a long enough new one"}
        assert client.post(address, new)["Location"] == reverse("account_change_password")
        world.installer.refresh_from_db()
        assert world.installer.password == before


class TestRuns:
    def test_who_reads_states_only_sees_no_cube_data(self, client, world, codes):
        run = work(export(world.planner, "codes/codes.json"))
        total = run.totals.first().amount
        texts = ["Line count", "Run totals", "Rounding difference", f"{total:f}"]
        pages = reverse(RUNS), reverse("admin:exports_run_change", args=[run.pk])
        for person, seen in ((world.owner, True), (world.installer, False)):
            client.force_login(person)
            page = " ".join(text_of(client.get(one)) for one in pages).replace("-", " ")
            assert run.entry_number.replace("-", " ") in page
            for text in texts:
                assert (text.lower() in page.lower()) is seen, (person, text)

    def test_texts_that_quote_the_cube_are_hidden_with_it(self, client, world, codes):
        run = export(world.planner, "codes/codes.json")
        client.force_login(world.installer)
        for code, seen in (("BRE-UNKNOWN-VALUE", False), ("finance-unreachable", True)):
            Run.objects.filter(pk=run.pk).update(code=code, cause="CANARY 4711", state="FAILED")
            page = text_of(client.get(reverse("admin:exports_run_change", args=[run.pk])))
            assert ("CANARY 4711" in page) is seen, code

    def test_a_run_is_stopped_and_retried_by_the_operations(self, client, world, codes):
        run, failed = (export(world.planner, "codes/codes.json") for _ in range(2))
        Run.objects.filter(pk=failed.pk).update(state="FAILED")
        client.force_login(world.owner)
        page = act(client, "stop", run, failed)
        assert f"{run}: cancelled, nothing was sent." in page
        assert f"{failed}: this cannot be done in its present state." in page
        assert f"{failed}: sent again." in act(client, "send_again", failed)
        assert [Run.objects.get(pk=one.pk).state for one in (run, failed)] == ["CANCELLED", "REQUESTED"]
        for verb in ("cancel", "retry"):
            entry = AuditEntry.objects.get(verb=verb)
            assert (entry.actor, entry.door) == (world.owner, "admin")

    def test_who_may_not_export_has_no_such_action(self, client, world, codes):
        run = export(world.planner, "codes/codes.json")
        client.force_login(world.installer)
        page = act(client, "stop", run)
        assert "Cancel, or ask to stop" not in page
        assert Run.objects.get().state == "REQUESTED"
        world.installer.groups.set([Group.objects.get(name=Role.POWER_USER.value)])
        assert client.post(reverse(RUNS), {"action": "stop", "_selected_action": [run.pk]}).status_code == 302
        assert Run.objects.get().state == "REQUESTED"

    def test_nothing_of_a_run_can_be_edited(self, client, world, codes):
        run = export(world.planner, "codes/codes.json")
        client.force_login(world.owner)
        address = reverse("admin:exports_run_change", args=[run.pk])
        assert client.post(address, {"state": "SUCCEEDED"}).status_code == 403
        assert "delete_selected" not in text_of(client.get(reverse(RUNS)))


def test_times_stand_as_on_the_pages(client, world):
    client.force_login(world.owner)
    page = text_of(client.get(reverse("admin:audit_auditentry_changelist")))
    assert re.search(r"\b\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d\b", page)
    assert "a.m." not in page
    assert "p.m." not in page
