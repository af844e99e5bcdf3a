"""Text becomes a value by stated rules."""

import re
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cubes.rules.shape import DataType
from cubes.rules.values import amount_pattern, amount_problem, parse


@pytest.mark.parametrize("value", ["0", "-1", "252000", "007", "1.5", "-0.05", "-0", "9" * 30, "9" * 30 + ".99"])
def test_a_plain_decimal_number_is_an_amount(value: str) -> None:
    assert amount_problem(value, 2) is None
    assert parse(value, DataType.DECIMAL, 2) == Decimal(value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "is empty"),
        ("1e5", "'1e5' is not a plain number"),
        ("1E5", "'1E5' is not a plain number"),
        ("1,000.50", "'1,000.50' is not a plain number"),
        ("1.000,50", "'1.000,50' is not a plain number"),
        ("NaN", "'NaN' is not a plain number"),
        ("Infinity", "'Infinity' is not a plain number"),
        (" 1", "' 1' is not a plain number"),
        ("1 ", "'1 ' is not a plain number"),
        ("1\n", "is not a plain number"),
        ("١٢", "'١٢' is not a plain number"),
        ("−5", "'−5' is not a plain number"),
        ("+5", "'+5' is not a plain number"),
        (".5", "'.5' is not a plain number"),
        ("5.", "'5.' is not a plain number"),
        ("(5)", "'(5)' is not a plain number"),
        ("1.005", "'1.005' has 3 decimals, the driver keeps 2"),
        ("1" * 31, "has 31 digits before the point, the driver keeps 30"),
    ],
)
def test_anything_else_is_refused_with_a_reason_that_names_the_value(value: str, says: str) -> None:
    assert says in (amount_problem(value, 2) or "")


@given(st.text(alphabet="0123456789-+.,eE \n\u0661x", max_size=8), st.integers(0, 3))
def test_the_fast_check_of_a_whole_column_agrees_with_the_rule(value: str, precision: int) -> None:
    fast = pc.match_substring_regex(pa.array([value]), amount_pattern(precision))[0].as_py()
    assert fast == (amount_problem(value, precision) is None)


@given(st.decimals(min_value=-(10**29), max_value=10**29, places=2))
def test_every_exact_amount_survives(value: Decimal) -> None:
    text = format(value, "f")
    assert re.fullmatch(r"-?\d+\.\d\d", text)
    column = pa.array([text]).cast(pa.decimal128(32, 2))
    assert column[0].as_py() == value == parse(text, DataType.DECIMAL, 2)


@pytest.mark.parametrize(
    ("value", "data_type", "expected"),
    [
        ("2021-07-01", DataType.DATE, date(2021, 7, 1)),
        ("2024-02-29", DataType.DATE, date(2024, 2, 29)),
        ("0110", DataType.INTEGER, 110),
        ("TRUE", DataType.BOOLEAN, True),
        ("false", DataType.BOOLEAN, False),
        (" 0800 ", DataType.TEXT, " 0800 "),
    ],
)
def test_values_are_read_by_type(value: str, data_type: DataType, expected: object) -> None:
    assert parse(value, data_type) == expected


@pytest.mark.parametrize(
    ("value", "data_type"),
    [
        ("2023-02-29", DataType.DATE),
        ("01.07.2021", DataType.DATE),
        ("2021-7-1", DataType.DATE),
        ("2021-07-01T10:00:00", DataType.DATE),
        ("20210701", DataType.DATE),
        ("1.0", DataType.INTEGER),
        ("yes", DataType.BOOLEAN),
    ],
)
def test_an_unfit_value_is_named(value: str, data_type: DataType) -> None:
    with pytest.raises(ValueError, match=re.escape(f"'{value}'")):
        parse(value, data_type)
