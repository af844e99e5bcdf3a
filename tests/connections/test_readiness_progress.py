"""A check while it runs, one precondition asked again, the values of cubes, and whom a change is told."""

import threading
from html import unescape

import duckdb
import pytest
from django.db import connection
from django.test import Client

from bpp_portal.kernel.clock import database_now
from bpp_portal.notices.models import Notice
from connections.models import Environment, ReadinessProgress
from connections.operations import check_again, check_row
from connections.operations.progress import HELD, Progress, alone
from connections.queries.readiness import check
from connections.queries.readiness.remembered import remembered
from connections.queries.readiness.running import running
from connections.rules.readiness import PRECONDITIONS, Holding, State, needs
from connections.tasks import check_readiness
from cubes.models import Snapshot
from exports.queries.sent_values import _columns, holding
from tests.world import configuration, export

LIVE, CHECK, PAGE = "/readiness/live/", "/readiness/check/", "/readiness/"
ROLE = "Data management operations user"
DUTY = "Duty Inquire into dimension parameters master, flow owner"


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def html_of(answer) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.fixture
def planner(world):
    return signed_in(world.planner)


class TestProgress:
    def test_rows_are_told_as_they_are_answered(self, world):
        counts: list[int] = []
        report = check(environment=Environment.objects.get(), tell=lambda sheet: counts.append(len(sheet.answered())))
        assert report.ready
        assert counts == sorted(counts)
        assert counts[0] < 10
        assert counts[-1] == len(PRECONDITIONS) - 1
        assert len(set(counts)) >= 4

    def test_what_waits_for_a_failing_one_counts_as_answered(self, world, sandbox):
        sandbox.put("users/owner", {"roles": [ROLE]})
        told: list[set[str]] = []
        check(environment=Environment.objects.get(), tell=lambda s: told.append({row.key for row in s.answered()}))
        assert {"owner-duty", "delimiter", "delimiter-values"} <= told[-1]

    def test_who_looks_on_sees_the_same_check_and_no_second_one_starts(self, planner, world, sandbox):
        environment = Environment.objects.get()
        with alone(environment) as (progress, waited):
            check(environment=environment, wanted=needs("variable"), tell=progress)
            before = sandbox.get("requests")["count"]
            page = html_of(planner.get(PAGE))
            assert not waited
            known = running(environment=environment).count
            assert 0 < known < len(PRECONDITIONS)
            assert f"{known} of 38 checked" in page
            assert "checking…" in page
            assert f'hx-get="{LIVE}?begun=0"' in page
            assert "readiness-run" not in html_of(planner.get(f"{LIVE}?begin=1"))
            assert sandbox.get("requests")["count"] == before
        assert "Not checked yet." in html_of(planner.get(f"{LIVE}?begun=0"))

    def test_the_page_that_begins_holds_the_request_that_checks(self, planner, world):
        begun = html_of(planner.get(f"{LIVE}?begin=1"))
        assert "0 of 38 checked" in begun
        assert f'id="readiness-run" hidden hx-post="{CHECK}" hx-trigger="load"' in begun
        since = int(begun.partition("?begun=")[2].partition('"')[0])
        assert planner.get(f"{LIVE}?begun={since}").status_code == 204
        planner.post(CHECK, headers={"HX-Request": "true"})
        assert "37 of 38 passed" in html_of(planner.get(f"{LIVE}?begun={since}"))
        assert "37 of 38 passed" in html_of(planner.get(f"{LIVE}?begun={since - 60}"))

    def test_a_check_whose_process_died_is_taken_over(self, world):
        environment = Environment.objects.get()
        gone = database_now() - HELD
        ReadinessProgress.objects.create(environment=environment, holder="dead", held_until=gone)
        assert running(environment=environment) is None
        assert check_again(environment=environment).ready
        assert ReadinessProgress.objects.get().held_until is None

    def test_who_lost_the_check_writes_nothing_more(self, world):
        environment = Environment.objects.get()
        with alone(environment):
            check(environment=environment, wanted=frozenset(), tell=Progress(environment, "dead"))
            assert running(environment=environment).count == 0


