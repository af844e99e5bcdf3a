"""Every call passes here: it gets a name, meets its scripted fault, and is written down."""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import Fault
from sandbox.wire import encode
from sandbox.world import World

_HTTP_KINDS = ("status", "reset", "refuse", "lost_answer", "body", "delay")
_BUSY = "This request could not be processed at this time due to system experiencing high resource utilization."


def call_name(method: str, path: str, query: str) -> str:
    """The name that faults and the journal use: an action, an entity set, PutBlob …, or an endpoint of Entra."""
    last = path.rstrip("/").rsplit("/", 1)[-1]
    if path.startswith("/api/connector/"):
        return path.split("/")[3]
    if "/dmf/" in path:
        component = parse_qs(query).get("comp", [""])[0]
        names = {
            ("PUT", "block"): "PutBlock",
            ("PUT", "blocklist"): "PutBlockList",
            ("GET", "blocklist"): "GetBlockList",
        }
        return names.get(
            (method, component), {"PUT": "PutBlob", "GET": "GetBlob", "DELETE": "DeleteBlob"}.get(method, method)
        )
    if path.startswith(("/data/", "/api/data/")):
        if "Microsoft.Dynamics." in last:
            return last.rsplit(".", 1)[-1].split("(")[0]
        after = path.split("/data/", 1)[1].removeprefix("v9.2/")
        return after.split("/")[0].split("(")[0]
    return {"openid-configuration": "discovery"}.get(last, last)


class Gate:
    def __init__(self, app: ASGIApp, world: World) -> None:
        self.app, self.world = app, world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox") or scope["path"] == "/":
            await self.app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        name = call_name(scope["method"], scope["path"], query)
        scope["notes"] = {}
        scribe = Scribe(self.world, scope, name)
        fault = await run_in_threadpool(self.world.faults.hit, name, kinds=_HTTP_KINDS)
        if fault is None:
            await self.app(scope, receive, scribe.watching(send))
            return
        scope["notes"]["fault"] = fault.kind
        await self._misbehave(fault, scope, receive, send, scribe)

    async def _misbehave(self, fault: Fault, scope: Scope, receive: Receive, send: Send, scribe: "Scribe") -> None:
        if fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault.kind == "delay":
            await self.app(scope, receive, scribe.watching(send))
            return
        if fault.kind == "lost_answer" or fault.act:
            await self.app(scope, receive, _nowhere)
        if fault.kind in ("reset", "refuse", "lost_answer"):
            await scribe.write(0)
            scope["sandbox.transport"].abort()
            return
        if not fault.act:
            await _drain(receive)
        await _answer(fault, scope["path"], scribe.watching(send))


class Scribe:
    """Writes the journal's row before the answer leaves, so that whoever has the answer also finds the row."""

    def __init__(self, world: World, scope: Scope, name: str) -> None:
        self.world, self.scope, self.name, self.started = world, scope, name, time.time()

    async def write(self, status: int) -> None:
        query = self.scope["query_string"].decode("latin-1")
        path = self.scope["path"] + (f"?{query}" if query else "")
        await run_in_threadpool(
            self.world.journal.write,
            started=self.started,
            seconds=time.time() - self.started,
            method=self.scope["method"],
            path=path,
            call=self.name,
            status=status,
            notes=self.scope["notes"],
        )

    def watching(self, send: Send) -> Callable[[Message], "asyncio.Future[None]"]:
        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self.write(message["status"])
            await send(message)

        return watched  # type: ignore[return-value]


async def _nowhere(message: Message) -> None:
    """Swallows the answer of a call that was carried out."""


async def _drain(receive: Receive) -> None:
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _answer(fault: Fault, path: str, send: Callable[[Message], "asyncio.Future[None]"]) -> None:
    status = 200 if fault.kind == "body" else fault.status
    text = fault.body or ("" if fault.kind == "body" else default_body(status, path))
    kind = fault.content_type or (
        "text/html; charset=utf-8" if fault.kind == "body" else "application/json; charset=utf-8"
    )
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(text.encode())).encode())]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def default_body(status: int, path: str) -> str:
    if path.startswith("/api/data/"):
        code, text = (
            ("0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds.")
            if status == 429
            else ("0x80040216", "An unexpected error occurred.")
        )
        return encode({"error": {"code": code, "message": text}})
    return encode({"error": {"code": "", "message": _BUSY if status in (429, 503) else "An error has occurred."}})
