"""Dead letters put back and customers erased, each script on a real Valkey, with the mailbox's steps around it."""

import json
import time
from typing import cast

import pytest
from redis.asyncio import Redis

from service.adapters.caretaking import Caretaker
from service.adapters.lease import Lease
from service.adapters.mailbox import Action, Mailbox
from service.adapters.store import PREFIX, Store
from service.core.events import Incoming, read_webhook
from service.core.plan import Plan
from service.core.records import MessageItem, utc
from service.errors import LeaseLost, NotFound
from tests.adapters.test_mailbox import CUSTOMER, message, plan_for, take, turn_of
from tests.support.dump import everything

OTHER = "U" + "2" * 32
HOUR_MS = 3_600_000


@pytest.fixture
def mailbox(store: Store) -> Mailbox:
    return Mailbox(store, keep_days=180)


@pytest.fixture
def caretaker(store: Store) -> Caretaker:
    return Caretaker(store)


def event(number: int, *, age_ms: int = 0, customer: str = CUSTOMER) -> Incoming:
    """A message as LINE sends it, with its id inside."""
    raw = {
        "type": "message",
        "webhookEventId": f"01E{number}",
        "timestamp": time.time_ns() // 1_000_000 - age_ms,
        "source": {"type": "user", "userId": customer},
        "replyToken": f"secret{number}",
        "message": {"id": f"m{number}", "type": "text", "text": f"text {number}", "quoteToken": "secret-quote"},
    }
    return read_webhook(json.dumps({"events": [raw]}).encode())[0]


async def give_up(mailbox: Mailbox, lease: Lease) -> None:
    turn = turn_of(lease)
    assert (await mailbox.commit(lease, turn, plan_for(lease, turn, answer=False), dead="poison"))[0] == "done"


async def dead_item(mailbox: Mailbox, *, token: str = "") -> str:
    """Have an answer that could not be sent; gives what stood in the outbox."""
    await mailbox.put([message(1, token=token)])
    lease = await take(mailbox)
    turn = turn_of(lease)
    _, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert head is not None
    await mailbox.sent(lease, head, "done", dead="poison")
    return head.item.key


# Dead letters


async def test_a_poisonous_event_is_put_back_and_decided_although_its_turn_was(
    mailbox: Mailbox, caretaker: Caretaker
) -> None:
    await mailbox.put([event(1)])
    await give_up(mailbox, await take(mailbox))
    (letter,) = await caretaker.letters()
    assert (letter.why, letter.conversation, letter.is_event) == ("poison", CUSTOMER, True)
    assert await caretaker.retry(letter, force=False) == "done"
    lease = await take(mailbox, "t2")
    assert [waiting.id for waiting in lease.box] == [f"01E1~{letter.id}"], "its notice used up the old name"
    turn = turn_of(lease)
    assert turn.text == "text 1"
    status, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert status == "done"
    assert head is not None


async def test_an_event_that_nobody_decided_keeps_its_id(mailbox: Mailbox, caretaker: Caretaker, redis: Redis) -> None:
    await mailbox.put([event(number) for number in range(201)])
    await redis.ltrim(f"{PREFIX}box:{CUSTOMER}", 0, 9)
    (letter,) = await caretaker.letters()
    assert await caretaker.retry(letter, force=False) == "done"
    assert (await take(mailbox)).box[-1].id == "01E200"
    assert await mailbox.put([event(200)]) == 0, "LINE's own redelivery is still a duplicate"


async def test_a_letter_goes_back_once(mailbox: Mailbox, caretaker: Caretaker, redis: Redis) -> None:
    await mailbox.put([event(1)])
    await give_up(mailbox, await take(mailbox))
    (letter,) = await caretaker.letters()
    assert [await caretaker.retry(letter, force=False) for _ in range(2)] == ["done", "gone"]
    assert await redis.llen(f"{PREFIX}box:{CUSTOMER}") == 1
    assert await caretaker.letters() == []


