"""The simulator: a page that looks like LINE on a phone, for trying Henji out without a LINE account.

It plays customers through the fake LINE, shows what they see, and beside it what Henji decided and why; and it moves
the shop's time. It is an application of its own and no part of Henji's web server; Henji is asked over its REST API
like by any other system.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web

from service.core.hours import is_open, local_time
from service.core.shop import Shop
from service.errors import StartError
from service.tools.fakeline.records import Json
from service.tools.fakeline.server import FakeLine
from service.tools.simulator import view
from service.tools.simulator.clock import MOVES
from service.tools.simulator.doing import DEEDS, Doer
from service.tools.simulator.samples import STICKERS

FIRST_CUSTOMERS = (("田中 はるか", "ja"), ("佐藤 健", "ja"), ("Emma", "en"))
GROUP = "美容室の友だち"
MORE_CUSTOMERS = ("鈴木 美咲", "高橋 大輔", "伊藤 さくら", "渡辺 翔", "山本 葵", "中村 蓮")
HENJI_TIMEOUT = aiohttp.ClientTimeout(total=3)
SCRIPTS = ("page", "bubbles", "chat", "clock", "menu", "record", "send", "words")
FOLDER = Path(__file__).parent
KEEP_ALIVE_S = 15.0
SHUTDOWN_S = 0.1
LARGEST_BODY = 16 * 1024 * 1024
FILES = {
    "/": ("page.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/chat.css": ("chat.css", "text/css"),
    **{f"/{name}.js": (f"{name}.js", "text/javascript") for name in SCRIPTS},
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/stickers/{name}.svg": (f"stickers/{name}.svg", "image/svg+xml") for name in STICKERS},
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' https:; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class SimulatorServer:
    """The running simulator. `base_url` has no slash at its end."""

    base_url: str
    stop: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class ShopTime:
    """The shop's time: `move` sets it ahead by so many milliseconds, `shop` says when the shop is open, and where."""

    move: Callable[[int], Awaitable[None]]
    shop: Callable[[], Shop]