@pytest.mark.django_db(transaction=True)
def test_a_second_person_without_javascript_waits_for_the_first_ones_answer(world, sandbox):
    environment = Environment.objects.get()
    check_again(environment=environment)
    holding_it, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with alone(environment) as (progress, _):
            holding_it.set()
            go_on.wait(10)
            check(environment=environment, wanted=frozenset(), tell=progress)
        connection.close()

    other = threading.Thread(target=first)
    other.start()
    holding_it.wait(10)
    before = sandbox.get("requests")["count"]
    threading.Timer(0.3, go_on.set).start()
    report = check_again(environment=environment, join=True)
    other.join()
    assert report == remembered(environment=environment)
    assert sandbox.get("requests")["count"] == before


class TestOneRow:
    def test_it_asks_what_the_row_needs_only(self, planner, world, sandbox):
        planner.post(CHECK)
        sandbox.put("users/owner", {"roles": [ROLE]})
        before = sandbox.get("requests")["count"]
        html = html_of(planner.post(CHECK, {"key": "owner-duty"}, headers={"HX-Request": "true"}))
        assert f"Checked again: {DUTY}. Fails" in html
        assert f"Waits for {DUTY}" in html
        assert 0 < sandbox.get("requests")["count"] - before < 12

    def test_a_row_about_the_portal_itself_asks_nobody(self, world, sandbox):
        environment = Environment.objects.get()
        check_again(environment=environment)
        before = sandbox.get("requests")["count"]
        check_row(environment=environment, key="on-CountTotalCubeRows")
        assert sandbox.get("requests")["count"] == before

    def test_every_row_alone_finds_what_the_whole_check_finds(self, world):
        whole = check(environment=Environment.objects.get(), legal_entity="USMF")
        for one in PRECONDITIONS:
            alone_ = check(environment=Environment.objects.get(), legal_entity="USMF", wanted=needs(one.key))
            assert alone_.row(one.key).state is whole.row(one.key).state, one.key

    def test_what_waited_for_it_is_asked_once_it_is_well(self, world, sandbox):
        environment = Environment.objects.get()
        sandbox.put("users/owner", {"roles": [ROLE]})
        broken = check_again(environment=environment)
        assert broken.row("delimiter").state is State.NOT_CHECKED
        sandbox.put("users/owner", {"roles": [ROLE, "Budget write-back"]})
        mended = check_row(environment=environment, key="owner-duty")
        assert mended.ready
        assert mended.row("delimiter-values").state is State.PASSED
        assert mended.checked_at == broken.checked_at
        assert remembered(environment=environment) == mended

    def test_what_waits_for_it_is_not_checked_once_it_fails(self, world, sandbox):
        environment = Environment.objects.get()
        check_again(environment=environment)
        sandbox.put("users/owner", {"enabled": False})
        report = check_row(environment=environment, key="owner-user")
        assert [row.key for row in report.failing] == ["owner-user"]
        assert {report.row(key).waits_for for key in ("owner-role", "fiscal-calendar", "delimiter")} == {"owner-user"}
        assert report.row("variable").state is State.PASSED


