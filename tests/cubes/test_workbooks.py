"""Create from Excel: what is guessed, what is asked, what is made and loaded."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from bpp_portal.kernel.roles import Role
from cubes import queries
from cubes.models import Cube, Dimension, WorkbookImport
from cubes.operations import CubeRefused, correct, publish
from cubes.rules.shape import DataType
from cubes.rules.workbooks.checking import file_problems, file_warnings
from cubes.rules.workbooks.detecting import detect
from cubes.rules.workbooks.plan import Plan, Use, from_json, to_json
from cubes.rules.workbooks.plan import Role as SheetRole
from cubes.rules.workbooks.profile import SheetProfile, profile_column, type_of

from .conftest import refused
from .test_hostile import bomb

pytestmark = pytest.mark.django_db
Sheets = dict[str, list[list[Any]]]

# Accounts are whole numbers and cost centers digits with zeros in front: the known trap.
ACCOUNTS: Sheets = {"Accounts": [["Account", "Description"], [4000, "Sales"], [5000, "Rent"], [6000, "Travel"]]}
CENTERS: Sheets = {
    "Cost center": [
        ["Code", "Opened", "Share", "Active"],
        ["0100", "2021-01-01", 0.5, True],
        ["0200", "2022-01-01", 0.25, False],
    ]
}
FACTS: Sheets = {
    "Budget": [
        ["Account", "Cost center", "Year", "Day", "Amount", "Hours"],
        [4000, "0100", 2026, "2026-01-31", 9999999999.12, 3],
        [5000, "0200", 2026, "2026-01-31", -0.005, 2],
        [6000, "0200", 2026, "2026-02-28", 12.5, 9],
    ]
}


def workbook(path: Path, sheets: Sheets) -> bytes:
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
    return path.read_bytes()


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[SimpleUploadedFile]]:
    def make(**books: Sheets) -> list[SimpleUploadedFile]:
        return [
            SimpleUploadedFile(f"{name}.xlsx", workbook(tmp_path / f"{name}.xlsx", sheets))
            for name, sheets in books.items()
        ]

    return make


@pytest.fixture
def three(files) -> list[SimpleUploadedFile]:
    return files(budget=FACTS, accounts=ACCOUNTS, centers=CENTERS)


@pytest.fixture
def visit(client: Client, planner) -> Client:
    client.force_login(planner)
    return client


def begun(visit: Client, uploads: list[SimpleUploadedFile]) -> WorkbookImport:
    answer = visit.post(reverse("cubes:new-excel"), {"files": uploads})
    assert answer.status_code == 302, answer.content.decode()
    return WorkbookImport.objects.latest("pk")


def facts_of(plan: Plan) -> dict[str, tuple[Use, str]]:
    return {fact.header: (fact.use, fact.dimension) for fact in plan.facts}


def page(item: WorkbookImport, step: str) -> str:
    return reverse(f"cubes:excel-{step}", args=[item.key])


def test_sheets_relationships_and_drivers_are_detected(visit: Client, three) -> None:
    plan = from_json(begun(visit, three).plan)
    assert {sheet.sheet: sheet.role for sheet in plan.sheets} == {
        "Budget": SheetRole.FACT,
        "Accounts": SheetRole.DIMENSION,
        "Cost center": SheetRole.DIMENSION,
    }
    assert {sheet.name: sheet.key for sheet in plan.dimension_sheets} == {"Accounts": "Account", "Cost center": "Code"}
    assert facts_of(plan) == {
        "Account": (Use.DIMENSION, "Accounts"),
        "Cost center": (Use.DIMENSION, "Cost center"),
        "Year": (Use.OWN, "Year"),
        "Day": (Use.OWN, "Day"),
        "Amount": (Use.DRIVER, ""),
        "Hours": (Use.DRIVER, ""),
    }
    reasons = {fact.header: fact.reason for fact in plan.facts}
    assert reasons["Year"] == "Whole numbers, and its name is that of a code: not taken for a driver."
    types = {column.header: (column.data_type, column.precision) for column in plan.sheets[2].columns}
    assert types == {
        "Code": (DataType.TEXT, 0),
        "Opened": (DataType.DATE, 0),
        "Share": (DataType.DECIMAL, 2),
        "Active": (DataType.BOOLEAN, 0),
    }


def test_the_cube_is_made_and_loaded_to_the_last_digit(visit: Client, three, planner) -> None:
    item = begun(visit, three)
    folder = item.path
    assert visit.post(page(item, "sheets"), {}).status_code == 302
    html = visit.get(page(item, "columns")).content.decode()
    assert "Whole numbers, and its name is that of a code" in html
    answer = visit.post(page(item, "columns"), {"use-5": "leave out"})
    assert answer["Location"] == page(item, "review")
    html = visit.get(page(item, "review")).content.decode()
    assert "Hours" not in html
    answer = visit.post(page(item, "review"), {"name": "Budget 2026", "action": "load"}, follow=True)
    assert "All 3 records were loaded." in answer.content.decode()
    cube = Cube.objects.get(name="Budget 2026")
    assert not cube.is_published and [driver.name for driver in cube.shape().drivers] == ["Amount"]
    total = queries.latest_snapshot(cube).totals.get().amount
    assert total == Decimal("10000000011.615")
    dates = [column.ref for column in queries.columns_of(cube) if column.data_type is DataType.DATE]
    assert [str(ref) for ref in dates] == ["Cost center.Opened", "Day.Date"]
    assert not folder.exists() and not WorkbookImport.objects.exists()
    html = visit.get(reverse("cubes:review", args=[cube.slug])).content.decode()
    assert "3 rows, snapshot 1" in html and "which an export needs" not in html
    visit.post(reverse("cubes:review", args=[cube.slug]), {"name": "Budget for 2026"})
    cube.refresh_from_db()
    assert cube.is_published and cube.name == "Budget for 2026"
    with pytest.raises(CubeRefused, match="published cubes cannot be renamed"):
        publish(actor=planner, cube=cube, name="Another")


def test_existing_dimensions_are_reused_with_their_members(visit: Client, three, files) -> None:
    item = begun(visit, three)
    visit.post(page(item, "review"), {"name": "First", "action": "load"})
    more = {"Accounts": [["Account", "Description"], [4000, "Another text"], [7000, "New"]]}
    facts = {"Budget": [["Account", "Amount"], [4000, 1.5]]}
    item = begun(visit, files(second=facts | more))
    html = visit.get(page(item, "review")).content.decode()
    assert (
        "These dimensions already exist and will be reused: Accounts. Their existing data is preserved, "
        "so the data in your uploaded sheet won&#x27;t be loaded for them."
    ) in html
    visit.post(page(item, "review"), {"name": "Second", "action": "load"})
    snapshot = queries.latest_snapshot(Cube.objects.get(name="Second"))
    assert "as they stand in other cubes" in snapshot.load.notes
    said = {table.name: table.note for table in snapshot.load.tables.all()}
    assert said["Accounts"] == "No file: its members are those that stand in another cube."
    assert Dimension.objects.filter(name="Accounts").count() == 1


def test_a_column_is_linked_by_hand(visit: Client, files, write) -> None:
    sheets: Sheets = {
        "Facts": [["Scenario", "Amount"], ["Base", 1.25], ["High", 2.5]],
        "Scenario": [["Name", "Status"], ["Base", "Approved"], ["High", "Rejected"]],
        "Status": [["Name"], ["Approved"], ["In review"]],
    }
    item = begun(visit, files(plan=sheets))
    answer = visit.post(page(item, "columns"), {})
    assert answer.status_code == 422 and "No column leads to Status" in answer.content.decode()
    answered = {"key-1": "Name", "keep-1-0": "on", "keep-1-1": "on", "link-1-1": "Status.Name"}
    assert visit.post(page(item, "columns"), answered | {"key-2": "Name", "keep-2-0": "on"}).status_code == 302
    visit.post(page(item, "review"), {"name": "Linked", "action": "load"})
    cube = Cube.objects.get(name="Linked")
    assert str(cube.shape().dimensions[0].columns[1].linked_to) == "Status.Name"
    report = cube.loads.get()
    assert [(item.sheet, item.row, item.column, item.value) for item in refused(report)] == [
        ("Scenario", 3, "Status", "Rejected")
    ]
    # The facts wait for the member; corrected, they are read from their own sheet of the kept workbook.
    mended = write("scenario.csv", "Name,Status\nHigh,In review\n")
    done = correct(actor=None, load=report, files={cube.shape().dimensions[0].logical_name: mended})
    assert (report.snapshot, done.loaded, done.failed) == (None, 2, 0)


def test_workbooks_belong_to_one_person_and_go(visit: Client, three, person) -> None:
    item = begun(visit, three)
    other = Client()
    other.force_login(person(Role.POWER_USER))
    assert other.get(page(item, "sheets")).status_code == 404
    assert item.path.stat().st_mode & 0o077 == 0
    visit.post(page(item, "discard"))
    assert not item.path.exists() and not WorkbookImport.objects.exists()


@pytest.mark.parametrize(
    ("posted", "step", "sentence"),
    [
        ({"role-1": "fact"}, "sheets", "2 sheets are tagged as fact. Tag one only."),
        ({"role-0": "leave out"}, "sheets", "Tag one sheet as fact."),
        ({"name-1": "Cost center"}, "sheets", "Two dimensions are called Cost center."),
        ({"name-1": "A.B"}, "sheets", "A.B holds a dot"),
        ({"use-4": "leave out", "use-5": "leave out"}, "columns", "No column is a driver."),
        ({"use-2": "sheet:Accounts"}, "columns", "Two columns lead to Accounts."),
        ({"key-1": ""}, "columns", "Accounts has no primary name column."),
    ],
)
def test_what_does_not_fit_is_said_and_kept(visit: Client, three, posted, step: str, sentence: str) -> None:
    item = begun(visit, three)
    answer = visit.post(page(item, step), posted)
    assert answer.status_code == 422 and sentence in answer.content.decode()
    for name in posted:
        assert name in visit.get(page(item, step)).content.decode()  # Back shows what was answered


def test_what_is_no_workbook_is_refused(visit: Client) -> None:
    bad = SimpleUploadedFile("plan.xlsx", b"PK no workbook")
    answer = visit.post(reverse("cubes:new-excel"), {"files": [bad]})
    assert answer.status_code == 422 and "plan.xlsx cannot be read as a workbook" in answer.content.decode()
    assert not WorkbookImport.objects.exists()
    assert visit.post(reverse("cubes:new-excel"), {}).status_code == 422
    assert file_problems([("a.csv", 1)]) and file_problems([("a.xlsx", 30_000_000)])
    assert len(file_warnings([(f"{n}.xlsx", 3_000_000) for n in range(6)])) == 2


def test_a_hostile_workbook_is_refused_before_it_is_opened(visit: Client, tmp_path: Path) -> None:
    upload = SimpleUploadedFile("plan.xlsx", bomb(tmp_path / "bomb.xlsx").read_bytes())
    answer = visit.post(reverse("cubes:new-excel"), {"files": [upload]})
    assert answer.status_code == 422 and "packed more tightly than a spreadsheet does" in answer.content.decode()
    assert not WorkbookImport.objects.exists()


def test_every_column_of_dates_has_its_own_days(visit: Client, files) -> None:
    facts = [["From", "To", "Amount"], ["2026-01-01", "2026-01-31", 1.5], ["2026-02-01", "2026-02-28", 2.5]]
    item = begun(visit, files(plan={"Plan": facts}))
    visit.post(page(item, "review"), {"name": "Days", "action": "load"})
    assert queries.latest_snapshot(Cube.objects.get(name="Days")).rows == 2


def test_types_are_the_narrowest_that_take_all_values() -> None:
    assert type_of(["1", "-20"]) == (DataType.INTEGER, 0)
    assert type_of(["1", "2.125"]) == (DataType.DECIMAL, 3)
    assert type_of(["007", "1"]) == (DataType.TEXT, 0)
    assert type_of(["2026-02-28"]) == (DataType.DATE, 0)
    assert type_of(["2026-02-30"]) == (DataType.TEXT, 0)
    assert type_of(["TRUE", "false"]) == (DataType.BOOLEAN, 0)
    assert type_of([]) == (DataType.TEXT, 0)


def test_a_renamed_dimension_is_still_found_by_its_sheet(visit: Client, three) -> None:
    item = begun(visit, three)
    visit.post(page(item, "sheets"), {"name-1": "Ledger", "name-2": "Place"})
    item.refresh_from_db()
    assert facts_of(from_json(item.plan))["Cost center"] == (Use.DIMENSION, "Place")


def test_whole_numbers_that_are_keys_or_rare_are_no_drivers() -> None:
    keys = SheetProfile(0, "b.xlsx", "Ledger", 3, (profile_column("Nr", ["10", "20", "30"], 3, 0),))
    columns = (
        profile_column("Konto", ["10", "20"], 40, 0),
        profile_column("Segment", ["1", "2"], 40, 0),
        profile_column("Pieces", [str(n) for n in range(40)], 40, 0),
        profile_column("Zip", ["01234"], 40, 0),
    )
    plan = detect([SheetProfile(0, "b.xlsx", "Facts", 40, columns), keys])
    assert facts_of(plan) == {
        "Konto": (Use.DIMENSION, "Ledger"),
        "Segment": (Use.OWN, "Segment"),
        "Pieces": (Use.DRIVER, ""),
        "Zip": (Use.OWN, "Zip"),
    }
    assert from_json(to_json(plan)) == plan


def test_a_stale_import_goes_with_its_files(visit: Client, three, files) -> None:
    item = begun(visit, three)
    WorkbookImport.objects.update(touched_at="2026-01-01T00:00:00Z")
    begun(visit, files(more=ACCOUNTS | FACTS))
    assert not item.path.exists() and WorkbookImport.objects.count() == 1
