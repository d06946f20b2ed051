"""What a customer can send and take back, by mouse, by finger and by keyboard."""

import pytest
from playwright.async_api import Browser, Page, expect

from service.tools.fakeline.server import ONE_PIXEL_PNG, FakeLine
from service.tools.simulator.app import SimulatorServer
from tests.tools.simulator.conftest import first_customer, say

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_sticker_is_picked_with_the_keyboard_and_sent_with_its_keywords(page: Page, fake: FakeLine) -> None:
    await page.focus("#stickers-button")
    await page.keyboard.press("Enter")
    await expect(page.locator("#stickers-button")).to_have_attribute("aria-expanded", "true")
    await page.get_by_role("button", name="ありがとう").press("Enter")
    await expect(page.locator(".row.out .big-sticker")).to_have_attribute("alt", "ありがとう")
    await expect(page.locator("#stickers")).to_be_hidden()
    await expect(page.locator("#stickers-button")).to_be_focused()
    message = fake.deliveries[0].event["message"]
    assert message["type"] == "sticker"
    assert {"Thank you", "thanks"} <= set(message["keywords"])
    await page.click("#stickers-button")
    await page.get_by_role("button", name="はてな？").press("Escape")
    await expect(page.locator("#stickers")).to_be_hidden()
    await expect(page.locator("#stickers-button")).to_be_focused()


@pytest.mark.parametrize("name", ["OK", "えーん", "はてな？"])
async def test_each_other_sticker_is_sent_as_itself(page: Page, fake: FakeLine, name: str) -> None:
    await page.click("#stickers-button")
    await page.get_by_role("button", name=name).click()
    await expect(page.locator(".row.out .big-sticker")).to_have_attribute("alt", name)
    assert await page.locator(".row.out .big-sticker").evaluate("image => image.naturalWidth") > 0
    assert fake.deliveries[0].event["message"]["stickerId"]


async def test_photo_video_voice_and_place_are_at_hand(page: Page, fake: FakeLine) -> None:
    for thing in ("写真", "動画", "ボイス", "位置情報"):
        await page.click("#things-button")
        await page.get_by_role("button", name=thing, exact=True).click()
        await expect(page.locator("#things")).to_be_hidden()
    await expect(page.locator(".row.out")).to_have_count(4)
    await expect(page.locator("img.photo")).to_be_visible()
    await page.wait_for_function("document.querySelector('video').readyState >= 1")
    await expect(page.locator(".place")).to_contain_text("渋谷駅")
    play = page.get_by_role("button", name="ボイスメッセージを再生（0:03）")
    await play.click()
    await expect(play).to_have_class("play playing")
    sent = [delivery.event["message"] for delivery in fake.deliveries]
    assert [message["type"] for message in sent] == ["image", "video", "audio", "location"]
    assert [message.get("duration") for message in sent] == [None, 3_000, 3_000, None]


async def test_a_photo_and_a_file_can_be_picked_from_the_machine(page: Page, fake: FakeLine) -> None:
    await page.click("#things-button")
    async with page.expect_file_chooser() as choosing:
        await page.get_by_role("button", name="写真を選ぶ").click()
    await (await choosing.value).set_files({"name": "cut.png", "mimeType": "image/png", "buffer": ONE_PIXEL_PNG})
    await expect(page.locator("img.photo")).to_be_visible()
    await page.click("#things-button")
    async with page.expect_file_chooser() as choosing:
        await page.get_by_role("button", name="ファイルを選ぶ").click()
    form = b"%PDF" * 1024
    await (await choosing.value).set_files({"name": "申込書.pdf", "mimeType": "application/pdf", "buffer": form})
    await expect(page.locator(".bubble.file")).to_have_text("申込書.pdf4 KB")
    photo, file = [delivery.event["message"] for delivery in fake.deliveries]
    kept = fake.platform.contents[photo["id"]]
    assert (kept.data, kept.content_type) == (ONE_PIXEL_PNG, "image/png")
    assert (file["type"], file["fileName"], file["fileSize"]) == ("file", "申込書.pdf", 4096)
    await page.set_input_files(
        "#pick-files",
        {"name": "big.bin", "mimeType": "application/octet-stream", "buffer": bytes(10 * 1024 * 1024 + 1)},
    )
    await expect(page.locator("#problem")).to_have_text("10 MBまでのファイルを送れます。")
    assert len(fake.deliveries) == 2


