"""Drafts for staff, whole: a real model server over HTTP, the gate, Valkey, web and worker, a fake LINE."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aiohttp import web
from redis.asyncio import Redis

from service.adapters.archive import Archive
from service.adapters.caretaking import Caretaker
from service.adapters.drafting import OpenAIDrafter, load_draft_prompt
from service.adapters.draftlist import DraftList
from service.adapters.ledger import RedisLedger
from service.adapters.modelgate import open_gate
from service.adapters.store import PREFIX, Store
from service.adapters.vitals import Vitals
from service.core.counting import count_draft
from service.core.drafts import Judged
from service.core.records import HandoffRecord
from service.core.spending import Tariff
from service.settings import ROOT
from service.tools.fakeline.server import FakeLine
from tests.support.real import Service, running, write_faq
from tests.support.scripted_openai import ScriptedOpenAI, Step, hang, says, status
from tests.support.shop import ENTRIES, make_shop
from tests.support.system import SECRET, TOKEN, System, run_system
from tests.support.waiting import tick

SHOP = make_shop()
LONG = (
    "昨日カラーをしていただいた田中です。090-1234-5678です。"
    + "思っていたより明るく仕上がったので、" * 4
    + "相談したいです。"
)
REPLY = "お問い合わせありがとうございます。担当の者が確認いたします。"
SUMMARY = "昨日のカラーが明るすぎたので相談したい"


def drafts(draft: str = REPLY, summary: str = SUMMARY) -> Step:
    return says(msgspec.json.encode({"summary": summary, "draft": draft}).decode())


@asynccontextmanager
async def run_with(
    server: ScriptedOpenAI, redis_url: str, store: Store, tariff: Tariff | None = None
) -> AsyncGenerator[System]:
    ledger = RedisLedger(store, tariff or Tariff(), lambda: ZoneInfo("Asia/Tokyo"))
    async with open_gate(api_key=None, base_url=server.base_url, model="small", ledger=ledger) as gate:
        drafter = OpenAIDrafter(gate, load_draft_prompt(ROOT / "prompts"))
        async with run_system(redis_url, SHOP, drafter=drafter) as system:
            yield system


async def handoff_of(system: System, customer: str, when: Callable[[HandoffRecord], object]) -> HandoffRecord:
    """Wait until the customer's open handoff is as it shall be."""
    async with asyncio.timeout(10):
        while True:
            found = (await system.archive.conversation(customer)).handoff
            if found and when(record := await system.archive.handoff(found)):
                return record
            await tick()


async def counted(store: Store, result: str) -> None:
    async with asyncio.timeout(30):
        while not (await Vitals(store).read()).counts.get(count_draft(result)):
            await tick()


async def asks(system: System, text: str = LONG) -> str:
    customer = system.fake.add_user("田中 はるか")
    await system.fake.send_text(customer, text)
    await system.seen(customer, 1)
    return customer


def held(*steps: Step) -> tuple[asyncio.Event, asyncio.Event, Step]:
    """A step that begins, waits until it is let go, and then answers as the given one."""
    began, go = asyncio.Event(), asyncio.Event()

    async def step(request: web.Request) -> web.StreamResponse:
        began.set()
        await go.wait()
        return await steps[0](request)

    return began, go, step


async def test_who_waits_is_told_at_once_and_staff_get_a_draft_a_little_later(redis_url: str, store: Store) -> None:
    began, go, step = held(drafts())
    async with ScriptedOpenAI(step) as server, run_with(server, redis_url, store) as system:
        customer = await asks(system)
        await began.wait()
        handoff = await handoff_of(system, customer, lambda it: it)
        assert (handoff.draft, handoff.drafted_by) == (None, None)
        go.set()
        handoff = await handoff_of(system, customer, lambda it: it.draft)
        assert (handoff.draft, handoff.summary, handoff.status) == (REPLY, SUMMARY, "waiting")
        assert (handoff.drafted_by or "").startswith("small draft@1#")
        shown = (await system.staff.get(f"/handoffs/{handoff.id}")).json()
        assert (shown["draft"], shown["summary"]) == (REPLY, SUMMARY)
        assert len(system.fake.seen(customer)) == 1, "nothing is sent by itself"


async def test_the_model_never_sees_who_it_is(redis_url: str, store: Store) -> None:
    async with ScriptedOpenAI(drafts()) as server, run_with(server, redis_url, store) as system:
        customer = await asks(system, LONG + "はるかより")
        await handoff_of(system, customer, lambda it: it.draft)
        sent = server.requests[0].messages[1].content
    assert "［名前］です。［電話番号］です。" in sent
    assert not any(word in sent for word in ("田中", "はるか", "1234", customer))


