"""What Dataverse and Finance have in common: a root address, a bearer token, JSON, and answers in pages."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from . import http
from .errors import FinanceNotConfigured, InDoubt, RemoteError, Unavailable
from .rules.addresses import host_and_port
from .rules.json_text import json_text

Bearer = Callable[[bool], str]
"""Gives a token; True asks for a fresh one, because the last was refused."""
Refuse = Callable[[http.Answer], RemoteError]


@dataclass(frozen=True)
class Page:
    """Rows of a set, and the address of the next page exactly as it was given; empty after the last one."""

    rows: list[dict[str, Any]]
    next_url: str


class ODataService:
    def __init__(self, root: str, bearer: Bearer, headers: Mapping[str, str]) -> None:
        self.root = root
        self._bearer = bearer
        self._headers = {
            "Accept": "application/json",
            "OData-MaxVersion": "4.0",
            "OData-Version": "4.0",
            **headers,
        }

    def address(self, path: str, options: Mapping[str, str] | None = None) -> str:
        query = urlencode(options or {}, safe="$,", quote_via=quote)
        return f"{self.root}/{path}" + (f"?{query}" if query else "")

    def call(
        self,
        method: str,
        url: str,
        *,
        refuse: Refuse,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        read_seconds: float = http.READ_SECONDS,
        total_seconds: float = http.TOTAL_SECONDS,
        expects_json: bool = True,
    ) -> http.Answer:
        """One call with the bearer and a JSON `body`.

        A 401 was not carried out: it is asked once more, with a fresh token.

        Returns a 2xx answer; raises what `refuse` makes of a 4xx, or what `http.request` raises.
        """
        content = None if body is None else json_text(body).encode()
        kind = {"Content-Type": "application/json; charset=utf-8"} if content is not None else {}
        return self.send(
            method,
            url,
            content,
            refuse=refuse,
            headers={**kind, **(headers or {})},
            repeatable=repeatable,
            read_seconds=read_seconds,
            total_seconds=total_seconds,
            expects_json=expects_json,
        )

    def send(
        self,
        method: str,
        url: str,
        content: bytes | None,
        *,
        refuse: Refuse,
        headers: Mapping[str, str],
        **how: Any,
    ) -> http.Answer:
        """The same for any body."""
        if not self.is_ours(url):
            raise FinanceNotConfigured("The other side named an address outside itself.", code="host-not-allowed")
        for fresh in (False, True):
            sent = {**self._headers, **headers, "Authorization": f"Bearer {self._bearer(fresh)}"}
            answer = http.request(method, url, headers=sent, content=content, **how)
            if answer.status != 401:
                break
        if not answer.is_success:
            raise refuse(answer)
        return answer

    def is_ours(self, url: str) -> bool:
        """Whether the address is of this service, so that its token may go there."""
        return bool(host_and_port(url)) and host_and_port(url) == host_and_port(self.root)

    def page(self, url: str, *, refuse: Refuse, headers: Mapping[str, str] | None = None) -> Page:
        """One page of rows: of a set, or where an earlier page said that it goes on."""
        content = object_of(self.call("GET", url, refuse=refuse, headers=headers))
        rows = content.get("value")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Unavailable(f"{host_and_port(url)} answered without rows.")
        following = content.get("@odata.nextLink")
        return Page(rows, following if isinstance(following, str) else "")

    def pages(self, entity_set: str, options: Mapping[str, str], *, refuse: Refuse) -> Iterator[list[dict[str, Any]]]:
        """The rows of a set, page by page, until no next page is named."""
        url, seen = self.address(entity_set, options), set[str]()
        while url:
            if url in seen:
                raise Unavailable(f"{host_and_port(url)} names the same page again.")
            seen.add(url)
            page = self.page(url, refuse=refuse)
            yield page.rows
            url = page.next_url

    def rows(self, entity_set: str, options: Mapping[str, str], *, refuse: Refuse) -> list[dict[str, Any]]:
        """All rows of a set."""
        return [row for page in self.pages(entity_set, options, refuse=refuse) for row in page]


def object_of(answer: http.Answer, *, repeatable: bool = True) -> dict[str, Any]:
    """The JSON object of a 2xx answer; what is none was no answer: Unavailable, or InDoubt after a call that acts."""
    content = answer.json() if answer.body else {}
    if isinstance(content, dict):
        return content
    text = "The other side answered with something else than an object."
    raise Unavailable(text) if repeatable else InDoubt(text)
