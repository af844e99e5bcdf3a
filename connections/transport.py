"""Connections below HTTP: certificates, pools, and a deadline that no trickle of bytes can push away."""

import atexit
import logging
import os
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpcore
import httpx
from django.conf import settings

from .errors import CertificateRefused, RemoteError, Unreachable
from .rules.secrets import without_secrets

_PIECE = 64 * 1024
_LIMITS = httpx.Limits(max_connections=10, max_keepalive_connections=10, keepalive_expiry=3.0)
_pools: dict[tuple[int, ssl.SSLContext], httpx.Client] = {}
_lock = threading.Lock()
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Whatever this thread reads or writes inside ends after `seconds` (monotonic), however many parts it comes in.

    Inside another deadline the earlier one counts.
    """
    end, outer = time.monotonic() + seconds, _deadline.get()
    token = _deadline.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def _left(timeout: float | None, error: type[Exception]) -> float | None:
    """How long the next wait may be; raises `error` when the deadline has passed."""
    end = _deadline.get()
    if end is None:
        return timeout
    left = end - time.monotonic()
    if left <= 0:
        raise error("the deadline of the call has passed")
    return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    """A socket whose every wait is bounded by the deadline of the call: httpx bounds each read by itself only."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._inner.write(buffer[start : start + _PIECE], _left(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options))


class _Transport(httpx.HTTPTransport):
    """httpx offers no way to hand in a network backend; the pool of httpcore does."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False, limits=_LIMITS)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=_LIMITS.max_connections,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=_Backend(),
        )


@contextmanager
def client(*, shared: bool) -> Iterator[httpx.Client]:
    """Questions share a pool of connections. What may not be repeated gets a fresh connection: a pooled one could
    die under it and leave doubt where there need be none.
    """
    context = _tls()
    if shared:
        yield _pool(os.getpid(), context)
        return
    with _new_client(context) as fresh:
        yield fresh


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
    for (process, _), pooled in _pools.items():
        if process == os.getpid():
            pooled.close()


def _new_client(context: ssl.SSLContext) -> httpx.Client:
    cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    return httpx.Client(transport=_Transport(context), trust_env=False, follow_redirects=False, cookies=cookies)


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


def not_sent(error: Exception, host: str) -> RemoteError:
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


class _NoSecrets(logging.Filter):
    """Takes secrets out of what the HTTP libraries log, whatever the level: httpx logs whole addresses (a write
    address carries its signature), httpcore the headers of answers (where a redirect goes, cookies).
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = without_secrets(record.getMessage()), ()
        return True


# A filter sees what its own logger is given, not what loggers below it are: each has to be named.
_TALKERS = ("httpx", "httpcore", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))
_no_secrets = _NoSecrets()
for _name in _TALKERS:
    logging.getLogger(_name).addFilter(_no_secrets)
