"""Measure how fast and how big an index is: `python -m bench.ranking [--largest 100000]`.

Made-up shops of 150 to 10,000 entries, in English and in Japanese (with Sudachi where it is installed). Run it on a
quiet machine with OMP_NUM_THREADS=1. Printed for each shop: entries, phrasings, seconds to build the index, ms a
question (median, 95 %), MB that the index holds, whether it has an SVM. `--fit` adds the seconds that a calibration
takes. How good answers are is measured by `./henji evaluate`.
"""

import argparse
import gc
import random
import time
import tracemalloc
from collections.abc import Sequence
from typing import cast

import numpy as np

from service.adapters.tokenizing import open_tokenizer
from service.core.entries import Entry
from service.core.features import Wording
from service.core.fitting import calibrate
from service.core.knowledge import build_knowledge

SHOPS = ((150, 5), (300, 10), (1000, 10), (10_000, 10))
QUESTIONS = 400
ENGLISH = (
    ("ka", "re", "mo", "ti", "su", "na", "lo", "vi", "pe", "da", "shi", "ru", "bo", "en", "ta", "li", "go", "ma", "fe"),
    ("what", "how", "can", "do", "you", "is", "the", "my", "for", "when"),
)
JAPANESE = (
    "予約営業時間料金駅駐車場髪色染切洗肌爪店員席枚円割引変更取消配送返品在庫支払証明写真道具紹介",
    "はのをにがでもか",
)


def make_words(count: int, *, japanese: bool) -> list[str]:
    dice = random.Random(count)  # noqa: S311
    return [_word(dice, japanese=japanese) for _ in range(max(400, count))]


def make_entries(count: int, phrasings: int, *, japanese: bool) -> list[Entry]:
    dice, words = random.Random(count), make_words(count, japanese=japanese)  # noqa: S311
    entries: list[Entry] = []
    for number in range(count):
        topic = [words[number % len(words)], *dice.sample(words, 2)]
        said = [_phrase(dice, topic, words, japanese=japanese) for _ in range(phrasings)]
        entries.append(
            Entry(id=f"e{number}", question=said[0], phrasings=tuple(said[1:]), bubbles=("-",), file="x", line=1)
        )
    return entries


def _word(dice: random.Random, *, japanese: bool) -> str:
    if japanese:
        return "".join(dice.choices(JAPANESE[0], k=dice.randint(2, 4)))
    return "".join(dice.choices(ENGLISH[0], k=dice.randint(2, 4)))


def _phrase(dice: random.Random, topic: Sequence[str], words: Sequence[str], *, japanese: bool) -> str:
    chosen = [*dice.sample(topic, 2), *dice.choices(words, k=dice.randint(1, 4))]
    dice.shuffle(chosen)
    if japanese:
        return "".join(word + dice.choice(JAPANESE[1]) for word in chosen)
    return " ".join(piece for word in chosen for piece in (dice.choice(ENGLISH[1]), word))


def measure(count: int, phrasings: int, *, japanese: bool, fit: bool) -> str:
    entries = make_entries(count, phrasings, japanese=japanese)
    wording = Wording(open_tokenizer() if japanese else None)
    started = time.process_time()
    knowledge = build_knowledge(entries, tokenizer=wording.tokenizer)
    built_s = time.process_time() - started
    dice = random.Random(0)  # noqa: S311
    words = make_words(count, japanese=japanese)
    questions = [_phrase(dice, dice.sample(words, 3), words, japanese=japanese) for _ in range(QUESTIONS)]
    times: list[float] = []
    for question in questions:
        started = time.process_time()
        knowledge.rank(question)
        times.append((time.process_time() - started) * 1000)
    middle, late = cast("list[float]", np.quantile(times, [0.5, 0.95]).tolist())
    fitted = ""
    if fit:
        started = time.process_time()
        calibrate(entries, wording)
        fitted = f"{time.process_time() - started:7.1f}"
    size = size_of_index(entries, wording) if count <= 1000 else 0.0
    svm = "svm" if knowledge.index.has_lines else ""
    name = "ja" if japanese else "en"
    return (
        f"{name} {count:6} {count * phrasings:7} {built_s:7.1f} {middle:6.2f} {late:6.2f} {size:6.1f} {svm:4}{fitted}"
    )


def size_of_index(entries: list[Entry], wording: Wording) -> float:
    gc.collect()
    tracemalloc.start()
    knowledge = build_knowledge(entries, tokenizer=wording.tokenizer)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert knowledge.index.ids
    return size / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=100_000, help="leave out shops of more phrasings")
    parser.add_argument("--fit", action="store_true", help="fit a calibration as well, up to 10,000 phrasings")
    options = parser.parse_args()
    build_knowledge([])  # so that the first shop does not pay for importing scikit-learn
    print("     entr. phras. build_s    p50    p95     MB      " + (" fit_s" if options.fit else ""))
    for japanese in (False, True):
        for count, phrasings in SHOPS:
            if count * phrasings <= cast("int", options.largest):
                fit = cast("bool", options.fit) and count * phrasings <= 10_000
                print(measure(count, phrasings, japanese=japanese, fit=fit), flush=True)


if __name__ == "__main__":
    main()
