"""The process that fits a calibration: a real one, and what is left of it however it or its parent ends."""

import asyncio
import os
import signal
import subprocess
import sys

import msgspec
import pytest

from service.adapters import fitter
from service.adapters.tokenizing import open_tokenizer
from service.core.calibration import Calibration
from service.core.entries import Entry
from service.core.features import Tokenizer, Wording
from service.core.fitting import calibrate
from service.core.ranking import read_phrasings
from service.errors import FittingFailed
from service.settings import ROOT
from tests.support.large import large_shop
from tests.support.real import command, descendants
from tests.support.shop import entry
from tests.support.waiting import cancel, eventually, until

LARGE = large_shop()
SMALL = LARGE[:20]
PARENT = """
import asyncio
from service.adapters import fitter
from service.core.features import Wording
from tests.support.large import large_shop
asyncio.run(fitter.fit(large_shop(), Wording(), "any"))
"""


def fitters(parent: int) -> list[int]:
    """The processes below one that fit."""
    return [pid for pid in descendants(parent) if "service.adapters.fitter" in command(pid)]


def start(entries: list[Entry], wording: Wording) -> asyncio.Task[Calibration]:
    return asyncio.create_task(fitter.fit(entries, wording, read_phrasings(entries, wording).id))


async def running() -> int:
    """The id of the process, once it runs."""
    (pid,) = await eventually(lambda: fitters(os.getpid()), "it runs", 30)
    return pid


@pytest.mark.parametrize("choice", ["none", "sudachi"])
async def test_it_fits_what_would_be_fitted_here(choice: str) -> None:
    tokenizer = open_tokenizer("sudachi") if choice == "sudachi" else None
    wording = Wording(tokenizer, (("修理", "直し"),))
    drafts = [entry("draft", "下書き", action="suggest"), entry("word", "合言葉", match="keyword")]
    fitted = await start([*reversed(SMALL), *drafts], wording)
    assert fitted == calibrate(SMALL, wording)
    assert fitted.evidence
    assert fitters(os.getpid()) == []


async def test_too_few_phrasings_are_no_failure() -> None:
    fitted = await start(SMALL[:1], Wording())
    assert not fitted.evidence


async def test_it_gives_way_to_everything_else() -> None:
    fitting = start(LARGE, Wording())
    pid = await running()
    await eventually(lambda: os.getpriority(os.PRIO_PROCESS, pid) >= 10, "it has lowered its priority", 30)
    await cancel(fitting)


async def test_one_that_is_killed_is_a_failure_and_no_calibration() -> None:
    fitting = start(LARGE, Wording())
    os.kill(await running(), signal.SIGKILL)
    with pytest.raises(FittingFailed, match="exit code -9"):
        await fitting


async def test_one_that_breaks_down_says_what_kind_of_error_it_was_and_no_word_of_the_faq() -> None:
    """A worker with another version of Sudachi, or with a tokenizer that the process cannot open."""
    odd = [msgspec.structs.replace(SMALL[0], phrasings=("秘密の言葉", 7))]  # pyright: ignore[reportArgumentType]
    with pytest.raises(FittingFailed) as caught:
        await fitter.fit(odd, Wording(), "any")
    assert str(caught.value) == "exit code 1 msgspec.ValidationError"


async def test_what_it_fitted_for_other_words_is_refused() -> None:
    wording = Wording(Tokenizer("another", list))
    with pytest.raises(FittingFailed, match="something else"):
        await start(SMALL, wording)


async def test_one_that_nobody_wants_any_more_is_gone_at_once() -> None:
    fitting = start(LARGE, Wording())
    await running()
    await cancel(fitting)
    assert fitters(os.getpid()) == []


def test_it_ends_when_its_parent_is_killed() -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, env=environ)
    (pid,) = until(lambda: fitters(parent.pid), "it runs", 60)
    parent.kill()
    parent.wait()
    until(lambda: "service.adapters.fitter" not in command(pid), "it has ended", 30)
