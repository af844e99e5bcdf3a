"""What Dataverse and Finance have in common: a root address, a bearer token, JSON, and answers in pages."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from . import http
from .errors import FinanceNotConfigured, RemoteError, Unavailable
from .rules.addresses import host_and_port

Bearer = Callable[[bool], str]
"""Gives a token; True asks for a fresh one, because the last was refused."""
Refuse = Callable[[http.Answer], RemoteError]


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
        repeatable: bool = True,
        read_seconds: float = http.READ_SECONDS,
    ) -> http.Answer:
        """One call with the bearer. A 401 was not carried out: it is repeated once with a fresh token.

        Returns a 2xx answer; raises what `refuse` makes of a 4xx, or what `http.request` raises.
        """
        if host_and_port(url) != host_and_port(self.root):
            raise FinanceNotConfigured("The other side named an address outside itself.", code="host-not-allowed")
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        for fresh in (False, True):
            headers = {**self._headers, "Authorization": f"Bearer {self._bearer(fresh)}"}
            if content is not None:
                headers["Content-Type"] = "application/json; charset=utf-8"
            answer = http.request(
                method,
                url,
                headers=headers,
                content=content,
                repeatable=repeatable,
                read_seconds=read_seconds,
            )
            if answer.status != 401:
                break
        if not answer.is_success:
            raise refuse(answer)
        return answer

    def pages(self, entity_set: str, options: Mapping[str, str], *, refuse: Refuse) -> Iterator[list[dict[str, Any]]]:
        """The rows of a set, page by page, until no next page is named."""
        url = self.address(entity_set, options)
        while url:
            content = self.call("GET", url, refuse=refuse).json()
            if not isinstance(content, dict) or not isinstance(content.get("value"), list):
                raise Unavailable(f"{host_and_port(url)} answered without rows.")
            yield content["value"]
            following = str(content.get("@odata.nextLink") or "")
            if following == url:
                raise Unavailable(f"{host_and_port(url)} names the same page again.")
            url = following

    def rows(self, entity_set: str, options: Mapping[str, str], *, refuse: Refuse) -> list[dict[str, Any]]:
        """All rows of a set."""
        return [row for page in self.pages(entity_set, options, refuse=refuse) for row in page]
