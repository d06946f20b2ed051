"""What the inbox asks of Redis: what a reply costs, what staff have switched, why there is no photo."""

import time
from datetime import date

from service.adapters.archive import Archive, Price
from service.adapters.photos import Photos
from service.adapters.store import PREFIX, Store
from service.core.shop import Interval, TodayHours
from service.core.switches import Switches


async def write(store: Store, key: str, *fields: str) -> None:
    await store.call(lambda redis: redis.hset(f"{PREFIX}{key}", items=list(fields)))


async def test_a_reply_is_free_while_its_token_is_fresh(store: Store) -> None:
    archive, now = Archive(store), int(time.time() * 1000)
    assert await archive.price("U1") == Price(0, None)
    await write(store, "conv:U1", "token", "t", "token_at", str(now - 5000))
    assert 39_000 < (await archive.price("U1")).free_ms <= 40_000
    await write(store, "conv:U1", "token_at", str(now - 50_000))
    assert (await archive.price("U1")).free_ms == 0


async def test_what_is_left_of_the_month_is_what_line_said(store: Store) -> None:
    archive = Archive(store)
    now = str(time.time_ns() // 1_000_000)
    await write(store, "shop", "quota_limit", "200", "quota_used", "57", "quota_at", now)
    assert (await archive.price("U1")).left == 143
    await write(store, "shop", "quota_used", "230")
    assert (await archive.price("U1")).left == 0
    await write(store, "shop", "quota_limit", "")
    assert (await archive.price("U1")).left is None


async def test_what_staff_have_switched_is_read(store: Store) -> None:
    assert await Archive(store).switches() == Switches(paused=False, today=None)
    today = '{"day":"2026-11-25","hours":[{"opens":600,"closes":900}]}'
    await write(store, "shop", "paused", "1", "today", today)
    hours = TodayHours(date(2026, 11, 25), (Interval(600, 900),))
    assert await Archive(store).switches() == Switches(paused=True, today=hours)


async def test_why_there_is_no_photo_is_told_without_reading_any(store: Store) -> None:
    await write(store, "photo:m1", "conv", "U1", "type", "image/png", "size", "3", "0", "abc")
    await write(store, "photo:m2", "conv", "U1", "tries", "1")
    await write(store, "photo:m3", "conv", "U1", "why", "too_large")
    found = await Photos(store).reasons(["m1", "m2", "m3", "m4"])
    assert found == {"m1": None, "m2": "pending", "m3": "too_large", "m4": "gone"}
    assert await Photos(store).reasons([]) == {}
