"""Bursts, messages taken back, floods, poison, and what comes back from the past, with everything running."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import pytest

from service.adapters.archive import Archive
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store, connect
from service.core.records import MessageItem
from tests.support.shop import make_shop
from tests.support.system import System, run_system, run_worker, web_without_worker

SHOP = make_shop()
UNSURE = "ワンちゃんのトリミングはお願いできるでしょうか"
SURE = "駐車場はありますか"
Letter = tuple[bytes, dict[bytes, bytes]]


@pytest.fixture
async def system(redis_url: str) -> AsyncGenerator[System]:
    async with run_system(redis_url, SHOP) as running:
        yield running


async def until_quiet(redis_url: str) -> None:
    async with connect(redis_url, timeout_s=5) as redis, asyncio.timeout(20):
        while await redis.exists(f"{PREFIX}ready", f"{PREFIX}leases"):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.02)


async def test_a_question_sent_in_pieces_is_one_turn(redis_url: str) -> None:
    async with run_system(redis_url, SHOP, burst_ms=1_500) as system:
        customer = system.fake.add_user("田中")
        for piece in ("すみません、ちょっとお聞きしたいのですが", "ワンちゃんの", "トリミングはお願いできるでしょうか"):
            await system.fake.send_text(customer, piece)
        assert await system.decided(customer, 1) == ["handoff no_entry"]
        (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
        assert len(handoff["turns"]) == 1
        assert handoff["turns"][0]["text"].count("\n") == 2
        assert len(system.fake.seen(customer)) == 1


async def test_while_it_waits_for_more_the_customer_sees_that_something_happens(redis_url: str) -> None:
    async with run_system(redis_url, SHOP, burst_ms=60_000) as system:
        customer = system.fake.add_user("田中")
        await system.fake.send_text(customer, UNSURE)
        await system.fake.until(lambda: any(call.endpoint == "loading" for call in system.fake.calls))
        await system.fake.send_text(customer, "スタッフと話したい")
        assert await system.decided(customer, 1) == ["handoff asked"], "what is certain ends the waiting"


async def test_a_sure_answer_does_not_wait_for_more(redis_url: str) -> None:
    async with run_system(redis_url, SHOP, burst_ms=60_000) as system:
        customer = system.fake.add_user("田中")
        await system.fake.send_text(customer, SURE)
        assert len(await system.seen(customer, 1)) == 1


async def test_an_answered_message_is_marked_as_read_and_a_handed_over_one_is_not(system: System) -> None:
    answered, asking = system.fake.add_user("田中"), system.fake.add_user("佐藤")
    await system.fake.send_text(asking, UNSURE)
    await system.decided(asking, 1)
    await system.fake.send_text(answered, SURE)
    await system.fake.until(lambda: any(call.endpoint == "mark_as_read" for call in system.fake.calls))
    assert sum(call.endpoint == "mark_as_read" for call in system.fake.calls) == 1


async def test_staff_see_the_customers_name_on_line(system: System) -> None:
    customer = system.fake.add_user("田中 はるか")
    await system.fake.send_text(customer, UNSURE)
    await system.decided(customer, 1)
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    assert handoff["display_name"] == "田中 はるか"


async def test_a_message_taken_back_before_it_is_answered_is_not_answered(redis_url: str) -> None:
    async with web_without_worker(redis_url) as (fake, archive):
        customer = fake.add_user("田中")
        sent = await fake.send_text(customer, UNSURE)
        await fake.send_text(customer, SURE)
        await fake.unsend(customer, sent.event["message"]["id"])
        async with run_worker(redis_url, fake.base_url, SHOP):
            await until_quiet(redis_url)
        assert [bubble.text for bubble in fake.seen(customer)] == ["駐車場はありますかの答えです。"]
        assert UNSURE not in str(await archive.talk(customer))


async def test_a_message_taken_back_after_its_answer_is_blanked_everywhere(system: System, redis_url: str) -> None:
    customer = system.fake.add_user("田中")
    sent = await system.fake.send_text(customer, UNSURE)
    await system.decided(customer, 1)
    await system.fake.unsend(customer, sent.event["message"]["id"])
    await system.decided(customer, 2)
    async with connect(redis_url, timeout_s=5) as redis:
        keys = [key async for key in cast("AsyncIterator[bytes]", redis.scan_iter(f"{PREFIX}*", _type="string"))]
        everything = cast("list[bytes | None]", await redis.mget(keys))
    assert all("トリミング" not in (value or b"").decode() for value in everything)
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    assert (handoff["summary"], handoff["turns"][0]["text"]) == ("", "")
    talk = (await system.staff.get(f"/conversations/{customer}")).json()["items"]
    assert [item["unsent"] for item in talk if item["kind"] == "message"] == [True]


async def test_only_what_was_taken_back_is_blanked(redis_url: str) -> None:
    async with run_system(redis_url, SHOP, burst_ms=500) as system:
        customer = system.fake.add_user("田中")
        first = await system.fake.send_text(customer, UNSURE)
        await system.fake.send_text(customer, "土曜がいいです")
        await system.decided(customer, 1)
        await system.fake.unsend(customer, first.event["message"]["id"])
        await system.decided(customer, 2)
        (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
        assert handoff["turns"][0]["text"] == "土曜がいいです"


async def test_a_flood_is_one_handoff_and_what_did_not_fit_is_kept(redis_url: str) -> None:
    async with web_without_worker(redis_url) as (fake, archive):
        flooding, other = fake.add_user("迷惑"), fake.add_user("田中")
        events = [
            fake.make_event(
                flooding, {"type": "message", "message": {"id": f"{n}", "type": "text", "text": f"{n}個目"}}
            )
            for n in range(203)
        ]
        mine = fake.make_event(other, {"type": "message", "message": {"id": "x", "type": "text", "text": SURE}})
        assert (await fake.send_batch([*events, mine])).status == 200
        async with run_worker(redis_url, fake.base_url, SHOP):
            await until_quiet(redis_url)
        assert len(fake.seen(other)) == 1
        assert fake.seen(flooding) == [], "a message too many is not answered with one more"
        handoffs, _ = await archive.handoffs("waiting", "", 50)
        assert [handoff.reason for handoff in handoffs] == ["overflow"]
        async with connect(redis_url, timeout_s=5) as redis:
            letters = cast("list[Letter]", await redis.xrange(f"{PREFIX}dead"))
        assert [json.loads(fields[b"body"])["message"]["text"] for _, fields in letters] == [
            "200個目",
            "201個目",
            "202個目",
        ]


async def test_what_makes_the_handler_fail_again_and_again_becomes_a_dead_letter_and_a_handoff(redis_url: str) -> None:
    async with web_without_worker(redis_url) as (fake, archive):
        customer = fake.add_user("田中")
        await fake.send_text(customer, UNSURE)
        async with connect(redis_url, timeout_s=5) as redis, Store(redis_url, timeout_s=5) as store:
            mailbox = Mailbox(store, keep_days=1)
            for number in range(3):
                lease = await mailbox.take(f"t{number}")
                assert lease is not None
                await mailbox.fail(lease)
                await redis.zadd(f"{PREFIX}ready", {customer: 0})
            async with run_worker(redis_url, fake.base_url, SHOP):
                await until_quiet(redis_url)
            (letter,) = cast("list[Letter]", await redis.xrange(f"{PREFIX}dead"))
        assert letter[1][b"why"] == b"poison"
        assert "トリミング" in letter[1][b"body"].decode()
        (handoff,), _ = await archive.handoffs("waiting", "", 50)
        assert handoff.reason == "error"
        assert [bubble.text[:9] for bubble in fake.seen(customer) if bubble.text] == ["申し訳ございません"]


async def test_ten_expired_leases_make_poison_too(redis_url: str) -> None:
    async with (
        connect(redis_url, timeout_s=5) as redis,
        Store(redis_url, timeout_s=5) as store,
        web_without_worker(redis_url) as (fake, _),
    ):
        customer = fake.add_user("田中")
        await fake.send_text(customer, UNSURE)
        mailbox = Mailbox(store, keep_days=1)
        for number in range(11):
            lease = await mailbox.take(f"t{number}")
            assert lease is not None
            assert lease.trouble == ("poison" if number == 10 else None)
            await redis.zadd(f"{PREFIX}leases", {customer: 1})


async def test_what_was_brought_back_from_the_past_is_not_sent(redis_url: str) -> None:
    async with (
        connect(redis_url, timeout_s=5) as redis,
        Store(redis_url, timeout_s=5) as store,
        web_without_worker(redis_url) as (fake, archive),
    ):
        customer = fake.add_user("田中")
        await fake.send_text(customer, SURE)
        mailbox = Mailbox(store, keep_days=1)
        await redis.set(f"{PREFIX}beat", int(time.time() * 1000) - 11 * 60_000)
        assert await mailbox.restore() == 1
        assert await mailbox.restore() == 0, "the heartbeat is new now"
        async with run_worker(redis_url, fake.base_url, SHOP):
            await until_quiet(redis_url)
        (handoff,), _ = await archive.handoffs("waiting", "", 50)
        assert handoff.reason == "late"
        assert "駐車場はありますかの答えです。" not in [bubble.text for bubble in fake.seen(customer)]


async def test_a_message_days_old_goes_to_staff(system: System) -> None:
    customer = system.fake.add_user("田中")
    message = {"type": "message", "message": {"id": "9", "type": "text", "text": SURE}}
    event = system.fake.make_event(customer, message)
    event["timestamp"] = int(time.time() * 1000) - 3 * 24 * 3600 * 1000
    await system.fake.send_batch([event])
    assert await system.decided(customer, 1) == ["handoff late"]


async def test_a_block_and_a_new_friendship_are_remembered(system: System, redis_url: str) -> None:
    customer = system.fake.add_user("田中")
    async with connect(redis_url, timeout_s=5) as redis:
        await system.fake.unfollow(customer)
        await system.decided(customer, 1)
        assert await redis.hget(f"{PREFIX}conv:{customer}", "blocked") == b"1"
        await system.fake.follow(customer, is_unblocked=True)
        await system.decided(customer, 2)
        assert await redis.hget(f"{PREFIX}conv:{customer}", "blocked") is None


async def test_a_conversation_that_staff_have_finished_with_returns_to_the_bot(system: System, redis_url: str) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "スタッフと話したい")
    await system.seen(customer, 1)
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    await system.staff.post(f"/handoffs/{handoff['id']}/reply", json={"text": "承知しました。"})
    async with connect(redis_url, timeout_s=5) as redis:
        timer = f"{customer} return"
        due = await redis.zscore(f"{PREFIX}timers", timer)
        assert due is not None
        assert abs(due - time.time() * 1000 - 24 * 3600 * 1000) < 60_000
        await redis.zadd(f"{PREFIX}timers", {timer: 1})
        await system.decided(customer, 2)
    assert (await system.staff.get(f"/handoffs/{handoff['id']}")).json()["status"] == "done"
    await system.fake.send_text(customer, SURE)
    assert (await system.decided(customer, 3))[2] == "answer sure"


async def test_a_conversation_in_which_the_customer_spoke_last_stays_with_staff(system: System, redis_url: str) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "スタッフと話したい")
    await system.seen(customer, 1)
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    await system.staff.post(f"/handoffs/{handoff['id']}/reply", json={"text": "承知しました。"})
    await system.fake.send_text(customer, "もう一つお願いが")
    await system.decided(customer, 2)
    async with connect(redis_url, timeout_s=5) as redis:
        await redis.zadd(f"{PREFIX}timers", {f"{customer} return": 1})
    await system.decided(customer, 3)
    assert (await system.staff.get(f"/handoffs/{handoff['id']}")).json()["status"] == "active"


async def test_a_talk_names_the_turn_of_each_message(system: System, redis_url: str) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, SURE)
    await system.seen(customer, 1)
    async with Store(redis_url, timeout_s=5) as store:
        items = await Archive(store).talk(customer)
    assert [item.turn for item in items if isinstance(item, MessageItem)] == [items[0].id]
