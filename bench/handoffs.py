"""How fast the lists of handoffs are with 10,000 open ones: the first page, filtered pages, and what the webhook feels.

    .venv/bin/python -m bench.handoffs

Promises: a page in under 150 ms at p95; the event loop, which the webhook shares, never held for more than 20 ms.
"""

import asyncio
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from service.adapters.archive import Archive
from service.adapters.embedded import EmbeddedValkey
from service.adapters.store import PREFIX, Store
from service.core.records import HandoffRecord, TurnRecord
from service.core.searching import ANYTHING, Wanted, search_line

COUNT = 10_000
TRIES = 40
NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
WORDS = (
    "予約",
    "カット",
    "カラー",
    "明日",
    "何時",
    "駐車場",
    "料金",
    "トリートメント",
    "変更",
    "お願い",
    "土曜",
    "午後",
    "子ども",
)
WANTED = {
    "the first page": ANYTHING,
    "who holds it": Wanted(assignee="佐藤"),
    "a tag of few": Wanted(tag="VIP"),
    "a word of many": Wanted(words="カット"),
    "a word of none": Wanted(words="カラオケ"),
}


def make(number: int, dice: random.Random) -> HandoffRecord:
    """One handoff with four turns of ten words each."""
    turns = tuple(
        TurnRecord(id=f"e{number}.{each}", at=NOW, text=" ".join(dice.choices(WORDS, k=10))) for each in range(4)
    )
    return HandoffRecord(
        id=f"{number:016x}",
        customer=f"U{number:032x}",
        display_name=f"お客様{number}",
        status="waiting",
        reason="unsure",
        summary=turns[0].text[:80],
        turns=turns,
        tags=("VIP",) if number % 1000 == 0 else (),
        assignee="佐藤" if number % 3 == 0 else None,
        created_at=NOW + timedelta(seconds=number),
        due_at=NOW,
        unreplied_since=NOW + timedelta(seconds=number),
        knowledge="k",
    )


async def fill(store: Store) -> None:
    dice = random.Random(1)  # noqa: S311  the same handoffs each time
    async with store.master() as redis:
        for start in range(0, COUNT, 500):
            pipe = redis.pipeline(transaction=False)
            for number in range(start, start + 500):
                record = make(number, dice)
                pipe.set(f"{PREFIX}handoff:{record.id}", msgspec.json.encode(record))
                pipe.zadd(f"{PREFIX}handoffs:waiting", {record.id: record.created_at.timestamp() * 1000})
                pipe.hset(f"{PREFIX}search", record.id, search_line(record))
            await pipe.execute()


async def longest_hold(stop: asyncio.Event) -> float:
    """The longest time (ms) in which the event loop did nothing else."""
    worst = 0.0
    while not stop.is_set():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        worst = max(worst, (time.perf_counter() - before) * 1000 - 1)
    return worst


async def measure(archive: Archive, wanted: Wanted) -> None:
    stop = asyncio.Event()
    holding = asyncio.create_task(longest_hold(stop))
    took: list[float] = []
    records: list[HandoffRecord] = []
    for _ in range(TRIES):
        before = time.perf_counter()
        records, _ = await archive.handoffs("waiting", "", 50, wanted)
        took.append((time.perf_counter() - before) * 1000)
    stop.set()
    p95 = statistics.quantiles(took, n=20)[-1]
    print(f"{statistics.median(took):6.1f} {p95:6.1f} {await holding:6.1f}  {len(records):3} found")


async def main(url: str) -> None:
    async with Store(url, timeout_s=10) as store:
        await fill(store)
        print(f"{COUNT} open handoffs; ms: median, p95, the event loop held at most")
        for name, wanted in WANTED.items():
            print(f"{name:18}", end="")
            await measure(Archive(store), wanted)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as data:
        server = EmbeddedValkey.start(Path(data))
        try:
            asyncio.run(main(server.url))
        finally:
            server.stop()
