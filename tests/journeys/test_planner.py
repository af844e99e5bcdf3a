"""The planner: from a cube to an entry in Finance, in a real browser, on the running product."""

import random
import sqlite3
from collections import defaultdict
from decimal import Decimal

from playwright.sync_api import Page, expect

from exports.rules.states import STAGE_OF, STAGES, State
from tests.city import city_rows, fire_police_finance, recomputed
from tests.journeys.conftest import CODES, OAKLAND
from tests.stack import until

CREATED = "Budget register entries created successfully"
MAPPING = {
    "MainAccount": "column:Account category.Name",
    "Department": "column:Department.Name",
    "Fund": "column:Fund.Code",
    "Date": "column:Fiscal year.Start date",
    "Amount": "column:Amount",
    "AmountType": "column:Account type.Name",
}


def fill_general(visitor, name="FY21-22 Fire, Police, Finance"):
    page = visitor.page
    page.fill("[name=name]", name)
    page.select_option("[name=legal_entity]", "USMF")
    page.wait_for_selector("select[name=budget_model]:not([disabled])")
    visitor.counted()
    page.select_option("[name=budget_model]", "FY22-OPS")
    visitor.counted()


def fill_mapping(visitor):
    for target, source in MAPPING.items():
        visitor.page.select_option(f"[name=map-{target}]", source)
    visitor.counted()


def add_filter(visitor, index, column, values):
    page = visitor.page
    page.click("text=Add condition")
    page.wait_for_selector(f"[name=filter-{index}-column]")
    page.select_option(f"[name=filter-{index}-column]", column)
    page.wait_for_selector(f"[name=filter-{index}-add]")
    visitor.counted()
    for value in values:
        page.locator(f"[name=filter-{index}-add]").press_sequentially(value)
        page.keyboard.press("Enter")
        visitor.counted()


def sums(entry):
    found = defaultdict(Decimal)
    for line in entry["lines"]:
        key = (line["DimensionDisplayValue"], line["EntryDate"][:10], line["AmountType"], line["CurrencyCode"])
        found[key] += Decimal(line["TransactionCurrencyAmount"])
    return dict(found)


def entry_number(page: Page) -> str:
    return page.url.rstrip("/").rsplit("/", 1)[1]


def open_pane(visitor, cube=OAKLAND):
    page = visitor.open(cube)
    page.click("button:has-text('Export')")
    page.click("text=Export to budget register entry")
    page.wait_for_selector("#pane #export-pane")
    expect(page.locator("#pane-name")).to_be_focused()


def stages_in_the_event_table(demo, number):
    database = sqlite3.connect(f"file:{demo.folder / 'var' / 'portal.sqlite3'}?mode=ro", uri=True)
    try:
        rows = database.execute(
            "SELECT new_state FROM exports_runevent e JOIN exports_run r ON r.id = e.run_id "
            "WHERE r.entry_number = ? ORDER BY seq",
            [number],
        ).fetchall()
    finally:
        database.close()
    return [STAGE_OF[State(state)] for (state,) in rows]


