"""What owners and staff do with the pages in a real browser, on a phone and on a desk, by day and by night."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from redis.asyncio import Redis

from service.adapters.lookout import connect
from service.adapters.people import People
from service.adapters.sessions import Sessions
from service.adapters.store import Store
from tests.support.chromium import faults, open_page, run_chromium
from tests.support.pages import PASSWORD
from tests.support.system import make_settings, run_web

# One browser for all tests of this module: it has to live in one event loop with them.
pytestmark = pytest.mark.asyncio(loop_scope="module")
PICTURES = os.environ.get("PICTURES_OF_PAGES")


class Site(NamedTuple):
    """A running web process and the people of its shop: 店長 is an owner, 佐藤 is not."""

    url: str
    people: People
    redis: Redis

    async def link(self, name: str) -> str:
        return f"{self.url}/welcome/{await self.people.new_link(name, 'reset', datetime.now(UTC))}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with run_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def site(redis_url: str) -> AsyncIterator[Site]:
    async with (
        run_web(make_settings(redis_url)) as url,
        Store(redis_url, timeout_s=5) as store,
        connect(redis_url, timeout_s=5) as redis,
    ):
        people = People(store)
        sessions = Sessions(store, people)
        now = datetime.now(UTC)
        for name, role in (("店長", "owner"), ("佐藤", "staff")):
            token = await people.add(name, "owner" if role == "owner" else "staff", now)
            await sessions.redeem(token, PASSWORD, "198.51.100.1", now)
        yield Site(url, people, redis)


async def log_in(page: Page, site: Site, name: str) -> None:
    await page.goto(f"{site.url}/inbox")
    await page.get_by_label("お名前").fill(name)
    await page.get_by_label("パスワード", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="ログイン").click()
    await expect(page.get_by_role("heading", name="受信箱")).to_be_visible()


async def look(page: Page, name: str) -> None:
    """Look for faults; and keep a picture where somebody asked for them."""
    if PICTURES:
        size = page.viewport_size
        await page.screenshot(path=Path(PICTURES) / f"{name}-{size['width'] if size else 0}.png", full_page=True)
    assert await faults(page) == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
async def test_every_page_can_be_used_by_everybody(chromium: Browser, site: Site, width: int, *, dark: bool) -> None:
    night = "-night" if dark else ""
    async with open_page(chromium, width=width, dark=dark) as page:
        await page.goto(f"{site.url}/inbox")
        await look(page, f"login{night}")
        await page.get_by_label("お名前").fill("佐藤")
        await page.get_by_label("パスワード", exact=True).fill("違うパスワード")
        await page.get_by_role("button", name="ログイン").click()
        await expect(page.get_by_role("alert").filter(has_text="違います")).to_be_visible()
        await look(page, f"login-wrong{night}")
        await log_in(page, site, "店長")
        await look(page, f"inbox{night}")
        await page.goto(f"{site.url}/staff")
        await page.get_by_label("お名前").fill("鈴木 花子")
        await page.get_by_role("button", name="招待リンクを作る").click()
        await look(page, f"staff-invited{night}")
        await page.get_by_role("button", name="停止 （佐藤さん）").click()
        await look(page, f"staff{night}")
        await page.goto(f"{site.url}/nowhere")
        await look(page, f"error{night}")
        await page.goto(await site.link("店長"))
        await page.get_by_label("パスワード", exact=True).fill("password2026")
        await page.get_by_role("button", name="決定してログイン").click()
        await expect(page.get_by_text("推測されやすい")).to_be_visible()
        await look(page, f"welcome{night}")
        await page.locator("summary").click()
        await look(page, f"menu{night}")
        await page.get_by_role("button", name="English").click()
        await expect(page.get_by_role("heading", name="A new password")).to_be_visible()
        await look(page, f"english{night}")


async def test_an_owner_invites_somebody_who_chooses_a_password_and_is_in(chromium: Browser, site: Site) -> None:
    async with open_page(chromium, width=1280) as desk, open_page(chromium) as phone:
        await log_in(desk, site, "店長")
        await desk.get_by_role("link", name="スタッフ").click()
        await desk.get_by_label("お名前").fill("鈴木 花子")
        await desk.get_by_role("button", name="招待リンクを作る").click()
        await expect(desk.get_by_role("heading", name="鈴木 花子さんの招待リンク")).to_be_focused()
        await expect(desk.get_by_role("listitem").filter(has_text="鈴木 花子")).to_contain_text("招待中")
        link = await desk.get_by_label("リンク", exact=True).input_value()

        await phone.goto(link)
        await expect(phone.get_by_role("heading", name="鈴木 花子さん、ようこそ")).to_be_visible()
        await expect(phone.get_by_text("スタッフ 鈴木 花子")).to_be_visible()
        password = phone.get_by_label("パスワード", exact=True)
        await password.fill(PASSWORD)
        await phone.get_by_role("button", name="パスワードを表示").click()
        await expect(password).to_have_attribute("type", "text")
        await phone.get_by_role("button", name="決定してログイン").click()
        await expect(phone.get_by_role("heading", name="受信箱")).to_be_visible()
        await expect(phone.get_by_text("鈴木 花子")).to_be_visible()

        await desk.goto(f"{site.url}/staff")
        await expect(desk.get_by_role("listitem").filter(has_text="鈴木 花子")).to_contain_text("利用中")


async def test_somebody_who_forgot_the_password_gets_a_link_and_another_one(chromium: Browser, site: Site) -> None:
    async with open_page(chromium) as owner, open_page(chromium) as phone:
        await log_in(owner, site, "店長")
        await owner.goto(f"{site.url}/staff")
        await owner.get_by_role("button", name="再設定リンク （佐藤さん）").click()
        link = await owner.get_by_label("リンク", exact=True).input_value()
        await phone.goto(link)
        await phone.get_by_label("パスワード", exact=True).fill("みじかい")
        await phone.get_by_role("button", name="決定してログイン").click()
        await expect(phone.get_by_text("10文字以上にしてください")).to_be_visible()
        await phone.get_by_label("パスワード", exact=True).fill("あたらしい青い自転車")
        await phone.get_by_role("button", name="決定してログイン").click()
        await expect(phone.get_by_role("heading", name="受信箱")).to_be_visible()
        await phone.locator("summary").click()
        await phone.get_by_role("button", name="ログアウト").click()
        await phone.goto(link)
        await expect(phone.get_by_text("使用済みか期限切れ")).to_be_visible()


async def test_whoever_is_shut_out_stands_before_the_login(chromium: Browser, site: Site) -> None:
    async with open_page(chromium) as owner, open_page(chromium) as phone:
        await log_in(phone, site, "佐藤")
        await log_in(owner, site, "店長")
        await owner.goto(f"{site.url}/staff")
        await owner.get_by_role("button", name="停止 （佐藤さん）").click()
        await expect(owner.get_by_role("listitem").filter(has_text="佐藤")).to_contain_text("停止中")
        await phone.reload()
        await expect(phone.get_by_role("heading", name="ログイン")).to_be_visible()
        await owner.get_by_role("button", name="再開 （佐藤さん）").click()
        await expect(owner.get_by_role("listitem").filter(has_text="佐藤")).to_contain_text("利用中")


async def test_a_session_that_is_over_asks_for_the_login_and_leaves_what_was_typed(
    chromium: Browser, site: Site
) -> None:
    async with open_page(chromium) as page:
        await log_in(page, site, "店長")
        await page.goto(f"{site.url}/staff")
        # The form goes through htmx, as those of the inbox do.
        await page.evaluate(
            """() => {
              const form = document.querySelector('form.invite');
              form.setAttribute('hx-post', '/staff/invite');
              form.setAttribute('hx-target', 'body');
              htmx.process(form);
            }"""
        )
        await page.get_by_label("お名前").fill("書きかけの名前")
        for key in await site.redis.keys("{henji}:session:*"):
            await site.redis.delete(key)
        await page.get_by_role("button", name="招待リンクを作る").click()
        dialog = page.get_by_role("dialog", name="もう一度ログインしてください")
        await expect(dialog).to_be_visible()
        assert await faults(page) == []
        await dialog.get_by_label("お名前").fill("店長")
        await dialog.get_by_label("パスワード", exact=True).fill("違うパスワード")
        await dialog.get_by_role("button", name="ログイン").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("違います")
        await dialog.get_by_label("パスワード", exact=True).fill(PASSWORD)
        await dialog.get_by_role("button", name="ログイン").click()
        await expect(dialog).to_be_hidden()
        await expect(page.get_by_label("お名前")).to_have_value("書きかけの名前")
        await page.get_by_role("button", name="招待リンクを作る").click()
        await expect(page.get_by_role("heading", name="書きかけの名前さんの招待リンク")).to_be_visible()


async def test_without_scripts_people_get_in_and_invite_all_the_same(chromium: Browser, site: Site) -> None:
    async with open_page(chromium, scripts=False) as page:
        await log_in(page, site, "店長")
        await page.goto(f"{site.url}/staff")
        await page.get_by_label("お名前").fill("鈴木")
        await page.get_by_role("button", name="招待リンクを作る").click()
        await expect(page.get_by_label("リンク", exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name="コピー")).to_be_hidden()


async def test_all_can_be_reached_by_keyboard(chromium: Browser, site: Site) -> None:
    async with open_page(chromium, width=1280) as page:
        await page.goto(f"{site.url}/login")
        reached: list[str] = []
        for _ in range(7):
            await page.keyboard.press("Tab")
            reached.append(
                str(await page.evaluate("document.activeElement.textContent || document.activeElement.name"))
            )
        assert [text.strip() for text in reached] == [
            "本文へ移動",
            "返事",
            "English",
            "name",
            "password",
            "",
            "ログイン",
        ]
