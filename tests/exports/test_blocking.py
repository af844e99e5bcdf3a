"""What is not fit blocks before a run starts: named at its field by page, command and API."""

import json
from html import unescape

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from exports.forms import form_data
from exports.models import Export, Run
from tests.world import SAMPLES, configuration

CONFIGURATION = json.loads((SAMPLES / "oakland" / "fire-police-finance.json").read_text())
ADDRESS = "/cubes/city-of-oakland-adopted-budget/export/"


def mapped(**changes):
    return {"mapping": CONFIGURATION["mapping"] | changes}


def mapped_without(target):
    return {"mapping": {name: source for name, source in CONFIGURATION["mapping"].items() if name != target}}


def nothing(sandbox):
    pass


def without_a_fund(sandbox):
    row = {"FinancialDimension": "Fund", "LegalEntityId": "USMF", "DimensionValue": "1010"}
    sandbox.call("DELETE", "rows/FinancialDimensionValues", row)


def suspended_fund(sandbox):
    row = {"FinancialDimension": "Fund", "LegalEntityId": "USMF", "DimensionValue": "1010", "IsSuspended": "Yes"}
    sandbox.put("rows/FinancialDimensionValues", row)


def period_as_delimiter(sandbox):
    sandbox.put("rows/DimensionParameters", {"Key": 0, "DimensionSegmentDelimiter": "Period"})
    row = {
        "DimensionFormatName": "BudgetRegister",
        "DimensionFormatType": "DataEntityBudgetDimensionFormat",
        "FinancialDimensionFormat": "MainAccount.Department.Fund",
    }
    sandbox.put("rows/DimensionIntegrationFormats", row)


CASES = {
    "unmapped": (nothing, mapped_without("Fund"), "mapping-Fund", "Fund is not mapped. Choose a cube column."),
    "wrong type": (
        nothing,
        mapped(Date={"column": "Fund.Code"}),
        "mapping-Date",
        "Fund.Code is text. Date needs a column of type Date.",
    ),
    "stopped model": (
        nothing,
        {"budget_model": "FY21-OLD"},
        "budget_model",
        "Budget model FY21-OLD is stopped in Finance. Choose another one.",
    ),
    "foreign model": (
        nothing,
        {"budget_model": "DE-OPS"},
        "budget_model",
        "USMF has no budget model DE-OPS. Choose one of USMF.",
    ),
    "unknown value": (without_a_fund, {}, "mapping-Fund", "Finance has no Fund 1010 ("),
    "suspended value": (suspended_fund, {}, "mapping-Fund", "Fund 1010 ("),
    "delimiter inside a value": (
        period_as_delimiter,
        {"filters": []},
        "mapping-MainAccount",
        "holds the delimiter . of Finance, which has no escaping.",
    ),
    "date outside the calendar": (
        nothing,
        mapped(Date={"constant": "1999-01-01"}),
        "mapping-Date",
        "1999-01-01 (1 row) lies outside the fiscal calendar of USMF.",
    ),
    "closed period": (
        nothing,
        {"legal_entity": "DEMF", "budget_model": "DE-OPS"} | mapped(Date={"constant": "2022-01-10"}),
        "mapping-Date",
        "Period Jan 2022 is closed in DEMF.",
    ),
}
cases = pytest.mark.parametrize(("cause", "changes", "field", "text"), list(CASES.values()), ids=list(CASES))


@cases
def test_by_api_with_field_and_examples(world, oakland, sandbox, cause, changes, field, text):
    cause(sandbox)
    client = APIClient()
    client.force_authenticate(world.planner)
    answer = client.post("/api/v1/exports/", CONFIGURATION | changes, format="json")
    assert answer.status_code == 400
    found = [problem for problem in answer.json()["problems"] if text in problem["message"]]
    assert found, answer.json()
    assert found[0]["field"] == field
    assert not Run.objects.exists()


@cases
def test_on_the_page_beside_the_field(client, world, oakland, sandbox, cause, changes, field, text):
    cause(sandbox)
    client.force_login(world.planner)
    form = form_data(configuration("oakland/fire-police-finance.json", **changes).configuration)
    html = unescape(client.post(ADDRESS, form | {"action": "export"}).content.decode())
    assert text in html
    assert f'href="#field-{field.lower().replace(" ", "-")}"' in html
    assert 'aria-invalid="true"' in html
    assert not Export.objects.exists()


@cases
def test_by_command_with_the_field_before_the_sentence(world, oakland, sandbox, tmp_path, cause, changes, field, text):
    cause(sandbox)
    path = tmp_path / "configuration.json"
    path.write_text(json.dumps(CONFIGURATION | changes))
    with pytest.raises(CommandError) as refused:
        call_command("export_budget", str(path), user="planner")
    assert any(line.startswith(f"{field}: ") and text in line for line in str(refused.value).splitlines())
    assert not Run.objects.exists()
