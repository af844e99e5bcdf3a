"""A browser at the sandbox's real sign-in page: follows its redirect back, as a person who chose an account."""

from html import unescape
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

from django.test import Client
from django.urls import reverse


def as_(user):
    """A client of this person, at an address of this machine: the sandbox sends people back to no other one."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user)
    return client


def text_of(answer):
    return " ".join(unescape(answer.content.decode()).split())


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *args, **kwargs):
        return None


def page_answer(address, user, **more):
    """The query with which the sign-in page sends the browser back after `user` was chosen on it."""
    page = urlsplit(address)
    asked = urlencode({**dict(parse_qsl(page.query)), "user": user, **more})
    try:
        build_opener(ProxyHandler({}), _Stay()).open(page._replace(query=asked).geturl(), timeout=10)
    except HTTPError as redirect:
        redirect.close()
        assert redirect.code == 302, redirect.code
        return dict(parse_qsl(urlsplit(redirect.headers["Location"]).query))
    raise AssertionError("the page asked something else")


def begin(client, environment, kind, back="", **more):
    """Press *Sign in* and read where the browser is sent."""
    form = {"environment": environment.pk, "kind": kind, "back": back, **more}
    answer = client.post(reverse("connections:sign-in"), form)
    assert answer.status_code == 200, (answer.status_code, answer.headers)
    seconds, _, address = answer["Refresh"].partition(";url=")
    assert seconds == "0"
    return address


def connect(client, environment, kind, account="", back=""):
    """The whole way of *New connection*: form, sign-in page, way back. Returns the last page."""
    address = begin(client, environment, kind, back)
    user = account or dict(parse_qsl(urlsplit(address).query))["login_hint"]
    return client.get(reverse("connections:signed-in"), page_answer(address, user), follow=True)
