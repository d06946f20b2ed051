"""The mailbox on a real Valkey: every step, run once and run twice."""

import time
from collections.abc import AsyncIterator
from typing import cast

import msgspec
import pytest
from redis.asyncio import Redis

from service.adapters.lease import Lease
from service.adapters.mailbox import Action, Mailbox
from service.adapters.store import PREFIX, Store
from service.core.conversation import Conversation, Turn, make_turn
from service.core.decisions import Answer, Silent
from service.core.events import Incoming, read_event
from service.core.plan import Circumstances, Plan, carry_out, reply_by_staff
from service.core.records import utc
from service.errors import LeaseLost, StoreUnavailable
from tests.support.shop import make_shop

SHOP = make_shop()
CUSTOMER = "U" + "1" * 32


def message(number: int, *, customer: str = CUSTOMER, token: str = "", at: int | None = None) -> Incoming:
    now = time.time_ns() // 1_000_000 if at is None else at
    raw = {
        "type": "message",
        "timestamp": now,
        "source": {"type": "user", "userId": customer},
        "message": {"id": f"m{number}", "type": "text", "text": f"text {number}"},
    }
    return Incoming(
        id=f"01E{number}",
        conversation=customer,
        raw=msgspec.json.encode(raw).decode(),
        at=now,
        reply_token=token,
        unsent="",
    )


def turn_of(lease: Lease) -> Turn:
    return make_turn(tuple(read_event(waiting.id, waiting.raw) for waiting in lease.box))


def plan_for(lease: Lease, turn: Turn, *, answer: bool = True) -> Plan:
    given = Circumstances(
        conversation=lease.conversation,
        handoff=lease.handoff,
        events=tuple(read_event(waiting.id, waiting.raw) for waiting in lease.box),
        knowledge=SHOP,
        key=b"key",
        now=utc(lease.now),
        model=None,
        took_ms=0,
    )
    return carry_out(Answer("hours", "sure") if answer else Silent("courtesy"), turn, given)


@pytest.fixture
async def mailbox(redis_url: str) -> AsyncIterator[Mailbox]:
    async with Store(redis_url, timeout_s=2) as store:
        yield Mailbox(store, keep_days=180)


async def take(mailbox: Mailbox, token: str = "t1") -> Lease:
    lease = await mailbox.take(token)
    assert lease is not None
    return lease


async def test_a_stored_message_is_leased_with_its_text(mailbox: Mailbox) -> None:
    assert await mailbox.put([message(1)]) == 1
    lease = await take(mailbox)
    assert lease.conversation == Conversation(customer=CUSTOMER)
    assert [waiting.id for waiting in lease.box] == ["01E1"]
    assert turn_of(lease).text == "text 1"


async def test_a_take_says_whether_more_is_due_and_silences_the_bell_when_not(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1), message(2, customer="U2"), message(3, customer="U3")])
    assert await redis.llen(f"{PREFIX}bell") == 1
    leases = [await take(mailbox, f"t{number}") for number in range(3)]
    assert [lease.more_is_due for lease in leases] == [True, True, False]
    assert await redis.exists(f"{PREFIX}bell") == 0
    await mailbox.put([message(4, customer="U4")])
    await mailbox.wait_for_work(5)
    assert not (await take(mailbox, "t4")).more_is_due


async def test_the_same_event_is_stored_once(mailbox: Mailbox) -> None:
    await mailbox.put([message(1)])
    assert await mailbox.put([message(1), message(1)]) == 0
    assert len((await take(mailbox)).box) == 1


async def test_a_conversation_has_one_holder(mailbox: Mailbox) -> None:
    await mailbox.put([message(1)])
    await take(mailbox)
    await mailbox.put([message(2)])
    assert await mailbox.take("t2") is None


async def test_a_repeated_take_gives_the_same_lease(mailbox: Mailbox) -> None:
    await mailbox.put([message(1)])
    first = await take(mailbox)
    again = await mailbox.take("t1", again=True)
    assert again is not None
    assert (again.token, again.box) == (first.token, first.box)


async def test_a_repeated_take_that_never_arrived_takes_normally(mailbox: Mailbox) -> None:
    await mailbox.put([message(1)])
    assert await mailbox.take("t1", again=True) is not None


async def test_commit_removes_the_turn_and_hands_out_the_answer_never_tried(mailbox: Mailbox) -> None:
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    turn = turn_of(lease)
    status, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert status == "done"
    assert head is not None
    assert (head.attempt.mode, head.attempt.tries, head.token) == ("reply", 0, "reply-token")