async def test_a_draft_with_a_fact_of_its_own_is_refused_and_the_customers_words_stay(
    redis_url: str, store: Store
) -> None:
    wrong = drafts("明日10時にお越しください。5,000円お返しします。", "5,000円返してほしい")
    async with ScriptedOpenAI(wrong) as server, run_with(server, redis_url, store) as system:
        customer = await asks(system)
        await counted(store, "unfounded")
        handoff = await handoff_of(system, customer, lambda it: it)
    assert (handoff.draft, handoff.drafted_by) == (None, None)
    assert handoff.summary.startswith("昨日カラーを")


@pytest.mark.parametrize(
    ("step", "result"),
    [(status(500), "http_500"), (says("よろしくお願いします"), "not_a_draft"), (says('{"summary": 1}'), "not_a_draft")],
)
async def test_without_an_answer_all_is_as_without_a_model(
    redis_url: str, store: Store, step: Step, result: str
) -> None:
    async with ScriptedOpenAI(step) as server, run_with(server, redis_url, store) as system:
        customer = await asks(system)
        await counted(store, result)
        assert (await handoff_of(system, customer, lambda it: it)).draft is None
        assert len(server.requests) == 1, "it is not asked again"


async def test_drafts_take_no_more_than_half_of_the_budget(redis_url: str, store: Store) -> None:
    async with ScriptedOpenAI() as server, run_with(server, redis_url, store, Tariff(budget=0.001)) as system:
        await asks(system)
        await counted(store, "budget_used_up")
        assert server.requests == []


async def test_what_the_customer_says_meanwhile_makes_another_draft(redis_url: str, store: Store) -> None:
    began, go, step = held(drafts("一つ目だけの返信です。"))
    async with ScriptedOpenAI(step, drafts()) as server, run_with(server, redis_url, store) as system:
        customer = await asks(system)
        await began.wait()
        await system.fake.send_text(customer, "急ぎません")
        await handoff_of(system, customer, lambda it: len(it.turns) == 2)
        go.set()
        handoff = await handoff_of(system, customer, lambda it: it.draft)
        assert handoff.draft == REPLY
        assert "急ぎません" in server.requests[1].messages[1].content


async def test_what_staff_do_meanwhile_stays_and_the_draft_comes_in_addition(redis_url: str, store: Store) -> None:
    began, go, step = held(drafts())
    async with ScriptedOpenAI(step) as server, run_with(server, redis_url, store) as system:
        customer = await asks(system)
        await began.wait()
        handoff = await handoff_of(system, customer, lambda it: it)
        await system.staff.post(f"/handoffs/{handoff.id}/claim")
        await system.staff.post(f"/handoffs/{handoff.id}/notes", json={"text": "常連さん"})
        go.set()
        handoff = await handoff_of(system, customer, lambda it: it.draft)
        assert (handoff.status, handoff.assignee, len(handoff.notes)) == ("active", "佐藤", 1)


async def test_what_is_taken_back_meanwhile_is_in_no_draft(redis_url: str, store: Store) -> None:
    began, go, step = held(drafts())
    async with ScriptedOpenAI(step) as server, run_with(server, redis_url, store) as system:
        customer = system.fake.add_user("田中")
        sent = await system.fake.send_text(customer, LONG)
        await began.wait()
        await system.fake.unsend(customer, sent.event["message"]["id"])
        await handoff_of(system, customer, lambda it: not it.turns[0].text)
        go.set()
        await counted(store, "not_asked")
        handoff = await handoff_of(system, customer, lambda it: it)
        assert (handoff.draft, handoff.drafted_by, handoff.summary) == (None, None, "")
        assert len(server.requests) == 1


async def test_a_handoff_that_is_done_meanwhile_gets_none(redis_url: str, store: Store) -> None:
    began, go, step = held(drafts())
    async with ScriptedOpenAI(step) as server, run_with(server, redis_url, store) as system:
        customer = await asks(system)
        await began.wait()
        handoff = await handoff_of(system, customer, lambda it: it)
        await system.staff.post(f"/handoffs/{handoff.id}/done")
        go.set()
        await counted(store, "kept")
        assert (await system.archive.handoff(handoff.id)).draft is None


async def test_two_words_are_not_worth_a_request(redis_url: str, store: Store) -> None:
    async with ScriptedOpenAI(drafts()) as server, run_with(server, redis_url, store) as system:
        await asks(system, "スタッフと話したい")
        await counted(store, "not_asked")
        assert server.requests == []


