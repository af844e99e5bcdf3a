"""Is a configuration fit to be exported? Each rule with the sentence that people read."""

from datetime import date

import pytest

from connections.rules.facts import BudgetCode, BudgetModel, BudgetSchema, FiscalPeriod, LegalEntity, MemberStatus
from cubes.rules.slices import ColumnRef, Condition, Operator
from exports.rules import checking
from exports.rules.checking import CubeFacts
from exports.rules.configuration import Configuration, Kind, Source, Target, targets

SCHEMA = BudgetSchema(
    legal_entity=LegalEntity("USMF", "Contoso"),
    accounting_currency="USD",
    delimiter="|",
    segments=("Department", "MainAccount", "Fund"),
    budget_dimensions=("Department", "Fund"),
    models=(BudgetModel("FY22-OPS", "Operating", False), BudgetModel("FY21-OLD", "Old", True)),
    codes=(BudgetCode("ORIG", "Original", "OriginalBudget", True),),
    periods=(
        FiscalPeriod("Jul 2021", date(2021, 7, 1), date(2021, 7, 31), "Open"),
        FiscalPeriod("Aug 2021", date(2021, 8, 1), date(2021, 8, 31), "Closed"),
    ),
    currencies=frozenset({"USD", "EUR"}),
)
CUBE = CubeFacts(
    "Oak",
    True,
    {"Account.Name": "text", "Department.Name": "text", "Fund.Code": "text", "Year.Start": "date", "Type.Name": "text"},
    ("Amount",),
)
FULL = {
    "MainAccount": Source("Account.Name"),
    "Department": Source("Department.Name"),
    "Fund": Source("Fund.Code"),
    "Date": Source("Year.Start"),
    "Amount": Source("Amount"),
    "AmountType": Source("Type.Name"),
}


def chosen(**changes):
    values = {
        "name": "FY22",
        "legal_entity": "USMF",
        "budget_model": "FY22-OPS",
        "budget_code": "ORIG",
        "mapping": FULL,
    }
    return Configuration(**values | changes)


def messages(problems):
    return [problem.message for problem in problems]


def without(*names):
    return {name: source for name, source in FULL.items() if name not in names}


def test_a_complete_mapping_has_no_problem():
    assert checking.check_mapping(chosen(), SCHEMA, CUBE) == []
    assert checking.check_choices(chosen(), SCHEMA) == []
    assert checking.check_cube(CUBE) == []


def test_targets_follow_the_active_format_with_main_account_first():
    assert [target.name for target in targets(SCHEMA)] == [
        "MainAccount",
        "Department",
        "Fund",
        "Date",
        "Amount",
        "AmountType",
        "Currency",
    ]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("Fund", "Fund is not mapped. Choose a cube column."),
        ("MainAccount", "Main account is not mapped. Choose a cube column."),
        ("Date", "Date is not mapped. Choose a column of type Date. This cube has 1: Year.Start."),
        ("Amount", "Amount is not mapped. Choose a driver."),
        ("AmountType", "Amount type is not mapped. Choose a column, Expense or Revenue."),
    ],
)
def test_any_unmapped_required_field_is_named_at_its_place(target, sentence):
    [problem] = checking.check_mapping(chosen(mapping=without(target)), SCHEMA, CUBE)
    assert (problem.message, problem.field) == (sentence, f"mapping-{target}")


def test_currency_is_optional():
    assert not [p for p in checking.check_mapping(chosen(), SCHEMA, CUBE) if p.field == "mapping-Currency"]


@pytest.mark.parametrize(
    ("target", "source", "part"),
    [
        ("Date", Source("Fund.Code"), "Fund.Code is text. Date needs a column of type Date."),
        ("Date", Source(constant="July"), "July is not a date."),
        ("Amount", Source("Fund.Code"), "Fund.Code is text. Amount needs a driver."),
        ("Amount", Source(constant="1"), "A constant cannot be the amount."),
        ("Fund", Source("Amount"), "Amount is a driver. Fund needs a column of a dimension."),
        ("Fund", Source("Fund.Gone"), "Oak has no column Fund.Gone."),
        ("Fund", Source("Year.Start"), "Year.Start is a date. Fund needs a text column."),
        ("AmountType", Source(constant="Transfer"), "Transfer is neither Expense nor Revenue."),
        ("Currency", Source(constant="EURO"), "EURO is not a currency in Finance. Nearest: EUR."),
    ],
)
def test_a_wrong_type_is_a_problem_at_its_field(target, source, part):
    [problem] = checking.check_mapping(chosen(mapping=FULL | {target: source}), SCHEMA, CUBE)
    assert part in problem.message
    assert problem.field == f"mapping-{target}"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"budget_model": "FY21-OLD"}, "Budget model FY21-OLD is stopped in Finance. Choose another one."),
        ({"budget_model": "DE-OPS"}, "USMF has no budget model DE-OPS. Choose one of USMF."),
        ({"budget_model": ""}, "Choose a budget model."),
        ({"budget_code": ""}, "Choose a budget code."),
        ({"name": " "}, "Enter a name for this export."),
        ({"name": "x" * 101}, "Shorten the name to 100 characters."),
    ],
)
def test_choices_that_finance_does_not_take(change, sentence):
    assert messages(checking.check_choices(chosen(**change), SCHEMA)) == [sentence]


