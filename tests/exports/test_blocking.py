"""What is not fit blocks before a run starts: named at its field by page, command and API."""

import json
from html import unescape

import pytest
from django.core.management import CommandError, call_command
from django.utils.text import slugify
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
        "The constant date 1 Jan 1999 lies outside the fiscal calendar of USMF.",
    ),
    "closed period": (
        nothing,
        {"legal_entity": "DEMF", "budget_model": "DE-OPS"} | mapped(Date={"constant": "2022-01-10"}),
        "mapping-Date",
        "The constant date 10 Jan 2022 lies in the closed period Jan 2022 of DEMF. Choose another date, or ask",
    ),
    "unknown legal entity": (
        nothing,
        {"legal_entity": "XXXX"},
        "legal_entity",
        "Finance has no legal entity XXXX. Choose one of: DEMF, USMF, USSI.",
    ),
    "unknown constant": (
        nothing,
        mapped(Fund={"constant": "21O0"}),
        "mapping-Fund",
        "Finance has no Fund 21O0 in USMF.",
    ),
    "long name": (nothing, {"name": "x" * 500}, "name", "Shorten the name to 100 characters."),
    "long legal entity": (nothing, {"legal_entity": "x" * 500}, "legal_entity", "Shorten the legal entity to 20 "),
    "long budget model": (nothing, {"budget_model": "x" * 500}, "budget_model", "Shorten the budget model to 60 "),
    "long budget code": (nothing, {"budget_code": "x" * 500}, "budget_code", "Shorten the budget code to 60 "),
    "long constant": (
        nothing,
        mapped(Fund={"constant": "x" * 500}),
        "mapping-Fund",
        "Shorten the constant for Fund to 250 characters. It has 500.",
    ),
    "long column": (nothing, mapped(Fund={"column": "x" * 500}), "mapping-Fund", "Shorten the column for Fund to 250 "),
    "zero character in the name": (nothing, {"name": "a\0b"}, "name", "The name holds a character"),
    "zero character in the legal entity": (
        nothing,
        {"legal_entity": "US\0MF"},
        "legal_entity",
        "The legal entity holds a character that no text in Finance can have.",
    ),
    "zero character in a constant": (
        nothing,
        mapped(Fund={"constant": "a\0b"}),
        "mapping-Fund",
        "The constant for Fund holds a character",
    ),
    "zero character in a filter": (
        nothing,
        {"filters": [{"column": "Fund.Code", "operator": "in", "values": ["a\0b"]}]},
        "filters.0",
        "The value of filter 1 holds a character",
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
    assert f'href="#field-{slugify(field)}"' in html
    assert 'aria-invalid="true"' in html or "is-open" in html
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


UNSTORABLE = {
    "name": {"name": "\ud800"},
    "legal_entity": {"legal_entity": "\ud800"},
    "budget_model": {"budget_model": "\ud800"},
    "budget_code": {"budget_code": "\ud800"},
    "mapping-Fund": mapped(Fund={"constant": "\ud800"}),
    "mapping-Department": mapped(Department={"column": "Department.\ud800"}),
    "mapping": {"mapping": CONFIGURATION["mapping"] | {"\ud800": {"constant": "x"}}},
    "filters.0": {"filters": [{"column": "Fund.\ud800", "operator": "in", "values": ["\ud800"]}]},
    "cube": {"cube": "\ud800"},
    "environment": {"environment": "\0"},
    "\\ud800": {"\ud800": "x"},
}


@pytest.mark.parametrize(("field", "changes"), list(UNSTORABLE.items()), ids=[ascii(name) for name in UNSTORABLE])
def test_characters_that_nothing_can_store_are_a_problem_at_their_field(world, oakland, tmp_path, field, changes):
    text = json.dumps(CONFIGURATION | changes)
    client = APIClient()
    client.force_authenticate(world.planner)
    answer = client.post("/api/v1/exports/", text, content_type="application/json")
    assert answer.status_code == 400
    assert [problem["field"] for problem in answer.json()["problems"]] == [field]
    path = tmp_path / "configuration.json"
    path.write_text(text)
    with pytest.raises(CommandError) as refused:
        call_command("export_budget", str(path), user="planner")
    assert str(refused.value).startswith(f"{field}: ")
    assert len(str(refused.value).splitlines()) == 1
    assert not Export.objects.exists()


def test_a_draft_with_a_text_that_cannot_be_kept_is_refused(client, world, oakland):
    client.force_login(world.planner)
    form = form_data(configuration("oakland/fire-police-finance.json", budget_model="x" * 500).configuration)
    html = unescape(client.post(ADDRESS, form | {"action": "draft"}).content.decode())
    assert "Shorten the budget model to 60 characters. It has 500." in html
    assert not Export.objects.exists()


UNREADABLE = {
    "no object": ("[]", "", "The configuration is not a JSON object."),
    "an unknown field of a filter": (
        json.dumps(CONFIGURATION | {"filters": [{"column": "A.B", "operator": "in", "value": ["x"]}]}),
        "filters.0",
        "Filter 1 is not a condition. value is not one of its fields: column, operator, values.",
    ),
    "a filter that is a number": (
        json.dumps(CONFIGURATION | {"filters": [1]}),
        "filters.0",
        "Filter 1 is not a condition. Write it as an object with column, operator and values.",
    ),
    "a filter without a column": (
        json.dumps(CONFIGURATION | {"filters": [{"operator": "in"}]}),
        "filters.0",
        "Filter 1 is not a condition. Its column must be written as Dimension.Column.",
    ),
    "an unknown operator": (
        json.dumps(CONFIGURATION | {"filters": [{"column": "A.B", "operator": "is"}]}),
        "filters.0",
        "Filter 1 is not a condition. Its operator must be one of: in, not in, between, ",
    ),
    "values that are no list": (
        json.dumps(CONFIGURATION | {"filters": [{"column": "A.B", "operator": "in", "values": "x"}]}),
        "filters.0",
        "Filter 1 is not a condition. Its values must be a list of texts.",
    ),
    "an unknown key of a mapping": (
        json.dumps(CONFIGURATION | mapped(Fund={"column": "Fund.Code", "map": {}})),
        "mapping-Fund",
        "The mapping of Fund must be",
    ),
}
unreadable = pytest.mark.parametrize(("text", "field", "says"), list(UNREADABLE.values()), ids=list(UNREADABLE))


@unreadable
def test_what_is_no_configuration_is_said_in_sentences_by_api(world, oakland, text, field, says):
    client = APIClient()
    client.force_authenticate(world.planner)
    answer = client.post("/api/v1/exports/", text, content_type="application/json")
    assert answer.status_code == 400
    [problem] = answer.json()["problems"]
    assert problem["field"] == field
    assert problem["message"].startswith(says)


@unreadable
def test_what_is_no_configuration_is_said_in_sentences_by_command(world, oakland, tmp_path, text, field, says):
    path = tmp_path / "configuration.json"
    path.write_text(text)
    with pytest.raises(CommandError) as refused:
        call_command("export_budget", str(path), user="planner")
    assert str(refused.value).startswith(f"{field}: {says}" if field else says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"name": "a", "name": "b"}', "name stands twice in one object. Remove one."),
        ('{"filters": [{"column": "A.B", "column": "A.C"}]}', "column stands twice in one object."),
        ("{", "Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
        ('"' + "\udcff", "utf-8"),
    ],
    ids=["twice", "twice inside", "broken", "deep", "no text"],
)
def test_json_that_cannot_be_read_or_says_something_twice(world, oakland, tmp_path, text, says):
    body = text.encode(errors="surrogateescape")
    client = APIClient()
    client.force_authenticate(world.planner)
    answer = client.post("/api/v1/exports/", body, content_type="application/json")
    assert answer.status_code == 400
    assert says in answer.json()["detail"]
    path = tmp_path / "configuration.json"
    path.write_bytes(body)
    with pytest.raises(CommandError, match=says):
        call_command("export_budget", str(path), user="planner")
