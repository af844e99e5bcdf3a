"""A page that outlives its sign-in, or its connection: it says so, and nothing that was typed is lost."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import NARROW, OAKLAND, WIDE, Visitor
from tests.journeys.test_planner import CREATED, add_filter, fill_general, fill_mapping, open_pane
from tests.stack import until

SIGNED_OUT = "You were signed out. Sign in again; what you typed is kept."
NO_ANSWER = "The portal does not answer. Your entries are still here; try again."
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


def words(page: Page) -> str:
    expect(page.locator("#trouble")).to_be_visible()
    return " ".join(page.locator("#trouble .msgbar-body").inner_text().split())


def typed(page: Page) -> dict[str, str]:
    """Everything in the form that a person chose or typed, and its token."""
    return page.eval_on_selector(
        "form[data-filling]",
        """form => Object.fromEntries([...new FormData(form)].filter(([name]) =>
            !["csrfmiddlewaretoken", "entity_before", "seen", "filter-count"].includes(name)))""",
    )


def filled(visitor: Visitor, department: str = "Police Commission") -> dict[str, str]:
    open_pane(visitor)
    fill_general(visitor, "Kept while signed out")
    fill_mapping(visitor)
    add_filter(visitor, 0, "Department.Name", [department])
    return typed(visitor.page)


def sign_out(page: Page) -> None:
    page.context.clear_cookies(name=re.compile("bpp_session"))


def sign_in_through(page: Page, username: str = "planner") -> None:
    """Follow the bar's link into the new tab and sign in there."""
    with page.context.expect_page() as opening:
        page.click("#trouble a")
    tab = opening.value
    tab.fill("input[name=login]", username)
    tab.fill("input[name=password]", f"demo-{username}")
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text(f"You are signed in as {username}")
    tab.close()


def other_tab_signs_in(page: Page, url: str, username: str) -> None:
    tab = page.context.new_page()
    tab.goto(f"{url}/accounts/logout/")
    tab.click("main button[type=submit]")
    tab.goto(f"{url}/accounts/login/")
    tab.fill("input[name=login]", username)
    tab.fill("input[name=password]", f"demo-{username}")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{url}/")
    tab.close()


def exported(page: Page) -> None:
    page.click("button[value=export]")
    page.wait_for_url("**/exports/BPP-*/")


@SIZES
def test_signed_out_the_pane_keeps_everything_and_goes_on_after_signing_in(visit, size):
    planner = visit("planner", size)
    page = planner.page
    before = filled(planner)
    page.evaluate("document.querySelector('.pane-body').scrollTop = 120")
    scrolled = page.evaluate("document.querySelector('.pane-body').scrollTop")
    sign_out(page)
    page.click("button[value=export]")
    assert words(page) == SIGNED_OUT
    expect(page.locator("#trouble")).to_be_focused()
    assert page.locator("#trouble").get_attribute("role") == "alert"
    assert typed(page) == before
    assert page.evaluate("document.querySelector('.pane-body').scrollTop") == scrolled
    planner.accessible("signed-out pane")
    page.fill("[name=name]", "Typed after that")
    page.select_option("[name=map-Fund]", "column:Department.Name")  # another request, the same message
    planner.counted()
    assert typed(page) == before | {"name": "Typed after that", "map-Fund": "column:Department.Name"}
    page.select_option("[name=map-Fund]", before["map-Fund"])
    planner.counted()
    expect(page.locator("#trouble")).to_have_count(1)
    sign_in_through(page)
    exported(page)
    expect(page.locator("h1")).to_have_text("Typed after that")


def test_back_from_signing_in_the_pane_counts_again_by_itself(visit):
    planner = visit("planner")
    page = planner.page
    filled(planner)
    sign_out(page)
    page.click("text=Add condition")
    assert words(page) == SIGNED_OUT
    sign_in_through(page)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#trouble")).to_have_count(0)
    assert page.input_value("[name=name]") == "Kept while signed out"


def test_a_value_that_was_on_its_way_goes_back_into_its_box(visit):
    planner = visit("planner")
    page = planner.page
    filled(planner)
    sign_out(page)
    page.locator("[name=filter-0-add]").press_sequentially("Fire")
    page.keyboard.press("Enter")
    assert words(page) == SIGNED_OUT
    expect(page.locator("[name=filter-0-add]")).to_have_value("Fire")
    sign_in_through(page)
    page.locator("[name=filter-0-add]").press("Enter")
    expect(page.locator("input[name=filter-0-value]")).to_have_count(2)
    expect(page.locator("#trouble")).to_have_count(0)


