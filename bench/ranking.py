"""Measure the ranking on question sets: `python -m bench.ranking SET_DIR...`.

A set holds `faq/*.md` and `questions.jsonl` with `{"text", "entries"}` (`[]`: no entry answers it). Printed for each:
entries, phrasings, seconds to build, ms a question (median, 95 %), and at the shipped thresholds
kept@40   automatic answers that are right, unanswerable questions reweighted to 40 % of all
right     answerable questions answered right by itself
top1/top4 answerable questions whose right entry is ranked first / among the first four
clarify   answerable questions answered right or with the right entry among four choices
noise     unanswerable questions that would get choices instead of a person
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

import msgspec
import numpy as np

from service.core.decisions import Candidate
from service.core.entries import Entry
from service.core.folder import read_folder
from service.core.ranking import POSSIBLE, SURE, build_index

_UNANSWERABLE = 0.4


class Question(TypedDict):
    text: str
    entries: list[str]


@dataclass(frozen=True)
class Figures:
    """Shares, 0 to 1; `kept` is 1 when nothing was answered."""

    answered: int
    kept: float
    right: float
    top1: float
    top4: float
    clarify: float
    noise: float


def read_entries(folder: Path) -> list[Entry]:
    faq = folder / "faq"
    files = {path.relative_to(faq).as_posix(): path.read_text(encoding="utf-8") for path in faq.glob("**/*.md")}
    return list(read_folder(files).entries)


def read_questions(folder: Path) -> list[Question]:
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [cast("Question", json.loads(line)) for line in lines]


def judge(questions: Sequence[Question], ranked: Sequence[tuple[Candidate, ...]], sure: float = SURE) -> Figures:
    """Hold the rankings of the questions against the right entries."""
    answerable = np.array([bool(question["entries"]) for question in questions])
    best = np.array([candidates[0].probability if candidates else 0.0 for candidates in ranked])
    places = [
        next((i for i, candidate in enumerate(candidates) if candidate.entry in question["entries"]), 99)
        for question, candidates in zip(questions, ranked, strict=True)
    ]
    first, four = np.array(places) == 0, np.array(places) < 4
    answered = best >= sure
    choices = ~answered & (best >= POSSIBLE)
    weights = np.where(
        answerable,
        (1 - _UNANSWERABLE) / max(1, int(answerable.sum())),
        _UNANSWERABLE / max(1, int((~answerable).sum())),
    )
    mass = float(weights[answered].sum())
    return Figures(
        answered=int(answered.sum()),
        kept=float(weights[answered & first].sum()) / mass if mass else 1.0,
        right=float((answered & first)[answerable].mean()),
        top1=float(first[answerable].mean()),
        top4=float(four[answerable].mean()),
        clarify=float(((answered & first) | (choices & four))[answerable].mean()),
        noise=float(choices[~answerable].mean()),
    )


def measure(folder: Path, most: int | None) -> str:
    entries = [msgspec.structs.replace(entry, phrasings=entry.phrasings[:most]) for entry in read_entries(folder)]
    questions = read_questions(folder)
    started = time.perf_counter()
    index = build_index(entries)
    built_s = time.perf_counter() - started
    ranked: list[tuple[Candidate, ...]] = []
    times: list[float] = []
    for question in questions:
        started = time.perf_counter()
        ranked.append(index.rank(question["text"]))
        times.append((time.perf_counter() - started) * 1000)
    f = judge(questions, ranked)
    shares = " ".join(f"{x:7.3f}" for x in (f.kept, f.right, f.top1, f.top4, f.clarify, f.noise))
    middle, late = np.quantile(times, [0.5, 0.95])
    phrasings = sum(len(entry.phrasings) for entry in entries)
    size = f"{folder.name:20} {len(entries):5} {phrasings:6} {built_s:6.1f}"
    return f"{size} {middle:5.2f} {late:5.2f} {f.answered:5} {shares}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--most", type=int, help="use only so many phrasings of each entry")
    options = parser.parse_args()
    build_index([])  # so that the first set does not pay for importing scikit-learn
    shares = "".join(f"{name:>8}" for name in ("kept@40", "right", "top1", "top4", "clarify", "noise"))
    print(f"{'set':20} entr. phras. build_s   p50   p95 answ.{shares}")
    for folder in cast("list[Path]", options.folders):
        print(measure(folder, cast("int | None", options.most)), flush=True)


if __name__ == "__main__":
    main()
