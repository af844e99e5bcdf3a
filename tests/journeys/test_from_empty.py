"""The whole set-up by clicking, from a portal with nothing in it to two planners' entries under the owner's name."""

import os

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import NARROW, WIDE, Visitor
from tests.journeys.empty import PASSWORD, EmptyPortal
from tests.journeys.test_planner import add_filter, entry_number, fill_general, fill_mapping, open_pane
from tests.journeys.test_setup import choose_account
from tests.stack import SAMPLES, of_folder, until

ROLE, DUTY = "Data management operations user", "Inquire into dimension parameters master"
FLOWS = ("BREExportFromDataverseToFnO", "CountTotalCubeRows", "BREExportFnOStatusUpdate")
HIDDEN = ("BudgetModelEntity", "LedgerEntity")
VARIABLE = "environment-variables/msdyn_xpna_BPPAppFinOpsURI"
PEOPLE = {
    "bea": ("owner@contoso.example", "BPP administrator"),
    "chris": ("planner@contoso.example", "Power User"),
    "dana": ("dana@contoso.example", "Power User"),
}
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
    running = EmptyPortal(tmp_path_factory.mktemp("empty"), EXPORT_SETTLE="1", READINESS_EVERY="0")
    try:
        yield running.start()
    finally:
        running.stop()
    until(lambda: not of_folder(running.folder), 10, "no process is left behind")


SHOTS = os.environ.get("SHOTS", "")
COUNT = [0]


def shot(visitor: Visitor, name: str) -> None:
    if not SHOTS:
        return
    COUNT[0] += 1
    for size in (WIDE, NARROW):
        visitor.page.set_viewport_size(size)
        visitor.page.screenshot(
            path=f"{SHOTS}/{COUNT[0]:02}-{name}-{size['width']}.png", caret="initial", full_page=True
        )
    visitor.page.set_viewport_size(WIDE)


def signed_in(visit, name: str) -> Visitor:
    visitor: Visitor = visit()
    page = visitor.open("/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{visitor.demo.url}/")
    return visitor


def nothing_granted(demo: EmptyPortal) -> None:
    """Finance as it is before anybody prepared it for the write-back, and Dataverse before it was linked."""
    for name in ("installer", "owner", "planner"):
        demo.sandbox("PUT", f"users/{name}", {"roles": []})
    demo.sandbox("PUT", VARIABLE, {"value": None})
    for entity in HIDDEN:
        demo.sandbox("PUT", f"virtual-entities/{entity}", {"visible": False})


