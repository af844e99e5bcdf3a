"""The whole set-up by clicking, from a portal with nothing in it to two planners' entries under the owner's name."""

import pytest
from playwright.sync_api import Page, expect

from tests.city import city_rows, recomputed
from tests.journeys.conftest import Visitor
from tests.journeys.empty import EmptyPortal
from tests.journeys.setting_up import (
    FLOWS,
    add_people,
    check_again,
    export,
    go,
    install,
    publish_cube,
    set_up_environment,
    signed_in,
    take_ownership,
)
from tests.journeys.test_planner import sums
from tests.stack import of_folder, until

ROLE = "Data management operations user"
HIDDEN = ("BudgetModelEntity", "LedgerEntity")
VARIABLE = "environment-variables/msdyn_xpna_BPPAppFinOpsURI"
DEPARTMENTS = {"chris": "Fire", "dana": "Police"}
EMPTY = {
    "/": "Setting up the write-back: what is left",
    "/exports/": "No exports yet.",
    "/connections/": "No environment yet.",
    "/flows/": "No environment yet.",
    "/readiness/": "No environment is set up.",
    "/environments/": "No environment yet.",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """In place of the demo: a portal and a sandbox that nobody has prepared."""
    running = EmptyPortal(tmp_path_factory.mktemp("empty"), EXPORT_SETTLE="1")
    expect.set_options(timeout=20_000)  # a slow machine may take its time for each step
    try:
        yield running.start()
    finally:
        expect.set_options(timeout=5_000)
        running.stop()
    until(lambda: not of_folder(running.folder), 10, "no process is left behind")


def nothing_granted(demo: EmptyPortal) -> None:
    """Finance as it is before anybody prepared it for the write-back, and Dataverse before it was linked."""
    for name in ("installer", "owner", "planner"):
        demo.sandbox("PUT", f"users/{name}", {"roles": []})
    demo.sandbox("PUT", VARIABLE, {"value": None})
    for entity in HIDDEN:
        demo.sandbox("PUT", f"virtual-entities/{entity}", {"visible": False})


def stops(page: Page, key: str, text: str) -> None:
    expect(page.locator(f"#check-{key}")).to_contain_text("Fails")
    expect(page.locator(f"#check-{key} .check-detail")).to_contain_text(text)


def stands_under_the_owners_name(demo: EmptyPortal, number: str, department: str) -> None:
    """Exactly the city's own sums, created by the flow owner's Finance user."""
    entry = demo.entry(number)
    kept = city_rows(lambda row: row["department"] == department)
    assert sums(entry) == recomputed(kept)
    assert entry["CreatedBy"] == "owner"


def leads_to(visitor: Visitor, demo: EmptyPortal, name: str, number: str) -> None:
    """The comment of every line carries the run id; the trail tells who asked for that run."""
    [run_id] = {line["Comment"].removeprefix("bpp_portal run ") for line in demo.entry(number)["lines"]}
    page = go(visitor, f"/audit/?q={run_id}")
    row = page.locator("tbody tr", has=page.get_by_role("rowheader", name="export", exact=True))
    expect(row).to_contain_text(name)
    expect(row).to_contain_text(number)


def test_from_an_empty_portal_to_entries_under_the_owners_name(visit, demo):
    nothing_granted(demo)
    admin = signed_in(visit, "alex")
    page = admin.page
    for address, words in EMPTY.items():
        go(admin, address)
        expect(page.locator("main")).to_contain_text(words)
    go(admin, "/")
    admin.accessible("the steps that are left")
    add_people(admin)
    set_up_environment(admin, demo)
    admin.accessible("an environment that nobody is connected to")
    install(admin, demo)

    go(admin, "/readiness/")
    expect(page.locator("#readiness-stops")).to_be_visible()
    stops(page, "variable", "Finance service not reachable")
    expect(page.locator("#check-variable")).to_contain_text("has no value")
    stops(page, f"connected-{FLOWS[2]}", "In Finance: status unknown")
    page.get_by_label("Address of Finance").fill(demo.facts["finance_url"])
    page.get_by_role("button", name="Set the variable").click()
    expect(page.locator("#readiness")).to_contain_text("is set.")
    stops(page, "owner-role", "Unable to access virtual entities or integration group")
    stops(page, "owner-duty", "Access denied when reading dimension parameters")

    owner = signed_in(visit, "bea")
    take_ownership(owner)
    page = check_again(owner)
    stops(page, "owner-role", "Unable to access virtual entities or integration group")
    demo.sandbox("PUT", "rows/SystemUsers", {"UserID": "dana", "Alias": "dana@contoso.example", "Enabled": 1})
    for name in ("owner", "planner", "dana"):
        demo.sandbox("PUT", f"users/{name}", {"roles": [ROLE]})
    page = check_again(owner)
    stops(page, "owner-duty", "Access denied when reading dimension parameters")
    demo.sandbox("PUT", "users/owner", {"roles": [ROLE, "Budget write-back"]})

    page = check_again(admin)
    for entity in HIDDEN:
        stops(page, f"entity-{entity}", "Unable to load Finance entity definitions")
        page.locator(f"#check-entity-{entity}").get_by_role("button", name="Make visible").click()
        expect(page.locator("#readiness")).to_contain_text(f"{entity} visible")
    expect(page.locator(".pagehead .chip")).to_have_text("Ready")

    publish_cube(owner)
    numbers = {
        name: export(signed_in(visit, name), f"FY21-22 {department}", department)
        for name, department in DEPARTMENTS.items()
    }
    assert len(demo.sandbox("GET", "register-entries?legalEntity=USMF")["entries"]) == len(numbers)
    for name, department in DEPARTMENTS.items():
        stands_under_the_owners_name(demo, numbers[name], department)
        leads_to(admin, demo, name, numbers[name])
