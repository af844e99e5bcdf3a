"""Columns, slices, headers and pivots."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cubes.rules.filters import slice_problems
from cubes.rules.headers import Wanted, match_headers, wanted_facts
from cubes.rules.pivot import pivot
from cubes.rules.security import EVERYTHING, NOTHING, visibility_of
from cubes.rules.shape import ColumnShape, CubeShape, DataType, DimensionShape, DriverShape
from cubes.rules.slices import ColumnRef, Condition, Operator, Slice

PERIOD = DimensionShape(
    "Period",
    "period",
    "name",
    (
        ColumnShape("Name", "name", DataType.TEXT),
        ColumnShape("Start", "start", DataType.DATE),
        ColumnShape("Rate", "rate", DataType.DECIMAL, 2),
        ColumnShape("Open", "open", DataType.BOOLEAN),
    ),
)
SHAPE = CubeShape("Plan", (PERIOD,), (DriverShape("Amount", "amount", 2),))


def test_a_column_is_written_dimension_dot_column() -> None:
    ref = ColumnRef.parse("Fiscal year.Start.date")
    assert ref == ColumnRef("Fiscal year", "Start.date")
    assert ColumnRef.parse(str(ref)) == ref
    for text in ("Fund", ".Code", "Fund.", ""):
        with pytest.raises(ValueError, match=r"Dimension\.Column"):
            ColumnRef.parse(text)


@pytest.mark.parametrize(
    ("column", "operator", "values"),
    [
        ("Name", "in", ("0800", "")),
        ("Name", "not in", ("'; DROP TABLE facts; --",)),
        ("Name", "contains", (" ",)),
        ("Name", "begins with", ("0",)),
        ("Name", "blank", ()),
        ("Name", "not blank", ()),
        ("Start", "in", ("2021-07-01",)),
        ("Name", "between", ("0800", "NA")),
        ("Start", "between", ("2021-07-01", "2021-07-01")),
        ("Start", "blank", ()),
        ("Rate", "between", ("-1.5", "2")),
        ("Open", "in", ("true",)),
    ],
)
def test_a_fit_condition_has_no_problem(column: str, operator: str, values: tuple[str, ...]) -> None:
    condition = Condition(ColumnRef("Period", column), Operator(operator), values)
    assert slice_problems(SHAPE, Slice((condition,))) == []


@pytest.mark.parametrize(
    ("column", "operator", "values", "code", "says"),
    [
        ("Gone", "in", ("x",), "filter-column-unknown", "Period.Gone is not a column of Plan"),
        ("Start", "contains", ("2021",), "filter-operator-unfit", "of type date"),
        ("Name", "between", ("b", "a"), "filter-values-unfit", "begins at 'b' after its end 'a'. Swap them."),
        ("Rate", "begins with", ("1",), "filter-operator-unfit", "of type decimal"),
        ("Name", "in", (), "filter-values-missing", "has no value"),
        ("Name", "contains", ("",), "filter-values-missing", "has no value"),
        ("Start", "between", ("2021-07-01",), "filter-values-missing", "a first and a last value"),
        ("Start", "between", ("2021-07-01", ""), "filter-values-missing", "a first and a last value"),
        ("Start", "between", ("2021-07-02", "2021-07-01"), "filter-values-unfit", "Swap them"),
        ("Start", "in", ("1 July",), "filter-value-unfit", "'1 July' is not a date"),
        ("Start", "in", ("2021-02-30",), "filter-value-unfit", "not a day of the calendar"),
        ("Rate", "in", ("1,5",), "filter-value-unfit", "'1,5' is not a plain number"),
        ("Rate", "in", ("1.555",), "filter-value-unfit", "3 decimals"),
        ("Open", "in", ("yes",), "filter-value-unfit", "neither true nor false"),
        ("Name", "blank", ("x",), "filter-values-unfit", "takes no value"),
        ("Name", "in", ("a\0b",), "filter-value-unfit", "a character that no value can have"),
        ("Name", "in", ("\ud800",), "filter-value-unfit", "a character that no value can have"),
    ],
)
def test_an_unfit_condition_is_named(column: str, operator: str, values: tuple[str, ...], code: str, says: str) -> None:
    good = Condition(ColumnRef("Period", "Name"), Operator.NOT_BLANK)
    condition = Condition(ColumnRef("Period", column), Operator(operator), values)
    (problem,) = slice_problems(SHAPE, Slice((good, condition)))
    assert (problem.code, problem.field) == (code, "filters.1")
    assert says in problem.message


def positions(headers: list[str], *wanted: Wanted) -> dict[str, int]:
    return match_headers(headers, wanted, "facts.csv")[0].positions


def test_headers_are_found_by_dimension_name_then_key_then_logical_name() -> None:
    wanted = wanted_facts(SHAPE)
    assert positions(["AMOUNT", "period"], *wanted) == {"d_period": 1, "m_amount": 0}
    assert positions(["amount", "name"], *wanted) == {"d_period": 1, "m_amount": 0}
    assert positions(["Name", "Period", "amount"], *wanted) == {"d_period": 1, "m_amount": 2}


def test_a_stated_source_column_is_taken_exactly_and_nothing_else() -> None:
    wanted = Wanted("d_fund", "dimension Fund", ("Fund",), "fund_code")
    assert positions(["Fund", "fund_code"], wanted) == {"d_fund": 1}
    match, problems = match_headers(["Fund", "Fund_Code"], [wanted], "facts.csv")
    assert match.positions == {}
    assert problems[0].message == (
        "facts.csv has no column 'fund_code' for dimension Fund. Add it; the file has 'Fund', 'Fund_Code'."
    )


def test_a_header_that_two_would_claim_decides_nothing() -> None:
    one, two = Wanted("d_a", "dimension A", ("A", "Name")), Wanted("d_b", "dimension B", ("B", "Name"))
    assert positions(["Name"], one, two) == {}
    assert positions(["Name", "a"], one, two) == {"d_a": 1, "d_b": 0}


def test_a_header_that_stands_twice_and_unused_ones_are_named() -> None:
    match, problems = match_headers(["A", "A", "X"], [Wanted("d_a", "dimension A", ("A",))], "f.csv")
    assert problems[0].message == "f.csv has the column 'A' twice. Rename one."
    assert match.unused == ("A", "X")


AMOUNTS = st.decimals(min_value=-(10**29), max_value=10**29, places=2)
GROUPS = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), AMOUNTS, max_size=6)


@given(GROUPS)
def test_rows_columns_and_total_of_a_pivot_agree_to_the_last_digit(groups: dict[tuple[str, str], Decimal]) -> None:
    found = pivot([(*key, amount, 1) for key, amount in groups.items()], across=True, limit=2)
    exact = sum(map(Fraction, groups.values()))
    assert Fraction(found.total) == exact
    assert sum(map(Fraction, found.column_totals)) == exact
    assert found.facts == len(groups)
    assert len(found.rows) + found.hidden_rows == len({down for down, _ in groups})


def test_the_largest_members_of_a_pivot_come_first_whatever_their_sign() -> None:
    found = pivot([("a", "", Decimal(1), 2), ("b", "", Decimal(-5), 1), ("c", "", Decimal(3), 1)], False, 10)
    assert [(row.member, row.total, row.facts) for row in found.rows] == [("b", -5, 1), ("c", 3, 1), ("a", 1, 2)]
    assert (found.columns, found.column_totals) == ((), ())


def test_who_may_not_read_sees_nothing() -> None:
    assert visibility_of(may_read=True) == EVERYTHING
    assert visibility_of(may_read=False) == NOTHING
