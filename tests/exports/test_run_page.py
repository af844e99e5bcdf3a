"""The page of a run: what it shows in each state, to whom, and what its buttons do."""

import csv
import io
import json
import re
import time
from datetime import timedelta
from html import unescape

import duckdb
import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from exports.frozen import LINES
from exports.models import Rejection, Run, RunTotal
from exports.operations.stepping import step
from exports.rules.states import COUNT, FLOW_OF, State
from tests.world import entry, export, work

CREATED = "Budget register entries created successfully"
CONFIGURATION = "oakland/fire-police-finance.json"
LINE_SET = "rows/BudgetRegisterEntryLines"


@pytest.fixture
def planner(client, world, oakland):
    client.force_login(world.planner)
    return client


@pytest.fixture
def queued(world, oakland) -> Run:
    return export(world.planner, CONFIGURATION)


@pytest.fixture
def completed(queued) -> Run:
    run = work(queued)
    assert run.state == State.SUCCEEDED, f"{run.headline} {run.cause}"
    return run


def until_state(run: Run, state: State) -> Run:
    end = time.monotonic() + 30
    while run.state != state:
        assert run.is_active, f"{run} ended as {run.state}: {run.headline} {run.cause}"
        assert time.monotonic() < end, f"{run} stays in {run.state}"
        step(run_id=run.pk, flow=FLOW_OF[run.status])
        run.refresh_from_db()
    return run


def in_finance(run: Run, sandbox) -> Run:
    """The run while Finance has it and does not come to an end."""
    sandbox.faults({"call": "ImportFromPackage", "kind": "import", "effect": "stuck"})
    return until_state(run, State.RUNNING)


def with_another_ledger(run: Run, sandbox, change) -> Run:
    """The run after somebody changed the ledger between import and read-back."""
    until_state(run, State.RUNNING)
    end = time.monotonic() + 30
    while _arrived(sandbox, run) < 314:
        assert time.monotonic() < end, "the import does not end"
        time.sleep(0.1)
    for line in entry(sandbox, run)["lines"][:2]:
        change(line)
    return work(run)


def _arrived(sandbox, run: Run) -> int:
    found = sandbox.get("register-entries", legalEntity="USMF")["entries"]
    return sum(len(item["lines"]) for item in found if item["EntryNumber"] == run.entry_number)


def keys_of(line: dict) -> dict:
    keys = {name: line[name] for name in ("dataAreaId", "LegalEntityId", "EntryNumber")}
    return keys | {"LineNumber": int(line["LineNumber"])}


