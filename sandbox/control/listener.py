"""The https side: open, closed, or with a certificate that nobody trusts, as the mode `listener` says."""

import asyncio
import contextlib
from collections.abc import Callable

import uvicorn

from sandbox import tls
from sandbox.world import World

CHANGE_SECONDS = 15.0  # a server ends within two seconds, and starts at once


class Listener:
    """Ends its server and starts another one when the mode changes; every connection is cut by that."""

    def __init__(self, world: World, configuration: Callable[..., uvicorn.Config]) -> None:
        # A program that starts anew is reachable, whatever was played before.
        world.faults.change({"listener": "open"})
        files = {"open": world.folder / "tls", "other certificate": world.folder / "tls" / "other"}
        self._pairs = {mode: tls.prepare(folder) for mode, folder in files.items()}
        self._world, self._configuration = world, configuration
        self._loop = asyncio.get_running_loop()
        self._server: uvicorn.Server | None = None
        self._running: asyncio.Task[None] | None = None
        self._playing = ""
        self._one_at_a_time, self._stopped = asyncio.Lock(), asyncio.Event()

    async def start(self) -> None:
        """Open, and follow the mode from now on."""
        await self._apply()
        self._world.faults.changed = self._changed

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._stopped.wait()
        async with self._one_at_a_time:
            await self._close()

    def stop(self) -> None:
        self._stopped.set()

    def _changed(self) -> None:
        """Called by the thread that answers the control side: returns when the new mode is in force."""
        if self._world.faults.mode("listener") != self._playing:
            asyncio.run_coroutine_threadsafe(self._apply(), self._loop).result(CHANGE_SECONDS)

    async def _apply(self) -> None:
        async with self._one_at_a_time:
            mode = self._world.faults.mode("listener")
            if mode == self._playing or self._stopped.is_set():
                return
            await self._close()
            if mode in self._pairs:
                await self._open(mode)
            self._playing = mode

    async def _open(self, mode: str) -> None:
        certificate, key = self._pairs[mode]
        server = uvicorn.Server(self._configuration(ssl_certfile=str(certificate), ssl_keyfile=str(key)))
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        self._server, self._running = server, asyncio.create_task(server.serve())
        while not (server.started or self._running.done()):
            await asyncio.sleep(0.01)
        if self._running.done():
            self._running.result()

    async def _close(self) -> None:
        if self._server and self._running:
            self._server.should_exit = True
            await self._running
        self._server = self._running = None
