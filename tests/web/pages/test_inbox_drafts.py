"""A draft in a real browser: it comes by itself, is marked as the AI's, goes into the box with a tap and no further."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from service.core.drafts import Shown, Sketch
from service.core.texts import Lang
from tests.support.chromium import faults, run_chromium
from tests.support.inbox import PHONE, Counter, open_counter

# One browser for all tests of this module: it has to live in one event loop with them.
pytestmark = pytest.mark.asyncio(loop_scope="module")
LONG = (
    "スタッフと話したい\n昨日カラーをしていただいたのですが、"
    + "思っていたより明るく仕上がったので、" * 4
    + "相談したいです。"
)
REPLY = "お問い合わせありがとうございます。\n担当の者が確認いたします。"
SECOND = "お急ぎではないとのこと、承知いたしました。"


class Drafter:
    """Stands for the language model: once it may, it writes what it is told, the last one again and again."""

    name = "small draft@1#00000000"

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.may_write = asyncio.Event()

    async def draft(
        self,
        texts: Sequence[str],  # noqa: ARG002
        shown: Sequence[Shown],  # noqa: ARG002
        lang: Lang,  # noqa: ARG002
        names: tuple[str | None, ...],  # noqa: ARG002
    ) -> Sketch:
        await self.may_write.wait()
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return Sketch("カラーが明るすぎたので相談したい", reply)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with run_chromium() as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def drafter() -> Drafter:
    return Drafter(REPLY, SECOND)


@pytest_asyncio.fixture(loop_scope="module")
async def counter(redis_url: str, browser: Browser, drafter: Drafter) -> AsyncIterator[Counter]:
    async with open_counter(redis_url, browser, drafter) as it:
        yield it


async def opened(counter: Counter, drafter: Drafter, **options: Any) -> tuple[Page, str]:
    """A customer who waits, and the inbox with their conversation open; the draft comes only then."""
    page = await counter.sign_in(**options)
    customer = counter.system.fake.add_user("田中 はるか")
    await counter.system.fake.send_text(customer, LONG)
    await page.locator("#list .handoff").first.click()
    await expect(page.locator("#desk[data-ready]")).to_be_visible()
    await expect(page.locator("#draft")).to_be_hidden()
    drafter.may_write.set()
    return page, customer


async def test_a_draft_appears_without_a_reload_and_one_tap_puts_it_into_the_box(
    counter: Counter, drafter: Drafter
) -> None:
    page, customer = await opened(counter, drafter)
    draft = page.locator("#draft")
    await expect(draft).to_contain_text("下書き（AIが作成・要確認）")
    await expect(draft).to_contain_text("要約（AIが作成）")
    await expect(draft.locator(".gist")).to_have_text("カラーが明るすぎたので相談したい")
    await expect(draft.locator(".answer")).to_have_text(REPLY)
    await draft.get_by_role("button", name="返信欄に入れる").click()
    await expect(page.locator("#text")).to_have_value(REPLY)
    await expect(page.locator("#text")).to_be_focused()
    assert len(counter.system.fake.seen(customer)) == 1, "the notice, and nothing else"
    await page.get_by_role("button", name="送信", exact=True).click()
    await counter.system.seen(customer, 2)
    assert counter.system.fake.seen(customer)[-1].text == REPLY


async def test_a_further_message_brings_another_draft_and_what_is_typed_stays(
    counter: Counter, drafter: Drafter
) -> None:
    page, customer = await opened(counter, drafter)
    await expect(page.locator("#draft .answer")).to_have_text(REPLY)
    await page.fill("#text", "少々")
    await counter.system.fake.send_text(customer, "急ぎません")
    await expect(page.locator("#draft .answer")).to_have_text(SECOND)
    await expect(page.locator("#text")).to_have_value("少々")


async def test_in_english_too(counter: Counter, drafter: Drafter) -> None:
    page, _ = await opened(counter, drafter, locale="en-US")
    await expect(page.locator("#draft")).to_contain_text("Draft (by AI, please check)")
    await expect(page.locator("#draft").get_by_role("button", name="Put into the reply box")).to_be_visible()


async def test_on_a_phone_it_is_readable_and_can_be_tapped(counter: Counter, drafter: Drafter) -> None:
    page, _ = await opened(counter, drafter, viewport=PHONE)
    await page.locator('a[href="#side"]').first.click()
    await expect(page.locator("#draft .answer")).to_be_visible()
    assert await faults(page) == []
    await page.get_by_role("button", name="返信欄に入れる").click()
    await expect(page.locator("#text")).to_have_value(REPLY)
