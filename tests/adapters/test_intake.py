"""Webhooks on their way into the mailbox, in groups: on a real Valkey, one that hangs and one that says no."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from service.adapters.embedded import EmbeddedValkey
from service.adapters.intake import MOST_CHARACTERS, MOST_EVENTS, PUTS_AT_ONCE, Intake
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store, connect
from service.core.events import Incoming
from service.errors import StoreRefused, StoreUnavailable
from tests.adapters.test_mailbox import message
from tests.support.waiting import cancel, tick


@pytest.fixture
async def intake(redis_url: str) -> AsyncIterator[Intake]:
    async with Store(redis_url, timeout_s=1) as store:
        yield Intake(Mailbox(store, keep_days=180))


class Hanging:
    """A server that stops and goes on as told, with an intake before it. It has answered once."""

    def __init__(self, intake: Intake, redis: Redis, pid: int) -> None:
        self.intake = intake
        self.redis = redis
        self._pid = pid

    async def occupy(self) -> "list[asyncio.Task[None]]":
        """Send as many PUTs as there may be at once, for the customers 100 and up, while the server is stopped."""
        puts: list[asyncio.Task[None]] = []
        for number in range(100, 100 + PUTS_AT_ONCE):
            puts.append(asyncio.create_task(self.intake.put([of(number)])))
            await tick()
        return puts

    @contextmanager
    def stopped(self) -> Generator[None]:
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)


@pytest.fixture
async def hanging(tmp_path: Path) -> AsyncIterator[Hanging]:
    server = EmbeddedValkey.start(tmp_path, extra=("--appendfsync", "no"))
    async with Store(server.url, timeout_s=1) as store, connect(server.url, timeout_s=5) as redis:
        intake = Intake(Mailbox(store, keep_days=180))
        await intake.put([of(0)])
        yield Hanging(intake, redis, int((await redis.info("server"))["process_id"]))
    server.stop()


def of(number: int, raw: str = "") -> Incoming:
    """One event of a customer of its own."""
    event = message(number, customer=f"U{number}")
    return msgspec.structs.replace(event, raw=raw) if raw else event


async def stored(redis: Redis, numbers: Sequence[int]) -> list[int]:
    """How many messages wait for each customer."""
    return [int(await redis.llen(f"{PREFIX}box:U{number}")) for number in numbers]


async def test_requests_that_come_at_once_go_together(intake: Intake, redis: Redis) -> None:
    with capture_logs() as logs:
        await asyncio.gather(*(intake.put([of(number)]) for number in range(50)))
    puts = [line for line in logs if line["event"] == "webhook"]
    assert [(line["requests"], line["events"], line["fresh"]) for line in puts] == [(50, 50, 50)]
    assert await stored(redis, range(50)) == [1] * 50


async def test_requests_that_come_during_the_puts_go_together_in_the_next(hanging: Hanging) -> None:
    with capture_logs() as logs:
        with hanging.stopped():
            first = await hanging.occupy()
            rest = [asyncio.create_task(hanging.intake.put([of(number)])) for number in range(2, 12)]
            await tick()
            assert not any(task.done() for task in (*first, *rest)), "stored by a server that does not run"
        await asyncio.gather(*first, *rest)
    assert sorted(line["requests"] for line in logs if line["event"] == "webhook") == [1] * PUTS_AT_ONCE + [10]
    assert await stored(hanging.redis, range(2, 12)) == [1] * 10


async def test_the_same_event_in_two_requests_of_a_group_is_stored_once(intake: Intake, redis: Redis) -> None:
    await asyncio.gather(intake.put([of(1)]), intake.put([of(1), of(2)]), intake.put([of(1)]))
    assert await stored(redis, [1, 2]) == [1, 1]


async def test_a_put_is_bounded_and_a_body_is_never_split(intake: Intake, redis: Redis) -> None:
    numbers = iter(range(10_000))
    sizes = (MOST_EVENTS - 1, 2, 1, MOST_EVENTS + 50, 3, *(1,) * MOST_EVENTS)
    bodies = [[of(next(numbers)) for _ in range(size)] for size in sizes]
    with capture_logs() as logs:
        await asyncio.gather(*map(intake.put, bodies))
    puts = [(line["requests"], line["events"]) for line in logs if line["event"] == "webhook"]
    expected = [(1, MOST_EVENTS - 1), (2, 3), (1, MOST_EVENTS + 50), (MOST_EVENTS - 2, MOST_EVENTS), (3, 3)]
    assert sorted(puts) == sorted(expected)
    assert await stored(redis, range(sum(sizes))) == [1] * sum(sizes)


async def test_large_bodies_do_not_go_together(intake: Intake, redis: Redis) -> None:
    large = "x" * (MOST_CHARACTERS // 2)
    with capture_logs() as logs:
        await asyncio.gather(*(intake.put([of(number, large)]) for number in range(5)))
    assert sorted(line["requests"] for line in logs if line["event"] == "webhook") == [1, 2, 2]
    assert await stored(redis, range(5)) == [1] * 5


async def outcomes(*puts: "asyncio.Future[None] | asyncio.Task[None]") -> list[type[BaseException] | None]:
    found = await asyncio.gather(*puts, return_exceptions=True)
    return [None if answer is None else type(answer) for answer in found]


async def test_one_mailbox_that_takes_nothing_fails_only_its_own_request(intake: Intake, redis: Redis) -> None:
    """Were its event known already, LINE's next try would be a 200 for a message that nobody ever reads."""
    await redis.set(f"{PREFIX}box:U2", "no list")
    for _ in range(2):
        puts = [asyncio.ensure_future(intake.put([of(number)])) for number in range(4)]
        assert await outcomes(*puts) == [None, None, StoreRefused, None]
    assert await stored(redis, [0, 1, 3]) == [1, 1, 1]
    await redis.delete(f"{PREFIX}box:U2")
    await intake.put([of(2)])
    assert await stored(redis, [2]) == [1]


