"""Linked columns: limited to the values of a column link dimension, checked at loading, filterable everywhere."""

import json
from typing import Any

import pytest
from django.urls import reverse

from bpp_portal.kernel.roles import Role
from cubes import queries
from cubes.models import Cube
from cubes.operations import CubeRefused, LoadRefused, correct, delete_dimension, import_definition, load
from cubes.rules.definition import parse_definition
from cubes.rules.loading import Mode
from cubes.rules.slices import ColumnRef, Condition, Operator, Slice

from .conftest import definition_text, refused

APPROVED = Slice((Condition(ColumnRef("Scenario", "Status"), Operator.IN, ("Approved",)),))
SCENARIOS = "Name,Status\nBase,Approved\nHigh,In review\nLow,\n"
STATUSES = "Name\nNot started\nIn review\nApproved\n"


def document(**link: Any) -> dict[str, Any]:
    """A cube with Scenario, whose column Status is linked to the dimension Status that the facts do not name."""
    found: dict[str, Any] = json.loads(
        definition_text(
            dimensions={
                "Scenario": [("Name", "StringType"), ("Status", "StringType")],
                "Status": [("Name", "StringType")],
            }
        )
    )
    target = {"TableName": "dim_cube_plan_1", "ColumnName": "c0"} | link
    found["Tables"][0]["Columns"][1]["LinkedTo"] = target
    found["Relations"] = found["Relations"][:1]
    return found


@pytest.fixture
def scenario_cube(db) -> Cube:
    return import_definition(actor=None, text=json.dumps(document()), publish=True).cube


def loaded(cube: Cube, write, scenarios: str = SCENARIOS, statuses: str | None = STATUSES) -> Any:
    files = {"Scenario": write("scenario.csv", scenarios)}
    if statuses is not None:
        files["Status"] = write("status.csv", statuses)
    facts = write("facts.csv", "Scenario,Amount\nBase,1.00\nHigh,2.00\nLow,4.00\n")
    return load(actor=None, cube=cube, facts=facts, dimensions=files, allow_partial=True)


def test_scenario_status_is_approved_is_a_filter(scenario_cube: Cube, planner, write, client) -> None:
    snapshot = loaded(scenario_cube, write).snapshot
    found = queries.explore(
        snapshot=snapshot,
        user=planner,
        rows=ColumnRef("Scenario", "Name"),
        columns=None,
        driver="Amount",
        slice_=APPROVED,
    )
    assert [(row.member, str(row.total)) for row in found.rows] == [("Base", "1.00")]
    client.force_login(planner)
    address = reverse("cubes:cube", args=[scenario_cube.slug])
    html = client.get(address, {"f": json.dumps(["Scenario.Status", "in", "Approved"])}).content.decode()
    assert "<b>1</b> of 3 rows" in html
    assert "linked to Status.Name" in client.get(f"{address}definition/").content.decode()


def test_a_value_outside_is_a_named_problem(scenario_cube: Cube, write) -> None:
    report = loaded(scenario_cube, write, SCENARIOS.replace("In review", "Rejected"))
    told = {(error.file, error.row, error.column, error.value): error.reason for error in refused(report)}
    reason = told["scenario.csv", 3, "Status", "Rejected"]
    assert reason == (
        "'Rejected' is not a value of Status.Name: Not started, In review, Approved. Correct it, or add it there."
    )
    assert (report.loaded, report.snapshot) == (0, None)  # the facts wait for their members
    scenario = scenario_cube.shape().dimensions[0].logical_name
    still = correct(actor=None, load=report, files={scenario: write("still.csv", "Name,Status\nHigh,Wrong\n")})
    assert [(error.column, error.value) for error in refused(still)] == [("Status", "Wrong")]
    done = correct(actor=None, load=still, files={scenario: write("mended.csv", "Name,Status\nHigh,In review\n")})
    assert (done.loaded, done.snapshot.rows) == (3, 3)
    # The column link dimension stands as well, for the loads to come.
    assert loaded(scenario_cube, write, statuses=None).loaded == 3


