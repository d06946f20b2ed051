"""Asking many questions as production would, the language model as well: for `./henji evaluate`."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from service.advising import Advisor, nothing_before
from service.core.conversation import Conversation, Turn
from service.core.decisions import Answer, Candidate, Clarify, Decision
from service.core.judging import Judged, Question
from service.core.knowledge import Knowledge
from service.core.probes import Probe, read_probes
from service.core.records import ModelTrace
from service.core.triage import triage
from service.core.vectors import Meanings
from service.core.verdicts import Probed, find, fingerprints
from service.errors import ModelUnavailable
from service.replying import resolve

# So many requests to a model at a time.
_AT_ONCE = 8


class ModelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What the language model was asked: `asked` questions, `probes` of them to try it, `failed` without a verdict.

    `right`, `wrong`, `astray` and `threshold` as in `Rates`.
    """

    name: str
    prompt: str
    asked: int
    probes: int
    failed: int
    right: float
    wrong: float
    astray: float
    threshold: float | None


async def probe_all(advisor: Advisor, knowledge: Knowledge, tick: Callable[[int], object]) -> None:
    """Find out what the model's picks are worth. A probe that it cannot be asked is left out."""
    probes = read_probes(knowledge.usual_calibration)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(probe: Probe) -> Probed | None:
        async with gate:
            with suppress(ModelUnavailable):
                return await advisor.try_on(probe, knowledge.entries)
        return None

    async def ask_and_tick(probe: Probe) -> Probed | None:
        probed = await ask(probe)
        tick(1)
        return probed

    probed = await asyncio.gather(*map(ask_and_tick, probes.questions))
    advisor.findings = find(probes, list(filter(None, probed)), fingerprints(knowledge.entries))


async def ask_all(
    questions: Sequence[Question],
    knowledge: Knowledge,
    advisor: Advisor | None,
    meanings: Meanings | None,
    tick: Callable[[int], object],
) -> list[Judged]:
    """Decide about each question as production would, with its vector if `meanings` has it."""
    nobody, now = Conversation(customer="evaluate"), datetime.now(UTC)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(question: Question) -> Judged:
        known = knowledge.with_vector(question.text, meanings.of.get(question.text)) if meanings else knowledge
        turn = Turn(id="evaluate", at=0, events=(), lines=(question.text,))
        async with gate:
            step = triage(turn, known, nobody, now)
            decision, trace = await resolve(step, known, advisor, nothing_before, now)
        tick(1)
        return _judge(question, decision, trace, known)

    return await asyncio.gather(*map(ask, questions))


def summarize_model(advisor: Advisor, knowledge: Knowledge) -> ModelSummary:
    """Say what the model was asked, and how it did on probes."""
    rates = advisor.rates(knowledge.usual_calibration)
    return ModelSummary(
        name=advisor.model.name,
        prompt=advisor.model.prompt_id,
        asked=advisor.asked,
        probes=len(advisor.findings.probed) if advisor.findings else 0,
        failed=advisor.failed,
        right=rates.right,
        wrong=rates.wrong,
        astray=rates.astray,
        threshold=rates.threshold,
    )


def _judge(question: Question, decision: Decision, trace: ModelTrace | None, knowledge: Knowledge) -> Judged:
    candidates: tuple[Candidate, ...] = getattr(decision, "candidates", ())
    candidates = candidates or knowledge.rank(question.text).candidates
    best = candidates[0] if candidates else None
    if isinstance(decision, Answer) and trace and trace.posterior is not None:
        best = Candidate(decision.entry, trace.posterior)
    return Judged(
        text=question.text,
        entries=question.entries,
        outcome="answer" if isinstance(decision, Answer) else "clarify" if isinstance(decision, Clarify) else "handoff",
        reason=decision.reason,
        entry=best.entry if best else None,
        probability=best.probability if best else 0.0,
        candidates=candidates,
        choices=decision.choices if isinstance(decision, Clarify) else (),
    )
