"""What staff do, on a real Valkey: two never both win, and no message of the customer's is lost on the way."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import msgspec
import pytest
from redis.asyncio import Redis

from service.adapters.archive import Archive
from service.adapters.lease import Lease
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store, connect
from service.core.conversation import Conversation, make_turn
from service.core.decisions import Handoff, Silent
from service.core.events import Event, Incoming, read_event
from service.core.plan import carry_out
from service.core.records import BubbleItem, HandoffRecord
from service.core.triage import triage
from service.errors import Conflict, NotFound
from service.staffing import ATTEMPTS, Desk
from tests.support.shop import CUSTOMER, circumstances, make_shop

SHOP = make_shop()
NOW = datetime(2026, 7, 1, 3, 0, tzinfo=UTC)
Meanwhile = Callable[[], Awaitable[object]]


class Interrupted(Archive):
    """Reads as ever, but lets something happen right after a read: `after` holds what, by the kind of record."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.after: dict[str, list[Meanwhile]] = {"handoff": [], "conversation": []}

    async def handoff(self, handoff_id: str) -> HandoffRecord:
        record = await super().handoff(handoff_id)
        await self._let_happen("handoff")
        return record

    async def conversation(self, customer: str) -> Conversation:
        conversation = await super().conversation(customer)
        await self._let_happen("conversation")
        return conversation

    async def _let_happen(self, kind: str) -> None:
        if self.after[kind]:
            await self.after[kind].pop(0)()


class Shop:
    """A shop whose customer has asked for a person: handoff `id` waits."""

    def __init__(self, redis: Redis, store: Store) -> None:
        self.redis = redis
        self.mailbox = Mailbox(store, keep_days=180)
        self.archive = Archive(store)
        self.reading = Interrupted(store)
        self.desk = Desk(self.reading, self.mailbox)
        self.id = ""

    async def write(self, text: str) -> None:
        """Let the customer write, and a worker decide."""
        lease = await self.begin(text)
        given = circumstances(*events_of(lease), knowledge=SHOP, conversation=lease.conversation, handoff=lease.handoff)
        turn = make_turn(given.events)
        decision = triage(turn, SHOP, lease.conversation)
        assert isinstance(decision, Handoff | Silent)
        status, head = await self.mailbox.commit(lease, turn, carry_out(decision, turn, given))
        assert status == "done"
        while head:
            head = await self.mailbox.sent(lease, head, "done")

    async def begin(self, text: str) -> Lease:
        """Let the customer write, and a worker begin to decide."""
        number, now = secrets.token_hex(4), time.time_ns() // 1_000_000
        raw = {
            "type": "message",
            "timestamp": now,
            "source": {"type": "user", "userId": CUSTOMER},
            "message": {"id": number, "type": "text", "text": text},
        }
        written = msgspec.json.encode(raw).decode()
        event = Incoming(number, CUSTOMER, written, now, f"token-{number}", "")
        await self.mailbox.put([event])
        lease = await self.mailbox.take(secrets.token_hex(16))
        assert lease is not None
        return lease

    async def handoff(self) -> HandoffRecord:
        return await self.archive.handoff(self.id)

    async def conversation(self) -> Conversation:
        return await self.archive.conversation(CUSTOMER)

    async def outbox(self) -> int:
        return int(await self.redis.llen(f"{PREFIX}out:{CUSTOMER}"))


def events_of(lease: Lease) -> tuple[Event, ...]:
    return tuple(read_event(waiting.id, waiting.raw) for waiting in lease.box)


@pytest.fixture
async def shop(redis_url: str) -> AsyncIterator[Shop]:
    async with connect(redis_url, timeout_s=5) as redis, Store(redis_url, timeout_s=5) as store:
        shop = Shop(redis, store)
        await shop.write("スタッフと話したい")
        (record,), _ = await shop.archive.handoffs("waiting", "", 10)
        shop.id = record.id
        yield shop


def turns(record: HandoffRecord) -> list[str]:
    return [turn.text for turn in record.turns]


async def test_a_claim_stops_the_bot(shop: Shop) -> None:
    record = await shop.desk.claim(shop.id, "佐藤", take_over=False)
    assert (record.status, record.assignee) == ("active", "佐藤")
    assert await shop.handoff() == record
    conversation = await shop.conversation()
    assert (conversation.state, conversation.assignee, conversation.handoff) == ("human", "佐藤", shop.id)


async def test_of_two_claims_at_once_one_wins(shop: Shop) -> None:
    both = [shop.desk.claim(shop.id, name, take_over=False) for name in ("佐藤", "鈴木")]
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in (first, second)) == 1
    winner = first if isinstance(first, HandoffRecord) else second
    assert isinstance(winner, HandoffRecord)
    assert await shop.handoff() == winner


@pytest.mark.parametrize("kind", ["conversation", "handoff"])
async def test_a_claim_between_reading_and_writing_is_seen(shop: Shop, kind: str) -> None:
    async def steal() -> None:
        await Desk(shop.archive, shop.mailbox).claim(shop.id, "鈴木", take_over=False)

    shop.reading.after[kind] = [steal]
    with pytest.raises(Conflict, match="鈴木"):
        await shop.desk.claim(shop.id, "佐藤", take_over=False)
    assert (await shop.handoff()).assignee == "鈴木"


async def test_of_two_replies_at_once_only_one_is_sent(shop: Shop) -> None:
    both = [shop.desk.reply(shop.id, name, "承ります。", NOW) for name in ("佐藤", "鈴木")]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 1
    assert await shop.outbox() == 1