async def test_a_slow_model_keeps_no_other_customer_waiting(redis_url: str, store: Store) -> None:
    async with ScriptedOpenAI(hang, hang, hang) as server, run_with(server, redis_url, store) as system:
        await asks(system)
        await asks(system)
        await server.hanging.wait()
        other = system.fake.add_user("鈴木")
        await system.fake.send_text(other, "駐車場はありますか")
        assert await system.seen(other, 1) == ["駐車場はありますかの答えです。"]


async def due(redis_url: str, redis: Redis) -> str:
    """A customer who waits, and whose draft is due; nobody drafts. Returns who it is."""
    async with run_system(redis_url, SHOP) as system:
        customer = await asks(system)
    await redis.zadd(f"{PREFIX}drafts", {f"{customer} 0": 0})
    return customer


async def test_one_that_dies_with_it_in_hand_leaves_it_to_be_done_once_more(
    redis_url: str, store: Store, redis: Redis
) -> None:
    customer = await due(redis_url, redis)
    todo = DraftList(store)
    claim = await todo.claim()
    assert claim is not None
    assert await todo.claim() is None
    await redis.zadd(f"{PREFIX}drafts", {f"{customer} 1": 0})
    again = await todo.claim()
    assert again is not None
    assert (claim.tries, again.tries, again.handoff) == (1, 2, claim.handoff)
    assert await redis.zcard(f"{PREFIX}drafts") == 0, "a message that kills whoever reads it is not read for ever"


async def test_it_is_handed_out_only_when_all_that_came_is_decided_and_said(
    redis_url: str, store: Store, redis: Redis
) -> None:
    customer = await due(redis_url, redis)
    for waits in ("box", "out"):
        await redis.rpush(f"{PREFIX}{waits}:{customer}", "1 1\n{}")
        assert await DraftList(store).claim() is None
        await redis.delete(f"{PREFIX}{waits}:{customer}")
        await redis.zadd(f"{PREFIX}drafts", {f"{customer} 0": 0})
    assert await DraftList(store).claim() is not None


async def test_of_two_drafts_of_the_same_words_the_first_stays(redis_url: str, store: Store, redis: Redis) -> None:
    await due(redis_url, redis)
    todo = DraftList(store)
    claim = await todo.claim()
    assert claim is not None
    kept = [await todo.keep(claim, Judged(None, words, "kept"), "small", "kept") for words in ("一", "二")]
    assert kept == [True, False]
    assert (await Archive(store).handoff(claim.handoff.id)).draft == "一"


async def test_what_is_erased_gets_no_draft(redis_url: str, store: Store, redis: Redis) -> None:
    customer = await due(redis_url, redis)
    todo = DraftList(store)
    claim = await todo.claim()
    assert claim is not None
    await Caretaker(store).erase(customer, who="test")
    assert await redis.zcard(f"{PREFIX}drafts") == 0
    assert not await todo.keep(claim, Judged(SUMMARY, REPLY, "kept"), "small", "kept")
    assert await redis.exists(f"{PREFIX}handoff:{claim.handoff.id}") == 0


async def test_without_a_model_nothing_is_put_on_the_list(redis_url: str, redis: Redis) -> None:
    async with run_system(redis_url, SHOP) as system:
        await asks(system)
    assert await redis.exists(f"{PREFIX}drafts") == 0


async def test_the_service_as_a_shop_runs_it_drafts_and_counts_what_it_costs(tmp_path: Path) -> None:
    write_faq(tmp_path / "faq", ENTRIES)
    async with ScriptedOpenAI(drafts()) as server:
        fake = FakeLine(channel_secret=SECRET, access_token=TOKEN)
        await fake.start()
        model = {"OPENAI_BASE_URL": server.base_url, "OPENAI_MODEL": "small", "HENJI_MODEL_BUDGET": "1"}
        async with running(Service(tmp_path / "data", tmp_path / "faq", fake, **model)) as service:
            customer = fake.add_user("田中 はるか")
            # Who asks for a person is handed over without a question to the model.
            await fake.send_text(customer, "スタッフと話したい")
            await fake.send_text(customer, LONG)
            async with Store(service.redis_url, timeout_s=5) as store, asyncio.timeout(60):
                await counted(store, "kept")
                handoff = (await Archive(store).conversation(customer)).handoff
                assert handoff
                assert (await Archive(store).handoff(handoff)).draft == REPLY
                state = (await Vitals(store).read()).model
        await fake.stop()
    assert state is not None
    assert (state.spent, state.budget) == (pytest.approx(912e-6), 1), "the tokens that the server counted"
