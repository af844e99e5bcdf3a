"""From the cube to the ledger: exact, once, and recomputed here from the city's own file with csv and Decimal."""

import csv
import io
import random
import re
import time
import zipfile
from decimal import Decimal

import pytest

from exports.frozen import PACKAGE
from exports.models import RunTotal
from exports.rules.states import State
from tests.city import city_rows, fire_police_finance, recomputed
from tests.world import SAMPLES, configuration, entry, export, load, sums, work


def test_budgets_arrive_exactly_as_the_city_wrote_them(world, oakland, sandbox):
    run = work(export(world.planner, "oakland/fire-police-finance.json"))
    assert (run.state, run.headline) == (State.SUCCEEDED, "")
    assert (run.cube_rows, run.line_count) == (4069, 314)
    [total] = run.totals.filter(place=RunTotal.Place.PACKAGE)
    assert (total.amount_type, total.currency, total.amount) == ("Expense", "USD", Decimal("564602579.00"))
    found = entry(sandbox, run)
    assert sums(found) == recomputed(city_rows(fire_police_finance))
    assert len(found["lines"]) == 314
    assert found["CreatedBy"] == "owner"
    assert str(run.uuid) in found["lines"][0]["Comment"]
    assert run.reconciliation.agrees


def test_one_line_per_cube_record(world, oakland, sandbox):
    run = work(export(world.planner, "oakland/fire-police-finance-by-record.json"))
    found = entry(sandbox, run)
    assert len(found["lines"]) == 4069 == run.line_count
    assert sums(found) == recomputed(city_rows(fire_police_finance))


def test_the_whole_budget_in_one_entry(world, oakland, sandbox):
    run = work(export(world.planner, "oakland/whole-budget.json"))
    found = entry(sandbox, run)
    assert sums(found) == recomputed(city_rows(lambda row: True))
    kinds = [line["AmountType"] for line in found["lines"]]
    assert (kinds.count("Expense"), kinds.count("Revenue")) == (1642, 306)
    totals = {t.amount_type: t.amount for t in run.totals.filter(place=RunTotal.Place.FINANCE)}
    assert totals == {"Expense": Decimal(2033463039), "Revenue": Decimal(2033313039)}


def test_a_filter_drawn_at_random(world, oakland, sandbox):
    rows = city_rows(lambda row: True)
    departments = random.sample(sorted({row["department"] for row in rows}), 4)
    filters = [{"column": "Department.Name", "operator": "in", "values": departments}]
    run = work(export(world.planner, "oakland/whole-budget.json", filters=filters))
    assert sums(entry(sandbox, run)) == recomputed(r for r in rows if r["department"] in departments), departments


def test_the_same_configuration_again_gives_a_second_entry(world, oakland, sandbox):
    runs = [work(export(world.planner, "oakland/fire-police-finance.json")) for _ in range(2)]
    assert len({run.entry_number for run in runs}) == 2
    assert sums(entry(sandbox, runs[0])) == sums(entry(sandbox, runs[1]))
    assert runs[0].lines_sha256 == runs[1].lines_sha256


def test_codes_arrive_byte_for_byte(world, codes, sandbox):
    run = work(export(world.planner, "codes/codes.json"))
    assert run.state == State.SUCCEEDED, (run.headline, run.cause)
    with (SAMPLES / "codes" / "facts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    wanted = {"0800", "000110", "NA", "1E5", " lead", "two  blanks", "🧾 emoji"}
    assert wanted <= {cell for row in rows for cell in row}
    for index in range(3):
        assert {line["DimensionDisplayValue"].split("|")[index] for line in entry(sandbox, run)["lines"]} >= wanted


@pytest.mark.parametrize("facts", ["facts.csv", "facts.xlsx", "facts.parquet"])
def test_codes_are_the_same_through_every_kind_of_file(world, sandbox, capsys, facts):
    load("codes", facts, f"Period={SAMPLES / 'codes' / 'period.csv'}")
    run = work(export(world.planner, "codes/codes.json"))
    with (SAMPLES / "codes" / "facts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = {"|".join(list(row.values())[:3]) for row in rows}
    with zipfile.ZipFile(run.folder / PACKAGE) as package:
        [name] = [name for name in package.namelist() if name.endswith(".csv")]
        text = package.read(name).decode("utf-16")
    sent = {row["DIMENSIONDISPLAYVALUE"] for row in csv.DictReader(io.StringIO(text))}
    assert {line["DimensionDisplayValue"] for line in entry(sandbox, run)["lines"]} == sent == wanted


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Los_Angeles"])
def test_dates_are_the_same_in_every_time_zone_of_the_server(world, oakland, sandbox, settings, monkeypatch, zone):
    settings.TIME_ZONE = zone
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        run = work(export(world.planner, "oakland/fire-police-finance.json"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert {line["EntryDate"][:10] for line in entry(sandbox, run)["lines"]} == {"2021-07-01"}
    assert sums(entry(sandbox, run)) == recomputed(city_rows(fire_police_finance))


@pytest.mark.parametrize("value", ["0800", "000110", "NA", "1E5", " lead", "two  blanks", "🧾 emoji"])
def test_a_code_filters_as_it_is(world, codes, sandbox, value):
    filters = [{"column": "Fund.Code", "operator": "in", "values": [value]}]
    run = work(export(world.planner, "codes/codes.json", filters=filters))
    assert {line["DimensionDisplayValue"].split("|")[2] for line in entry(sandbox, run)["lines"]} == {value}


def test_building_twice_gives_the_same_bytes(world, oakland):
    from exports.lines import LineShape
    from exports.operations.building import freeze
    from exports.queries.remembering import schema_of

    run = export(world.planner, "oakland/fire-police-finance.json")
    shape = LineShape.of(schema_of(run.environment, "USMF"))
    hashes = set()
    for _ in range(2):
        freeze(run, configuration("oakland/fire-police-finance.json").configuration, shape)
        hashes.add((run.lines_sha256, run.package_sha256, (run.folder / PACKAGE).stat().st_size))
    assert len(hashes) == 1


@pytest.mark.parametrize(("workflow", "status"), [("", "None"), ("BudgetApproval", "NotSubmitted")])
def test_an_exported_entry_is_a_draft_in_the_sequences_form_with_its_workflow_untouched(
    world, oakland, sandbox, workflow, status
):
    sandbox.put("faults", {"number_format": "BPP-######", "number_form": "check"})
    sandbox.put("rows/BudgetCodes", {"dataAreaId": "usmf", "BudgetCode": "ORIG", "WorkflowId": workflow})
    run = work(export(world.planner, "oakland/fire-police-finance.json"))
    assert run.state == State.SUCCEEDED, run.cause
    found = entry(sandbox, run)
    assert (found["Status"], found["WorkflowStatus"]) == ("Draft", status)
    assert {line["WorkflowStatus"] for line in found["lines"]} == {status}
    assert re.fullmatch(r"BPP-\d{6}", found["EntryNumber"])