async def test_an_event_that_cannot_be_written_fails_only_its_own_request(intake: Intake, redis: Redis) -> None:
    puts = [intake.put([of(1)]), intake.put([of(2, "\ud83d")]), intake.put([of(3)])]
    assert await outcomes(*map(asyncio.ensure_future, puts)) == [None, UnicodeEncodeError, None]
    assert await stored(redis, [1, 2, 3]) == [1, 0, 1]


async def test_a_full_redis_refuses_all_and_stores_nothing_by_halves(hanging: Hanging) -> None:
    await hanging.redis.config_set("maxmemory", "1")
    puts = [asyncio.ensure_future(hanging.intake.put([of(2 * number), of(2 * number + 1)])) for number in range(1, 11)]
    assert await outcomes(*puts) == [StoreRefused] * 10
    assert await stored(hanging.redis, range(2, 22)) == [0] * 20
    await hanging.redis.config_set("maxmemory", "0")
    await hanging.intake.put([of(2), of(3)])
    assert await stored(hanging.redis, [2, 3]) == [1, 1]


async def test_a_request_that_is_broken_off_loses_and_fails_no_other(hanging: Hanging) -> None:
    with hanging.stopped():
        under_way = await hanging.occupy()
        waiting = [asyncio.create_task(hanging.intake.put([of(number)])) for number in (3, 4, 5)]
        await tick()
        await cancel(under_way[0], waiting[1])
    assert await outcomes(*under_way[1:], waiting[0], waiting[2]) == [None] * (PUTS_AT_ONCE + 1)
    assert await stored(hanging.redis, [101, 102, 103, 3, 5]) == [1] * 5
    assert await stored(hanging.redis, [4]) == [0], "nobody waited for it any more"


async def test_whoever_comes_when_a_put_has_just_ended_is_stored(intake: Intake, redis: Redis) -> None:
    """One after the other and some at once, so that requests come at every moment of a PUT's life."""

    async def put_one_by_one(first: int) -> None:
        for number in range(first, first + 100):
            await intake.put([of(number)])

    await asyncio.gather(*(put_one_by_one(100 * lane) for lane in range(PUTS_AT_ONCE + 3)))
    numbers = range(100 * (PUTS_AT_ONCE + 3))
    assert await stored(redis, numbers) == [1] * len(numbers)


async def test_a_redis_that_hangs_is_said_to_everybody_in_time(hanging: Hanging) -> None:
    """Those, too, who came just after the start of a PUT that was never answered."""

    async def wait_for_answer(number: int) -> float:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await hanging.intake.put([of(number)])
        return time.monotonic() - began

    with hanging.stopped():
        asked: list[asyncio.Task[float]] = []
        for number in range(1, 31):
            asked.append(asyncio.create_task(wait_for_answer(number)))
            await tick(0.05)
        waits = await asyncio.gather(*asked)
    assert max(waits) < 2, "LINE waits two seconds"
    await hanging.intake.put([of(99)])
    assert await stored(hanging.redis, [99]) == [1]


async def test_a_redis_that_is_away_is_said_to_everybody(tmp_path: Path) -> None:
    async with Store(f"unix://{tmp_path}/nothing", timeout_s=1) as store:
        intake = Intake(Mailbox(store, keep_days=180))
        puts = [asyncio.ensure_future(intake.put([of(number)])) for number in range(5)]
        found = await outcomes(*puts)
    assert found == [StoreUnavailable] * 5