async def test_a_letter_goes_back_while_the_conversation_is_leased(mailbox: Mailbox, caretaker: Caretaker) -> None:
    await mailbox.put([event(1)])
    await give_up(mailbox, await take(mailbox))
    await mailbox.put([event(2)])
    lease = await take(mailbox, "t2")
    (letter,) = await caretaker.letters()
    assert await caretaker.retry(letter, force=False) == "done"
    assert await mailbox.take("t3") is None, "still one holder"
    turn = turn_of(lease)
    assert (await mailbox.commit(lease, turn, plan_for(lease, turn)))[0] == "newer"
    await mailbox.park(lease, 0)
    assert len((await take(mailbox, "t4")).box) == 2


@pytest.mark.parametrize(("age_ms", "result"), [(22 * HOUR_MS, "done"), (24 * HOUR_MS, "old")])
async def test_what_is_older_than_23_hours_needs_force(
    mailbox: Mailbox, caretaker: Caretaker, age_ms: int, result: str
) -> None:
    await mailbox.put([event(1, age_ms=age_ms)])
    await give_up(mailbox, await take(mailbox))
    (letter,) = await caretaker.letters()
    assert await caretaker.retry(letter, force=False) == result
    assert await caretaker.retry(letter, force=True) == ("gone" if result == "done" else "done")


async def test_a_full_mailbox_takes_no_letter_back(mailbox: Mailbox, caretaker: Caretaker) -> None:
    await mailbox.put([event(number) for number in range(201)])
    (letter,) = await caretaker.letters()
    assert await caretaker.retry(letter, force=True) == "full"
    assert await caretaker.letters() == [letter]


@pytest.mark.parametrize(("token", "mode"), [("reply-token", "reply"), ("", "push")])
async def test_an_item_goes_back_as_one_that_may_have_been_sent_with_its_retry_key(
    mailbox: Mailbox, caretaker: Caretaker, token: str, mode: str
) -> None:
    key = await dead_item(mailbox, token=token)
    (letter,) = await caretaker.letters()
    assert not letter.is_event
    assert await caretaker.retry(letter, force=False) == "done"
    lease = await take(mailbox, "t2")
    assert lease.head is not None
    assert (lease.head.item.key, lease.head.attempt.mode, lease.head.attempt.tries) == (key, mode, 1)
    assert lease.head.item.fallback is None, "the handoff in its place was opened when it died"


async def test_an_item_goes_to_the_end_of_the_outbox(mailbox: Mailbox, caretaker: Caretaker, redis: Redis) -> None:
    await dead_item(mailbox)
    await redis.rpush(f"{PREFIX}out:{CUSTOMER}", "first")
    await caretaker.retry((await caretaker.letters())[0], force=False)
    elements = cast("list[bytes]", await redis.lrange(f"{PREFIX}out:{CUSTOMER}", 0, -1))
    assert [element.split()[0] for element in elements] == [b"first", b"01E1.out"]


# Erasing


async def fill(mailbox: Mailbox, redis: Redis, customer: str) -> None:
    """Have something of every kind: a talk, dead letters, what waits, what is to be sent, a timer."""
    first = int(customer[-1]) * 10
    await mailbox.put([event(first, customer=customer)])
    await give_up(mailbox, await take(mailbox, f"{first}"))
    await mailbox.put([event(first + 1, customer=customer)])
    lease = await take(mailbox, f"{first + 1}")
    turn = turn_of(lease)
    await mailbox.commit(lease, turn, plan_for(lease, turn))
    await redis.zadd(f"{PREFIX}timers", {f"{customer} return": 2**41})
    await mailbox.put([event(first + 2, customer=customer)])


class Slow(Caretaker):
    """Looks for what there is to erase so slowly that more comes meanwhile."""

    async def _handoffs(self, customer: str) -> list[tuple[str, bytes]]:
        found = await super()._handoffs(customer)
        dead, live = {"conv": customer, "why": "poison", "body": "{}"}, {"conv": customer, "what": "answer"}
        await self._call(lambda redis: redis.xadd(f"{PREFIX}dead", {**dead}))
        await self._call(lambda redis: redis.xadd(f"{PREFIX}live", {**live}))
        return found


