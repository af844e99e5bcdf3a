"""The answers of a faulty other side: wrong status, wrong character set, cut, trickling, endless, or somewhere else."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope

from sandbox.control.faults import Fault
from sandbox.wire import encode

BUSY = "This request could not be processed at this time due to system experiencing high resource utilization."
OWN_ANSWER = ("trickle", "truncate", "charset")  # kinds that spoil the answer to what was asked
Sender = Callable[[Message], Awaitable[None]]
_JSON = "application/json; charset=utf-8"


async def made_up(fault: Fault, path: str, send: Sender) -> None:
    """Answer without a look at what was asked."""
    if fault.kind == "large":
        await _large(fault, send)
        return
    status, kind, text, more = _content(fault, path)
    headers = [("content-type", fault.content_type or kind), *more]
    if fault.retry_after is not None:
        headers.append(("retry-after", str(fault.retry_after)))
    await _start(status, [*headers, ("content-length", str(len(text.encode())))], send)
    await send({"type": "http.response.body", "body": text.encode()})


def _content(fault: Fault, path: str) -> tuple[int, str, str, list[tuple[str, str]]]:
    """Status, content type, body and further headers of the fault."""
    if fault.kind == "body":
        return 200, "text/html; charset=utf-8", fault.body, []
    if fault.kind == "redirect":
        status = fault.status if 300 <= fault.status < 400 else 302
        page = fault.body or "<html><body><h2>Object moved to here.</h2></body></html>"
        return status, "text/html; charset=utf-8", page, [("location", fault.location)]
    if fault.kind == "unauthorized":
        text = "The token has expired."
        challenge = f'Bearer error="invalid_token", error_description="{text}"'
        return (
            401,
            _JSON,
            fault.body or encode({"error": {"code": "", "message": text}}),
            [("www-authenticate", challenge)],
        )
    return fault.status, _JSON, fault.body or default_body(fault.status, path), []


def default_body(status: int, path: str) -> str:
    if path.startswith("/api/data/"):
        code, text = (
            ("0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds.")
            if status == 429
            else ("0x80040216", "An unexpected error occurred.")
        )
        return encode({"error": {"code": code, "message": text}})
    return encode({"error": {"code": "", "message": BUSY if status in (429, 503) else "An error has occurred."}})


async def _large(fault: Fault, send: Sender) -> None:
    """So many megabytes of JSON that is valid, and asked for by nobody."""
    head, row, tail = b'{"value":[{"Filler":"', b"x" * 65536, b'"}]}'
    rows = max(fault.megabytes * 16, 1)
    length = len(head) + rows * len(row) + len(tail)
    await _start(200, [("content-type", _JSON), ("content-length", str(length))], send)
    await send({"type": "http.response.body", "body": head, "more_body": True})
    for _ in range(rows):
        await send({"type": "http.response.body", "body": row, "more_body": True})
    await send({"type": "http.response.body", "body": tail})


async def spoiled(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Sender) -> None:
    """Do what was asked, and spoil the answer on its way."""
    start, body = await _true_answer(app, scope, receive)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    if fault.kind == "charset":
        body = body.decode("utf-8", "replace").encode(fault.charset, "replace")
        kind = fault.content_type or f"application/json; charset={fault.charset}"
        headers = [pair for pair in headers if pair[0].lower() not in ("content-type", "content-length")]
        headers += [("content-type", kind), ("content-length", str(len(body)))]
        await _start(start["status"], headers, send)
        await send({"type": "http.response.body", "body": body})
        return
    await _start(start["status"], headers, send)
    if fault.kind == "truncate":
        await send({"type": "http.response.body", "body": body[: fault.after_bytes], "more_body": True})
        # Flushes what was sent, then ends the connection before the length that was promised.
        scope["sandbox.transport"].close()
        return
    for part in _parts(body, max(fault.bytes_per_second, 1)):
        if scope["sandbox.transport"].is_closing():
            return  # the client has given up
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": b""})


def _parts(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def _true_answer(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    start: dict[str, Any] = {}
    body = bytearray()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, keep)
    return start, bytes(body)


async def _start(status: int, headers: list[tuple[str, str]], send: Sender) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})