async def test_commit_run_twice_is_the_same_as_once(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    turn = turn_of(lease)
    _, first = await mailbox.commit(lease, turn, plan_for(lease, turn))
    _, second = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert first is not None
    assert second is not None
    assert msgspec.structs.replace(second, attempt=first.attempt) == first
    assert second.attempt.tries == 0
    assert await redis.llen(f"{PREFIX}out:{CUSTOMER}") == 1


async def test_commit_without_anything_to_send_gives_the_lease_back(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1)])
    lease = await take(mailbox)
    turn = turn_of(lease)
    assert await mailbox.commit(lease, turn, plan_for(lease, turn, answer=False)) == ("done", None)
    assert await mailbox.commit(lease, turn, plan_for(lease, turn, answer=False)) == ("done", None)
    assert not await redis.exists(f"{PREFIX}leases", f"{PREFIX}ready", f"{PREFIX}box:{CUSTOMER}")


async def test_a_message_that_arrives_meanwhile_restarts_the_turn_once(mailbox: Mailbox) -> None:
    await mailbox.put([message(1)])
    lease = await take(mailbox)
    turn = turn_of(lease)
    await mailbox.put([message(2)])
    assert (await mailbox.commit(lease, turn, plan_for(lease, turn)))[0] == "newer"
    await mailbox.park(lease, 0)
    lease = await take(mailbox, "t2")
    turn = turn_of(lease)
    assert turn.text == "text 1\ntext 2"
    await mailbox.put([message(3)])
    assert (await mailbox.commit(lease, turn, plan_for(lease, turn)))[0] == "done"


async def test_a_message_taken_back_meanwhile_is_not_answered(mailbox: Mailbox) -> None:
    await mailbox.put([message(1)])
    lease = await take(mailbox)
    turn = turn_of(lease)
    await mailbox.put([msgspec.structs.replace(message(2), unsent="m1")])
    assert (await mailbox.commit(lease, turn, plan_for(lease, turn)))[0] == "unsent"
    assert await mailbox.unsent(["m1", "m2"]) == {"m1"}


async def test_a_lease_that_was_given_away_writes_nothing(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1)])
    lease = await take(mailbox)
    turn = turn_of(lease)
    await redis.zadd(f"{PREFIX}leases", {CUSTOMER: 1})
    other = await take(mailbox, "t2")
    assert (await mailbox.commit(lease, turn, plan_for(lease, turn)))[0] == "lost"
    assert not await mailbox.renew(lease)
    with pytest.raises(LeaseLost):
        lease.check()
    status, head = await mailbox.commit(other, turn, plan_for(other, turn))
    assert status == "done"
    assert head is not None
    with pytest.raises(LeaseLost):
        await mailbox.sent(lease, head, "done")


async def test_a_lease_absurdly_far_ahead_is_free(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1)])
    await take(mailbox)
    await redis.zadd(f"{PREFIX}leases", {CUSTOMER: time.time() * 1000 + 10**9})
    assert await mailbox.take("t2") is not None
    assert await redis.hget(f"{PREFIX}conv:{CUSTOMER}", "expiries") == b"1"


async def test_a_due_time_absurdly_far_ahead_is_due(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1)])
    await redis.zadd(f"{PREFIX}ready", {CUSTOMER: time.time() * 1000 + 10**9})
    assert await mailbox.take("t1") is not None


