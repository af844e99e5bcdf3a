"""The mission's *Validation and troubleshooting* table, row by row, caused at the sandbox, read on the page."""

import json
from decimal import Decimal
from html import unescape

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from exports.models import Run
from exports.rules.states import State
from tests.world import SAMPLES, configuration, entry, export, work

URI = "environment-variables/msdyn_xpna_BPPAppFinOpsURI"


def page_of(client, run) -> str:
    answer = client.get(reverse("exports:run", args=[run.entry_number]))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def by_command(tmp_path, **changes):
    data = json.loads((SAMPLES / "oakland" / "fire-police-finance.json").read_text()) | changes
    path = tmp_path / "configuration.json"
    path.write_text(json.dumps(data))
    with pytest.raises(SystemExit, match="3"):  # accepted, not finished
        call_command("export_budget", str(path), user="planner", json=True)
    return Run.objects.latest("pk")


def form_of(name: str, **changes) -> dict[str, object]:
    """The pane's form as a browser posts it."""
    from exports.forms import form_data

    return form_data(configuration(name, **changes).configuration)


def mapping_without(target: str) -> dict:
    data = json.loads((SAMPLES / "oakland" / "fire-police-finance.json").read_text())["mapping"]
    return {name: source for name, source in data.items() if name != target}


@pytest.fixture
def planner_page(client, world):
    client.force_login(world.planner)
    return client


def post_pane(client, data) -> str:
    address = reverse("pane:open", args=["city-of-oakland-adopted-budget"])
    answer = client.post(address, data | {"action": "export"}, follow=True)
    return unescape(answer.content.decode())


class TestMissingRequiredFieldMapping:
    """The system displays a validation message and prevents export until all required fields are mapped."""

    text = "Fund is not mapped. Choose a cube column."

    def test_on_the_page(self, planner_page, oakland):
        html = post_pane(planner_page, form_of("oakland/fire-police-finance.json", mapping=mapping_without("Fund")))
        assert self.text in html
        assert not Run.objects.exists()

    def test_by_command(self, oakland, tmp_path):
        with pytest.raises(CommandError, match="Fund is not mapped"):
            by_command(tmp_path, mapping=mapping_without("Fund"))
        assert not Run.objects.exists()


class TestInvalidDataTypeOrValue:
    """The system highlights the affected field and prompts correction before proceeding."""

    wrong = {"Date": {"column": "Fund.Code"}}

    def test_on_the_page(self, planner_page, oakland):
        mapping = mapping_without("Date") | self.wrong
        html = post_pane(planner_page, form_of("oakland/fire-police-finance.json", mapping=mapping))
        assert "Fund.Code is text. Date needs a column of type Date." in html
        assert 'aria-invalid="true"' in html
        assert not Run.objects.exists()

    def test_by_command(self, oakland, tmp_path):
        with pytest.raises(
            CommandError, match=r"mapping-Date: Fund\.Code is text\. Date needs a column of type Date\."
        ):
            by_command(tmp_path, mapping=mapping_without("Date") | self.wrong)

    def test_a_value_that_finance_does_not_know(self, sandbox, oakland, tmp_path):
        sandbox.call(
            "DELETE",
            "rows/FinancialDimensionValues",
            {"FinancialDimension": "Fund", "LegalEntityId": "USMF", "DimensionValue": "1010"},
        )
        with pytest.raises(CommandError, match=r"mapping-Fund: Finance has no Fund 1010 \(.* rows\) in USMF"):
            by_command(tmp_path)


class TestCubeGranularityLowerThanBudgetModel:
    """Values are aggregated automatically to the correct budget model level before exporting."""

    def test_by_command(self, oakland, tmp_path, sandbox):
        run = work(by_command(tmp_path))
        assert (run.cube_rows, run.line_count) == (4069, 314)
        assert len(entry(sandbox, run)["lines"]) == 314

    def test_on_the_page(self, planner_page, oakland):
        post_pane(planner_page, form_of("oakland/fire-police-finance.json"))
        run = work(Run.objects.get())
        html = page_of(planner_page, run)
        assert "4,069" in html
        assert "314" in html


class TestMissingFinanceConnectionUrlVariable:
    """The export fails with *Finance service not reachable*."""

    def test_by_command(self, world, oakland, sandbox, tmp_path):
        sandbox.put(URI, {"value": None})
        run = work(by_command(tmp_path))
        assert (run.state, run.headline) == (State.FAILED, "Finance service not reachable")
        assert "msdyn_xpna_BPPAppFinOpsURI" in run.hint
        assert run.retries_used == 0

    def test_on_the_page(self, planner_page, oakland, sandbox):
        data = form_of("oakland/fire-police-finance.json")
        sandbox.put(URI, {"value": None})
        post_pane(planner_page, data)
        html = page_of(planner_page, work(Run.objects.get()))
        assert "Finance service not reachable" in html
        assert "msdyn_xpna_BPPAppFinOpsURI" in html


