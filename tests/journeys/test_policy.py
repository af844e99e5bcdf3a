"""Every page that a link leads to keeps the Content-Security-Policy in a real browser (scoreboard F48)."""

import re
from urllib.parse import urlsplit

LISTEN = "window.broken = []; addEventListener('securitypolicyviolation', e => window.broken.push(e.violatedDirective))"
LINKS = "Array.from(document.querySelectorAll('a[href]'), a => a.href)"
# Files, and what ends the sign-in.
NOT_PAGES = re.compile(r"\.csv$|/logout/|\.json$|/schema/|/api/")
MOST = 40


def kind(path: str) -> str:
    """Pages of one kind look alike: one of each is enough."""
    return re.sub(r"BPP-\d+|\d+", "N", path)


def test_no_page_breaks_the_policy(visit, demo):
    demo.export("oakland/fire-police-finance.json", "--wait")
    for name in ("owner", "installer"):
        visitor = visit(name)
        page = visitor.page
        page.add_init_script(LISTEN)
        waiting, seen = ["/", "/accounts/password/change/", "/accounts/2fa/", "/nowhere/"], set()
        while waiting and len(seen) < MOST:
            path = waiting.pop(0)
            if kind(path) in seen or NOT_PAGES.search(path):
                continue
            seen.add(kind(path))
            page.goto(demo.url + path)
            assert page.evaluate("window.broken") == [], path
            links = (urlsplit(link) for link in page.evaluate(LINKS))
            waiting += [link.path for link in links if f"{link.scheme}://{link.netloc}" == demo.url]
        assert len(seen) > 20, seen


def test_the_browser_would_say_so(visit):
    """The control: what the policy forbids is seen by the test above."""
    visitor = visit("owner")
    page = visitor.page
    page.add_init_script(LISTEN)
    visitor.open("/")
    page.evaluate("document.body.appendChild(document.createElement('script')).textContent = 'window.ran = true'")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")
    page.wait_for_function("window.broken.length >= 2")
    assert page.evaluate("window.ran") is None
    visitor.complaints.clear()
