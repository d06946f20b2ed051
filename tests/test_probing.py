"""A worker finds out what the model's picks are worth: on a real Valkey, with a model behind a real HTTP server."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import count

import msgspec
import pytest

from bench.scripted_model import ScriptedModel
from service.adapters.store import PREFIX, Store
from service.adapters.verdicts import Verdicts, whose_probes
from service.advising import Advisor, nothing_before
from service.core.decisions import Answer, AskModel, NoneFits, Pick, Verdict
from service.core.entries import Entry
from service.core.history import Utterance
from service.core.knowledge import Knowledge, build_knowledge
from service.core.probes import read_probes
from service.core.verdicts import UNPROBED
from service.errors import ModelUnavailable, StoreUnavailable
from service.probing import LOOK_EVERY_S, Prober, keep_probed
from tests.support.adjudication import adjudicator
from tests.support.catalogue import CATALOGUE, learnt
from tests.support.scripted_model import labels_of, serve_model
from tests.support.shop import NOON
from tests.support.stand_ins import Model
from tests.support.waiting import cancel, eventually

PROBES = read_probes(learnt().calibration).questions


class Workers:
    """Workers that share a Valkey and a knowledge that can be changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.verdicts = Verdicts(store)
        self.knowledge = learnt()
        self._names = count(1)

    def hire(self, model: Model) -> tuple[Prober, Advisor]:
        advisor = Advisor(model, self.verdicts)
        name = f"worker {next(self._names)}"
        return Prober(advisor, self.verdicts, lambda: self.knowledge, name=name, rest_s=0), advisor

    async def finish(self, prober: Prober) -> None:
        for _ in range(3 * len(PROBES)):
            if await prober.step() == LOOK_EVERY_S:
                return
        pytest.fail("it never comes to an end")

    async def let_go(self) -> None:
        """The worker that probes has been gone for long."""
        await self._store.call(lambda redis: redis.delete(f"{PREFIX}probing"))


@pytest.fixture
async def workers(redis_url: str) -> AsyncIterator[Workers]:
    async with Store(redis_url, timeout_s=5) as store:
        yield Workers(store)


def changed(knowledge: Knowledge, number: int) -> Knowledge:
    """The knowledge with so many entries' answers changed: probes of these entries hold no more."""
    entries = list(knowledge.entries.values())
    others = [msgspec.structs.replace(entry, bubbles=("別の答え",)) for entry in entries[:number]]
    return build_knowledge([*others, *entries[number:]], calibration=knowledge.calibration)


async def test_a_model_over_http_is_tried_and_then_believed_as_far_as_it_is_right(workers: Workers) -> None:
    async with AsyncExitStack() as stack:
        server = ScriptedModel(labels_of(CATALOGUE))
        model = await stack.enter_async_context(adjudicator(await stack.enter_async_context(serve_model(server))))
        advisor = Advisor(model, workers.verdicts)
        prober = Prober(advisor, workers.verdicts, learnt, name="w", rest_s=0)
        probing = asyncio.create_task(keep_probed(prober))
        try:
            await eventually(lambda: advisor.findings, "the probes are done", timeout_s=60)
        finally:
            await cancel(probing)
        rates = advisor.rates(learnt().calibration)
        assert (server.asked, rates.right > 0.95, rates.astray < 0.05) == (len(PROBES), True, True)
        assert rates.threshold == 0.5


async def test_before_the_probes_are_done_nothing_is_known(workers: Workers) -> None:
    prober, advisor = workers.hire(Model(NoneFits()))
    for _ in range(5):
        await prober.step()
    assert advisor.rates(learnt().calibration) == UNPROBED


async def test_a_restart_goes_on_where_it_was(workers: Workers) -> None:
    first, second = Model(NoneFits()), Model(NoneFits())
    prober, _ = workers.hire(first)
    for _ in range(30):
        await prober.step()
    await workers.let_go()
    await workers.finish(workers.hire(second)[0])
    asked = [text for text, _ in (*first.asked, *second.asked)]
    assert len(first.asked) == 30
    assert sorted(asked) == sorted(probe.text for probe in PROBES), "each probe once"


