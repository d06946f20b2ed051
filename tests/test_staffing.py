"""What staff do, on a real Valkey: two never both win, and no message of the customer's is lost on the way."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from service.adapters.store import PREFIX
from service.adapters.traffic import Traffic
from service.core.actions import Portrait
from service.core.hours import business_day
from service.core.records import BubbleItem, HandoffRecord, Note
from service.errors import Conflict, NotFound
from service.staffing import ATTEMPTS, Desk, Message, Order
from tests.support.shop import CUSTOMER
from tests.support.staffed import SHOP, Shop, open_shop

NOW = datetime(2099, 7, 1, 3, 0, tzinfo=UTC)
SATO, SUZUKI = Order("佐藤"), Order("鈴木")


@pytest.fixture
async def shop(redis_url: str) -> AsyncIterator[Shop]:
    async with open_shop(redis_url) as it:
        yield it


def turns(record: HandoffRecord) -> list[str]:
    return [turn.text for turn in record.turns]


async def test_a_claim_stops_the_bot(shop: Shop) -> None:
    record = await shop.desk.claim(SATO, shop.id)
    assert (record.status, record.assignee) == ("active", "佐藤")
    assert await shop.handoff() == record
    conversation = await shop.conversation()
    assert (conversation.state, conversation.assignee, conversation.handoff) == ("human", "佐藤", shop.id)


async def test_of_two_claims_at_once_one_wins(shop: Shop) -> None:
    both = [shop.desk.claim(Order(name), shop.id) for name in ("佐藤", "鈴木")]
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in (first, second)) == 1
    winner = first if isinstance(first, HandoffRecord) else second
    assert isinstance(winner, HandoffRecord)
    assert await shop.handoff() == winner


@pytest.mark.parametrize("kind", ["conversation", "handoff"])
async def test_a_claim_between_reading_and_writing_is_seen(shop: Shop, kind: str) -> None:
    async def steal() -> None:
        await Desk(shop.archive, shop.mailbox).claim(SUZUKI, shop.id)

    shop.reading.after[kind] = [steal]
    with pytest.raises(Conflict, match="鈴木"):
        await shop.desk.claim(SATO, shop.id)
    assert (await shop.handoff()).assignee == "鈴木"


async def test_of_two_replies_at_once_only_one_is_sent(shop: Shop) -> None:
    both = [shop.desk.reply(Order(name), shop.id, "承ります。", NOW) for name in ("佐藤", "鈴木")]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 1
    assert await shop.outbox() == 1


async def test_claiming_twice_writes_nothing(shop: Shop) -> None:
    await shop.desk.claim(SATO, shop.id)
    rev = (await shop.conversation()).rev
    await shop.desk.claim(SATO, shop.id)
    assert (await shop.conversation()).rev == rev


async def test_another_may_take_over_on_purpose(shop: Shop) -> None:
    await shop.desk.claim(SATO, shop.id)
    with pytest.raises(Conflict, match="佐藤"):
        await shop.desk.claim(SUZUKI, shop.id)
    assert (await shop.desk.claim(SUZUKI, shop.id, take_over=True)).assignee == "鈴木"
    assert (await shop.conversation()).assignee == "鈴木"
    with pytest.raises(Conflict, match="鈴木"):
        await shop.desk.reply(SATO, shop.id, "承ります。", NOW)
    assert await shop.outbox() == 0


async def test_a_reply_claims_and_stands_in_the_talk_before_it_is_sent(shop: Shop) -> None:
    bubble = await shop.archive.item(await shop.desk.reply(SATO, shop.id, "承ります。", NOW))
    assert isinstance(bubble, BubbleItem)
    assert (bubble.text, bubble.who, bubble.delivery) == ("承ります。", "staff:佐藤", "pending")
    assert (await shop.archive.talk(CUSTOMER))[-1] == bubble
    record = await shop.handoff()
    assert (record.status, record.assignee, record.first_reply_at, record.unreplied_since) == (
        "active",
        "佐藤",
        NOW,
        None,
    )
    assert (await shop.conversation()).state == "human"


async def test_a_reply_with_an_entry_is_told_of_once_and_the_first_reply_is_timed(shop: Shop) -> None:
    traffic = Traffic(shop.store, keep_days=1)
    at = datetime.now(UTC) + timedelta(minutes=4)
    order = Order("佐藤", key="k", body="b")
    for _ in range(2):
        await shop.desk.send(order, shop.id, Message(("はい",), entry="parking"), at, None)
    await shop.desk.reply(SATO, shop.id, "ほかにもあれば、どうぞ", at)
    ((customer, heard),) = [found for found in await traffic.heard() if found[1].decision == "staff"]
    assert (customer, heard.entry, await traffic.words([heard])) == (CUSTOMER, "parking", ["スタッフと話したい"])
    (today,) = await traffic.days([business_day(SHOP.shop, at)])
    assert {name: count for name, count in today.items() if name.startswith("replied")} == {"replied 5": 1}


async def test_a_reply_does_not_wait_for_the_bot_to_finish_thinking(shop: Shop) -> None:
    await shop.desk.claim(SATO, shop.id)
    held = await shop.begin("まだですか")
    await shop.desk.reply(SATO, shop.id, "承ります。", NOW)
    assert not await shop.mailbox.renew(held)
    lease = await shop.mailbox.take("next")
    assert lease is not None
    assert lease.head is not None
    assert lease.head.item.messages[0]["text"] == "承ります。"


@pytest.mark.parametrize("kind", ["conversation", "handoff"])
async def test_what_the_customer_writes_meanwhile_is_read_again_and_kept(shop: Shop, kind: str) -> None:
    shop.reading.after[kind] = [lambda: shop.write("一つ目"), lambda: shop.write("二つ目")]
    await shop.desk.claim(SATO, shop.id)
    record = await shop.handoff()
    assert turns(record) == ["スタッフと話したい", "一つ目", "二つ目"]
    assert (record.status, record.assignee) == ("active", "佐藤")


async def test_a_reply_is_put_into_the_outbox_once_however_often_it_is_tried(shop: Shop) -> None:
    shop.reading.after["conversation"] = [lambda: shop.write("一つ目"), lambda: shop.write("二つ目")]
    await shop.desk.reply(SATO, shop.id, "承ります。", NOW)
    assert await shop.outbox() == 1
    assert len(turns(await shop.handoff())) == 3


async def test_a_conversation_that_never_stands_still_is_a_conflict(shop: Shop) -> None:
    shop.reading.after["conversation"] = [lambda: shop.write("もしもし")] * ATTEMPTS
    with pytest.raises(Conflict, match="kept changing"):
        await shop.desk.reply(SATO, shop.id, "承ります。", NOW)
    assert await shop.outbox() == 0
    assert (await shop.handoff()).status == "waiting"


async def test_done_gives_the_conversation_back_to_the_bot(shop: Shop) -> None:
    await shop.desk.claim(SATO, shop.id)
    record = await shop.desk.finish(SATO, shop.id, NOW)
    assert (record.status, record.done_at) == ("done", NOW)
    conversation = await shop.conversation()
    assert (conversation.state, conversation.handoff, conversation.assignee) == ("bot", None, None)


async def test_done_twice_is_no_error_and_writes_nothing(shop: Shop) -> None:
    first = await shop.desk.finish(SATO, shop.id, NOW)
    rev = (await shop.conversation()).rev
    later = datetime(2099, 7, 2, tzinfo=UTC)
    assert await shop.desk.finish(SUZUKI, shop.id, later) == first
    assert (await shop.conversation()).rev == rev


async def test_closing_an_old_handoff_again_leaves_the_new_one_open(shop: Shop) -> None:
    old = shop.id
    await shop.desk.finish(SATO, old, NOW)
    await shop.write("スタッフと話したい")
    before = await shop.conversation()
    await shop.desk.finish(SATO, old, NOW)
    assert await shop.conversation() == before
    assert before.state == "waiting"
    assert before.handoff not in {None, old}


async def test_what_is_done_can_neither_be_claimed_nor_replied_to(shop: Shop) -> None:
    await shop.desk.finish(SATO, shop.id, NOW)
    with pytest.raises(Conflict, match="done"):
        await shop.desk.claim(SATO, shop.id, take_over=True)
    with pytest.raises(Conflict, match="done"):
        await shop.desk.reply(SATO, shop.id, "承ります。", NOW)
    assert await shop.outbox() == 0


async def test_a_reply_that_meets_a_done_meanwhile_is_not_sent(shop: Shop) -> None:
    async def close() -> None:
        await Desk(shop.archive, shop.mailbox).finish(SUZUKI, shop.id, NOW)

    shop.reading.after["handoff"] = [close]
    with pytest.raises(Conflict, match="done"):
        await shop.desk.reply(SATO, shop.id, "承ります。", NOW)
    assert await shop.outbox() == 0


async def test_a_handoff_that_never_was_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await shop.desk.claim(SATO, "nothing")
    with pytest.raises(NotFound):
        await shop.desk.reply(SATO, "nothing", "承ります。", NOW)
    with pytest.raises(NotFound):
        await shop.desk.finish(SATO, "nothing", NOW)


# Notes, tags, and what is said about a customer


async def test_notes_and_tags_change_nothing_else(shop: Shop) -> None:
    before, state = await shop.handoff(), await shop.conversation()
    await shop.desk.annotate(SATO, shop.id, "電話済み", NOW)
    record = await shop.desk.tag(SUZUKI, shop.id, ["予約"])
    assert record.notes == (Note(NOW, "佐藤", "電話済み"),)
    assert (record.tags, record.status, record.assignee, record.unreplied_since) == (
        ("予約",),
        "waiting",
        None,
        before.unreplied_since,
    )
    after = await shop.conversation()
    assert (after.state, after.assignee, after.rev) == (state.state, None, state.rev + 2)


async def test_notes_of_two_at_once_are_both_kept(shop: Shop) -> None:
    await asyncio.gather(*(shop.other.annotate(Order(f"{n}"), shop.id, f"メモ{n}", NOW) for n in range(4)))
    assert sorted(note.text for note in (await shop.handoff()).notes) == ["メモ0", "メモ1", "メモ2", "メモ3"]


async def test_a_note_on_what_is_done_leaves_the_newer_handoff_alone(shop: Shop) -> None:
    await shop.desk.finish(SATO, shop.id, NOW)
    await shop.write("スタッフと話したい")
    before = await shop.conversation()
    record = await shop.desk.annotate(SATO, shop.id, "あとで分かったこと", NOW)
    assert record.status == "done"
    after = await shop.conversation()
    assert (after.state, after.handoff) == ("waiting", before.handoff)


async def test_what_staff_say_about_a_customer_outlives_the_handoff(shop: Shop) -> None:
    await shop.desk.portray(SATO, CUSTOMER, Portrait("はるかさん", ("VIP",), "アレルギーあり"))
    assert (await shop.handoff()).nickname == "はるかさん"
    await shop.desk.finish(SATO, shop.id, NOW)
    await shop.desk.portray(SATO, CUSTOMER, Portrait(tags=("VIP", "常連")))
    conversation = await shop.conversation()
    assert (conversation.nickname, conversation.tags, conversation.note) == (
        "はるかさん",
        ("VIP", "常連"),
        "アレルギーあり",
    )
    await shop.write("スタッフと話したい")
    opened = await shop.archive.handoff((await shop.conversation()).handoff or "")
    assert opened.nickname == "はるかさん"
    await shop.desk.portray(SATO, CUSTOMER, Portrait(nickname="", tags=(), note=""))
    conversation = await shop.conversation()
    assert (conversation.nickname, conversation.tags, conversation.note) == (None, (), None)


async def test_nothing_is_written_about_somebody_who_never_wrote(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await shop.desk.portray(SATO, "U" + "9" * 32, Portrait(note="だれ"))


# Replies that are not sent, and reopening


async def test_what_was_replied_elsewhere_counts_and_sends_nothing(shop: Shop) -> None:
    record = await shop.desk.replied_elsewhere(SATO, shop.id, NOW)
    assert (record.status, record.assignee, record.first_reply_at, record.unreplied_since) == (
        "active",
        "佐藤",
        NOW,
        None,
    )
    assert await shop.outbox() == 0
    due = await shop.redis.zscore(f"{PREFIX}timers", f"{CUSTOMER} return")
    assert due == (NOW + timedelta(hours=24)).timestamp() * 1000
    with pytest.raises(Conflict, match="佐藤"):
        await shop.desk.replied_elsewhere(SUZUKI, shop.id, NOW)


async def test_what_is_reopened_belongs_to_whoever_reopened_it_and_the_customer_hears_nothing(shop: Shop) -> None:
    await shop.desk.finish(SATO, shop.id, NOW)
    record = await shop.desk.reopen(SUZUKI, shop.id, NOW)
    assert (record.status, record.assignee, record.done_at) == ("active", "鈴木", None)
    conversation = await shop.conversation()
    assert (conversation.state, conversation.handoff, conversation.assignee) == ("human", shop.id, "鈴木")
    assert await shop.outbox() == 0
    assert await shop.redis.ttl(f"{PREFIX}handoff:{shop.id}") == -1, "what is open does not expire"
    assert await shop.desk.reopen(SATO, shop.id, NOW) == record, "it is open already"


async def test_what_is_done_is_not_reopened_beside_a_newer_one(shop: Shop) -> None:
    await shop.desk.finish(SATO, shop.id, NOW)
    await shop.write("スタッフと話したい")
    with pytest.raises(Conflict, match="newer"):
        await shop.desk.reopen(SATO, shop.id, NOW)


async def test_a_newer_one_that_opens_meanwhile_is_seen(shop: Shop) -> None:
    await shop.desk.finish(SATO, shop.id, NOW)
    shop.reading.after["conversation"] = [lambda: shop.write("スタッフと話したい")]
    with pytest.raises(Conflict, match="newer"):
        await shop.desk.reopen(SATO, shop.id, NOW)


# Writing first


async def test_who_writes_first_opens_a_handoff_and_holds_it(shop: Shop) -> None:
    await shop.desk.finish(SATO, shop.id, NOW)
    bubble = await shop.archive.item(await shop.desk.write(SUZUKI, CUSTOMER, "お忘れ物がございました。", NOW))
    assert isinstance(bubble, BubbleItem)
    conversation = await shop.conversation()
    assert (conversation.state, conversation.assignee) == ("human", "鈴木")
    record = await shop.archive.handoff(conversation.handoff or "")
    assert (record.status, record.reason, record.assignee, record.first_reply_at) == ("active", "staff", "鈴木", NOW)
    assert record.summary == "スタッフと話したい", "what the customer said last"
    assert [handoff.id for handoff in await shop.archive.history(CUSTOMER)] == [record.id, shop.id]
    assert await shop.outbox() == 1


async def test_of_two_who_write_first_at_once_one_wins_and_one_handoff_is_opened(shop: Shop) -> None:
    await shop.desk.finish(SATO, shop.id, NOW)
    both = [shop.other.write(order, CUSTOMER, "こんにちは", NOW) for order in (SATO, SUZUKI)]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 1
    assert await shop.outbox() == 1
    assert len(await shop.archive.history(CUSTOMER)) == 2


async def test_writing_to_a_customer_who_waits_is_a_reply(shop: Shop) -> None:
    await shop.desk.write(SATO, CUSTOMER, "お待たせしました。", NOW)
    assert (await shop.handoff()).assignee == "佐藤"
    with pytest.raises(Conflict, match="佐藤"):
        await shop.desk.write(SUZUKI, CUSTOMER, "お待たせしました。", NOW)


@pytest.mark.parametrize("customer", ["U" + "9" * 32, "C" + "1" * 32, "?01E", ""])
async def test_nobody_is_written_to_who_never_wrote(shop: Shop, customer: str) -> None:
    with pytest.raises(Conflict):
        await shop.desk.write(SATO, customer, "こんにちは", NOW)


async def test_a_customer_who_only_followed_never_wrote(shop: Shop) -> None:
    await shop.redis.hset(f"{PREFIX}conv:U2", mapping={"rev": "1", "blocked": ""})
    with pytest.raises(Conflict, match="never written"):
        await shop.desk.write(SATO, "U2", "こんにちは", NOW)


# What the person has seen


async def test_a_reply_to_what_was_seen_goes_out(shop: Shop) -> None:
    event = await shop.write("まだですか")
    for seen in (event, (await shop.archive.last_turn(CUSTOMER))[-1].message, (await shop.handoff()).turns[-1].id):
        await shop.desk.reply(SATO, shop.id, "はい。", NOW, seen)
    assert await shop.outbox() == 3


@pytest.mark.parametrize("waits", [False, True], ids=["decided", "not looked at yet"])
async def test_with_a_newer_message_there_nothing_is_done(shop: Shop, *, waits: bool) -> None:
    seen = (await shop.handoff()).turns[-1].id
    await (shop.put("やっぱりやめます") if waits else shop.write("やっぱりやめます"))
    for action in (
        shop.desk.reply(SATO, shop.id, "承ります。", NOW, seen),
        shop.desk.write(SATO, CUSTOMER, "承ります。", NOW, seen),
        shop.desk.finish(SATO, shop.id, NOW, seen),
        shop.desk.replied_elsewhere(SATO, shop.id, NOW, seen),
    ):
        with pytest.raises(Conflict, match="has written since"):
            await action
    assert await shop.outbox() == 0
    assert (await shop.handoff()).status == "waiting"


async def test_a_message_that_arrives_while_it_is_written_is_seen(shop: Shop) -> None:
    """It waits in the mailbox only: no rev tells of it."""
    seen = (await shop.handoff()).turns[-1].id

    class Late(type(shop.archive)):  # the message arrives after all that was read
        async def last_turn(self, customer: str):  # noqa: ANN202
            said = await super().last_turn(customer)
            if not self.came:
                self.came = True
                await shop.put("やっぱりやめます")
            return said

        came = False

    with pytest.raises(Conflict, match="has written since"):
        await Desk(Late(shop.store), shop.mailbox).finish(SATO, shop.id, NOW, seen)
    assert (await shop.handoff()).status == "waiting"


async def test_a_seen_that_never_was_is_none(shop: Shop) -> None:
    with pytest.raises(Conflict, match="has written since"):
        await shop.desk.finish(SATO, shop.id, NOW, "nothing")
