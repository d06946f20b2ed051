"""Verdicts and probes in Redis."""

from collections.abc import AsyncIterator

import pytest
import redis

from service.adapters.store import PREFIX, Store
from service.adapters.verdicts import KEEP_FINDINGS_S, KEEP_VERDICT_S, Answer, Run, Verdicts, whose_probes
from service.core.decisions import NoneFits, Pick, Unclear, Verdict
from service.core.probes import Probe, Probes
from service.core.verdicts import Findings, Probed

PROBE = Probe("日曜は?", "hours", ("hours", "cut"), (0.7, 0.3), 0.6)
RUN = Run({"hours": "abcd"}, Probes((PROBE, PROBE), 0.4, 0.0, 0.6))
FINDINGS = Findings(
    entries={"hours": "abcd"}, probed=(Probed(PROBE, ("hours",), None),), shown=0.4, missed=0.0, strange=0.6
)


@pytest.fixture
async def verdicts(redis_url: str) -> AsyncIterator[Verdicts]:
    async with Store(redis_url, timeout_s=5) as store:
        yield Verdicts(store)


@pytest.mark.parametrize("verdict", [Pick("hours"), NoneFits(), Unclear(("hours", "cut"))], ids=repr)
async def test_a_verdict_is_remembered_for_a_week(verdicts: Verdicts, redis_url: str, verdict: Verdict) -> None:
    assert await verdicts.recall("k") is None
    await verdicts.remember("k", verdict)
    assert await verdicts.recall("k") == verdict
    with redis.Redis.from_url(redis_url) as client:
        assert client.ttl(f"{PREFIX}verdict:k") == pytest.approx(KEEP_VERDICT_S, abs=5)


async def test_a_run_goes_on_with_the_answers_that_were_noted(verdicts: Verdicts) -> None:
    assert await verdicts.run("w") is None
    await verdicts.begin("w", RUN)
    await verdicts.note("w", 1, Answer(("hours",), "hours"))
    found = await verdicts.run("w")
    assert found is not None
    assert (found.entries, found.probes, found.answers) == (RUN.entries, RUN.probes, {1: Answer(("hours",), "hours")})


async def test_a_new_run_forgets_the_answers_of_the_one_before(verdicts: Verdicts) -> None:
    await verdicts.begin("w", RUN)
    await verdicts.note("w", 0, Answer(()))
    await verdicts.begin("w", RUN)
    assert await verdicts.run("w") == RUN


async def test_findings_end_the_run_and_stay_as_long_as_they_are_looked_at(verdicts: Verdicts, redis_url: str) -> None:
    assert await verdicts.findings("w") is None
    await verdicts.begin("w", RUN)
    await verdicts.finish("w", FINDINGS)
    assert await verdicts.run("w") is None
    with redis.Redis.from_url(redis_url) as client:
        client.expire(f"{PREFIX}verdicts:w", 60)
        assert await verdicts.findings("w") == FINDINGS
        assert client.ttl(f"{PREFIX}verdicts:w") == pytest.approx(KEEP_FINDINGS_S, abs=5)


@pytest.mark.parametrize("damaged", ["{", '{"of": "another version"}'])
async def test_what_is_damaged_counts_as_nothing(verdicts: Verdicts, redis_url: str, damaged: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set(f"{PREFIX}verdict:k", damaged)
        client.set(f"{PREFIX}verdicts:w", damaged)
        client.hset(f"{PREFIX}probes:w", "run", damaged)
    assert await verdicts.recall("k") is None
    assert await verdicts.findings("w") is None
    assert await verdicts.run("w") is None


async def test_one_worker_probes_and_another_goes_on_when_it_is_gone(verdicts: Verdicts, redis_url: str) -> None:
    assert await verdicts.may_probe("one")
    assert not await verdicts.may_probe("two")
    assert await verdicts.may_probe("one"), "it stays the one"
    with redis.Redis.from_url(redis_url) as client:
        assert client.ttl(f"{PREFIX}probing") > 0
        client.delete(f"{PREFIX}probing")
    assert await verdicts.may_probe("two")


def test_another_model_or_prompt_is_somebody_else() -> None:
    assert len({whose_probes("m", "p"), whose_probes("n", "p"), whose_probes("m", "q"), whose_probes("m", "p")}) == 3
