"""Every call passes here: it gets a name, meets its scripted fault, and is written down."""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import parse_qs

import jwt
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.control import hosts, misbehaviour
from sandbox.control.faults import HTTP_KINDS, Fault
from sandbox.wire import answer
from sandbox.world import World


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
        if hosts.is_wrong(self.world, scope):
            await _read(receive)
            nowhere = answer({"error": {"code": "", "message": f"Nothing at this host answers {scope['path']}."}}, 404)
            await nowhere(scope, receive, scribe.watching(send))
            return
        text = scope["path"].encode() + b"?" + scope["query_string"] if self.world.faults.looks_inside else b""
        if text and scope["method"] != "GET":
            body = await _read(receive)
            text, receive = text + b"\n" + body, _again(body, receive)
        fault = await run_in_threadpool(self.world.faults.hit, name, kinds=HTTP_KINDS, user=_caller(scope), text=text)
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
        if fault.kind in misbehaviour.OWN_ANSWER:
            await misbehaviour.spoiled(fault, self.app, scope, receive, scribe.watching(send))
            return
        if not fault.act:
            await _read(receive)
        await misbehaviour.made_up(fault, scope["path"], scribe.watching(send))


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
                moment = time.time() + float(self.world.faults.mode("clock_seconds"))
                date = (b"date", formatdate(moment, usegmt=True).encode())
                message["headers"] = [*message.get("headers", []), date]
            await send(message)

        return watched  # type: ignore[return-value]


async def _nowhere(message: Message) -> None:
    """Swallows the answer of a call that was carried out."""


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while (message := await receive())["type"] == "http.request":
        body.extend(message.get("body", b""))
        if not message.get("more_body"):
            break
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, for whoever reads it next."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return unread.pop() if unread else await receive()

    return replay


def _caller(scope: Scope) -> str:
    """The user name or application that the bearer names, unchecked: only to aim a fault at somebody."""
    header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    try:
        claims = jwt.decode(header.decode("latin-1").partition(" ")[2], options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return ""
    return str(claims.get("upn") or claims.get("appid") or "")
