"""The store fails: it goes away for a while, it is full, its disk is full, its file is damaged. Then it comes back.

What LINE was told is taken is answered once; what was not taken LINE sends again; nobody has to start anything.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from service.adapters.embedded import EmbeddedValkey
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store, connect
from service.errors import StartError
from service.settings import ROOT
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.server import FakeLine
from tests.adapters.test_mailbox import message
from tests.support.needs import needs
from tests.support.real import Service, running, write_faq
from tests.support.shop import ENTRIES, make_shop
from tests.support.system import SECRET, TOKEN, is_quiet, make_settings, run_web, run_worker
from tests.support.waiting import eventually, tick

SURE = "駐車場はありますか"
ANSWER = "駐車場はありますかの答えです。"
SHOP = make_shop()
# Long enough for every time limit and pause on the way to be met; a longer time repeats them.
AWAY_S = 4.0
FAST_MS = 3000.0


@pytest.fixture
async def fake() -> AsyncIterator[FakeLine]:
    line = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    line.rules.redelivery_delays_s = (0.5,) * 200
    await line.start()
    yield line
    await line.stop()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "redis"


@pytest.fixture
def server(data: Path) -> Iterator[EmbeddedValkey]:
    """A durable server that a test may stop and fill."""
    started = EmbeddedValkey.start(data)
    yield started
    started.stop()


@pytest.fixture
async def redis(server: EmbeddedValkey) -> AsyncIterator[Redis]:
    async with connect(server.url, timeout_s=5) as client:
        yield client


def service_with(fake: FakeLine, directory: Path, **settings: str) -> Service:
    needs(Path("/proc/self/environ").exists(), "/proc (Linux)")
    write_faq(directory / "faq", ENTRIES)
    return Service(directory / "data", directory / "faq", fake, **settings)


async def until_answered(fake: FakeLine, *customers: str, timeout_s: float = 40) -> None:
    await fake.until(lambda: all(fake.seen(customer) for customer in customers), timeout_s)
    for customer in customers:
        assert [bubble.text for bubble in fake.seen(customer)] == [ANSWER]


async def wait(fake: FakeLine, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await fake.until(lambda: False, seconds)


async def test_a_redis_that_is_away_for_a_while_is_503_at_once_and_everything_goes_on_by_itself(
    tmp_path: Path, data: Path, fake: FakeLine
) -> None:
    server = EmbeddedValkey.start(data)
    service = service_with(fake, tmp_path, REDIS_URL=server.url)
    held, before, meanwhile = (fake.add_user(name) for name in ("田中", "佐藤", "鈴木"))
    begun, told = asyncio.Event(), asyncio.Event()

    async def hold(_: object) -> None:
        begun.set()
        await told.wait()

    async with running(service), httpx.AsyncClient(base_url=service.url) as client:
        await fake.send_text(before, SURE)
        await until_answered(fake, before)
        pids = [service.pids("web"), service.pids("worker")]
        fake.faults.next("reply", Fault.callback(hold))
        await fake.send_text(held, SURE)
        await begun.wait()
        server.stop()
        told.set()
        await fake.send_text(meanwhile, SURE)
        await wait(fake, AWAY_S)
        refused = [delivery for delivery in fake.deliveries if delivery.status != 200]
        assert len(refused) > AWAY_S, "LINE tried again and again"
        assert {delivery.status for delivery in refused} == {503}
        assert max(delivery.took_ms for delivery in refused) < FAST_MS
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/metrics")).text.splitlines()[-1] == "henji_store_up 0.0"
        server = EmbeddedValkey.start(data)
        try:
            await until_answered(fake, meanwhile, held)
            async with connect(server.url, timeout_s=5) as redis:
                await eventually_quiet(redis)
            assert [service.pids("web"), service.pids("worker")] == pids, "nobody was started again"
            assert await service.end() == 0
        finally:
            server.stop()


async def eventually_quiet(redis: Redis) -> None:
    async with asyncio.timeout(40):
        while not await is_quiet(redis):
            await tick(0.05)


async def test_a_full_redis_takes_no_webhook_and_what_is_in_goes_out_all_the_same(
    server: EmbeddedValkey, redis: Redis, fake: FakeLine
) -> None:
    """Also what a killed worker held, what has to be tried again, what staff say, and the heartbeat."""
    customers = [fake.add_user(f"お客様{number}") for number in range(5)]
    async with run_web(make_settings(server.url)) as url:
        fake.webhook_url = f"{url}/webhook/line"
        async with run_worker(server.url, fake.base_url, SHOP):
            asked = fake.add_user("佐藤")
            await fake.send_text(asked, "スタッフと話したい")
            await fake.until(lambda: bool(fake.seen(asked)))
        for customer in customers:
            assert (await fake.send_text(customer, SURE)).status == 200
        async with Store(server.url, timeout_s=5) as store:
            assert await Mailbox(store, keep_days=1, lease_ms=0).take("of a killed worker")
        await redis.delete(f"{PREFIX}beat")
        await redis.config_set("maxmemory", "1")
        late = fake.add_user("鈴木")
        assert (await fake.send_text(late, SURE)).status == 503
        fake.faults.next("reply", Fault.status(500))
        async with run_worker(server.url, fake.base_url, SHOP):
            await until_answered(fake, *customers)
            await eventually_quiet(redis)
            assert await redis.exists(f"{PREFIX}beat"), "later nobody may take it for brought back from the past"
            assert fake.seen(late) == []
            await redis.config_set("maxmemory", "0")
            await until_answered(fake, late)


async def test_a_worker_that_starts_on_a_full_redis_drains_it(
    tmp_path: Path, server: EmbeddedValkey, redis: Redis, fake: FakeLine
) -> None:
    service = service_with(fake, tmp_path, REDIS_URL=server.url)
    customer = fake.add_user("田中")
    async with running(service):
        await fake.send_text(customer, SURE)
        await until_answered(fake, customer)
        assert await service.end() == 0
    another = fake.add_user("佐藤")
    async with run_web(make_settings(server.url)) as url:
        fake.webhook_url = f"{url}/webhook/line"
        assert (await fake.send_text(another, SURE)).status == 200
    await redis.config_set("maxmemory", "1")
    work = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "work"), cwd=ROOT, env=service.environ
    )
    try:
        await until_answered(fake, another)
    finally:
        work.terminate()
        assert await asyncio.wait_for(work.wait(), 30) == 0


async def test_a_valkey_whose_disk_is_full_ends_rather_than_lie_and_is_started_again(
    tmp_path: Path, fake: FakeLine
) -> None:
    """Its file may grow no more: the write that tears is not acknowledged, and is dropped at the next start."""
    service = service_with(fake, tmp_path)
    before, after = fake.add_user("田中"), fake.add_user("佐藤")
    async with running(service):
        await fake.send_text(before, SURE)
        await until_answered(fake, before)
        (pid,) = service.pids("valkey")
        (file,) = (service.data / "appendonlydir").glob("*.incr.aof")
        size = file.stat().st_size + 200
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, size))
        await eventually(lambda: service.pids("valkey") not in ([], [pid]), "another server runs", 30)
        await fake.send_text(after, SURE)
        await until_answered(fake, after)
        assert await service.end() == 0
    assert [bubble.text for bubble in fake.seen(before)] == [ANSWER]


async def store_two_messages(directory: Path) -> Path:
    """Start a server, store two messages in it, kill it. Returns its file."""
    server = EmbeddedValkey.start(directory)
    async with Store(server.url, timeout_s=5) as store:
        mailbox = Mailbox(store, keep_days=1)
        for number in (1, 2):
            assert await mailbox.put([message(number)]) == 1
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGKILL)
    server._process.wait()
    server.stop()
    (file,) = (directory / "appendonlydir").glob("*.incr.aof")
    return file


async def test_of_a_file_that_is_cut_off_only_the_tail_is_lost(data: Path) -> None:
    """A write that was torn was never acknowledged: LINE sends it again."""
    file = await store_two_messages(data)
    os.truncate(file, file.stat().st_size - 30)
    server = EmbeddedValkey.start(data)
    try:
        async with Store(server.url, timeout_s=5) as store:
            assert await Mailbox(store, keep_days=1).put([message(1), message(2)]) == 1
        async with connect(server.url, timeout_s=5) as redis:
            assert await redis.llen(f"{PREFIX}box:{message(1).conversation}") == 2
    finally:
        server.stop()


async def test_a_file_that_is_damaged_in_the_middle_stops_the_start_and_says_what_to_do(
    tmp_path: Path, data: Path, fake: FakeLine
) -> None:
    """Half of the messages, taken for all of them, would be worse."""
    file = await store_two_messages(data)
    content = bytearray(file.read_bytes())
    middle = content.index(b"*", len(content) // 2)
    content[middle : middle + 20] = b"#" * 20
    file.write_bytes(content)
    with pytest.raises(StartError, match=r"(?s)ended at once.*Bad file format.*--fix"):
        EmbeddedValkey.start(data)
    assert file.read_bytes() == content, "nothing was thrown away"
    service = service_with(fake, tmp_path)
    shutil.move(data, service.data)
    with pytest.raises(AssertionError, match=r"Bad file format"):
        await service.start()
    assert service.process is not None
    assert service.process.returncode == 2
