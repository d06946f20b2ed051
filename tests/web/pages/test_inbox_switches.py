"""The switches for the whole shop and for one customer: without scripts, and what they do to whoever writes."""

import re
from datetime import timedelta
from typing import cast

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from service.adapters.archive import Archive
from service.adapters.store import PREFIX, Store
from service.core.shop import CLOSED, Interval, TodayHours
from tests.support.inbox import make_salon, sign_in
from tests.support.pages import House, PageClient
from tests.support.salon import SALON, wall
from tests.support.system import run_system

OPEN = wall("2026-11-25 11:30")
PAGE = "/inbox/switches"


@pytest.fixture
async def staff(house: House, browser: PageClient, redis: Redis) -> PageClient:
    """佐藤, at eleven in the salon."""
    await redis.hset(f"{PREFIX}shop", "facts", msgspec.json.encode(SALON))
    house.clock.now = OPEN
    await browser.log_in("佐藤")
    return browser


async def stream(redis: Redis, name: str) -> list[dict[str, str]]:
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", await redis.xrange(f"{PREFIX}{name}"))
    return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in entries]


async def audited(redis: Redis) -> list[tuple[str, str, str]]:
    lines = await stream(redis, "audit")
    return [(line["who"], line["what"], line["to"]) for line in lines if line["what"].startswith("switch")]


async def told(redis: Redis) -> list[tuple[str, str]]:
    return [(step["conv"], step["what"]) for step in await stream(redis, "live")]


def words_of(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", answer.text))


async def test_anybody_at_work_switches_automatic_answers_off_and_on(
    staff: PageClient, redis: Redis, store: Store
) -> None:
    page = await staff.http.get("/inbox")
    assert "営業中〜13:00" in page.text
    off = await staff.post(f"{PAGE}/auto", {"auto": "off"}, on=PAGE)
    assert (off.status_code, off.headers["location"]) == (303, PAGE)
    assert (await Archive(store).switches()).paused
    assert "自動応答オフ" in (await staff.http.get("/inbox")).text
    assert "すべてスタッフにお知らせします" in (await staff.http.get(PAGE)).text
    await staff.post(f"{PAGE}/auto", {"auto": "on"}, on=PAGE)
    assert not (await Archive(store).switches()).paused
    assert await audited(redis) == [("佐藤", "switch_auto", "off"), ("佐藤", "switch_auto", "on")]
    assert await told(redis) == [("@shop", "switch")] * 2


async def test_closing_today_is_what_customers_are_told_until_midnight(
    house: House, staff: PageClient, redis: Redis, store: Store
) -> None:
    assert (await staff.post(f"{PAGE}/today", {"today": "closed"}, on=PAGE)).status_code == 303
    assert (await Archive(store).switches()).today == TodayHours(OPEN.date(), CLOSED)
    page = words_of(await staff.http.get(PAGE))
    assert "本日の営業時間 お休み" in page
    assert "スタッフが明日10:00以降にお返事します" in page
    assert "営業時間外・11月26日(木) 10:00から 本日のみ" in words_of(await staff.http.get("/inbox"))
    assert await audited(redis) == [("佐藤", "switch_today", "closed")]
    house.clock.move(timedelta(days=1))
    await staff.log_in("佐藤")
    assert re.search(r'value="usual" checked', (await staff.http.get(PAGE)).text)


async def test_other_hours_hold_until_somebody_goes_back_to_the_usual_ones(staff: PageClient, store: Store) -> None:
    await staff.post(f"{PAGE}/today", {"today": "short", "opens": "10:00", "closes": "15:30"}, on=PAGE)
    assert (await Archive(store).switches()).today == TodayHours(OPEN.date(), (Interval(600, 930),))
    assert "営業中〜15:30 本日のみ" in words_of(await staff.http.get("/inbox"))
    page = await staff.http.get(PAGE)
    assert 'name="closes" value="15:30"' in page.text
    await staff.post(f"{PAGE}/today", {"today": "usual"}, on=PAGE)
    assert (await Archive(store).switches()).today is None


async def test_what_makes_no_sense_comes_back_as_it_was_typed_and_changes_nothing(
    staff: PageClient, redis: Redis, store: Store
) -> None:
    for opens, closes, words in (
        ("15:00", "10:00", "閉店は開店より後の時刻にしてください"),
        ("", "10:00", "開店と閉店の時刻を入力してください"),
        ("<b>", "あ" * 5000, "開店と閉店の時刻を入力してください"),
    ):
        answer = await staff.post(f"{PAGE}/today", {"today": "short", "opens": opens, "closes": closes}, on=PAGE)
        assert answer.status_code == 422
        assert words in answer.text
        assert 'value="short" checked' in answer.text
        assert "<b>" not in answer.text.split('name="opens"')[1].split(">")[0]
    assert (await Archive(store).switches()).today is None
    assert await audited(redis) == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [("auto", {"auto": "maybe"}), ("auto", {}), ("today", {"today": "never"}), ("today", {})],
)
async def test_a_form_of_nobody_s_is_refused(
    staff: PageClient, store: Store, path: str, fields: dict[str, str]
) -> None:
    assert (await staff.post(f"{PAGE}/{path}", fields, on=PAGE)).status_code == 400
    assert not (await Archive(store).switches()).paused


