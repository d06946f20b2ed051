"""`./henji dead`: what failed for good is listed without its words, and goes back to be handled by a real worker."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.adapters.archive import Archive
from service.adapters.caretaking import Caretaker
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store, connect
from service.cli import main
from service.core.records import TraceItem
from service.staffing import Desk, Order
from service.tools.deadletters import list_letters, retry
from service.tools.fakeline.server import FakeLine
from tests.support.shop import make_shop
from tests.support.system import SECRET, TOKEN, is_quiet, make_settings, run_web, run_worker
from tests.support.waiting import tick

SHOP = make_shop()
SURE = "駐車場はありますか"


class World:
    """The web process and a store; a worker only when it is asked for."""

    def __init__(self, fake: FakeLine, store: Store, redis_url: str) -> None:
        self.fake = fake
        self.redis_url = redis_url
        self.mailbox = Mailbox(store, keep_days=1)
        self.archive = Archive(store)
        self.caretaker = Caretaker(store)
        self.customer = fake.add_user("田中")

    async def work(self) -> None:
        """Have a worker handle all that waits."""
        async with (
            run_worker(self.redis_url, self.fake.base_url, SHOP),
            connect(self.redis_url, timeout_s=5) as redis,
            asyncio.timeout(20),
        ):
            while not await is_quiet(redis):
                await tick()

    async def poison(self, text: str = SURE, *, age_s: float = 0, reply_token: str = "") -> None:
        """Have a message that made three handlers fail, and was given up."""
        message = {"type": "message", "message": {"id": f"{time.monotonic_ns()}", "type": "text", "text": text}}
        event = self.fake.make_event(self.customer, message)
        event |= {"timestamp": int((time.time() - age_s) * 1000), "replyToken": reply_token}
        await self.fake.send_batch([event])
        async with connect(self.redis_url, timeout_s=5) as redis:
            for number in range(3):
                lease = await self.mailbox.take(f"{time.monotonic_ns()}{number}")
                assert lease is not None
                await self.mailbox.fail(lease)
                await redis.zadd(f"{PREFIX}ready", {self.customer: 0})
        await self.work()

    async def close_handoff(self) -> None:
        (handoff,), _ = await self.archive.handoffs("waiting", "", 50)
        await Desk(self.archive, self.mailbox).finish(Order("佐藤"), handoff.id, handoff.created_at)

    async def decisions(self) -> list[str]:
        items = await self.archive.talk(self.customer)
        return [item.decision.reason for item in items if isinstance(item, TraceItem)]

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, words, env={"REDIS_URL": self.redis_url})


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        fake = FakeLine(channel_secret=SECRET, access_token=TOKEN)
        await fake.start()
        stack.push_async_callback(fake.stop)
        url = await stack.enter_async_context(run_web(make_settings(redis_url)))
        fake.webhook_url = f"{url}/webhook/line"
        yield World(fake, await stack.enter_async_context(Store(redis_url, timeout_s=5)), redis_url)


async def listed(world: World) -> list[dict[str, Any]]:
    (text,) = await list_letters(world.caretaker, as_json=True, with_text=False)
    return json.loads(text)


async def test_the_list_says_what_failed_and_shows_words_only_when_asked(world: World) -> None:
    await world.poison("一行目\n二行目\x1b[2J")
    (row,) = await listed(world)
    assert (row["why"], row["conversation"], row["what"]) == ("poison", world.customer, "message (text)")
    assert "text" not in row
    (line,) = await list_letters(world.caretaker, as_json=False, with_text=False)
    assert line == "  ".join(row[name] for name in ("id", "at", "why", "conversation", "what"))
    (line,) = await list_letters(world.caretaker, as_json=False, with_text=True)
    assert line.endswith("  一行目 二行目 [2J")


async def test_a_retried_question_is_answered_and_not_taken_for_its_error_notice(world: World) -> None:
    """Both are pushed: with the notice's retry key LINE would say that it has the answer already, and not show it."""
    await world.poison()
    assert [seen.source for seen in world.fake.seen(world.customer)] == ["push"]
    await world.close_handoff()
    lines, all_done = await retry(world.caretaker, [], force=False)
    assert all_done
    assert lines[0].endswith(f"  is back in the mailbox of {world.customer}")
    await world.work()
    assert await world.decisions() == ["error", "sure"]
    assert world.fake.seen(world.customer)[-1].text == f"{SURE}の答えです。"
    assert await listed(world) == []


async def test_a_retried_question_joins_the_open_handoff(world: World) -> None:
    await world.poison()
    await retry(world.caretaker, [], force=False)
    await world.work()
    (handoff,), _ = await world.archive.handoffs("waiting", "", 50)
    assert [turn.text for turn in handoff.turns] == ["", SURE]
    assert len(world.fake.seen(world.customer)) == 1, "one notice"


async def test_a_day_old_question_needs_force_and_goes_to_staff(world: World) -> None:
    await world.poison(age_s=25 * 3600)
    await world.close_handoff()
    (line,), all_done = await retry(world.caretaker, [], force=False)
    assert not all_done
    assert "--force" in line
    assert len(await listed(world)) == 1
    assert (await retry(world.caretaker, [], force=True))[1]
    await world.work()
    assert await world.decisions() == ["error", "late"]


async def test_each_id_has_its_line_and_an_unknown_one_is_exit_code_1(world: World) -> None:
    await world.poison()
    (row,) = await listed(world)
    done = await asyncio.to_thread(world.run, "dead", "retry", row["id"], "9-9", "nonsense", row["id"])
    assert done.exit_code == 1
    assert [line.split("  ")[1] for line in done.stdout.splitlines()] == [
        f"is back in the mailbox of {world.customer}",
        "is no dead letter, or not any more",
        "is no dead letter, or not any more",
    ]


async def test_without_dead_letters_there_is_nothing_to_do(world: World) -> None:
    assert (await asyncio.to_thread(world.run, "dead", "list")).stdout == ""
    done = await asyncio.to_thread(world.run, "dead", "retry", "--all")
    assert (done.exit_code, done.stdout) == (0, "there are no dead letters\n")


@pytest.mark.parametrize("words", [(), ("1-0", "--all")])
def test_retry_wants_ids_or_all(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, ["dead", "retry", *words]).exit_code == 2