class TestMissingFinanceUserRoles:
    """The export fails with *No permission to execute Finance operation*."""

    @pytest.mark.parametrize("user", ["owner", "planner"])
    def test_by_command(self, world, oakland, sandbox, tmp_path, user):
        sandbox.put(f"users/{user}", {"roles": []})
        run = work(by_command(tmp_path))
        assert (run.state, run.headline) == (State.FAILED, "No permission to execute Finance operation")
        assert run.retries_used == 0
        assert not sandbox.get("register-entries", legalEntity="USMF")["entries"]

    def test_on_the_page(self, planner_page, oakland, sandbox):
        data = form_of("oakland/fire-police-finance.json")
        sandbox.put("users/planner", {"roles": []})
        post_pane(planner_page, data)
        assert "No permission to execute Finance operation" in page_of(planner_page, work(Run.objects.get()))

    def test_a_start_that_finance_forbids_is_tried_once(self, world, oakland, sandbox, tmp_path):
        sandbox.faults({"call": "ImportFromPackage", "kind": "status", "status": 403, "times": None})
        run = work(by_command(tmp_path))
        assert (run.state, run.headline) == (State.FAILED, "No permission to execute Finance operation")
        assert run.retries_used == 0
        assert len(sandbox.requests("ImportFromPackage")) == 1

    def test_the_export_user_does_not_exist_in_finance(self, world, oakland, sandbox, tmp_path):
        sandbox.put("users/planner", {"enabled": False})
        assert work(by_command(tmp_path)).headline == "No permission to execute Finance operation"

    def test_without_the_duty_the_sharper_cause_stands_under_it(self, world, oakland, sandbox, tmp_path):
        sandbox.put("users/owner", {"roles": ["Data management operations user"]})
        run = work(by_command(tmp_path))
        assert run.headline == "No permission to execute Finance operation"
        assert "Access denied when reading dimension parameters" in run.cause


class TestExportCompletedSuccessfully:
    """A toast notification confirms budget register entries created successfully."""

    def test_on_the_page(self, planner_page, oakland):
        post_pane(planner_page, form_of("oakland/fire-police-finance.json"))
        assert "Budget register entries created successfully" in page_of(planner_page, work(Run.objects.get()))

    def test_by_command(self, world, oakland, tmp_path, capsys):
        run = work(by_command(tmp_path))
        assert run.state == State.SUCCEEDED
        printed = json.loads(capsys.readouterr().out)
        assert printed["run_id"] == str(run.uuid)
        assert "amount" not in printed["totals"] or Decimal(printed["totals"]["amount"])


class TestExportFailedAfterMultipleRetries:
    """The system retries the export five times before failing."""

    refused = {"call": "ImportFromPackage", "kind": "status", "status": 503, "times": None}

    def test_by_command_counted_at_the_sandbox(self, world, oakland, sandbox, tmp_path):
        sandbox.faults(self.refused)
        run = work(by_command(tmp_path))
        assert (run.state, run.retries_used) == (State.FAILED, 5)
        assert len(sandbox.requests("ImportFromPackage")) == 6
        assert "The export failed after 5 retries." in run.cause
        assert "contact your administrator or Microsoft support" in run.hint

    def test_five_failures_then_success(self, world, oakland, sandbox, tmp_path):
        sandbox.faults(self.refused | {"times": 5})
        run = work(by_command(tmp_path))
        assert (run.state, run.retries_used) == (State.SUCCEEDED, 5)
        assert len(sandbox.requests("ImportFromPackage")) == 6

    def test_an_upload_that_never_works(self, world, oakland, sandbox, tmp_path):
        sandbox.faults({"call": "GetAzureWriteUrl", "kind": "status", "status": 503, "times": None})
        run = work(by_command(tmp_path))
        assert (run.state, run.headline) == (State.FAILED, "Finance service not reachable")
        assert len(sandbox.requests("GetAzureWriteUrl")) == 6

    def test_on_the_page(self, planner_page, oakland, sandbox):
        data = form_of("oakland/fire-police-finance.json")
        sandbox.faults(self.refused)
        post_pane(planner_page, data)
        html = page_of(planner_page, work(Run.objects.get()))
        assert "The export failed after 5 retries." in html


def test_waiting_for_retry_after_is_no_retry(world, oakland, sandbox):
    sandbox.faults({"call": "ImportFromPackage", "kind": "status", "status": 429, "retry_after": "1", "times": 7})
    run = work(export(world.planner, "oakland/fire-police-finance.json"))
    assert (run.state, run.retries_used) == (State.SUCCEEDED, 0)


@pytest.mark.parametrize("kind", ["lost_answer", "reset"])
def test_an_answer_that_was_lost_is_asked_for_and_never_sent_blind(world, oakland, sandbox, kind):
    sandbox.faults({"call": "ImportFromPackage", "kind": kind, "times": 1}, visibility_lag_seconds=0.3)
    run = work(export(world.planner, "oakland/fire-police-finance.json"))
    assert run.state == State.SUCCEEDED
    assert len(sandbox.requests("ImportFromPackage")) == (1 if kind == "lost_answer" else 2)
    assert len(entry(sandbox, run)["lines"]) == 314


def test_status_flow_off_leaves_the_run_in_finance_and_finishes_after_repair(world, oakland, sandbox):
    from connections.operations import turn_off, turn_on
    from exports.operations.stepping import step
    from exports.rules.states import FLOW_OF

    run = export(world.planner, "oakland/fire-police-finance.json")
    status = {"actor": world.owner, "environment": run.environment, "name": "BREExportFnOStatusUpdate"}
    turn_off(**status)
    for _ in range(200):
        run.refresh_from_db()
        if run.state == State.RUNNING and run.trouble:
            break
        step(run_id=run.pk, flow=FLOW_OF[run.status])
    assert run.state == State.RUNNING
    before = run.attempts.get().execution_id
    turn_on(**status)
    run = work(run)
    assert (run.state, run.attempts.get().execution_id) == (State.SUCCEEDED, before)
