"""Photos on their way into the record: whatever LINE answers, whoever is killed, and beside the answers."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from redis.asyncio import Redis

from service.adapters.caretaking import open_caretaker
from service.adapters.exporting import export
from service.adapters.line_account import Account, open_account
from service.adapters.photos import PART_BYTES, Claim, Photos
from service.adapters.store import PREFIX, Store, connect
from service.core.photos import KEEP_S, MAX_BYTES, NoPhoto, Photo, Why
from service.core.records import MessageItem
from service.core.shop import Shop
from service.errors import NotFound
from service.fetching import fetch, fetch_photos
from service.tools.customers import erase
from service.tools.fakeline import events
from service.tools.fakeline.driver import Delivery
from service.tools.fakeline.faults import Call, Fault
from service.tools.fakeline.records import Content
from service.tools.fakeline.server import ONE_PIXEL_PNG, FakeLine
from service.tools.simulator import samples
from service.tools.simulator.app import ShopTime, start_simulator
from tests.support.dump import everything
from tests.support.misbehaving import served
from tests.support.plug import Plug, When, redis_proxy
from tests.support.real import Service, running, write_faq
from tests.support.shop import CUSTOMER, ENTRIES, make_shop
from tests.support.system import SECRET, TOKEN, System, make_settings, run_system, run_web, run_worker
from tests.support.waiting import cancel, tick
from tests.test_kill import MOST_CALLS, unless_pulled

SHOP = make_shop()
JPEG = Photo(samples.photo().data, "image/jpeg")
IN_PARTS = Photo(JPEG.data.ljust(2 * PART_BYTES + 1, b"x"), "image/jpeg")
PNG = Photo(ONE_PIXEL_PNG, "image/png")


@pytest.fixture
def photos(store: Store) -> Photos:
    return Photos(store)


@pytest.fixture
async def fake() -> AsyncIterator[FakeLine]:
    line = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    await line.start()
    yield line
    await line.stop()


@pytest.fixture
async def account(fake: FakeLine) -> AsyncIterator[Account]:
    async with open_account(TOKEN, fake.base_url, patience_s=0.5) as account:
        yield account


@pytest.fixture
async def system(redis_url: str) -> AsyncIterator[System]:
    async with run_system(redis_url, SHOP) as running:
        yield running


def message_of(sent: Delivery) -> str:
    return sent.event["message"]["id"]


async def due(redis: Redis, *messages: str) -> None:
    """Have photos that are to be fetched, as COMMIT writes it."""
    for message in messages:
        await redis.hset(f"{PREFIX}photo:{message}", mapping={"conv": CUSTOMER, "tries": "0"})
        await redis.expire(f"{PREFIX}photo:{message}", KEEP_S)
        await redis.zadd(f"{PREFIX}photos", {message: 1})


async def claim(photos: Photos) -> Claim:
    claimed = await photos.claim()
    assert claimed is not None
    return claimed


async def make_due(redis: Redis) -> None:
    """Let the time pass after which it is tried again."""
    for message in cast("list[bytes]", await redis.zrange(f"{PREFIX}photos", 0, -1)):
        await redis.zadd(f"{PREFIX}photos", {message: 1})


async def found(photos: Photos, customer: str, message: str) -> Photo | NoPhoto:
    """Wait until a photo is kept or given up."""
    async with asyncio.timeout(15):
        while True:
            try:
                photo = await photos.read(customer, message)
            except NotFound:
                photo = NoPhoto("pending")
            if photo != NoPhoto("pending"):
                return photo
            await tick(0.05)


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(15):
        while not await condition():
            await tick()


# Whatever LINE answers


async def test_a_photo_is_handed_over_and_kept_with_what_line_told_of_it(system: System, photos: Photos) -> None:
    customer = system.fake.add_user("田中")
    kept = system.fake.keep_content(Content(JPEG.data, "text/html"))
    told = events.media("image", id=kept, imageSet={"id": "E005D41A", "index": 1, "total": 2})
    await system.fake.send_event(customer, told)
    assert await system.decided(customer, 1) == ["handoff media"]
    assert await found(photos, customer, kept) == JPEG, "what the sender calls it is not believed"
    item, *_ = await system.archive.talk(customer)
    assert isinstance(item, MessageItem)
    shown: dict[str, Any] = (await system.staff.get(f"/conversations/{customer}")).json()["items"][0]
    assert shown["media"] == {
        "type": "image",
        "provider": "line",
        "url": "",
        "preview_url": "",
        "image_set": {"id": "E005D41A", "index": 1, "total": 2},
    }
    assert [call.path for call in system.fake.calls if call.endpoint == "content"] == [
        f"/v2/bot/message/{kept}/content"
    ]


ANSWERS: list[tuple[str, Content, Why]] = [
    ("too large", Content(b"\xff\xd8\xff".ljust(MAX_BYTES + 1, b"x"), "image/jpeg"), "too_large"),
    ("SVG", Content(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png"), "no_image"),
    ("HTML", Content(b"<!DOCTYPE html>", "image/jpeg"), "no_image"),
    ("taken back", Content(JPEG.data, "image/jpeg", unsent=True), "gone"),
]


@pytest.mark.parametrize(("content", "why"), [pytest.param(content, why, id=name) for name, content, why in ANSWERS])
async def test_what_cannot_be_kept_is_asked_for_once_and_the_reason_is_written_down(
    fake: FakeLine, account: Account, photos: Photos, redis: Redis, *, content: Content, why: Why
) -> None:
    message = fake.keep_content(content)
    await due(redis, message)
    await fetch(await claim(photos), photos, account)
    assert await photos.read(CUSTOMER, message) == NoPhoto(why)
    await make_due(redis)
    assert await photos.claim() is None


TROUBLES: dict[str, Fault] = {
    "503": Fault.status(503),
    "429": Fault.status(429, b'{"message":"The API rate limit has been exceeded. Try again later."}'),
    "202": Fault.status(202, b"{}"),
    "empty 200": Fault.empty_200(),
    "reset": Fault.reset_before(),
    "broken off": Fault.reset_after(),
    "silence": Fault.hang(30, accepted=True),
    "a wrong access token": Fault.status(401, b'{"message":"Authentication failed."}'),
    "no permission": Fault.status(403, b'{"message":"Not allowed."}'),
    "a redirect": Fault.status(302, b""),
}


@pytest.mark.parametrize("fault", TROUBLES.values(), ids=TROUBLES)
async def test_what_does_not_come_now_is_fetched_later(
    fake: FakeLine, account: Account, photos: Photos, redis: Redis, fault: Fault
) -> None:
    message = fake.keep_content()
    await due(redis, message)
    fake.faults.when(lambda _: True, fault)
    await fetch(await claim(photos), photos, account)
    assert await photos.read(CUSTOMER, message) == NoPhoto("pending")
    seconds, _ = await redis.time()
    at = cast("float", await redis.zscore(f"{PREFIX}photos", message))
    assert seconds * 1000 < at < seconds * 1000 + 10_000, "sooner than the claim would end"
    fake.faults.clear()
    await make_due(redis)
    await fetch(await claim(photos), photos, account)
    assert await photos.read(CUSTOMER, message) == PNG


@pytest.mark.parametrize("status", [400, 404, 410, 415])
async def test_what_line_refuses_is_given_up(
    fake: FakeLine, account: Account, photos: Photos, redis: Redis, status: int
) -> None:
    message = fake.keep_content()
    await due(redis, message)
    fake.faults.next("content", Fault.status(status, b'{"message":"no"}'))
    await fetch(await claim(photos), photos, account)
    assert await photos.read(CUSTOMER, message) == NoPhoto("gone" if status in {404, 410} else "refused")


async def test_a_download_that_stands_still_is_given_back_in_time(redis: Redis, photos: Photos) -> None:
    await due(redis, "m1")

    async def stand_still(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"\xff\xd8\xff")
        await asyncio.Event().wait()
        return response

    claimed = await claim(photos)
    async with served(stand_still) as account, asyncio.timeout(10):
        await fetch(claimed, photos, account)
    assert await photos.read(CUSTOMER, "m1") == NoPhoto("pending")


async def test_two_are_fetched_at_once_and_not_more(redis: Redis, photos: Photos) -> None:
    await due(redis, *(f"m{number}" for number in range(6)))
    now, most, go = 0, 0, asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await go.wait()
        now -= 1
        return web.Response(body=PNG.data)

    async with served(answer) as account:
        fetching = asyncio.create_task(fetch_photos(photos, account))
        try:

            async def two_are_under_way() -> bool:
                return now == 2

            await until(two_are_under_way)
            assert await photos.claim() is not None, "the others are left where they are"
            go.set()
            for number in (0, 1, 3, 4, 5):
                assert await found(photos, CUSTOMER, f"m{number}") == PNG
        finally:
            await cancel(fetching)
    assert most == 2


async def test_only_photos_that_line_keeps_are_fetched_and_none_of_a_group(
    system: System, photos: Photos, redis: Redis
) -> None:
    customer = system.fake.add_user("田中")
    group = system.fake.add_group(customer)
    outside = {"type": "external", "originalContentUrl": f"{system.url}/health/live"}
    other = events.message("image", id="5", contentProvider=outside)
    await system.fake.image(customer, group=group)
    await system.fake.send_event(customer, other)
    await system.fake.media(customer, "video")
    await system.fake.media(customer, "audio")
    await system.fake.file(customer, "見積書.pdf", b"%PDF-1.7")
    await system.fake.location(customer, 35.6, 139.7)
    await system.fake.sticker(customer)
    last = message_of(await system.fake.image(customer))
    assert await found(photos, customer, last) == PNG
    assert [call.path for call in system.fake.calls if call.endpoint == "content"] == [
        f"/v2/bot/message/{last}/content"
    ]
    assert list(await photos.album(customer)) == [last]
    assert list(await photos.album(group)) == []
    assert await redis.keys(f"{PREFIX}photo:*") == [f"{PREFIX}photo:{last}".encode()]


async def test_staff_see_a_file_s_name_and_a_place_in_the_list(system: System) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.file(customer, "見積書.pdf", b"%PDF-1.7")
    await system.decided(customer, 1)
    await system.fake.send_event(customer, events.location(35.6, 139.7, title="店", address="東京都\n千代田区1-1"))
    await system.decided(customer, 2)
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    assert handoff["summary"] == "[ファイル：見積書.pdf]"
    assert [turn["captions"] for turn in handoff["turns"]] == [["見積書.pdf"], ["店 東京都 千代田区1-1"]]


# Beside the answers


async def test_a_slow_download_holds_up_neither_an_answer_nor_the_next_message(system: System, photos: Photos) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def hold(_: Call) -> None:
        begun.set()
        await go.wait()

    system.fake.faults.next("content", Fault.callback(hold))
    customer = system.fake.add_user("田中")
    message = message_of(await system.fake.image(customer))
    async with asyncio.timeout(10):
        await begun.wait()
    await system.seen(customer, 1)
    await system.fake.send_text(customer, "クーポン")
    assert await system.decided(customer, 2) == ["handoff media", "answer keyword"]
    await system.seen(customer, 2)
    assert await photos.read(customer, message) == NoPhoto("pending")
    go.set()
    assert await found(photos, customer, message) == PNG


async def test_a_worker_that_stops_does_not_wait_for_a_download_and_the_next_one_fetches_it(
    redis_url: str, redis: Redis, photos: Photos, fake: FakeLine
) -> None:
    begun = asyncio.Event()

    async def hold(_: Call) -> None:
        begun.set()
        await asyncio.Event().wait()

    fake.faults.next("content", Fault.callback(hold))
    async with run_web(make_settings(redis_url)) as url:
        fake.webhook_url = f"{url}/webhook/line"
        customer = fake.add_user("田中")
        async with asyncio.timeout(8):
            async with run_worker(redis_url, fake.base_url, SHOP):
                message = message_of(await fake.image(customer))
                await begun.wait()
        await make_due(redis)
        async with run_worker(redis_url, fake.base_url, SHOP):
            assert await found(photos, customer, message) == PNG


@pytest.mark.parametrize("how", ["unsend", "erase"])
async def test_what_is_taken_back_or_erased_while_it_is_fetched_is_not_kept(
    system: System, photos: Photos, redis: Redis, redis_url: str, how: str
) -> None:
    begun, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold(_: Call) -> None:
        begun.set()
        await go.wait()
        done.set()

    system.fake.faults.next("content", Fault.callback(hold, when="after"))
    customer = system.fake.add_user("田中")
    sent = await system.fake.image(customer, Content(JPEG.data, "image/jpeg"))
    async with asyncio.timeout(10):
        await begun.wait()
    if how == "unsend":
        await system.fake.unsend(customer, message_of(sent))
        await system.decided(customer, 2)
    else:
        async with open_caretaker(redis_url) as caretaker:
            assert "photos 1" in (await erase(caretaker, customer))[0]
    go.set()
    await done.wait()
    await system.fake.redeliver(*sent.events)
    # The next photo is fetched after what was in hand is done with.
    system.fake.faults.clear()
    for name in ("鈴木", "高橋"):
        other = system.fake.add_user(name)
        assert await found(photos, other, message_of(await system.fake.image(other))) == PNG
    assert JPEG.data[:200].decode(errors="replace") not in await everything(redis)
    assert not await redis.exists(f"{PREFIX}photo:{message_of(sent)}")
    if how == "unsend":
        item, *_ = await system.archive.talk(customer)
        assert isinstance(item, MessageItem)
        assert (item.unsent, item.media, item.type) == (True, None, "image")


async def test_an_export_holds_the_photos_and_says_why_one_is_missing(
    system: System, photos: Photos, redis_url: str
) -> None:
    customer = system.fake.add_user("田中")
    first = message_of(await system.fake.image(customer))
    second = message_of(await system.fake.image(customer, Content(b"%PDF-1.7", "image/png")))
    for message in (first, second):
        await found(photos, customer, message)
    async with open_caretaker(redis_url) as caretaker:
        exported = json.loads(await export(caretaker, customer, who="cli"))["photos"]
    assert {photo["message"]: photo for photo in exported} == {
        first: {"message": first, "type": "image/png", "data": "iVBORw0KGgo" + exported[0]["data"][11:]},
        second: {"message": second, "why": "no_image"},
    }


async def test_a_photo_sent_in_the_simulator_is_kept(system: System, photos: Photos) -> None:
    clock = ShopTime(lambda _ahead_ms: tick(), Shop)
    simulator = await start_simulator(
        system.fake, henji_url=system.url, api_token="none", host="127.0.0.1", port=0, shop_time=clock
    )
    customer = next(iter(system.fake.users))
    try:
        async with (
            aiohttp.ClientSession() as browser,
            browser.post(f"{simulator.base_url}/chats/{customer}/photos", json={}) as answer,
        ):
            assert answer.status == 200
        message = message_of(system.fake.deliveries[-1])
        assert await found(photos, customer, message) == JPEG
    finally:
        await simulator.stop()


# Killed


@pytest.mark.parametrize("when", ["before", "after"])
async def test_whoever_fetches_is_killed_at_any_call_and_no_photo_is_lost(
    fake: FakeLine, photos: Photos, redis: Redis, redis_url: str, when: When
) -> None:
    for at in range(1, MOST_CALLS):
        message, plug = fake.keep_content(Content(IN_PARTS.data, "image/jpeg")), Plug(at, when)
        plug.attach(fake)
        await due(redis, message)
        async with redis_proxy(redis_url, plug) as proxied, fetcher(proxied, fake):
            await unless_pulled(plug, found(photos, CUSTOMER, message))
        fake.faults.clear()
        await make_due(redis)
        async with fetcher(redis_url, fake):
            assert await found(photos, CUSTOMER, message) == IN_PARTS
        assert await redis.zcard(f"{PREFIX}photos") == 0
        if not plug.pulled.is_set():
            assert at > 7, "the scenario has more calls than that"
            return
    pytest.fail("the scenario never ran to its end")


@asynccontextmanager
async def fetcher(redis_url: str, fake: FakeLine) -> AsyncGenerator[None]:
    """What fetches photos in a worker, and nothing else of it; it ends at once."""
    async with Store(redis_url, timeout_s=5) as store, open_account(TOKEN, fake.base_url) as account:
        fetching = asyncio.create_task(fetch_photos(Photos(store), account))
        try:
            yield
        finally:
            await cancel(fetching)


async def test_a_worker_s_process_killed_in_mid_download_leaves_the_photo_to_the_next(
    tmp_path: Path, fake: FakeLine
) -> None:
    begun = asyncio.Event()

    async def hold(_: Call) -> None:
        begun.set()
        await asyncio.Event().wait()

    fake.faults.next("content", Fault.callback(hold))
    write_faq(tmp_path / "faq", ENTRIES)
    async with running(Service(tmp_path / "data", tmp_path / "faq", fake)) as service, asyncio.timeout(60):
        customer = fake.add_user("田中")
        message = message_of(await fake.image(customer))
        await begun.wait()
        service.kill("worker")
        async with Store(service.redis_url, timeout_s=5) as store, connect(service.redis_url, timeout_s=5) as redis:
            photos = Photos(store)
            assert await photos.read(customer, message) == NoPhoto("pending")
            await make_due(redis)
            while await photos.read(customer, message) == NoPhoto("pending"):
                await tick(0.1)
            assert await photos.read(customer, message) == PNG
