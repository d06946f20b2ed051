"""Whatever the model's server does wrong, ModelUnavailable with its reason comes out, and nothing else."""

import asyncio

import httpx
import pytest
import respx

from service.adapters.ledger import OpenLedger
from service.adapters.model import OpenAIAdjudicator
from service.adapters.modelgate import open_gate
from service.core.decisions import Pick
from service.errors import ModelUnavailable
from tests.support.adjudication import CANDIDATES, PROMPT, adjudicator, ask
from tests.support.httpcore2_mocker import HTTPCore2Mocker
from tests.support.scripted_openai import (
    ScriptedOpenAI,
    Step,
    completion,
    drip,
    hang,
    reset,
    says,
    sends,
    status,
    verdict,
)

URL = "https://llm.example/v1"


class Clock:
    """Shows the given times one after the other."""

    def __init__(self, *times: float) -> None:
        self._times = list(times)

    def __call__(self) -> float:
        return self._times.pop(0)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (status(500), "http_500"),
        (status(401), "http_401"),
        (status(404), "http_404"),
        (status(400), "http_400"),
        (status(400, param="response_format"), "http_400"),
        (status(307, headers={"Location": "https://elsewhere.example/v1"}), "http_307"),
        (status(429, headers={"Retry-After": "1"}), "rate_limited"),
        (status(429, code="insufficient_quota"), "quota_used_up"),
        (reset, "unreachable"),
        (says(None, refusal="I cannot help with that."), "refused"),
        (says("", finish_reason="content_filter"), "refused"),
        (says('{"verdict": "pick", "ent', finish_reason="length"), "truncated"),
        (says(None), "empty"),
        (says(" \n"), "empty"),
        (completion([]), "empty"),
        (completion(None), "not_a_completion"),
        (completion([{"index": 0}]), "not_a_completion"),
        (sends(b'{"error": {"message": "overloaded"}}'), "not_a_completion"),
        (sends(b"\xff\xfe garbage"), "not_a_completion"),
        (sends(b'{"choices": ' + b"[" * 100_000), "not_a_completion"),
        (sends(b"<html><body>Sign in</body></html>", content_type="text/html"), "not_a_completion"),
        (sends(b"<html>Bad gateway</html>", content_type="text/html", code=502), "http_502"),
    ],
)
async def test_a_server_that_fails_gives_its_reason_and_is_asked_once(step: Step, reason: str) -> None:
    outcome, requests = await ask(step, verdict("pick", "hours"))
    assert outcome == reason
    assert len(requests) == 1


BAD_VERDICTS = [
    (says("The best entry is hours."), "not_a_verdict"),
    (says('["pick", "hours"]'), "not_a_verdict"),
    (says('{"verdict": "maybe", "entries": ["hours"]}'), "not_a_verdict"),
    (says('{"verdict": "pick", "entries": "hours"}'), "not_a_verdict"),
    (says('{"verdict": "none"}'), "not_a_verdict"),
    (says('{"verdict": "pick", "entries": ["\\ud800"]}'), "not_a_verdict"),
    (verdict("pick", "parking"), "unknown_entry"),
    (verdict("unclear", "hours", "parking"), "unknown_entry"),
    (verdict("pick"), "wrong_count"),
    (verdict("pick", "hours", "card"), "wrong_count"),
    (verdict("pick", "hours", "hours"), "wrong_count"),
    (verdict("none", "hours"), "wrong_count"),
    (verdict("unclear", "hours"), "wrong_count"),
    (verdict("unclear", "hours", "hours"), "wrong_count"),
    (verdict("unclear", "hours", "change", "cancel", "card"), "wrong_count"),
]


@pytest.mark.parametrize(("step", "reason"), BAD_VERDICTS)
async def test_an_answer_that_is_no_verdict_twice_gives_its_reason(step: Step, reason: str) -> None:
    outcome, requests = await ask(step, step, verdict("pick", "hours"))
    assert outcome == reason
    assert len(requests) == 2


