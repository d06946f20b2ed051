"""What is counted and looked at in Redis: exactly once, in few calls, however often a step is repeated."""

import pytest
import redis as redis_py
from redis.asyncio import Redis

from service.adapters.inquiries import Inquiries
from service.adapters.mailbox import Action, Mailbox
from service.adapters.store import PREFIX, Store
from service.adapters.vitals import Vitals
from service.core.counting import BILLED, count_replaced, count_send, count_turn
from service.core.decisions import Handoff
from service.core.handoffs import open_handoff
from service.core.plan import Plan, reply_by_staff
from service.core.records import utc
from service.core.sending import Done
from service.errors import LeaseLost, StoreUnavailable
from tests.adapters.test_mailbox import CUSTOMER, message, plan_for, take, turn_of
from tests.support.plug import Plug, redis_proxy
from tests.support.shop import NOON, make_shop, turn

SHOP = make_shop()

ANSWERED = count_turn("answer", "sure")


@pytest.fixture
def mailbox(store: Store) -> Mailbox:
    return Mailbox(store, keep_days=180)


@pytest.fixture
def vitals(store: Store) -> Vitals:
    return Vitals(store)


async def test_an_event_counts_as_accepted_once_and_then_as_a_duplicate(mailbox: Mailbox, vitals: Vitals) -> None:
    await mailbox.put([message(1), message(2)])
    await mailbox.put([message(2), message(3)])
    assert (await vitals.read()).counts == {"event accepted": 3, "event duplicate": 1}


async def test_a_turn_counts_once_however_often_it_is_committed(mailbox: Mailbox, vitals: Vitals) -> None:
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    decided = turn_of(lease)
    for _ in range(2):
        status, _ = await mailbox.commit(lease, decided, plan_for(lease, decided))
        assert status == "done"
    assert (await vitals.read()).counts[ANSWERED] == 1


async def test_a_turn_that_is_refused_is_not_counted(mailbox: Mailbox, vitals: Vitals) -> None:
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    await mailbox.put([message(2)])
    decided = turn_of(lease)
    assert (await mailbox.commit(lease, decided, plan_for(lease, decided)))[0] == "newer"
    assert ANSWERED not in (await vitals.read()).counts


@pytest.mark.parametrize("billed", [False, True])
async def test_what_became_of_a_send_counts_once(mailbox: Mailbox, vitals: Vitals, billed: bool) -> None:  # noqa: FBT001
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    decided = turn_of(lease)
    _, head = await mailbox.commit(lease, decided, plan_for(lease, decided))
    assert head is not None
    counts = count_send("answer", "push", Done("sent", billed=billed))
    await mailbox.sent(lease, head, "push")
    await mailbox.sent(lease, head, "done", counts=counts)
    with pytest.raises(LeaseLost):
        await mailbox.sent(lease, head, "done", counts=counts)
    found = (await vitals.read()).counts
    assert (found["send answer push sent"], found.get(BILLED)) == (1, 1 if billed else None)


@pytest.mark.parametrize(("state", "count"), [("bot", 1), ("human", None)])
async def test_a_replaced_answer_counts_only_when_the_handoff_took_its_place(
    mailbox: Mailbox, vitals: Vitals, redis: Redis, state: str, count: int | None
) -> None:
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    decided = turn_of(lease)
    _, head = await mailbox.commit(lease, decided, plan_for(lease, decided))
    assert head is not None
    await redis.hset(f"{PREFIX}conv:{CUSTOMER}", "state", state)
    record = open_handoff("h1", Handoff("late"), turn("?"), customer=CUSTOMER, knowledge="v", now=NOON, due_at=NOON)
    fallback = Plan(what="handoff", fields={}, handoff=record, counts=(count_replaced("late"),))
    await mailbox.sent(lease, head, "done", fallback=fallback)
    assert (await vitals.read()).counts.get("replaced late") == count


async def test_a_dead_letter_counts_by_its_reason(mailbox: Mailbox, vitals: Vitals) -> None:
    await mailbox.put([message(number) for number in range(203)])
    lease = await take(mailbox)
    decided = turn_of(lease)
    await mailbox.commit(lease, decided, plan_for(lease, decided, answer=False), dead="poison")
    found = await vitals.read()
    assert (found.counts["dead overflow"], found.counts["dead poison"], found.dead) == (3, 200, 203)


