"""A cube loaded from its tables in Dataverse: whole, in pages, resumed after interruptions, and by changes only."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from bpp_portal.kernel.clock import database_now
from bpp_portal.kernel.roles import RightMissing
from connections.dataverse import DataverseClient
from connections.models import Connection
from cubes.models import Load
from cubes.operations import Source, import_definition, load
from cubes.rules.loading import Mode
from exports.models import DataverseLoad, DataverseTable
from exports.operations import from_dataverse
from exports.operations.from_dataverse import LoadNotRequested, stepping
from exports.rules.dataverse_tables import Extent, LoadState
from tests.stack import until

FACTS = "msdyn_xpnacube_opexplan"
ROWS = 12_636
TOTAL = sum(Decimal(f"{place * 7919 % 1_000_000}.{place % 100:02}") for place in range(ROWS))


def columns(*extra: str) -> list[dict]:
    return [
        {"LogicalName": f"msdyn_{name}", "DisplayName": name, "DataType": "StringType"} for name in ("name", *extra)
    ]


def table(name: str, *extra: str) -> dict:
    return {
        "LogicalName": f"msdyn_xpnadim_{name}",
        "DisplayName": name.capitalize(),
        "PrimaryColumnName": "msdyn_name",
        "IsDimension": True,
        "Columns": columns(*extra),
    }


DEFINITION = {
    "Tables": [
        table("account", "description", "accounttype"),
        table("department", "description"),
        table("fund", "description"),
        {
            "LogicalName": FACTS,
            "DisplayName": "OpexPlan",
            "PrimaryColumnName": f"{FACTS}_name",
            "IsDimension": False,
            "Columns": [{"LogicalName": "msdyn_amount", "DisplayName": "Amount", "DataType": "DecimalType",
                         "Options": {"Precision": 2, "MinValue": -100000000000, "MaxValue": 100000000000}}],
        },
    ],
    "Relations": [
        {"ReferencingTableName": FACTS, "RelatedTableName": f"msdyn_xpnadim_{name}"}
        for name in ("account", "department", "fund")
    ],
}  # fmt: skip


@pytest.fixture
def cube(world, settings):
    settings.EXPORT_LEASE = 600  # the steps run in this process, inside the test's transaction: no thread may write
    return import_definition(actor=world.owner, text=json.dumps(DEFINITION), publish=True).cube


@pytest.fixture
def dataverse(environment, world):
    return DataverseClient(
        environment=environment, connection=Connection.objects.get(owner=world.owner, kind="dataverse")
    )


def ask(world, cube, environment, **more) -> DataverseLoad:
    return from_dataverse.request_load(actor=world.owner, cube=cube, environment=environment, **more)


def work(found: DataverseLoad) -> DataverseLoad:
    """The worker's steps until the load ends or has to wait."""
    for _ in range(20):
        from_dataverse.step(pk=found.pk)
        found.refresh_from_db()
        if not found.is_active or found.not_before:
            return found
    raise AssertionError(found.trouble)


def wait_over(found: DataverseLoad) -> DataverseLoad:
    DataverseLoad.objects.filter(pk=found.pk).update(not_before=None)
    found.refresh_from_db()
    return found


def total(found) -> Decimal:
    return found.snapshot.totals.get().amount


def fact_rows(dataverse, count=1) -> list[dict]:
    rows = next(dataverse.pages(f"{FACTS}s", (f"{FACTS}id", "msdyn_amount"))).rows
    return rows[:count]


