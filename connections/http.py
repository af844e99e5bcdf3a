"""The one place that speaks HTTP: allowed hosts only, verified certificates, and every failure with its class.

Nothing is retried here and no redirect is followed. A cookie is never kept: the next request may be another person's.
"""

import atexit
import json
import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings

from .errors import (
    Busy,
    CertificateRefused,
    FinanceNotConfigured,
    InDoubt,
    RemoteError,
    Unavailable,
    Unreachable,
)
from .rules.addresses import host_and_port, is_allowed
from .rules.wire import reason_in, seconds_to_wait

CONNECT_SECONDS, WRITE_SECONDS, READ_SECONDS = 5.0, 30.0, 60.0
_pools: dict[tuple[int, ssl.SSLContext], httpx.Client] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Answer:
    """An answer to be judged by the caller: 2xx, or a refusal 4xx. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8-sig", "replace")

    def json(self) -> Any:
        """The body with exact numbers. Raises ValueError when it is not JSON."""
        return json.loads(self.text, parse_float=Decimal)

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


def check_address(url: str) -> None:
    """Refuse any address whose host is not allowed by the deployment."""
    if not is_allowed(url, settings.ALLOWED_REMOTE_HOSTS, loopback=settings.PORTAL_ENV != "production"):
        raise FinanceNotConfigured(
            f"The portal may not call {host_and_port(url) or 'this address'}.",
            hint="Only hosts listed in ALLOWED_REMOTE_HOSTS are called. Who runs the portal can add the host, "
            "if it is yours.",
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
    expects_json: bool = True,
) -> Answer:
    """Send one request and return its answer (2xx or 4xx).

    `repeatable` says that asking again does no harm: a lost answer is then `Unavailable` (transient), else `InDoubt`.
    Raises FinanceNotConfigured (host not allowed), CertificateRefused, Unreachable (nothing was sent), Busy (429),
    Unavailable or InDoubt (time-out, reset, 5xx, redirect, a web page instead of data).
    """
    check_address(url)
    host = host_and_port(url)
    timeout = httpx.Timeout(connect=CONNECT_SECONDS, write=WRITE_SECONDS, read=read_seconds, pool=CONNECT_SECONDS)
    try:
        with _client(shared=repeatable) as client:
            response = client.request(method, url, headers=dict(headers or {}), content=content, timeout=timeout)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise _not_sent(error, host) from None
    except httpx.InvalidURL:
        raise FinanceNotConfigured("The address is not valid.") from None
    except httpx.HTTPError as error:
        raise _lost(repeatable, f"{host} did not answer ({type(error).__name__}).") from None
    answer = Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)
    _check_answer(answer, host, repeatable=repeatable, expects_json=expects_json)
    return answer


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


def _not_sent(error: Exception, host: str) -> RemoteError:
    """No connection: a refused certificate stays refused, anything else may heal."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ssl.SSLCertVerificationError):
            return CertificateRefused(
                f"The certificate of {host} is not trusted: {link.verify_message}.",
                hint="Check the address, or set REMOTE_CA_FILE to the authority that signed it.",
            )
        link = link.__cause__ or link.__context__
    return Unreachable(f"No connection to {host}.", hint="Check that the address is right and the service is running.")


@contextmanager
def _client(*, shared: bool) -> Iterator[httpx.Client]:
    """Questions share a pool of connections. What may not be repeated gets a fresh connection: a pooled one could
    die under it and leave doubt where there need be none.
    """
    context = _tls()
    if shared:
        yield _pool(os.getpid(), context)
        return
    with _new_client(context) as client:
        yield client


def _pool(process: int, context: ssl.SSLContext) -> httpx.Client:
    """One pool for each process: a forked worker must not share its parent's sockets, nor close them."""
    with _lock:
        if (process, context) not in _pools:
            for key in [key for key in _pools if key[0] == process]:
                _pools.pop(key).close()
            _pools[process, context] = _new_client(context)
        return _pools[process, context]


@atexit.register
def _close_pool() -> None:
    for (process, _), client in _pools.items():
        if process == os.getpid():
            client.close()


def _new_client(context: ssl.SSLContext) -> httpx.Client:
    limits = httpx.Limits(max_connections=10, max_keepalive_connections=10, keepalive_expiry=3.0)
    cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    return httpx.Client(verify=context, trust_env=False, follow_redirects=False, limits=limits, cookies=cookies)


def _tls() -> ssl.SSLContext:
    path = settings.REMOTE_CA_FILE
    if not path:
        return _trusting("", 0)
    try:
        return _trusting(path, Path(path).stat().st_mtime_ns)
    except (OSError, ssl.SSLError):
        raise CertificateRefused(
            "The file named by REMOTE_CA_FILE can't be read.",
            hint="Set it to the certificate authority of the other side, in PEM format.",
        ) from None


@lru_cache(maxsize=4)
def _trusting(path: str, changed: int) -> ssl.SSLContext:
    """The authorities of `path`, or the system's when it is empty; `changed` makes a new file a new context."""
    return ssl.create_default_context(cafile=path or None)
