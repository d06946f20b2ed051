"""Calibrations in Redis, and large folders that are fitted while the service answers."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from service.adapters.calibrations import KEEP_S, LOCK_S, Calibrations
from service.adapters.faqfolder import FaqFolder
from service.adapters.store import PREFIX, Store
from service.core.features import Wording
from service.core.fitting import calibrate
from service.core.ranking import read_phrasings
from service.errors import StoreUnavailable
from tests.adapters.test_faqfolder import Watch, save
from tests.adapters.test_fitter import LARGE, SMALL, fitters, running
from tests.support.large import THINGS, by_meaning, write_large
from tests.support.system import free_port
from tests.support.waiting import cancel, eventually

INDEX = read_phrasings(SMALL, Wording()).id
KEY, LOCK = f"{PREFIX}calibration:{INDEX}", f"{PREFIX}calibrating:{INDEX}"
FITTED = calibrate(SMALL)
NEW = "## 雪駄の鼻緒を替えたい {#strap}\n\n> - 鼻緒の交換\n\n承ります。\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_large(tmp_path / "faq")
    return tmp_path / "faq"


@asynccontextmanager
async def watching(directory: Path, store: Store) -> AsyncGenerator[Watch]:
    """A folder that is watched as a worker does."""
    folder = FaqFolder(directory, calibrations=Calibrations(store))
    await asyncio.to_thread(folder.load)
    await folder.recall()
    watch = Watch(folder)
    task = asyncio.create_task(watch.run())
    try:
        yield watch
        assert not task.done(), "the watch goes on, whatever happened"
    finally:
        await cancel(task)
        await eventually(lambda: not fitters(os.getpid()), "no process is left behind")


def is_sure(folder: FaqFolder, number: int) -> bool:
    """Whether a question about that entry, in other words than its own, would be answered with it."""
    best = folder.current.rank(by_meaning(number)).candidates[0]
    return best.entry == f"e{number}" and best.probability >= folder.current.calibration.sure


def state(watch: Watch) -> str:
    return watch.folder.current.calibration_state


# What is kept


async def test_what_was_fitted_is_kept_and_found_by_the_next_process(store: Store, redis: Redis) -> None:
    assert await Calibrations(store).find(INDEX) is None
    assert await Calibrations(store).make(SMALL, Wording(), INDEX) == FITTED
    assert await Calibrations(store).find(INDEX) == FITTED
    assert await redis.keys(f"{PREFIX}calibrat*") == [KEY.encode()], "and the lock is given back"


async def test_what_is_used_is_kept_on(store: Store, redis: Redis) -> None:
    await redis.set(KEY, msgspec.msgpack.encode(FITTED), ex=100)
    await Calibrations(store).find(INDEX)
    assert KEEP_S - 100 < await redis.ttl(KEY) <= KEEP_S


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"{}",
        b"\xff",
        msgspec.msgpack.encode(msgspec.structs.replace(FITTED, index="other")),
        msgspec.msgpack.encode(msgspec.structs.replace(FITTED, evidence=FITTED.evidence[4:])),
        msgspec.msgpack.encode(msgspec.structs.replace(FITTED, evidence=b"")),
    ],
)
async def test_what_makes_no_sense_is_fitted_again_and_replaced(store: Store, redis: Redis, kept: bytes) -> None:
    await redis.set(KEY, kept)
    assert await Calibrations(store).find(INDEX) is None
    assert await Calibrations(store).make(SMALL, Wording(), INDEX) == FITTED
    assert await Calibrations(store).find(INDEX) == FITTED


async def test_of_several_workers_one_fits_for_all(store: Store) -> None:
    most = 0
    making = [asyncio.create_task(Calibrations(store).make(SMALL, Wording(), INDEX)) for _ in range(3)]
    while not all(task.done() for task in making):
        most = max(most, len(fitters(os.getpid())))
        await asyncio.wait(making, timeout=0.01)
    assert [await task == FITTED for task in making] == [True] * 3
    assert most == 1


async def test_the_lock_of_a_worker_that_is_gone_runs_out(store: Store, redis: Redis) -> None:
    await redis.set(LOCK, "1", px=200)
    assert await Calibrations(store).make(SMALL, Wording(), INDEX) == FITTED


async def test_while_one_fits_its_lock_runs_out_soon_and_is_given_back_when_it_is_not_wanted_any_more(
    store: Store, redis: Redis
) -> None:
    making = asyncio.create_task(Calibrations(store).make(LARGE, Wording(), INDEX))
    await running()
    assert 0 < await redis.ttl(LOCK) <= LOCK_S
    await cancel(making)
    assert not await redis.exists(LOCK)


async def test_without_redis_a_worker_fits_for_itself() -> None:
    async with Store(f"redis://127.0.0.1:{free_port()}", timeout_s=1) as away:
        with pytest.raises(StoreUnavailable):
            await Calibrations(away).find(INDEX)
        assert await Calibrations(away).make(SMALL, Wording(), INDEX) == FITTED


# A folder of more than 1,000 phrasings


async def test_a_large_folder_answers_its_phrasings_at_once_and_by_meaning_when_it_is_fitted(
    directory: Path, store: Store
) -> None:
    async with watching(directory, store) as watch:
        first = watch.folder.current
        assert first.calibration_state == "calibrating"
        exact = first.rank(f"{THINGS[3]}は直りますか").candidates[0]
        assert (exact.entry, exact.probability >= first.calibration.sure) == ("e3", True)
        assert not is_sure(watch.folder, 3)
        await watch.until(lambda: state(watch) == "fitted", within_s=60)
        assert is_sure(watch.folder, 3)
        assert watch.folder.current.version == first.version
        assert watch.folder.current.index is first.index


async def test_a_restart_takes_the_calibration_from_redis_and_fits_nothing(directory: Path, store: Store) -> None:
    async with watching(directory, store) as watch:
        await watch.until(lambda: state(watch) == "fitted", within_s=60)
        fitted = watch.folder.current.calibration
    again = FaqFolder(directory, calibrations=Calibrations(store))
    again.load()
    await again.recall()
    assert again.current.calibration == fitted
    async with watching(directory, store) as watch:
        save(directory / "_shop.yaml", "name: すみれ\n")
        await watch.until(lambda: watch.folder.current.shop.name == "すみれ")
        assert (state(watch), fitters(os.getpid())) == ("fitted", [])


async def test_a_redis_that_is_away_keeps_no_large_folder_from_answering_and_being_fitted(directory: Path) -> None:
    async with Store(f"redis://127.0.0.1:{free_port()}", timeout_s=1) as away, watching(directory, away) as watch:
        await watch.until(lambda: state(watch) == "fitted", within_s=60)


async def test_an_edit_is_served_with_the_old_calibration_until_there_is_a_new_one(
    directory: Path, store: Store
) -> None:
    async with watching(directory, store) as watch:
        await watch.until(lambda: state(watch) == "fitted", within_s=60)
        before = watch.folder.current.calibration
        save(directory / "new.md", NEW)
        await watch.until(lambda: "strap" in watch.folder.current.entries)
        assert state(watch) == "stale"
        assert is_sure(watch.folder, 5)
        await watch.until(lambda: state(watch) == "fitted", within_s=60)
        assert watch.folder.current.calibration.entries == before.entries + 1
        (directory / "new.md").unlink()
        await watch.until(lambda: "strap" not in watch.folder.current.entries)
        assert watch.folder.current.calibration == before, "what was fitted before is there at once"


async def test_the_promise_of_the_shop_holds_for_what_is_fitted_later(directory: Path, store: Store) -> None:
    save(directory / "_shop.yaml", "max_wrong_answers: 1%\nunanswerable: 60%\n")
    async with watching(directory, store) as watch:
        await watch.until(lambda: state(watch) == "fitted", within_s=60)
        calibration = watch.folder.current.calibration
        assert (calibration.promise, calibration.share) == (0.01, 0.6)


async def test_an_edit_meanwhile_ends_the_fit_and_begins_another(directory: Path, store: Store) -> None:
    async with watching(directory, store) as watch:
        first = await running()
        save(directory / "_shop.yaml", "synonyms: [[修理, リペア]]\n")
        await watch.until(lambda: bool(watch.folder.current.shop.synonyms))
        assert first not in fitters(os.getpid())
        await watch.until(lambda: state(watch) == "fitted", within_s=60)
        assert not watch.folder.current.stale


async def test_an_edit_of_an_answer_lets_the_fit_go_on(directory: Path, store: Store) -> None:
    async with watching(directory, store) as watch:
        first = await running()
        save(directory / "_shop.yaml", "name: すみれ\n")
        await watch.until(lambda: watch.folder.current.shop.name == "すみれ")
        assert fitters(os.getpid()) in ([first], [])
        await watch.until(lambda: state(watch) == "fitted", within_s=60)
        assert watch.folder.current.shop.name == "すみれ"


async def test_a_fit_that_is_killed_is_told_and_tried_again_with_the_next_change(directory: Path, store: Store) -> None:
    with capture_logs() as logs:
        async with watching(directory, store) as watch:
            os.kill(await running(), signal.SIGKILL)
            await eventually(lambda: [line for line in logs if line["event"] == "calibration_failed"], "it is told")
            assert state(watch) == "calibrating"
            save(directory / "_shop.yaml", "name: すみれ\n")
            await watch.until(lambda: state(watch) == "fitted", within_s=60)
            assert watch.folder.current.shop.name == "すみれ"


async def test_a_small_folder_is_fitted_while_it_is_loaded_with_no_process(tmp_path: Path, store: Store) -> None:
    save(tmp_path / "new.md", NEW)
    async with watching(tmp_path, store) as watch:
        await watch.until_reloaded()
        assert (state(watch), fitters(os.getpid())) == ("too_few", [])
