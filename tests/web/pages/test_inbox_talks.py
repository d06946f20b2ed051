"""A conversation on the screen: what customers send, what staff write about them, done and taken up again."""

import re

import pytest
from playwright.async_api import expect

from tests.support.inbox import Counter, asks, bubbles, handoff_of, open_first

# One browser for all tests of this module: it has to live in one event loop with them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_names_and_messages_with_markup_are_only_text(counter: Counter) -> None:
    name, words = "<img src=x onerror=alert(1)>🌸", "</p><script>alert(1)</script>\nスタッフと話したい"
    await asks(counter, name, words)
    await asks(counter, "مريم")
    page = await counter.sign_in()
    await expect(page.locator("#list .name")).to_have_text([name, "مريم"])
    await open_first(page)
    await expect(page.locator(".head h2")).to_have_text(name)
    await expect(bubbles(page, "customer")).to_have_text(words)
    assert await page.locator("#desk script").count() == 0
    assert await page.locator(".head h2 bdi").count() == 1


async def test_photos_stickers_files_and_places_can_be_seen(counter: Counter) -> None:
    fake = counter.system.fake
    customer = fake.add_user("Emma")
    await fake.image(customer)
    await fake.sticker(customer)
    await fake.location(customer, 35.68, 139.76)
    await fake.file(customer, "見積書.pdf", b"x" * 2000)
    await fake.media(customer, "audio")
    await handoff_of(counter, customer)
    await counter.system.decided(customer, 1)
    page = await counter.sign_in()
    await open_first(page)
    photo = page.locator(".photo img")
    await expect(photo).to_be_visible()
    assert await photo.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    for words in ("スタンプ", "地図で開く", "見積書.pdf", "音声"):
        await expect(page.locator(".log")).to_contain_text(words)
    answer = await page.request.get(f"{counter.system.url}{await photo.get_attribute('src')}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    stranger = await page.context.browser.new_context() if page.context.browser else None
    assert stranger is not None
    refused = await stranger.request.get(answer.url, max_redirects=0)
    assert refused.status in {303, 401}
    await stranger.close()


async def test_a_message_taken_back_is_shown_as_gone(counter: Counter) -> None:
    customer = await asks(counter)
    delivery = await counter.system.fake.send_text(customer, "内緒の話")
    page = await counter.sign_in()
    await open_first(page)
    await expect(bubbles(page, "customer").last).to_have_text("内緒の話")
    await counter.system.fake.unsend(customer, delivery.event["message"]["id"])
    await expect(bubbles(page, "customer").last).to_have_text("お客様が送信を取り消しました")


async def test_nickname_tags_and_note_are_kept_and_found(counter: Counter) -> None:
    await asks(counter)
    page = await counter.sign_in()
    await open_first(page)
    await page.get_by_label("呼び名").fill("はるちゃん")
    await page.get_by_label("固定メモ").fill("アレルギーあり")
    await page.locator(".about form").first.get_by_role("button", name="保存").click()
    await expect(page.locator(".pinned")).to_have_text(re.compile("アレルギーあり"))
    await expect(page.locator(".head h2")).to_have_text("はるちゃん")
    await page.get_by_label("スタッフだけに見えるメモ").fill("電話も希望")
    await page.get_by_role("button", name="メモを残す").click()
    await expect(page.locator(".notes")).to_contain_text("電話も希望")
    await page.locator(".acts-menu summary").click()
    await page.get_by_label("この対応のタグ").fill("予約、至急")
    await page.locator(".sheet").get_by_role("button", name="保存").click()
    await expect(page.locator("#list .tag")).to_have_text(["予約", "至急"])
    await page.get_by_label("検索", exact=True).fill("はるチャン")
    await expect(page.locator("#list .name")).to_have_text("はるちゃん")
    await page.get_by_label("検索", exact=True).fill("いない人")
    await expect(page.locator(".none")).to_have_text("見つかりませんでした")


async def test_done_without_reply_and_taken_up_again(counter: Counter) -> None:
    await asks(counter)
    page = await counter.sign_in()
    await open_first(page)
    await page.get_by_role("button", name="返信不要").click()
    await expect(page.locator(".notice")).to_have_text("対応済みにしました")
    await expect(page.locator("#list .handoff")).to_have_count(0)
    await page.get_by_role("button", name="対応を再開").click()
    await expect(page.locator(".head .state")).to_have_text("対応中・お客様の返信待ち")
    await page.get_by_role("link", name="対応中").click()
    await expect(page.locator("#list .handoff")).to_have_count(1)