def test_a_refused_value_of_the_source_makes_its_users_wait_too(scenario_cube: Cube, write) -> None:
    report = loaded(scenario_cube, write, statuses=STATUSES.replace("In review", "Not started"))
    assert [(error.file, error.row) for error in refused(report)] == [("status.csv", 3), ("scenario.csv", 3)]
    [status], [scenario] = scenario_cube.shape().links, scenario_cube.shape().dimensions
    mended = {
        scenario.logical_name: write("a.csv", "Name,Status\nHigh,In review\n"),
        status.logical_name: write("b.csv", "Name\nIn review\n"),
    }
    assert correct(actor=None, load=report, files=mended).loaded == 3


@pytest.mark.parametrize("mode", [Mode.OVERWRITE, Mode.APPEND])
def test_members_that_are_added_are_checked_against_all_values_that_stand(
    scenario_cube: Cube, write, mode: Mode
) -> None:
    loaded(scenario_cube, write)
    facts = write("facts.csv", "Scenario,Amount\nBase,1.00\nFourth,8.00\n")
    files = {"Scenario": write("s.csv", "Name,Status\nFourth,Done\n"), "Status": write("t.csv", "Name\nDone\n")}
    report = load(actor=None, cube=scenario_cube, facts=facts, dimensions=files, mode=mode)
    assert (report.loaded, refused(report)) == (2, [])
    assert "Status: 4 members (from t.csv, 3 from the snapshot before)." in report.notes


def test_the_column_link_dimension_needs_members(scenario_cube: Cube, write) -> None:
    with pytest.raises(LoadRefused, match="The members of Status are not known yet"):
        loaded(scenario_cube, write, statuses=None)
    loaded(scenario_cube, write)
    assert loaded(scenario_cube, write, statuses=None).loaded == 3  # those of the snapshot before stay


def test_members_that_stay_must_fit_new_values(scenario_cube: Cube, write) -> None:
    loaded(scenario_cube, write)
    facts = write("facts.csv", "Scenario,Amount\nBase,1.00\n")
    with pytest.raises(LoadRefused, match=r"Scenario: 'In review' is not a value of Status\.Name"):
        load(actor=None, cube=scenario_cube, facts=facts, dimensions={"Status": write("s.csv", "Name\nApproved\n")})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ColumnName": "nothing"}, "which is not another dimension|does not exist"),
        ({"TableName": "dim_cube_plan_0", "ColumnName": "c0"}, "which is not another dimension"),
        ({"TableName": 3}, "TableName of LinkedTo"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused(change: dict[str, Any], sentence: str) -> None:
    found, problems = parse_definition(json.dumps(document(**change)))
    assert found is None
    assert any(part in problems[0].message for part in sentence.split("|"))


def test_links_form_no_circle_and_keep_the_type(db) -> None:
    circle = document()
    circle["Tables"][1]["Columns"].append(
        {
            "LogicalName": "back",
            "DisplayName": "Back",
            "DataType": "StringType",
            "LinkedTo": {"TableName": "dim_cube_plan_0", "ColumnName": "c0"},
        }
    )
    assert "lead back to" in parse_definition(json.dumps(circle))[1][0].message
    typed = document()
    typed["Tables"][0]["Columns"][1]["DataType"] = "DateType"
    assert "Give both the same type" in parse_definition(json.dumps(typed))[1][0].message


def test_a_dimension_in_use_is_not_deleted(scenario_cube: Cube, planner, client, person) -> None:
    uses = {use.dimension.name: use.dimension for use in scenario_cube.cube_dimensions.all()}
    scenario = uses["Scenario"]
    status = scenario.columns.get(name="Status").linked_to.dimension
    with pytest.raises(CubeRefused, match="Scenario is used by Plan and cannot be deleted"):
        delete_dimension(actor=planner, dimension=scenario)
    with pytest.raises(CubeRefused, match=r"Status is the source of Scenario\.Status and cannot be deleted"):
        delete_dimension(actor=planner, dimension=status)
    client.force_login(person(Role.ADMINISTRATOR))
    html = client.post(reverse("cubes:dimension-delete", args=[status.pk]), follow=True).content.decode()
    assert "Status is the source of Scenario.Status" in html
    scenario_cube.delete()
    delete_dimension(actor=planner, dimension=scenario)
    delete_dimension(actor=planner, dimension=status)


def test_a_draft_with_links_can_be_replaced(db) -> None:
    first = import_definition(actor=None, text=json.dumps(document())).cube
    assert first.shape().links[0].name == "Status"
    import_definition(actor=None, text=definition_text(dimensions={"Scenario": [("Name", "StringType")]}))
    assert Cube.objects.get().shape().links == ()
