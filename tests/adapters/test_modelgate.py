"""Everything that goes to the model's server is masked, paid for, and given up for a while when it fails."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from redis.asyncio import Redis

from service.adapters.ledger import OpenLedger, RedisLedger
from service.adapters.modelgate import ModelGate, Question, open_gate
from service.adapters.prompts import load_prompt
from service.adapters.store import PREFIX, Store
from service.adapters.vitals import Vitals
from service.core.counting import count_model
from service.core.spending import Tariff, Usage, end_of_day, estimate
from service.errors import ModelUnavailable
from tests.support.adjudication import CANDIDATES, adjudicator
from tests.support.scripted_openai import ScriptedOpenAI, Step, hang, says, sends, status, verdict

TOKYO = ZoneInfo("Asia/Tokyo")
PLENTY = Tariff(budget=1000)


@pytest.fixture
def question(tmp_path: Path) -> Question:
    """A question of few words, answered with at most 50 tokens."""
    file = tmp_path / "chat.md"
    head = "---\nid: chat\nversion: 1\ntemperature: 0\nmax_tokens: 50\n---\n"
    file.write_text(f"{head}# system\nAnswer.\n# user\n{{{{ faq | json }}}} {{{{ text | json }}}}\n", encoding="utf-8")
    prompt = load_prompt(file, {"faq": "", "text": ""})
    return Question(prompt=prompt, shown={"faq": "03-1111-2222"}, said={"text": "何時?"}, form="chat", schema={})


@asynccontextmanager
async def gate_to(
    server: ScriptedOpenAI, store: Store, tariff: Tariff = PLENTY, *, shut_ms: int = 60_000
) -> AsyncGenerator[ModelGate]:
    ledger = RedisLedger(store, tariff, lambda: TOKYO, shut_ms=shut_ms)
    async with open_gate(api_key="sk-test", base_url=server.base_url, model="small-model", ledger=ledger) as gate:
        yield gate


async def outcome(gate: ModelGate, question: Question, within_s: float = 5.0) -> str:
    try:
        return await gate.ask(question, within_s)
    except ModelUnavailable as error:
        return f"no: {error}"


def used(sent: int, received: int) -> Step:
    """Answer "ok", and that it cost so many tokens."""
    choices = [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}]
    usage = {"prompt_tokens": sent, "completion_tokens": received}
    return sends(msgspec.json.encode({"choices": choices, "usage": usage}))


async def spent(store: Store) -> float:
    state = (await Vitals(store).read()).model
    assert state is not None
    return state.spent


async def test_what_people_said_is_masked_and_what_the_shop_shows_is_not(store: Store, question: Question) -> None:
    said = {"text": ["田中 はるかです、090-1234-5678", "カット5,500円?"]}
    asked = msgspec.structs.replace(question, said=said, names=("田中 はるか", None))
    async with ScriptedOpenAI(says("ok")) as server, gate_to(server, store) as gate:
        assert await gate.ask(asked) == "ok"
        sent = server.requests[0].messages[1].content
    assert sent == '"03-1111-2222" ["［名前］です、［電話番号］","カット5,500円?"]'


async def test_the_question_for_a_verdict_goes_the_same_way() -> None:
    async with ScriptedOpenAI(verdict("none")) as server, adjudicator(server.base_url) as model:
        await model.adjudicate("小鳥遊です。090-1234-5678に電話ください", CANDIDATES, names=("小鳥遊 はるか",))
        assert server.requests[0].messages[1].content.endswith('"［名前］です。［電話番号］に電話ください"')


async def test_nothing_else_in_the_service_has_a_client_of_the_model() -> None:
    root = Path(__file__).parents[2] / "service"
    importers = [file.name for file in root.rglob("*.py") if "import openai" in file.read_text(encoding="utf-8")]
    assert importers == ["modelgate.py"]


async def test_what_was_spent_is_what_the_server_counted_at_the_owners_prices(store: Store, question: Question) -> None:
    tariff = Tariff(sent=0.5, received=2.0, budget=10)
    async with ScriptedOpenAI(used(1000, 100), used(3000, 0)) as server, gate_to(server, store, tariff) as gate:
        for _ in range(2):
            assert await gate.ask(question) == "ok"
    assert await spent(store) == pytest.approx((1000 * 0.5 + 100 * 2 + 3000 * 0.5) / 1e6)
    counts = (await Vitals(store).read()).counts
    assert (counts["tokens sent"], counts["tokens received"], counts[count_model("chat", "ok")]) == (4000, 100, 2)


@pytest.mark.parametrize(
    ("step", "is_charged"),
    [
        (says("ok"), True),
        (sends(b'{"choices": [{"message": {"content": "ok"}}], "usage": {"prompt_tokens": "many"}}'), True),
        (sends(b'{"choices": [{"message": {"content": "ok"}}]}'), True),
        (sends(b"<html>", content_type="text/html"), True),
        (hang, True),
        (status(500), False),
        (status(429), False),
    ],
)
async def test_without_a_count_the_estimate_stands_unless_the_server_refused(
    store: Store,
    question: Question,
    step: Step,
    is_charged: bool,  # noqa: FBT001
) -> None:
    async with ScriptedOpenAI(step) as server, gate_to(server, store) as gate:
        await outcome(gate, question, 0.3 if step is hang else 5)
    assert (await spent(store) > 0) == is_charged


async def test_the_budget_of_a_day_ends_the_asking_before_anything_leaves(store: Store, question: Question) -> None:
    cost = Tariff().cost(estimate(["Answer.", '"03-1111-2222" "何時?"'], 50))
    async with (
        ScriptedOpenAI(used(cost, 0), used(cost, 0), used(cost, 0)) as server,
        gate_to(server, store, Tariff(budget=2.5 * cost / 1e6)) as gate,
    ):
        assert [await outcome(gate, question) for _ in range(3)] == ["ok", "ok", "no: budget_used_up"]
        assert len(server.requests) == 2
    assert (await Vitals(store).read()).counts[count_model("chat", "budget_used_up")] == 1


async def test_work_that_nobody_waits_for_leaves_half_of_the_budget(store: Store, question: Question) -> None:
    cost = Tariff().cost(estimate(["Answer.", '"03-1111-2222" "何時?"'], 50))
    background = msgspec.structs.replace(question, background=True)
    async with (
        ScriptedOpenAI(*[used(cost, 0)] * 4) as server,
        gate_to(server, store, Tariff(budget=4 * cost / 1e6)) as gate,
    ):
        assert [await outcome(gate, background) for _ in range(3)] == ["ok", "ok", "no: budget_used_up"]
        assert [await outcome(gate, question) for _ in range(3)] == ["ok", "ok", "no: budget_used_up"]


async def test_the_budget_is_one_for_all_workers_and_outlives_them(
    store: Store, redis_url: str, question: Question
) -> None:
    cost = Tariff().cost(estimate(["Answer.", '"03-1111-2222" "何時?"'], 50))
    tariff = Tariff(budget=3 * cost / 1e6)
    async with ScriptedOpenAI(*[used(cost, 0)] * 4) as server, Store(redis_url, timeout_s=2) as other:
        outcomes: list[str] = []
        for place in (store, other):
            async with gate_to(server, place, tariff) as gate:
                outcomes += await asyncio.gather(*(outcome(gate, question) for _ in range(2)))
    assert sorted(outcomes) == ["no: budget_used_up", "ok", "ok", "ok"]


async def test_a_new_day_has_a_budget_of_its_own(store: Store, redis: Redis, question: Question) -> None:
    cost = Tariff().cost(estimate(["Answer.", '"03-1111-2222" "何時?"'], 50))
    async with (
        ScriptedOpenAI(used(cost, 0), used(cost, 0)) as server,
        gate_to(server, store, Tariff(budget=1.5 * cost / 1e6)) as gate,
    ):
        assert [await outcome(gate, question) for _ in range(2)] == ["ok", "no: budget_used_up"]
        await redis.hset(f"{PREFIX}model", "day_ends", "1")
        assert await spent(store) == 0
        assert await outcome(gate, question) == "ok"
    assert await spent(store) == pytest.approx(cost / 1e6)


async def test_without_a_budget_there_is_no_limit_and_it_is_counted_all_the_same(
    store: Store, question: Question
) -> None:
    async with ScriptedOpenAI(used(10**9, 0), used(5, 0)) as server, gate_to(server, store, Tariff()) as gate:
        assert [await outcome(gate, question) for _ in range(2)] == ["ok", "ok"]
    state = (await Vitals(store).read()).model
    assert state is not None
    assert (state.spent, state.budget) == (pytest.approx(1000, abs=0.1), None)


async def test_a_server_that_fails_three_times_is_not_asked_any_more(store: Store, question: Question) -> None:
    async with ScriptedOpenAI(*[status(500)] * 5) as server, gate_to(server, store) as gate:
        outcomes = [await outcome(gate, question) for _ in range(5)]
        assert outcomes == ["no: http_500"] * 3 + ["no: circuit_open"] * 2
        assert len(server.requests) == 3
    state = (await Vitals(store).read()).model
    assert state is not None
    assert 0 < state.shut_ms <= 60_000


async def test_after_a_while_one_request_tries_and_the_others_still_wait(
    store: Store, redis: Redis, question: Question
) -> None:
    steps = (*[status(503)] * 3, hang, used(1, 1), used(1, 1))
    async with ScriptedOpenAI(*steps) as server, gate_to(server, store) as gate:
        for _ in range(3):
            await outcome(gate, question)
        await redis.hset(f"{PREFIX}model", "shut_until", "1")
        trying = asyncio.create_task(outcome(gate, question, 0.5))
        await server.hanging.wait()
        assert await outcome(gate, question) == "no: circuit_open"
        assert await trying == "no: timeout"
        state = (await Vitals(store).read()).model
        assert state is not None
        assert 60_000 < state.shut_ms <= 120_000, "twice as long as the first time"
        await redis.hset(f"{PREFIX}model", "shut_until", "1")
        assert [await outcome(gate, question) for _ in range(2)] == ["ok", "ok"]


async def test_many_that_fail_at_once_shut_it_for_no_longer_than_three(store: Store, question: Question) -> None:
    async with ScriptedOpenAI(*[hang] * 8) as server, gate_to(server, store) as gate:
        outcomes = await asyncio.gather(*(outcome(gate, question, 0.3) for _ in range(8)))
    assert set(outcomes) == {"no: timeout"}
    state = (await Vitals(store).read()).model
    assert state is not None
    assert state.shut_ms <= 60_000


@pytest.mark.parametrize("step", [status(400), says(None, refusal="no"), says("", finish_reason="length")])
async def test_an_answer_of_no_use_is_no_failure_of_the_server(store: Store, question: Question, step: Step) -> None:
    async with ScriptedOpenAI(*[step] * 5) as server, gate_to(server, store) as gate:
        for _ in range(5):
            await outcome(gate, question)
        assert len(server.requests) == 5


async def test_a_success_between_failures_begins_the_count_anew(store: Store, question: Question) -> None:
    steps = (status(500), status(500), used(1, 1), status(500), status(500), used(1, 1))
    async with ScriptedOpenAI(*steps) as server, gate_to(server, store) as gate:
        for _ in range(6):
            await outcome(gate, question)
        assert len(server.requests) == 6


async def test_a_cancelled_request_is_settled_and_passes_the_cancellation_on(store: Store, question: Question) -> None:
    async with ScriptedOpenAI(hang) as server, gate_to(server, store) as gate:
        asking = asyncio.create_task(gate.ask(question))
        await server.hanging.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert (await Vitals(store).read()).counts[count_model("chat", "cancelled")] == 1


async def test_without_redis_nothing_leaves(question: Question) -> None:
    async with ScriptedOpenAI(says("ok")) as server, Store("redis://127.0.0.1:1", timeout_s=1) as away:
        async with gate_to(server, away) as gate:
            assert await outcome(gate, question) == "no: store_away"
        assert server.requests == []


async def test_what_is_asked_by_hand_is_never_refused(question: Question) -> None:
    async with (
        ScriptedOpenAI(*[status(500)] * 4, says("ok")) as server,
        open_gate(api_key=None, base_url=server.base_url, model="m", ledger=OpenLedger()) as gate,
    ):
        assert [await outcome(gate, question) for _ in range(5)] == ["no: http_500"] * 4 + ["ok"]


def test_the_estimate_is_rather_too_high_than_too_low() -> None:
    assert estimate(["営業時間を教えてください"], 300) == Usage(12, 300)
    assert estimate(["What time do you open?"], 10) == Usage(8, 10)


def test_the_day_is_the_shops() -> None:
    late = datetime(2026, 11, 25, 23, 59, tzinfo=TOKYO)
    assert end_of_day(late, TOKYO) - late == timedelta(minutes=1)
    assert end_of_day(late, ZoneInfo("UTC")) - late == timedelta(hours=9, minutes=1)