async def test_an_erased_customer_leaves_nothing_and_others_keep_everything(
    mailbox: Mailbox, caretaker: Caretaker, redis: Redis
) -> None:
    await fill(mailbox, redis, OTHER)
    others = await caretaker.kept(OTHER)
    await fill(mailbox, redis, CUSTOMER)
    erased = await caretaker.erase(CUSTOMER, who="cli")
    assert (erased.conversation, erased.waiting, erased.outgoing, erased.dead, erased.timers) == (1, 1, 1, 1, 1)
    assert erased.items == 5
    assert erased.live == 2
    assert CUSTOMER not in await everything(redis)
    assert await caretaker.kept(OTHER) == others
    with pytest.raises(NotFound):
        await caretaker.erase(CUSTOMER, who="cli")


async def test_what_was_written_while_it_was_looked_for_is_erased_too(
    mailbox: Mailbox, store: Store, redis: Redis
) -> None:
    await fill(mailbox, redis, CUSTOMER)
    await Slow(store).erase(CUSTOMER, who="cli")
    assert CUSTOMER not in await everything(redis)


async def test_whoever_holds_the_conversation_can_write_nothing_back(
    mailbox: Mailbox, caretaker: Caretaker, redis: Redis
) -> None:
    await mailbox.put([event(1)])
    lease = await take(mailbox)
    turn = turn_of(lease)
    await caretaker.erase(CUSTOMER, who="cli")
    assert (await mailbox.commit(lease, turn, plan_for(lease, turn)))[0] == "lost"
    assert not await mailbox.renew(lease)
    await mailbox.park(lease, 0)
    await mailbox.fail(lease)
    assert CUSTOMER not in await everything(redis)


async def test_what_is_being_sent_leaves_no_record_either(mailbox: Mailbox, caretaker: Caretaker, redis: Redis) -> None:
    await mailbox.put([event(1)])
    lease = await take(mailbox)
    turn = turn_of(lease)
    _, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert head is not None
    await caretaker.erase(CUSTOMER, who="cli")
    with pytest.raises(LeaseLost):
        await mailbox.sent(lease, head, "done", items=head.item.bubbles)
    assert CUSTOMER not in await everything(redis)


async def test_an_action_of_the_staff_on_what_was_erased_writes_nothing(
    mailbox: Mailbox, caretaker: Caretaker, redis: Redis
) -> None:
    await mailbox.put([event(1)])
    await give_up(mailbox, await take(mailbox))
    await mailbox.put([event(2)])
    conversation = (await take(mailbox, "t2")).conversation
    assert conversation.rev > 0
    await caretaker.erase(CUSTOMER, who="cli")
    item = MessageItem(id="x", turn="x", at=utc(0), type="text", text="words", message="x")
    plan = Plan(what="reply", fields={"state": "human"}, items=(item,))
    assert (await mailbox.act(conversation, Action(id="a", who="佐藤"), plan)).status == "gone"
    assert CUSTOMER not in await everything(redis)


async def test_a_redelivery_of_an_erased_message_is_not_taken_anew(mailbox: Mailbox, caretaker: Caretaker) -> None:
    await mailbox.put([event(1)])
    await caretaker.erase(CUSTOMER, who="cli")
    assert await mailbox.put([event(1)]) == 0
    assert await mailbox.take("t") is None
    assert await mailbox.put([event(2)]) == 1, "but whatever they write next is"


async def test_erasing_is_written_down_without_naming_anybody(
    mailbox: Mailbox, caretaker: Caretaker, redis: Redis
) -> None:
    await mailbox.put([event(1)])
    await caretaker.erase(CUSTOMER, who="cli")
    ((_, line),) = cast("list[tuple[bytes, dict[bytes, bytes]]]", await redis.xrange(f"{PREFIX}audit"))
    assert (line[b"who"], line[b"what"], len(line[b"customer_hash"])) == (b"cli", b"customer erase", 64)
    assert abs(int(line[b"at"]) - time.time() * 1000) < 60_000


async def test_a_redis_without_a_log_need_not_rewrite_it(caretaker: Caretaker, redis: Redis) -> None:
    assert await caretaker.rewrite_log() == ""
    await redis.config_set("appendonly", "no")
    try:
        assert await caretaker.rewrite_log() == "it keeps none"
    finally:
        await redis.config_set("appendonly", "yes")
