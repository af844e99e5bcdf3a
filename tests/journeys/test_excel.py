"""A cube from three workbooks, in the browser: guesses seen, the trap avoided, loaded, reviewed and published."""

from pathlib import Path

import pytest
import xlsxwriter
from playwright.sync_api import expect

from tests.journeys.conftest import NARROW, WIDE

BOOKS = {
    "budget": ("Budget", [["Account", "Cost center", "Day", "Amount"], [4000, "0100", "2026-01-31", 9999999999.12]]),
    "accounts": ("Accounts", [["Account", "Description"], [4000, "Sales"], [5000, "Rent"]]),
    "centers": ("Cost center", [["Code", "Name"], ["0100", "Head office"], ["0200", "Store"]]),
}


@pytest.fixture
def books(tmp_path: Path) -> list[Path]:
    paths = []
    for name, (sheet, rows) in BOOKS.items():
        paths.append(tmp_path / f"{name}.xlsx")
        with xlsxwriter.Workbook(str(paths[-1])) as book:
            page = book.add_worksheet(sheet)
            for place, row in enumerate(rows):
                page.write_row(place, 0, row)
    return paths


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_cube_is_created_from_three_workbooks(visit, books, size):
    planner = visit("planner", size)
    page, name = planner.page, f"Excel {size['width']}"
    planner.open("/cubes/new/excel/")
    planner.accessible("workbooks")
    page.set_input_files("#id_files", books)
    page.click("text=Continue")
    expect(page.get_by_label("What Budget of budget.xlsx is")).to_have_value("fact")
    for sheet in range(3):  # names of their own, so that the second window makes dimensions of its own too
        field = page.locator(f"[name=name-{sheet}]")
        field.fill(f"{field.input_value()} {size['width']}")
    planner.accessible("sheets")
    page.click("button:has-text('Continue')")
    # A key of digits is a dimension, not a driver.
    expect(page.get_by_label("What Account is")).to_have_value(f"sheet:Accounts {size['width']}")
    expect(page.get_by_label("What Amount is")).to_have_value("driver")
    page.get_by_label("What Account is").select_option("driver")
    page.click("button:has-text('Continue')")
    expect(page.locator("#problems")).to_contain_text(f"No column leads to Accounts {size['width']}")
    page.get_by_label("What Account is").select_option(f"sheet:Accounts {size['width']}")
    planner.accessible("columns")
    page.click("button:has-text('Continue')")
    expect(page.locator("h1")).to_have_text("Create from Excel")
    page.go_back()
    expect(page.get_by_label("What Account is")).to_have_value(f"sheet:Accounts {size['width']}")
    page.click("button:has-text('Continue')")
    page.fill("#id_name", name)
    planner.accessible("review of workbooks")
    page.click("text=Create and load data")
    expect(page.get_by_text("All 1 records were loaded.")).to_be_visible()
    page.goto(f"{planner.demo.url}/cubes/{name.lower().replace(' ', '-')}/review/")
    planner.accessible("review")
    page.click("button:has-text('Publish')")
    expect(page.get_by_text(f"{name} is published.")).to_be_visible()
    expect(page.locator("tfoot")).to_contain_text("9,999,999,999.12")
