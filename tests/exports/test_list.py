"""All budget register entry exports: tabs, filters, drafts, refresh, and what each reader may see."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html import unescape
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from connections.queries import default_environment
from cubes.models import Cube
from exports.models import Export, Run, RunTotal
from exports.operations.requesting import save_draft
from exports.operations.stepping import step
from exports.rules.states import COUNT, State
from tests.world import configuration, export

CONFIGURATION = "oakland/fire-police-finance.json"
SLUG = "city-of-oakland-adopted-budget"


@pytest.fixture
def planner(client, world, oakland):
    client.force_login(world.planner)
    return client


def named(actor, name: str) -> Run:
    run = export(actor, CONFIGURATION)
    Export.objects.filter(pk=run.export_id).update(name=name)
    run.export.refresh_from_db()
    return run


@pytest.fixture
def runs(world, oakland) -> dict[str, Run]:
    """One run for each state of the list, by its state; the newest last."""
    found = {}
    for state in ("SUCCEEDED", "FAILED", "CANCELLED", "PARTIAL", "NEEDS_ATTENTION", "RUNNING", "REQUESTED"):
        run = named(world.planner, f"Export {state.lower()}")
        Run.objects.filter(pk=run.pk).update(state=state)
        run.refresh_from_db()
        found[state] = run
    return found


@pytest.fixture
def draft(world, oakland):
    file = configuration(CONFIGURATION)
    chosen = replace(file.configuration, name="Kept for later")
    cube, environment = Cube.objects.get(slug=file.cube), default_environment()
    return save_draft(actor=world.planner, cube=cube, environment=environment, chosen=chosen)


def list_of(client, **query) -> str:
    answer = client.get("/exports/", query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def names(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', html)


def tabs(html: str) -> dict[str, int]:
    found = re.findall(r'<a class="tab"[^>]*>([^<]+?) <span class="tab-count">([\d,]+)', html)
    return {name: int(count) for name, count in found}


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def again(client, html: str, **query) -> str:
    """What the page gets when it refreshes its rows."""
    address = re.search(r'id="exports" hx-get="([^"]*)"', html)
    assert address, "the list does not refresh"
    more = f"&{urlencode(query)}" if query else ""
    answer = client.get(f"/exports/{address[1]}{more}", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return unescape(answer.content.decode())


class TestTabs:
    def test_counts_and_newest_first(self, planner, runs, draft):
        html = list_of(planner)
        assert tabs(html) == {
            "All": 7,
            "Mine": 7,
            "In progress": 2,
            "Needs a person": 3,
            "Completed": 1,
            "Drafts": 1,
        }
        assert names(html) == [run.export.name for run in reversed(runs.values())]
        for word in ("Completed", "Failed", "Cancelled", "Partly completed", "Outcome unknown", "In Finance", "Queued"):
            assert word in html

    @pytest.mark.parametrize(
        ("tab", "wanted"),
        [
            ("running", ["Export requested", "Export running"]),
            ("person", ["Export needs_attention", "Export partial", "Export failed"]),
            ("completed", ["Export succeeded"]),
            ("drafts", ["Kept for later"]),
        ],
    )
    def test_each_shows_its_own(self, planner, runs, draft, tab, wanted):
        assert names(list_of(planner, tab=tab)) == wanted

    def test_mine_are_mine(self, client, world, runs):
        client.force_login(world.owner)
        mine = named(world.owner, "Of the owner")
        html = list_of(client, tab="mine")
        assert names(html) == [mine.export.name]
        assert tabs(html)["All"] == 8


class TestFilters:
    def test_from_a_cube_the_reader_sees_which(self, planner, runs):
        html = list_of(planner, cube=SLUG)
        assert len(names(html)) == 7
        crumbs = html.split('class="crumbs"')[1].split("</nav>")[0]
        assert "City of Oakland Adopted Budget" in crumbs
        assert f'<option value="{SLUG}" selected>' in html
        assert names(list_of(planner, cube="another")) == []

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({"entity": "USMF"}, 7),
            ({"entity": "DEMF"}, 0),
            ({"model": "FY22-OPS"}, 7),
            ({"model": "FY22-CIP"}, 0),
            ({"q": "cancel"}, 1),
            ({"q": "BPP-000003"}, 1),
            ({"created": "7"}, 6),
            ({"created": "30"}, 7),
            ({"created": "nonsense"}, 7),
        ],
    )
    def test_each_narrows(self, planner, runs, query, count):
        run = runs["SUCCEEDED"]
        Run.objects.filter(pk=run.pk).update(created_at=run.created_at - timedelta(days=8))
        html = list_of(planner, **query)
        assert len(names(html)) == count
        assert tabs(html)["All"] == count

    def test_an_execution_id_finds_its_run_once(self, planner, runs):
        run = runs["FAILED"]
        for number in (1, 2):
            run.attempts.create(number=number, execution_id=f"bpp-{number}", started_at=run.created_at)
        assert names(list_of(planner, q="bpp-2")) == ["Export failed"]

    def test_no_hit_offers_to_clear(self, planner, runs):
        html = list_of(planner, q="nothing of the kind")
        assert "No export matches." in html
        assert "Clear filters" in html


class TestEmpty:
    def test_nothing_yet(self, planner):
        assert "No exports yet. Open a published cube and select Export." in list_of(planner)

    def test_no_draft(self, planner):
        assert "No drafts." in list_of(planner, tab="drafts")


class TestRows:
    def test_lines_and_total(self, planner, world):
        run = export(world.planner, CONFIGURATION)
        step(run_id=run.pk, flow=COUNT)
        words = text_of(list_of(planner))
        assert "Total, USD" in words
        assert "planner 314 564,602,579.00 Expense" in words

    def test_two_totals_are_two_lines_with_their_currencies(self, planner, runs):
        place = RunTotal.Place.PACKAGE
        for kind, currency, amount in (("Expense", "USD", "1.50"), ("Revenue", "EUR", "2.25")):
            runs["RUNNING"].totals.create(
                place=place, amount_type=kind, currency=currency, lines=1, amount=Decimal(amount)
            )
        html = list_of(planner)
        assert "1.50 USD 2.25 EUR Expense Revenue" in text_of(html)
        assert "Total, " not in text_of(html)

    def test_each_row_leads_to_its_page_and_to_reuse(self, planner, runs):
        html = list_of(planner)
        for run in runs.values():
            assert f'href="{reverse("exports:run", args=[run.entry_number])}"' in html
            assert f'href="{reverse("exports:reuse", args=[run.entry_number])}"' in html

    def test_fifty_on_a_page_and_few_questions(self, planner, world, django_assert_max_num_queries):
        first = export(world.planner, CONFIGURATION)
        export_row, run_row = first.export, first
        for number in range(59):
            export_row.pk = None
            export_row.save(force_insert=True)
            run_row.pk, run_row.export = None, export_row
            run_row.uuid = run_row.client_token = f"00000000-0000-0000-0000-{number:012}"
            run_row.entry_number = f"BPP-1{number:05}"
            run_row.save(force_insert=True)
        with django_assert_max_num_queries(25):
            html = list_of(planner)
        assert len(names(html)) == 50
        assert "1 to 50 of 60" in html
        assert len(names(list_of(planner, page=2))) == 10


class TestDrafts:
    def test_a_draft_leads_to_its_form(self, planner, draft):
        html = list_of(planner, tab="drafts")
        assert f'href="{reverse("exports:draft", args=[draft.pk])}"' in html
        assert "City of Oakland Adopted Budget" in html

    @pytest.mark.parametrize(("name", "sees"), [("owner", True), ("reviewer", True), ("installer", False)])
    def test_who_sees_them(self, client, world, draft, name, sees):
        client.force_login(getattr(world, name))
        html = list_of(client, tab="drafts")
        assert ("Kept for later" in html) is sees
        assert ("Drafts" in tabs(html)) is sees


class TestRefresh:
    def test_only_while_a_run_is_active(self, planner, runs):
        assert 'hx-trigger="every 5s"' in list_of(planner)
        assert "hx-trigger" not in list_of(planner, tab="completed").split('id="exports"')[1].split(">")[0]

    def test_rows_keep_their_order_and_place_whatever_became_of_them(self, planner, runs, world):
        html = list_of(planner, tab="running")
        Run.objects.filter(pk=runs["REQUESTED"].pk).update(state=State.SUCCEEDED)
        named(world.planner, "Asked for meanwhile")
        refreshed = again(planner, html)
        assert names(refreshed) == names(html)
        assert "Completed" in refreshed
        assert "1 new export. Show" in refreshed
        assert "<html" not in refreshed

    def test_it_ends_with_the_last_active_run(self, planner, runs):
        html = list_of(planner)
        Run.objects.update(state=State.SUCCEEDED)
        assert "hx-get" not in again(planner, html).split('id="exports"')[1].split(">")[0]

    def test_what_is_selected_stays_selected(self, planner, runs):
        chosen = reverse("exports:reuse", args=[runs["FAILED"].entry_number])
        refreshed = again(planner, list_of(planner), chosen=chosen)
        [row] = [row for row in refreshed.split("<tr")[1:] if "row-selected" in row]
        assert "Export failed" in row
        assert " checked>" in row

    def test_an_address_for_rows_opened_by_hand_is_the_page(self, planner, runs):
        assert "<html" in list_of(planner, rows="1,2")
        assert (
            planner.get("/exports/", {"rows": "x,,²,1" + "0" * 30}, headers={"HX-Request": "true"}).status_code == 200
        )


class TestReaders:
    def test_an_it_administrator_sees_states_and_no_numbers(self, client, world, oakland):
        run = export(world.planner, CONFIGURATION)
        step(run_id=run.pk, flow=COUNT)
        client.force_login(world.installer)
        html = list_of(client)
        assert names(html) == [run.export.name]
        for text in ("564,602,579", ">314<", "Lines</th>", "Total", "data-row", "Reuse configuration"):
            assert text not in html, text
        refreshed = again(client, html)
        assert "564,602,579" not in refreshed

    def test_a_reviewer_sees_all_and_may_reuse(self, client, world, runs):
        client.force_login(world.reviewer)
        html = list_of(client)
        assert len(names(html)) == 7
        assert "data-row" in html

    def test_somebody_without_a_role_is_refused(self, client, world):
        client.force_login(world.guest)
        assert client.get("/exports/").status_code == 403
        assert client.get("/exports/", {"rows": "1"}, headers={"HX-Request": "true"}).status_code == 403
