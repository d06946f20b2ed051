"""Probing: one worker tries the language model on probes, beside its work, until it is known what its picks are worth.

One probe at a time, with a rest after each, and never while a customer's message waits for the model. Each answer is
kept as it comes: a restart goes on where it was. Probes begin anew when more than a tenth of the entries has changed;
what was found before holds until they are done. Another model or prompt is another one: nothing is known of it yet.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from service.adapters.verdicts import Answer, Run, Verdicts, whose_probes
from service.advising import Advisor
from service.core.entries import Entry
from service.core.knowledge import Knowledge
from service.core.probes import Probes, read_probes
from service.core.verdicts import Findings, Probed, find, fingerprints, still_hold
from service.errors import ModelUnavailable, StoreUnavailable

log = structlog.get_logger()
# Seconds: after a probe, while nothing is to be done, while customers wait, and when the model did not answer.
REST_S = 2.0
LOOK_EVERY_S = 15.0
_GIVE_WAY_S = 0.5
_TRY_AGAIN_S = 60.0


async def keep_probed(prober: "Prober") -> None:
    """Probe whenever it is due, for ever."""
    while True:
        try:
            wait_s = await prober.step()
        except StoreUnavailable:
            wait_s = LOOK_EVERY_S
        except Exception:  # a fault in our own code must not end it: the next look may do better
            log.exception("probing_failed")
            wait_s = _TRY_AGAIN_S
        await asyncio.sleep(wait_s)


class Prober:
    """Finds out what one model's picks are worth. `name` is the worker's own; it rests for `rest_s` seconds."""

    def __init__(
        self,
        advisor: Advisor,
        verdicts: Verdicts,
        knowledge: Callable[[], Knowledge],
        *,
        name: str,
        rest_s: float = REST_S,
    ) -> None:
        self._advisor = advisor
        self._verdicts = verdicts
        self._knowledge = knowledge
        self._name = name
        self._rest_s = rest_s
        self._whose = whose_probes(advisor.model.name, advisor.model.prompt_id)

    async def step(self) -> float:
        """Do the next thing that is due; returns after how many seconds to come again."""
        knowledge = self._knowledge()
        self._advisor.findings = found = await self._verdicts.findings(self._whose)
        if found and still_hold(found.entries, knowledge.entries):
            return LOOK_EVERY_S
        if self._advisor.is_busy:
            return _GIVE_WAY_S
        run = await self._verdicts.run(self._whose)
        if run is None or not still_hold(run.entries, knowledge.entries):
            run = _begun(knowledge)
            if run is None or not await self._verdicts.may_probe(self._name):
                return LOOK_EVERY_S
            await self._verdicts.begin(self._whose, run)
            log.info("probing_begun", probes=len(run.probes.questions), model=self._advisor.model.name)
        elif not await self._verdicts.may_probe(self._name):
            return LOOK_EVERY_S
        return await self._go_on(run, knowledge.entries)

    async def _go_on(self, run: Run, entries: Mapping[str, Entry]) -> float:
        left = [number for number in range(len(run.probes.questions)) if number not in run.answers]
        if not left:
            await self._verdicts.finish(self._whose, _found(run))
            log.info("probing_done", probes=len(run.answers), model=self._advisor.model.name)
            return 0
        number = left[0]
        try:
            probed = await self._advisor.try_on(run.probes.questions[number], entries)
        except ModelUnavailable as error:
            log.info("probing_waits", reason=str(error))
            return _TRY_AGAIN_S
        answer = Answer(probed.shown, probed.picked) if probed else Answer(())
        await self._verdicts.note(self._whose, number, answer)
        return self._rest_s if probed else 0


def _begun(knowledge: Knowledge) -> Run | None:
    """A new run; None while nothing has been fitted for these entries."""
    probes = Probes() if knowledge.stale else read_probes(knowledge.usual_calibration)
    return Run(fingerprints(knowledge.entries), probes) if probes.questions else None


def _found(run: Run) -> Findings:
    probed = [
        Probed(probe, answer.shown, answer.picked)
        for number, probe in enumerate(run.probes.questions)
        if (answer := run.answers[number]).shown
    ]
    return find(run.probes, probed, run.entries)
