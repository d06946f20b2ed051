"""The worker's own duties: ending in good order, and holding on while Redis is away."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from service.adapters.embedded import EmbeddedValkey
from service.adapters.lease import Lease
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store, connect
from service.tools.fakeline.faults import Call, Fault
from service.tools.fakeline.server import FakeLine
from service.worker import IDLE_S, Worker
from tests.adapters.test_mailbox import CUSTOMER, message, plan_for, take, turn_of
from tests.support.shop import make_shop
from tests.support.system import SECRET, TOKEN, is_quiet, make_settings, run_web, run_worker

SHOP = make_shop()
SURE = "駐車場はありますか"


@pytest.fixture
async def fake() -> AsyncIterator[FakeLine]:
    line = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    await line.start()
    yield line
    await line.stop()


async def test_a_worker_that_is_told_to_stop_finishes_what_it_holds(redis_url: str, fake: FakeLine) -> None:
    begun, told = asyncio.Event(), asyncio.Event()

    async def hold(_: Call) -> None:
        begun.set()
        await told.wait()

    fake.faults.next("reply", Fault.callback(hold))
    async with run_web(make_settings(redis_url)) as url, connect(redis_url, timeout_s=5) as redis:
        fake.webhook_url = f"{url}/webhook/line"
        customer = fake.add_user("田中")
        async with asyncio.timeout(20), run_worker(redis_url, fake.base_url, SHOP):
            await fake.send_text(customer, SURE)
            await begun.wait()
            # The context ends now, which tells the worker to stop while LINE still keeps it waiting.
            asyncio.get_running_loop().call_later(0.3, told.set)
        assert len(fake.seen(customer)) == 1
        assert await is_quiet(redis), "it was ticked off, nobody has to look at it again"


async def test_what_a_worker_cannot_finish_in_time_it_gives_back_at_once(redis_url: str) -> None:
    """Nobody waits for a lease's end, and it does not count as one that ended."""
    stop, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def never_end(_: Lease) -> None:
        begun.release()
        await asyncio.Event().wait()

    async with Store(redis_url, timeout_s=5) as store, connect(redis_url, timeout_s=5) as redis:
        mailbox = Mailbox(store, keep_days=180)
        working = asyncio.create_task(Worker(mailbox, mailbox, never_end, grace_s=0.05).run(stop))
        await mailbox.put([message(1), message(2, customer="U2"), message(3, customer="U3")])
        async with asyncio.timeout(20):
            for _ in range(3):
                await begun.acquire()
            stop.set()
            await working
        assert await redis.zcard(f"{PREFIX}leases") == 0
        leases = [await take(mailbox, f"t{number}") for number in range(3)]
        assert {lease.conversation.customer for lease in leases} == {CUSTOMER, "U2", "U3"}
        assert not await redis.hexists(f"{PREFIX}conv:U2", "expiries")


async def test_what_is_taken_just_when_it_is_told_to_stop_is_finished(redis_url: str) -> None:
    """TAKE may be on its way when the signal comes."""
    stop, told = asyncio.Event(), asyncio.Event()
    finished: list[str] = []

    class Late(Mailbox):
        async def take(self, token: str, *, again: bool = False) -> Lease | None:
            stop.set()
            return await super().take(token, again=again)

    async def finish(lease: Lease) -> None:
        asyncio.get_running_loop().call_later(0.3, told.set)
        await told.wait()
        finished.append(lease.conversation.customer)

    async with Store(redis_url, timeout_s=5) as store:
        mailbox = Late(store, keep_days=180)
        await mailbox.put([message(1)])
        async with asyncio.timeout(20):
            await Worker(mailbox, mailbox, finish).run(stop)
    assert finished == [CUSTOMER]


class Counting(Mailbox):
    """A mailbox that counts how often it is asked for work."""

    takes = 0

    async def take(self, token: str, *, again: bool = False) -> Lease | None:
        self.takes += 1
        return await super().take(token, again=again)


async def test_a_message_by_itself_is_taken_without_a_look_for_another(redis_url: str) -> None:
    handled: asyncio.Queue[str] = asyncio.Queue()
    async with Store(redis_url, timeout_s=5) as store, Store(redis_url, timeout_s=5) as bell:
        mailbox = Counting(store, keep_days=180)

        async def handle(lease: Lease) -> None:
            turn = turn_of(lease)
            await mailbox.commit(lease, turn, plan_for(lease, turn, answer=False))
            handled.put_nowait(turn.id)

        stop = asyncio.Event()
        began = time.monotonic()
        running = asyncio.create_task(Worker(mailbox, Mailbox(bell, keep_days=180), handle).run(stop))
        for number in range(20):
            await mailbox.put([message(number)])
            assert await asyncio.wait_for(handled.get(), 10) == f"01E{number}"
        idle = int((time.monotonic() - began) / IDLE_S)
        stop.set()
        await running
    assert mailbox.takes <= 20 + 1 + idle, "one when it starts, one for each message, one for each idle second"


async def test_a_worker_outlives_its_redis(tmp_path_factory: pytest.TempPathFactory, fake: FakeLine) -> None:
    directory = tmp_path_factory.mktemp("valkey")
    server = EmbeddedValkey.start(directory)
    async with run_web(make_settings(server.url)) as url:
        fake.webhook_url = f"{url}/webhook/line"
        customer = fake.add_user("田中")
        async with run_worker(server.url, fake.base_url, SHOP):
            server.stop()
            assert (await fake.send_text(customer, SURE)).status == 503
            server = EmbeddedValkey.start(directory)
            assert (await fake.send_text(customer, SURE)).status == 200
            await fake.until(lambda: len(fake.seen(customer)) == 1, 20)
    server.stop()