class TestDelimiter:
    def test_members_of_published_cubes_are_looked_through(self, oakland, monkeypatch):
        assert holding("|") == ()
        monkeypatch.setattr("exports.queries.sent_values._columns", all_columns)
        found = {one.column: one.values for one in holding(" ")}
        assert found, "some member has a blank"
        with duckdb.connect() as engine:
            for column, count in found.items():
                dimension, name = column.split(".", 1)
                [shape] = [one for one in oakland.shape().dimensions if one.name == dimension]
                [logical] = [one.logical_name for one in shape.columns if one.name == name]
                path = oakland.snapshots.get().path / f"members-{shape.logical_name}.parquet"
                query = f"SELECT DISTINCT \"{logical}\"::TEXT FROM read_parquet('{path}')"
                assert count == sum(" " in (value or "") for (value,) in engine.execute(query).fetchall())

    def test_the_columns_of_saved_configurations_or_else_the_keys(self, oakland, world):
        assert len(_columns(oakland)) == len(oakland.shape().dimensions)
        export(world.planner, "oakland/fire-police-finance.json")
        chosen = configuration("oakland/fire-police-finance.json").configuration.mapping
        mapped = {source.column for source in chosen.values() if source and source.column}
        assert {str(ref) for ref in _columns(oakland)} <= mapped

    def test_a_cube_with_the_delimiter_is_named_and_its_values_are_not(self, oakland, world, sandbox):
        [row] = sandbox.get("rows/DimensionParameters")["rows"]
        sandbox.put("rows/DimensionParameters", row | {"DimensionSegmentDelimiter": "Period"})
        form = "MainAccount.Department.Fund"
        for old in sandbox.get("rows/DimensionIntegrationFormats")["rows"]:
            sandbox.put("rows/DimensionIntegrationFormats", old | {"FinancialDimensionFormat": form})

        def sent(mark):
            assert mark == "."
            return (Holding("City", "Fund.Code", 2),)

        report = check(environment=Environment.objects.get(), legal_entity="USMF", sent_values=sent)
        found = report.row("delimiter-values")
        assert (found.state, found.found) == (State.WARNING, ". stands in 2 values of Fund.Code in the cube City")
        assert "The export pane names the values." in found.hint

    def test_a_cube_without_data_and_a_draft_are_left_out(self, oakland, monkeypatch):
        monkeypatch.setattr("exports.queries.sent_values._columns", all_columns)
        Snapshot.objects.all().delete()
        assert holding(" ") == ()


def all_columns(cube):
    from cubes import queries

    return tuple(one.ref for one in queries.columns_of(cube))


class TestTelling:
    def test_the_flow_owner_is_told_of_each_change_once(self, world, sandbox):
        check_readiness()
        check_readiness()
        assert not Notice.objects.exists()
        sandbox.put("users/owner", {"roles": [ROLE]})
        check_readiness()
        check_readiness()
        sandbox.put("virtual-entities/BudgetCodeEntity", {"visible": False})
        check_readiness()
        sandbox.put("virtual-entities/BudgetCodeEntity", {"visible": True})
        sandbox.put("users/owner", {"roles": [ROLE, "Budget write-back"]})
        check_readiness()
        check_readiness()
        told = [(one.user, one.word, one.detail) for one in Notice.objects.order_by("id")]
        assert told == [
            (world.owner, "Not ready", f"This fails: {DUTY}."),
            (world.owner, "Not ready", f"These fail: {DUTY}, BudgetCodeEntity."),
            (world.owner, "Ready", ""),
        ]
        assert signed_in(world.owner).get(Notice.objects.first().link).status_code == 200

    def test_a_first_check_that_fails_is_told(self, world, sandbox):
        sandbox.put("users/owner", {"roles": [ROLE]})
        check_readiness()
        assert Notice.objects.get().text == "Sandbox USMF is not ready for exports."


class TestEnvironments:
    def test_the_one_that_is_asked_for_is_shown_and_checked(self, planner, world):
        first = Environment.objects.get()
        fields = {"authority": first.authority, "tenant_id": first.tenant_id, "client_id": first.client_id}
        other = Environment.objects.create(name="Live", kind="production", dataverse_url=first.dataverse_url, **fields)
        page = html_of(planner.get(f"{PAGE}?environment={other.pk}"))
        assert f'<option value="{other.pk}" selected>Live (Production)</option>' in page
        answer = planner.post(CHECK, {"environment": other.pk}, follow=True)
        assert "Not installed" in html_of(answer)
        assert answer.redirect_chain[0][0].startswith(f"{PAGE}?environment={other.pk}")
        assert remembered(environment=first) is None
        assert planner.get(f"{PAGE}?environment=999999").status_code == 404
        assert planner.post(CHECK, {"environment": "x"}).status_code == 404