async def test_sent_gives_the_lease_back_and_records_the_delivery(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    turn = turn_of(lease)
    _, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert head is not None
    bubble = msgspec.structs.replace(head.item.bubbles[0], delivery="sent")
    assert await mailbox.sent(lease, head, "done", items=[bubble]) is None
    assert not await redis.exists(f"{PREFIX}leases", f"{PREFIX}ready", f"{PREFIX}out:{CUSTOMER}")
    assert b'"delivery":"sent"' in cast("bytes", await redis.get(f"{PREFIX}item:{bubble.id}"))


async def test_an_item_taken_again_counts_as_tried(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    turn = turn_of(lease)
    await mailbox.commit(lease, turn, plan_for(lease, turn))
    await redis.zadd(f"{PREFIX}leases", {CUSTOMER: 1})
    again = await take(mailbox, "t2")
    assert again.head is not None
    assert again.head.attempt.tries == 1
    repeated = await mailbox.take("t2", again=True)
    assert repeated is not None
    assert repeated.head == msgspec.structs.replace(
        again.head, attempt=msgspec.structs.replace(again.head.attempt, now=repeated.now)
    )


async def test_a_reply_becomes_a_push_once_and_is_then_never_tried(mailbox: Mailbox) -> None:
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    turn = turn_of(lease)
    _, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert head is not None
    first = await mailbox.sent(lease, head, "push")
    second = await mailbox.sent(lease, head, "push")
    assert first is not None
    assert second is not None
    for push in (first, second):
        assert (push.attempt.mode, push.attempt.tries, push.token) == ("push", 0, "")


async def test_an_item_is_tried_again_after_its_delay(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    turn = turn_of(lease)
    _, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert head is not None
    assert await mailbox.sent(lease, head, "again", delay_ms=60_000) is None
    assert await mailbox.take("t2") is None
    await redis.zadd(f"{PREFIX}ready", {CUSTOMER: 0})
    lease = await take(mailbox, "t3")
    assert lease.head is not None
    assert lease.head.attempt.tries == 1
    await mailbox.sent(lease, lease.head, "untried", delay_ms=0)
    lease = await take(mailbox, "t4")
    assert lease.head is not None
    assert lease.head.attempt.tries == 0


async def test_staff_waiting_for_nobody_revoke_a_lease_that_still_decides(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    turn = turn_of(lease)
    out = reply_by_staff(("こんにちは",), action="action", customer=CUSTOMER, staff="佐藤", now=utc(lease.now))
    plan = Plan(what="reply", fields={"state": "human"}, items=out.bubbles, out=out)
    action, other = Action(id="action", who="佐藤"), Action(id="other", who="鈴木")
    assert (await mailbox.act(lease.conversation, action, plan)).status == "done"
    assert (await mailbox.act(lease.conversation, action, plan)).status == "done", "run twice it is the same action"
    assert (await mailbox.act(lease.conversation, other, plan)).status == "changed"
    assert (await mailbox.commit(lease, turn, plan_for(lease, turn)))[0] == "lost"
    again = await take(mailbox, "t2")
    assert again.conversation.state == "human"
    assert again.head is not None
    assert (again.head.attempt.tries, again.head.token) == (0, "reply-token")
    assert await redis.llen(f"{PREFIX}out:{CUSTOMER}") == 1


async def test_a_reply_token_is_fresh_for_45_seconds(mailbox: Mailbox, redis: Redis) -> None:
    await mailbox.put([message(1, token="reply-token")])
    old = time.time() * 1000 - 46_000
    await redis.hset(f"{PREFIX}conv:{CUSTOMER}", "token_at", int(old))
    lease = await take(mailbox)
    turn = turn_of(lease)
    _, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert head is not None
    assert (head.attempt.mode, head.token) == ("push", "")


async def test_a_redelivered_event_that_still_waits_renews_its_token(mailbox: Mailbox, redis: Redis) -> None:
    event = message(1, token="reply-token")
    await mailbox.put([event])
    await redis.hset(f"{PREFIX}conv:{CUSTOMER}", "token_at", 5)
    await mailbox.put([event])
    assert int(cast("bytes", await redis.hget(f"{PREFIX}conv:{CUSTOMER}", "token_at"))) > 5


async def test_a_redelivery_never_brings_back_a_used_token(mailbox: Mailbox, redis: Redis) -> None:
    """One message's answer took the token of the next, which still waits when LINE sends it again."""
    waiting = message(2, token="second")
    await mailbox.put([message(1, token="first"), waiting])
    lease = await take(mailbox)
    first = make_turn((read_event(lease.box[0].id, lease.box[0].raw),))
    _, head = await mailbox.commit(lease, first, plan_for(lease, first))
    assert head is not None
    assert head.token == "second"
    await mailbox.put([waiting])
    assert await redis.hget(f"{PREFIX}conv:{CUSTOMER}", "token") is None
    await mailbox.put([message(3, token="third")])
    assert await redis.hget(f"{PREFIX}conv:{CUSTOMER}", "token") == b"third"


async def test_a_token_of_an_event_older_than_20_minutes_is_not_kept(mailbox: Mailbox, redis: Redis) -> None:
    at = time.time_ns() // 1_000_000 - 21 * 60_000
    await mailbox.put([message(1, token="reply-token", at=at)])
    assert not await redis.hexists(f"{PREFIX}conv:{CUSTOMER}", "token")


async def test_errors_are_counted_and_put_off(mailbox: Mailbox) -> None:
    await mailbox.put([message(1)])
    lease = await take(mailbox)
    assert await mailbox.fail(lease) == 1
    assert await mailbox.take("t2") is None


async def test_a_store_that_is_away_says_so() -> None:
    async with Store("redis://127.0.0.1:1", timeout_s=0.2) as store:
        with pytest.raises(StoreUnavailable):
            await Mailbox(store, keep_days=1).put([message(1)])
