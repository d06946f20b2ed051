"""A group chat, and the shop's clock, as the page shows them."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect

from service.tools.fakeline.server import FakeLine
from tests.tools.simulator.conftest import first_customer, say

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def open_group(page: Page) -> None:
    await page.get_by_role("button", name="美容室の友だち").click()
    await page.get_by_role("button", name="招待する").click()
    await expect(page.locator("#compose")).to_be_visible()


async def test_the_shop_is_invited_into_a_group_and_removed_from_it(page: Page, fake: FakeLine) -> None:
    await page.get_by_role("button", name="美容室の友だち").click()
    await expect(page.locator("#closed")).to_contain_text("ヘアサロン すみれは、まだこのグループにいません。")
    await expect(page.locator("#shop")).to_have_text("美容室の友だち（3）")
    await page.get_by_role("button", name="招待する").click()
    await expect(page.locator("#shop")).to_have_text("美容室の友だち（4）")
    await page.get_by_role("button", name="退会させる").click()
    await expect(page.locator("#compose")).to_be_hidden()
    group = next(iter(fake.platform.groups))
    assert [delivery.event["type"] for delivery in fake.deliveries] == ["join", "leave"]
    assert {delivery.event["source"]["groupId"] for delivery in fake.deliveries} == {group}


async def test_members_talk_in_a_group_and_each_sees_the_others_on_the_left(page: Page, fake: FakeLine) -> None:
    await open_group(page)
    await expect(page.locator(".row.in .sender")).to_have_count(1)
    await say(page, "ありがとう")
    await expect(page.locator(".row.out .bubble")).to_have_text("ありがとう")
    await page.select_option("#speaker", label="佐藤 健")
    await expect(page.locator(".row.out")).to_have_count(0)
    await expect(page.locator(".row.in .sender").last).to_have_text("田中 はるか")
    await say(page, "ありがとうございます")
    await expect(page.locator(".row.out .bubble")).to_have_text("ありがとうございます")
    events = [delivery.event for delivery in fake.deliveries if delivery.event["type"] == "message"]
    assert [fake.users[event["source"]["userId"]].display_name for event in events] == ["田中 はるか", "佐藤 健"]
    assert not any("mention" in event["message"] for event in events)


async def test_the_shop_is_mentioned_by_a_button(page: Page, fake: FakeLine) -> None:
    await open_group(page)
    await page.click("#mention")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("営業時間は?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".row.out .bubble")).to_have_text("@ヘアサロン すみれ 営業時間は?")
    await expect(page.locator(".row.in .mark").last).to_have_text("無料")
    (mentioned,) = fake.deliveries[-1].event["message"]["mention"]["mentionees"]
    assert (mentioned["isSelf"], mentioned["index"], mentioned["length"]) == (True, 0, 10)


async def test_the_clock_is_moved_and_put_back(page: Page, fake: FakeLine, moved: list[int]) -> None:
    zone = ZoneInfo("Asia/Tokyo")
    await expect(page.locator("#clock")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    await expect(page.get_by_role("button", name="今に戻す")).to_be_disabled()
    await page.get_by_role("button", name="夜へ").click()
    await expect(page.locator("#clock")).to_have_text("22:00")
    await expect(page.locator(".phone-time")).to_contain_text("22:00 営業時間外")
    await expect(page.locator("#moved")).to_be_visible()
    await say(page, "営業時間は?")
    await expect(page.locator(".row.out time")).to_have_text("22:00")
    await expect(page.locator(".row.in time")).to_have_text("22:00")
    await page.get_by_role("button", name="＋1時間").click()
    await expect(page.locator("#clock")).to_have_text("23:00")
    said = datetime.fromtimestamp(fake.deliveries[0].event["timestamp"] / 1000, zone)
    assert (said.hour, said.minute) == (22, 0)
    await page.get_by_role("button", name="今に戻す").click()
    await expect(page.locator("#moved")).to_be_hidden()
    assert [ahead > 0 for ahead in moved] == [True, True, False]
    assert moved[1] - moved[0] >= 3_600_000
    assert fake.platform.ahead_s == 0


async def test_a_page_opened_later_shows_the_moved_time_too(page: Page) -> None:
    await page.get_by_role("button", name="翌朝へ").click()
    await expect(page.locator("#clock")).to_have_text("10:30")
    date = await page.locator("#date").inner_text()
    await page.reload()
    await expect(page.locator("#clock")).to_have_text("10:30")
    await expect(page.locator("#date")).to_have_text(date)
    await expect(page.locator(".face")).to_contain_text("営業中")
    await page.get_by_role("button", name="祝日へ").click()
    await expect(page.locator("#clock")).to_have_text("12:00")
    await expect(page.locator("#date")).not_to_have_text(date)


async def test_on_a_phone_the_time_above_the_chat_leads_to_the_clock(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await expect(page.locator(".shop-time")).to_be_hidden()
    await page.locator(".phone-time").press("Enter")
    await expect(page.get_by_role("button", name="夜へ")).to_be_focused()
    assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_a_new_friend_is_a_customer_who_followed(page: Page, fake: FakeLine) -> None:
    await page.get_by_role("button", name="＋新しい友だち").press("Enter")
    await expect(page.locator(".customer[aria-current] .name")).to_have_text("鈴木 美咲")
    event = fake.deliveries[0].event
    assert event["follow"] == {"isUnblocked": False}
    assert event["source"]["userId"] != first_customer(fake)