def page_of(client, run: Run, query: str = "") -> str:
    answer = client.get(reverse("exports:run", args=[run.entry_number]) + query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def live_of(client, run: Run, seen: str = ""):
    return client.get(reverse("exports:live", args=[run.entry_number]), {"seen": seen} if seen else {})


def stages(html: str) -> dict[str, str]:
    """Stage → look, in the order of the page."""
    found = re.findall(r'<li class="stage (\w+)">.*?<span class="stage-name">([^<]*)</span>', html, re.DOTALL)
    return {name.removesuffix(" (now)"): look for look, name in found}


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


class TestStates:
    def test_queued(self, planner, queued):
        html = page_of(planner, queued)
        assert stages(html) == {
            "Queued": "now",
            "Preparing": "todo",
            "Sending": "todo",
            "In Finance": "todo",
            "Checking": "todo",
            "Completed": "todo",
        }
        assert "Lines appear when they are prepared." in html
        assert "Cancel run" in html
        assert "Download lines" not in html

    def test_preparing(self, planner, queued):
        step(run_id=queued.pk, flow=COUNT)
        html = page_of(planner, queued)
        assert list(stages(html).values()) == ["done", "now", "todo", "todo", "todo", "todo"]
        assert "4,069 rows to 314 lines" in html
        assert "564,602,579.00" in html
        assert "Download lines" in html
        assert "Proof" not in html

    def test_in_finance_without_counts(self, planner, queued, sandbox):
        run = in_finance(queued, sandbox)
        Run.objects.filter(pk=run.pk).update(finance_status="Executing", finance_lines=None)
        html = page_of(planner, run)
        assert list(stages(html).values())[3:] == ["now", "todo", "todo"]
        assert "Finance reports Executing." in html
        assert "<progress" not in html
        assert "Ask to stop" in html

    def test_in_finance_with_counts(self, planner, queued, sandbox):
        run = in_finance(queued, sandbox)
        Run.objects.filter(pk=run.pk).update(finance_lines=187)
        html = page_of(planner, run)
        assert "187 of 314 lines" in html
        assert '<progress max="314" value="187"' in html

    def test_completed(self, planner, completed):
        html = page_of(planner, completed)
        assert set(stages(html).values()) == {"done"}
        assert CREATED in html
        words = text_of(html)
        assert f"Entry {completed.entry_number} with 314 lines is a draft in Finance." in words
        assert "open it in Finance and select Update budget balances" in words
        assert "hx-trigger" not in html.split('id="run-live"')[1].split(">")[0]

    def test_failed(self, planner, world, oakland, sandbox):
        sandbox.put("users/planner", {"enabled": False})
        run = work(export(world.planner, CONFIGURATION))
        html = page_of(planner, run)
        assert stages(html)["Sending"] == "todo"
        assert (stages(html)["Preparing"], stages(html)["Failed"]) == ("bad", "bad")
        assert html.count("Not reached") == 3
        assert "No permission to execute Finance operation" in html
        assert run.code in html
        assert "Retry" in html
        assert 'role="alert"' in html

    def test_cancelled(self, planner, queued, world):
        planner.post(reverse("exports:cancel", args=[queued.entry_number]))
        html = page_of(planner, queued)
        assert list(stages(html).items())[-1] == ("Cancelled", "warn")
        assert "This run was cancelled." in html
        assert "Retry" not in html

    def test_in_doubt(self, planner, queued):
        Run.objects.filter(pk=queued.pk).update(state=State.IN_DOUBT)
        words = text_of(page_of(planner, queued))
        assert "Finance's answer was lost. We are asking whether it has the entry" in words
        assert "nothing is sent again until that is known." in words
        assert "Asking Finance" in words

    def test_needs_attention(self, planner, queued):
        Run.objects.filter(pk=queued.pk).update(state=State.NEEDS_ATTENTION)
        html = page_of(planner, queued)
        assert "msgbar-unknown" in html
        assert "Outcome unknown" in html

    def test_trouble_stands_there_only_while_the_run_goes_on(self, planner, queued):
        Run.objects.filter(pk=queued.pk).update(trouble="Finance is busy and asked us to wait 20 s.")
        assert "Finance is busy" in page_of(planner, queued)
        Run.objects.filter(pk=queued.pk).update(state=State.SUCCEEDED)
        assert "Finance is busy" not in page_of(planner, queued)

    def test_no_such_run(self, planner):
        assert planner.get("/exports/BPP-999999/").status_code == 404


class TestStagesComeFromEvents:
    @pytest.mark.parametrize(
        ("stage", "states"),
        [("Preparing", ["BUILDING", "READY"]), ("In Finance", ["RUNNING"]), ("Checking", ["VERIFYING"])],
    )
    def test_a_stage_without_its_event_is_not_done(self, planner, completed, stage, states):
        completed.events.filter(new_state__in=states).delete()
        html = page_of(planner, completed)
        assert stages(html)[stage] == "todo"
        assert "Not reached" in html
        assert set(stages(html).values()) == {"done", "todo"}

    def test_without_its_last_event_a_run_is_not_completed(self, planner, completed):
        completed.events.filter(new_state=State.SUCCEEDED).delete()
        assert stages(page_of(planner, completed))["Completed"] == "todo"


class TestProof:
    def test_three_places_that_agree(self, planner, completed):
        html = page_of(planner, completed)
        assert "Cube, package and Finance agree" in html
        proof = html.split('id="proof"')[1].split("</section>")[0]
        assert proof.count("564,602,579.00") == 3
        assert "from 4,069 rows" in proof
        assert "unequal" not in proof
        assert "Rounding difference" in proof
        for evidence in (completed.lines_sha256, completed.package_sha256, str(completed.uuid), "Draft"):
            assert evidence in html

    def test_lines_that_are_missing(self, planner, queued, sandbox):
        run = with_another_ledger(queued, sandbox, lambda line: sandbox.call("DELETE", LINE_SET, keys_of(line)))
        assert run.state == State.PARTIAL
        html = page_of(planner, run)
        assert "Finance differs: 2 lines missing" in html
        proof = html.split('id="proof"')[1].split("</section>")[0]
        assert "unequal" in proof
        assert "2 missing" in proof
        assert "agree" not in proof
        assert CREATED not in html
        assert 'class="row-bad"' in page_of(planner, run, "?outcome=Not+there")

    def test_an_amount_that_differs(self, planner, queued, sandbox):
        def change(line):
            sandbox.put(LINE_SET, keys_of(line) | {"TransactionCurrencyAmount": "0.01"})

        run = with_another_ledger(queued, sandbox, change)
        html = page_of(planner, run)
        assert "Finance differs: 2 lines different" in html
        assert "Finance holds 314 lines, but not all of them as they were sent." in html
        assert "Finance holds 0.01" in text_of(page_of(planner, run, "?outcome=Different"))
        [finance] = run.totals.filter(place=RunTotal.Place.FINANCE)
        assert f"{finance.amount:,.2f}" in html

    @pytest.mark.parametrize(
        ("effect", "words"),
        [
            ("drop_all", "Finance reports success, but holds none of the 314 lines."),
            ("drop_line", "Finance holds 313 of the 314 lines."),
            ("double_line", "Finance holds 315 lines instead of 314."),
            ("cent_off", "Finance holds 314 lines, but not all of them as they were sent."),
        ],
    )
    def test_the_words_are_true_for_each_way_to_differ(self, planner, queued, sandbox, effect, words):
        sandbox.faults({"call": "ImportFromPackage", "kind": "import", "effect": effect})
        run = work(queued)
        assert (run.state, run.headline) == (State.PARTIAL, words)
        html = page_of(planner, run)
        assert words in html
        assert "exporting again beside it would count lines twice" in html

    def test_lines_are_found_under_a_number_that_finance_drew(self, planner, queued, sandbox):
        sandbox.faults(entry_numbers="automatic")
        run = work(queued)
        assert run.state == State.SUCCEEDED, run.cause
        [entry] = sandbox.get("register-entries", legalEntity="USMF")["entries"]
        assert entry["EntryNumber"] != run.entry_number
        assert run.finance_numbers == entry["EntryNumber"]
        html = page_of(planner, run)
        assert f"Finance numbered it {entry['EntryNumber']}" in html
        assert "Cube, package and Finance agree" in html

    def test_a_line_that_stands_twice_is_extra_whatever_its_entry(self, planner, queued, sandbox):
        """Finance shows an import later than the settle time allows, and runs it twice under its own numbers."""
        sandbox.faults(
            {"call": "ImportFromPackage", "kind": "lost_answer", "times": 1},
            entry_numbers="automatic",
            repeat_execution_id="twice",
            visibility_lag_seconds=5,
        )
        run = work(queued)
        assert len(sandbox.requests("ImportFromPackage")) == 2
        assert run.state == State.PARTIAL
        assert "Finance holds 628 lines instead of 314." in page_of(planner, run)
        assert run.reconciliation.extra == 314

    def test_messages_of_finance_stand_there_in_its_own_words(self, planner, completed):
        said = "Main account <0800> is not valid for the dimension combination."
        Rejection.objects.bulk_create(
            Rejection(run=completed, record_id=str(number), field="DIMENSIONDISPLAYVALUE", message=said)
            for number in range(130)
        )
        html = page_of(planner, completed)
        assert html.count(said) == 100
        assert "First 100 of 130 messages" in html


class TestTotals:
    def test_by_department_with_the_total_of_all(self, planner, completed):
        section = page_of(planner, completed).split('id="totals-title"')[1].split("</section>")[0]
        words = text_of(section)
        for row in ("Police 76 335,844,566.00", "Fire 111 191,512,541.00", "Finance 127 37,245,472.00"):
            assert row in words
        assert "Total 314 564,602,579.00" in words

    def test_amount_types_are_never_summed_across(self, planner, world, oakland):
        run = export(world.planner, "oakland/whole-budget.json")
        step(run_id=run.pk, flow=COUNT)
        section = page_of(planner, run).split('id="totals-title"')[1].split("</section>")[0]
        totals = list(run.totals.filter(place=RunTotal.Place.PACKAGE))
        assert len(totals) > 1
        for total in totals:
            assert f"Total {total.lines:,} {total.amount:,.2f}" in text_of(section)
        assert re.search(r"\d+ others", section)


class TestLines:
    def test_largest_first_fifty_on_a_page(self, planner, completed):
        html = page_of(planner, completed)
        assert "1 to 50 of 314, largest first" in html
        assert html.index("97,466,253.00") < html.index("60,186,379.00")
        assert "301 to 314 of 314" in page_of(planner, completed, "?page=7")

    def test_search_and_a_page_that_is_none(self, planner, completed):
        assert "No line matches." in page_of(planner, completed, "?q=nothing+of+the+kind")
        assert "97,466,253.00" in page_of(planner, completed, "?q=Police&page=x")

    def test_hidden_blanks_are_dots_that_copy_as_blanks(self, planner, completed):
        answer = planner.get(reverse("exports:run", args=[completed.entry_number]), {"q": "Sworn  Salaries"})
        assert 'class="shown"' in answer.content.decode() or "·" in answer.content.decode()

    def test_lines_whose_files_are_gone_say_so(self, planner, completed):
        (completed.folder / LINES).unlink()
        html = page_of(planner, completed)
        assert "Download lines" not in html
        assert "The files of this run are not here any more." in html


class TestLive:
    def test_it_asks_again_while_the_run_goes_on(self, planner, queued):
        answer = live_of(planner, queued, "REQUESTED")
        assert answer.status_code == 200
        html = unescape(answer.content.decode())
        assert 'hx-trigger="every 2s"' in html
        assert f"{reverse('exports:live', args=[queued.entry_number])}?seen=REQUESTED" in html
        assert "run-status" not in html
        assert "HX-Trigger" not in answer.headers

    @pytest.mark.parametrize(("minutes", "seconds"), [(2, 5), (20, 10), (60, 30)])
    def test_it_asks_less_often_with_age(self, planner, queued, minutes, seconds):
        Run.objects.filter(pk=queued.pk).update(created_at=queued.created_at - timedelta(minutes=minutes))
        assert f'hx-trigger="every {seconds}s"' in live_of(planner, queued).content.decode()

    def test_only_another_word_is_announced(self, planner, queued):
        step(run_id=queued.pk, flow=COUNT)
        assert "#run-status" in live_of(planner, queued, "REQUESTED").content.decode()
        assert "#run-status" not in live_of(planner, queued, "BUILDING").content.decode()

    def test_the_end_stops_it_and_brings_proof_and_toast(self, planner, completed):
        answer = live_of(planner, completed, "VERIFYING")
        assert answer.status_code == 286
        toast = json.loads(answer.headers["HX-Trigger"])["toast"]
        assert toast == {"kind": "success", "title": CREATED, "text": "Entry BPP-000001 with 314 lines"}
        html = unescape(answer.content.decode())
        assert "Cube, package and Finance agree" in html
        assert CREATED in html
        assert "every " not in html

    @pytest.mark.parametrize("seen", ["", "SUCCEEDED", "nonsense"])
    def test_no_toast_for_somebody_who_did_not_see_it_run(self, planner, completed, seen):
        assert "HX-Trigger" not in live_of(planner, completed, seen).headers

    def test_no_toast_for_a_failure(self, planner, queued):
        Run.objects.filter(pk=queued.pk).update(state=State.FAILED)
        answer = live_of(planner, queued, "RUNNING")
        assert (answer.status_code, "HX-Trigger" in answer.headers) == (286, False)

    def test_a_page_asks_few_questions_of_the_database(self, planner, completed, django_assert_max_num_queries):
        with django_assert_max_num_queries(20):
            live_of(planner, completed, "VERIFYING")


class TestFile:
    def rows(self, client, run: Run) -> list[list[str]]:
        answer = client.get(reverse("exports:lines-csv", args=[run.entry_number]))
        assert answer.status_code == 200
        content = b"".join(answer.streaming_content)
        assert content.startswith(b"\xef\xbb\xbf")
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))

    def test_all_lines(self, planner, completed):
        head, *rows = self.rows(planner, completed)
        assert head[:4] == ["Line", "Main account", "Department", "Fund"]
        assert head[4:] == ["Date", "Amount type", "Currency", "Amount", "Cube rows"]
        assert len(rows) == 314
        assert sum(int(row[-1]) for row in rows) == 4069

    def test_text_is_no_formula_and_amounts_stay_numbers(self, planner, completed):
        path = completed.folder / LINES
        other = path.with_suffix(".other")
        starts = "['=1+1', '+1', '-1', '@a', chr(9) || 'b', chr(13) || 'c', '1=1']"
        with duckdb.connect() as connection:
            connection.execute(
                f"COPY (SELECT * REPLACE ({starts}[1 + line_number % 7] AS s_0) FROM '{path}') "
                f"TO '{other}' (FORMAT parquet)"
            )
        other.replace(path)
        _, *rows = self.rows(planner, completed)
        assert {row[1] for row in rows} == {"'=1+1", "'+1", "'-1", "'@a", "'\tb", "'\rc", "1=1"}
        assert any(row[7].startswith("-") for row in rows)

    def test_codes_stay_byte_for_byte(self, client, world, codes):
        run = export(world.planner, "codes/codes.json")
        step(run_id=run.pk, flow=COUNT)
        client.force_login(world.planner)
        _, *rows = self.rows(client, run)
        wanted = {"0800", "000110", "NA", "1E5", " lead", "two  blanks", "🧾 emoji"}
        assert {row[1] for row in rows} <= wanted
        assert {row[1] for row in rows} | {row[2] for row in rows} | {row[3] for row in rows} == wanted

    def test_before_the_lines_are_frozen_there_is_no_file(self, planner, queued):
        assert planner.get(reverse("exports:lines-csv", args=[queued.entry_number])).status_code == 404