async def test_what_waits_is_seen_with_the_age_of_the_oldest(mailbox: Mailbox, vitals: Vitals, redis: Redis) -> None:
    nothing = await vitals.read()
    assert (nothing.due, nothing.oldest_message_ms, nothing.oldest_unsent_ms) == (0, 0, 0)
    await mailbox.put([message(1), message(2, customer="U2"), message(3, customer="U3")])
    await redis.lset(f"{PREFIX}box:U2", 0, f"01E2 {nothing.now - 60_000}\n{{}}")
    await mailbox.park(await take(mailbox), 5_000)
    await take(mailbox, "t2")
    found = await vitals.read()
    assert (found.due, found.parked, found.leased) == (1, 1, 1)
    assert 60_000 <= found.oldest_message_ms < 70_000


async def test_what_is_not_sent_yet_is_as_old_as_what_it_replies_to(mailbox: Mailbox, vitals: Vitals) -> None:
    await mailbox.put([message(1)])
    lease = await take(mailbox)
    said = utc(lease.now - 90_000)
    out = reply_by_staff(('"said_at":1,',), action="a1", customer=CUSTOMER, staff="佐藤", now=said)
    plan = Plan(what="reply", fields={}, items=out.bubbles, out=out)
    assert (await mailbox.act(lease.conversation, Action(id="a1", who="佐藤"), plan)).status == "done"
    assert 90_000 <= (await vitals.read()).oldest_unsent_ms < 100_000


@pytest.mark.parametrize(
    ("places", "age_s"),
    [
        ({"active": [10**13, -200_000], "waiting": [-100_000]}, 200),
        ({"active": [10**13], "waiting": [-100_000, -(10**13) - 5_000]}, 100),
        ({"active": [10**13], "waiting": [-(10**13) - 7_000]}, 7),
        ({"active": [10**13], "waiting": []}, 0),
    ],
)
async def test_the_longest_unreplied_handoff_is_found_among_urgent_and_replied_ones(
    vitals: Vitals, redis: Redis, places: dict[str, list[int]], age_s: int
) -> None:
    now = (await vitals.read()).now
    for status, ages in places.items():
        for age in ages:
            await redis.zadd(f"{PREFIX}handoffs:{status}", {f"{status}{age}": now + age})
    found = await vitals.read()
    assert age_s * 1000 <= found.oldest_unreplied_ms < age_s * 1000 + 10_000


async def test_a_look_is_one_call_and_bounded_however_much_waits(redis_url: str, redis: Redis) -> None:
    await redis.zadd(f"{PREFIX}ready", {f"U{number}": number for number in range(5_000)})
    await redis.zadd(f"{PREFIX}handoffs:active", {f"h{number}": number for number in range(5_000)})
    plug = Plug(0, "before")
    async with redis_proxy(redis_url, plug) as proxied, Store(proxied, timeout_s=2) as store:
        await Vitals(store).read()
        plug.calls = 0
        await redis.config_resetstat()
        found = await Vitals(store).read()
    stats = await redis.info("commandstats")
    assert (plug.calls, found.due) == (1, 5_000)
    assert sum(stats[f"cmdstat_{name}"]["calls"] for name in ("lindex", "get")) <= 301
    assert not {"cmdstat_keys", "cmdstat_scan"} & set(stats)


async def test_what_workers_note_is_read_back(vitals: Vitals, store: Store) -> None:
    nothing = await vitals.read()
    assert (nothing.knowledge, nothing.calibration) == ("", "")
    assert (nothing.entries, nothing.quota_used, nothing.heartbeat_ms) == (None, None, None)
    await Inquiries(store).publish(SHOP)
    await vitals.note_quota(200, 42)
    found = await vitals.read()
    assert (found.knowledge, found.calibration) == (SHOP.version, "calibrating")
    assert (found.entries, found.quota_limit, found.quota_used) == (len(SHOP.entries), 200, 42)
    await vitals.note_quota(None, 43)
    found = await vitals.read()
    assert (found.quota_limit, found.quota_used) == (None, 43)


async def test_of_many_workers_one_asks_line_for_the_quota(vitals: Vitals) -> None:
    assert [await vitals.may_ask_quota() for _ in range(3)] == [True, False, False]


async def test_a_probe_fails_where_a_webhook_would(vitals: Vitals, mailbox: Mailbox, redis_url: str) -> None:
    """A full server still answers PING: only writing shows it."""
    assert (await vitals.probe()).heartbeat_ms is None
    await mailbox.tick()
    heartbeat = (await vitals.probe()).heartbeat_ms
    assert heartbeat is not None
    assert heartbeat < 5_000
    with redis_py.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(StoreUnavailable, match="maxmemory"):
                await vitals.probe()
            assert client.ping()
        finally:
            client.config_set("maxmemory", "0")
    await vitals.probe()
