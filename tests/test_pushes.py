"""Notifications in browsers, with everything running: a push service over HTTP that opens what it is sent."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import pytest
from redis.asyncio import Redis

from service.adapters.browsers import Browsers, id_of
from service.adapters.people import People
from service.adapters.sessions import Sessions
from service.adapters.store import PREFIX, Store
from service.core.alerting import GIVE_UP_AFTER_MS
from service.core.browsers import MOST_OF_ONE, Browser
from tests.support.pages import PASSWORD
from tests.support.pushservice import PushService, Receiver, open_push_service
from tests.support.shop import make_shop
from tests.support.system import free_port, is_quiet, run_system
from tests.support.waiting import eventually, tick

SHOP = make_shop()
ASKED, UNKNOWN = "スタッフと話したい", "ワンちゃんのトリミングはお願いできるでしょうか"


@pytest.fixture
def service() -> Iterator[PushService]:
    with open_push_service() as it:
        yield it


async def join(store: Store, service: PushService, name: str = "佐藤") -> Browser:
    """One of the staff, who is notified in a browser."""
    people, now = People(store), datetime.now(UTC)
    if name not in {account.name for account in await people.accounts()}:
        await Sessions(store, people).redeem(await people.add(name, "staff", now), PASSWORD, "192.0.2.1", now)
    browsers = Browsers(store)
    browser = service.subscribe((await browsers.keys()).shown, name, (await people.account(name)).epoch)
    await browsers.add(browser)
    return browser


async def until_quiet(redis: Redis) -> None:
    async with asyncio.timeout(20):
        while not await is_quiet(redis):
            await tick()


async def kept(redis: Redis) -> list[str]:
    return [key.decode() for key in cast("list[bytes]", await redis.hkeys(f"{PREFIX}push"))]


async def test_every_browser_is_told_once_why_and_never_who(
    redis_url: str, store: Store, redis: Redis, service: PushService
) -> None:
    first, second = await join(store, service), await join(store, service, "店長")
    async with run_system(redis_url, SHOP) as system:
        customer = system.fake.add_user("田中 はるか")
        await system.fake.send_text(customer, UNKNOWN)
        await eventually(lambda: len(service.posted) == 2, "both are told")
        await system.fake.send_text(customer, "もしもし")
        await until_quiet(redis)
        (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    assert sorted(service.url + one.path for one in service.posted) == sorted([first.endpoint, second.endpoint])
    for one in service.posted:
        assert one.notice == {
            "title": "要対応：該当FAQなし",
            "body": one.notice["body"],
            "url": f"/inbox/{handoff['id']}",
            "tag": handoff["id"],
            "urgent": False,
            "waiting": 1,
        }
        assert one.notice["body"].endswith("からお客様がお待ちです。")
        assert not any(secret in str(one) for secret in (customer, "田中", "トリミング", "もしもし"))


async def test_a_newer_notification_of_a_handoff_takes_the_place_of_the_one_before(
    redis_url: str, store: Store, redis: Redis, service: PushService
) -> None:
    await join(store, service)
    async with run_system(redis_url, SHOP) as system:
        customer = system.fake.add_user("田中")
        await system.fake.send_text(customer, ASKED)
        await eventually(lambda: service.titles() == ["要対応：スタッフ希望"], "told")
        await redis.zadd(f"{PREFIX}timers", {f"{customer} remind": 1})
        await eventually(lambda: len(service.posted) == 2, "reminded")
    assert service.titles()[1].endswith("（要対応：スタッフ希望）")
    topics = {one.headers["topic"] for one in service.posted}
    assert topics == {one.notice["tag"] for one in service.posted}
    assert len(topics) == 1
    for one in service.posted:
        assert (one.headers["ttl"], one.headers["urgency"]) == (str(GIVE_UP_AFTER_MS // 1000), "high")


async def test_every_notification_is_signed_by_the_one_key_that_browsers_were_told(
    redis_url: str, store: Store, service: PushService
) -> None:
    await join(store, service)
    async with run_system(redis_url, SHOP) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        await eventually(lambda: len(service.posted) == 1, "told")
    (one,) = service.posted
    assert f"k={(await Browsers(store).keys()).shown}" in one.headers["authorization"]
    assert one.claims["aud"] == "http://127.0.0.1"
    assert one.claims["sub"] == "mailto:henji@henji.example"
    assert 0 < one.claims["exp"] - time.time() <= 24 * 3600


async def test_two_processes_that_start_together_have_the_same_key(redis_url: str) -> None:
    async with Store(redis_url, timeout_s=5) as one, Store(redis_url, timeout_s=5) as other:
        keys = await asyncio.gather(*(Browsers(store).keys() for store in (one, other) * 4))
    assert len(set(keys)) == 1


@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_is_gone_is_forgotten(
    redis_url: str, store: Store, redis: Redis, service: PushService, status: int
) -> None:
    gone, left = await join(store, service), await join(store, service)
    service.status[gone.endpoint.removeprefix(service.url)] = status
    async with run_system(redis_url, SHOP) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        await eventually(lambda: len(service.posted) == 1, "the other is told")
        await until_quiet(redis)
        assert await kept(redis) == [id_of(left.endpoint)]
        await system.fake.send_text(system.fake.add_user("鈴木"), ASKED)
        await eventually(lambda: len(service.posted) == 2, "the other is told again")
        await until_quiet(redis)
    assert service.tries == 3
    assert await redis.xlen(f"{PREFIX}dead") == 0


@pytest.mark.parametrize("status", [302, 400, 403, 429, 500])
async def test_what_is_not_accepted_is_tried_again_and_holds_up_nobody_else(
    redis_url: str, store: Store, redis: Redis, service: PushService, status: int
) -> None:
    slow, other = await join(store, service), await join(store, service)
    path = slow.endpoint.removeprefix(service.url)
    service.status[path] = status
    async with run_system(redis_url, SHOP) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        await eventually(lambda: service.tries >= 3, "tried again")
        assert [service.url + one.path for one in service.posted] == [other.endpoint]
        service.status[path] = 201
        await until_quiet(redis)
    assert len(service.posted) == 2
    assert len(await kept(redis)) == 2


async def test_a_push_service_that_is_away_gets_it_when_it_is_back(redis_url: str, store: Store, redis: Redis) -> None:
    port = free_port()
    with open_push_service(port) as early:
        browser = await join(store, early)
        receivers = early.receivers
    async with run_system(redis_url, SHOP) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        async with asyncio.timeout(10):
            while not await redis.exists(f"{PREFIX}out:@push:{id_of(browser.endpoint)}"):
                await tick()
        with open_push_service(port) as back:
            back.receivers = receivers
            await until_quiet(redis)
            assert back.titles() == ["要対応：スタッフ希望"]


async def test_whoever_is_shut_out_is_told_nothing(
    redis_url: str, store: Store, redis: Redis, service: PushService
) -> None:
    await join(store, service)
    other = await join(store, service, "店長")
    await People(store).disable("佐藤", datetime.now(UTC))
    async with run_system(redis_url, SHOP) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        await until_quiet(redis)
    assert [service.url + one.path for one in service.posted] == [other.endpoint]
    assert await kept(redis) == [id_of(other.endpoint)]


async def test_a_new_password_ends_the_notifications_of_every_browser_that_was_signed_in_before(
    redis_url: str, store: Store, redis: Redis, service: PushService
) -> None:
    await join(store, service)
    people, now = People(store), datetime.now(UTC)
    link = await people.new_link("佐藤", "reset", now)
    await Sessions(store, people).redeem(link, f"{PASSWORD}と月", "192.0.2.1", now)
    after = await join(store, service)
    async with run_system(redis_url, SHOP) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        await until_quiet(redis)
    assert [service.url + one.path for one in service.posted] == [after.endpoint]


async def test_a_browser_with_another_key_or_with_keys_that_are_none_is_forgotten(
    redis_url: str, store: Store, redis: Redis, service: PushService
) -> None:
    browsers, receiver = Browsers(store), Receiver()
    await join(store, service)
    good = (await People(store).account("佐藤")).epoch
    receiver.point = b"\x04" + b"\xff" * 64
    await browsers.add(receiver.subscribe(f"{service.url}/no-point", (await browsers.keys()).shown, epoch=good))
    await browsers.add(Receiver().subscribe(f"{service.url}/old-key", "BOld", epoch=good))
    async with run_system(redis_url, SHOP) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        await until_quiet(redis)
    assert len(service.posted) == len(await kept(redis)) == 1


async def test_what_a_person_has_replied_to_meanwhile_is_not_told_any_more(
    redis_url: str, store: Store, redis: Redis, service: PushService
) -> None:
    browser = await join(store, service)
    path = browser.endpoint.removeprefix(service.url)
    service.status[path] = 500
    async with run_system(redis_url, SHOP) as system:
        await system.fake.send_text(system.fake.add_user("田中"), ASKED)
        await eventually(lambda: service.tries >= 1, "a try")
        (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
        await system.staff.post(f"/handoffs/{handoff['id']}/reply", json={"text": "承ります。"})
        service.status[path] = 201
        await until_quiet(redis)
    assert service.posted == []


async def test_the_oldest_browser_of_a_person_makes_room(store: Store, service: PushService, redis: Redis) -> None:
    joined = [await join(store, service) for _ in range(MOST_OF_ONE + 1)]
    other = await join(store, service, "店長")
    expected = {id_of(browser.endpoint) for browser in (*joined[1:], other)}
    assert set(await kept(redis)) == expected
    assert set(await Browsers(store).of("店長")) == {id_of(other.endpoint)}
