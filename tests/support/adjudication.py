"""One question for the language model, and a way to ask it of a scripted server."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from service.adapters.ledger import OpenLedger
from service.adapters.model import OpenAIAdjudicator, load_adjudication_prompt
from service.adapters.modelgate import open_gate
from service.core.decisions import Verdict
from service.core.entries import Action, Entry
from service.core.history import Utterance
from service.errors import ModelUnavailable
from tests.support.scripted_openai import ScriptedOpenAI, SentRequest, Step

PROMPT = load_adjudication_prompt(Path(__file__).parents[2] / "prompts")


def entry(entry_id: str, question: str, *, action: Action = "answer") -> Entry:
    """An entry with seven phrasings, and two bubbles where the bot answers."""
    return Entry(
        id=entry_id,
        question=question,
        phrasings=tuple(f"{question} {n}" for n in range(1, 8)),
        bubbles=(f"{question}の答えです。", "二つ目の吹き出し") if action == "answer" else (),
        action=action,
        file="faq.md",
        line=1,
    )


CANDIDATES = [
    entry("hours", "営業時間"),
    entry("change", "予約変更"),
    entry("cancel", "予約取消"),
    entry("card", "支払"),
]


@asynccontextmanager
async def adjudicator(
    base_url: str, *, budget_s: float = 8.0, api_key: str | None = "sk-test"
) -> AsyncGenerator[OpenAIAdjudicator]:
    """The adapter as the service opens it."""
    async with open_gate(api_key=api_key, base_url=base_url, model="small-model", ledger=OpenLedger()) as gate:
        yield OpenAIAdjudicator(gate, PROMPT, budget_s=budget_s)


async def ask(
    *steps: Step, text: str = "何時まで?", history: Sequence[Utterance] = (), budget_s: float = 8.0
) -> tuple[Verdict | str, list[SentRequest]]:
    """The verdict, or the reason there is none, and what the server was asked."""
    async with ScriptedOpenAI(*steps) as server, adjudicator(server.base_url, budget_s=budget_s) as model:
        try:
            return await model.adjudicate(text, CANDIDATES, history), server.requests
        except ModelUnavailable as error:
            return str(error), server.requests
