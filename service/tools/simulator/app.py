"""The simulator: a page that looks like LINE on a phone, for trying Henji out without a LINE account.

It plays customers through the fake LINE, shows what they see, and beside it what Henji decided and why. It is an
application of its own and no part of Henji's web server; Henji is asked over its REST API like by any other system.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from service.errors import StartError
from service.tools.fakeline.records import Content, Json
from service.tools.fakeline.server import FakeLine
from service.tools.simulator import view

FIRST_CUSTOMERS = (("田中 はるか", "ja"), ("佐藤 健", "ja"), ("Emma", "en"))
MORE_CUSTOMERS = ("鈴木 美咲", "高橋 大輔", "伊藤 さくら", "渡辺 翔", "山本 葵", "中村 蓮")
HENJI_TIMEOUT = aiohttp.ClientTimeout(total=3)
FOLDER = Path(__file__).parent
KEEP_ALIVE_S = 15.0
SHUTDOWN_S = 0.1
FILES = {
    "/": ("page.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/chat.js": ("chat.js", "text/javascript"),
    "/record.js": ("record.js", "text/javascript"),
    "/words.js": ("words.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class SimulatorServer:
    """The running simulator. `base_url` has no slash at its end."""

    base_url: str
    stop: Callable[[], Awaitable[None]]


async def start_simulator(fake: FakeLine, *, henji_url: str, api_token: str, host: str, port: int) -> SimulatorServer:
    """Serve the page on `host` and `port` (0: any free one), with three customers if `fake` has none.

    `henji_url` and `api_token` are for Henji's REST API; the token never reaches the page. Raises StartError when
    the address cannot be used.
    """
    if not fake.users:
        for name, language in FIRST_CUSTOMERS:
            fake.add_user(name, language=language)
    session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {api_token}"}, trust_env=False)
    runner = web.AppRunner(
        Simulator(fake, henji_url.rstrip("/"), session).application(), access_log=None, shutdown_timeout=SHUTDOWN_S
    )

    async def stop() -> None:
        await runner.cleanup()
        await session.close()

    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await stop()
        raise StartError(f"The simulator cannot use {host}:{port}: {error.strerror or error}") from error
    return SimulatorServer(f"http://{host}:{runner.addresses[0][1]}", stop)


class Simulator:
    """The page's server: what customers do goes to the fake LINE, what they see comes back as server-sent events."""

    def __init__(self, fake: FakeLine, henji_url: str, session: aiohttp.ClientSession) -> None:
        self._fake = fake
        self._henji_url = henji_url
        self._session = session

    def application(self) -> web.Application:
        """Build the aiohttp application."""
        app = web.Application()
        for path, (name, content_type) in FILES.items():
            app.router.add_get(path, _file_handler(name, content_type))
        app.router.add_get("/events", self.events)
        app.router.add_get("/state/{customer}", self.state)
        app.router.add_get("/photos/{message}", self.photo)
        app.router.add_post("/customers", self.add_customer)
        for name, action in self._actions().items():
            app.router.add_post(f"/customers/{{customer}}/{name}", self._for_customer(action))
        app.on_response_prepare.append(_add_headers)
        return app

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream the shop and all chats, then each chat again whenever it changed."""
        changed: set[str] = set(self._fake.users)
        sent: dict[str, bytes] = {}
        woken = asyncio.Event()

        def note(chat: str) -> None:
            # A ring without a chat may tell of a finished webhook: any message may have turned out as not sent.
            changed.update((chat,) if chat else self._fake.users)
            woken.set()

        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        stop_listening = self._fake.platform.bell.listen(note)
        try:
            await response.write(b"retry: 1000\n\n")
            await response.write(_event("shop", {"name": self._fake.platform.account_name, **self._customers()}))
            while True:
                while changed:
                    chat = changed.pop()
                    shown = _event("chat", view.chat(self._fake, chat)) if chat in self._fake.users else b""
                    if shown != sent.get(chat, b""):
                        sent[chat] = shown
                        await response.write(shown)
                await _wait(woken)
                await response.write(b": still here\n\n")
        except ConnectionResetError:
            return response
        finally:
            stop_listening()

    async def state(self, request: web.Request) -> web.Response:
        """Ask Henji about a conversation; `status` says whether it knows it and whether it could be asked."""
        url = f"{self._henji_url}/api/v1/conversations/{request.match_info['customer']}"
        try:
            async with self._session.get(url, timeout=HENJI_TIMEOUT) as response:
                if response.status == web.HTTPNotFound.status_code:
                    return web.json_response({"status": "unknown"})
                response.raise_for_status()
                return web.json_response({"status": "known", "conversation": await response.json()})
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return web.json_response({"status": "unreachable", "problem": str(error) or type(error).__name__})

    async def photo(self, request: web.Request) -> web.Response:
        """Show a photo that a customer sent."""
        content = self._fake.platform.contents.get(request.match_info["message"])
        if content is None or content.unsent:
            raise web.HTTPNotFound
        return web.Response(body=content.data, content_type=content.content_type)

    async def add_customer(self, request: web.Request) -> web.Response:
        """Add a customer, who adds the shop as a friend."""
        await _read(request)
        count = len(self._fake.users)
        name = MORE_CUSTOMERS[(count - len(FIRST_CUSTOMERS)) % len(MORE_CUSTOMERS)]
        user_id = self._fake.add_user(name)
        await self._fake.follow(user_id)
        return web.json_response({"id": user_id})

    def _customers(self) -> Json:
        return {"customers": view.customers(self._fake)}

    def _actions(self) -> dict[str, Callable[[str, Json], Awaitable[object]]]:
        fake = self._fake
        photo = (FOLDER / "photo.jpg").read_bytes()

        async def retry(_customer: str, body: Json) -> None:
            event = view.find_event(fake, body["event"])
            if event is not None:
                await fake.redeliver(event)

        return {
            "texts": lambda customer, body: fake.send_text(customer, str(body["text"])),
            "taps": lambda customer, body: fake.postback(customer, str(body["data"]), body.get("displayText")),
            "stickers": lambda customer, _body: fake.sticker(customer),
            "photos": lambda customer, _body: fake.image(customer, Content(photo, "image/jpeg")),
            "retries": retry,
        }

    def _for_customer(self, act: Callable[[str, Json], Awaitable[object]]) -> Callable[..., Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            customer, body = request.match_info["customer"], await _read(request)
            if customer not in self._fake.users:
                raise web.HTTPNotFound
            try:
                await act(customer, body)
            except KeyError as missing:
                raise web.HTTPBadRequest(text=f"missing: {missing}") from None
            return web.json_response({})

        return handle


async def _read(request: web.Request) -> Json:
    # Another site's page can post a form to this machine, but not JSON: that takes a permission nobody gives.
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    body = await request.json()
    if not isinstance(body, dict):
        raise web.HTTPBadRequest
    return body  # pyright: ignore[reportUnknownVariableType] - the keys of a JSON object are strings


async def _wait(woken: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(KEEP_ALIVE_S):
            await woken.wait()
    except TimeoutError:
        return
    woken.clear()


def _event(name: str, data: Json) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _file_handler(name: str, content_type: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    text = (FOLDER / name).read_text(encoding="utf-8")

    async def handle(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type=content_type)

    return handle


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