class TestAllRows:
    def test_every_row_arrives_with_every_digit(self, world, cube, environment):
        done = work(ask(world, cube, environment))
        assert (done.state, done.trouble) == (LoadState.DONE, "")
        assert done.report.notes.startswith("Read from Dataverse, ")
        assert "all 12,636 rows, because the cube was not loaded from there before" in done.report.notes
        assert (done.report.processed, done.report.loaded, done.report.failed) == (ROWS, ROWS, 0)
        assert total(done.report) == TOTAL
        assert done.report.created_by == world.owner
        tables = {item.name: item.processed for item in done.report.tables.all()}
        assert tables == {"Facts": ROWS, "Account": 39, "Department": 27, "Fund": 141}
        assert [item.pages for item in done.tables.all()] == [1, 1, 1, 3]
        assert not done.folder.exists()
        verbs = list(AuditEntry.objects.filter(subject=f"cube {cube.slug}").values_list("verb", flat=True))
        assert {"load from Dataverse", "load"} <= set(verbs)

    def test_the_same_task_twice_and_late_leaves_one_report(self, world, cube, environment):
        done = work(ask(world, cube, environment, extent=Extent.ALL, mode=Mode.APPEND))
        from_dataverse.step(pk=done.pk)
        assert Load.objects.filter(cube=cube).count() == 1
        assert total(work(ask(world, cube, environment, extent=Extent.ALL, mode=Mode.APPEND)).report) == 2 * TOTAL

    def test_who_took_over_writes_and_the_other_leaves_nothing(self, world, cube, environment, monkeypatch):
        found = ask(world, cube, environment)
        real = stepping._loaded

        def overtaken(load, *rest):
            DataverseLoad.objects.filter(pk=load.pk).update(fence=load.fence + 1, lease_until=None)
            real(load, *rest)

        monkeypatch.setattr(stepping, "_loaded", overtaken)
        from_dataverse.step(pk=found.pk)
        assert not Load.objects.filter(cube=cube).exists()
        monkeypatch.undo()
        DataverseLoad.objects.update(lease_until=None)  # the takeover was undone with the report
        assert total(work(found).report) == TOTAL


class TestInterruptions:
    @pytest.fixture(autouse=True)
    def small_pages(self, settings):
        settings.DATAVERSE_LOAD_PAGE = 3000

    def test_busy_in_the_middle_is_obeyed_and_goes_on_there(self, world, cube, environment, sandbox):
        sandbox.faults(
            {"call": "*", "kind": "status", "status": 429, "retry_after": "40", "contains": "skiptoken", "after": 2}
        )
        found = work(ask(world, cube, environment))
        assert found.state == LoadState.READING
        assert 35 < (found.not_before - database_now()).total_seconds() <= 40
        facts = found.tables.get(key="")
        assert (facts.pages, facts.rows) == (3, 9000)
        from_dataverse.step(pk=found.pk)  # too early: nothing is asked
        assert found.tables.get(key="").pages == 3
        done = work(wait_over(found))
        assert total(done.report) == TOTAL
        assert done.tables.get(key="").pages == 5

    def test_a_lost_connection_goes_on_at_its_page(self, world, cube, environment, sandbox):
        sandbox.faults({"call": "*", "kind": "reset", "contains": "skiptoken", "after": 1})
        found = work(ask(world, cube, environment))
        assert (found.failures, found.tables.get(key="").pages) == (1, 2)
        assert total(work(wait_over(found)).report) == TOTAL

    def test_a_connection_lost_for_good_fails_and_a_person_lets_it_go_on(self, world, cube, environment, sandbox):
        sandbox.faults({"call": "*", "kind": "reset", "contains": "skiptoken", "after": 1, "times": None})
        found = work(ask(world, cube, environment))
        DataverseLoad.objects.filter(pk=found.pk).update(failures=stepping.MOST_FAILURES)
        failed = work(wait_over(found))
        assert failed.state == LoadState.FAILED and "did not answer" in failed.trouble
        sandbox.put("faults", {"reset": True})
        from_dataverse.go_on(actor=world.planner, load=failed)  # not theirs
        failed.refresh_from_db()
        assert failed.state == LoadState.FAILED
        from_dataverse.go_on(actor=world.owner, load=failed)
        assert failed.tables.get(key="").pages == 2
        assert total(work(failed).report) == TOTAL

    def test_a_place_that_is_not_known_any_more_starts_again_and_says_so(self, world, cube, environment, sandbox):
        sandbox.faults({"call": "*", "kind": "status", "status": 503, "contains": "skiptoken", "after": 1})
        found = work(ask(world, cube, environment))
        facts = found.tables.get(key="")
        DataverseTable.objects.filter(pk=facts.pk).update(next_url=facts.next_url.replace("check", "chick"))
        done = work(wait_over(found))
        assert "did not know the place in msdyn_xpnacube_opexplan any more" in done.report.notes
        assert (done.report.processed, total(done.report)) == (ROWS, TOTAL)

    def test_loads_leave_the_requests_of_the_owner_to_exports(self, world, cube, environment, settings):
        settings.DATAVERSE_LOAD_REQUESTS = 8
        found = work(ask(world, cube, environment))
        assert found.window_requests == 8
        assert "exports go first" in found.trouble and found.not_before > database_now() + timedelta(seconds=200)
        DataverseLoad.objects.update(window_since=database_now() - timedelta(seconds=301))
        assert total(work(wait_over(found)).report) == TOTAL

    def test_a_stopped_load_ends_and_keeps_nothing(self, world, cube, environment, sandbox):
        sandbox.faults({"call": "*", "kind": "status", "status": 429, "contains": "skiptoken", "retry_after": "40"})
        found = work(ask(world, cube, environment))
        with pytest.raises(LoadNotRequested, match="already"):
            ask(world, cube, environment)
        assert found.folder.exists()
        from_dataverse.stop(actor=world.owner, load=found)
        assert work(wait_over(found)).state == LoadState.STOPPED
        assert not found.folder.exists()
        assert total(work(ask(world, cube, environment)).report) == TOTAL


