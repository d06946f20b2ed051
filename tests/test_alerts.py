"""Alerts with everything running: one for each customer who begins to wait, at every address, whatever fails there."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from service.adapters.caretaking import Caretaker
from service.adapters.exporting import describe
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store
from service.core.alerting import GIVE_UP_AFTER_MS
from service.tools.fakeline.faults import Fault
from tests.support.desk import Desk, open_desk
from tests.support.shop import make_shop
from tests.support.system import System, free_port, is_quiet, run_system, run_worker, web_without_worker
from tests.support.waiting import eventually, tick

SHOP = make_shop()
ASKED, SURE, UNKNOWN = "スタッフと話したい", "駐車場はありますか", "ワンちゃんのトリミングはお願いできるでしょうか"


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with open_desk() as desk:
        yield desk


@pytest.fixture
async def system(redis_url: str, desk: Desk) -> AsyncGenerator[System]:
    async with run_system(redis_url, SHOP, notify=[desk.address("desk")]) as running:
        yield running


async def until_quiet(redis: Redis) -> None:
    async with asyncio.timeout(20):
        while not await is_quiet(redis):
            await tick()


async def timers(redis: Redis) -> dict[str, float]:
    found = cast("list[tuple[bytes, float]]", await redis.zrange(f"{PREFIX}timers", 0, -1, withscores=True))
    return {timer.decode().split(" ")[1]: due for timer, due in found}


async def run_out(redis: Redis, customer: str, timer: str) -> None:
    """Let the time of a timer come, and whatever follows from it happen."""
    name = f"{customer} {timer}"
    await redis.zadd(f"{PREFIX}timers", {name: 1})
    async with asyncio.timeout(10):
        while await redis.zscore(f"{PREFIX}timers", name) == 1:
            await tick()
    await until_quiet(redis)


async def the_handoff(system: System) -> str:
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    return str(handoff["id"])


async def dead_letters(redis: Redis) -> list[tuple[bytes, bytes]]:
    letters = cast("list[tuple[bytes, dict[bytes, bytes]]]", await redis.xrange(f"{PREFIX}dead"))
    return [(fields[b"conv"], fields[b"why"]) for _, fields in letters]


async def test_a_customer_who_begins_to_wait_is_one_alert_with_a_link(system: System, desk: Desk, redis: Redis) -> None:
    customer = system.fake.add_user("田中 はるか")
    await system.fake.send_text(customer, UNKNOWN)
    await desk.until(1)
    await until_quiet(redis)
    (alert,) = desk.arrived["desk"]
    assert alert["title"] == "要対応：該当FAQなし"
    waiting, link = alert["message"].splitlines()
    assert waiting.endswith("からお客様がお待ちです。")
    assert link == f"https://henji.example/inbox/{await the_handoff(system)}"
    assert not any(secret in str(alert) for secret in (customer, "田中", "トリミング"))


async def test_a_customer_who_goes_on_writing_while_waiting_makes_no_further_alert(
    system: System, desk: Desk, redis: Redis
) -> None:
    customer = system.fake.add_user("田中")
    for words in (ASKED, "もしもし", "急いでいます", SURE, ASKED, UNKNOWN):
        await system.fake.send_text(customer, words)
        await until_quiet(redis)
    await system.fake.send_event(customer, {"type": "message", "message": {"id": "9", "type": "image"}})
    await until_quiet(redis)
    assert desk.titles() == ["要対応：スタッフ希望"]


async def test_what_the_bot_answers_is_no_alert(system: System, desk: Desk, redis: Redis) -> None:
    customer = system.fake.add_user("田中")
    for number, words in enumerate((SURE, "ありがとうございます"), 1):
        await system.fake.send_text(customer, words)
        await system.decided(customer, number)
    await until_quiet(redis)
    assert (desk.titles(), await timers(redis)) == ([], {})


async def test_each_time_a_customer_begins_to_wait_is_an_alert_of_its_own(
    system: System, desk: Desk, redis: Redis
) -> None:
    customer, other = system.fake.add_user("田中"), system.fake.add_user("佐藤")
    await system.fake.send_text(customer, ASKED)
    await desk.until(1)
    await system.staff.post(f"/handoffs/{await the_handoff(system)}/done")
    await system.fake.send_text(other, UNKNOWN)
    await desk.until(2)
    await system.fake.send_text(customer, ASKED)
    await desk.until(3)
    await until_quiet(redis)
    assert desk.titles() == ["要対応：スタッフ希望", "要対応：該当FAQなし", "要対応：スタッフ希望"]


async def test_an_answer_that_failed_is_one_alert(system: System, desk: Desk, redis: Redis) -> None:
    customer = system.fake.add_user("田中")
    system.fake.faults.next("reply", Fault.status(400, b'{"message":"bad","details":[{"message":"x"}]}'))
    await system.fake.send_text(customer, SURE)
    await desk.until(1)
    await until_quiet(redis)
    assert desk.titles() == ["要対応：システムエラー"]
    assert list(await timers(redis)) == ["remind"]


async def test_a_message_days_old_is_one_alert(system: System, desk: Desk, redis: Redis) -> None:
    customer = system.fake.add_user("田中")
    message = {"type": "message", "message": {"id": "9", "type": "text", "text": SURE}}
    event = system.fake.make_event(customer, message)
    await system.fake.send_batch([{**event, "timestamp": int(time.time() * 1000) - 3 * 24 * 3600 * 1000}])
    await desk.until(1)
    await until_quiet(redis)
    assert desk.titles() == ["要対応：自動応答の時間切れ"]


async def test_a_flood_is_one_alert(redis_url: str, redis: Redis, desk: Desk) -> None:
    async with web_without_worker(redis_url) as (fake, _):
        customer = fake.add_user("迷惑")
        said = [{"type": "message", "message": {"id": f"{n}", "type": "text", "text": f"{n}個目"}} for n in range(203)]
        await fake.send_batch([fake.make_event(customer, message) for message in said])
        async with run_worker(redis_url, fake.base_url, SHOP, notify=[desk.address("desk")]):
            await until_quiet(redis)
    assert desk.titles() == ["要対応：メッセージ多数"]


async def test_poison_is_one_alert(redis_url: str, redis: Redis, desk: Desk) -> None:
    async with web_without_worker(redis_url) as (fake, _), Store(redis_url, timeout_s=5) as store:
        customer = fake.add_user("田中")
        await fake.send_text(customer, UNKNOWN)
        for number in range(3):
            lease = await Mailbox(store, keep_days=1).take(f"t{number}")
            assert lease is not None
            await Mailbox(store, keep_days=1).fail(lease)
            await redis.zadd(f"{PREFIX}ready", {customer: 0})
        async with run_worker(redis_url, fake.base_url, SHOP, notify=[desk.address("desk")]):
            await until_quiet(redis)
    assert desk.titles() == ["要対応：システムエラー"]


async def test_a_dead_address_holds_up_no_other_and_gets_its_alerts_in_order_when_it_is_back(
    redis_url: str, redis: Redis, desk: Desk
) -> None:
    port = free_port()
    notify = [f"json://127.0.0.1:{port}/away", desk.address("desk")]
    async with run_system(redis_url, SHOP, notify=notify) as system:
        for words in (ASKED, UNKNOWN):
            await system.fake.send_text(system.fake.add_user(words), words)
            await desk.until(1 if words == ASKED else 2)
        assert await redis.llen(f"{PREFIX}out:@alert:0") == 2
        async with open_desk(port=port) as back:
            await until_quiet(redis)
            assert back.titles("away") == desk.titles() == ["要対応：スタッフ希望", "要対応：該当FAQなし"]


async def test_an_address_that_refuses_is_tried_until_it_accepts(system: System, desk: Desk, redis: Redis) -> None:
    desk.status["desk"] = 500
    await system.fake.send_text(system.fake.add_user("田中"), ASKED)
    await eventually(lambda: desk.tries >= 2, "two tries")
    assert desk.titles() == []
    desk.status["desk"] = 200
    await until_quiet(redis)
    assert desk.titles() == ["要対応：スタッフ希望"]


async def test_a_further_alert_does_not_hurry_an_address_that_is_put_off(
    system: System, desk: Desk, redis: Redis
) -> None:
    desk.status["desk"] = 500
    await system.fake.send_text(system.fake.add_user("田中"), ASKED)
    await eventually(lambda: desk.tries >= 1, "a try")
    async with asyncio.timeout(10):
        while not (due := await redis.zscore(f"{PREFIX}ready", "@alert:0")):
            await tick()
    later = due + 3_600_000
    await redis.zadd(f"{PREFIX}ready", {"@alert:0": later})
    await system.fake.send_text(system.fake.add_user("佐藤"), ASKED)
    async with asyncio.timeout(10):
        while await redis.llen(f"{PREFIX}out:@alert:0") < 2:
            await tick()
    assert await redis.zscore(f"{PREFIX}ready", "@alert:0") == later


async def test_an_alert_that_nobody_takes_for_half_a_day_is_a_dead_letter_and_the_next_one_is_tried(
    system: System, desk: Desk, redis: Redis
) -> None:
    desk.status["desk"] = 500
    await system.fake.send_text(system.fake.add_user("田中"), ASKED)
    await eventually(lambda: desk.tries >= 1, "a try")
    await grow_old(redis)
    async with asyncio.timeout(10):
        while await dead_letters(redis) != [(b"@alert:0", b"alert")]:
            await tick()
    desk.status["desk"] = 200
    await system.fake.send_text(system.fake.add_user("佐藤"), UNKNOWN)
    assert await desk.until(1) == ["要対応：該当FAQなし"]


async def grow_old(redis: Redis) -> None:
    """Let half a day pass for the alert that waits for its next try."""
    name = f"{PREFIX}out:@alert:0"
    while not await redis.zscore(f"{PREFIX}ready", "@alert:0"):
        await tick()
    element = cast("bytes", await redis.lindex(name, 0)).decode()
    said_at = element.partition('"said_at":')[2].partition(",")[0]
    old = element.replace(f'"said_at":{said_at}', f'"said_at":{int(said_at) - GIVE_UP_AFTER_MS}')
    await redis.lset(name, 0, old)
    await redis.zadd(f"{PREFIX}ready", {"@alert:0": 0})


async def test_what_waits_for_an_address_that_has_left_the_settings_is_a_dead_letter(
    redis_url: str, redis: Redis, desk: Desk
) -> None:
    notify = [desk.address("desk"), f"json://127.0.0.1:{free_port()}/away"]
    async with run_system(redis_url, SHOP, notify=notify) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        await desk.until(1)
    for left in (notify[:1], []):
        async with run_worker(redis_url, "http://127.0.0.1:1", SHOP, notify=left):
            await until_quiet(redis)
        assert await dead_letters(redis) == [(b"@alert:1", b"alert")]
    assert len(desk.titles()) == 1


async def test_a_dead_letter_of_an_alert_can_be_retried(redis_url: str, redis: Redis, desk: Desk) -> None:
    notify = [f"json://127.0.0.1:{free_port()}/away"]
    async with run_system(redis_url, SHOP, notify=notify) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        async with asyncio.timeout(10):
            while not await redis.exists(f"{PREFIX}out:@alert:0"):
                await tick()
    async with run_worker(redis_url, "http://127.0.0.1:1", SHOP):
        await until_quiet(redis)
    async with Store(redis_url, timeout_s=5) as store:
        (letter,) = await Caretaker(store).letters()
        assert describe(letter, with_text=True)["what"] == "to send (alert)"
        assert await Caretaker(store).retry(letter, force=False) == "done"
    async with run_worker(redis_url, "http://127.0.0.1:1", SHOP, notify=[desk.address("desk")]):
        assert await desk.until(1) == ["要対応：スタッフ希望"]


async def test_an_alert_that_comes_back_from_the_past_is_sent(redis_url: str, redis: Redis, desk: Desk) -> None:
    notify = [f"json://127.0.0.1:{free_port()}/away"]
    async with run_system(redis_url, SHOP, notify=notify) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        async with asyncio.timeout(10):
            while not await redis.exists(f"{PREFIX}out:@alert:0"):
                await tick()
    await redis.hset(f"{PREFIX}conv:@alert:0", "restored", "1")
    async with run_worker(redis_url, "http://127.0.0.1:1", SHOP, notify=[desk.address("desk")]):
        assert await desk.until(1) == ["要対応：スタッフ希望"]


async def test_an_alert_that_makes_us_fail_is_a_dead_letter(redis_url: str, redis: Redis, desk: Desk) -> None:
    notify = [f"json://127.0.0.1:{free_port()}/away"]
    async with run_system(redis_url, SHOP, notify=notify) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        async with asyncio.timeout(10):
            while not await redis.exists(f"{PREFIX}out:@alert:0"):
                await tick()
    await redis.hset(f"{PREFIX}conv:@alert:0", "errors", "3")
    async with run_worker(redis_url, "http://127.0.0.1:1", SHOP, notify=[desk.address("desk")]):
        await until_quiet(redis)
    assert (desk.titles(), await dead_letters(redis)) == ([], [(b"@alert:0", b"poison")])


BODIES = {"reply": {"text": "承ります。"}, "done": None}


@pytest.mark.parametrize("action", ["reply", "done"])
async def test_what_a_person_has_dealt_with_meanwhile_is_not_alerted_any_more(
    system: System, desk: Desk, redis: Redis, action: str
) -> None:
    desk.status["desk"] = 500
    await system.fake.send_text(system.fake.add_user("田中"), ASKED)
    await eventually(lambda: desk.tries >= 1, "a try")
    await system.staff.post(f"/handoffs/{await the_handoff(system)}/{action}", json=BODIES[action])
    desk.status["desk"] = 200
    await until_quiet(redis)
    assert (desk.titles(), await dead_letters(redis)) == ([], [])


async def test_what_was_erased_is_not_alerted_any_more(
    system: System, desk: Desk, redis: Redis, redis_url: str
) -> None:
    desk.status["desk"] = 500
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, ASKED)
    await eventually(lambda: desk.tries >= 1, "a try")
    async with Store(redis_url, timeout_s=5) as store:
        await Caretaker(store).erase(customer, who="test")
    desk.status["desk"] = 200
    await until_quiet(redis)
    assert desk.titles() == []


async def test_staff_are_reminded_once_before_the_promised_time(system: System, desk: Desk, redis: Redis) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, ASKED)
    await desk.until(1)
    due = (await timers(redis))["remind"]
    assert abs(due - (time.time() + 50 * 60) * 1000) < 60_000
    await run_out(redis, customer, "remind")
    assert await desk.until(2) == ["要対応：スタッフ希望", "まもなくお返事の期限です（要対応：スタッフ希望）"]
    assert await timers(redis) == {}


async def test_staff_who_hold_a_handoff_without_a_reply_are_reminded_too(
    system: System, desk: Desk, redis: Redis
) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, ASKED)
    await desk.until(1)
    await system.staff.post(f"/handoffs/{await the_handoff(system)}/claim")
    await run_out(redis, customer, "remind")
    assert len(desk.titles()) == 2


@pytest.mark.parametrize("action", ["reply", "done"])
async def test_after_a_reply_or_done_there_is_no_reminder(
    system: System, desk: Desk, redis: Redis, action: str
) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, ASKED)
    await desk.until(1)
    await system.staff.post(f"/handoffs/{await the_handoff(system)}/{action}", json=BODIES[action])
    assert "remind" not in await timers(redis)
    await run_out(redis, customer, "remind")  # one that ran out in that very moment
    assert len(desk.titles()) == 1


async def test_nobody_watches_what_becomes_of_an_alert(system: System, desk: Desk, redis: Redis) -> None:
    await system.fake.send_text(system.fake.add_user("田中"), ASKED)
    await desk.until(1)
    await until_quiet(redis)
    seen: Any = await redis.xrange(f"{PREFIX}live")
    assert [fields[b"what"] for _, fields in seen] == [b"handoff", b"sent"]


async def test_an_alert_that_waited_for_the_shop_to_open_is_sent_when_its_time_comes(
    redis_url: str, redis: Redis, desk: Desk
) -> None:
    async with run_system(redis_url, SHOP) as system:
        waiting, served = system.fake.add_user("田中"), system.fake.add_user("佐藤")
        for customer in (waiting, served):
            await system.fake.send_text(customer, ASKED)
            await system.seen(customer, 1)
        handoffs = (await system.staff.get("/handoffs")).json()["items"]
        (mine,) = [handoff["id"] for handoff in handoffs if handoff["customer"] == served]
        await system.staff.post(f"/handoffs/{mine}/done")
    async with run_worker(redis_url, "http://127.0.0.1:1", SHOP, notify=[desk.address("desk")]):
        for customer in (served, waiting):
            await run_out(redis, customer, "alert")
    assert desk.titles() == ["要対応：スタッフ希望"]
