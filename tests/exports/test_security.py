"""Runs under dimension security: access that changed, partial slices, colleagues' runs and what is reused of them."""

from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client

from bpp_portal.kernel.roles import Role
from cubes.models import Dimension
from cubes.operations import securing
from cubes.rules.security import Access
from exports.forms import form_data
from exports.models import Export, Run
from exports.operations import building
from exports.queries.seeing import seen_configuration
from exports.rules.states import State
from tests.world import export, work

CONFIGURATION = "oakland/fire-police-finance.json"


@pytest.fixture
def rule(world, oakland):
    """The planner's group sees two of the three departments."""
    cache.clear()
    group = securing.create_group(actor=world.owner, name="Planners")
    found = securing.add_dimension(actor=world.owner, group=group, dimension=Dimension.objects.get(name="Department"))
    securing.add_person(actor=world.owner, group=group, person=world.planner)
    securing.grant(actor=world.owner, rule=found, keys=["Fire", "Finance"], edit=False)
    return found


def page(user, address: str) -> str:
    client = Client()
    client.force_login(get_user_model().objects.get(pk=user.pk))
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return unescape(answer.content.decode())


@pytest.mark.parametrize("change", ["a value", "the group", "another dimension", "more"])
def test_a_right_that_changed_between_request_and_build_fails_the_run_and_sends_nothing(world, rule, sandbox, change):
    run = export(world.planner, CONFIGURATION)
    if change == "a value":
        securing.revoke(actor=world.owner, rule=rule, keys=["Fire"])
    elif change == "the group":
        securing.remove_person(actor=world.owner, group=rule.group, person=world.planner)
    elif change == "another dimension":
        fund = Dimension.objects.get(name="Fund")
        securing.add_dimension(actor=world.owner, group=rule.group, dimension=fund)
    else:
        securing.set_access(actor=world.owner, rule=rule, access=Access.FULL)
    run = work(run)
    assert (run.state, run.headline, run.code) == (State.FAILED, "Access changed", "BRE-ACCESS-CHANGED")
    assert "may see of City of Oakland Adopted Budget changed" in run.cause
    assert not run.attempts.exists()
    assert not run.sent_at
    assert sandbox.get("register-entries", legalEntity="USMF")["entries"] == []
    told = page(world.planner, f"/exports/{run}/")
    assert "Access changed" in told
    assert "Export again with what is visible now." in told


def test_a_right_that_is_revoked_while_the_lines_are_built_fails_the_run(world, rule, monkeypatch):
    def hold(where: str) -> None:
        if where == "frozen":
            securing.revoke_all(actor=world.owner, rule=rule)

    monkeypatch.setattr(building, "hold", hold)
    run = work(export(world.planner, CONFIGURATION))
    assert (run.state, run.headline) == (State.FAILED, "Access changed")


def test_the_same_grants_given_again_change_nothing(world, rule):
    run = export(world.planner, CONFIGURATION)
    securing.revoke_all(actor=world.owner, rule=rule)
    securing.grant(actor=world.owner, rule=rule, keys=["Fire", "Finance"], edit=True)
    assert work(run).state == State.SUCCEEDED


def test_a_partial_slice_is_marked_and_only_who_sees_everything_hears_how_much_is_missing(world, rule):
    run = work(export(world.planner, CONFIGURATION))
    assert run.state == State.SUCCEEDED, run.cause
    assert run.unseen_rows
    mine, administrators = page(world.planner, f"/exports/{run}/"), page(world.owner, f"/exports/{run}/")
    assert "Partial slice" in mine
    assert "if there are any, are no part of this export" in mine
    assert f"{run.unseen_rows:,}" not in mine
    assert "Partial slice" in administrators
    assert f"{run.unseen_rows:,} rows pass the filters and are no part of this export" in administrators


def test_a_run_of_whoever_sees_everything_is_not_partial(world, rule):
    run = work(export(world.owner, CONFIGURATION))
    assert (run.seen_sha256, run.unseen_rows) == ("", 0)
    assert "Partial slice" not in page(world.owner, f"/exports/{run}/")


