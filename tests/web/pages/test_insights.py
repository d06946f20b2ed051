"""The page of insights: the owner's numbers, and the checks of automatic answers."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from service.adapters.caretaking import Caretaker
from service.adapters.inquiries import Inquiries
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store
from service.adapters.traffic import Traffic
from service.core.auditing import Label
from service.core.fitting import shipped
from tests.support.pages import Clock, House, PageClient
from tests.support.shop import CUSTOMER, make_shop
from tests.support.turns import say

# As if its few phrasings had been fitted in vain.
UNFITTED = make_shop()
SHOP = UNFITTED.with_calibration(shipped(UNFITTED.index))
SURE = "駐車場はありますか"
OTHER = "U" + "2" * 32


@pytest.fixture
async def house(store: Store) -> House:
    house = House(store, Clock(datetime.now(UTC)))
    await house.settle_in("店長", "owner")
    await house.settle_in("佐藤")
    return house


@pytest.fixture
def mailbox(store: Store) -> Mailbox:
    return Mailbox(store, keep_days=1)


@pytest.fixture
async def staff(house: House) -> AsyncIterator[PageClient]:
    async with house.browser() as it:
        assert (await it.log_in("佐藤")).status_code == 303
        yield it


async def page(client: PageClient, days: int = 7) -> str:
    answer = await client.http.get(f"/insights?days={days}")
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text.split("<main")[1]))


async def turns(client: PageClient) -> list[str]:
    """The answers that are to be checked."""
    found = (await client.http.get("/insights")).text.split('class="checks"')
    return re.findall(r'name="turn" value="([^"]+)"', found[1].split("</ul>")[0])[::2] if len(found) > 1 else []


async def test_only_who_is_signed_in_sees_it(house: House) -> None:
    async with house.browser() as browser:
        assert (await browser.http.get("/insights")).status_code == 303


async def test_before_anything_happened_it_says_so(staff: PageClient) -> None:
    said = await page(staff)
    assert "メッセージ 0" in said
    assert "まだわかりません" in said
    assert "いま確認していただくものはありません" in said
    assert "この期間にはありません" in said
    assert (await staff.http.get("/insights?days=365")).status_code == 400


async def test_the_numbers_are_those_of_the_period(
    staff: PageClient, mailbox: Mailbox, store: Store, redis: Redis
) -> None:
    await Inquiries(store).publish(SHOP)
    await say(mailbox, SHOP, SURE, SURE, "カットかカラーの料金", "ありがとうございます、ピアノの調律")
    earlier = datetime.now(UTC).date() - timedelta(days=20)
    await redis.hset(f"{PREFIX}day:{earlier}", mapping={"turn answer keyword": 6, "entry coupon": 6, "replied 30": 1})
    week, month = await page(staff), await page(staff, 30)
    assert "メッセージ 4" in week
    assert "自動で回答 2 50%" in week
    assert "メッセージ 10" in month
    assert "自動で回答 8 80%" in month
    assert "駐車場はありますか 2件" in week
    assert "クーポン 6件" in month
    assert "最初の返信まで 30分 中央値・1件" in month
    assert "お約束：5%以下" in week
    assert "言い回しと同じ文にだけ" in week
    assert "40%" in week
    assert "選択肢でしかお答えしないFAQ" in week


async def test_one_tap_says_whether_an_answer_was_right_and_one_takes_it_back(
    staff: PageClient, mailbox: Mailbox, store: Store
) -> None:
    await Inquiries(store).publish(SHOP)
    await say(mailbox, SHOP, SURE)
    assert "駐車場はありますかの答えです。" in await page(staff)
    (turn,) = await turns(staff)
    for _ in range(2):
        done = await staff.post("/insights/check", {"turn": turn, "right": "false"}, on="/insights")
        assert (done.status_code, done.headers["location"]) == (303, "/insights?days=7#checks")
    said = await page(staff)
    assert "駐車場はありますか まちがい 佐藤" in said
    assert "あと99件確認すると実測になります（確認済み1件、うちまちがい1件）" in said
    assert await turns(staff) == []
    for _ in range(2):
        assert (await staff.post("/insights/undo", {"turn": turn}, on="/insights")).status_code == 303
    assert await turns(staff) == [turn]


async def test_two_people_may_check_the_same_answer_and_the_last_word_counts(
    house: House, staff: PageClient, mailbox: Mailbox, store: Store
) -> None:
    await say(mailbox, SHOP, SURE)
    (turn,) = await turns(staff)
    async with house.browser() as owner:
        await owner.log_in("店長")
        await owner.post("/insights/check", {"turn": turn, "right": "false"}, on="/insights")
        await staff.post("/insights/check", {"turn": turn, "right": "true"}, on="/insights")
    ((_, label),) = await Traffic(store, keep_days=1).labels()
    assert (label.right, label.by) == (True, "佐藤")


async def test_only_an_answer_that_was_drawn_can_be_checked(staff: PageClient, mailbox: Mailbox) -> None:
    await say(mailbox, SHOP, "カットかカラーの料金")
    for fields in ({"turn": "nonsense", "right": "true"}, {"turn": "", "right": "false"}):
        assert (await staff.post("/insights/check", fields, on="/insights")).status_code == 404
    assert (await staff.post("/insights/check", {"turn": "x", "right": "maybe"}, on="/insights")).status_code == 400


async def test_of_a_customer_who_was_erased_meanwhile_nothing_is_recorded(
    staff: PageClient, mailbox: Mailbox, store: Store
) -> None:
    await say(mailbox, SHOP, SURE)
    (turn,) = await turns(staff)
    await Caretaker(store).erase(CUSTOMER, who="cli")
    assert (await staff.post("/insights/check", {"turn": turn, "right": "true"}, on="/insights")).status_code == 404
    assert SURE not in (await staff.http.get("/insights")).text


async def test_an_answer_whose_words_are_gone_is_not_recorded(
    staff: PageClient, mailbox: Mailbox, redis: Redis
) -> None:
    await say(mailbox, SHOP, SURE)
    (turn,) = await turns(staff)
    await redis.delete(f"{PREFIX}item:{turn}")
    refused = await staff.post("/insights/check", {"turn": turn, "right": "true"}, on="/insights")
    assert (refused.status_code, "もう残っていない" in refused.text) == (409, True)


async def test_after_a_hundred_checks_it_is_measured_with_its_interval(
    staff: PageClient, mailbox: Mailbox, store: Store
) -> None:
    await Inquiries(store).publish(SHOP)
    traffic = Traffic(store, keep_days=1)
    await say(mailbox, SHOP, *[SURE] * 100)
    for number, (customer, heard) in enumerate(await traffic.heard()):
        now = round(datetime.now(UTC).timestamp() * 1000)
        label = Label(
            turn=heard.turn, entry="parking", reason="sure", probability=0.98, right=number > 19, by="佐藤", at=now
        )
        assert await traffic.label(customer, heard, label)
    said = await page(staff)
    assert "20% 実測" in said
    assert "最近の100件のうち20件がまちがい（95%区間 13.3%〜28.9%）" in said
    assert "お約束を超えています" in said


async def test_what_no_entry_answers_stands_together_and_leads_to_its_conversation(
    staff: PageClient, mailbox: Mailbox, store: Store
) -> None:
    await say(mailbox, SHOP, "ピアノ教室zzzz")
    await say(mailbox, SHOP, "ピアノ教室zzzzz", customer=OTHER)
    answer = await staff.http.get("/insights")
    assert "2件" in await page(staff)
    (path,) = re.findall(r'href="(/insights/talk/[^"]+)"', answer.text)
    led = await staff.http.get(path)
    assert (led.status_code, led.headers["location"].split("/")[1]) == (303, "inbox")
    assert (await staff.http.get(led.headers["location"])).status_code == 200
    assert (await staff.http.get("/insights/talk/none")).status_code == 404


async def test_what_customers_wrote_before_they_chose_is_offered_as_a_phrasing(
    staff: PageClient, mailbox: Mailbox, store: Store
) -> None:
    await Inquiries(store).publish(SHOP)
    await say(mailbox, SHOP, "カットかカラーの料金")
    ((_, heard),) = await Traffic(store, keep_days=1).heard()
    await say(mailbox, SHOP, "1", choices=heard.choices)
    said = await page(staff)
    assert "言い回しの候補" in said
    assert f"カットかカラーの料金 → {SHOP.entries[heard.choices[0]].question}" in said


async def test_it_is_there_in_english(house: House) -> None:
    async with house.browser(language="en") as it:
        await it.log_in("店長")
        assert "Wrong automatic answers" in await page(it)
