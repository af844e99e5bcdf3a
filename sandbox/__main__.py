"""`python -m sandbox --port 8100 --store FILE`: Entra ID, Dataverse, Finance and blob storage on this machine only."""

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.app import build
from sandbox.control.faults import Faults
from sandbox.control.journal import Journal
from sandbox.control.listener import Listener
from sandbox.data_management import importing
from sandbox.seed import prepare
from sandbox.store import SCHEMA, Store
from sandbox.world import World


class Protocol(H11Protocol):
    """Puts the transport into the scope, so that a fault can cut the connection."""

    def handle_events(self) -> None:
        app = self.app
        transport = self.transport

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope["sandbox.transport"] = transport
            await app(scope, receive, send)

        self.app = with_transport
        try:
            super().handle_events()
        finally:
            self.app = app


def main() -> int:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--tls-port", type=int, help="default: one above --port")
    parser.add_argument("--store", type=Path, required=True, help="SQLite file; made when missing")
    arguments = parser.parse_args()
    tls_port = arguments.tls_port or arguments.port + 1
    for port in (arguments.port, tls_port):
        if not _is_free(port):
            print(
                f"Port {port} on 127.0.0.1 is taken. End the program that uses it, or choose another.", file=sys.stderr
            )
            return 1
    world = _world(arguments.store, arguments.port, tls_port)
    asyncio.run(_serve(world))
    return 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _world(path: Path, port: int, tls_port: int) -> World:
    path.parent.mkdir(parents=True, exist_ok=True)
    store = Store(path)
    store.connection.executescript(SCHEMA)
    world = World(store, Journal(path.with_suffix(".requests.sqlite3")), Faults(store), path.parent, port, tls_port)
    prepare(store, world.finance_url)
    return world


async def _serve(world: World) -> None:
    app = build(world)
    common: dict[str, Any] = {
        "host": "127.0.0.1",
        "log_level": "warning",
        "http": Protocol,
        "lifespan": "off",
        "date_header": False,  # the gate writes it: its clock can be wrong
        "timeout_graceful_shutdown": 2,
    }
    plain = uvicorn.Server(uvicorn.Config(app, port=world.port, **common))
    plain.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    listener = Listener(world, lambda **files: uvicorn.Config(app, port=world.tls_port, **files, **common))

    def stop() -> None:
        plain.should_exit = True
        listener.stop()

    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(sign, stop)
        except NotImplementedError:  # Windows: Ctrl-C ends the process as it is; the store is durable anyway
            break
    importing.resume(world)
    # Who can ask the control side finds the https side open.
    await listener.start()
    await asyncio.gather(plain.serve(), listener.run())


if __name__ == "__main__":
    sys.exit(main())