class TestRefusals:
    def test_a_renamed_column_is_named(self, world, cube, environment, dataverse):
        cube.drivers.update(logical_name="msdyn_budget")
        failed = work(ask(world, cube, environment))
        assert failed.state == LoadState.FAILED
        assert f"The table {FACTS} in {environment} has no column msdyn_budget." in failed.trouble
        assert not failed.tables.exists()

    def test_a_missing_table_is_named(self, world, cube, environment):
        cube.logical_name = "msdyn_xpnacube_elsewhere"
        cube.save()
        assert "has no table msdyn_xpnacube_elsewhere for OpexPlan" in work(ask(world, cube, environment)).trouble

    def test_nobody_borrows_a_connection(self, world, cube, environment):
        with pytest.raises(LoadNotRequested, match="no working connection"):
            from_dataverse.request_load(actor=world.planner, cube=cube, environment=environment)
        with pytest.raises(RightMissing):
            from_dataverse.request_load(actor=world.reviewer, cube=cube, environment=environment)

    def test_a_right_that_was_taken_away_ends_the_load(self, world, cube, environment):
        found = ask(world, cube, environment)
        world.owner.groups.clear()
        assert "may not load data any more" in work(found).trouble


class TestChanges:
    @pytest.fixture
    def loaded(self, world, cube, environment):
        return work(ask(world, cube, environment)).report

    def change(self, dataverse, row, amount):
        dataverse.change(f"{FACTS}s({row[f'{FACTS}id']})", {"msdyn_amount": amount})

    def test_only_changed_rows_are_read_and_overwrite(self, world, cube, environment, dataverse, loaded):
        rows = fact_rows(dataverse, 3)
        before = sum(row["msdyn_amount"] for row in rows)
        for row in rows:
            self.change(dataverse, row, Decimal("0.07"))
        done = work(ask(world, cube, environment))
        assert (done.report.processed, done.report.mode) == (3, Mode.OVERWRITE)
        assert "only the 3 rows that changed since" in done.report.notes
        assert "deleted" in done.report.notes
        assert done.report.snapshot.rows == ROWS
        assert total(done.report) == TOTAL - before + Decimal("0.21")
        assert total(work(ask(world, cube, environment)).report) == total(done.report)

    def test_nothing_changed_is_said(self, world, cube, environment, dataverse, loaded):
        done = work(ask(world, cube, environment))
        assert (done.state, done.report) == (LoadState.DONE, None)
        assert "only the 0 rows that changed" in done.said
        self.change(dataverse, fact_rows(dataverse)[0], Decimal("1.00"))
        assert work(ask(world, cube, environment)).report.processed == 1

    def test_a_renamed_member_makes_all_rows_to_be_read(self, world, cube, environment, dataverse, loaded):
        member = next(dataverse.pages("msdyn_xpnadim_funds", ("msdyn_xpnadim_fundid", "msdyn_name"))).rows[0]
        dataverse.change(f"msdyn_xpnadim_funds({member['msdyn_xpnadim_fundid']})", {"msdyn_name": "Renamed"})
        done = work(ask(world, cube, environment))
        assert "all 12,636 rows, because members of Fund were changed" in done.report.notes
        assert total(done.report) == TOTAL

    def test_data_from_elsewhere_makes_all_rows_to_be_read(self, world, cube, environment, loaded, tmp_path):
        file = tmp_path / "facts.csv"
        members = [
            pq.read_table(loaded.snapshot.path / f"members-msdyn_xpnadim_{name}.parquet")["msdyn_name"][0].as_py()
            for name in ("account", "department", "fund")
        ]
        file.write_text(f'Account,Department,Fund,Amount\n"{members[0]}","{members[1]}","{members[2]}",1\n')
        load(actor=world.owner, cube=cube, facts=Source(file), mode=Mode.APPEND)
        done = work(ask(world, cube, environment))
        assert "because other data was loaded since" in done.report.notes
        assert total(done.report) == TOTAL


