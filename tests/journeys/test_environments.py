"""Two environments in a browser: choosing one, what the frame and the pane then say, in both widths."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import CODES, NARROW, WIDE

FORGET = "from connections.models import Environment as E; E.objects.exclude(name='Sandbox').delete()"
SMALLEST = {"width": 320, "height": 640}
LONG = "Production of the whole Contoso group, Northern Europe"


@pytest.fixture
def two(demo) -> Iterator[None]:
    demo.manage("setup_environment", "--name", "Contoso Live", "--kind", "production")
    yield
    demo.manage("shell", "-c", FORGET)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_production_is_chosen_and_cannot_be_overlooked(visit, two, size):
    visitor = visit("owner", size)
    page = visitor.page
    bar, button = page.locator(".topbar"), page.locator(".env-btn")
    expect(bar).to_have_attribute("data-kind", "sandbox")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Production Contoso Live")).to_be_visible()
    visitor.accessible("environments are offered")
    page.get_by_role("button", name="Production Contoso Live").click()
    expect(bar).to_have_attribute("data-kind", "production")
    expect(button).to_have_accessible_name("Environment: Production Contoso Live")
    chip = button.locator(".env").bounding_box()
    finder = page.locator(".finder").bounding_box()
    assert chip["x"] + chip["width"] <= finder["x"], "nothing covers the word"
    visitor.open(f"{CODES}export/")
    expect(page.get_by_label("Environment *")).to_have_value(
        page.locator("#pane-environment option:nth-child(2)").get_attribute("value")
    )
    expect(page.locator(".pane-target")).to_have_text("Production Contoso Live")
    visitor.accessible("the pane of production")
    page.get_by_label("Environment *").select_option("Sandbox, Sandbox")
    visitor.counted()
    expect(page.locator(".pane-target")).to_have_text("Sandbox")
    expect(page.locator("#export-pane")).to_have_attribute("data-kind", "sandbox")
    for path in ("/exports/", "/environments/", "/readiness/"):
        visitor.open(path)
        visitor.accessible(path)


@pytest.mark.parametrize("size", [WIDE, NARROW, SMALLEST], ids=["wide", "narrow", "smallest"])
def test_a_long_name_makes_no_page_wider_than_the_window(visit, demo, two, size):
    demo.manage("setup_environment", "--name", LONG, "--kind", "production")
    visitor = visit("owner", size)
    page = visitor.page
    for name in ("Production Contoso Live", LONG):
        page.locator(".env-btn").click()
        assert _wider(page) <= 0, f"{name} is offered"
        page.get_by_role("button", name=name).click()
        page.wait_for_load_state("networkidle")
        for path in ("/", f"{CODES}export/"):
            visitor.open(path)
            assert _wider(page) <= 0, f"{name} at {path}"
        if name != LONG:
            word = page.locator(".env-btn .env-text")
            assert word.evaluate("one => one.scrollWidth <= one.clientWidth"), "the word is whole"


def _wider(page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
