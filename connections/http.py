"""The one place that speaks HTTP: allowed hosts only, verified certificates, and every failure with its class.

Nothing is retried here and no redirect is followed: the one layer that tries again is the run's `decide()`, which
counts and waits. A cookie is never kept: the next request may be another person's.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from django.conf import settings

from . import transport
from .errors import (
    AnswerTooLarge,
    Busy,
    FinanceNotConfigured,
    InDoubt,
    Rejected,
    RemoteError,
    Unavailable,
)
from .rules.addresses import host_and_port, is_allowed, is_allowed_storage
from .rules.correlation import client_request_id
from .rules.secrets import readable
from .rules.wire import json_of, reason_in, seconds_to_wait

log = structlog.get_logger(__name__)
CONNECT_SECONDS, WRITE_SECONDS, READ_SECONDS, TOTAL_SECONDS = 5.0, 30.0, 60.0, 120.0
MAX_ANSWER_BYTES = 64 * 1024 * 1024
NOT_SENT = "The request was not sent"
_REQUEST_ID = "x-ms-client-request-id"


@dataclass(frozen=True)
class Answer:
    """An answer to be judged by the caller: 2xx, or a refusal 4xx. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8-sig", "replace")

    def json(self) -> Any:
        """The body with exact numbers. Raises ValueError when it is not JSON."""
        return json_of(self.body)

    @property
    def content(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            content = self.json()
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def reason(self) -> str:
        """What the other side said, fit for a page; empty when it said nothing usable."""
        return reason_in(self.content)

    @property
    def remote_id(self) -> str:
        """The id that the other side gave the call, for its support: Dataverse's or the storage's."""
        return readable(self.headers.get("req_id") or self.headers.get("x-ms-request-id") or "")


def check_address(url: str, *, storage: bool = False) -> None:
    """Refuse any address whose host is not allowed by the deployment.

    Storage hosts (ALLOWED_BLOB_HOSTS) are good for packages only: no call with a token goes there.
    """
    loopback = settings.PORTAL_ENV != "production"
    if is_allowed(url, settings.ALLOWED_REMOTE_HOSTS, loopback=loopback):
        return
    if storage and is_allowed_storage(url, settings.ALLOWED_BLOB_HOSTS, loopback=loopback):
        return
    name = "ALLOWED_BLOB_HOSTS" if storage else "ALLOWED_REMOTE_HOSTS"
    raise FinanceNotConfigured(
        f"The portal may not call {host_and_port(url) or 'this address'}.",
        hint=f"Only hosts listed in {name} are called. Who runs the portal can add the host, if it is yours.",
        code="host-not-allowed",
    )


def request(
    method: str,
    url: str,
    *,
    repeatable: bool,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    read_seconds: float = READ_SECONDS,
    total_seconds: float = TOTAL_SECONDS,
    expects_json: bool = True,
    storage: bool = False,
) -> Answer:
    """Send one request and return its answer (2xx or 4xx), at the latest after `total_seconds`.

    `repeatable` says that asking again does no harm: a lost answer is then `Unavailable` (transient), else `InDoubt`.
    `storage` says that the address itself is the credential: it may be a storage host, and no token goes with it.
    Raises FinanceNotConfigured (host not allowed), Rejected (a header that can't be sent), CertificateRefused,
    Unreachable (nothing was sent), Busy (429), Unavailable or InDoubt (time-out, reset, 5xx, redirect, a web page
    instead of data), AnswerTooLarge.
    """
    check_address(url, storage=storage)
    sent = {**(headers or {}), _REQUEST_ID: client_request_id(structlog.contextvars.get_contextvars())}
    if storage and any(name.lower() == "authorization" for name in sent):
        raise RuntimeError("a token must never be sent to a storage address")
    if not all(map(is_sendable, sent.values())):
        raise Rejected(
            "A header of the request holds what can't be sent.", headline=NOT_SENT, code="header-not-sendable"
        )
    host, started = host_and_port(url), time.monotonic()
    timeout = httpx.Timeout(connect=CONNECT_SECONDS, write=WRITE_SECONDS, read=read_seconds, pool=CONNECT_SECONDS)
    try:
        with transport.deadline(total_seconds), transport.client(shared=repeatable) as client:
            try:
                asked = client.build_request(method, url, headers=sent, content=content, timeout=timeout)
            except (httpx.InvalidURL, UnicodeError):
                raise FinanceNotConfigured("The address is not valid.") from None
            answer = _answer(client, asked)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise transport.not_sent(error, host) from None
    except httpx.HTTPError as error:
        raise _lost(repeatable, f"{host} did not answer ({type(error).__name__}).") from None
    _log(method, url, answer, sent[_REQUEST_ID], time.monotonic() - started)
    if answer is None:
        raise _too_large(repeatable, host)
    _check_answer(answer, host, repeatable=repeatable, expects_json=expects_json)
    return answer


def is_sendable(value: str) -> bool:
    """Whether a header may have this value: letters, digits and signs of ASCII, or nothing."""
    return value.isascii() and value.isprintable()


def _answer(client: httpx.Client, asked: httpx.Request) -> Answer | None:
    """The whole answer; None when it is larger than anything the portal asks for."""
    response = client.send(asked, stream=True)
    try:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                return None
    finally:
        response.close()
    return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(body))


def _log(method: str, url: str, answer: Answer | None, request_id: str, seconds: float) -> None:
    """One line for each call, without its query: for the support of the other side, with both ids."""
    parts = urlsplit(url)
    status = answer.status if answer else None
    write = log.debug if answer and answer.is_success else log.info
    write(
        "remote call",
        method=method,
        host=parts.hostname,
        path=readable(parts.path),
        status=status,
        seconds=round(seconds, 3),
        request_id=request_id,
        remote_id=answer.remote_id if answer else "",
    )


def _check_answer(answer: Answer, host: str, *, repeatable: bool, expects_json: bool) -> None:
    wait = seconds_to_wait(answer.headers.get("retry-after"), datetime.now(UTC))
    if answer.status == 429:
        raise Busy(wait, answer.reason)
    if answer.status >= 500 or answer.status == 408 or answer.status < 200 or 300 <= answer.status < 400:
        raise _lost(repeatable, f"{host} answered {answer.status}. {answer.reason}".rstrip(), wait)
    if not expects_json or answer.status in (204, 401):
        return
    try:
        answer.json()
    except ValueError:
        if answer.is_success or "html" in answer.headers.get("content-type", ""):
            raise _lost(repeatable, f"{host} answered {answer.status} without data.", wait) from None


def _lost(repeatable: bool, cause: str, wait: float | None = None) -> RemoteError:
    return Unavailable(cause, retry_after=wait) if repeatable else InDoubt(cause)


def _too_large(repeatable: bool, host: str) -> RemoteError:
    text = f"{host} answered with more than {MAX_ANSWER_BYTES // 2**20} MB."
    return AnswerTooLarge(text) if repeatable else InDoubt(text)