def renamed(run: Run) -> Run:
    """`run` under a name without values: what a person calls an export is shown as it is."""
    Export.objects.filter(pk=run.export_id).update(name="A slice")
    run.export.refresh_from_db()
    return run


@pytest.fixture
def theirs(world, rule) -> Run:
    run = renamed(work(export(world.owner, CONFIGURATION)))
    assert run.state == State.SUCCEEDED
    return run


def test_a_run_of_somebody_who_saw_more_is_there_without_its_numbers(world, theirs):
    for address in (f"/exports/{theirs}/", f"/exports/{theirs}/live/", "/exports/", f"/exports/{theirs}/reuse/"):
        client = Client()
        client.force_login(world.planner)
        text = client.get(address).content.decode()
        assert str(theirs) in text
        assert "564,602,579" not in text
        assert "4,069" not in text
        assert theirs.lines_sha256 not in text
    assert client.get(f"/exports/{theirs}/lines.csv").status_code == 404
    said = client.get(f"/api/v1/exports/{theirs}/").json()
    assert not {"cube_rows", "lines", "totals"} & set(said)


def test_ones_own_run_loses_its_numbers_with_the_access_and_keeps_them_with_more(world, rule):
    run = work(export(world.planner, CONFIGURATION))
    total = f"{run.totals.filter(place='package').get().amount:,}"
    securing.grant(actor=world.owner, rule=rule, keys=["Police"], edit=False)
    assert total in page(world.planner, f"/exports/{run}/")
    securing.revoke(actor=world.owner, rule=rule, keys=["Fire"])
    assert total not in page(world.planner, f"/exports/{run}/")
    assert total in page(world.owner, f"/exports/{run}/")


@pytest.mark.parametrize("where", ["/exports/{run}/reuse/", "/cubes/{cube}/export/?reuse={run}"])
def test_reusing_a_colleagues_run_drops_the_values_one_may_not_see_and_names_none(world, theirs, where):
    address = where.format(run=theirs, cube=theirs.export.cube.slug)
    text = page(world.planner, address)
    assert "Some filter values were left out" in text
    assert "Police" not in text
    assert "Fire" in text
    assert "Some filter values were left out" not in page(world.owner, address)


def test_a_condition_that_loses_all_its_values_stays_and_asks(world, rule):
    only_police = [{"column": "Department.Name", "operator": "in", "values": ["Police"]}]
    kinds = [{"column": "Account type.Name", "operator": "in", "values": ["Expense"]}]
    run = renamed(export(world.owner, CONFIGURATION, filters=kinds + only_police))
    text = page(world.planner, f"/exports/{run}/reuse/")
    assert "Police" not in text
    assert text.count('class="fit-filter"') == 2
    client = Client()
    client.force_login(world.planner)
    chosen, left_out = seen_configuration(export=run.export, user=world.planner, snapshot=run.snapshot)
    assert left_out
    answer = client.post(f"/cubes/{run.export.cube.slug}/export/", form_data(chosen) | {"action": "export"})
    assert "has no value" in answer.content.decode()
    assert Run.objects.count() == 1


def test_the_warning_of_lines_sent_before_is_about_runs_of_the_same_sight(world, theirs):
    text = page(world.planner, f"/exports/{theirs}/reuse/")
    assert "pane-sent" not in text
    assert "pane-sent" in page(world.owner, f"/exports/{theirs}/reuse/")


def test_the_administration_shows_a_second_role_no_numbers(world, theirs):
    world.planner.groups.add(Group.objects.get(name=Role.IT_ADMINISTRATOR.value))
    text = page(world.planner, f"/admin/exports/run/{theirs.pk}/change/")
    assert "564602579" not in text.replace(",", "")
    assert "564602579" in page(world.owner, f"/admin/exports/run/{theirs.pk}/change/").replace(",", "")
