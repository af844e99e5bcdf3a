"""The set-up in a real browser: a connection removed, another one made on Entra's page, ownership moved, an export."""

import pytest
from playwright.sync_api import Page, expect

from tests.stack import Stack, until

STATUS = "BREExportFnOStatusUpdate"
BOTH = ["Data management operations user", "Budget write-back"]


@pytest.fixture
def as_it_was(demo: Stack):
    """The owner's flows, connected and on, for the journeys that come after."""
    yield
    demo.sandbox("PUT", "users/installer", {"roles": []})
    demo.manage("setup_environment")


def choose_account(page: Page, name: str) -> None:
    """On the sandbox's sign-in page, which is another program's."""
    page.wait_for_url("**/oauth2/v2.0/authorize?*")
    page.get_by_role("button", name=f"{name}@contoso.example").click()


def test_the_owner_signs_out_a_connection_and_in_again(visit, demo, as_it_was):
    owner = visit("owner")
    page = owner.open("/connections/")
    page.get_by_role("link", name="Remove Dynamics 365 Finance of owner").click()
    expect(page.locator("main")).to_contain_text(STATUS)
    page.get_by_role("button", name="Remove connection").click()
    expect(page.locator("#messages")).to_contain_text("Dynamics 365 Finance of owner is removed.")

    owner.open("/flows/")
    expect(page.get_by_role("button", name=f"Turn on {STATUS}")).to_have_attribute("aria-disabled", "true")
    expect(page.locator("main")).to_contain_text(f"{STATUS} has no Dynamics 365 Finance connection.")
    expect(page.locator("#owner-roles")).to_contain_text("has both Finance roles")
    owner.accessible("a flow with an empty reference")

    owner.open("/connections/")
    page.get_by_role("link", name="New connection").click()
    page.get_by_label("Kind").select_option("finance")
    page.get_by_role("button", name="Sign in", exact=True).click()
    choose_account(page, "owner")
    page.wait_for_url("**/connections/")
    expect(page.locator("#messages")).to_contain_text("Dynamics 365 Finance is connected as owner@contoso.example.")

    owner.open("/flows/")
    page.get_by_role("button", name=f"Turn on {STATUS}").click()
    expect(page.locator("#messages")).to_contain_text(f"{STATUS} is on.")


def test_another_administrator_takes_ownership_and_entries_carry_their_name(visit, demo, as_it_was):
    demo.sandbox("PUT", "users/installer", {"roles": BOTH})
    installer = visit("installer")
    page = installer.open("/flows/")
    page.get_by_role("link", name="Take ownership").click()
    expect(page.locator("main")).to_contain_text("You become owner of all three flows.")
    page.get_by_role("button", name="Take ownership").click()
    expect(page.locator(".stage.now")).to_contain_text("Connect Dataverse")
    installer.accessible("what is left for the new owner")
    for kind in ("Dataverse", "Dynamics 365 Finance"):
        page.get_by_role("button", name=f"Connect {kind}").click()
        choose_account(page, "installer")
        page.wait_for_url("**/flows/?environment=*")
    page.get_by_role("button", name="Turn on the flows").click()
    expect(page.locator("#messages")).to_contain_text("The flows are on.")
    expect(page.locator("#owner-roles")).to_contain_text("installer@contoso.example has both Finance roles")

    run = demo.export("oakland/fire-police-finance.json", "--wait")
    entry = until(lambda: demo.entry(run["entry_number"]), 10)
    assert entry["CreatedBy"].casefold() == "installer"
    installer.open("/flows/")
    expect(page.locator("main")).to_contain_text(f"{run['entry_number']}, planner")
