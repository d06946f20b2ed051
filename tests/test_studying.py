"""Workers take over what one of them has learnt."""

import asyncio
from pathlib import Path

from service.adapters.faqfolder import FaqFolder
from service.adapters.store import PREFIX, Store
from service.adapters.traffic import Traffic
from service.core.thresholds import Learned
from service.studying import keep_learning
from tests.support.real import write_faq
from tests.support.shop import ENTRIES
from tests.support.waiting import cancel, eventually


async def test_every_worker_takes_over_what_was_learnt_and_keeps_it_when_the_faq_changes(
    redis_url: str, tmp_path: Path
) -> None:
    write_faq(tmp_path, ENTRIES)
    async with Store(redis_url, timeout_s=5) as store:
        found = Traffic(store, keep_days=1)
        folders = [FaqFolder(tmp_path), FaqFolder(tmp_path)]
        for folder in folders:
            folder.load()
        before = folders[0].current.calibration.id
        # Somebody else has studied this index just now.
        assert await found.may_study(folders[0].current.calibration.index)
        await found.note_learned(Learned(share=0.25, messages=400, at_least=0.99))
        workers = [
            asyncio.create_task(keep_learning(found, lambda it=folder: it.current, folder.teach)) for folder in folders
        ]
        await eventually(lambda: all(folder.current.learned.share == 0.25 for folder in folders), "both are taught")
        await cancel(*workers)
        first, second = (folder.current.calibration for folder in folders)
        assert first.id == second.id != before
        assert (first.share, first.sure) == (0.25, 0.99)
        write_faq(tmp_path, ENTRIES[:-1])
        folders[0].load()
        assert folders[0].current.learned.share == 0.25
        assert await store.call(lambda redis: redis.exists(f"{PREFIX}learned"))
