"""The FAQ's pages in a real browser."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from redis.asyncio import Redis

from service.adapters.lookout import connect
from service.adapters.people import People
from service.adapters.store import Store
from tests.support.chromium import faults, open_page, run_chromium
from tests.support.faqhouse import add_talk, run_faq, write_files
from tests.support.system import make_settings, run_web

# One browser for all tests of this module: it has to live in one event loop with them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with run_chromium() as it:
        yield it


class Site:
    """The web process and a worker's part of the FAQ behind it."""

    def __init__(self, url: str, store: Store, redis: Redis) -> None:
        self.url = url
        self.store = store
        self.redis = redis

    async def sign_in(self, page: Page, name: str, role: Any) -> None:
        people, now = People(self.store), datetime.now(UTC)
        await people.add(name, role, now)
        await page.goto(f"{self.url}/welcome/{await people.new_link(name, 'login', now)}")
        await page.locator("main form button").click()
        await page.wait_for_url("**/inbox")


@pytest_asyncio.fixture(loop_scope="module")
async def site(redis_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(redis_url, timeout_s=5))
        redis = await stack.enter_async_context(connect(redis_url, timeout_s=5))
        await stack.enter_async_context(run_faq(store, redis_url, write_files(tmp_path / "faq")))
        yield Site(await stack.enter_async_context(run_web(make_settings(redis_url))), store, redis)


async def test_a_phrasing_is_added_from_a_conversation_and_takes_effect_under_ones_eyes(
    site: Site, browser: Browser
) -> None:
    handoff = await add_talk(site.redis, "車で行けますか", "はい、行けます。")
    async with open_page(browser, width=1280, height=800) as page:
        await site.sign_in(page, "店長", "owner")
        await page.goto(f"{site.url}/inbox/{handoff}")
        await page.get_by_role("link", name="FAQに追加").click()
        form = page.locator("section", has_text="言い回しを追加")
        await form.get_by_label("どのFAQに").select_option(label="駐車場はありますか")
        await form.get_by_role("button", name="保存").click()
        await expect(page.locator("#arrived")).to_have_text("反映されました。")
        await page.goto(f"{site.url}/faq?q=車で行けますか")
        await expect(page.locator(".entries h3")).to_have_text("駐車場はありますか")


async def test_a_suggestion_goes_from_the_staff_to_the_owner(site: Site, browser: Browser) -> None:
    handoff = await add_talk(site.redis, "傘は借りられますか", "はい、受付でどうぞ。")
    async with open_page(browser) as page:
        await site.sign_in(page, "佐藤", "staff")
        await page.goto(f"{site.url}/inbox/{handoff}/faq")
        form = page.locator("section", has_text="新しいFAQを作る")
        await form.get_by_role("button", name="オーナーに提案する").click()
        await expect(page.locator(".done")).to_contain_text("提案しました")
    async with open_page(browser) as page:
        await site.sign_in(page, "店長", "owner")
        await expect(page.locator(".nav .count")).to_have_text("1 提案")
        await page.locator(".nav a", has_text="FAQ").click()
        await page.locator(".suggested summary").click()
        await expect(page.get_by_label("答え", exact=True)).to_have_value("はい、受付でどうぞ。")
        assert await faults(page) == []
        await page.get_by_role("button", name="採用して保存").click()
        await expect(page.locator("#arrived")).to_have_text("反映されました。")
        await expect(page.locator(".suggested")).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_axe_finds_nothing(site: Site, browser: Browser, width: int, *, dark: bool) -> None:
    handoff = await add_talk(site.redis, "車で行けますか", "はい、行けます。")
    async with open_page(browser, width=width, dark=dark) as page:
        await site.sign_in(page, "店長", "owner")
        await page.goto(f"{site.url}/faq")
        await expect(page.locator(".entries").first).to_be_visible()
        assert await faults(page) == []
        await page.goto(f"{site.url}/inbox/{handoff}/faq")
        form = page.locator("section", has_text="言い回しを追加")
        await form.get_by_label("どのFAQに").select_option(label="駐車場はありますか")
        await form.get_by_label("お客様の言い回し").fill("カットいくら")
        await form.get_by_role("button", name="保存").click()
        await expect(page.locator(".reasons")).to_contain_text("カットの料金は")
        assert await faults(page) == []
