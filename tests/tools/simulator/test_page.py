"""The page: a chat as LINE shows it, what Henji decided beside it, and what becomes of both when something fails."""

import pytest
from playwright.async_api import Page, expect

from service.tools.fakeline.server import FakeLine
from service.tools.simulator.app import ShopTime, SimulatorServer, start_simulator
from tests.tools.page_checks import NAMELESS, PALE
from tests.tools.simulator.conftest import say
from tests.tools.simulator.tiny_henji import API_TOKEN, TinyHenji

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_question_is_answered_and_the_reason_shown(page: Page, fake: FakeLine) -> None:
    await say(page, "日曜の営業時間は?")
    await expect(page.locator(".row.out .bubble")).to_have_text("日曜の営業時間は?")
    await expect(page.locator(".row.in .bubble")).to_contain_text("本日は10:00〜20:00です。\nふだんは")
    await expect(page.locator(".row.in .sender")).to_have_text("自動応答 from ヘアサロン すみれ")
    await expect(page.locator(".row.in .mark")).to_have_text("無料")
    await expect(page.locator(".row.in .bubble a")).to_have_attribute("href", "https://shop.example/hours")
    await expect(page.locator(".row.out .read")).to_have_text("既読")
    card = page.locator(".card")
    await expect(card.locator(".badge")).to_have_text("回答")
    await expect(card.locator(".reason")).to_have_text("FAQに確かな答えがあるため、そのまま回答しました")
    await expect(card.locator(".entry")).to_contain_text("営業時間を教えてください")
    await expect(card.locator(".chosen .percent")).to_have_text("94%")
    await expect(card.locator(".facts")).to_contain_text("a1b2c3d4")
    await expect(card.locator(".facts")).to_contain_text("3.1 ms")
    assert len(fake.timeline(next(iter(fake.users)))) == 2


async def test_quick_replies_tap_talk_and_go_away(page: Page, fake: FakeLine) -> None:
    await say(page, "予約したいです")
    pills = page.locator("#buttons .pill")
    await expect(pills).to_have_text(["予約方法", "営業時間", "予約ページ", "日時を送る"])
    await expect(pills.nth(2)).to_have_attribute("href", "https://shop.example/booking")
    await expect(page.locator(".badge")).to_have_text("確認")
    await expect(page.locator(".block ol li")).to_have_text(
        ["予約はどうすればよいですか", "予約を変更・キャンセルしたい"]
    )
    await pills.first.click()
    await expect(page.locator(".row.out .bubble").last).to_have_text("予約はどうすればよいですか")
    await expect(page.locator("#buttons")).to_be_hidden()
    await expect(page.locator(".row.in .bubble")).to_have_count(2)
    await fake.until(lambda: len(fake.deliveries) == 2)
    assert fake.deliveries[1].event["postback"] == {"data": "c=booking"}
    await say(page, "予約")
    await pills.nth(1).click()
    await expect(page.locator(".row.out .bubble").last).to_have_text("営業時間は?")
    await expect(page.locator("#buttons")).to_be_hidden()
    await fake.until(lambda: len(fake.deliveries) == 4)
    assert fake.deliveries[3].event["message"]["text"] == "営業時間は?"


async def test_a_button_may_open_the_keyboard_with_a_text(page: Page) -> None:
    await say(page, "予約")
    await page.get_by_role("button", name="日時を送る").click()
    await expect(page.locator("#text")).to_have_value("ご希望日時：")
    await expect(page.locator("#text")).to_be_focused()


async def test_a_push_is_marked_with_its_price_and_the_staff_s_name(page: Page) -> None:
    await say(page, "プッシュ")
    await expect(page.locator(".row.in .mark")).to_have_text(["1通", "同じ1通"])
    await expect(page.locator(".row.in .sender")).to_have_text("スタッフ 佐藤 from ヘアサロン すみれ")
    await expect(page.locator(".card .reason"), "an unknown reason is shown as it is, never as HTML").to_have_text(
        "<i>new</i>"
    )


async def test_a_handoff_says_that_the_bot_has_stopped(page: Page) -> None:
    await expect(page.locator("#state")).to_have_text("自動応答中")
    await page.click("#things-button")
    await page.get_by_role("button", name="写真", exact=True).click()
    await expect(page.locator(".row.out img.photo")).to_be_visible()
    await expect(page.locator("#state")).to_have_text("要対応")
    await expect(page.locator(".notice")).to_contain_text("スタッフが対応するまで自動応答は止まっています")
    await expect(page.locator(".badge").first).to_have_text("スタッフへ")


async def test_enter_sends_shift_enter_does_not_and_composing_never_does(page: Page, fake: FakeLine) -> None:
    await page.fill("#text", "一行目")
    await page.press("#text", "Shift+Enter")
    await page.locator("#text").press_sequentially("二行目")
    for detail in ("isComposing: true", "keyCode: 229"):
        event = f"new KeyboardEvent('keydown', {{key: 'Enter', bubbles: true, cancelable: true, {detail}}})"
        await page.locator("#text").evaluate(f"element => element.dispatchEvent({event})")
    assert fake.deliveries == []
    await page.press("#text", "Enter")
    await expect(page.locator(".row.out .bubble")).to_have_text("一行目\n二行目")
    await expect(page.locator("#text")).to_have_value("")
    await fake.until(lambda: len(fake.deliveries) == 1)


