"""`serve` with real processes: started, ended, killed part by part, and whole."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import redis.asyncio

from service.adapters.embedded import EmbeddedValkey
from service.adapters.mailbox import LEASE_MS
from service.adapters.store import PREFIX, connect
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.server import FakeLine
from service.worker import CONCURRENCY
from tests.support.large import write_large
from tests.support.needs import needs
from tests.support.real import Service, command, descendants, processes_of, running, write_faq
from tests.support.shop import ENTRIES
from tests.support.system import SECRET, TOKEN, make_settings, run_web
from tests.support.waiting import eventually, tick

SURE = "駐車場はありますか"
ANSWER = "駐車場はありますかの答えです。"


@pytest.fixture
async def fake() -> AsyncIterator[FakeLine]:
    line = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    await line.start()
    yield line
    await line.stop()


@pytest.fixture
def service(tmp_path: Path, fake: FakeLine) -> Service:
    needs(Path("/proc/self/environ").exists(), "/proc (Linux)")
    write_faq(tmp_path / "faq", ENTRIES)
    return Service(tmp_path / "data", tmp_path / "faq", fake)


async def answered(fake: FakeLine, customer: str, count: int, timeout_s: float = 40) -> list[str]:
    await fake.until(lambda: len(fake.seen(customer)) >= count, timeout_s)
    return [bubble.text or "" for bubble in fake.seen(customer)]


async def test_serve_answers_survives_a_killed_worker_and_ends_in_good_order(service: Service, fake: FakeLine) -> None:
    customer, another = fake.add_user("田中"), fake.add_user("鈴木")
    async with running(service):
        assert [len(service.pids(role)) for role in ("web", "worker", "valkey")] == [1, 1, 1]
        assert (await fake.send_text(customer, SURE)).status == 200
        assert await answered(fake, customer, 1) == [ANSWER]
        (worker,) = service.pids("worker")
        assert service.kill("worker")
        assert (await fake.send_text(another, SURE)).status == 200, "the web process does not need it"
        assert await answered(fake, another, 1) == [ANSWER]
        assert service.pids("worker") != [worker]
        assert await service.end() == 0
        assert processes_of(service.data) == []


async def test_the_web_process_shows_what_only_a_worker_knows(service: Service, fake: FakeLine) -> None:
    """The FAQ in use and LINE's quota, which the next worker does not ask for again so soon."""
    async with running(service), httpx.AsyncClient(base_url=service.url) as client:
        async with asyncio.timeout(20):
            shown = ""
            while "henji_line_quota_used" not in shown or "henji_knowledge_entries" not in shown:
                await tick(0.05)
                shown = (await client.get("/metrics")).text
        parts = {"redis": "ok", "worker": "ok", "knowledge": "ok", "model": "none was asked yet"}
        assert (await client.get("/health/ready")).json() == parts
        assert f"henji_knowledge_entries {len(ENTRIES):.1f}\n" in shown
        async with connect(service.redis_url, timeout_s=5) as redis:
            assert service.kill("worker")
            await redis.hdel(f"{PREFIX}shop", "knowledge")
            async with asyncio.timeout(20):
                while not await redis.hexists(f"{PREFIX}shop", "knowledge"):
                    await tick(0.05)
        assert await service.end() == 0
    assert [call.endpoint for call in fake.calls].count("quota") == 1


async def test_a_killed_valkey_is_started_again_with_everything_it_had(service: Service, fake: FakeLine) -> None:
    customer = fake.add_user("田中")
    async with running(service):
        assert service.kill("worker")
        assert (await fake.send_text(customer, SURE)).status == 200
        assert service.kill("valkey")
        assert await answered(fake, customer, 1) == [ANSWER]
        assert len(service.pids("valkey")) == 1
        assert await service.end() == 0


async def test_a_fit_beside_the_worker_ends_with_it_and_keeps_nobody_from_ending(service: Service) -> None:
    write_large(service.faq)
    async with running(service):
        (first,) = await eventually(lambda: fitters(service.pids("worker")), "it fits", 60)
        assert service.kill("worker")
        await eventually(lambda: "fitter" not in command(first), "it has ended, too", 30)
        await eventually(lambda: fitters(service.pids("worker")), "the next worker has it fitted", 90)
        assert await service.end() == 0
        assert processes_of(service.data) == []


def fitters(workers: list[int]) -> list[int]:
    """The processes that fit a calibration for one of these workers."""
    return [pid for worker in workers for pid in descendants(worker) if "service.adapters.fitter" in command(pid)]


async def test_ctrl_c_ends_everything_in_good_order(service: Service) -> None:
    async with running(service):
        assert await service.end(signal.SIGINT) == 0
        assert processes_of(service.data) == []
    assert "Traceback" not in service.log.read_text(encoding="utf-8")


