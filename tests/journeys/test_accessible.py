"""Every page and every state of the pane: WCAG 2.2 AA in light and dark, and nothing wider than the window."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import NARROW, OAKLAND, WIDE
from tests.journeys.test_planner import CREATED, add_filter, fill_general, fill_mapping
from tests.stack import until

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
PAGES = [
    "/",
    "/cubes/",
    "/cubes/?q=nothing+of+the+kind",
    OAKLAND,
    f"{OAKLAND}?adding=1",
    f"{OAKLAND}definition/",
    f"{OAKLAND}snapshots/",
    f"{OAKLAND}loads/",
    f"{OAKLAND}loads/1/",
    f"{OAKLAND}load/",
    f"{OAKLAND}load/dataverse/",
    "/cubes/import/",
    "/cubes/new/dimensions/",
    "/cubes/dimensions/",
    f"{OAKLAND}drivers/new/",
    "/exports/?tab=drafts",
    "/exports/?q=nothing+of+the+kind",
    "/exports/BPP-999999/",
    f"{OAKLAND}export/",
    "/readiness/",
    "/notices/",
    "/notices/?show=unread",
]


@SIZES
def test_pages(visit, demo, size):
    planner = visit("planner", size)
    for path in PAGES:
        planner.open(path)
        planner.accessible(path)


@SIZES
def test_dimension_groups(visit, demo, size):
    """An administrator secures a dimension; the pages of it, with a mistake, with values and for a cube."""
    owner = visit("owner", size)
    page = owner.open("/dimension-groups/")
    name = f"Auditors {size['width']}"
    page.fill("[name=name]", name)
    page.click("text=Create group")
    expect(page.locator("h1")).to_have_text(name)
    try:
        owner.accessible("new group")
        page.select_option("#add-dimension", label="Fund")
        with page.expect_navigation():
            page.click("text=Add dimension")
        page.select_option("#add-person", index=1)
        with page.expect_navigation():
            page.click("button:has-text('Add person')")
        owner.accessible("group")
        with page.expect_navigation():
            page.click("[aria-label^='Values of Fund']")
        page.check("tbody tr:nth-child(1) input")
        with page.expect_navigation():
            page.click("text=Grant read >> nth=0")
        expect(page.locator("tbody tr:nth-child(1) .chip")).to_have_text("Read")
        owner.accessible("values")
        owner.open(f"{OAKLAND}security/")
        owner.accessible("security of a cube")
        owner.open("/dimension-groups/")
        page.fill("[name=name]", name)
        page.click("text=Create group")
        expect(page.locator("#problems")).to_be_visible()
        owner.accessible("groups with a problem")
        page.click(f"a:has-text('{name}') >> nth=0")
    finally:
        owner.open("/dimension-groups/")
        page.click(f"tbody a:has-text('{name}')")
        page.click("button[value=delete]", force=True)


@SIZES
def test_signed_out_and_refused(visit, size):
    stranger = visit("", size)
    stranger.open("/accounts/login/")
    stranger.accessible("sign-in")
    reviewer = visit("reviewer", size)
    reviewer.open(f"{OAKLAND}export/")
    reviewer.accessible("403")


@SIZES
def test_the_pane_empty_with_errors_and_complete(visit, size):
    planner = visit("planner", size)
    page = planner.page
    page.goto(planner.demo.url + OAKLAND)
    page.keyboard.press("Alt+Shift+E")
    page.wait_for_selector("#pane #export-pane")
    page.wait_for_timeout(400)  # until the pane has slid in: half-transparent text has no contrast
    planner.accessible("empty pane")
    fill_general(planner)
    planner.accessible("pane with a field to map")
    page.click("button[value=export]", force=True)
    expect(page.locator("#problems")).to_be_focused()
    planner.accessible("pane after Export with open problems")
    fill_mapping(planner)
    add_filter(planner, 0, "Account type.Name", ["Expense"])
    page.click("[name=filter-0-add]")
    page.wait_for_selector("#filter-0-values button")
    planner.accessible("pane with suggestions")
    page.keyboard.press("Escape")
    planner.accessible("complete pane")


@SIZES
def test_the_pane_when_finance_is_not_there(visit, demo, size):
    variable = "environment-variables/msdyn_xpna_BPPAppFinOpsURI"
    address = demo.sandbox("GET", "facts")["finance_url"]
    demo.sandbox("PUT", variable, {"value": None})
    try:
        planner = visit("planner", size)
        page = planner.open(f"{OAKLAND}export/")
        page.select_option("[name=legal_entity]", "USMF")
        planner.counted()
        expect(page.locator("#pane-readiness")).to_contain_text("Finance service not reachable")
        planner.accessible("pane without Finance")
    finally:
        demo.sandbox("PUT", variable, {"value": address})


@SIZES
def test_a_run_while_it_works_and_done(visit, demo, size):
    demo.sandbox("PUT", "faults", {"import_seconds": 6})
    run = demo.export("oakland/fire-police-finance.json")
    planner = visit("planner", size)
    page = planner.open(f"/exports/{run['entry_number']}/")
    until(lambda: page.locator(".stage.now", has_text="In Finance").count(), 30, "the run is in Finance")
    planner.accessible("running")
    expect(page.locator("#run-message")).to_contain_text(CREATED, timeout=60_000)
    planner.accessible("done")
    planner.open(f"/exports/{run['entry_number']}/reuse/")
    planner.accessible("reuse")
    planner.open("/exports/")
    planner.accessible("list of exports")


@SIZES
def test_a_run_that_failed(visit, demo, size):
    demo.sandbox("PUT", "users/planner", {"roles": []})
    try:
        run = demo.export("oakland/fire-police-finance.json", "--wait", check=False)
    finally:
        demo.sandbox("PUT", "users/planner", {"roles": ["Data management operations user"]})
    planner = visit("planner", size)
    page = planner.open(f"/exports/{run['entry_number']}/")
    expect(page.locator("#run-message")).to_contain_text("No permission to execute Finance operation")
    planner.accessible("failed")
    planner.open("/")
    planner.accessible("start page with a failed run")


@SIZES
def test_readiness_broken_opened_and_mended(visit, demo, size):
    role = "Data management operations user"
    demo.sandbox("PUT", "users/owner", {"roles": [role]})
    demo.sandbox("PUT", "virtual-entities/BudgetModelEntity", {"visible": False})
    try:
        owner = visit("owner", size)
        page = owner.open("/readiness/")
        demo.sandbox("PUT", "faults", {"faults": [{"call": "*", "kind": "delay", "seconds": 0.4, "times": None}]})
        page.click(".commandbar button:has-text('Check again')")
        expect(page.locator("#readiness-count")).to_contain_text("of 38 checked")
        owner.accessible("readiness while it is checked")
        demo.sandbox("PUT", "faults", {"reset": True})
        failing = page.locator("#check-owner-duty")
        expect(failing).to_contain_text("Access denied when reading dimension parameters")
        failing.locator("summary").click()
        owner.accessible("readiness, two things fail")
        page.click("#check-entity-BudgetModelEntity button:has-text('Make visible')")
        expect(page.locator("#readiness")).to_contain_text("Dataverse makes BudgetModelEntity visible")
        expect(page.locator("#readiness-stops")).to_contain_text("1 thing stops exports to USMF")
        owner.accessible("readiness after a fix")
    finally:
        demo.sandbox("PUT", "virtual-entities/BudgetModelEntity", {"visible": True})
        demo.sandbox("PUT", "users/owner", {"roles": [role, "Budget write-back"]})
    page.click("#check-owner-duty button:has-text('Check again')")
    expect(page.locator(".pagehead .chip-success")).to_have_text("Ready")
    for group in page.locator(".checks > summary").all():
        group.click()
    owner.accessible("readiness, all is well")
    owner.open("/notices/")
    expect(page.locator(".notice").first).to_contain_text("Sandbox USMF is ready for exports again.")
    owner.accessible("notices")
    page.locator(".notice-read button").first.click()
    expect(page.locator(".notice").first).not_to_contain_text("Mark read")


@SIZES
def test_the_administration(visit, size):
    owner = visit("owner", size)
    for path in ("/admin/", "/admin/connections/flow/", "/admin/exports/run/"):
        owner.open(path)
        owner.accessible(path)


def test_at_1440_the_outcome_of_two_amount_types_and_the_search_are_in_view(visit, demo):
    run = demo.export("oakland/whole-budget.json", "--wait")
    planner = visit("planner", {"width": 1440, "height": 900})
    page = planner.open(f"/exports/{run['entry_number']}/")
    for region in ("Lines", "Totals"):
        box = page.locator(f"[role=region][aria-label={region}]")
        assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0, region
    planner.open("/exports/")
    tops = page.locator("form.filterbar").locator("select, button").evaluate_all("all => all.map(one => one.offsetTop)")
    assert len(set(tops)) == 1
    planner.open(OAKLAND)
    labels = page.locator(".chart svg text").evaluate_all("all => all.map(one => one.getBBox().width)")
    first_bar = page.locator(".chart rect").first.evaluate("bar => bar.x.baseVal.value")
    assert labels
    assert max(labels) + 4 <= first_bar


@SIZES
def test_the_set_up(visit, demo, size):
    owner = visit("owner", size)
    owner.open("/connections/")
    owner.accessible("connections")
    owner.open("/flows/?roles=1")
    owner.accessible("flows")
    installer = visit("installer", size)
    installer.open("/environments/new/")
    installer.accessible("new environment")
    demo.sandbox("PUT", "virtual-entities/BudgetModelEntity", {"visible": False})
    try:
        installer.open("/environments/1/")
        installer.accessible("an environment with a hidden entity")
    finally:
        demo.sandbox("PUT", "virtual-entities/BudgetModelEntity", {"visible": True})


@SIZES
def test_the_audit_trail(visit, size):
    owner = visit("owner", size)
    for path in ("/audit/", "/audit/?verb=sign+in&who=owner", "/audit/?q=nothing+of+the+kind"):
        owner.open(path)
        owner.accessible(path)