async def test_a_message_henji_did_not_take_can_be_sent_again(page: Page, fake: FakeLine, henji: TinyHenji) -> None:
    henji.is_down = True
    await say(page, "営業時間は?")
    await expect(page.locator(".failed")).to_contain_text("送信できませんでした（Henji が応答しません）")
    henji.is_down = False
    await page.get_by_role("button", name="再送").click()
    await expect(page.locator(".row.in .bubble")).to_have_count(1)
    await expect(page.locator(".failed")).to_have_count(0)
    await expect(page.locator(".row.out .bubble")).to_have_count(1)
    first, second = [delivery.event for delivery in fake.deliveries]
    assert first["webhookEventId"] == second["webhookEventId"]
    assert second["deliveryContext"]["isRedelivery"] is True


async def test_customers_have_their_own_chats_and_unread_dots(page: Page, fake: FakeLine) -> None:
    names = page.locator(".customer .name")
    await expect(names).to_have_text(["田中 はるか", "佐藤 健", "Emma", "美容室の友だち"])
    emma = list(fake.users)[2]
    await fake.send_text(emma, "営業時間は?")
    await expect(page.locator(".dot")).to_have_count(1)
    await expect(page.locator(".row")).to_have_count(0)
    await page.get_by_role("button", name="Emma").click()
    await expect(page.locator(".dot")).to_have_count(0)
    await expect(page.locator(".row.in")).to_have_count(1)
    await page.click("#add")
    await expect(names).to_have_text(["田中 はるか", "佐藤 健", "Emma", "鈴木 美咲", "美容室の友だち"])
    await expect(page.locator("#as")).to_have_text("鈴木 美咲 さんの画面")
    assert fake.deliveries[-1].event["type"] == "follow"


async def test_henji_out_of_reach_is_said_and_the_chat_goes_on(page: Page, henji: TinyHenji) -> None:
    henji.answers_rest = False
    await say(page, "営業時間は?")
    await expect(page.locator(".notice.bad")).to_have_text("Henji に接続できません。")
    await expect(page.locator(".row.in .bubble")).to_have_count(1)


async def test_the_page_reconnects_by_itself(
    page: Page, fake: FakeLine, simulator: SimulatorServer, henji_and_url: tuple[TinyHenji, str], shop_time: ShopTime
) -> None:
    await simulator.stop()
    await expect(page.locator("#lost")).to_be_visible()
    await fake.send_text(next(iter(fake.users)), "営業時間は?")
    port = int(simulator.base_url.rsplit(":", 1)[1])
    again = await start_simulator(
        fake, henji_url=henji_and_url[1], api_token=API_TOKEN, host="127.0.0.1", port=port, shop_time=shop_time
    )
    await expect(page.locator("#lost")).to_be_hidden()
    await expect(page.locator(".row.in .bubble")).to_have_count(1)
    await again.stop()


async def test_the_page_speaks_english_too(page: Page) -> None:
    await say(page, "営業時間は?")
    await expect(page.locator(".badge")).to_have_text("回答")
    await page.click("#language")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator(".badge")).to_have_text("Answer")
    await expect(page.locator(".row.in .mark")).to_have_text("free")
    await expect(page.locator("#text")).to_have_attribute("placeholder", "Write a message")
    assert await page.title() == "Henji simulator"


async def test_on_a_phone_three_tabs_share_the_screen(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await say(page, "予約したいです")
    await expect(page.locator("#buttons .pill").first).to_be_visible()
    for tab, shown in (("記録", ".record"), ("お客様", ".customers"), ("トーク", ".phone")):
        await page.locator(".tabs button", has_text=tab).click()
        await expect(page.locator(shown)).to_be_visible()
        await expect(page.locator(".panel:visible")).to_have_count(1)
        assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_every_control_has_a_name(page: Page) -> None:
    await say(page, "予約したいです")
    for tray in ("#things", "#stickers"):
        await page.click(f"{tray}-button")
        assert await page.evaluate(NAMELESS) == []
    await page.locator(".stickers button").first.click()
    await expect(page.locator(".card")).to_have_count(2)
    await page.locator(".row.out .more").last.click()
    assert await page.evaluate(NAMELESS) == []
    await page.get_by_role("button", name="美容室の友だち").click()
    assert await page.evaluate(NAMELESS) == []
    await expect(page.locator("#log")).to_have_attribute("aria-live", "polite")


async def test_every_text_can_be_read(page: Page, fake: FakeLine, henji: TinyHenji) -> None:
    for text in ("営業時間は?", "プッシュ", "ありがとう", "?", "予約"):
        await say(page, text)
    for thing in ("photos", "videos", "voices", "places"):
        await page.click("#things-button")
        await page.click(f"[data-send={thing}]")
    await expect(page.locator(".card")).to_have_count(9)
    await page.locator(".row.out .more").first.click()
    await page.click("#unsend")
    await expect(page.locator(".bubble.unsent")).to_have_count(1)
    fake.operator_says(next(iter(fake.users)), "担当の鈴木です。")
    await expect(page.locator(".mark.operator")).to_have_count(1)
    henji.is_down = True
    await say(page, "もしもし")
    await expect(page.locator(".failed")).to_be_visible()
    await page.click("[data-to=night]")
    await expect(page.locator("#moved")).to_be_visible()
    await page.click("#things-button")
    assert await page.evaluate(PALE) == []
    await page.click("#block")
    await expect(page.locator("#closed")).to_be_visible()
    assert await page.evaluate(PALE) == []
