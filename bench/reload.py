"""How fast a saved file goes live, and how long the event loop stands still meanwhile.

    python -m bench.reload [ENTRIES ...]

Writes folders of so many entries, five phrasings each, watches them as the worker does, and saves one file after
another. How long the loop stood still is counted in processor time, so that other processes do not count.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from service.adapters.faqfolder import FaqFolder

FILE_ENTRIES = 50
WORDS = (
    "予約",
    "料金",
    "カット",
    "カラー",
    "時間",
    "駐車場",
    "場所",
    "支払い",
    "子ども",
    "変更",
    "休み",
    "何時",
    "いくら",
    "電話",
    "前髪",
    "当日",
    "商品",
)
SHOP = 'name: 一号店\nhours: {daily: "10-19"}\n'


def write_folder(directory: Path, entries: int) -> None:
    """Write so many entries, `FILE_ENTRIES` to a file, and `_shop.yaml`."""
    rng = random.Random(1)  # noqa: S311 - any words will do

    def entry(number: int) -> str:
        phrasings = "\n".join(f"> - {''.join(rng.choices(WORDS, k=4))}{number}" for _ in range(5))
        return (
            f"## {''.join(rng.choices(WORDS, k=3))}{number}ですか {{#e{number}}}\n\n{phrasings}\n\n答え{number}です。\n"
        )

    for first in range(0, entries, FILE_ENTRIES):
        text = "\n".join(map(entry, range(first, min(entries, first + FILE_ENTRIES))))
        (directory / f"{first}.md").write_text(text, encoding="utf-8")
    (directory / "_shop.yaml").write_text(SHOP, encoding="utf-8")


async def measure(folder: FaqFolder, save: Callable[[], object]) -> tuple[float, float]:
    """Save, and wait until it is live. Returns the seconds it took and the longest that the loop stood still."""
    worst, before, started = 0.0, folder.current, time.perf_counter()
    save()
    while folder.current is before:
        asked = time.process_time()
        await asyncio.sleep(0.001)
        worst = max(worst, time.process_time() - asked)
    return time.perf_counter() - started, worst


async def run(entries: int) -> None:
    """Print a line for each kind of edit."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_folder(directory, entries)
        folder = FaqFolder(directory)
        started = time.perf_counter()
        await asyncio.to_thread(folder.load)
        print(f"{entries} entries: first load {time.perf_counter() - started:.2f} s")

        async def watch() -> None:
            async for _ in folder.watch():
                pass

        watching = asyncio.create_task(watch())
        await asyncio.sleep(2)
        faq, shop = directory / "0.md", directory / "_shop.yaml"
        text = faq.read_text(encoding="utf-8")
        for what, save in (
            ("_shop.yaml", lambda: shop.write_text(SHOP.replace("一", "二"), encoding="utf-8")),
            ("an answer", lambda: faq.write_text(text.replace("答え1", "返事1"), encoding="utf-8")),
            ("a phrasing", lambda: faq.write_text(text.replace("> - ", "> - 今日"), encoding="utf-8")),
        ):
            took, worst = await measure(folder, save)
            print(f"  {what:<12} live after {took:.2f} s, the loop stood still for at most {worst * 1000:.0f} ms")
        watching.cancel()


if __name__ == "__main__":
    for count in map(int, sys.argv[1:] or ("50", "1000", "10000")):
        asyncio.run(run(count))