def test_from_the_cube_to_finance_and_again(visit, demo):
    demo.sandbox("PUT", "faults", {"import_seconds": 5})
    planner = visit("planner")
    page = planner.page
    open_pane(planner)
    fill_general(planner)
    fill_mapping(planner)
    add_filter(planner, 0, "Account type.Name", ["Expense"])
    add_filter(planner, 1, "Department.Name", ["Fire", "Police", "Finance"])
    assert planner.totals() == "Cube rows 4,069 Lines 314 Rounding difference 0.00 Expense, USD 564,602,579.00"

    page.click("button[value=export]")
    page.wait_for_url("**/exports/BPP-*/")
    loads = page.evaluate("performance.getEntriesByType('navigation')[0].startTime + performance.timeOrigin")
    seen = []

    def completed():
        now = page.locator(".stage.now .stage-name")
        word = now.inner_text(timeout=100).removesuffix(" (now)") if now.count() else ""
        if word and word not in seen:
            seen.append(word)
        return page.locator(".chip", has_text="Completed").count()

    until(completed, 60, f"the page goes through its stages: {seen}")
    number = entry_number(page)
    recorded = stages_in_the_event_table(demo, number)
    assert set(seen) <= set(recorded), "a stage was shown that has no event"
    assert "In Finance" in seen, "five seconds of import are seen"
    assert [stage for stage in STAGES if stage in recorded] == list(STAGES)
    same = page.evaluate("performance.getEntriesByType('navigation')[0].startTime + performance.timeOrigin")
    assert same == loads, "the page followed by itself, without a reload"
    expect(page.locator(".toast-note")).to_contain_text(CREATED)
    expect(page.locator("#run-message")).to_contain_text(CREATED)
    expect(page.locator("#proof")).to_contain_text("Cube, package and Finance agree")

    entry = demo.entry(number)
    assert sums(entry) == recomputed(city_rows(fire_police_finance))
    assert len(entry["lines"]) == 314
    assert entry["CreatedBy"] == "owner"
    run = demo.api(f"exports/{number}/")
    assert run["run_id"] in entry["lines"][0]["Comment"]
    assert run["requested_by"] == "planner"

    page.click("text=Reuse configuration")
    page.wait_for_selector("#pane #export-pane")
    assert page.input_value("[name=name]") == "FY21-22 Fire, Police, Finance"
    assert page.input_value("[name=budget_model]") == "FY22-OPS"
    assert page.input_value("[name=map-MainAccount]") == "column:Account category.Name"
    assert page.locator(".filter-row").count() == 2
    expect(page.locator("#pane-sent")).to_contain_text(number)
    demo.sandbox("PUT", "faults", {"import_seconds": 0.2})
    page.click("button[value=export]")
    page.wait_for_url(lambda url: "/exports/BPP-" in url and number not in url)
    expect(page.locator("#run-message")).to_contain_text(CREATED, timeout=60_000)
    assert sums(demo.entry(entry_number(page))) == sums(entry)


def test_a_filter_drawn_at_random_by_hand(visit, demo):
    departments = random.sample(sorted({row["department"] for row in city_rows()}), 2)
    planner = visit("planner")
    open_pane(planner)
    fill_general(planner, "At random")
    fill_mapping(planner)
    add_filter(planner, 0, "Department.Name", departments)
    planner.page.click("button[value=export]")
    planner.page.wait_for_url("**/exports/BPP-*/")
    expect(planner.page.locator("#run-message")).to_contain_text(CREATED, timeout=60_000)
    wanted = recomputed(city_rows(lambda row: row["department"] in departments))
    assert sums(demo.entry(entry_number(planner.page))) == wanted, departments


def test_codes_stay_byte_for_byte_in_the_filter_form(visit, demo):
    codes = ["0800", "000110", "NA", "1E5", " lead", "two  blanks", "🧾 emoji"]
    planner = visit("planner")
    page = planner.page
    open_pane(planner, CODES)
    page.select_option("[name=legal_entity]", "USSI")
    page.wait_for_selector("select[name=budget_model]:not([disabled])")
    planner.counted()
    page.select_option("[name=budget_model]", "CODES-OPS")
    planner.counted()
    sources = {"MainAccount": "Main account.Code", "Department": "Department.Name", "Fund": "Fund.Code"}
    sources |= {"Date": "Period.Date", "Amount": "Amount", "AmountType": "Account type.Name"}
    for target, column in sources.items():
        page.select_option(f"[name=map-{target}]", f"column:{column}")
    planner.counted()
    add_filter(planner, 0, "Fund.Code", codes[:4])
    for code in codes[4:]:  # from the list of suggestions, which shows hidden blanks as dots
        page.click("[name=filter-0-add]")
        page.locator("#filter-0-values button").filter(has_text=code.strip().split()[-1]).first.click()
        planner.counted()
    tokens = page.locator("input[name=filter-0-value]").evaluate_all("inputs => inputs.map(input => input.value)")
    assert tokens == codes
    page.click("button[value=export]")
    page.wait_for_url("**/exports/BPP-*/")
    expect(page.locator("#run-message")).to_contain_text(CREATED, timeout=60_000)
    entry = demo.entry(entry_number(page), "USSI")
    assert {line["DimensionDisplayValue"].split("|")[2] for line in entry["lines"]} == set(codes)