def member(suspended=False, start=None, end=None):
    return MemberStatus("x", suspended, start, end, "")


def dimension(values, members, dates=()):
    target = Target("Fund", Kind.DIMENSION, True)
    return checking.check_dimension(target, values, members, SCHEMA, dates)


def test_a_value_unknown_in_finance_is_named_with_its_nearest():
    [problem] = dimension([("21O0", 12)], {"2100": member()})
    assert problem.message == "Finance has no Fund 21O0 (12 rows) in USMF. Nearest: 2100."
    assert problem.examples == ("21O0",)


def test_values_are_compared_byte_for_byte():
    assert dimension([(" lead", 1)], {" lead": member()}) == []
    assert len(dimension([("lead", 1)], {" lead": member()})) == 1


def test_the_delimiter_inside_a_value_is_refused():
    problems = dimension([("a|b", 1)], {"a|b": member()})
    assert "holds the delimiter | of Finance, which has no escaping" in problems[0].message


def test_suspended_and_inactive_values_are_refused():
    day = [(date(2021, 7, 1), 1)]
    assert dimension([("1", 1)], {"1": member(suspended=True)}, day)
    assert dimension([("1", 1)], {"1": member(start=date(2022, 1, 1))}, day)
    assert dimension([("1", 1)], {"1": member(end=date(2021, 6, 30))}, day)
    assert not dimension([("1", 1)], {"1": member(start=date(2021, 7, 1), end=date(2021, 7, 1))}, day)


def test_dates_outside_the_calendar_and_in_a_closed_period():
    problems = checking.check_dates([(date(2030, 1, 1), 2), (date(2021, 8, 5), 3), (date(2021, 7, 1), 9)], SCHEMA)
    assert messages(problems) == [
        "2030-01-01 (2 rows) lies outside the fiscal calendar of USMF. "
        "Ask for the fiscal year to be created in Finance, or filter these 2 rows out.",
        "Period Aug 2021 is closed in USMF. Ask for it to be opened in Finance, or filter these 3 rows out.",
    ]


def test_one_row_is_this_row():
    problems = checking.check_dates([(None, 1), (date(2030, 1, 1), 1), (date(2021, 8, 5), 1)], SCHEMA)
    assert messages(problems) == [
        "1 row has no date. Complete the date dimension, or filter this row out.",
        "2030-01-01 (1 row) lies outside the fiscal calendar of USMF. "
        "Ask for the fiscal year to be created in Finance, or filter this row out.",
        "Period Aug 2021 is closed in USMF. Ask for it to be opened in Finance, or filter this row out.",
    ]
    [problem] = dimension([("9", 1)], {"2100": member()})
    assert problem.message == "Finance has no Fund 9 (1 row) in USMF. Check the mapping, or filter this row out."
    [problem] = checking.check_amount_types("Type.Name", [("Transfer", 1)])
    assert problem.message.endswith("Transfer (1 row). Filter this row or map it.")


@pytest.mark.parametrize(
    ("day", "status", "sentence"),
    [
        (
            date(2021, 8, 15),
            "Closed",
            "The constant date 15 Aug 2021 lies in the closed period Aug 2021 of USMF. "
            "Choose another date, or ask for the period to be opened in Finance.",
        ),
        (
            date(2021, 8, 15),
            "OnHold",
            "The constant date 15 Aug 2021 lies in the period Aug 2021 of USMF, which is on hold. "
            "Choose another date, or ask for the period to be opened in Finance.",
        ),
        (
            date(1999, 1, 1),
            "Open",
            "The constant date 1 Jan 1999 lies outside the fiscal calendar of USMF. "
            "Choose another date, or ask for the fiscal year to be created in Finance.",
        ),
    ],
)
def test_a_constant_date_that_finance_does_not_take(day, status, sentence):
    periods = (FiscalPeriod("Aug 2021", date(2021, 8, 1), date(2021, 8, 31), status),)
    schema = BudgetSchema(**vars(SCHEMA) | {"periods": periods})
    [problem] = checking.check_constant_date(day, schema)
    assert (problem.message, problem.field) == (sentence, "mapping-Date")


@pytest.mark.parametrize(
    ("value", "members", "sentence"),
    [
        ("21O0", {"2100": member()}, "Finance has no Fund 21O0 in USMF. Nearest: 2100."),
        ("9", {"2100": member()}, "Finance has no Fund 9 in USMF. Choose another constant."),
        (
            "1",
            {"1": member(suspended=True)},
            "The constant Fund 1 is suspended or not active in USMF. "
            "Choose another constant, or ask for it to be opened in Finance.",
        ),
        (
            "a|b",
            {"a|b": member()},
            "The constant a|b holds the delimiter | of Finance, which has no escaping. "
            "Choose another constant, or ask for another delimiter in Finance.",
        ),
    ],
)
def test_a_constant_that_finance_does_not_take(value, members, sentence):
    target = Target("Fund", Kind.DIMENSION, True)
    assert messages(checking.check_constant(target, value, members, SCHEMA, ())) == [sentence]


