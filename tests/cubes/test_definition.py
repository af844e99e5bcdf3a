"""The definition of a cube as JSON."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cubes.rules.definition import parse_definition
from cubes.rules.shape import DataType

from .conftest import SAMPLES, definition_text

DOCUMENTED = """
{
  "Tables": [
    {
      "LogicalName": "msdyn_xpnadim_account",
      "DisplayName": "Account",
      "PrimaryColumnName": "msdyn_name",
      "IsDimension": true,
      "Columns": [
        { "LogicalName": "msdyn_name",        "DisplayName": "Name",        "DataType": "StringType" },
        { "LogicalName": "msdyn_description", "DisplayName": "Description", "DataType": "StringType" },
        { "LogicalName": "msdyn_accounttype", "DisplayName": "Account type","DataType": "StringType" }
      ]
    },
    {
      "LogicalName": "msdyn_xpnacube_contosofinancials",
      "DisplayName": "ContosoFinancials",
      "PrimaryColumnName": "msdyn_xpnacube_contosofinancials_name",
      "IsDimension": false,
      "Columns": [
        { "LogicalName": "msdyn_amount", "DisplayName": "Amount", "DataType": "DecimalType",
          "Options": { "Precision": 2, "MinValue": -100000000000, "MaxValue": 100000000000 } }
      ]
    }
  ],
  "Relations": [
    { "ReferencingTableName": "msdyn_xpnacube_contosofinancials", "RelatedTableName": "msdyn_xpnadim_account" }
  ]
}
"""


def problems_of(text: str) -> list[str]:
    return [problem.message for problem in parse_definition(text)[1]]


def changed(**changes: Any) -> str:
    """A good definition in which the dimension's table has these entries."""
    document = json.loads(definition_text())
    document["Tables"][0].update(changes)
    return json.dumps(document)


def test_the_documented_example_is_read_as_it_is() -> None:
    definition, problems = parse_definition(DOCUMENTED)
    assert problems == []
    assert definition is not None
    shape = definition.shape()
    assert shape.name == "ContosoFinancials"
    assert [dimension.name for dimension in shape.dimensions] == ["Account"]
    assert [column.name for column in shape.dimensions[0].columns] == ["Name", "Description", "Account type"]
    assert [(driver.name, driver.precision) for driver in shape.drivers] == [("Amount", 2)]


def test_the_date_type_is_an_extension() -> None:
    definition, _ = parse_definition((SAMPLES / "oakland" / "definition.json").read_text())
    assert definition is not None
    year = definition.shape().dimensions[-1]
    assert [(column.name, column.data_type) for column in year.columns] == [
        ("Name", DataType.TEXT),
        ("Start date", DataType.DATE),
    ]
    assert year.source_column == "budget_year"


def test_several_cubes_in_one_file_give_the_documented_error() -> None:
    document = json.loads(DOCUMENTED)
    document["Tables"].append(document["Tables"][1] | {"LogicalName": "second", "DisplayName": "Second"})
    assert problems_of(json.dumps(document)) == [
        "Error parsing JSON: Multiple cubes import isn't supported. Upload one cube at a time."
    ]


def test_a_list_of_definitions_gives_the_documented_error() -> None:
    assert problems_of(f"[{DOCUMENTED}, {DOCUMENTED}]") == [
        "Error parsing JSON: Multiple cubes import isn't supported. Upload one cube at a time."
    ]


def bounded(lowest: str, highest: str) -> str:
    text = DOCUMENTED.replace('"MinValue": -100000000000', f'"MinValue": {lowest}')
    return text.replace('"MaxValue": 100000000000', f'"MaxValue": {highest}')


def test_the_bounds_of_a_driver_are_kept_exactly() -> None:
    definition, _ = parse_definition(bounded("-0.1", "100000000000.25"))
    assert definition is not None
    [driver] = definition.drivers
    assert (driver.lowest, driver.highest) == (Decimal("-0.1"), Decimal("100000000000.25"))
    assert driver.limits == "from -0.1 to 100000000000.25"


@pytest.mark.parametrize(
    ("lowest", "highest", "says"),
    [
        ("2", "1", "MinValue of driver Amount is above its MaxValue. Swap them."),
        ('"1"', "2", "MinValue of driver Amount is 1. Use a number of at most 32 digits"),
        ("0", "NaN", "MaxValue of driver Amount is nan."),
        ("0", "true", "MaxValue of driver Amount is True."),
        ("0", "1e32", "MaxValue of driver Amount is 1E+32."),
        ("0.00000000001", "1", "MinValue of driver Amount is 1E-11."),
        ("1e9999999999999999999", "1", "Error parsing JSON"),
    ],
)
def test_bounds_that_cannot_be_kept_are_named(lowest: str, highest: str, says: str) -> None:
    [message] = problems_of(bounded(lowest, highest))
    assert says in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Error parsing JSON"),
        ("{", "Error parsing JSON"),
        ("[]", "must hold one object"),
        ("{}", "Tables of the file is missing"),
        ('{"Tables": []}', "No table of the file is a cube"),
        (changed(DisplayName=""), "DisplayName of a dimension is missing"),
        (changed(DisplayName="A.B"), "holds a dot"),
        (changed(LogicalName="a-b"), "The logical name a-b"),
        (changed(LogicalName="../x"), "The logical name ../x"),
        (changed(PrimaryColumnName="other"), "The primary column other"),
        (changed(IsDimension=None), "does not say IsDimension"),
        (changed(Columns=[]), "The primary column c0"),
        (changed(Columns=[{"LogicalName": "c0", "DisplayName": "Code", "DataType": "MoneyType"}]), "is MoneyType"),
        (changed(Columns=[{"LogicalName": "c0", "DisplayName": "Code", "DataType": "DateType"}]), "not one of its"),
        (changed(LogicalName="elsewhere"), "leads to no dimension of the file"),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    assert any(says in message for message in problems_of(text)), problems_of(text)


def test_names_that_differ_in_case_only_are_refused() -> None:
    text = definition_text(dimensions={"Fund": [("Code", "StringType")], "fund": [("Code", "StringType")]})
    assert problems_of(text) == ["fund occurs twice among the dimensions. Rename one."]


def test_a_cube_needs_a_driver_and_a_dimension() -> None:
    document = json.loads(definition_text())
    document["Tables"][1]["Columns"] = []
    document["Relations"] = []
    assert problems_of(json.dumps(document)) == [
        "Plan has no driver. Add a column of type DecimalType, such as Amount.",
        "The cube has no dimension. Add a relation to at least one.",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Tables", "Relations", "Columns", "IsDimension", "DataType", "Options", "Precision"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_the_file_holds_ends_in_sentences(document: object) -> None:
    definition, problems = parse_definition(json.dumps(document))
    assert (definition is None) == bool(problems)


@given(st.text())
def test_whatever_text_it_is_ends_in_sentences(text: str) -> None:
    definition, problems = parse_definition(text)
    assert (definition is None) == bool(problems)
