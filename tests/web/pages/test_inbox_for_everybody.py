"""The inbox by keyboard, on a phone, by day and by night, in English: for whoever works with it."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.support.chromium import faults
from tests.support.inbox import PHONE, Counter, asks, bubbles, open_first

# One browser for all tests of this module: it has to live in one event loop with them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_keyboard_is_enough(counter: Counter) -> None:
    await asks(counter)
    await asks(counter, "佐々木 健")
    page = await counter.sign_in()
    await expect(page.locator("#list .handoff")).to_have_count(2)
    for key in ("j", "j", "k", "j"):
        await page.keyboard.press(key)
    await page.keyboard.press("Enter")
    await expect(page.locator(".head h2")).to_have_text("佐々木 健")
    await page.keyboard.press("r")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("jk?/ です")
    await page.keyboard.press("Control+Enter")
    await expect(bubbles(page, "staff")).to_have_text("jk?/ です")
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await expect(page.locator("#q")).to_be_focused()
    await page.locator("#q").blur()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()


async def test_on_a_phone_one_thing_at_a_time(counter: Counter) -> None:
    customer = await asks(counter)
    page = await counter.sign_in(viewport=PHONE, is_mobile=True, has_touch=True)
    await expect(page.locator("#desk")).to_be_hidden()
    await page.locator("#list .handoff").tap()
    await expect(page.locator(".list-pane")).to_be_hidden()
    await page.get_by_role("link", name="候補").tap()
    await page.get_by_role("button", name="遅れるとの連絡へ").tap()
    await expect(page.locator("#text")).to_have_value("承知しました。お気をつけてお越しください。")
    await page.locator(".way.main").tap()
    await expect(bubbles(page, "staff")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await page.get_by_role("link", name="一覧へ戻る").tap()
    await expect(page.locator(".list-pane")).to_be_visible()
    assert counter.system.fake.seen(customer)[-1].text == "承知しました。お気をつけてお越しください。"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_axe_finds_nothing(counter: Counter, scheme: str, size: str) -> None:
    fake = counter.system.fake
    customer = await asks(counter)
    await fake.image(customer)
    await fake.send_text(customer, "料金いくら?")
    options: dict[str, Any] = {"viewport": PHONE} if size == "phone" else {}
    page = await counter.sign_in(color_scheme=scheme, **options)
    await expect(page.locator("#list .handoff")).to_have_count(1)
    assert await faults(page) == []
    await open_first(page)
    assert await faults(page) == []
    if size == "phone":
        await page.locator(".to-side").click()
        assert await faults(page) == []
    else:
        await page.locator(".acts-menu summary").click()
        assert await faults(page) == []
        await page.get_by_role("link", name="担当者を選ぶ").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await faults(page) == []
    await page.goto(f"{counter.system.url}/inbox")
    await page.locator(".stand").click()
    await page.get_by_label("時短").check()
    await expect(page.locator("#told")).to_be_visible()
    assert await faults(page) == []


async def test_the_inbox_speaks_english(counter: Counter) -> None:
    await asks(counter)
    page = await counter.sign_in(locale="en-GB")
    await expect(page.locator("#list .reason")).to_have_text("Asked for a person")
    await open_first(page)
    await page.fill("#text", "See you on Saturday.")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator(".notice")).to_have_text("Sent")