def test_a_constant_that_is_chosen_and_empty_asks_for_it():
    [problem] = checking.check_mapping(chosen(mapping=FULL | {"Fund": Source()}), SCHEMA, CUBE)
    assert (problem.message, problem.field) == ("Enter a constant for Fund.", "mapping-Fund")


def test_more_unknown_currencies_than_are_shown_are_counted():
    values = [(f"X{number:02}", 2) for number in range(27)] + [("USD", 1)]
    [problem] = checking.check_currencies(values, SCHEMA)
    assert problem.message.startswith("X00 (2 rows), X01 (2 rows), X02 (2 rows) and 24 more are not currencies in ")
    assert len(problem.examples) == 27
    assert messages(checking.check_currencies([("EURO", 1)], SCHEMA)) == [
        "EURO (1 row) is not a currency in Finance. Nearest: EUR."
    ]


def test_an_unknown_legal_entity_is_named_with_those_that_finance_has():
    problem = checking.unknown_entity("XXXX", ["DEMF", "USMF"])
    assert problem.message == "Finance has no legal entity XXXX. Choose one of: DEMF, USMF."
    assert problem.field == "legal_entity"
    many = checking.unknown_entity("XXXX", [f"E{number:03}" for number in range(40)])
    assert many.message.endswith("E011 and 28 more.")


LONG = "x" * 500


@pytest.mark.parametrize(
    ("change", "field", "part"),
    [
        ({"legal_entity": LONG}, "legal_entity", "Shorten the legal entity to 20 characters. It has 500."),
        ({"budget_model": LONG}, "budget_model", "Shorten the budget model to 60 characters."),
        ({"budget_code": LONG}, "budget_code", "Shorten the budget code to 60 characters."),
        ({"mapping": {"Fund": Source(constant=LONG)}}, "mapping-Fund", "Shorten the constant for Fund to 250"),
        ({"mapping": {"Fund": Source(column=LONG)}}, "mapping-Fund", "Shorten the column for Fund to 250"),
        ({"mapping": {LONG: Source("A.B")}}, "mapping", "Shorten the name of a mapped field to 100"),
        ({"conditions": (Condition(ColumnRef("A", LONG), Operator.IN),)}, "filters.0", "column of filter 1 to 250"),
        ({"legal_entity": "US\0MF"}, "legal_entity", "The legal entity holds a character that no text in Finance"),
        ({"mapping": {"Fund": Source(constant="\ud800")}}, "mapping-Fund", "The constant for Fund holds a character"),
        ({"mapping": {"\ud800": Source("A.B")}}, "mapping", "holds a character"),
        (
            {"conditions": (Condition(ColumnRef("A", "B"), Operator.IN, ("1", "a\0b")),)},
            "filters.0",
            "The value of filter 1 holds a character",
        ),
    ],
)
def test_texts_that_the_database_cannot_keep(change, field, part):
    [problem] = checking.check_texts(chosen(**change))
    assert problem.field == field
    assert part in problem.message


def test_texts_that_fit_have_no_problem():
    assert checking.check_texts(chosen(legal_entity="x" * 20, budget_model="x" * 60)) == []


def test_an_amount_type_column_may_only_read_expense_or_revenue():
    [problem] = checking.check_amount_types("Type.Name", [("Expense", 5), ("Transfer", 12)])
    assert problem.message == (
        "Type.Name holds 1 value that is neither Expense nor Revenue: Transfer (12 rows). "
        "Filter these rows or map them."
    )


def test_draft_cubes_and_cubes_without_a_date_column():
    cube = CubeFacts("Oak", False, {"Fund.Code": "text"}, ("Amount",))
    assert messages(checking.check_cube(cube)) == [
        "Only published cubes can be exported.",
        "This cube has no column of type Date, so it cannot be exported. Add one to its date dimension and publish.",
    ]


@pytest.mark.parametrize(
    ("columns", "lacking"),
    [
        (["Fund.Code", "Month.Name"], "Dimension Month has no column of type Date; it needs one. "),
        (
            ["Fund.Code", "Fiscal year.Name", "Period.Name"],
            "Dimensions Fiscal year, Period have no column of type",
        ),
        (
            ["Fund.Code", "Account.Name"],
            "Dimensions Fund, Account have no column of type Date; one of them",
        ),
    ],
)
def test_a_missing_date_column_names_the_dimensions_that_could_hold_it(columns, lacking):
    [problem] = checking.check_cube(CubeFacts("Oak", True, dict.fromkeys(columns, "text"), ("Amount",)))
    assert problem.hint.startswith(lacking)
    assert "import the definition under a new name" in problem.hint


def test_a_budget_dimension_that_the_format_leaves_out_is_named():
    schema = BudgetSchema(**vars(SCHEMA) | {"budget_dimensions": ("Department", "Fund", "CostCenter")})
    assert "CostCenter" in messages(checking.check_mapping(chosen(), schema, CUBE))[0]