async def start_simulator(
    fake: FakeLine, *, henji_url: str, api_token: str, host: str, port: int, shop_time: ShopTime
) -> SimulatorServer:
    """Serve the page on `host` and `port` (0: any free one), with three customers and a group if `fake` has nobody.

    `henji_url` and `api_token` are for Henji's REST API; the token never reaches the page. Raises StartError when
    the address cannot be used.
    """
    if not fake.users:
        first = [fake.add_user(name, language=language) for name, language in FIRST_CUSTOMERS]
        fake.add_group(*first, name=GROUP, has_bot=False)
    session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {api_token}"}, trust_env=False)
    runner = web.AppRunner(
        Simulator(fake, henji_url.rstrip("/"), session, shop_time).application(),
        access_log=None,
        shutdown_timeout=SHUTDOWN_S,
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

    def __init__(self, fake: FakeLine, henji_url: str, session: aiohttp.ClientSession, shop_time: ShopTime) -> None:
        self._fake = fake
        self._henji_url = henji_url
        self._session = session
        self._shop_time = shop_time

    def application(self) -> web.Application:
        """Build the aiohttp application."""
        app = web.Application(client_max_size=LARGEST_BODY)
        for path, (name, content_type) in FILES.items():
            app.router.add_get(path, _file_handler(name, content_type))
        app.router.add_get("/events", self.events)
        app.router.add_get("/state/{chat}", self.state)
        app.router.add_get("/contents/{message}", self.content)
        app.router.add_get(r"/img/{name:[\w.-]+}", self.picture)
        app.router.add_post("/clock", self.move_clock)
        app.router.add_post("/customers", self.add_customer)
        app.router.add_post("/chats/{chat}/{deed}", self.do)
        app.on_response_prepare.append(_add_headers)
        return app

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream the shop and all chats, then each chat again whenever it changed."""
        changed: set[str] = {*self._fake.users, *self._fake.platform.groups}
        sent: dict[str, bytes] = {}
        woken = asyncio.Event()

        def note(chat: str) -> None:
            # A ring without a chat may tell of a finished webhook: any message may have turned out as not sent.
            changed.update((chat,) if chat else (*self._fake.users, *self._fake.platform.groups))
            woken.set()

        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        stop_listening = self._fake.platform.bell.listen(note)
        try:
            await response.write(b"retry: 1000\n\n")
            await response.write(_event("shop", self._shop()))
            while True:
                await self._write_clock(response, sent)
                while changed:
                    chat = changed.pop()
                    shown = _event("chat", view.chat(self._fake, chat))
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
        url = f"{self._henji_url}/api/v1/conversations/{request.match_info['chat']}"
        try:
            async with self._session.get(url, timeout=HENJI_TIMEOUT) as response:
                if response.status == web.HTTPNotFound.status_code:
                    return web.json_response({"status": "unknown"})
                response.raise_for_status()
                return web.json_response({"status": "known", "conversation": await response.json()})
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return web.json_response({"status": "unreachable", "problem": str(error) or type(error).__name__})

    async def content(self, request: web.Request) -> web.Response:
        """Show a photo that a customer sent, play a video or a voice message, hand out a file."""
        content = self._fake.platform.contents.get(request.match_info["message"])
        if content is None or content.unsent:
            raise web.HTTPNotFound
        return web.Response(body=content.data, content_type=content.content_type)

    async def picture(self, request: web.Request) -> web.Response:
        """Show a picture of the shop's own, from `PUBLIC_URL`."""
        try:
            url = f"{self._henji_url}/img/{request.match_info['name']}"
            async with self._session.get(url, timeout=HENJI_TIMEOUT) as response:
                response.raise_for_status()
                return web.Response(body=await response.read(), content_type=response.content_type)
        except (aiohttp.ClientError, TimeoutError):
            raise web.HTTPNotFound from None

    async def add_customer(self, request: web.Request) -> web.Response:
        """Add a customer, who adds the shop as a friend."""
        await _read(request)
        count = len(self._fake.users)
        name = MORE_CUSTOMERS[(count - len(FIRST_CUSTOMERS)) % len(MORE_CUSTOMERS)]
        user_id = self._fake.add_user(name)
        await self._fake.follow(user_id)
        return web.json_response({"id": user_id})

    async def move_clock(self, request: web.Request) -> web.Response:
        """Move the shop's time: `to` names one of `MOVES`, or is `now`."""
        to = (await _read(request)).get("to")
        if to not in {*MOVES, "now"}:
            raise web.HTTPBadRequest(text="to: not a time one can move to")
        real = datetime.now(UTC)
        shown = local_time(self._shop_time.shop(), self._shop_now())
        ahead = timedelta() if to == "now" else MOVES[to](shown) - real
        await self._shop_time.move(ahead // timedelta(milliseconds=1))
        self._fake.platform.ahead_s = ahead.total_seconds()
        self._fake.platform.bell.ring()
        return web.json_response({})

    async def do(self, request: web.Request) -> web.Response:
        """Let a customer do something: see `DEEDS`."""
        chat, deed = request.match_info["chat"], DEEDS.get(request.match_info["deed"])
        body = await _read(request)
        if deed is None or (chat not in self._fake.users and chat not in self._fake.platform.groups):
            raise web.HTTPNotFound
        try:
            await deed(Doer(self._fake, chat, body))
        except KeyError as missing:
            raise web.HTTPBadRequest(text=f"missing: {missing}") from None
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return web.json_response({})

    def _shop(self) -> Json:
        return {"name": self._fake.platform.account_name, "chats": view.chats(self._fake)}

    def _shop_now(self) -> datetime:
        return datetime.fromtimestamp(self._fake.platform.time_shown(), UTC)

    async def _write_clock(self, response: web.StreamResponse, sent: dict[str, bytes]) -> None:
        shop, ahead_s = self._shop_time.shop(), self._fake.platform.ahead_s
        told = {"zone": shop.timezone, "ahead_ms": int(ahead_s * 1000), "open": is_open(shop, self._shop_now())}
        shown = _event("clock", told)
        if shown != sent.get("clock"):
            sent["clock"] = shown
            await response.write(shown)


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
