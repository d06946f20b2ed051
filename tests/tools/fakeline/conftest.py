"""The fake LINE on a clock that stands still, a bot that only collects webhooks, and a plain HTTP client."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from service.tools.fakeline.server import FakeLine

TOKEN = "token-of-the-channel"
SECRET = "secret-of-the-channel"


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str]


class Api:
    """Calls the fake as a bot would, without any library in between."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession) -> None:
        self._base_url = base_url
        self._session = session

    async def call(self, method: str, path: str, *, token: str = TOKEN, **options: Any) -> Answer:
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        async with self._session.request(method, self._base_url + path, headers=headers, **options) as response:
            raw = await response.read()
            is_json = response.content_type == "application/json" and raw
            body = json.loads(raw) if is_json else raw
            return Answer(response.status, body, {name.lower(): value for name, value in response.headers.items()})

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.call("POST", path, json=body, **options)

    async def reply(self, token: str, *texts: str, **options: Any) -> Answer:
        return await self.post("/v2/bot/message/reply", {"replyToken": token, "messages": bubbles(*texts)}, **options)

    async def push(self, user: str, *texts: str, key: str | None = None, **options: Any) -> Answer:
        headers = {} if key is None else {"X-Line-Retry-Key": key}
        body = {"to": user, "messages": bubbles(*texts)}
        return await self.post("/v2/bot/message/push", body, headers=headers, **options)


def bubbles(*texts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text} for text in texts]


@dataclass
class Bot:
    """Collects webhooks; `handle` may be replaced by a test."""

    received: list[tuple[bytes, dict[str, str]]] = field(default_factory=list[tuple[bytes, dict[str, str]]])
    handle: Callable[[web.Request], Awaitable[web.Response]] | None = None

    async def take(self, request: web.Request) -> web.Response:
        self.received.append((await request.read(), {name.lower(): value for name, value in request.headers.items()}))
        return await self.handle(request) if self.handle else web.Response()

    @property
    def events(self) -> list[Any]:
        return [event for body, _ in self.received for event in json.loads(body)["events"]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def bot_url_and_bot() -> AsyncIterator[tuple[str, Bot]]:
    bot, app = Bot(), web.Application()
    app.router.add_post("/webhook", bot.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/webhook", bot
    await runner.cleanup()


@pytest.fixture
def bot(bot_url_and_bot: tuple[str, Bot]) -> Bot:
    return bot_url_and_bot[1]


@pytest.fixture
async def fake(clock: Clock, bot_url_and_bot: tuple[str, Bot]) -> AsyncIterator[FakeLine]:
    fake = FakeLine(channel_secret=SECRET, access_token=TOKEN, webhook_url=bot_url_and_bot[0], clock=clock)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def user(fake: FakeLine) -> str:
    return fake.add_user("田中 はるか")


@pytest.fixture
async def api(fake: FakeLine) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession(trust_env=False) as session:
        yield Api(fake.base_url, session)
