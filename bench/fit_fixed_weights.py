"""Fit the fixed weights of service/core/ranking.py on several FAQ folders, from their phrasings alone.

    python -m bench.fit_fixed_weights [--without-svm] SET_DIR...

Each set (only its `faq` folder) is used with at most 20, 10, 5 and 2 phrasings an entry, so that the weights suit
small folders too.
Two kinds of pseudo-questions: phrasings hidden (dealt round-robin over at most 10 folds) have an answer; phrasings of
entries hidden by topic (a third at a time; one by one in folders below 15 entries) have none. They count 60 to 40.
P(in) is a logistic with weights of at least 0 on standardised signals. The likeliest temperature is printed for each
set too: with an SVM it grows with the number of phrasings.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
from scipy import optimize

from bench.ranking import read_entries
from service.core.entries import Entry
from service.core.features import Floats
from service.core.ranking import Index, build_index

SIGNALS = ("close", "margin", "vote", "known")
MOST_QUESTIONS = 3000
FULL_WEIGHT = 500
UNANSWERABLE = 0.4


@dataclass(frozen=True)
class Question:
    """A pseudo-question: its signals, the scores below the best one, and the place of the right entry if it has one."""

    signals: list[float]
    below: Floats
    right: int | None


def ask(index: Index, text: str, right: str | None) -> Iterator[Question]:
    reading = index.read(text)
    if reading is not None:
        signals = [cast("float", getattr(reading, name)) for name in SIGNALS]
        place = None if right is None else index.ids.index(right)
        yield Question(signals, reading.scores - reading.scores.max(), place)


def hide_phrasings(entries: Sequence[Entry], *, svm: bool) -> Iterator[Question]:
    sizes = [len(entry.phrasings) for entry in entries]
    folds = 5 if sum(sizes) > MOST_QUESTIONS else int(np.clip(np.median(sizes), 1, 10))
    for fold in range(folds):
        kept = [
            msgspec.structs.replace(e, phrasings=tuple(p for i, p in enumerate(e.phrasings) if i % folds != fold))
            for e in entries
        ]
        index = build_index(kept, svm=svm)
        for entry in entries:
            for text in entry.phrasings[fold::folds]:
                yield from ask(index, text, entry.id)


def hide_topics(entries: Sequence[Entry], *, svm: bool) -> Iterator[Question]:
    for group in topics(entries):
        hidden = {entry.id for entry in group}
        index = build_index([entry for entry in entries if entry.id not in hidden], svm=svm)
        for entry in group:
            for text in entry.phrasings[:20]:
                yield from ask(index, text, None)


def topics(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Grow groups of a third of the entries, each time by the entry that the group's texts are nearest to."""
    if len(entries) < 15:
        return [[entry] for entry in entries]
    index = build_index(entries, svm=False)
    places = {name: i for i, name in enumerate(index.ids)}
    near: dict[str, Floats] = {}
    for entry in entries:
        reading = index.read(" ".join((entry.question, *entry.phrasings[:20])))
        near[entry.id] = np.zeros(len(index.ids)) if reading is None else reading.scores
    left = sorted(entries, key=lambda entry: entry.id)
    groups: list[list[Entry]] = []
    while left:
        group = [left.pop(0)]
        pull = near[group[0].id].copy()
        while left and len(group) < -(-len(entries) // 3):
            best = max(left, key=lambda entry: pull[places[entry.id]])
            left.remove(best)
            group.append(best)
            pull += near[best.id]
        groups.append(group)
    return groups


def pseudo_questions(variant: tuple[Path, int, bool]) -> list[Question]:
    folder, most, svm = variant
    entries = [msgspec.structs.replace(e, phrasings=e.phrasings[:most]) for e in read_entries(folder)]
    return [*hide_phrasings(entries, svm=svm), *hide_topics(entries, svm=svm)]


def fit(sets: Sequence[list[Question]]) -> list[float]:
    """Give the weights, bias first, that make the pseudo-questions of all sets likeliest."""
    signals, answerable, weights = (np.concatenate(part) for part in zip(*map(as_arrays, sets), strict=True))
    mean, deviation = signals.mean(0), signals.std(0)
    scaled = (signals - mean) / deviation

    def loss(slopes: Floats) -> tuple[float, Floats]:
        logits = slopes[0] + scaled @ slopes[1:]
        wrong = weights * (1 / (1 + np.exp(-logits)) - answerable)
        penalty = 1e-3 * np.append(0.0, slopes[1:])
        value = (weights * (np.logaddexp(0, logits) - answerable * logits)).sum() + penalty @ slopes
        return float(value), np.append(wrong.sum(), scaled.T @ wrong) + 2 * penalty

    bounds = [(None, None), *[(0, None)] * len(SIGNALS)]
    found = cast("Any", optimize).minimize(loss, np.zeros(len(SIGNALS) + 1), jac=True, bounds=bounds, method="L-BFGS-B")
    slopes = cast("Floats", found.x)[1:] / deviation
    bias = float(found.x[0]) - float(slopes @ mean)
    return [bias, *cast("list[float]", slopes.tolist())]


def likeliest_temperature(sets: Sequence[list[Question]]) -> float:
    steps = [step / 100 for step in range(2, 60)]
    return min(steps, key=lambda temperature: sum(surprise(questions, temperature) for questions in sets))


def as_arrays(questions: list[Question]) -> tuple[Floats, Floats, Floats]:
    answerable: Floats = np.array([question.right is not None for question in questions], np.float64)
    found = int(answerable.sum())
    share: Floats = np.where(answerable > 0, (1 - UNANSWERABLE) / found, UNANSWERABLE / (len(questions) - found))
    signals: Floats = np.array([question.signals for question in questions], np.float64)
    return signals, answerable, share * min(1.0, len(questions) / FULL_WEIGHT)


def surprise(questions: list[Question], temperature: float) -> float:
    losses = [
        np.log(np.exp(question.below / temperature).sum()) - question.below[question.right] / temperature
        for question in questions
        if question.right is not None
    ]
    return float(np.mean(losses)) * min(1.0, len(questions) / FULL_WEIGHT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--without-svm", dest="svm", action="store_false")
    options = parser.parse_args()
    folders = cast("list[Path]", options.folders)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    variants = list(product(folders, (20, 10, 5, 2), (options.svm,)))
    with ProcessPoolExecutor() as pool:
        sets = list(pool.map(pseudo_questions, variants))
    for (folder, most, _), questions in zip(variants, sets, strict=True):
        print(f"{folder.name:20} {most:3} {len(questions):5} temperature {likeliest_temperature([questions]):.2f}")
    weights = fit(sets)
    print("bias", round(weights[0], 2), *(f"{n} {w:.2f}" for n, w in zip(SIGNALS, weights[1:], strict=True)))
    print(f"temperature {likeliest_temperature(sets):.2f} questions {sum(map(len, sets))}")


if __name__ == "__main__":
    main()
