"""The language model as a decision sees it: what it says of candidates, remembered, and what that is worth."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from service.core.calibration import Calibration
from service.core.decisions import AskModel, Candidate, Decision, Pick, Verdict
from service.core.entries import Entry, words_of
from service.core.followups import continued, may_follow_up
from service.core.history import Utterance, recent
from service.core.knowledge import Knowledge
from service.core.normalize import normalize
from service.core.probes import Probe
from service.core.records import Item, ModelTrace
from service.core.triage import is_worth_asking, settle, shown
from service.core.verdicts import UNPROBED, Findings, Probed, Rates, measure
from service.errors import ModelUnavailable
from service.ports import Adjudicator, Memory

# What a model answers itself, as against what keeps it from answering: asked again it would say the same.
_NO_VERDICT = {"refused", "truncated", "empty", "not_a_verdict", "unknown_entry", "wrong_count"}

Talk = Callable[[], Awaitable[Sequence[Item]]]


async def nothing_before() -> Sequence[Item]:
    """The talk of somebody who never wrote."""
    return ()


class Advisor:
    """One model and what is known of it.

    `memory` keeps its verdicts. `findings` is what probes have shown of it, None until they have. `asked` counts the
    questions that were put to it, `failed` those that it gave no verdict on.
    """

    def __init__(self, model: Adjudicator, memory: Memory) -> None:
        self.model = model
        self.findings: Findings | None = None
        self.asked = 0
        self.failed = 0
        self._memory = memory
        self._waiting = 0
        self._measured: tuple[object, Rates] = (None, UNPROBED)

    @property
    def is_busy(self) -> bool:
        """Whether a message of a customer's waits for the model."""
        return self._waiting > 0

    def rates(self, calibration: Calibration) -> Rates:
        """What the model's picks are worth, for the promise and the share of a calibration."""
        if self.findings is None:
            return UNPROBED
        subject = (self.findings.id, calibration.promise, calibration.near_share)
        if self._measured[0] != subject:
            measured = measure(self.findings, promise=calibration.promise, share=calibration.near_share)
            self._measured = (subject, measured)
        return self._measured[1]

    async def decide(
        self, question: AskModel, knowledge: Knowledge, talk: Talk, at: datetime
    ) -> tuple[Decision, ModelTrace | None]:
        """Decide what `triage` left open.

        `talk` reads what was said before; it is called only where it may matter. Without a usable verdict all is as
        without a model.
        """
        started = time.perf_counter()
        asked, history = await self._in_context(question, knowledge, talk, at)
        if not is_worth_asking(asked, knowledge):
            return settle(question, knowledge, None), None
        rates, seen = self.rates(knowledge.calibration), shown(asked, knowledge)
        try:
            verdict = await self._ask(asked, [knowledge.entries[each.entry] for each in seen], history)
            said = msgspec.json.encode(verdict).decode()
            decision = settle(asked, knowledge, verdict, rates)
        except ModelUnavailable as error:
            verdict, said = None, str(error)
            decision = settle(question, knowledge, None)
        took_ms = round((time.perf_counter() - started) * 1000, 1)
        return decision, self._trace(verdict, said, took_ms, rates, seen)

    def _trace(
        self, verdict: Verdict | None, said: str, took_ms: float, rates: Rates, seen: Sequence[Candidate]
    ) -> ModelTrace:
        return ModelTrace(
            name=self.model.name,
            prompt=self.model.prompt_id,
            verdict=said,
            ms=took_ms,
            posterior=round(rates.posterior(verdict.entry, seen), 6) if isinstance(verdict, Pick) else None,
            threshold=rates.threshold,
            rates=rates.id,
        )

    async def _in_context(
        self, question: AskModel, knowledge: Knowledge, talk: Talk, at: datetime
    ) -> tuple[AskModel, tuple[Utterance, ...]]:
        """The question with what was said before it, where a short one gets candidates from the message before, too."""
        is_short = may_follow_up(question)
        if not is_short and not is_worth_asking(question, knowledge):
            return question, ()
        history = recent(await talk(), at, knowledge.entries)
        before = next((said.text for said in reversed(history) if said.who == "customer"), None)
        return (continued(question, before, knowledge, at) if is_short and before else question), history

    async def _ask(self, question: AskModel, entries: Sequence[Entry], history: Sequence[Utterance]) -> Verdict:
        key = self._key(question.text, entries, history)
        if found := await self._memory.recall(key):
            return found
        self._waiting += 1
        try:
            verdict = await self._put(question, entries, history, background=False)
        finally:
            self._waiting -= 1
        await self._memory.remember(key, verdict)
        return verdict

    async def _put(
        self, question: AskModel, entries: Sequence[Entry], history: Sequence[Utterance], *, background: bool
    ) -> Verdict:
        self.asked += 1
        try:
            return await self.model.adjudicate(
                question.text, entries, history, names=question.names, background=background
            )
        except ModelUnavailable:
            self.failed += 1
            raise

    def _key(self, text: str, entries: Sequence[Entry], history: Sequence[Utterance]) -> str:
        """A hash of all that the verdict depends on: what was said cannot be read from it."""
        told = [
            (each.id, each.question, each.phrasings, list(map(words_of, each.bubbles)), each.action) for each in entries
        ]
        about = repr((self.model.name, self.model.prompt_id, normalize(text), list(history), told))
        return hashlib.sha256(about.encode("utf-8", "surrogatepass")).hexdigest()

    async def try_on(self, probe: Probe, entries: Mapping[str, Entry]) -> Probed | None:
        """Ask a probe; None where its entry is gone or nothing of it may be shown.

        Raises ModelUnavailable when the model cannot be asked now.
        """
        may_be_shown = {entry.id: entry for entry in entries.values() if not entry.private}
        candidates = [may_be_shown[entry] for entry in probe.entries if entry in may_be_shown]
        if probe.owner not in may_be_shown or not candidates:
            return None
        try:
            verdict = await self._put(AskModel(probe.text, ()), candidates, (), background=True)
        except ModelUnavailable as error:
            if str(error) not in _NO_VERDICT:
                raise
            verdict = None
        picked = verdict.entry if isinstance(verdict, Pick) else None
        return Probed(probe, tuple(entry.id for entry in candidates), picked)