async def test_a_killed_serve_leaves_nothing_behind_and_blocks_nothing(service: Service, fake: FakeLine) -> None:
    before, after = fake.add_user("田中"), fake.add_user("鈴木")
    async with running(service):
        assert (await fake.send_text(before, SURE)).status == 200
        assert service.process is not None
        service.process.kill()
        await service.process.wait()
        await service.start()
        assert (await fake.send_text(after, SURE)).status == 200
        assert [await answered(fake, before, 1), await answered(fake, after, 1)] == [[ANSWER]] * 2
        assert await service.end() == 0
        await eventually(lambda: not processes_of(service.data), "the first one's processes have ended", 30)


async def test_a_broken_or_missing_faq_folder_is_answered_from_as_it_was_good_last(
    service: Service, fake: FakeLine
) -> None:
    first, second = fake.add_user("田中"), fake.add_user("鈴木")
    async with running(service):
        async with redis.asyncio.Redis.from_url(service.redis_url) as client:
            while not await client.exists("{henji}:knowledge"):
                await tick()
        (service.faq / "parking.md").write_text("## 駐車場はありますか {#parking}\n", encoding="utf-8")
        assert service.kill("worker")
        assert (await fake.send_text(first, SURE)).status == 200
        assert await answered(fake, first, 1) == [ANSWER]
        shutil.rmtree(service.faq)
        assert service.kill("worker")
        assert (await fake.send_text(second, SURE)).status == 200
        assert await answered(fake, second, 1) == [ANSWER]
        assert await service.end() == 0


async def test_one_that_ends_under_load_leaves_nothing_for_the_next_to_wait_for(
    tmp_path: Path, service: Service, fake: FakeLine
) -> None:
    """What it holds it finishes, or gives back at once: after the restart nobody waits for a lease's end."""
    customers = [fake.add_user(f"お客様{number}") for number in range(CONCURRENCY + 32)]
    server = EmbeddedValkey.start(tmp_path / "redis")
    try:
        async with run_web(make_settings(server.url)) as url:
            fake.webhook_url = f"{url}/webhook/line"
            for customer in customers:
                assert (await fake.send_text(customer, SURE)).status == 200
        fake.faults.random(1, 1.0, [Fault.latency(2.0)])
        under_load = Service(service.data, tmp_path / "faq", fake, REDIS_URL=server.url)
        async with running(under_load), connect(server.url, timeout_s=5) as redis:
            await fake.until(lambda: bool(fake.seen()), 40)
            assert await under_load.end() == 0
            assert await redis.zcard(f"{PREFIX}leases") == 0
            left = await redis.zcard(f"{PREFIX}ready")
            assert left == len(customers) - len(fake.seen())
            assert left > 0, "it was told in the middle"
            await under_load.start()
            await asyncio.gather(*(answered(fake, customer, 1, LEASE_MS / 1000 - 5) for customer in customers))
            assert await under_load.end() == 0
    finally:
        server.stop()
    assert [len(fake.seen(customer)) for customer in customers] == [1] * len(customers)


async def test_what_is_said_to_end_while_it_starts_ends(service: Service) -> None:
    async with running(service):
        assert service.kill("worker")
        await eventually(lambda: service.pids("worker"), "it is being started again")
        assert await service.end() == 0
        assert processes_of(service.data) == []


async def test_a_redis_that_comes_later_than_the_service_is_used(
    tmp_path: Path, service: Service, fake: FakeLine
) -> None:
    """The web process says 503 until then, the worker waits; the address comes from a file, as containers do it."""
    secret = tmp_path / "redis_url"
    server = EmbeddedValkey.start(tmp_path / "redis")
    secret.write_text(f"{server.url}\n")
    server.stop()
    late = Service(service.data, tmp_path / "faq", fake, REDIS_URL_FILE=str(secret))
    starting = asyncio.create_task(late.start())
    async with httpx.AsyncClient() as client:
        answer = None
        while answer is None:
            try:
                answer = await client.get(f"{late.url}/health/ready")
            except httpx.TransportError:
                await asyncio.wait({starting}, timeout=0.02)
    assert answer.status_code == 503
    await eventually(lambda: "redis_away" in late.log.read_text(encoding="utf-8"), "somebody noticed", 20)
    server = EmbeddedValkey.start(tmp_path / "redis")
    customer = fake.add_user("田中")
    try:
        await starting
        assert (await fake.send_text(customer, SURE)).status == 200
        assert await answered(fake, customer, 1) == [ANSWER]
        assert await late.end() == 0
    finally:
        server.stop()