async def test_a_form_without_its_token_and_a_stranger_change_nothing(
    house: House, staff: PageClient, store: Store
) -> None:
    assert (await staff.http.post(f"{PAGE}/auto", data={"auto": "off"})).status_code == 403
    async with house.browser() as stranger:
        answer = await stranger.post(f"{PAGE}/auto", {"auto": "off"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
    assert not (await Archive(store).switches()).paused


async def test_a_choice_is_shown_in_words_before_it_is_saved(staff: PageClient, store: Store) -> None:
    wanted = {"today": "short", "opens": "10:00", "closes": "12:00"}
    answer = await staff.http.get(PAGE, params=wanted, headers={"HX-Request": "true"})
    assert answer.text.lstrip().startswith("<dialog")
    assert "本日の営業時間 10:00〜12:00" in words_of(answer)
    assert (await Archive(store).switches()).today is None


async def test_customers_meet_what_was_switched_with_their_next_message(redis_url: str, store: Store) -> None:
    async with run_system(redis_url, make_salon()) as system, httpx.AsyncClient(base_url=system.url) as staff:
        await sign_in(staff, store)
        customer = system.fake.add_user("田中")
        await staff.post(f"{PAGE}/auto", data={"auto": "off"})
        await system.fake.send_text(customer, "駐車場はありますか")
        assert await system.decided(customer, 1) == ["handoff paused"]
        assert system.fake.seen(customer) == []
        await staff.post(f"{PAGE}/auto", data={"auto": "on"})
        await staff.post(f"{PAGE}/today", data={"today": "closed"})
        other = system.fake.add_user("佐々木")
        await system.fake.send_text(other, "スタッフと話したい")
        (notice,) = await system.seen(other, 1)
        assert "以降に" in notice or "営業を再開してから" in notice, "nobody is there today"


async def test_one_customer_is_answered_by_nobody_but_staff(redis_url: str, store: Store) -> None:
    async with run_system(redis_url, make_salon()) as system, httpx.AsyncClient(base_url=system.url) as staff:
        await sign_in(staff, store)
        customer, other = system.fake.add_user("田中"), system.fake.add_user("佐々木")
        await system.fake.send_text(customer, "スタッフと話したい")
        await system.seen(customer, 1)
        handoff = (await system.archive.conversation(customer)).handoff
        await staff.post(f"/inbox/{handoff}/pause")
        assert "自動応答オフ" in (await staff.get("/inbox/list")).text
        assert "自動応答オフ" in (await staff.get(f"/inbox/{handoff}")).text
        await staff.post(f"/inbox/{handoff}/done")
        await system.fake.send_text(customer, "駐車場はありますか")
        assert (await system.decided(customer, 2))[-1] == "handoff paused"
        assert len(system.fake.seen(customer)) == 1
        await system.fake.send_text(other, "駐車場はありますか")
        await system.seen(other, 1)
        await staff.post(f"/inbox/{handoff}/unpause")
        assert not (await system.archive.conversation(customer)).paused
