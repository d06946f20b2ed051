"""Several people and several tabs at one inbox: what one does, the others see at once."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from service.adapters.caretaking import Caretaker
from service.adapters.people import People
from service.adapters.sessions import Sessions
from tests.support.inbox import Counter, asks, bubbles, open_first
from tests.support.pages import PASSWORD

# One browser for all tests of this module: it has to live in one event loop with them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_what_one_switches_stands_in_every_inbox_at_once(counter: Counter) -> None:
    sato, suzuki = await counter.sign_in("佐藤"), await counter.sign_in("鈴木")
    await sato.locator(".stand").click()
    dialog = sato.get_by_role("dialog", name="営業と自動応答の設定")
    await dialog.get_by_role("button", name="自動応答をオフにする").click()
    await expect(dialog.get_by_role("status").first).to_have_text("保存しました")
    for page in (sato, suzuki):
        await expect(page.locator(".auto")).to_have_text("自動応答オフ")
    await dialog.get_by_label("時短").check()
    await dialog.get_by_label("開店").fill("00:00")
    await dialog.get_by_label("閉店").fill("00:00")
    await dialog.get_by_label("閉店").blur()
    await expect(dialog.locator("#told"), "told before it is saved").to_contain_text("24時間")
    await expect(suzuki.locator(".set")).to_have_count(0)
    await dialog.get_by_role("button", name="保存").click()
    await expect(suzuki.locator(".set")).to_have_text("本日のみ")
    await dialog.get_by_role("button", name="自動応答をオンにする").click()
    await expect(suzuki.locator(".auto")).to_have_text("自動応答ON")
    await dialog.get_by_role("button", name="閉じる").click()
    await expect(dialog).to_be_hidden()
    await asks(counter)
    await open_first(sato)
    await expect(dialog, "what was closed stays closed").to_be_hidden()


async def test_what_is_given_to_a_colleague_shows_at_once_and_leaves_what_was_typed(counter: Counter) -> None:
    people, now = People(counter.store), datetime.now(UTC)
    token = await people.add("高橋", "staff", now)
    await Sessions(counter.store, people).redeem(token, PASSWORD, "198.51.100.1", now)
    await asks(counter)
    sato, suzuki = await counter.sign_in("佐藤"), await counter.sign_in("鈴木")
    for page in (sato, suzuki):
        await open_first(page)
    await sato.fill("#text", "引き継ぎます")
    await sato.locator(".acts-menu summary").click()
    await sato.get_by_role("link", name="担当者を選ぶ").click()
    dialog = sato.get_by_role("dialog", name="担当を決める")
    await dialog.get_by_role("button", name="高橋").click()
    await expect(dialog).to_be_hidden()
    for page in (sato, suzuki):
        await expect(page.locator(".head")).to_contain_text("高橋さんが担当")
    await expect(sato.locator("#text")).to_have_value("引き継ぎます")


async def test_a_customer_who_was_erased_is_gone_from_every_screen(counter: Counter) -> None:
    customer = await asks(counter)
    page = await counter.sign_in()
    await open_first(page)
    await Caretaker(counter.store).erase(customer, who="店長")
    await expect(page.locator("#desk.empty")).to_be_visible()
    await expect(page.locator("#list .handoff")).to_have_count(0)
