"""A real browser before a running demo: its web server, worker and sandbox are processes of their own."""

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.stack import Stack, of_folder, until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
OAKLAND = "/cubes/city-of-oakland-adopted-budget/"
CODES = "/cubes/codes/"
EXPECTED = re.compile(r"status of (401|403|404|409|422)|htmx:(sendAbort|afterRequest)|Response Status")
WIDE, NARROW = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "journeys" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed; these tests need a real browser"))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    return {"executable_path": CHROMIUM, "args": quiet}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("journeys"), EXPORT_SETTLE="1").start()
    try:
        yield running
    finally:
        running.stop()
    until(lambda: not of_folder(running.folder), 10, "no process is left behind")


@pytest.fixture(autouse=True)
def calm_sandbox(demo: Stack) -> None:
    demo.sandbox("PUT", "faults", {"reset": True})


class Visitor:
    """A signed-in person with a browser window; whatever the console complains about fails the test."""

    def __init__(self, page: Page, demo: Stack, username: str) -> None:
        self.page, self.demo, self.username = page, demo, username
        self.complaints: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if username:
            self.open("/accounts/login/")
            page.fill("input[name=login]", username)
            page.fill("input[name=password]", f"demo-{username}")
            page.keyboard.press("Enter")
            page.wait_for_url(f"{demo.url}/")

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.search(message.text):
            self.complaints.append(message.text)

    def forgives(self, *texts: str) -> None:
        """What the test brought about itself, and the console has to complain about."""
        self.complaints[:] = [each for each in self.complaints if not any(text in each for text in texts)]

    def open(self, path: str) -> Page:
        self.page.goto(self.demo.url + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def counted(self) -> None:
        """Wait until the form has answered the last change."""
        self.page.wait_for_timeout(350)  # the form waits for 250 ms of quiet before it asks
        expect(self.page.locator(".htmx-request, [data-sending]")).to_have_count(0)

    def totals(self) -> str:
        return " ".join(self.page.inner_text("#pane-totals").split())

    def accessible(self, state: str) -> None:
        """No violation of WCAG 2.2 AA, nothing wider than the window, in light and dark."""
        for theme in ("light", "dark"):
            self.page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
            found = Axe().run(self.page, options=AXE)
            assert not found.response["violations"], f"{state}, {theme}: {found.generate_report()}"
        self.page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'system')")
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{state}: {wide} px wider than the window"


@pytest.fixture
def visit(browser: Browser, demo: Stack) -> Iterator[Callable[..., Visitor]]:
    """`visit("planner")` signs a person in; `size` is the window's."""
    opened: list[Visitor] = []

    def come(username: str = "", size: dict[str, int] = WIDE) -> Visitor:
        context = browser.new_context(viewport=size, reduced_motion="reduce")  # type: ignore[arg-type]
        visitor = Visitor(context.new_page(), demo, username)
        opened.append(visitor)
        return visitor

    yield come
    for visitor in opened:
        complaints = visitor.complaints
        visitor.page.context.close()
        assert not complaints, complaints
