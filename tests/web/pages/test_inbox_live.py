"""The stream of what happens: resumed where it broke off, ended with the server, closed to strangers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from service.adapters.livefeed import LiveFeed, Step
from service.adapters.people import People
from service.adapters.sessions import Sessions
from service.adapters.store import PREFIX, Store
from service.core.people import IDLE, Staff
from service.web.pages.inbox_live import LOOK_AGAIN_S
from tests.support.inbox import sign_in
from tests.support.system import make_settings, run_web


async def happen(store: Store, conv: str) -> str:
    return str(
        (await store.call(lambda redis: redis.xadd(f"{PREFIX}live", {"conv": conv, "what": "handoff"}))).decode()
    )


async def collect(feed: LiveFeed, cursor: str, count: int) -> list[str]:
    found: list[Step] = []
    async for steps in feed.follow(cursor, quiet_s=5):
        found += steps
        if len(found) >= count:
            break
    return [step.conv for step in found]


async def test_a_look_begins_now_or_where_it_broke_off(store: Store) -> None:
    feed = LiveFeed(store, asyncio.Event())
    first = await happen(store, "U1")
    await happen(store, "U2")
    assert await collect(feed, first, 1) == ["U2"]
    later = asyncio.create_task(collect(feed, await feed.newest(), 1))
    await happen(store, "U3")
    assert await later == ["U3"]


async def test_everybody_who_looks_is_told_everything_in_order(store: Store) -> None:
    feed = LiveFeed(store, asyncio.Event())
    start = await feed.newest()
    looks = [asyncio.create_task(collect(feed, start, 50)) for _ in range(5)]
    for number in range(50):
        await happen(store, f"U{number}")
    assert await asyncio.gather(*looks) == [[f"U{number}" for number in range(50)]] * 5


async def test_every_look_ends_when_it_is_time_to_stop(store: Store) -> None:
    stop = asyncio.Event()
    looks = [asyncio.create_task(collect(LiveFeed(store, stop), "", 1)) for _ in range(3)]
    await asyncio.sleep(0)
    stop.set()
    began = time.monotonic()
    assert await asyncio.gather(*looks) == [[], [], []]
    assert time.monotonic() - began < 1


async def test_the_server_ends_at_once_with_pages_open(redis_url: str, store: Store) -> None:
    async with AsyncExitStack() as server, httpx.AsyncClient(timeout=20) as staff:
        staff.base_url = await server.enter_async_context(run_web(make_settings(redis_url)))
        await sign_in(staff, store)
        async with staff.stream("GET", "/inbox/live") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.aiter_lines()
            assert await anext(lines) == "retry: 1000"
            place = await happen(store, "U1")
            told = [line async for line in _until(lines, "data:")]
            assert told[-2:] == [f"id: {place}", 'data: {"conv":"U1","what":"handoff"}']
            began = time.monotonic()
            await server.aclose()
            assert time.monotonic() - began < 5, "uvicorn would have waited ten seconds"


async def _until(lines: AsyncIterator[str], start: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith(start):
            return


async def test_a_browser_that_comes_back_is_told_what_it_missed(redis_url: str, store: Store) -> None:
    async with run_web(make_settings(redis_url)) as url, httpx.AsyncClient(base_url=url, timeout=10) as staff:
        await sign_in(staff, store)
        seen = await happen(store, "U1")
        await happen(store, "U2")
        for headers, query in (({"Last-Event-ID": seen}, ""), ({}, f"?after={seen}")):
            async with staff.stream("GET", f"/inbox/live{query}", headers=headers) as stream:
                told = [line async for line in _until(stream.aiter_lines(), "data:")]
                assert told[-1] == 'data: {"conv":"U2","what":"handoff"}'


@pytest.mark.parametrize("path", ["/inbox", "/inbox/list", "/inbox/live", "/inbox/abc", "/inbox/photos/U1/1"])
async def test_strangers_are_sent_to_the_login(redis_url: str, path: str) -> None:
    async with run_web(make_settings(redis_url)) as url, httpx.AsyncClient(base_url=url) as stranger:
        page = await stranger.get(path, headers={"Accept": "text/html"})
        assert page.status_code == 303
        assert page.headers["location"].startswith("/login")
        assert (await stranger.get(path)).status_code == 401


async def shut_out(store: Store, staff: httpx.AsyncClient) -> None:
    await People(store).disable("佐藤", datetime.now(UTC))


async def promote(store: Store, staff: httpx.AsyncClient) -> None:
    await People(store).set_role("佐藤", "owner", datetime.now(UTC), by="店長")


async def sign_out(store: Store, staff: httpx.AsyncClient) -> None:
    assert (await staff.post("/logout")).status_code == 303


@pytest.mark.parametrize("change", [shut_out, promote, sign_out])
@pytest.mark.parametrize("then", ["quiet", "a step"])
async def test_whoever_may_not_look_any_more_is_told_nothing_more(
    redis_url: str, store: Store, change: Callable[[Store, httpx.AsyncClient], Awaitable[None]], then: str
) -> None:
    async with run_web(make_settings(redis_url)) as url, httpx.AsyncClient(base_url=url, timeout=10) as staff:
        await sign_in(staff, store)
        async with staff.stream("GET", "/inbox/live") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "retry: 1000"
            await change(store, staff)
            began = time.monotonic()
            if then == "a step":
                await happen(store, "U1")
            assert [line async for line in lines if line] == []
            assert time.monotonic() - began < LOOK_AGAIN_S + 1


async def test_to_follow_is_not_to_use_a_session(redis_url: str, store: Store) -> None:
    now, people = datetime.now(UTC), People(store)
    sessions = Sessions(store, people)
    token = await people.add("佐藤", "staff", now)
    session = await sessions.redeem(token, "みどりの傘と三毛猫の昼寝", "192.0.2.1", now)
    assert await sessions.still(session, Staff("佐藤", "staff"), now + IDLE - timedelta(minutes=1))
    assert not await sessions.still(session, Staff("佐藤", "staff"), now + IDLE)