class TestCancel:
    def post(self, client, run: Run, name: str = "exports:cancel") -> str:
        answer = client.post(reverse(name, args=[run.entry_number]), follow=True)
        run.refresh_from_db()
        return unescape(answer.content.decode())

    def test_before_the_start_it_is_cancelled(self, planner, queued):
        assert "The run is cancelled. Nothing was sent." in self.post(planner, queued)
        assert queued.state == State.CANCELLED

    def test_after_the_start_finance_decides(self, planner, queued, sandbox):
        run = in_finance(queued, sandbox)
        html = self.post(planner, run)
        assert (run.state, run.stop_requested) == (State.RUNNING, True)
        assert "Asked to stop; Finance decides." in html
        assert 'aria-describedby="run-stopping"' in html

    def test_an_administrator_may_and_another_planner_may_not(self, client, world, queued, django_user_model):
        other = django_user_model.objects.create_user("other")
        other.groups.add(*Group.objects.filter(name__in=["Power User", "IT administrator"]))
        client.force_login(other)
        assert client.post(reverse("exports:cancel", args=[queued.entry_number])).status_code == 403
        assert "Cancel run" not in page_of(client, queued)
        client.force_login(world.owner)
        assert "Cancel run" in page_of(client, queued)
        self.post(client, queued)
        assert queued.state == State.CANCELLED

    def test_a_run_that_ended_meanwhile(self, planner, completed):
        assert "The run moved on meanwhile. Look at its state and try again." in self.post(planner, completed)
        assert completed.state == State.SUCCEEDED

    def test_only_posts(self, planner, queued):
        for name in ("exports:cancel", "exports:retry"):
            assert planner.get(reverse(name, args=[queued.entry_number])).status_code == 405

    def test_retry_sends_the_same_lines_again(self, planner, queued, sandbox):
        sandbox.put("users/planner", {"enabled": False})
        run = work(queued)
        before = run.lines_sha256
        sandbox.put("users/planner", {"enabled": True})
        self.post(planner, run, "exports:retry")
        assert run.state == State.REQUESTED
        assert list(stages(page_of(planner, run)).values()) == ["now"] + ["todo"] * 5
        assert work(run).state == State.SUCCEEDED
        assert run.lines_sha256 == before

    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.RUNNING, State.CANCELLED])
    def test_only_failed_runs_are_retried(self, planner, queued, state):
        Run.objects.filter(pk=queued.pk).update(state=state)
        assert "The run moved on meanwhile." in self.post(planner, queued, "exports:retry")
        assert queued.state == state


