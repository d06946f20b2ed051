"""The shop's time, moved ahead while everything runs: what goes by it, and what must not."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.adapters.shopclock import MovableClock
from service.adapters.store import Store
from service.core.knowledge import build_knowledge
from service.core.shop import Shop
from tests.support.shop import ENTRIES, make_shop
from tests.support.system import System, run_system
from tests.support.waiting import tick

SHOP = make_shop()
SURE, UNKNOWN = "駐車場はありますか", "ワンちゃんのトリミングはお願いできるでしょうか"
TEN_HOURS = timedelta(hours=10)


@pytest.fixture
async def clock(redis_url: str) -> AsyncGenerator[MovableClock]:
    async with Store(redis_url, timeout_s=5) as store:
        yield MovableClock(store)


@pytest.fixture
async def system(redis_url: str) -> AsyncGenerator[System]:
    async with run_system(redis_url, SHOP, in_demo=True) as running:
        yield running


def ms(time: timedelta) -> int:
    return time // timedelta(milliseconds=1)


def is_about(written: str, time: datetime) -> bool:
    return abs(datetime.fromisoformat(written) - time) < timedelta(minutes=1)


async def the_handoff(system: System, status: str = "waiting") -> dict[str, Any]:
    (handoff,) = (await system.staff.get("/handoffs", params={"status": status})).json()["items"]
    return handoff


async def items(system: System, customer: str) -> list[dict[str, Any]]:
    return (await system.staff.get(f"/conversations/{customer}")).json()["items"]


async def test_handoffs_and_staff_go_by_the_moved_time_and_replies_stay_free(
    system: System, clock: MovableClock
) -> None:
    await clock.move(ms(TEN_HOURS))
    customer, then = system.fake.add_user("田中"), datetime.now(UTC) + TEN_HOURS
    await system.fake.send_text(customer, UNKNOWN)
    assert await system.decided(customer, 1) == ["handoff no_entry"]
    assert len(await system.seen(customer, 1)) == 1
    (notice,) = system.fake.seen(customer)
    assert (notice.source, notice.billed) == ("reply", False)
    handoff = await the_handoff(system)
    assert is_about(handoff["created_at"], then)
    answer = await system.staff.post(f"/handoffs/{handoff['id']}/reply", json={"text": "はい、できます。"})
    assert answer.json()["delivery"] == "sent"
    assert is_about((await the_handoff(system, "active"))["first_reply_at"], then)


async def test_a_timer_that_the_clock_passes_runs_out(system: System, clock: MovableClock) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, UNKNOWN)
    await system.decided(customer, 1)
    handoff = await the_handoff(system)
    await system.staff.post(f"/handoffs/{handoff['id']}/reply", json={"text": "はい、できます。"})
    await clock.move(ms(timedelta(hours=25)))
    while (await system.staff.get(f"/conversations/{customer}")).json()["state"] != "bot":
        await tick()
    assert is_about((await the_handoff(system, "done"))["done_at"], datetime.now(UTC) + timedelta(hours=25))


async def test_what_is_said_after_the_clock_was_put_back_still_stands_at_the_end(
    system: System, clock: MovableClock
) -> None:
    await clock.move(ms(TEN_HOURS))
    customer = system.fake.add_user("田中")
    system.fake.platform.ahead_s = TEN_HOURS.total_seconds()
    await system.fake.send_text(customer, SURE)
    await system.decided(customer, 1)
    await clock.move(0)
    system.fake.platform.ahead_s = 0
    await system.fake.send_text(customer, "ありがとうございます")
    await system.decided(customer, 2)
    said = [item["text"] for item in await items(system, customer) if item["kind"] == "message"]
    assert said == [SURE, "ありがとうございます"]


async def test_outside_the_demo_nothing_goes_by_a_moved_time(redis_url: str, clock: MovableClock) -> None:
    await clock.move(ms(TEN_HOURS))
    async with run_system(redis_url, SHOP) as system:
        customer = system.fake.add_user("田中")
        await system.fake.send_text(customer, UNKNOWN)
        await system.decided(customer, 1)
        handoff = await the_handoff(system)
        await system.staff.post(f"/handoffs/{handoff['id']}/reply", json={"text": "はい、できます。"})
        active = await the_handoff(system, "active")
        assert is_about(active["created_at"], datetime.now(UTC))
        assert is_about(active["first_reply_at"], datetime.now(UTC))


async def test_whoever_writes_after_closing_time_when_staff_have_gone_waits_anew_and_is_told_so(
    redis_url: str, clock: MovableClock
) -> None:
    closed = build_knowledge(ENTRIES, Shop(week=((),) * 7))
    async with run_system(redis_url, closed, in_demo=True) as system:
        customer = system.fake.add_user("田中")
        await system.fake.send_text(customer, UNKNOWN)
        await system.decided(customer, 1)
        handoff = await the_handoff(system)
        await system.staff.post(f"/handoffs/{handoff['id']}/reply", json={"text": "はい、できます。"})
        await clock.move(ms(timedelta(minutes=31)))
        await system.fake.send_text(customer, "おいくらですか")
        assert (await system.decided(customer, 2))[-1] == "handoff after_hours"
        assert len(await system.seen(customer, 3)) == 3
        waits = await the_handoff(system)
        assert (waits["id"], waits["assignee"], len(waits["turns"])) == (handoff["id"], "佐藤", 2)
