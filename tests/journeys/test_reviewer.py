"""The reviewer: reads exports, reuses one and saves it as a draft for a planner, and sends nothing."""

from playwright.sync_api import expect

from tests.journeys.test_planner import CREATED

CONFIGURATION = "oakland/fire-police-finance.json"


def test_a_reviewer_prepares_and_a_planner_sends(visit, demo):
    done = demo.export(CONFIGURATION, "--wait")
    reviewer = visit("reviewer")
    page = reviewer.open("/exports/")
    page.check(f"#export-{done['entry_number']} input[data-row]")
    page.click("#reuse-selected")
    page.wait_for_selector("#pane #export-pane")
    assert page.input_value("[name=budget_model]") == "FY22-OPS"
    assert page.locator("button[value=export]").count() == 0
    expect(page.locator("#pane-actions")).to_contain_text("A planner sends the draft; you send nothing.")
    page.fill("[name=name]", "Checked by the reviewer")
    page.click("button[value=draft]")
    page.wait_for_url("**/exports/?tab=drafts")
    expect(page.locator(".msgbar")).to_contain_text("Checked by the reviewer is saved as a draft.")
    starts = demo.started_calls()

    planner = visit("planner")
    page = planner.open("/exports/?tab=drafts")
    page.click("text=Checked by the reviewer")
    page.wait_for_selector("#export-pane")
    assert page.locator(".filter-row").count() == 2
    planner.counted()
    page.click("button[value=export]")
    page.wait_for_url("**/exports/BPP-*/")
    expect(page.locator("#run-message")).to_contain_text(CREATED, timeout=60_000)
    assert demo.started_calls() == starts + 1
    page = planner.open("/exports/?tab=drafts")
    expect(page.locator("text=Checked by the reviewer")).to_have_count(0)


def test_the_reuse_page_shows_then_and_now(visit, demo):
    done = demo.export(CONFIGURATION, "--wait")
    reviewer = visit("reviewer")
    page = reviewer.open(f"/exports/{done['entry_number']}/reuse/")
    expect(page.locator("section[aria-labelledby=then-now]")).to_contain_text("564,602,579.00")
    assert page.locator(".chip", has_text="Fits").count() == 9
    page.select_option("[name=map-Fund]", "")
    reviewer.counted()
    expect(page.locator("#field-mapping-fund")).to_contain_text("Fund is not mapped. Choose a cube column.")
    expect(page.locator("#field-mapping-fund .chip")).to_contain_text("Not mapped")


def test_a_guest_gets_one_page(visit):
    guest = visit("guest")
    page = guest.open("/")
    expect(page.locator("main")).to_contain_text("you have no role in this portal yet")
    guest.accessible("guest")