def test_signed_out_the_other_pages_stay_too(visit, demo):
    demo.sandbox("PUT", "faults", {"import_seconds": 8})
    run = demo.export("oakland/fire-police-finance.json")
    planner = visit("planner")
    page = planner.open(f"/exports/{run['entry_number']}/")
    sign_out(page)
    assert words(page) == SIGNED_OUT
    expect(page.locator("#run-live")).to_be_visible()
    planner.accessible("signed-out run page")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(4500)
    assert not asked, "a page of a signed-out person stops asking"
    sign_in_through(page)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#trouble")).to_have_count(0)
    expect(page.locator("#run-message")).to_contain_text(CREATED, timeout=60_000)
    page.goto(f"{demo.url}{OAKLAND}")
    sign_out(page)
    page.select_option("#pivot-rows", "Fund.Code")
    assert words(page) == SIGNED_OUT
    expect(page.locator("#explore")).to_be_visible()


def test_signing_in_again_elsewhere_changes_nothing_for_the_same_person(visit, demo):
    planner = visit("planner")
    page = planner.page
    before = filled(planner)
    other_tab_signs_in(page, demo.url, "planner")
    assert typed(page) == before
    exported(page)
    expect(page.locator("h1")).to_have_text("Kept while signed out")


def test_the_form_of_one_person_is_not_sent_as_another(visit, demo):
    planner = visit("planner")
    page = planner.page
    before = filled(planner)
    runs = demo.api("exports/")["count"]
    other_tab_signs_in(page, demo.url, "owner")
    page.click("button[value=export]")
    assert words(page).startswith("You are signed in as owner now. This page was opened under another name")
    planner.accessible("pane of another person")
    assert typed(page) == before
    assert demo.api("exports/")["count"] == runs
    with page.context.expect_page() as opening:
        page.click("#trouble a")
    tab = opening.value
    tab.click("main button[type=submit]")
    tab.fill("input[name=login]", "planner")
    tab.fill("input[name=password]", "demo-planner")
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("You are signed in as planner")
    tab.close()
    exported(page)
    assert demo.api("exports/")["results"][0]["requested_by"] == "planner"


def test_a_dead_network_is_said_and_trying_again_works(visit):
    planner = visit("planner")
    page = planner.page
    before = filled(planner)
    page.route("**/export/", lambda route: route.abort())
    page.click("button[value=export]")
    assert words(page) == NO_ANSWER
    expect(page.locator("#trouble")).to_be_focused()
    planner.accessible("pane without a network")
    assert typed(page) == before
    planner.forgives("ERR_FAILED", "sendError")
    page.unroute("**/export/")
    exported(page)


@pytest.mark.parametrize("status", [404, 500])
def test_a_refusal_is_said_with_its_correlation_id(visit, status):
    planner = visit("planner")
    page = planner.page
    before = filled(planner)
    answer = "<div class='errorpage'><h1>Something failed on our side</h1><p>Try again.</p></div>"
    headers = {"X-Correlation-Id": "abc123def456", "Content-Type": "text/html"}
    page.route("**/export/", lambda route: route.fulfill(status=status, headers=headers, body=answer))
    page.click("button[value=export]")
    said = "Something failed on our side Try again. What you typed is still here. Correlation id abc123def456"
    assert words(page) == said
    planner.accessible(f"pane after {status}")
    assert typed(page) == before
    planner.forgives("status of 500")
    page.unroute("**/export/")
    page.select_option("[name=map-Fund]", "column:Department.Name")
    expect(page.locator("#trouble")).to_have_count(0)


def test_a_double_click_exports_once_and_in_silence(visit, demo):
    planner = visit("planner")
    page = planner.page
    filled(planner)
    posts: list[str] = []
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.dblclick("button[value=export]")
    page.wait_for_url("**/exports/BPP-*/")
    assert len(posts) == 1
    assert not [text for text in said if "sendAbort" in text]
    until(lambda: page.locator("#run-message", has_text=CREATED).count(), 60, "the run ends")


def test_without_scripts_the_posted_form_comes_back_after_signing_in(browser: Browser, demo):
    context = browser.new_context(viewport=WIDE, java_script_enabled=False)  # type: ignore[arg-type]
    planner = Visitor(context.new_page(), demo, "planner")
    page = planner.page
    page.goto(f"{demo.url}{OAKLAND}export/")
    page.fill("[name=name]", "Without scripts")
    page.select_option("[name=legal_entity]", "USMF")
    sign_out(page)
    page.click("button[value=draft]")
    page.fill("input[name=login]", "planner")
    page.fill("input[name=password]", "demo-planner")
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("What you typed is here; nothing was sent.")
    assert page.input_value("[name=name]") == "Without scripts"
    assert page.input_value("[name=legal_entity]") == "USMF"
    context.close()
