"""A house with a FAQ folder and a worker that answers for it: what the FAQ's pages need, without LINE."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import msgspec
from redis.asyncio import Redis

from service.adapters.archive import Archive
from service.adapters.faqadding import FaqAdder
from service.adapters.faqfolder import FaqFolder
from service.adapters.inquiries import Inquiries
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store
from service.core.records import BubbleItem, HandoffRecord, TurnRecord, utc
from service.informing import Source, inform
from tests.support.waiting import cancel, tick
from tests.support.web import NOON, add_handoff

FILES = {
    "01-営業案内.md": """# 営業案内

## 営業時間を教えてください {#hours}

> - 何時まで開いていますか
> - 今日やってる?

10時から19時までです。

## 駐車場はありますか {#parking}

店の裏に3台分あります。
""",
    "02-料金.md": "---\n期限: 2026-10-31\n---\n\n## カットの料金は {#cut}\n\n> - カットいくら\n\n4,400円です。\n",
    "90-定型文.md": "---\n扱い: 下書き\n---\n\n## 予約の確定 {#booked}\n\nご予約を承りました。\n",
}


def write_files(directory: Path) -> Path:
    directory.mkdir()
    for name, text in FILES.items():
        (directory / name).write_text(text, encoding="utf-8")
    return directory


@asynccontextmanager
async def run_faq(store: Store, redis_url: str, directory: Path) -> AsyncGenerator[FaqFolder]:
    """A worker's part of it: the folder watched, and questions about it answered."""
    folder = FaqFolder(directory)
    await asyncio.to_thread(folder.load)

    async def watch() -> None:
        async for _ in folder.watch():
            pass

    async def beat() -> None:
        while True:
            await Mailbox(store, keep_days=1).tick()
            await tick(1)

    async with Store(redis_url, timeout_s=5) as bell:
        source = Source(lambda: folder.current, lambda: folder.problems, None, add=FaqAdder(directory).add)
        beside = [asyncio.create_task(each) for each in (watch(), beat(), inform(Inquiries(bell), source))]
        try:
            while (await Archive(store).situation()).knowledge != folder.current.version:
                await tick()
            yield folder
        finally:
            await cancel(*beside)


async def add_talk(redis: Redis, said: str, reply: str = "", number: int = 1) -> str:
    """A customer asked something, and a person replied; returns the handoff's id."""
    handoff = await add_handoff(redis, number)
    key = f"{PREFIX}handoff:{handoff}"
    record = msgspec.json.decode(cast("bytes", await redis.get(key)), type=HandoffRecord)
    turn = TurnRecord(id="t1", at=utc(NOON), text=said)
    await redis.set(key, msgspec.json.encode(msgspec.structs.replace(record, turns=(turn,))))
    for place, part in enumerate(reply.split("\n\n")) if reply else ():
        bubble = BubbleItem(id=f"a1.{place}", turn="", at=utc(NOON), who="staff:佐藤", text=part, delivery="sent")
        await redis.set(f"{PREFIX}item:{bubble.id}", msgspec.json.encode(bubble))
        await redis.zadd(f"{PREFIX}talk:{record.customer}", {bubble.id: NOON + place})
    return handoff
