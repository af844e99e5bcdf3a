"""What msal calls instead of requests: our own HTTP, so that hosts, certificates and errors are judged in one place."""

from typing import Any
from urllib.parse import urlencode

from . import http
from .errors import Unavailable


class MsalTransport:
    """What msal calls instead of requests; parameters it passes beyond ours (verify, timeout …) do not apply."""

    def get(self, url: str, *, params: Any = None, headers: Any = None, **_: Any) -> "_Response":
        query = urlencode(params) if params else ""
        return _Response(http.request("GET", f"{url}?{query}" if query else url, headers=headers, repeatable=True))

    def post(self, url: str, *, params: Any = None, data: Any = None, headers: Any = None, **_: Any) -> "_Response":
        kept = {name: value for name, value in (data or {}).items() if value is not None}
        content = urlencode(kept).encode()
        headers = {**(headers or {}), "Content-Type": "application/x-www-form-urlencoded"}
        return _Response(http.request("POST", url, headers=headers, content=content, repeatable=True))

    def close(self) -> None:
        """The connections are shared."""


class _Response:
    def __init__(self, answer: http.Answer) -> None:
        if not answer.content:
            # msal takes an object for granted, whatever the status.
            raise Unavailable("Entra answered with something else than an object.")
        self.status_code, self.text, self.headers = answer.status, answer.text, dict(answer.headers)

    def raise_for_status(self) -> None:
        """Nothing left to raise: server errors have been raised by the transport."""