async def test_a_message_is_taken_back_with_the_keyboard(page: Page, fake: FakeLine) -> None:
    await say(page, "間違えました")
    await expect(page.locator(".row.in .bubble")).to_have_count(1)
    await page.locator(".row.out .more").press("Enter")
    await expect(page.get_by_role("button", name="送信を取り消す")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#menu")).to_be_hidden()
    await expect(page.locator(".row.out .more")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.locator(".row.out .bubble")).to_have_text("送信を取り消しました")
    await fake.until(lambda: len(fake.deliveries) == 2)
    sent, unsent = [delivery.event for delivery in fake.deliveries]
    assert unsent["unsend"] == {"messageId": sent["message"]["id"]}
    await page.locator(".row.out .more").press("Enter")
    await expect(page.get_by_role("button", name="送信を取り消す")).to_be_hidden()


async def test_a_right_click_opens_the_menu_and_a_click_elsewhere_closes_it(page: Page) -> None:
    await say(page, "営業時間は?")
    await page.locator(".row.out .bubble").click(button="right")
    await expect(page.locator("#menu")).to_be_visible()
    await page.locator("#shop").click()
    await expect(page.locator("#menu")).to_be_hidden()


async def test_a_long_press_opens_the_menu_on_a_phone(browser: Browser, simulator: SimulatorServer) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = await context.new_page()
    await page.goto(simulator.base_url)
    await say(page, "ok?")
    bubble = page.locator(".row.out .bubble")
    await expect(bubble).to_have_count(1)
    await bubble.dispatch_event("pointerdown", {"pointerType": "touch", "bubbles": True})
    await expect(page.locator("#menu")).to_be_visible()
    await bubble.dispatch_event("pointerup", {"pointerType": "touch", "bubbles": True})
    await expect(page.locator("#menu")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await context.close()


async def test_an_event_can_be_delivered_a_second_time(page: Page, fake: FakeLine) -> None:
    await say(page, "営業時間は?")
    await expect(page.locator(".row.in .bubble")).to_have_count(1)
    await page.locator(".row.out .more").press("Enter")
    await page.get_by_role("button", name="もう一度届ける").press("Enter")
    await fake.until(lambda: len(fake.deliveries) == 2)
    first, second = [delivery.event for delivery in fake.deliveries]
    assert first["webhookEventId"] == second["webhookEventId"]
    assert second["deliveryContext"] == {"isRedelivery": True}
    await expect(page.locator(".row.out")).to_have_count(1)


async def test_blocking_closes_the_chat_and_unblocking_opens_it_again(page: Page, fake: FakeLine) -> None:
    await page.click("#block")
    await expect(page.locator("#closed")).to_contain_text("このアカウントをブロックしています。")
    await expect(page.locator("#compose")).to_be_hidden()
    await expect(page.locator(".customer .preview").first).to_have_text("ブロック中")
    assert fake.users[first_customer(fake)].state == "blocked"
    await page.get_by_role("button", name="ブロックを解除").click()
    await expect(page.locator("#compose")).to_be_visible()
    blocked, unblocked = [delivery.event for delivery in fake.deliveries]
    assert blocked["type"] == "unfollow"
    assert unblocked["follow"] == {"isUnblocked": True}


async def test_what_could_not_be_sent_is_said_and_stays_in_the_box(page: Page, simulator: SimulatorServer) -> None:
    await simulator.stop()
    await say(page, "営業時間は?")
    await expect(page.locator("#problem")).to_have_text("送れませんでした。もう一度お試しください。")
    await expect(page.locator("#text")).to_have_value("営業時間は?")


async def test_a_picture_in_an_answer_is_fetched_from_the_shop(page: Page) -> None:
    await say(page, "地図")
    await expect(page.locator(".row.in img.photo")).to_have_attribute("src", "/img/map.png")
    await page.wait_for_function("document.querySelector('.row.in img.photo').naturalWidth === 1")
