"""The inbox in a real browser: from handoff to reply, two people at once, live, by keyboard, on a phone."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from service.adapters.people import People
from service.tools.fakeline.faults import Fault
from tests.support.chromium import faults, run_chromium
from tests.support.inbox import PHONE, Counter, open_counter
from tests.support.waiting import tick

# One browser for all tests of this module: it has to live in one event loop with them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with run_chromium() as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def counter(redis_url: str, browser: Browser) -> AsyncIterator[Counter]:
    async with open_counter(redis_url, browser) as it:
        yield it


async def asks(counter: Counter, name: str = "田中 はるか", text: str = "スタッフと話したい") -> str:
    """Let a new customer ask for a person; returns who it is once the handoff is there."""
    customer = counter.system.fake.add_user(name)
    await counter.system.fake.send_text(customer, text)
    await counter.system.seen(customer, 1)
    await handoff_of(counter, customer)
    return customer


async def handoff_of(counter: Counter, customer: str) -> str:
    while not (found := (await counter.system.archive.conversation(customer)).handoff):
        await tick()
    return found


async def open_first(page: Page) -> None:
    await page.locator("#list .handoff").first.click()
    await expect(page.locator("#desk[data-ready]")).to_be_visible()
    await expect(page.locator("#card h3").first).to_be_attached()


async def send(page: Page, text: str) -> None:
    await page.fill("#text", text)
    await page.get_by_role("button", name="送信", exact=True).click()


def bubbles(page: Page, side: str) -> Locator:
    return page.locator(f".bubble.{side} .words")


async def test_a_handoff_is_seen_read_and_replied_to(counter: Counter) -> None:
    page = await counter.sign_in()
    await expect(page.locator(".none")).to_contain_text("未返信はありません")
    customer = await asks(counter, text="スタッフと話したい")
    row = page.locator("#list .handoff")
    await expect(row.locator(".name")).to_have_text("田中 はるか")
    await expect(row.locator(".reason")).to_have_text("スタッフ希望")
    await expect(row.locator(".said")).to_have_text("スタッフと話したい")
    await expect(page).to_have_title(re.compile(r"^\(1\) 受信箱"))
    await open_first(page)
    await expect(page).to_have_url(re.compile(r"/inbox/[0-9a-f]{16}$"))
    await expect(bubbles(page, "customer")).to_have_text("スタッフと話したい")
    await expect(page.locator("#unreplied")).to_be_visible()
    await expect(page.locator("#cost")).to_have_text("1通消費")
    await send(page, "土曜日は14時からご案内できます。")
    await expect(page.locator(".notice")).to_have_text("送信しました")
    await expect(bubbles(page, "staff")).to_have_text("土曜日は14時からご案内できます。")
    await expect(page.locator(".bubble.staff .delivery")).to_have_text("送信済み")
    await expect(page.locator(".head .state")).to_have_text("対応中・お客様の返信待ち")
    await expect(page.locator(".head")).to_contain_text("あなたが担当")
    await expect(page.locator("#text")).to_have_value("")
    await expect(page.locator("#list .handoff")).to_have_count(0)
    seen = counter.system.fake.seen(customer)
    assert seen[-1].text == "土曜日は14時からご案内できます。"


async def test_sending_and_closing_is_remembered_as_the_usual_way(counter: Counter) -> None:
    await asks(counter)
    customer = await asks(counter, "佐々木 健")
    page = await counter.sign_in()
    await open_first(page)
    await page.fill("#text", "承知しました。")
    await page.get_by_role("button", name="送信して対応済み").click()
    await expect(page.locator(".notice")).to_have_text("送信して、対応済みにしました")
    await expect(page.locator(".head .state")).to_have_text("対応済み")
    await expect(page.locator("#list .handoff")).to_have_count(1)
    await page.locator("#list .handoff").click()
    await expect(page.locator(".head h2")).to_have_text("佐々木 健")
    await expect(page.locator(".way.main")).to_have_text("送信して対応済み")
    await page.fill("#text", "お待ちしております。")
    await page.press("#text", "Control+Enter")
    await expect(page.locator(".notice")).to_have_text("送信して、対応済みにしました")
    assert counter.system.fake.seen(customer)[-1].text == "お待ちしております。"


async def test_what_the_customer_writes_appears_by_itself_and_what_is_typed_stays(counter: Counter) -> None:
    customer = await asks(counter)
    page = await counter.sign_in()
    await open_first(page)
    await page.fill("#text", "書きかけの文章")
    await counter.system.fake.send_text(customer, "急ぎではありません")
    await expect(bubbles(page, "customer").last).to_have_text("急ぎではありません")
    await expect(page.locator("#cost")).to_have_text("無料で返信できます")
    await expect(page.locator("#text")).to_have_value("書きかけの文章")
    await expect(page.locator("#list .said")).to_have_text("急ぎではありません")
    await page.get_by_role("button", name="送信", exact=True).click()
    await expect(page.locator(".notice"), "what was shown counts as seen").to_have_text("送信しました")
    await expect(page.locator(".bubble.staff .foot")).not_to_contain_text("1通")


async def test_of_two_who_reply_one_wins_and_the_other_keeps_the_text(counter: Counter) -> None:
    customer = await asks(counter)
    sato, suzuki = await counter.sign_in("佐藤"), await counter.sign_in("鈴木")
    for page in (sato, suzuki):
        await open_first(page)
        await page.fill("#text", "こちらの返信です")
    await sato.locator(".way.main").click()
    await expect(sato.locator(".notice")).to_have_text("送信しました")
    await suzuki.locator(".way.main").click()
    await expect(suzuki.get_by_role("alert").filter(has_text="佐藤")).to_have_text(
        "佐藤さんが担当しているため、行っていません。必要なら引き継いでください。"
    )
    await expect(suzuki.locator("#text")).to_have_value("こちらの返信です")
    assert [seen.text for seen in counter.system.fake.seen(customer)].count("こちらの返信です") == 1
    await suzuki.get_by_role("button", name="引き継ぐ").click()
    await expect(suzuki.locator(".head")).to_contain_text("あなたが担当")
    await expect(suzuki.locator("#text")).to_have_value("こちらの返信です")
    await expect(sato.locator(".head"), "who lost it sees that at once").to_contain_text("鈴木さんが担当")


async def test_of_two_who_claim_at_once_one_holds_it(counter: Counter) -> None:
    await asks(counter)
    sato, suzuki = await counter.sign_in("佐藤"), await counter.sign_in("鈴木")
    for page in (sato, suzuki):
        await open_first(page)
    # Both forms leave before either answer can arrive.
    for page in (sato, suzuki):
        await page.evaluate("document.querySelector('form[action$=\"/claim\"]').requestSubmit()")
    for page in (sato, suzuki):
        await expect(page.locator(".notice")).to_be_visible()
    said = {await page.locator(".notice").inner_text() for page in (sato, suzuki)}
    assert "担当になりました" in said
    assert any("さんが担当しているため" in words for words in said)


async def test_a_reply_to_something_older_is_not_sent_and_the_text_stays(counter: Counter) -> None:
    customer = await asks(counter)
    page = await counter.sign_in()
    await open_first(page)
    # The page is cut off from what happens, as on a train.
    await page.context.set_offline(True)
    await counter.system.fake.send_text(customer, "やっぱり日曜日にします")
    await counter.system.decided(customer, 2)
    await page.evaluate("find('#talk').id = 'cut-off'")
    await page.context.set_offline(False)
    await send(page, "土曜日でお取りしました")
    await expect(page.get_by_role("alert").filter(has_text="新しい")).to_contain_text("新しいメッセージが届いています")
    await expect(page.locator("#text")).to_have_value("土曜日でお取りしました")
    await expect(bubbles(page, "customer").last).to_have_text("やっぱり日曜日にします")
    await page.locator(".way.main").click()
    await expect(page.locator(".notice")).to_have_text("送信しました")


async def test_a_double_tap_sends_once(counter: Counter) -> None:
    customer = await asks(counter)
    page = await counter.sign_in()
    await open_first(page)
    await page.fill("#text", "一度だけ")
    answers = await page.evaluate(
        """async () => {
          const form = document.querySelector('#reply');
          const body = () => new URLSearchParams(new FormData(form));
          const post = () => fetch(form.action, { method: 'POST', body: body(), headers: { 'HX-Request': 'true' } });
          return (await Promise.all([post(), post()])).map((answer) => answer.status);
        }"""
    )
    assert answers == [200, 200]
    await expect(bubbles(page, "staff")).to_have_count(1)
    assert [seen.text for seen in counter.system.fake.seen(customer)].count("一度だけ") == 1


async def test_a_failed_send_comes_back_with_the_text(counter: Counter) -> None:
    await asks(counter)
    refusal = Fault.status(400, b'{"message":"bad","details":[{"message":"x"}]}')
    counter.system.fake.faults.next("push", refusal)
    page = await counter.sign_in()
    await open_first(page)
    await send(page, "届かない返信")
    await expect(page.get_by_role("alert").filter(has_text="送信できません")).to_be_visible()
    await expect(page.locator("#text")).to_have_value("届かない返信")
    await expect(page.locator(".bubble.staff .delivery")).to_have_text("失敗")
    await page.fill("#text", "")
    await page.get_by_role("button", name="返信欄に戻す").click()
    await expect(page.locator("#text")).to_have_value("届かない返信")
    await page.locator(".way.main").click()
    await expect(page.locator(".notice")).to_have_text("送信しました")


async def test_without_a_connection_the_text_stays_and_the_page_says_so(counter: Counter) -> None:
    await asks(counter)
    page = await counter.sign_in()
    await open_first(page)
    await page.context.set_offline(True)
    await send(page, "つながらない")
    await expect(page.locator("#toast")).to_contain_text("文章は残しています")
    await page.context.set_offline(False)
    await page.reload()
    await expect(page.locator("#text"), "even a reload keeps it").to_have_value("つながらない")


async def test_a_near_entry_is_sent_after_a_moment_or_taken_back(counter: Counter) -> None:
    fake = counter.system.fake
    customer = fake.add_user("佐々木 健")
    await fake.send_text(customer, "料金いくら?")
    await counter.system.seen(customer, 1)
    await fake.send_text(customer, "料金いくら?")
    await counter.system.seen(customer, 2)
    page = await counter.sign_in()
    await open_first(page)
    card = page.locator(".suggestion")
    assert 1 <= await card.count() <= 3
    await expect(card.first).to_contain_text(re.compile("合っている確率 [0-9]+%"))
    await card.first.get_by_role("button", name="この回答を送る").click()
    await page.get_by_role("button", name="取り消す").click()
    await expect(page.locator("#toast")).to_have_text("送信を取り消しました")
    answer = await card.first.locator(".answer").inner_text()
    await card.first.get_by_role("button", name="直して送る").click()
    await expect(page.locator("#text")).to_have_value(answer)
    await page.fill("#text", "")
    await card.first.get_by_role("button", name="この回答を送る").click()
    await expect(bubbles(page, "staff")).to_have_text(answer, timeout=9000)
    assert [seen.text for seen in fake.seen(customer)].count(answer) == 1


async def test_a_draft_with_a_hole_asks_before_it_is_sent(counter: Counter) -> None:
    customer = await asks(counter)
    page = await counter.sign_in()
    await open_first(page)
    await page.get_by_label("定型文を検索").fill("予約")
    await expect(page.locator("#templates button")).to_have_count(1)
    await page.locator("#templates button").click()
    await page.locator(".way.main").click()
    await expect(page.get_by_role("alert").filter(has_text="〇〇")).to_contain_text("このまま送りますか?")
    assert len(counter.system.fake.seen(customer)) == 1
    await page.get_by_role("button", name="このまま送る").click()
    await expect(page.locator(".notice")).to_have_text("送信しました")


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


async def test_whoever_moves_on_while_a_reply_is_on_its_way_keeps_the_focus(counter: Counter) -> None:
    await asks(counter)
    page = await counter.sign_in()
    await open_first(page)
    moved_on = asyncio.Event()

    async def hold_back(route: Route) -> None:
        answer = await route.fetch()
        await moved_on.wait()
        await route.fulfill(response=answer)

    await page.route("**/reply", hold_back)
    await page.locator("#text").fill("かしこまりました")
    await page.keyboard.press("Control+Enter")
    await expect(bubbles(page, "staff")).to_have_text("かしこまりました")
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    moved_on.set()
    await expect(page.locator("#outcome")).to_be_visible()
    await expect(page.locator("#q")).to_be_focused()


async def test_one_connection_serves_all_tabs_and_another_takes_over(counter: Counter) -> None:
    first = await counter.sign_in()
    connections: list[str] = []
    tabs = [first]
    for _ in range(2):
        tab = await first.context.new_page()
        counter.watch(tab)
        tab.on("request", lambda asked: connections.append(asked.url) if "/inbox/live" in asked.url else None)
        await tab.goto(f"{counter.system.url}/inbox")
        tabs.append(tab)
    await asks(counter)
    for tab in tabs:
        await expect(tab.locator("#list .handoff")).to_have_count(1)
    assert connections == [], "the first tab holds the only one"
    await first.close()
    await asks(counter, "佐々木 健")
    for tab in tabs[1:]:
        await expect(tab.locator("#list .handoff")).to_have_count(2)
    assert len(connections) == 1


async def test_whoever_is_shut_out_is_asked_to_log_in_and_keeps_what_was_typed(counter: Counter) -> None:
    await asks(counter)
    page = await counter.sign_in()
    other = await page.context.new_page()
    counter.watch(other)
    await other.goto(f"{counter.system.url}/inbox")
    await open_first(page)
    await page.fill("#text", "土曜日は14時から")
    await People(counter.store).disable("佐藤", datetime.now(UTC))
    for tab in (page, other):
        await expect(tab.locator("#login-dialog")).to_be_visible(timeout=8000)
    await expect(page.locator("#text")).to_have_value("土曜日は14時から")
    await page.locator("#login-password").fill("まだ打っている途中")
    await asks(counter, "佐々木 健")
    await expect(page.locator("#login-password")).to_have_value("まだ打っている途中")
    await expect(page.locator("#list .handoff")).to_have_count(1)


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


async def test_the_inbox_speaks_english(counter: Counter) -> None:
    await asks(counter)
    page = await counter.sign_in(locale="en-GB")
    await expect(page.locator("#list .reason")).to_have_text("Asked for a person")
    await open_first(page)
    await page.fill("#text", "See you on Saturday.")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator(".notice")).to_have_text("Sent")
