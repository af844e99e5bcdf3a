"""9999999999.123456 and 0.005 from the file to the ledger: on every page, in every total, every digit."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from django.urls import reverse

from bpp_portal.templatetags.portal import amount_text
from cubes.models import Cube
from cubes.operations import Source, import_definition, load
from cubes.reporting.errors import refused_values
from exports.forms import form_data
from exports.models import RunTotal
from exports.rules.states import State
from tests.world import SAMPLES, configuration, entry, export, work

from .oracle import Wish
from .plans import DAYS, Dimension, Plan
from .product import frozen_lines, loaded, parsed, send, undone

HEADERS = ["Main account", "Department", "Fund", "Account type", "Period", "Amount"]
AMOUNTS = [("0800", "9999999999.123456"), ("NA", "0.005"), ("1E5", "0.005"), ("1E5", "0.005"), ("000110", "-0.005")]
RECORDS = [(code, code, code, "Expense", "Jul 2021", amount) for code, amount in AMOUNTS]
# Once per line, half away from zero: two cube rows of 0.005 are one line of 0.01.
SENT = {"0800": "9999999999.12", "NA": "0.01", "1E5": "0.01", "000110": "-0.01"}


def as_csv(path: Path) -> Source:
    path.write_text("".join(",".join(row) + "\n" for row in [HEADERS, *RECORDS]), encoding="utf-8")
    return Source(path)


def as_xlsx(path: Path) -> Source:
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([HEADERS, *RECORDS]):
            for column, text in enumerate(row):
                as_number = column == 5 and text.endswith("0.005")
                sheet.write_number(at, column, float(text)) if as_number else sheet.write_string(at, column, text)
    return Source(path)


def as_parquet(path: Path) -> Source:
    columns: list[Any] = [list(column) for column in zip(*RECORDS, strict=True)]
    columns[5] = pa.array([Decimal(text) for text in columns[5]], pa.decimal128(32, 6))
    pq.write_table(pa.table(columns, names=HEADERS), path)
    return Source(path)


def cube_of(facts: Source) -> Cube:
    document = json.loads((SAMPLES / "codes" / "definition.json").read_text())
    document["Tables"][-1]["Columns"][0]["Options"]["Precision"] = 6
    cube = import_definition(actor=None, text=json.dumps(document), publish=True).cube
    report = load(actor=None, cube=cube, facts=facts, dimensions={"Period": Source(SAMPLES / "codes" / "period.csv")})
    assert report.failed == 0
    return cube


def page(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(answer.content.decode())).split())


@pytest.mark.parametrize("write", [as_csv, as_xlsx, as_parquet])
def test_every_digit_from_the_file_to_the_ledger(
    world: Any, sandbox: Any, client: Any, tmp_path: Path, write: Callable[[Path], Source]
) -> None:
    cube = cube_of(write(tmp_path / f"facts.{write.__name__.removeprefix('as_')}"))
    client.force_login(world.planner)
    explored = page(client.get(reverse("cubes:cube", args=[cube.slug])))
    for text in ("9,999,999,999.123456", "0.005", "-0.005", "9,999,999,999.133456"):
        assert text in explored, text
    form = form_data(configuration("codes/codes.json").configuration) | {"action": "refresh"}
    pane = page(client.post(f"/cubes/{cube.slug}/export/", form))
    assert "Rounding difference -0.003456" in pane
    assert "Expense, USD 9,999,999,999.13" in pane
    run = work(export(world.planner, "codes/codes.json"))
    assert (run.state, run.headline, run.cause) == (State.SUCCEEDED, "", "")
    assert run.rounding_difference == Decimal("-0.003456")
    assert {line.key[0]: str(line.sent) for line in frozen_lines(run.folder)} == SENT
    assert {line.key[0]: line.exact for line in frozen_lines(run.folder)} == _sums()
    records = parsed((run.folder / "package.zip").read_bytes())
    assert {row["DIMENSIONDISPLAYVALUE"].split("|")[0]: row["TRANSACTIONCURRENCYAMOUNT"] for row in records} == SENT
    ledger = {one["DimensionDisplayValue"].split("|")[0]: one for one in entry(sandbox, run)["lines"]}
    assert {code: Decimal(one["TransactionCurrencyAmount"]) for code, one in ledger.items()} == {
        code: Decimal(text) for code, text in SENT.items()
    }
    totals = {total.place: total.amount for total in run.totals.all()}
    assert totals == {
        RunTotal.Place.CUBE: Decimal("9999999999.133456"),
        RunTotal.Place.PACKAGE: Decimal("9999999999.13"),
        RunTotal.Place.FINANCE: Decimal("9999999999.13"),
    }
    shown = page(client.get(reverse("exports:run", args=[run.entry_number])))
    assert "9,999,999,999.133456" in shown and "Rounding difference -0.003456" in shown


def _sums() -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for code, text in AMOUNTS:
        found[code] = found.get(code, Decimal(0)) + Decimal(text)
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_a_float_that_has_lost_a_digit_is_refused_and_not_loaded(tmp_path: Path, kind: str) -> None:
    """A float holds 9999999999.123456 as …455: nobody may take that for what the planner wrote."""
    path = tmp_path / f"facts.{kind}"
    row = [*RECORDS[0][:5], float(AMOUNTS[0][1])]
    if kind == "xlsx":
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, HEADERS)
            sheet.write_row(1, 0, row)
    else:
        pq.write_table(pa.table([[value] for value in row], names=HEADERS), path)
    cube = cube_of(as_csv(tmp_path / "first.csv"))
    period = {"Period": Source(SAMPLES / "codes" / "period.csv")}
    report = load(actor=None, cube=cube, facts=Source(path), dimensions=period)
    [error] = refused_values(load=report)
    assert (report.loaded, error.column, error.value) == (0, "Amount", "about 9999999999.123455")
    assert "more than 15 digits" in error.reason


@pytest.mark.django_db
def test_rows_of_one_key_make_the_same_package_in_any_order() -> None:
    """The first example that the properties found: one line per record stood in the order of the file."""
    key = (("Code", "StringType"),)
    dimensions = (
        Dimension("Account", key, (("0800",),)),
        Dimension("Period", (("Name", "StringType"), ("Day", "DateType")), (("Jul", DAYS[0]),)),
        Dimension("Kind", key, (("Expense",),)),
        Dimension("Currency", key, (("USD",),)),
        Dimension("Other", key, (("x",),)),
    )
    keys = ("0800", "Jul", "Expense", "USD", "x")
    plan = Plan(dimensions, (("Amount", 0),), ((*keys, "0"), (*keys, "-1")))
    constant = {"day": ("", DAYS[0]), "kind": ("", "Expense"), "currency": ("", "USD")}
    wish = Wish((("Account.Code", ""),), **constant, driver="Amount", per_record=True)
    with undone():
        first = send(loaded(plan), wish)
        assert [line.exact for line in first.lines] == [-1, 0]
        assert send(loaded(replace(plan, facts=plan.facts[::-1])), wish).package == first.package


def test_long_amounts_are_shown_whole() -> None:
    amount = Decimal("99999999999999999999999999.123456")
    assert amount_text(amount, "USD") == "99,999,999,999,999,999,999,999,999.123456"
