"""The whole service in one event loop against a fake LINE over real HTTP: web, worker, Valkey."""

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import httpx
from redis.asyncio import Redis

from service import wiring
from service.adapters.archive import Archive
from service.adapters.browsers import Browsers
from service.adapters.draftlist import DraftList
from service.adapters.inquiries import Inquiries
from service.adapters.line import open_line
from service.adapters.mailbox import Mailbox
from service.adapters.notify import open_notifier
from service.adapters.people import People
from service.adapters.photos import Photos
from service.adapters.pushing import open_pusher
from service.adapters.shopclock import MovableClock, not_ahead
from service.adapters.store import PREFIX, Store
from service.adapters.verdicts import Verdicts
from service.advising import Advisor
from service.core.alerting import Alerting
from service.core.knowledge import Knowledge
from service.drafting import draft_replies
from service.fetching import fetch_photos
from service.informing import Source, inform
from service.ports import Adjudicator, Drafter
from service.replying import Parts, handle
from service.settings import Settings, load_settings
from service.tools.fakeline.server import FakeLine
from service.worker import Worker
from tests.support.waiting import cancel

SECRET = "test-channel-secret"
TOKEN = "test-access-token"
PUBLIC_URL = "https://henji.example"


# Each process of pytest-xdist has ports of its own, below those that the kernel hands out to whoever asks for any and
# above 10080, which browsers refuse: otherwise two tests may find the same one free, and talk to each other's servers.
_PORTS = 2_500
_FIRST_PORT = 11_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8 * _PORTS
_next_port = itertools.cycle(range(_FIRST_PORT, _FIRST_PORT + _PORTS))


def free_port() -> int:
    """Give a free port, and not the same one soon again."""
    for port in _next_port:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def two_free_ports() -> int:
    """Give the first of two free ports in a row."""
    for port in _next_port:
        with socket.socket() as first, socket.socket() as second, contextlib.suppress(OSError):
            first.bind(("0.0.0.0", port))
            second.bind(("0.0.0.0", port + 1))
            return port
    raise AssertionError


def make_settings(redis_url: str, **more: str) -> Settings:
    values = {
        "LINE_CHANNEL_SECRET": SECRET,
        "LINE_CHANNEL_ACCESS_TOKEN": TOKEN,
        "REDIS_URL": redis_url,
        "HENJI_PORT": str(free_port()),
    }
    return load_settings(values | more, None)


async def is_quiet(redis: Redis) -> bool:
    """Whether nothing waits any more: no message, nothing to send, no lease."""
    kinds = tuple(f"{PREFIX}{kind}" for kind in ("box:", "out:", "ready", "leases"))
    return not any(key.decode().startswith(kinds) for key in cast("list[bytes]", await redis.keys()))


@asynccontextmanager
async def run_worker(
    redis_url: str,
    line_url: str,
    knowledge: Knowledge,
    model: Adjudicator | None = None,
    burst_ms: int = 0,
    *,
    notify: Sequence[str] = (),
    in_demo: bool = False,
    drafter: Drafter | None = None,
) -> AsyncGenerator[None]:
    """A worker that runs inside the context, and ends in good order with it; cancelled, it ends at once.

    `notify` are the Apprise URLs at which it alerts the staff. In the demo the shop's time can be moved.
    `drafter` drafts replies for them.
    """
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(redis_url, timeout_s=5))
        bell = await stack.enter_async_context(Store(redis_url, timeout_s=5))
        ahead_ms = MovableClock(store).ahead_ms if in_demo else not_ahead
        mailbox = Mailbox(store, keep_days=180, ahead_ms=ahead_ms, draft_after_ms=0 if drafter else None)
        advisor = Advisor(model, Verdicts(store)) if model else None
        parts = Parts(
            mailbox=mailbox,
            archive=Archive(store),
            line=await stack.enter_async_context(open_line(TOKEN, line_url)),
            knowledge=lambda: knowledge,
            advisor=advisor,
            signing_key=await Archive(store).signing_key(),
            notifier=await stack.enter_async_context(open_notifier(notify)),
            pusher=await stack.enter_async_context(
                open_pusher(Browsers(store), People(store), Archive(store), PUBLIC_URL)
            ),
            alerting=Alerting(targets=len(notify), public_url=PUBLIC_URL),
            burst_ms=burst_ms,
            public_url=PUBLIC_URL,
        )
        worker = Worker(mailbox, Mailbox(bell, keep_days=180), lambda lease: handle(lease, parts))
        running = asyncio.create_task(worker.run(stop))
        fetching = asyncio.create_task(fetch_photos(Photos(store), parts.line.account))
        informing = asyncio.create_task(inform(Inquiries(bell), Source(parts.knowledge, tuple, advisor)))
        beside = [fetching, informing]
        if drafter:
            beside.append(asyncio.create_task(draft_replies(DraftList(store), drafter, parts.knowledge)))
        try:
            yield
            stop.set()
            await running
        finally:
            await cancel(running, *beside)


