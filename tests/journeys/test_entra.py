"""Signing in with Microsoft in a real browser: through the sandbox's real redirect, in by roles, out, and refused."""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import NARROW, WIDE, Visitor

REVIEWER = "reviewer@contoso.example"


@pytest.fixture
def as_it_was(demo):
    yield
    demo.sandbox("PUT", "accounts/reviewer", {"roles": ["BPP.Reviewer"]})


def sign_in(visitor: Visitor, path: str = "/", name: str = REVIEWER) -> Page:
    page = visitor.open(path)
    page.get_by_role("button", name="Sign in with Microsoft").click()
    page.wait_for_url("**/oauth2/v2.0/authorize?*")
    page.get_by_role("button", name=name).click()
    return page


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_in_by_the_roles_of_entra_out_and_refused_without(visit, demo, as_it_was, size):
    stranger = visit("", size)
    page = sign_in(stranger, "/exports/?tab=drafts")
    page.wait_for_url(f"{demo.url}/exports/?tab=drafts")
    page.locator(".user-btn").click()
    expect(page.locator(".dropdown-menu.show")).to_contain_text(f"{REVIEWER}\nReviewer", use_inner_text=True)
    page.get_by_role("link", name="Microsoft account").click()
    expect(page.locator("main")).to_contain_text(f"You sign in with the Microsoft account {REVIEWER}.")
    stranger.accessible("Microsoft account")
    page.goto(f"{demo.url}/accounts/logout/")
    expect(page.locator("main")).to_contain_text("your sign-in at Microsoft stays")
    page.locator("main").get_by_role("button", name="Sign out").click()

    demo.sandbox("PUT", "accounts/reviewer", {"roles": []})
    sign_in(stranger)
    expect(page.locator("h1")).to_have_text("Your account has no role for this portal")
    stranger.accessible("no role")
    page.get_by_role("link", name="Back to the sign-in page").click()
    expect(page.locator("h1")).to_have_text("Sign in to BPP Portal")


def test_a_local_account_is_linked_by_its_owner(visit, demo, as_it_was):
    guest = visit("guest")
    page = guest.open("/accounts/entra/")
    guest.accessible("Microsoft account, not linked")
    page.get_by_role("button", name="Link a Microsoft account").click()
    page.fill("input[name=password]", "demo-guest")
    page.keyboard.press("Enter")
    page.wait_for_url("**/oauth2/v2.0/authorize?*")
    demo.sandbox("PUT", "accounts/newcomer@contoso.example", {"roles": ["BPP.Viewer"]})
    page.reload()
    page.get_by_role("button", name="newcomer@contoso.example").click()
    expect(page.locator("main")).to_contain_text("You sign in with the Microsoft account newcomer@contoso.example.")
    page.get_by_role("button", name="Remove the link").click()
    expect(page.locator("main")).to_contain_text("Your Microsoft account is no longer linked.")