class TestDoors:
    def test_the_page_leads_through_a_load_without_javascript(self, client, world, cube, environment):
        client.force_login(world.owner)
        form = client.get(reverse("dataverse:load", args=[cube.slug])).content.decode()
        assert "Load from Dataverse" in form and "Rows changed since the last load" in form
        answer = client.post(
            reverse("dataverse:load", args=[cube.slug]), {"environment": environment.pk, "extent": "all"}
        )
        found = DataverseLoad.objects.get()
        page = reverse("dataverse:status", args=[cube.slug, found.pk])
        assert answer.url == page
        assert client.get(reverse("dataverse:load", args=[cube.slug])).url == page
        assert "Queued" in client.get(page).content.decode()
        work(found)
        live = client.get(reverse("dataverse:live", args=[cube.slug, found.pk]))
        assert live.status_code == 286
        assert "12,636 of 12,636 records were loaded" in live.content.decode()
        assert reverse("cubes:load-report", args=[cube.slug, Load.objects.get().pk]) in live.content.decode()

    def test_who_has_no_connection_reads_why(self, client, world, cube, environment):
        client.force_login(world.planner)
        address = reverse("dataverse:load", args=[cube.slug])
        answer = client.post(address, {"environment": environment.pk, "extent": "all"})
        assert answer.status_code == 422
        assert "You have no Dataverse connection" in answer.content.decode()

    def test_the_command_loads_and_reports(self, world, cube, environment, capsys):
        call_command("load_cube", cube.slug, from_dataverse=True, user="owner")
        said = capsys.readouterr().out
        assert f"{FACTS}.parquet: 12636 records, 12636 loaded, 0 refused." in said
        assert f"Amount {TOTAL}" in said
        with pytest.raises(CommandError, match="no user nobody"):
            call_command("load_cube", cube.slug, from_dataverse=True, user="nobody")
        with pytest.raises(CommandError, match="--facts"):
            call_command("load_cube", cube.slug)


def address_of_the_database() -> str:
    """The test's database, for another process."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    return f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_killed_process_goes_on_at_its_page(transactional_db, world, cube, environment, sandbox, settings, tmp_path):
    """A real process that holds the load is killed after a page became durable and before its place was written."""
    settings.DATAVERSE_LOAD_PAGE = 3000
    found = ask(world, cube, environment)
    hold = tmp_path / "hold"
    hold.write_text("page of dataverse")
    code = "import django; django.setup(); from exports.operations import from_dataverse; from_dataverse.step(pk=%d)"
    outside = os.environ | {
        "DATABASE_URL": address_of_the_database(),
        "DJANGO_SETTINGS_MODULE": "bpp_portal.settings",
        "PORTAL_HOLD": str(hold),
        "PORTAL_DATA_DIR": str(settings.DATA_DIR),
        "ALLOWED_REMOTE_HOSTS": ",".join(settings.ALLOWED_REMOTE_HOSTS),
        "REMOTE_CA_FILE": settings.REMOTE_CA_FILE,
        "ENTRA_CLIENT_SECRET": settings.ENTRA_CLIENT_SECRET,
        "DATAVERSE_LOAD_PAGE": "3000",
        "EXPORT_LEASE": "1",
    }
    process = subprocess.Popen([sys.executable, "-c", code % found.pk], env=outside)
    try:
        held = tmp_path / "hold.held"
        for _ in range(4):  # three dimensions, then the first page of facts
            until(held.exists, 30, "the process reads a page")
            if found.tables.filter(key="", position=4).exists() and found.tables.filter(is_done=True).count() == 3:
                break
            held.unlink()
            hold.write_text("page of dataverse")
            (tmp_path / "hold.go").touch()
            until(lambda: not hold.exists(), 30)
            (tmp_path / "hold.go").unlink()
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    found.refresh_from_db()
    assert found.lease_until is not None
    DataverseLoad.objects.filter(pk=found.pk).update(lease_until=database_now())
    assert found.tables.filter(is_done=True).count() == 3
    asked = members_asked(sandbox)
    assert asked == 3
    done = work(found)
    assert total(done.report) == TOTAL
    assert members_asked(sandbox) == asked


def members_asked(sandbox) -> int:
    return sum("/msdyn_xpnadim_" in item["path"] for item in sandbox.get("requests")["requests"])
