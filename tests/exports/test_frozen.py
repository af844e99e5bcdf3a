"""The frozen lines as text: each line once and whole, or none at all."""

from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exports import frozen

LINES = 250_000  # more than one batch
FIELDS = ["line_number::TEXT", "display_value", "amount::TEXT"]


def write(folder, values):
    count = len(values)
    columns = {
        "line_number": pa.array(range(1, count + 1), pa.int64()),
        "display_value": pa.array(values, pa.string()),
        "amount": pa.array([Decimal("-0.50")] * count, pa.decimal128(38, 2)),
    }
    pq.write_table(pa.table(columns), folder / frozen.LINES)


def test_every_line_in_its_order_whatever_its_letters(tmp_path):
    values = [("", "0800", 'say "8"', "Zürich|🧾", "קוד")[n % 5] for n in range(LINES)]
    write(tmp_path, values)
    found = "".join(frozen.text_of_lines(tmp_path, FIELDS))
    quoted = (value.replace('"', '""') for value in values)
    assert found == "".join(f'"{n}","{value}","-0.50"\r\n' for n, value in enumerate(quoted, 1))


def test_no_lines_are_no_text(tmp_path):
    write(tmp_path, [])
    assert "".join(frozen.text_of_lines(tmp_path, FIELDS)) == ""


def test_a_line_without_a_value_is_never_left_out(tmp_path):
    write(tmp_path, ["a", None, "c"])
    with pytest.raises(ValueError, match="1 of 3 lines have no text"):
        list(frozen.text_of_lines(tmp_path, FIELDS))
