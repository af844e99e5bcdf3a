"""The steps of the set-up as a person clicks them, each until the page says that it is done."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Visitor
from tests.journeys.empty import PASSWORD, EmptyPortal
from tests.journeys.test_planner import add_filter, entry_number, fill_general, fill_mapping, open_pane
from tests.journeys.test_setup import choose_account
from tests.stack import SAMPLES

FLOWS = ("BREExportFromDataverseToFnO", "CountTotalCubeRows", "BREExportFnOStatusUpdate")
PEOPLE = {
    "bea": ("owner@contoso.example", "BPP administrator"),
    "chris": ("planner@contoso.example", "Power User"),
    "dana": ("dana@contoso.example", "Power User"),
}
# Dataverse as it is before the app comes, the variable included.
NO_VARIABLE = """
from connections.dataverse import DataverseClient
from connections.models import Connection
connection = Connection.objects.get()
client = DataverseClient(environment=connection.environment, connection=connection)
definition = client.variable("msdyn_xpna_BPPAppFinOpsURI").definition_id
address = client.service.address(f"environmentvariabledefinitions({definition})")
client.service.call("DELETE", address, refuse=client.refuse)
"""


def go(visitor: Visitor, path: str) -> Page:
    """Open a page without waiting for its quiet: every step waits for a fact of its own."""
    visitor.page.goto(visitor.demo.url + path)
    return visitor.page


def signed_in(visit: Callable[[], Visitor], name: str) -> Visitor:
    visitor = visit()
    page = go(visitor, "/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{visitor.demo.url}/")
    return visitor


def row_of(page: Page, flow: str) -> Locator:
    return page.locator("tr:not(.row-why)", has_text=flow)


def check_again(visitor: Visitor) -> Page:
    page = go(visitor, "/readiness/")
    with page.expect_response("**/readiness/check/"):
        page.get_by_role("button", name="Check again", exact=True).first.click()
    expect(page.locator("#readiness.htmx-request")).to_have_count(0)
    return page


def add_people(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("link", name="Add user").first.click()
    for name, (email, role) in PEOPLE.items():
        page.get_by_label("Username").fill(name)
        page.locator("[name=password1]").fill(PASSWORD)
        page.locator("[name=password2]").fill(PASSWORD)
        page.get_by_label("Email address").fill(email)
        page.get_by_label(role, exact=True).check()
        page.get_by_role("button", name="Save and add another").click()
        expect(page.locator(".messagelist")).to_contain_text(f"“{name}” was added successfully")


def set_up_environment(visitor: Visitor, demo: EmptyPortal) -> None:
    page, facts = visitor.page, demo.facts
    go(visitor, "/")
    page.get_by_role("link", name="Set up an environment").click()
    page.get_by_label("Name").fill("Contoso test")
    page.get_by_label("Dataverse address").fill(facts["dataverse_url"])
    page.get_by_label("Sign-in authority").fill(facts["authority"].rstrip("/").removesuffix(f"/{facts['tenant_id']}"))
    page.get_by_label("Tenant").fill(facts["tenant_id"])
    page.get_by_label("Application (client) id").fill(facts["client_id"])
    page.get_by_role("button", name="Save environment").click()
    expect(page.locator("#messages")).to_contain_text("Contoso test is saved.")


def install(visitor: Visitor, demo: EmptyPortal) -> None:
    page = visitor.page
    go(visitor, "/flows/")
    page.get_by_role("button", name="Connect Dataverse").click()
    page.wait_for_url("**/oauth2/v2.0/authorize?*")
    assert "code_challenge_method=S256" in page.url
    choose_account(page, "installer")
    page.wait_for_url("**/flows/?environment=*")
    demo.manage("shell", "-c", NO_VARIABLE)
    page.get_by_role("button", name="Install the flows").click()
    expect(page.locator("#messages")).to_contain_text("Installed, and you own them")
    for name in FLOWS:
        expect(row_of(page, name)).to_contain_text("alex, installer@contoso.example")
    expect(row_of(page, FLOWS[2]).locator(".slot").last).to_have_text("Not set Dynamics 365 Finance")


def take_ownership(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("link", name="Open flows").click()
    page.get_by_role("link", name="Take ownership").click()
    page.get_by_role("button", name="Take ownership").click()
    expect(page.locator("#messages")).to_contain_text("You own all three flows.")
    for name in FLOWS:
        row = row_of(page, name)
        expect(row).to_contain_text("Not set")
        expect(row).not_to_contain_text("Connected")
        expect(row).to_contain_text("Off")
    for kind in ("Dataverse", "Dynamics 365 Finance"):
        page.get_by_role("button", name=f"Connect {kind}").click()
        choose_account(page, "owner")
        page.wait_for_url("**/flows/?environment=*")
    page.get_by_role("button", name="Turn on the flows").click()
    expect(page.locator("#messages")).to_contain_text("The flows are on.")
    expect(page.locator("#owner-roles")).to_contain_text("No permission to execute Finance operation")


def publish_cube(visitor: Visitor) -> None:
    page = visitor.page
    go(visitor, "/cubes/")
    page.get_by_role("main").get_by_role("link", name="Import definition").click()
    page.set_input_files("[name=definition]", SAMPLES / "oakland" / "definition.json")
    page.get_by_role("button", name="Import definition").click()
    expect(page.locator("#messages")).to_contain_text("imported as a draft")
    page.get_by_role("link", name="Load data").first.click()
    page.set_input_files("[name=facts]", SAMPLES / "oakland" / "facts.csv")
    page.get_by_label("Members of Fiscal year").set_input_files(SAMPLES / "oakland" / "fiscal-year.csv")
    page.get_by_role("button", name="Load data").click()
    page.wait_for_url("**/loads/**")
    page.get_by_role("link", name="Review and publish").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#messages")).to_contain_text("is published")


def export(visitor: Visitor, name: str, department: str) -> str:
    page = visitor.page
    open_pane(visitor)
    fill_general(visitor, name)
    fill_mapping(visitor)
    add_filter(visitor, 0, "Department.Name", [department])
    page.click("button[value=export]")
    page.wait_for_url("**/exports/BPP-*/")
    expect(page.locator(".chip", has_text="Completed").first).to_be_visible(timeout=60_000)
    expect(page.locator("#run-runs-as")).to_contain_text("bea")
    return entry_number(page)