@pytest.mark.parametrize(("step", "reason"), BAD_VERDICTS)
async def test_an_answer_that_is_no_verdict_is_repaired_by_asking_again(step: Step, reason: str) -> None:
    outcome, requests = await ask(step, verdict("pick", "hours"))
    assert outcome == Pick(entry="hours"), reason
    first, second = requests
    assert second.messages[:2] == first.messages
    assert [message.role for message in second.messages[2:]] == ["assistant", "user"]
    assert second.response_format == first.response_format


async def test_the_repair_says_what_is_wrong() -> None:
    _, requests = await ask(verdict("pick", "parking"), verdict("none"))
    assert "cancel, card, change, hours and no others" in requests[1].messages[3].content


async def test_a_repair_that_fails_gives_the_reason_of_the_second_request() -> None:
    outcome, _ = await ask(verdict("pick", "parking"), status(503))
    assert outcome == "http_503"


@pytest.mark.parametrize(("now", "requests"), [(103.9, 2), (104.0, 1)])
async def test_no_repair_is_paid_for_when_half_of_the_budget_is_used_up(now: float, requests: int) -> None:
    async with (
        ScriptedOpenAI(says("hm"), says("hm")) as server,
        open_gate(api_key="sk-test", base_url=server.base_url, model="small-model", ledger=OpenLedger()) as gate,
    ):
        model = OpenAIAdjudicator(gate, PROMPT, budget_s=8.0, clock=Clock(100.0, now))
        with pytest.raises(ModelUnavailable, match=r"^not_a_verdict$"):
            await model.adjudicate("何時まで?", CANDIDATES)
        assert len(server.requests) == requests


@pytest.mark.parametrize("step", [hang, drip])
async def test_a_server_that_never_ends_is_given_up_after_the_budget(step: Step) -> None:
    outcome, _ = await ask(step, budget_s=0.05)
    assert outcome == "timeout"


async def test_a_repair_does_not_extend_the_budget() -> None:
    async with (
        ScriptedOpenAI(says("hm"), hang) as server,
        open_gate(api_key="sk-test", base_url=server.base_url, model="small-model", ledger=OpenLedger()) as gate,
    ):
        model = OpenAIAdjudicator(gate, PROMPT, budget_s=0.5, clock=Clock(0.0, 0.0))
        with pytest.raises(ModelUnavailable, match=r"^timeout$"):
            await model.adjudicate("何時まで?", CANDIDATES)


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    async with ScriptedOpenAI() as server:
        base_url = server.base_url
    async with adjudicator(base_url) as model:
        with pytest.raises(ModelUnavailable, match=r"^unreachable$"):
            await model.adjudicate("何時まで?", CANDIDATES)


async def test_cancellation_passes_through() -> None:
    async with ScriptedOpenAI(hang) as server, adjudicator(server.base_url) as model:
        task = asyncio.create_task(model.adjudicate("何時まで?", CANDIDATES))
        await server.hanging.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_mistake_of_our_own_is_unavailability_too() -> None:
    async with adjudicator(URL, api_key="鍵") as model:
        with pytest.raises(ModelUnavailable, match=r"^internal_UnicodeEncodeError$"):
            await model.adjudicate("何時まで?", CANDIDATES)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.ReadTimeout, "timeout"),
        (httpx.ConnectTimeout, "timeout"),
        (httpx.ConnectError, "unreachable"),
        (httpx.RemoteProtocolError, "unreachable"),
    ],
)
async def test_a_transport_error_gives_its_reason(error: type[Exception], reason: str) -> None:
    with respx.mock(using=HTTPCore2Mocker.name, base_url=URL) as mock:
        mock.post("/chat/completions").mock(side_effect=error)
        async with adjudicator(URL) as model:
            with pytest.raises(ModelUnavailable, match=rf"^{reason}$"):
                await model.adjudicate("何時まで?", CANDIDATES)


async def test_an_unmocked_call_does_not_leave_the_process() -> None:
    async with ScriptedOpenAI(verdict("pick", "hours")) as server:
        with respx.mock(using=HTTPCore2Mocker.name, assert_all_mocked=True):
            async with adjudicator(server.base_url) as model:
                with pytest.raises(ModelUnavailable, match=r"^internal_AllMockedAssertionError$"):
                    await model.adjudicate("何時まで?", CANDIDATES)
        assert server.requests == []
