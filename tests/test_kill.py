"""Kill the web process or the worker at each of its calls, before and after it is applied: none lost, none doubled."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from service.adapters.archive import Archive
from service.adapters.store import PREFIX, Store, connect
from service.core.records import BubbleItem, MessageItem, TraceItem
from service.tools.fakeline.server import FakeLine
from tests.support.desk import open_desk
from tests.support.plug import Plug, When, redis_proxy
from tests.support.shop import make_shop
from tests.support.system import SECRET, TOKEN, is_quiet, make_settings, run_web, run_worker
from tests.support.waiting import cancel, tick

SHOP = make_shop()
SURE = "駐車場はありますか"
ASKED = "スタッフと話したい"
MOST_CALLS = 80


class World:
    """The fake LINE and the store, which survive every kill."""

    def __init__(self, fake: FakeLine, redis: Redis, store: Store, redis_url: str) -> None:
        self.fake = fake
        self.redis = redis
        self.archive = Archive(store)
        self.redis_url = redis_url

    async def end_leases(self) -> None:
        """Let 30 seconds pass for the leases of the dead."""
        name = f"{PREFIX}leases"
        for conversation in cast("list[bytes]", await self.redis.zrange(name, 0, -1)):
            await self.redis.zadd(name, {conversation: 1})

    async def settle(self, customer: str = "", *texts: str, notify: Sequence[str] = ()) -> None:
        """Let a worker that nobody kills finish everything, and then what the customer says further."""
        await self.end_leases()
        async with run_worker(self.redis_url, self.fake.base_url, SHOP, notify=notify), asyncio.timeout(20):
            await self.until_quiet()
            for text in texts:
                await say(self, customer, text)
                await self.until_quiet()

    async def until_quiet(self) -> None:
        while not await is_quiet(self.redis):
            await tick()


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    fake = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    await fake.start()
    async with connect(redis_url, timeout_s=5) as redis, Store(redis_url, timeout_s=5) as store:
        yield World(fake, redis, store, redis_url)
    await fake.stop()


async def judge(world: World, customer: str, expected: list[str]) -> None:
    """The customer saw each expected bubble exactly once, and the records say the same."""
    seen = [bubble.text for bubble in world.fake.seen(customer)]
    assert [text[:6] for text in seen if text] == [text[:6] for text in expected]
    items = await world.archive.talk(customer)
    assert [item.delivery for item in items if isinstance(item, BubbleItem)] == ["sent"] * len(expected)
    traces = [item for item in items if isinstance(item, TraceItem)]
    assert len(traces) == len({trace.turn for trace in traces})


@asynccontextmanager
async def doomed_worker(world: World, plug: Plug, notify: Sequence[str] = ()) -> AsyncGenerator[None]:
    """A worker that is dead once its plug is pulled."""
    plug.attach(world.fake)
    async with redis_proxy(world.redis_url, plug) as proxied:
        started = asyncio.Event()

        async def live() -> None:
            async with run_worker(proxied, world.fake.base_url, SHOP, notify=notify):
                started.set()
                await asyncio.Event().wait()

        life = asyncio.create_task(live())
        await unless_pulled(plug, started.wait())
        try:
            yield
        finally:
            await cancel(life)
            world.fake.faults.clear()


async def unless_pulled(plug: Plug, waiting: Coroutine[Any, Any, Any]) -> None:
    """Wait for something that a living worker does."""
    tasks = {asyncio.ensure_future(waiting), asyncio.ensure_future(plug.pulled.wait())}
    done, pending = await asyncio.wait(tasks, timeout=15, return_when=asyncio.FIRST_COMPLETED)
    await cancel(*pending)
    assert done, "neither done nor killed"
    for task in done:
        task.result()


async def say(world: World, customer: str, *texts: str) -> None:
    for text in texts:
        assert (await world.fake.send_text(customer, text)).status == 200


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_worker_killed_at_any_call_neither_loses_nor_doubles(world: World, when: When) -> None:
    async with run_web(make_settings(world.redis_url)) as url:
        world.fake.webhook_url = f"{url}/webhook/line"
        for at in range(1, MOST_CALLS):
            customer = world.fake.add_user(f"{when} {at}")
            plug = Plug(at, when)
            async with doomed_worker(world, plug):
                left = [SURE, ASKED, "もしもし"]
                while left and not plug.pulled.is_set():
                    await say(world, customer, left.pop(0))
                    await unless_pulled(plug, world.until_quiet())
            await world.settle(customer, *left)
            await judge(world, customer, ["駐車場はありますかの答えです。", "スタッフができるだけ早くお返事します。"])
            if not plug.pulled.is_set():
                assert at > 10, "the scenario has more calls than that"
                return
    pytest.fail("the scenario never ran to its end")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_worker_killed_while_it_turns_a_reply_into_a_push_sends_it_once(world: World, when: When) -> None:
    async with run_web(make_settings(world.redis_url)) as url:
        world.fake.webhook_url = f"{url}/webhook/line"
        for at in range(1, MOST_CALLS):
            customer = world.fake.add_user(f"{when} {at}")
            plug = Plug(at, when)
            async with doomed_worker(world, plug):
                event = world.fake.make_event(
                    customer, {"type": "message", "message": {"id": f"{at}", "type": "text", "text": SURE}}
                )
                await world.fake.send_batch([{**event, "replyToken": "0" * 32}])
                await unless_pulled(plug, world.until_quiet())
            await world.settle()
            seen = world.fake.seen(customer)
            # Between a refused try and the note of its refusal nobody can know: never pushed then, staff are asked.
            assert len(seen) <= 1
            handoffs, _ = await world.archive.handoffs("waiting", "", 50)
            asked = [handoff for handoff in handoffs if handoff.customer == customer]
            delivery = (await world.archive.talk(customer))[1]
            assert isinstance(delivery, BubbleItem)
            assert (len(seen), len(asked), delivery.delivery) in {(1, 0, "sent"), (0, 0, "sent"), (0, 1, "unconfirmed")}
            if not plug.pulled.is_set():
                return
    pytest.fail("the scenario never ran to its end")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_of_a_worker_killed_at_any_call_every_alert_arrives_at_each_address(world: World, when: When) -> None:
    """It arrives twice only where it was on its way in that moment: no address tells whether it arrived."""
    async with run_web(make_settings(world.redis_url)) as url:
        world.fake.webhook_url = f"{url}/webhook/line"
        for at in range(1, MOST_CALLS):
            customer = world.fake.add_user(f"{when} {at}")
            plug = Plug(at, when)
            async with open_desk(plug) as doomed, open_desk() as desk:
                async with doomed_worker(world, plug, [doomed.address("one"), doomed.address("two")]):
                    left = [ASKED, "もしもし"]
                    while left and not plug.pulled.is_set():
                        await say(world, customer, left.pop(0))
                        await unless_pulled(plug, world.until_quiet())
                await world.settle(customer, *left, notify=[desk.address("one"), desk.address("two")])
                before, after = ([place.titles(name) for name in ("one", "two")] for place in (doomed, desk))
            for sent, sent_again in zip(before, after, strict=True):
                assert {*sent, *sent_again} == {"要対応：スタッフ希望"}, f"killed at call {at}"
                assert len(sent) <= 1, "nothing is sent twice without a kill"
                assert len(sent_again) <= 1, "what may have been sent is sent once more"
            if not plug.pulled.is_set():
                assert after == [[], []]
                assert at > 10, "the scenario has more calls than that"
                return
    pytest.fail("the scenario never ran to its end")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_web_process_killed_at_any_call_takes_each_message_once(world: World, when: When) -> None:
    for at in range(1, MOST_CALLS):
        customer = world.fake.add_user(f"{when} {at}")
        plug = Plug(at, when)
        async with redis_proxy(world.redis_url, plug) as proxied, run_web(make_settings(proxied)) as url:
            world.fake.webhook_url = f"{url}/webhook/line"
            deliveries = [await world.fake.send_text(customer, SURE), await world.fake.send_text(customer, ASKED)]
        async with run_web(make_settings(world.redis_url)) as url:
            world.fake.webhook_url = f"{url}/webhook/line"
            for delivery in deliveries:
                if delivery.reason:
                    assert delivery.status in (None, 503)
                    assert (await world.fake.redeliver(*delivery.events)).status == 200
        await world.settle()
        items = await world.archive.talk(customer)
        assert [item.text for item in items if isinstance(item, MessageItem)] == [SURE, ASKED]
        if not plug.pulled.is_set():
            assert at > 1
            return
    pytest.fail("the scenario never ran to its end")