def test_export_with_open_problems_puts_the_focus_on_them(visit):
    planner = visit("planner")
    page = planner.page
    open_pane(planner)
    fill_general(planner)
    expect(page.locator("#field-mapping-date.is-open")).to_be_visible()
    page.click("button[value=export]", force=True)  # it is greyed, and says why when it is pressed
    expect(page.locator("#problems")).to_be_focused()
    page.click("#problems a >> text=Date is not mapped")
    expect(page.locator("[name=map-Date]")).to_be_focused()
    page.click("text=Use Fiscal year.Start date")
    planner.counted()
    assert page.input_value("[name=map-Date]") == "column:Fiscal year.Start date"
    assert page.input_value("[name=name]") == "FY21-22 Fire, Police, Finance"


def test_what_is_chosen_while_the_form_answers_stays(visit):
    planner = visit("planner")
    page = planner.page
    open_pane(planner)
    fill_general(planner)
    held = []
    page.route("**/export/", lambda route: held.append(route), times=1)
    page.click("button[value=export]", force=True)
    for target in ("MainAccount", "Date"):
        page.select_option(f"[name=map-{target}]", MAPPING[target])
    page.locator("[name=name]").focus()
    held[0].continue_()
    expect(page.locator("#problems")).to_be_visible(timeout=10_000)
    planner.counted()
    for target in ("MainAccount", "Date"):
        assert page.input_value(f"[name=map-{target}]") == MAPPING[target]
    expect(page.locator("#field-mapping-date.is-open")).to_have_count(0, timeout=10_000)


def test_what_is_typed_while_the_form_counts_stays(visit):
    planner = visit("planner")
    page = planner.page
    open_pane(planner)
    page.select_option("[name=legal_entity]", "USMF")
    page.fill("[name=name]", "")
    page.locator("[name=name]").press_sequentially("Typed while Finance is asked", delay=40)
    page.wait_for_selector("select[name=budget_model]:not([disabled])")
    assert page.input_value("[name=name]") == "Typed while Finance is asked"


def test_the_pane_keeps_the_focus_and_asks_before_it_forgets(visit):
    planner = visit("planner")
    page = planner.page
    open_pane(planner)
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('#pane').contains(document.activeElement)")
    page.fill("[name=name]", "Something")
    page.keyboard.press("Escape")
    expect(page.locator("dialog#discard")).to_be_visible()
    page.click("text=Keep editing")
    assert page.input_value("[name=name]") == "Something"
    page.keyboard.press("Escape")
    page.click("dialog#discard [data-discard]")
    expect(page.locator("#export-pane")).to_have_count(0)
    expect(page.locator("[data-pane-origin]")).to_be_focused()


def set_format(demo, *segments):
    row = {
        "DimensionFormatName": "BudgetRegister",
        "DimensionFormatType": "DataEntityBudgetDimensionFormat",
        "FinancialDimensionFormat": "|".join(segments),
        "IsActive": "Yes",
    }
    demo.sandbox("PUT", "rows/DimensionIntegrationFormats", row)


def test_a_dimension_added_in_finance_becomes_a_highlighted_row(visit, demo):
    set_format(demo, "MainAccount", "Department", "Fund", "Project")
    try:
        planner = visit("planner")
        open_pane(planner)
        fill_general(planner)
        row = planner.page.locator("#field-mapping-project.is-open")
        expect(row).to_contain_text("Project is not mapped. Choose a cube column.")
    finally:
        set_format(demo, "MainAccount", "Department", "Fund")