async def test_of_two_workers_one_probes_and_both_learn(workers: Workers) -> None:
    busy, idle = Model(NoneFits()), Model(NoneFits())
    (prober, one), (other, two) = workers.hire(busy), workers.hire(idle)
    await prober.step()
    assert await other.step() == LOOK_EVERY_S
    await workers.finish(prober)
    await other.step()
    assert idle.asked == []
    assert one.findings == two.findings
    assert one.findings is not None


async def test_a_probe_shows_what_an_index_without_it_found(workers: Workers) -> None:
    model = Model(NoneFits())
    await workers.finish(workers.hire(model)[0])
    assert dict(model.asked)[PROBES[0].text]
    assert [(text, tuple(shown)) for text, shown in model.asked] == [(each.text, each.entries) for each in PROBES]
    assert set(model.heard) == {()}


async def test_customers_go_first(workers: Workers) -> None:
    class Thinking(Model):
        """Takes its time over a customer's message."""

        done = asyncio.Event()

        async def adjudicate(
            self,
            text: str,
            candidates: Sequence[Entry],
            history: Sequence[Utterance] = (),
            *,
            names: tuple[str, ...] = (),
            background: bool = False,
        ) -> Verdict:
            if text == "何円ですか":
                await self.done.wait()
            return await super().adjudicate(text, candidates, history, names=names, background=background)

    model = Thinking(NoneFits())
    prober, advisor = workers.hire(model)
    question = AskModel("何円ですか", learnt().rank("何円ですか").candidates)
    deciding = asyncio.create_task(advisor.decide(question, learnt(), nothing_before, NOON))
    await eventually(lambda: advisor.is_busy, "the customer's message is being judged")
    assert 0 < await prober.step() < 1
    assert model.asked == []
    model.done.set()
    await deciding
    assert not advisor.is_busy
    await prober.step()
    assert len(model.asked) == 2


async def test_a_model_that_is_away_is_asked_the_same_probe_a_minute_later(workers: Workers) -> None:
    model = Model(None)
    prober, _ = workers.hire(model)
    assert await prober.step() == await prober.step() == 60
    assert model.asked[0] == model.asked[1]
    model.verdict = NoneFits()
    await workers.finish(prober)
    assert len(model.asked) == 2 + len(PROBES)


async def test_a_probe_that_gets_no_verdict_counts_as_one_without_a_pick(workers: Workers) -> None:
    class Babbling(Model):
        """Never gives a verdict."""

        async def adjudicate(
            self,
            text: str,
            candidates: Sequence[Entry],
            history: Sequence[Utterance] = (),
            *,
            names: tuple[str, ...] = (),
            background: bool = False,
        ) -> Verdict:
            await super().adjudicate(text, candidates, history, names=names, background=background)
            raise ModelUnavailable("not_a_verdict")

    prober, advisor = workers.hire(Babbling(NoneFits()))
    await workers.finish(prober)
    assert advisor.findings is not None
    assert {probed.picked for probed in advisor.findings.probed} == {None}
    assert len(advisor.findings.probed) == len(PROBES)


async def test_probes_begin_anew_when_more_than_a_tenth_of_the_entries_has_changed(workers: Workers) -> None:
    model = Model(NoneFits())
    prober, advisor = workers.hire(model)
    await workers.finish(prober)
    before = advisor.findings
    workers.knowledge = changed(learnt(), 2)
    await prober.step()
    assert len(model.asked) == len(PROBES), "two of 23 entries are not a tenth"
    workers.knowledge = changed(learnt(), 3)
    await prober.step()
    assert len(model.asked) == len(PROBES) + 1
    assert advisor.findings == before, "the old findings go on until the new ones are there"
    await workers.finish(prober)
    assert len(model.asked) == 2 * len(PROBES)
    assert advisor.findings != before


