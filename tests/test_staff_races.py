"""Two people at once on every action, orders that are repeated, and customers who are erased in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from service.adapters.audit import AUDIT_MS
from service.adapters.caretaking import Caretaker
from service.adapters.store import PREFIX
from service.core.actions import Portrait
from service.core.records import HandoffRecord
from service.errors import Conflict, KeyReused, NotFound
from service.staffing import Desk, Order
from tests.support.dump import everything
from tests.support.shop import CUSTOMER
from tests.support.staffed import Shop, open_shop

NOW = datetime(2026, 7, 1, 3, 0, tzinfo=UTC)
Act = Callable[[Desk, Order, str], Awaitable[Any]]
ACTIONS: dict[str, Act] = {
    "claim": lambda desk, order, handoff: desk.claim(order, handoff),
    "take over": lambda desk, order, handoff: desk.claim(order, handoff, take_over=True),
    "reply": lambda desk, order, handoff: desk.reply(order, handoff, "承ります。", NOW),
    "write": lambda desk, order, _: desk.write(order, CUSTOMER, "承ります。", NOW),
    "replied elsewhere": lambda desk, order, handoff: desk.replied_elsewhere(order, handoff, NOW),
    "done": lambda desk, order, handoff: desk.finish(order, handoff, NOW),
    "reopen": lambda desk, order, handoff: desk.reopen(order, handoff, NOW),
    "note": lambda desk, order, handoff: desk.annotate(order, handoff, "メモ", NOW),
    "tags": lambda desk, order, handoff: desk.tag(order, handoff, [order.staff]),
    "profile": lambda desk, order, _: desk.portray(order, CUSTOMER, Portrait(note=order.staff)),
}
# Whoever comes second with one of these, after the first has the handoff, hears who holds it.
CLAIMING = {"claim", "reply", "write", "replied elsewhere"}
SENDING = {"reply", "write"}
each_action = pytest.mark.parametrize("name", ACTIONS)


@pytest.fixture
async def shop(redis_url: str) -> AsyncIterator[Shop]:
    async with open_shop(redis_url) as it:
        yield it


def order(staff: str, key: str = "", body: str = "") -> Order:
    return Order(staff, key, body or key)


async def audit(shop: Shop) -> list[dict[str, str]]:
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", await shop.redis.xrange(f"{PREFIX}audit"))
    return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in entries]


@each_action
async def test_of_two_at_once_nobody_loses_unseen(shop: Shop, name: str) -> None:
    if name == "reopen":
        await shop.desk.finish(order("店長"), shop.id, NOW)
    rev = (await shop.conversation()).rev
    both = [ACTIONS[name](shop.other, order(staff), shop.id) for staff in ("佐藤", "鈴木")]
    results = await asyncio.gather(*both, return_exceptions=True)
    lost = [result for result in results if isinstance(result, BaseException)]
    assert len(lost) == (1 if name in CLAIMING else 0)
    assert all(isinstance(error, Conflict) for error in lost)
    record = await shop.handoff()
    if lost:
        winner = ("佐藤", "鈴木")[results.index(next(r for r in results if not isinstance(r, BaseException)))]
        assert (record.assignee, str(lost[0])) == (winner, f"{winner} holds this handoff")
    assert await shop.outbox() == (1 if name in SENDING else 0)
    written = [entry for entry in await audit(shop) if entry["what"] != "done" or name == "done"]
    # Done and reopened twice is the same as once: the second of them writes nothing.
    assert len(written) == (2 if name in {"take over", "note", "tags", "profile"} else 1)
    assert (await shop.conversation()).rev == rev + len(written)


@each_action
async def test_an_action_raises_the_rev_and_is_in_the_audit_log_without_words(shop: Shop, name: str) -> None:
    if name == "reopen":
        await shop.desk.finish(order("店長"), shop.id, NOW)
    rev = (await shop.conversation()).rev
    await ACTIONS[name](shop.desk, order("佐藤"), shop.id)
    assert (await shop.conversation()).rev == rev + 1
    entry = (await audit(shop))[-1]
    assert (entry["who"], entry["handoff"]) == ("佐藤", shop.id)
    assert set(entry) == {"who", "what", "at", "handoff", "customer_hash"}
    assert CUSTOMER not in str(entry)
    assert "承ります" not in str(entry)


async def test_the_audit_log_forgets_after_a_year(shop: Shop) -> None:
    old = (await shop.redis.time())[0] * 1000 - AUDIT_MS - 1
    for number in range(300):  # trimmed by whole nodes of the stream, 100 entries each
        await shop.redis.xadd(f"{PREFIX}audit", {"who": "x"}, id=f"{old - 300 + number}-0")
    await shop.desk.claim(order("佐藤"), shop.id)
    assert await shop.redis.xlen(f"{PREFIX}audit") < 200


# Orders that are repeated


@each_action
async def test_an_order_repeated_under_its_key_is_carried_out_once(shop: Shop, name: str) -> None:
    if name == "reopen":
        await shop.desk.finish(order("店長"), shop.id, NOW)
    first = await ACTIONS[name](shop.desk, order("佐藤", "k"), shop.id)
    before = await everything(shop.redis)
    assert await ACTIONS[name](shop.desk, order("佐藤", "k"), shop.id) == first
    assert await everything(shop.redis) == before


@each_action
async def test_an_order_repeated_while_it_still_runs_is_carried_out_once(shop: Shop, name: str) -> None:
    if name == "reopen":
        await shop.desk.finish(order("店長"), shop.id, NOW)
    rev = (await shop.conversation()).rev
    same = [ACTIONS[name](shop.other, order("佐藤", "k"), shop.id) for _ in range(5)]
    results = await asyncio.gather(*same)
    answers = [result.id if isinstance(result, HandoffRecord) else result for result in results]
    assert answers == [answers[0]] * 5
    assert (await shop.conversation()).rev == rev + 1
    assert await shop.outbox() == (1 if name in SENDING else 0)


@each_action
async def test_another_order_under_the_same_key_is_refused(shop: Shop, name: str) -> None:
    await ACTIONS["note"](shop.desk, order("佐藤", "k", "a note"), shop.id)
    before = await everything(shop.redis)
    with pytest.raises(KeyReused):
        await ACTIONS[name](shop.desk, order("佐藤", "k", name), shop.id)
    assert await everything(shop.redis) == before


async def test_a_repeated_order_is_answered_although_it_could_not_be_carried_out_any_more(shop: Shop) -> None:
    bubble = await shop.desk.reply(order("佐藤", "k"), shop.id, "承ります。", NOW)
    await shop.desk.finish(order("佐藤"), shop.id, NOW)
    assert await shop.desk.reply(order("佐藤", "k"), shop.id, "承ります。", NOW) == bubble
    assert await shop.outbox() == 1


async def test_an_order_with_nothing_to_do_keeps_its_key_all_the_same(shop: Shop) -> None:
    await shop.desk.claim(order("佐藤"), shop.id)
    await shop.desk.claim(order("佐藤", "k"), shop.id)
    with pytest.raises(KeyReused):
        await shop.desk.finish(order("佐藤", "k", "done"), shop.id, NOW)


async def test_a_refused_order_may_be_tried_again_under_its_key(shop: Shop) -> None:
    await shop.desk.claim(order("佐藤"), shop.id)
    with pytest.raises(Conflict):
        await shop.desk.claim(order("鈴木", "k"), shop.id)
    await shop.desk.finish(order("佐藤"), shop.id, NOW)
    await shop.desk.reopen(order("鈴木"), shop.id, NOW)
    assert (await shop.desk.claim(order("鈴木", "k"), shop.id)).assignee == "鈴木"


async def test_a_key_holds_for_a_day_and_keeps_no_words(shop: Shop) -> None:
    await shop.desk.reply(order("佐藤", "k"), shop.id, "承ります。", NOW)
    assert 0 < await shop.redis.ttl(f"{PREFIX}idem:k") <= 86_400
    kept = await shop.archive.carried_out("k")
    assert kept is not None
    assert kept.startswith("k ")
    assert "承ります" not in kept


# Customers who are erased in between


@each_action
@pytest.mark.parametrize("comes_back", [False, True], ids=["gone", "writes anew"])
async def test_nothing_is_written_back_about_an_erased_customer(shop: Shop, name: str, *, comes_back: bool) -> None:
    if name == "reopen":
        await shop.desk.finish(order("店長"), shop.id, NOW)

    first_words = (await shop.archive.talk(CUSTOMER))[0].id

    async def erase() -> None:
        await Caretaker(shop.store).erase(CUSTOMER, who="cli")
        if comes_back:
            await shop.write("スタッフと話したい")

    shop.reading.after["conversation"] = [erase]
    if comes_back and name in {"write", "profile"}:  # meant for whoever the customer is now
        await ACTIONS[name](shop.desk, order("佐藤"), shop.id)
    else:
        with pytest.raises(NotFound if name != "write" else Conflict):
            await ACTIONS[name](shop.desk, order("佐藤"), shop.id)
    await shop.redis.delete(f"{PREFIX}audit")
    kept = await everything(shop.redis)
    assert shop.id not in kept
    assert f'"{first_words}"' not in kept
    assert comes_back or CUSTOMER not in kept


async def test_a_rev_never_comes_again_after_an_erase(shop: Shop) -> None:
    before = (await shop.conversation()).rev
    await Caretaker(shop.store).erase(CUSTOMER, who="cli")
    await shop.write("スタッフと話したい")
    assert (await shop.conversation()).rev > before
