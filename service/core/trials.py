"""Trials: pseudo-questions made from the entries' phrasings alone, asked of indexes that have never seen them.

Two kinds. One phrasing hidden, the others stay: a question that has an answer (dealt evenly over folds, so that an
entry never loses more than its share at once). Whole entries hidden, neighbours together: questions that have none
(below 15 entries one by one: hiding a third of eight entries leaves no shop to ask). The heading is never a question.
Where phrasings have vectors the hidden one's own plays the customer's; one without is no question then.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.core.calibration import DEPTH, FEW_ENTRIES, SHOWN, front
from service.core.features import Floats, Ints, weigh
from service.core.lines import grow_groups
from service.core.ranking import Index, Phrasings, Reading, centres

_MOST_FOLDS = 10
_FEW_FOLDS = 5
_MANY_PHRASINGS = 5_000
# Questions of each kind. More change the third digit and cost minutes.
_MOST_TRIALS = 6_000
_TOPIC_SHARE = 3
# The signals of a question that has nothing in common with any phrasing.
_NOTHING = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Trials:
    """What came of pseudo-questions, a row for each.

    `signals` as in `Reading.signals`; `gaps` the best scores minus the best one, best first, -inf where there are no
    more entries; `right` the place of the right entry among them, -1 when it is further down or there is none;
    `answerable` whether there is one; `owner` the right entry's position in `Phrasings.ids`, -1 for none. `rows` are
    the phrasings that were asked, `nearest` the `SHOWN` best entries of each, best first, -1 where there are no more:
    both as positions in the `Phrasings`.
    """

    signals: Floats
    gaps: Floats
    right: Ints
    answerable: npt.NDArray[np.bool_]
    owner: Ints
    rows: Ints
    nearest: Ints


def ask_trials(phrasings: Phrasings) -> Trials:
    """Make and ask all pseudo-questions. Takes minutes at 10,000 phrasings."""
    found = [*_hide_phrasings(phrasings), *_hide_topics(phrasings)]
    signals, gaps, right, owner, rows, nearest = list(zip(*found, strict=True)) or [()] * 6
    owners = np.array(owner, np.int64)
    return Trials(
        signals=np.array(signals, np.float64).reshape(-1, len(_NOTHING)),
        gaps=np.array(gaps, np.float64).reshape(-1, DEPTH),
        right=np.array(right, np.int64),
        answerable=owners >= 0,
        owner=owners,
        rows=np.array(rows, np.int64),
        nearest=np.array(nearest, np.int64).reshape(-1, SHOWN),
    )


_Row = tuple[tuple[float, ...], Floats, int, int, int, Ints]


def _hide_phrasings(phrasings: Phrasings) -> Iterator[_Row]:
    owners, places = phrasings.owners, phrasings.places
    sizes = np.bincount(owners, minlength=len(phrasings.ids)) - 1
    if len(phrasings.ids) < 2 or not sizes.any():
        return
    most = _FEW_FOLDS if len(owners) > _MANY_PHRASINGS else _MOST_FOLDS
    folds = int(np.clip(np.median(sizes), 2, most))
    chosen = _spread(_questions(phrasings))
    for fold in range(folds):
        hidden = (places >= 0) & (places % folds == fold)
        index = Index(phrasings, np.flatnonzero(~hidden))
        everything = np.arange(len(phrasings.ids))
        for row in chosen[hidden[chosen]]:
            yield _outcome(_ask(index, phrasings, int(row)), int(owners[row]), int(row), everything)


def _hide_topics(phrasings: Phrasings) -> Iterator[_Row]:
    owners = phrasings.owners
    if len(phrasings.ids) < 2:
        return
    chosen = _spread(_questions(phrasings))
    for group in _topics(phrasings):
        kept = np.setdiff1d(np.arange(len(phrasings.ids)), group)
        index = Index(phrasings, keep=kept)
        for row in chosen[np.isin(owners[chosen], group)]:
            yield _outcome(_ask(index, phrasings, int(row)), -1, int(row), kept)


def _questions(phrasings: Phrasings) -> Ints:
    asked = phrasings.places >= 0
    return np.flatnonzero(asked if phrasings.vectors is None else asked & phrasings.vectors.any(axis=1))


def _ask(index: Index, phrasings: Phrasings, row: int) -> Reading | None:
    vector = None if phrasings.vectors is None else phrasings.vectors[row]
    return index.measure(phrasings.corpus.query(row), vector)


def _spread(rows: Ints) -> Ints:
    """Take evenly of what is too much."""
    if len(rows) <= _MOST_TRIALS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _MOST_TRIALS).astype(np.int64)]


def _outcome(reading: Reading | None, owner: int, row: int, kept: Ints) -> _Row:
    """`kept` are the entries of the index that was asked."""
    nearest = np.full(SHOWN, -1)
    if reading is None:
        return _NOTHING, np.full(DEPTH, -np.inf), -1, owner, row, nearest
    best, gaps = front(reading.scores)
    nearest[: len(best)] = kept[best[:SHOWN]]
    return reading.signals, gaps, best.index(owner) if owner in best else -1, owner, row, nearest


def _topics(phrasings: Phrasings) -> list[Ints]:
    """Groups of neighbours, a third of the entries each."""
    count = len(phrasings.ids)
    if count < FEW_ENTRIES:
        return [np.array([entry]) for entry in range(count)]
    matrix, _ = weigh(phrasings.corpus, np.arange(len(phrasings.owners)))
    return grow_groups(centres(matrix, phrasings.owners, count), -(-count // _TOPIC_SHARE))
