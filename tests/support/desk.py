"""Where alerts arrive: an HTTP server that takes what Apprise's json:// addresses send, or misbehaves as told."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.support.plug import Plug
from tests.support.waiting import eventually


class Desk:
    """Takes alerts. Each name in its addresses is a list of what arrived there, as Apprise's JSON.

    `status` is what it answers, "hang" for nothing at all; one name may be given a status of its own. With a `plug`,
    every alert is one more call that may be the last of the one who sends it.
    """

    def __init__(self, plug: Plug | None = None) -> None:
        self.arrived: dict[str, list[dict[str, Any]]] = {}
        self.tries = 0
        self.status: dict[str, int | str] = {}
        self.port = 0
        self._plug = plug

    def address(self, name: str) -> str:
        """An Apprise URL that leads here."""
        return f"json://127.0.0.1:{self.port}/{name}"

    def titles(self, name: str = "desk") -> list[str]:
        return [alert["title"] for alert in self.arrived.get(name, [])]

    async def until(self, count: int, name: str = "desk") -> list[str]:
        """Wait until so many alerts have arrived, and give their titles."""
        await eventually(lambda: len(self.titles(name)) >= count, f"{count} alerts at {name}")
        return self.titles(name)

    async def take(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        alert = await request.json()
        self.tries += 1
        if self._plug and self._plug.pulled.is_set():
            return _cut(request)
        if self._plug and self._plug.count():
            if self._plug.when == "after":
                self.arrived.setdefault(name, []).append(alert)
            self._plug.pull()
            return _cut(request)
        status = self.status.get(name, 200)
        if status == "hang":
            await asyncio.Event().wait()
        if status == 200:
            self.arrived.setdefault(name, []).append(alert)
        return web.Response(status=int(status))


def _cut(request: web.Request) -> web.StreamResponse:
    """Break the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def open_desk(plug: Plug | None = None, port: int = 0) -> AsyncGenerator[Desk]:
    """Serve a desk on a port of its own, or on the one given."""
    desk = Desk(plug)
    app = web.Application()
    app.router.add_post("/{name}", desk.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    desk.port = runner.addresses[0][1]
    try:
        yield desk
    finally:
        await runner.cleanup()