class TestWithoutCubeData:
    """An IT administrator sees states, stages, attempts and texts, and nothing of the cube."""

    @pytest.fixture
    def installer(self, client, world, oakland):
        client.force_login(world.installer)
        return client

    def nothing_of_the_cube(self, html: str) -> None:
        for text in ("564,602,579", "4,069", "314", "335,844,566", "Police 76", "Sworn", "Download lines", "Proof"):
            assert text not in text_of(html), text

    def test_completed(self, installer, completed):
        html = page_of(installer, completed)
        assert set(stages(html).values()) == {"done"}
        assert completed.attempts.get().execution_id in html
        self.nothing_of_the_cube(html)
        answer = live_of(installer, completed, "RUNNING")
        self.nothing_of_the_cube(answer.content.decode())
        assert "lines" not in answer.headers["HX-Trigger"]

    def test_how_many_lines_differ_is_cube_data(self, installer, queued, sandbox):
        run = with_another_ledger(queued, sandbox, lambda line: sandbox.call("DELETE", LINE_SET, keys_of(line)))
        html = page_of(installer, run)
        assert "2 lines" not in html
        assert "Finance does not hold what was sent." in html
        self.nothing_of_the_cube(html)

    def test_trouble_of_the_comparison_is_told_without_counts(self, installer, queued):
        trouble = "Finance reports success, but 314 lines cannot be read yet."
        Run.objects.filter(pk=queued.pk).update(state=State.VERIFYING, trouble=trouble)
        assert "314" not in text_of(page_of(installer, queued))
        Run.objects.filter(pk=queued.pk).update(state=State.NEEDS_ATTENTION, headline=trouble)
        assert "314" not in text_of(page_of(installer, queued))

    def test_what_is_wrong_with_a_connection_is_for_them(self, installer, world, oakland, sandbox):
        sandbox.put("users/planner", {"enabled": False})
        run = work(export(world.planner, CONFIGURATION))
        html = page_of(installer, run)
        assert "No permission to execute Finance operation" in html
        assert 'action="/exports/' not in html


def test_a_run_in_finance_was_sent_by_the_flow_owner(planner, queued, sandbox):
    step(run_id=queued.pk, flow=COUNT)
    assert "<dt>Runs as flow owner</dt><dd>–</dd>" in page_of(planner, queued)
    run = in_finance(queued, sandbox)
    assert "<dt>Runs as flow owner</dt><dd>owner</dd>" in page_of(planner, run)
    assert 'id="run-runs-as" hx-swap-oob="true"' in live_of(planner, run).content.decode()
