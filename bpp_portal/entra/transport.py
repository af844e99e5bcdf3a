"""What allauth calls instead of requests: our own HTTP, so that hosts, certificates and time-outs are judged once."""

from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from allauth.socialaccount.providers.oauth2.client import OAuth2Error

from connections import http
from connections.errors import RemoteError

SECONDS = 15.0


class EntraSession:
    """As much of a `requests.Session` as allauth uses. Whatever goes wrong on the way is an OAuth2Error."""

    def __enter__(self) -> "EntraSession":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The connections are shared."""

    def get(self, url: str, *, headers: Any = None) -> "_Response":
        return self.request("GET", url, headers=headers)

    def request(
        self, method: str, url: str, *, params: Any = None, data: Any = None, headers: Any = None, auth: Any = None
    ) -> "_Response":
        if params or auth:
            raise OAuth2Error("The portal sends its secret in the body only.")
        sent, content = dict(headers or {}), None
        if data:
            content = urlencode(data).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            # A code that was redeemed with its answer lost is spent: the person signs in again, no harm is done.
            answer = http.request(
                method, url, headers=sent, content=content, repeatable=True, read_seconds=SECONDS, total_seconds=SECONDS
            )
        except RemoteError as error:
            raise OAuth2Error(error.cause) from error
        return _Response(answer)


class _Response:
    def __init__(self, answer: http.Answer) -> None:
        self.status_code, self.text, self.headers = answer.status, answer.text, dict(answer.headers)
        self.content = answer.reason  # allauth puts it into the text of an error
        self._json = answer.content

    def json(self) -> dict[str, Any]:
        """The object; empty when something else came."""
        return self._json

    def raise_for_status(self) -> None:
        if not 200 <= self.status_code < 300:
            raise OAuth2Error(f"Entra ID answered {self.status_code}. {self.content}")