async def test_a_run_begins_anew_when_the_entries_change_under_it(workers: Workers) -> None:
    model = Model(NoneFits())
    prober, _ = workers.hire(model)
    for _ in range(10):
        await prober.step()
    workers.knowledge = changed(learnt(), 5)
    await workers.finish(prober)
    assert len(model.asked) == 10 + len(PROBES)


async def test_another_prompt_begins_anew_and_is_not_believed_before(workers: Workers) -> None:
    await workers.finish(workers.hire(Model(NoneFits()))[0])
    other = Model(NoneFits())
    other.prompt_id = "new"
    await workers.let_go()
    prober, advisor = workers.hire(other)
    await prober.step()
    assert advisor.findings is None
    assert len(other.asked) == 1


async def test_nothing_private_is_shown_or_asked(workers: Workers) -> None:
    model = Model(NoneFits())
    entries = [msgspec.structs.replace(entry, private=entry.id.startswith("price")) for entry in CATALOGUE]
    workers.knowledge = build_knowledge(entries, calibration=learnt().calibration)
    prober, advisor = workers.hire(model)
    await workers.finish(prober)
    secret = {text for entry in entries if entry.private for text in entry.phrasings}
    assert model.asked
    assert not secret & {text for text, _ in model.asked}
    assert not [entry for _, shown in model.asked for entry in shown if entry.startswith("price")]
    assert advisor.findings is not None
    assert not [entry for probed in advisor.findings.probed for entry in probed.shown if entry.startswith("price")]


async def test_without_a_fitted_calibration_there_is_nothing_to_ask(workers: Workers) -> None:
    model = Model(NoneFits())
    workers.knowledge = build_knowledge(CATALOGUE)
    assert await workers.hire(model)[0].step() == LOOK_EVERY_S
    workers.knowledge = replace(learnt(), calibration=msgspec.structs.replace(learnt().calibration, index="older"))
    assert await workers.hire(model)[0].step() == LOOK_EVERY_S
    assert model.asked == []


async def test_redis_away_does_not_end_the_probing() -> None:
    async with Store("redis://127.0.0.1:9/0", timeout_s=1) as nowhere:
        prober = Prober(Advisor(Model(None), Verdicts(nowhere)), Verdicts(nowhere), learnt, name="w")
        with pytest.raises(StoreUnavailable):
            await prober.step()
        probing = asyncio.create_task(keep_probed(prober))
        done, _ = await asyncio.wait({probing}, timeout=0.3)
        assert not done
        await cancel(probing)


async def test_what_was_found_decides_the_next_message(workers: Workers) -> None:
    """A pick that the ranking did not have first is answered once the model has shown that it is right."""
    async with AsyncExitStack() as stack:
        server = ScriptedModel(labels_of(CATALOGUE))
        model = await stack.enter_async_context(adjudicator(await stack.enter_async_context(serve_model(server))))
        advisor = Advisor(model, workers.verdicts)
        prober = Prober(advisor, workers.verdicts, learnt, name="w", rest_s=0)
        await workers.finish(prober)
    whose = whose_probes(model.name, model.prompt_id)
    assert await workers.verdicts.findings(whose) == advisor.findings
    knowing = Advisor(Model(Pick("price-1")), workers.verdicts)
    knowing.findings = advisor.findings
    question = AskModel("鞄どうなってますか", learnt().rank("鞄どうなってますか").candidates)
    assert question.candidates[0].entry != "price-1"
    decision, trace = await knowing.decide(question, learnt(), nothing_before, NOON)
    assert isinstance(decision, Answer)
    assert trace is not None
    assert trace.rates == advisor.rates(learnt().calibration).id
    assert trace.posterior is not None
    assert trace.threshold is not None
    assert trace.posterior >= trace.threshold
