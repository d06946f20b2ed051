"""Fit the weights that service/core/fitting.py ships, on several FAQ folders, from their phrasings alone.

    python -m bench.fit_shipped_weights FAQ_DIR...

Each folder is used with 10, 5, 3 and 1 phrasings an entry, drawn at random, because the shipped weights serve folders
too small for weights of their own. Every folder and size counts alike.
"""

import argparse
import dataclasses
import random
from itertools import product
from pathlib import Path
from typing import cast

import msgspec
import numpy as np

from service.adapters.faqfiles import read_sources
from service.core.contents import read_contents
from service.core.features import Wording
from service.core.fitting import fit_weights
from service.core.ranking import read_phrasings
from service.core.trials import Trials, ask_trials

SIZES = (10, 5, 3, 1)
MOST = 1500
NAMES = [field.name for field in dataclasses.fields(Trials)]


def trials_of(folder: Path, size: int) -> Trials:
    dice = random.Random(7)  # noqa: S311
    entries = [
        msgspec.structs.replace(each, phrasings=tuple(dice.sample(each.phrasings, min(size, len(each.phrasings)))))
        for each in read_contents(read_sources(folder)).faq.entries
    ]
    trials = ask_trials(read_phrasings(entries, Wording()))
    kept = np.random.default_rng(0).permutation(len(trials.answerable))[:MOST]
    return Trials(*(getattr(trials, name)[kept] for name in NAMES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    folders = cast("list[Path]", parser.parse_args().folders)
    parts: list[Trials] = []
    for folder, size in product(folders, SIZES):
        parts.append(trials_of(folder, size))
        print(f"{folder} {size:3} {len(parts[-1].answerable):5}", fit_weights(parts[-1], None), flush=True)
    print(fit_weights(Trials(*(np.concatenate([getattr(part, name) for part in parts]) for name in NAMES)), None))


if __name__ == "__main__":
    main()
