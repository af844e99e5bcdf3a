"""The readiness page, its fixes, its command, what is remembered, and how long a check takes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from bpp_portal.kernel.roles import Role
from connections import entra, operations
from connections.models import Connection, Environment, ReadinessCheck
from connections.operations.readiness import _keep, check_again
from connections.queries.readiness import check
from connections.queries.readiness.remembered import remembered
from connections.rules.flows import COUNT_FLOW
from connections.rules.readiness import Report, Row, State
from connections.tasks import check_readiness

VARIABLE = "environment-variables/msdyn_xpna_BPPAppFinOpsURI"
PAGE, CHECK, FIX = "/readiness/", "/readiness/check/", "/readiness/fix/"
DUTY = "Duty Inquire into dimension parameters master, flow owner"


def text_of(answer) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.fixture
def without_duty(sandbox, world):
    sandbox.put("users/owner", {"roles": ["Data management operations user"]})


class TestThePage:
    def test_the_first_visit_starts_a_check(self, client, world):
        client.force_login(world.planner)
        html = text_of(client.get(PAGE))
        assert "Not checked yet." in html
        assert 'hx-trigger="load"' in html
        assert not ReadinessCheck.objects.exists()

    def test_a_check_names_error_cause_next_step_and_who_can(self, client, world, without_duty):
        client.force_login(world.planner)
        html = text_of(client.post(CHECK, follow=True))
        assert "Not ready" in html
        assert "An export started now would fail with <b>Access denied when reading dimension parameters</b>" in html
        assert "In Finance, add the duty Inquire into dimension parameters master to a custom role" in html
        assert "A security administrator in Finance." in html
        assert "Copy request for the security administrator" in html
        assert f"Waits for {DUTY}" in html
        assert html.index("People and Finance roles") < html.index("Virtual entities")

    def test_it_shows_the_last_result_without_asking_anybody(self, client, world, sandbox):
        client.force_login(world.planner)
        client.post(CHECK)
        before = sandbox.get("requests")["count"]
        html = text_of(client.get(PAGE))
        assert "37 of 38 passed, 1 not checked." in html
        assert sandbox.get("requests")["count"] == before

    def test_htmx_gets_the_report_only(self, client, world):
        client.force_login(world.planner)
        html = text_of(client.post(CHECK, headers={"HX-Request": "true"}))
        assert html.startswith('<div id="readiness"')

    def test_each_legal_entity_has_its_own(self, client, world):
        client.force_login(world.planner)
        client.post(CHECK, {"legal_entity": "DEMF"})
        assert "1 active, 1 stopped in DEMF" in text_of(client.get(f"{PAGE}?legal_entity=DEMF"))
        assert "Not checked yet." in text_of(client.get(f"{PAGE}?legal_entity=USMF"))

    def test_what_fails_for_others_only_is_a_warning(self, client, world, sandbox):
        sandbox.put("users/planner", {"roles": []})
        other = get_user_model().objects.create_user("other", "reviewer@contoso.example")
        other.groups.add(Group.objects.get(name=Role.POWER_USER.value))
        sandbox.put("rows/SystemUsers", {"UserID": "reviewer", "Alias": "reviewer@contoso.example", "Enabled": 1})
        sandbox.put("users/reviewer", {"enabled": True, "roles": ["Data management operations user"]})
        report = check_again(environment=Environment.objects.get())
        assert report.row("exporter-role").state is State.WARNING
        assert "planner lacks the role" in report.row("exporter-role").found
        for user, ready in ((world.planner, False), (other, True)):
            client.force_login(user)
            assert ("Not ready" not in text_of(client.get(PAGE))) is ready

    def test_without_an_environment_it_says_so(self, client, world):
        Environment.objects.all().delete()
        client.force_login(world.owner)
        assert "No environment is set up." in text_of(client.get(PAGE))


ROLES = [*Role, None]


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_every_role_may_read_and_only_administrators_fix(client, people, role):
    """No environment is needed: a fix that is refused answers 403, one that is let in finds nothing to mend."""
    user = get_user_model().objects.create_user("somebody")
    if role:
        user.groups.add(Group.objects.get(name=role.value))
    client.force_login(user)
    administers = role in (Role.ADMINISTRATOR, Role.IT_ADMINISTRATOR)
    assert client.get(PAGE).status_code == (200 if role else 403)
    assert client.post(CHECK).status_code == (302 if role else 403)
    assert client.post(FIX, {"key": "variable"}).status_code == (404 if administers else 403)


def test_who_is_not_signed_in_is_sent_to_the_sign_in(client, db):
    for method, path in ((client.get, PAGE), (client.post, CHECK), (client.post, FIX)):
        assert method(path)["Location"].startswith("/accounts/login/")


class TestFixes:
    @pytest.fixture
    def owner(self, client, world):
        client.force_login(world.owner)
        return client

    def test_an_entity_is_made_visible(self, owner, sandbox):
        sandbox.put("virtual-entities/BudgetCodeEntity", {"visible": False})
        assert "Make visible" in text_of(owner.post(CHECK, follow=True))
        html = text_of(owner.post(FIX, {"key": "entity-BudgetCodeEntity"}, follow=True))
        assert "Dataverse makes BudgetCodeEntity visible." in html
        assert "37 of 38 passed" in html
        assert AuditEntry.objects.filter(verb="make visible", subject__contains="BudgetCodeEntity").exists()

    def test_the_variable_is_set(self, owner, sandbox):
        address = sandbox.get("facts")["finance_url"]
        sandbox.put(VARIABLE, {"value": None})
        assert "Set the variable" in text_of(owner.post(CHECK, follow=True))
        html = text_of(owner.post(FIX, {"key": "variable", "value": address}, headers={"HX-Request": "true"}))
        assert "37 of 38 passed" in html
        assert AuditEntry.objects.filter(verb="set variable", detail=f"empty → {address}").exists()

    @pytest.mark.parametrize("value", ["", "http://localhost", "https://evil.example", "https://localhost:1/data"])
    def test_an_address_that_may_not_be_called_is_refused(self, owner, sandbox, value):
        before = sandbox.get("requests")["count"]
        html = text_of(owner.post(FIX, {"key": "variable", "value": value}, headers={"HX-Request": "true"}))
        assert "msgbar-danger" in html
        assert sandbox.get("requests")["count"] == before

    def test_a_flow_is_turned_on(self, owner, world):
        about = {"actor": world.owner, "environment": Environment.objects.get(), "name": COUNT_FLOW}
        operations.turn_off(**about)
        assert "The flow is turned off" in text_of(owner.post(CHECK, follow=True))
        assert "37 of 38 passed" in text_of(owner.post(FIX, {"key": f"on-{COUNT_FLOW}"}, follow=True))

    def test_nobody_borrows_the_rights_of_the_flow_owner(self, client, world, sandbox):
        sandbox.put("virtual-entities/BudgetCodeEntity", {"visible": False})
        client.force_login(world.installer)
        html = text_of(client.post(FIX, {"key": "entity-BudgetCodeEntity"}, headers={"HX-Request": "true"}))
        assert "You have no Dataverse connection in Sandbox. Connect Dataverse first." in html
        assert not AuditEntry.objects.filter(verb="make visible").exists()

    @pytest.mark.parametrize("key", ["owner-role", "nothing", ""])
    def test_what_the_portal_must_not_mend_has_no_button(self, owner, key):
        assert owner.post(FIX, {"key": key}).status_code == 404

    def test_a_planner_sees_no_button_to_mend(self, client, world, sandbox):
        sandbox.put("virtual-entities/BudgetCodeEntity", {"visible": False})
        client.force_login(world.planner)
        assert "Make visible" not in text_of(client.post(CHECK, follow=True))


class TestRemembering:
    def test_a_change_goes_to_the_trail_once(self, world, sandbox):
        def verbs():
            return list(AuditEntry.objects.filter(verb__in=["ready", "not ready"]).values_list("verb", "detail"))[::-1]

        check_readiness()
        check_readiness()
        sandbox.put("users/owner", {"roles": ["Data management operations user"]})
        check_readiness()
        check_readiness()
        assert verbs() == [("ready", "every precondition is met"), ("not ready", f"fails: {DUTY}")]

    def test_what_is_kept_is_what_was_found(self, world, without_duty):
        environment = Environment.objects.get()
        report = check_again(environment=environment)
        assert remembered(environment=environment) == report
        assert ReadinessCheck.objects.get().rows.count() == len(report.rows)

    def test_an_older_check_does_not_replace_a_newer_one(self, world):
        environment = Environment.objects.get()
        old = check(environment=environment)
        new = check_again(environment=environment)
        _keep(environment, old, None, None)
        assert remembered(environment=environment) == new

    def test_a_legal_entity_that_finance_does_not_have_is_never_kept(self, world, sandbox):
        environment = Environment.objects.get()
        sandbox.put("virtual-entities/LedgerEntity", {"visible": False})
        assert check_again(environment=environment, legal_entity="NONE").legal_entity == ""
        sandbox.put("virtual-entities/LedgerEntity", {"visible": True})
        assert check_again(environment=environment, legal_entity="NONE").legal_entity == "USMF"
        assert check_again(environment=environment, legal_entity="NONE").legal_entity == "USMF"
        assert set(ReadinessCheck.objects.values_list("legal_entity", flat=True)) == {"", "USMF"}


def test_a_server_that_never_answers_is_given_up(world, sandbox, settings):
    settings.READINESS_ANSWER = 0.5
    sandbox.faults({"call": "SystemUsers", "kind": "trickle", "times": None})
    report = check(environment=Environment.objects.get())
    assert [row.key for row in report.failing] == ["finance"]
    assert report.row("owner-user").waits_for == "finance"
    assert report.seconds < 5


def test_the_words_of_a_report_and_its_rows():
    host = Row("variable", State.FAILS, "May not be called.", "Who runs the portal can add the host, if it is yours.")
    format_row = Row("dimension-format", State.FAILS, "None")
    assert (host.who, host.told) == ("Who runs the portal.", "May not be called.")
    assert (format_row.who, format_row.told) == (format_row.about.who, "None.")
    report = Report("USMF", ("USMF",), (host, format_row), datetime.now(UTC), 1.0)
    assert report.summary == "0 of 2 passed, 2 failed."
    assert replace(report, rows=(host,)).summary == "0 of 1 passed, 1 failed."


class TestTheCommand:
    def test_all_is_well(self, world, capsys):
        call_command("readiness", "--json")
        printed = json.loads(capsys.readouterr().out)
        assert (printed["ready"], printed["legal_entity"], printed["counts"]["Passed"]) == (True, "USMF", 37)

    def test_something_fails(self, world, without_duty, capsys):
        with pytest.raises(SystemExit, match="1"):
            call_command("readiness", environment="Sandbox", json=True)
        rows = {row["key"]: row for row in json.loads(capsys.readouterr().out)["preconditions"]}
        assert rows["owner-duty"]["text"] == "Access denied when reading dimension parameters"
        assert rows["delimiter"]["waits_for"] == "owner-duty"
        with pytest.raises(SystemExit, match="1"):
            call_command("readiness")
        assert "An export started now would fail with: Access denied when" in capsys.readouterr().out

    def test_a_warning_does_not_say_that_an_export_would_fail(self, world, sandbox, capsys):
        sandbox.put("virtual-entities/DataManagementDefinitionGroupEntity", {"visible": False})
        call_command("readiness")
        printed = capsys.readouterr().out
        assert "The documented error is: Unable to load Finance entity definitions" in printed
        assert "An export started now would fail" not in printed

    def test_an_unknown_environment_is_named(self, world):
        with pytest.raises(CommandError, match="There is no environment Elsewhere"):
            call_command("readiness", environment="Elsewhere")

    def test_an_unknown_legal_entity_is_named(self, world):
        with pytest.raises(CommandError, match="Finance has no legal entity NONE"):
            call_command("readiness", legal_entity="NONE")

    def test_without_any_environment(self, db):
        with pytest.raises(CommandError, match="No environment is set up"):
            call_command("readiness")


def test_a_check_with_a_cold_cache_and_slow_answers_takes_less_than_three_seconds(world, sandbox):
    """No token is kept: they are too short to be kept. Each call takes 100 ms more."""
    environment = Environment.objects.get()
    sandbox.faults({"call": "*", "kind": "delay", "seconds": 0.1, "times": None}, token_seconds=200)
    for connection in Connection.objects.all():
        connection.environment = environment
        entra.token_for(connection, environment.dataverse_url.rstrip("/"), refresh=True)
    before = sandbox.get("requests")["count"]
    report = check(environment=environment)
    calls = sandbox.get("requests")["count"] - before
    assert report.ready
    assert calls >= 25
    assert report.seconds < 3, (report.seconds, calls)
    print(f"{calls} calls in {report.seconds:.2f} s")


class TestTheExportPane:
    @pytest.fixture
    def pane(self, client, oakland, world):
        from exports.forms import form_data
        from tests.world import configuration

        client.force_login(world.planner)
        data = form_data(configuration("oakland/fire-police-finance.json").configuration)
        return lambda: text_of(client.post(reverse("pane:open", args=[oakland.slug]), data | {"action": "refresh"}))

    def test_it_says_what_the_last_check_found(self, pane, sandbox):
        assert "Readiness is not checked yet for USMF." in pane()
        check_again(environment=Environment.objects.get(), legal_entity="USMF")
        assert "37 of 38 readiness checks passed" in pane()
        sandbox.put("users/owner", {"roles": ["Data management operations user"]})
        check_again(environment=Environment.objects.get(), legal_entity="USMF")
        html = pane()
        assert "An export started now would fail with <b>Access denied when reading dimension parameters</b>" in html