async def test_claiming_twice_writes_nothing(shop: Shop) -> None:
    await shop.desk.claim(shop.id, "佐藤", take_over=False)
    rev = (await shop.conversation()).rev
    await shop.desk.claim(shop.id, "佐藤", take_over=False)
    assert (await shop.conversation()).rev == rev


async def test_another_may_take_over_on_purpose(shop: Shop) -> None:
    await shop.desk.claim(shop.id, "佐藤", take_over=False)
    with pytest.raises(Conflict, match="佐藤"):
        await shop.desk.claim(shop.id, "鈴木", take_over=False)
    assert (await shop.desk.claim(shop.id, "鈴木", take_over=True)).assignee == "鈴木"
    assert (await shop.conversation()).assignee == "鈴木"
    with pytest.raises(Conflict, match="鈴木"):
        await shop.desk.reply(shop.id, "佐藤", "承ります。", NOW)
    assert await shop.outbox() == 0


async def test_a_reply_claims_and_stands_in_the_talk_before_it_is_sent(shop: Shop) -> None:
    bubble = await shop.archive.item(await shop.desk.reply(shop.id, "佐藤", "承ります。", NOW))
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


async def test_a_reply_does_not_wait_for_the_bot_to_finish_thinking(shop: Shop) -> None:
    await shop.desk.claim(shop.id, "佐藤", take_over=False)
    held = await shop.begin("まだですか")
    await shop.desk.reply(shop.id, "佐藤", "承ります。", NOW)
    assert not await shop.mailbox.renew(held)
    lease = await shop.mailbox.take("next")
    assert lease is not None
    assert lease.head is not None
    assert lease.head.item.messages[0]["text"] == "承ります。"


@pytest.mark.parametrize("kind", ["conversation", "handoff"])
async def test_what_the_customer_writes_meanwhile_is_read_again_and_kept(shop: Shop, kind: str) -> None:
    shop.reading.after[kind] = [lambda: shop.write("一つ目"), lambda: shop.write("二つ目")]
    await shop.desk.claim(shop.id, "佐藤", take_over=False)
    record = await shop.handoff()
    assert turns(record) == ["スタッフと話したい", "一つ目", "二つ目"]
    assert (record.status, record.assignee) == ("active", "佐藤")


async def test_a_reply_is_put_into_the_outbox_once_however_often_it_is_tried(shop: Shop) -> None:
    shop.reading.after["conversation"] = [lambda: shop.write("一つ目"), lambda: shop.write("二つ目")]
    await shop.desk.reply(shop.id, "佐藤", "承ります。", NOW)
    assert await shop.outbox() == 1
    assert len(turns(await shop.handoff())) == 3


async def test_a_conversation_that_never_stands_still_is_a_conflict(shop: Shop) -> None:
    shop.reading.after["conversation"] = [lambda: shop.write("もしもし")] * ATTEMPTS
    with pytest.raises(Conflict, match="kept changing"):
        await shop.desk.reply(shop.id, "佐藤", "承ります。", NOW)
    assert await shop.outbox() == 0
    assert (await shop.handoff()).status == "waiting"


async def test_done_gives_the_conversation_back_to_the_bot(shop: Shop) -> None:
    await shop.desk.claim(shop.id, "佐藤", take_over=False)
    record = await shop.desk.finish(shop.id, "佐藤", NOW)
    assert (record.status, record.done_at) == ("done", NOW)
    conversation = await shop.conversation()
    assert (conversation.state, conversation.handoff, conversation.assignee) == ("bot", None, None)


async def test_done_twice_is_no_error_and_writes_nothing(shop: Shop) -> None:
    first = await shop.desk.finish(shop.id, "佐藤", NOW)
    rev = (await shop.conversation()).rev
    later = datetime(2026, 7, 2, tzinfo=UTC)
    assert await shop.desk.finish(shop.id, "鈴木", later) == first
    assert (await shop.conversation()).rev == rev


async def test_closing_an_old_handoff_again_leaves_the_new_one_open(shop: Shop) -> None:
    old = shop.id
    await shop.desk.finish(old, "佐藤", NOW)
    await shop.write("スタッフと話したい")
    before = await shop.conversation()
    await shop.desk.finish(old, "佐藤", NOW)
    assert await shop.conversation() == before
    assert before.state == "waiting"
    assert before.handoff not in {None, old}


async def test_what_is_done_can_neither_be_claimed_nor_replied_to(shop: Shop) -> None:
    await shop.desk.finish(shop.id, "佐藤", NOW)
    with pytest.raises(Conflict, match="done"):
        await shop.desk.claim(shop.id, "佐藤", take_over=True)
    with pytest.raises(Conflict, match="done"):
        await shop.desk.reply(shop.id, "佐藤", "承ります。", NOW)
    assert await shop.outbox() == 0


async def test_a_reply_that_meets_a_done_meanwhile_is_not_sent(shop: Shop) -> None:
    async def close() -> None:
        await Desk(shop.archive, shop.mailbox).finish(shop.id, "鈴木", NOW)

    shop.reading.after["handoff"] = [close]
    with pytest.raises(Conflict, match="done"):
        await shop.desk.reply(shop.id, "佐藤", "承ります。", NOW)
    assert await shop.outbox() == 0


async def test_a_handoff_that_never_was_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await shop.desk.claim("nothing", "佐藤", take_over=False)
    with pytest.raises(NotFound):
        await shop.desk.reply("nothing", "佐藤", "承ります。", NOW)
    with pytest.raises(NotFound):
        await shop.desk.finish("nothing", "佐藤", NOW)
