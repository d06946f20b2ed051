"""Replying in a real browser: sent once, never past what was not seen, and nothing that was typed is lost."""

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from service.adapters.vitals import Vitals
from service.tools.fakeline.faults import Fault
from tests.support.inbox import Counter, asks, bubbles, handoff_of, open_first, send
from tests.support.waiting import tick

# One browser for all tests of this module: it has to live in one event loop with them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_line_s_own_chat_opens_with_the_text_on_the_clipboard_and_the_reply_is_recorded(counter: Counter) -> None:
    customer = await asks(counter)
    await Vitals(counter.store).note_quota(200, 190)
    page = await counter.sign_in(permissions=["clipboard-read", "clipboard-write"])
    await page.context.route("https://chat.line.biz/**", lambda route: route.fulfill(body="LINE"))
    await open_first(page)
    await expect(page.locator(".send .main")).to_have_text("LINEのチャットで返信（無料）")
    await page.fill("#text", "土曜日の14時でご案内できます。")
    async with page.context.expect_page() as opened:
        await page.press("#text", "Control+Enter")
    assert (await opened.value).url == "https://chat.line.biz/"
    await page.bring_to_front()
    assert await page.evaluate("navigator.clipboard.readText()") == "土曜日の14時でご案内できます。"
    await expect(page.locator("#toast")).to_contain_text("文章をコピーしました")
    await page.get_by_role("button", name="LINEで返信した").click()
    await expect(page.locator(".notice")).to_have_text("返信済みとして記録しました")
    await expect(page.locator("#text")).to_have_value("")
    await expect(page.locator(".head .state")).to_have_text("対応中・お客様の返信待ち")
    assert len(counter.system.fake.seen(customer)) == 1, "nothing was sent by us"


async def test_while_a_reply_is_free_it_is_sent_from_here(counter: Counter) -> None:
    customer = await asks(counter)
    await Vitals(counter.store).note_quota(200, 190)
    await counter.system.fake.send_text(customer, "まだですか")
    await counter.system.decided(customer, 2)
    page = await counter.sign_in()
    await open_first(page)
    await expect(page.locator("#cost")).to_have_text("無料で返信できます")
    await expect(page.locator(".send .main")).to_have_text("送信")
    async with asyncio.timeout(10):  # what is renewed meanwhile is free again
        while await page.locator(".send .main").text_content() != "LINEのチャットで返信（無料）":
            await page.evaluate("find('#cost').dataset.freeMs = '0'")
            await tick()


async def test_an_earlier_reply_is_one_tap_from_the_box(counter: Counter) -> None:
    fake = counter.system.fake
    question = "ペットの犬を連れて行っても大丈夫でしょうか"
    earlier = await asks_twice(counter, "田中", question)
    page = await counter.sign_in()
    await open_first(page)
    await page.fill("#text", "田中様、キャリーに入れてお待ちください。")
    await page.get_by_role("button", name="送信して対応済み").click()
    await expect(page.locator(".notice")).to_have_text("送信して、対応済みにしました")
    assert fake.seen(earlier)[-1].text == "田中様、キャリーに入れてお待ちください。"
    await asks_twice(counter, "佐々木", "犬を連れて行ってもいいですか")
    await open_first(page)
    await page.locator("#card").get_by_role("button", name="キャリーに入れて").click()
    await expect(page.locator("#text")).to_have_value("［名前］様、キャリーに入れてお待ちください。")
    await page.locator(".way.main").click()
    await expect(page.get_by_role("alert").filter(has_text="［名前］")).to_be_visible()


async def asks_twice(counter: Counter, name: str, text: str) -> str:
    """Let a new customer ask what no entry answers until they wait for a person."""
    customer = counter.system.fake.add_user(name)
    for number in (1, 2):
        await counter.system.fake.send_text(customer, text)
        await counter.system.decided(customer, number)
    await handoff_of(counter, customer)
    return customer