def add_people(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("link", name="Add user").first.click()
    for name, (email, role) in PEOPLE.items():
        page.get_by_label("Username").fill(name)
        page.locator("[name=password1]").fill(PASSWORD)
        page.locator("[name=password2]").fill(PASSWORD)
        page.get_by_label("Email address").fill(email)
        page.get_by_label(role, exact=True).check()
        shot(visitor, "add-person")
        page.get_by_role("button", name="Save and add another").click()
        expect(page.locator(".messagelist")).to_contain_text(f"“{name}” was added successfully")


def set_up_environment(visitor: Visitor, demo: EmptyPortal) -> None:
    page, facts = visitor.page, demo.facts
    visitor.open("/")
    shot(visitor, "home-environment")
    page.get_by_role("link", name="Set up an environment").click()
    shot(visitor, "environment-form")
    page.get_by_label("Name").fill("Contoso test")
    page.get_by_label("Dataverse address").fill(facts["dataverse_url"])
    page.get_by_label("Sign-in authority").fill(facts["authority"].rstrip("/").removesuffix(f"/{facts['tenant_id']}"))
    page.get_by_label("Tenant").fill(facts["tenant_id"])
    page.get_by_label("Application (client) id").fill(facts["client_id"])
    page.get_by_role("button", name="Save environment").click()
    expect(page.locator("#messages")).to_contain_text("Contoso test is saved.")
    shot(visitor, "environment-saved")


def install(visitor: Visitor, demo: EmptyPortal) -> None:
    page = visitor.page
    visitor.open("/flows/")
    shot(visitor, "flows-not-installed")
    page.get_by_role("button", name="Connect Dataverse").click()
    page.wait_for_url("**/oauth2/v2.0/authorize?*")
    shot(visitor, "sign-in-page")
    choose_account(page, "installer")
    page.wait_for_url("**/flows/?environment=*")
    shot(visitor, "flows-connected")
    demo.manage("shell", "-c", NO_VARIABLE)
    page.get_by_role("button", name="Install the flows").click()
    expect(page.locator("#messages")).to_contain_text("Installed, and you own them")
    shot(visitor, "flows-installed")


NO_VARIABLE = """
from connections.dataverse import DataverseClient
from connections.models import Connection
connection = Connection.objects.get()
client = DataverseClient(environment=connection.environment, connection=connection)
definition = client.variable("msdyn_xpna_BPPAppFinOpsURI").definition_id
client.service.call("DELETE", client.service.address(f"environmentvariabledefinitions({definition})"), refuse=client.refuse)
"""


def check_again(visitor: Visitor, first: bool = False) -> Page:
    page = visitor.open("/readiness/")
    with page.expect_response("**/readiness/check/"):
        page.get_by_role("button", name="Check again", exact=True).first.click()
    expect(page.locator("#readiness.htmx-request")).to_have_count(0)
    return page


def stops(page: Page, key: str, text: str) -> None:
    expect(page.locator(f"#check-{key}")).to_contain_text("Fails")
    expect(page.locator(f"#check-{key} .check-detail")).to_contain_text(text)


def take_ownership(visitor: Visitor) -> None:
    page = visitor.page
    shot(visitor, "home-of-owner")
    page.get_by_role("link", name="Open flows").click()
    shot(visitor, "flows-of-installer")
    page.get_by_role("link", name="Take ownership").click()
    shot(visitor, "take-ownership")
    page.get_by_role("button", name="Take ownership").click()
    expect(page.locator("#messages")).to_contain_text("You own all three flows.")
    for name in FLOWS:
        row = page.get_by_role("row", name=name)
        expect(row).to_contain_text("Not set")
        expect(row).to_contain_text("Off")
    shot(visitor, "owned-unset")
    for kind in ("Dataverse", "Dynamics 365 Finance"):
        page.get_by_role("button", name=f"Connect {kind}").click()
        choose_account(page, "owner")
        page.wait_for_url("**/flows/?environment=*")
        shot(visitor, f"connected-{kind[:9]}")
    page.get_by_role("button", name="Turn on the flows").click()
    for name in FLOWS:
        expect(page.locator("#messages")).to_contain_text(f"{name} is on.")
    expect(page.locator("#owner-roles")).to_contain_text("No permission to execute Finance operation")
    shot(visitor, "flows-on-no-role")


def publish_cube(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("/cubes/")
    shot(visitor, "cubes-empty")
    page.get_by_role("main").get_by_role("link", name="Import definition").click()
    page.set_input_files("[name=definition]", SAMPLES / "oakland" / "definition.json")
    shot(visitor, "import-definition")
    page.get_by_role("button", name="Import definition").click()
    expect(page.locator("#messages")).to_contain_text("imported as a draft")
    shot(visitor, "cube-draft")
    page.get_by_role("link", name="Load data").first.click()
    page.set_input_files("[name=facts]", SAMPLES / "oakland" / "facts.csv")
    page.get_by_label("Members of Fiscal year").set_input_files(SAMPLES / "oakland" / "fiscal-year.csv")
    shot(visitor, "load-data")
    page.get_by_role("button", name="Load data").click()
    page.wait_for_url("**/loads/**")
    shot(visitor, "load-report")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#messages")).to_contain_text("is published")
    shot(visitor, "published")


def export(visitor: Visitor, name: str, department: str) -> str:
    page = visitor.page
    open_pane(visitor)
    fill_general(visitor, name)
    fill_mapping(visitor)
    add_filter(visitor, 0, "Account type.Name", ["Expense"])
    add_filter(visitor, 1, "Department.Name", [department])
    shot(visitor, "pane")
    page.click("button[value=export]")
    page.wait_for_url("**/exports/BPP-*/")
    expect(page.locator(".chip", has_text="Completed").first).to_be_visible(timeout=60_000)
    shot(visitor, "run")
    return entry_number(page)


def test_from_an_empty_portal_to_entries_under_the_owners_name(visit, demo):
    nothing_granted(demo)
    admin = signed_in(visit, "alex")
    page = admin.page
    for address, words in EMPTY.items():
        admin.open(address)
        expect(page.locator("main")).to_contain_text(words)
        shot(admin, "empty" + address.replace("/", "-"))
    admin.open("/")
    add_people(admin)
    set_up_environment(admin, demo)
    install(admin, demo)

    admin.open("/readiness/")
    expect(page.locator("#readiness-stops")).to_be_visible()
    shot(admin, "readiness-first")
    stops(page, "variable", "Finance service not reachable")
    stops(page, f"connected-{FLOWS[2]}", "In Finance: status unknown")
    page.get_by_label("Address of Finance").fill(demo.facts["finance_url"])
    page.get_by_role("button", name="Set the variable").click()
    expect(page.locator("#readiness")).to_contain_text("is set.")
    shot(admin, "readiness-variable-set")
    stops(page, "owner-role", "Unable to access virtual entities or integration group")
    stops(page, "owner-duty", "Access denied when reading dimension parameters")

    owner = signed_in(visit, "bea")
    take_ownership(owner)
    page = check_again(owner)
    shot(owner, "readiness-owner")
    stops(page, "owner-role", "Unable to access virtual entities or integration group")
    demo.sandbox("PUT", "rows/SystemUsers", {"UserID": "dana", "Alias": "dana@contoso.example", "Enabled": 1})
    for name in ("owner", "planner", "dana"):
        demo.sandbox("PUT", f"users/{name}", {"roles": [ROLE]})
    page = check_again(owner)
    shot(owner, "readiness-duty")
    stops(page, "owner-duty", "Access denied when reading dimension parameters")
    demo.sandbox("PUT", "users/owner", {"roles": [ROLE, "Budget write-back"]})
    page = check_again(owner)
    shot(owner, "readiness-entities")

    page = check_again(admin)
    for entity in HIDDEN:
        stops(page, f"entity-{entity}", "Unable to load Finance entity definitions")
        page.locator(f"#check-entity-{entity}").get_by_role("button", name="Make visible").click()
        expect(page.locator("#readiness")).to_contain_text(f"{entity} visible")
        shot(admin, "made-visible")
    expect(page.locator(".pagehead .chip")).to_have_text("Ready")
    shot(admin, "ready")

    publish_cube(owner)
    owner.open("/")
    shot(owner, "home-done")
    numbers = {}
    for name, department in (("chris", "Fire"), ("dana", "Police")):
        numbers[name] = export(signed_in(visit, name), f"FY21-22 {department}", department)
    for name, number in numbers.items():
        entry = demo.entry(number)
        assert entry["CreatedBy"] == "owner"
        print(name, number, {k: v for k, v in entry.items() if k != "lines"}, entry["lines"][0], len(entry["lines"]))
    page = admin.open("/audit/")
    shot(admin, "trail")
