"""Children with real processes: started again, ended together, and gone when their parent is gone."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.settings import ROOT
from service.tools.processes import WRONG_SETUP, Child, run_together, service_process
from tests.support.waiting import eventually, until

# Writes its id into a file, then does as it is told.
STARTED = "import os, signal, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); "
ENDS_AT_ONCE = STARTED + "sys.exit(1)"
RUNS = STARTED + "signal.pause()"
IS_DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STARTED + "signal.pause(); signal.pause()"
PARENT = """
import asyncio, sys
from service.tools.processes import Child
child = Child([sys.executable, "-c", sys.argv[1], sys.argv[2]], {})
asyncio.run(child.keep_running(asyncio.Event()))
"""
WITH_PARENT = "from service.tools.processes import end_with_parent; end_with_parent(grace_s=0.2); "


def child(code: str, record: Path, grace_s: float = 20) -> Child:
    return Child([sys.executable, "-c", code, str(record)], {}, first_delay_s=0.01, grace_s=grace_s)


def starts(record: Path) -> list[int]:
    """The ids of all processes that were started."""
    return [int(line) for line in record.read_text().split()] if record.exists() else []


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "record"


async def test_a_child_that_ends_is_started_again(record: Path) -> None:
    stop = asyncio.Event()
    keeping = asyncio.create_task(child(ENDS_AT_ONCE, record).keep_running(stop))
    await eventually(lambda: len(starts(record)) >= 4, "it was started again and again")
    stop.set()
    assert await keeping == 0


async def test_a_killed_child_is_started_again(record: Path) -> None:
    stop = asyncio.Event()
    keeping = asyncio.create_task(child(RUNS, record).keep_running(stop))
    (first,) = await eventually(lambda: starts(record), "it runs")
    os.kill(first, signal.SIGKILL)
    _, second = await eventually(lambda: starts(record)[1:] and starts(record), "it runs again")
    stop.set()
    assert await keeping == 0
    assert not is_running(second)


async def test_all_children_end_together_in_good_order(tmp_path: Path) -> None:
    stop = asyncio.Event()
    records = [tmp_path / "one", tmp_path / "two"]
    together = asyncio.create_task(run_together([child(RUNS, record) for record in records], stop))
    await eventually(lambda: all(map(starts, records)), "both run")
    stop.set()
    assert await together == 0
    assert [is_running(pid) for record in records for pid in starts(record)] == [False, False]


async def test_a_wrong_setup_at_the_start_ends_everything(tmp_path: Path) -> None:
    wrong = child(STARTED + f"sys.exit({WRONG_SETUP})", tmp_path / "wrong")
    good = child(RUNS, tmp_path / "good")
    async with asyncio.timeout(20):
        assert await run_together([wrong, good], asyncio.Event()) == WRONG_SETUP
    assert len(starts(tmp_path / "wrong")) == 1
    assert not any(map(is_running, starts(tmp_path / "good")))


async def test_a_setup_that_becomes_wrong_later_ends_nobody_else(record: Path) -> None:
    """A typing error in the FAQ must not stop the web process, which takes messages."""
    code = STARTED + f"sys.exit({WRONG_SETUP} if len(open(sys.argv[1]).readlines()) > 1 else 1)"
    stop = asyncio.Event()
    keeping = asyncio.create_task(child(code, record).keep_running(stop))
    await eventually(lambda: len(starts(record)) >= 4, "it is tried again")
    assert not stop.is_set()
    stop.set()
    assert await keeping == 0


async def test_a_child_that_does_not_listen_is_killed_in_the_end(record: Path) -> None:
    stop = asyncio.Event()
    keeping = asyncio.create_task(child(IS_DEAF, record, grace_s=0.2).keep_running(stop))
    (pid,) = await eventually(lambda: starts(record), "it runs")
    stop.set()
    assert await keeping == 0
    assert not is_running(pid)


async def test_ctrl_c_in_the_terminal_reaches_the_parent_only(record: Path) -> None:
    stop = asyncio.Event()
    keeping = asyncio.create_task(child(RUNS, record).keep_running(stop))
    (pid,) = await eventually(lambda: starts(record), "it runs")
    assert os.getpgid(pid) != os.getpgid(0)
    stop.set()
    await keeping


@pytest.mark.parametrize("code", [WITH_PARENT + RUNS, WITH_PARENT + IS_DEAF], ids=["listens", "is deaf"])
def test_a_child_ends_after_its_parent_was_killed(record: Path, code: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, code, str(record)], cwd=ROOT)
    (pid,) = until(lambda: starts(record), "the child runs")
    parent.kill()
    parent.wait()
    until(lambda: not is_running(pid), "the child ended")


async def test_a_part_of_the_service_gets_our_modules_and_no_secret_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL_FILE", "/run/secrets/redis")
    monkeypatch.setenv("PYTHONPATH", "/their/own")
    part = service_process(["work"], {"REDIS_URL": "redis://here"})
    assert part.command[1:] == ["-P", "-m", "service", "work", "--end-with-parent"]
    assert part.environ["PYTHONPATH"] == f"{ROOT}{os.pathsep}/their/own"
    assert (part.environ["REDIS_URL"], part.environ["REDIS_URL_FILE"]) == ("redis://here", "")
