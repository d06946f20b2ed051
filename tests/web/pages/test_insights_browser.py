"""The page of insights in a real browser: on a phone and on a desk, by day and by night."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from playwright.async_api import Browser, expect
from redis.asyncio import Redis

from service.adapters.inquiries import Inquiries
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store
from service.adapters.tokenizing import open_tokenizer
from service.settings import ROOT
from service.tools.evaluating import learn
from tests.support.chromium import faults, open_page, run_chromium
from tests.support.inbox import make_link
from tests.support.system import make_settings, run_web
from tests.support.turns import say

PICTURES = os.environ.get("PICTURES_OF_PAGES")
SAID = (
    "駐車場はありますか",
    "営業時間・定休日を教えてください",
    "ピアノの調律はできますか",
    "ピアノ調律できますか",
    "カットいくら",
)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with run_chromium() as browser:
        yield browser


@pytest.fixture
async def url(redis_url: str, store: Store, redis: Redis) -> AsyncIterator[str]:
    salon = learn(ROOT / "faq", open_tokenizer())
    await Inquiries(store).publish(salon)
    for number, text in enumerate(SAID * 2):
        await say(Mailbox(store, keep_days=1), salon, text, customer=f"U{number:032}")
    await redis.hset(f"{PREFIX}day:{next(iter(await _days(redis)))}", mapping={"replied 12": 3})
    async with run_web(make_settings(redis_url)) as it:
        yield it


async def _days(redis: Redis) -> list[str]:
    keys = cast("list[bytes]", await redis.keys(f"{PREFIX}day:*"))
    return [key.decode().rpartition(":")[2] for key in keys]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
async def test_everybody_can_read_and_use_it(
    chromium: Browser, url: str, store: Store, width: int, height: int, *, dark: bool
) -> None:
    link = await make_link(store)
    async with open_page(chromium, width=width, height=height, dark=dark) as page:
        await page.goto(f"{url}{link}")
        await page.locator("main form button").click()
        await page.get_by_role("link", name="まとめ").click()
        await expect(page.get_by_role("heading", name="まとめ")).to_be_visible()
        await expect(page.get_by_text("推定", exact=True)).to_be_visible()
        assert await faults(page) == []
        if PICTURES:
            await page.screenshot(path=Path(PICTURES) / f"insights-{width}-{dark}.png", full_page=True)
        right = page.get_by_role("button", name="正しい")
        before = await right.count()
        await right.first.click()
        await expect(right).to_have_count(before - 1)
        await page.get_by_role("button", name="取り消す").first.click()
        await expect(right).to_have_count(before)
        await page.get_by_role("link", name="会話を見る").first.click()
        await page.wait_for_url("**/inbox/*")