@asynccontextmanager
async def run_web(settings: Settings, *, in_demo: bool = False) -> AsyncGenerator[str]:
    """The web process's server inside this loop; gives its address."""
    stop = asyncio.Event()
    assert settings.redis_url is not None
    redis_url = settings.redis_url.get_secret_value()
    serving = asyncio.create_task(wiring.run_web(settings, redis_url, stop, in_demo=in_demo))
    url = f"http://127.0.0.1:{settings.port}"
    async with httpx.AsyncClient() as client:
        while not serving.done():
            try:
                await client.get(f"{url}/health/live")
                break
            except httpx.TransportError:
                await asyncio.wait({serving}, timeout=0.01)
    if serving.done():
        serving.result()
    try:
        yield url
    finally:
        stop.set()
        await serving


@asynccontextmanager
async def web_without_worker(redis_url: str) -> AsyncGenerator[tuple[FakeLine, Archive]]:
    """A fake LINE and the web process's server: messages come in, and nobody handles them."""
    fake = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    await fake.start()
    async with run_web(make_settings(redis_url)) as url, Store(redis_url, timeout_s=5) as store:
        fake.webhook_url = f"{url}/webhook/line"
        yield fake, Archive(store)
    await fake.stop()


class System:
    """Everything, running. `staff` is a client of the REST API that is already logged in."""

    def __init__(self, fake: FakeLine, url: str, archive: Archive, staff: httpx.AsyncClient) -> None:
        self.fake = fake
        self.url = url
        self.archive = archive
        self.staff = staff

    async def seen(self, customer: str, count: int) -> list[str]:
        """Wait until the customer has seen `count` bubbles, and give their texts."""
        await self.fake.until(lambda: len(self.fake.seen(customer)) >= count)
        return [bubble.text or "" for bubble in self.fake.seen(customer)]

    async def until(self, condition: Callable[[], object]) -> None:
        await self.fake.until(lambda: bool(condition()))

    async def decided(self, customer: str, count: int) -> list[str]:
        """Wait until `count` turns of the customer are decided, and give the decisions' kinds and reasons."""
        async with asyncio.timeout(10):
            while True:
                answer = await self.staff.get(f"/conversations/{customer}")
                items: list[dict[str, Any]] = answer.json()["items"] if answer.is_success else []
                traces = [item["decision"] for item in items if item["kind"] == "trace"]
                if len(traces) >= count:
                    return [f"{trace['type']} {trace['reason']}" for trace in traces]
                with contextlib.suppress(TimeoutError):
                    await self.fake.until(lambda: False, 0.02)


@asynccontextmanager
async def run_system(
    redis_url: str,
    knowledge: Knowledge,
    model: Adjudicator | None = None,
    burst_ms: int = 0,
    *,
    notify: Sequence[str] = (),
    in_demo: bool = False,
    drafter: Drafter | None = None,
) -> AsyncGenerator[System]:
    """Run everything, with one API token for 佐藤. `burst_ms` is how long an unsure turn waits for more."""
    fake = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    await fake.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(fake.stop)
        url = await stack.enter_async_context(run_web(make_settings(redis_url), in_demo=in_demo))
        fake.webhook_url = f"{url}/webhook/line"
        worker = run_worker(
            redis_url, fake.base_url, knowledge, model, burst_ms, notify=notify, in_demo=in_demo, drafter=drafter
        )
        await stack.enter_async_context(worker)
        archive = Archive(await stack.enter_async_context(Store(redis_url, timeout_s=5)))
        headers = {"Authorization": f"Bearer {await archive.add_token('佐藤')}"}
        client = httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, timeout=10)
        staff = await stack.enter_async_context(client)
        yield System(fake, url, archive, staff)
