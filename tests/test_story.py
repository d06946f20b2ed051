"""The whole way of a message, as customers and staff meet it."""

from collections.abc import AsyncIterator

import pytest

from service.core.entries import ImageBubble
from service.core.knowledge import build_knowledge
from service.tools.fakeline import events
from tests.support.shop import ENTRIES, entry, make_shop
from tests.support.system import PUBLIC_URL, System, run_system

SHOP = make_shop()


@pytest.fixture
async def system(redis_url: str) -> AsyncIterator[System]:
    async with run_system(redis_url, SHOP) as running:
        yield running


async def test_a_sure_question_is_answered_word_for_word_and_free(system: System) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "駐車場はありますか")
    assert await system.seen(customer, 1) == ["駐車場はありますかの答えです。"]
    bubble = system.fake.seen(customer)[0]
    assert (bubble.source, bubble.billed, bubble.sender) == ("reply", False, "自動応答")
    assert await system.decided(customer, 1) == ["answer sure"]


async def test_a_picture_of_an_answer_is_taken_by_line(redis_url: str) -> None:
    """The fake LINE refuses what LINE would refuse."""
    picture = ImageBubble(name="a1.png", preview="a1-small.jpg", path="img/map.png", alt="店の前の地図")
    shop = build_knowledge((*ENTRIES, entry("map", "地図", answer=("こちらです。", picture), match="keyword")))
    async with run_system(redis_url, shop) as system:
        customer = system.fake.add_user("田中")
        await system.fake.send_text(customer, "地図")
        assert await system.decided(customer, 1) == ["answer keyword"]
        await system.fake.until(lambda: len(system.fake.seen(customer)) == 2)
        words, shown = (bubble.message for bubble in system.fake.seen(customer))
        assert words["text"] == "こちらです。"
        assert shown["originalContentUrl"] == f"{PUBLIC_URL}/img/a1.png"
        assert shown["previewImageUrl"] == f"{PUBLIC_URL}/img/a1-small.jpg"


async def test_a_keyword_is_answered_when_it_is_the_whole_message(system: System) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "　クーポン！")
    assert await system.decided(customer, 1) == ["answer keyword"]


async def test_a_question_without_an_entry_is_handed_over_with_a_notice(system: System) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "ワンちゃんのトリミングはお願いできるでしょうか")
    assert (await system.seen(customer, 1))[0].startswith("お問い合わせありがとうございます。")
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    assert handoff["customer"] == customer
    assert handoff["turns"][0]["text"] == "ワンちゃんのトリミングはお願いできるでしょうか"


async def test_staff_claim_reply_and_close_while_the_bot_keeps_silent(system: System) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "スタッフと話したい")
    await system.seen(customer, 1)
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    address = f"/handoffs/{handoff['id']}"
    assert (await system.staff.post(f"{address}/claim")).json()["status"] == "active"
    await system.fake.send_text(customer, "駐車場はありますか")
    assert (await system.decided(customer, 2))[1] == "silent staff_owns"
    answer = await system.staff.post(f"{address}/reply", json={"text": "はい、店の裏に2台あります。"})
    assert answer.json() == {"delivery": "sent", "billed": False}
    assert (await system.seen(customer, 2))[1] == "はい、店の裏に2台あります。"
    assert system.fake.seen(customer)[1].sender == "スタッフ 佐藤"
    second = await system.staff.post(f"{address}/reply", json={"text": "お待ちしています。"})
    assert second.json() == {"delivery": "sent", "billed": True}, "the customer's token is used up: this one costs"
    assert (await system.staff.post(f"{address}/done")).json()["status"] == "done"
    await system.fake.send_text(customer, "駐車場はありますか")
    assert (await system.decided(customer, 3))[2] == "answer sure"


async def test_a_customer_who_waits_gets_no_second_notice(system: System) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "スタッフと話したい")
    await system.seen(customer, 1)
    await system.fake.send_text(customer, "もしもし")
    assert (await system.decided(customer, 2))[1] == "silent waiting"
    assert len(system.fake.seen(customer)) == 1
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    assert [turn["text"] for turn in handoff["turns"]] == ["スタッフと話したい", "もしもし"]


async def test_an_entry_for_staff_is_handed_over_as_its_topic(system: System) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "髪型が気に入らない")
    assert await system.decided(customer, 1) == ["handoff topic"]


async def test_a_photo_is_handed_over_with_its_own_notice(system: System) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.image(customer)
    assert await system.decided(customer, 1) == ["handoff media"]
    assert (await system.seen(customer, 1))[0].startswith("受け取りました。")


async def test_thanks_are_not_answered(system: System) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "ありがとうございます！")
    assert await system.decided(customer, 1) == ["silent courtesy"]
    assert system.fake.seen(customer) == []


async def test_redelivered_and_duplicated_events_are_answered_once(system: System) -> None:
    customer = system.fake.add_user("田中")
    delivery = await system.fake.send_text(customer, "駐車場はありますか")
    await system.seen(customer, 1)
    await system.fake.redeliver(delivery.event)
    await system.fake.send_text(customer, "ありがとう")
    await system.decided(customer, 2)
    assert len(system.fake.seen(customer)) == 1


async def test_an_answer_whose_token_was_refused_is_pushed(system: System) -> None:
    customer = system.fake.add_user("田中")
    event = system.fake.make_event(customer, events.text("クーポン"))
    await system.fake.send_batch([{**event, "replyToken": "f" * 32}])
    assert len(await system.seen(customer, 1)) == 1
    assert system.fake.seen(customer)[0].source == "push"
