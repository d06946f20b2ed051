"""Ranking: which entries may fit a text, and how probable it is that the best one is right.

An entry's score is `d + (g + c) / 2`: the decision value of a linear SVM, the similarity to its three nearest
phrasings, the similarity to the mean of its phrasings. The probabilities are P(in), from a few signals of the best
entry, shared out over the entries by softmax of their scores. This first version has fixed weights and one threshold;
fitting them to the FAQ folder at hand needs nothing new from `Index`: ask it pseudo-questions with `read`.

Sources: TF-IDF with an SVM for intents and unknown questions: Larson et al. 2019 (CLINC150, arXiv:1909.02027), Arora
et al. 2020 (HINT3, arXiv:2009.13833); softmax as confidence: Hendrycks & Gimpel 2017 (arXiv:1610.02136).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from service.core.decisions import Candidate
from service.core.entries import Entry
from service.core.features import Floats, Ints, Matrix, Vector, Vectorizer, fit_lines, fit_vectorizer
from service.core.normalize import normalize

# Measured on six public question sets with unanswerable questions reweighted to 40 %: a little above the lowest value
# at which 95 % of the automatic answers are right on each of them. The set with overlapping topics decides it;
# 0.85 would do for the others. `python -m bench.ranking` prints the table.
SURE = 0.965
"""Answer without asking when the best candidate is at least this probable."""
POSSIBLE = 0.2
"""Below this nothing fits: hand over. A seventh to a quarter of unanswerable questions lie above it, most of them
in a folder of eight entries."""

# The SVM is worth its memory (a dense float32 matrix, entries times features) up to here: 64 MB.
_MOST_LINES = 300
_MOST_CELLS = 16_000_000
_NEAREST = (1.0, 0.5, 0.25)  # weights of an entry's nearest phrasings
_VOTERS = 10


@dataclass(frozen=True, slots=True)
class Weights:
    """How signals become probabilities: a logistic for P(in), weights at least 0, and a temperature among entries."""

    bias: float
    close: float
    margin: float
    vote: float
    known: float
    temperature: float


# Fitted once by bench/fit_fixed_weights.py, pooled over five public sets (shop and bot FAQs, requests to a hotel and to
# voice assistants, English and Japanese, cut to 2, 5, 10 and 20 phrasings an entry), 19,988 pseudo-questions made from
# the phrasings alone, 40 % of them (by weight) without an answer; then rounded.
# The growth of the temperature in `_with_svm` was read off the same run, set by set.
WITH_SVM = Weights(bias=-3.2, close=7.3, margin=1.5, vote=0.5, known=1.2, temperature=0.10)
WITHOUT_SVM = Weights(bias=-3.4, close=7.9, margin=4.7, vote=0.9, known=1.3, temperature=0.04)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the index sees in a text: a score for each entry (by position in `Index.ids`) and signals of the best one.

    `close` is (g + c) / 2 of the best entry, `margin` its score above the second, `vote` its share among the nearest
    phrasings, `known` the share of the text (by idf) that occurs in any phrasing. All grow with confidence.
    """

    scores: Floats
    close: float
    margin: float
    vote: float
    known: float


class Index:
    """The phrasings of all entries, ready to be asked; never changes once built. Made by `build_index`."""

    def __init__(self, ids: Sequence[str], owners: Ints, vectorizer: Vectorizer, matrix: Matrix, *, svm: bool) -> None:
        """`owners` says for each row of `matrix` (a phrasing) whose it is: ascending, every entry at least once."""
        self.ids = tuple(ids)
        self._owners = owners
        self._counts = np.bincount(owners, minlength=len(ids))
        self._starts = np.cumsum(self._counts) - self._counts
        self._vectorizer = vectorizer
        # The phrasings of each feature, kept: `query @ matrix.T` would convert the matrix on each call.
        postings = matrix.transpose().tocsr()
        self._pointers = postings.indptr.astype(np.int64)
        self._rows, self._values = postings.indices, postings.data
        self._centroid_lengths = self._measure_centroids()
        self._lines = fit_lines(matrix, owners) if svm else None
        self.weights = WITHOUT_SVM if self._lines is None else _with_svm(len(owners) / len(ids))

    def rank(self, text: str, limit: int = 10) -> tuple[Candidate, ...]:
        """Give the most probable entries, best first. Empty when the text has nothing in common with any phrasing."""
        reading = self.read(text)
        if reading is None:
            return ()
        chances = probabilities(reading, self.weights)
        best = cast("list[int]", np.argsort(-reading.scores, kind="stable")[:limit].tolist())
        return tuple(Candidate(self.ids[i], float(chances[i])) for i in best)

    def read(self, text: str) -> Reading | None:
        """Score all entries; None when the text has nothing in common with any phrasing."""
        vector = self._vectorizer.vector(normalize(text))
        if not len(vector.features):
            return None
        similar = self._similarities(vector)
        close = (self._nearest(similar) + self._centroids(similar)) / 2
        scores = close
        if self._lines is not None:
            slopes, heights = self._lines
            scores = close + vector.values @ slopes[vector.features] + heights
        top = int(np.argmax(scores))
        others = np.delete(scores, top)
        margin = scores[top] - (others.max() if len(others) else 0.0)
        return Reading(scores, float(close[top]), float(margin), self._vote(similar, top), vector.known)

    def _measure_centroids(self) -> Floats:
        """Length of each entry's mean vector, feature by feature so that it is never held densely."""
        numbers = np.repeat(np.arange(len(self._pointers) - 1), np.diff(self._pointers))
        keys: Ints = numbers * len(self.ids) + self._owners[self._rows]
        cells, places = cast("tuple[Ints, Ints]", np.unique(keys, return_inverse=True))
        sums = _sums(places, self._values, len(cells))
        squares = _sums(cells % max(1, len(self.ids)), sums**2, len(self.ids))
        lengths = np.sqrt(squares) / self._counts
        return np.where(lengths > 0.0, lengths, 1.0)

    def _similarities(self, vector: Vector) -> Floats:
        """Cosine to every phrasing."""
        starts = self._pointers[vector.features]
        counts = self._pointers[vector.features + 1] - starts
        ends = np.cumsum(counts)
        places: Ints = np.arange(int(ends[-1])) + np.repeat(starts - ends + counts, counts)
        weights = self._values[places] * np.repeat(vector.values, counts)
        return _sums(self._rows[places], weights, len(self._owners))

    def _centroids(self, similar: Floats) -> Floats:
        return np.add.reduceat(similar, self._starts) / self._counts / self._centroid_lengths

    def _nearest(self, similar: Floats) -> Floats:
        """Weigh the nearest phrasings of each entry; an entry with fewer is judged by those it has."""
        left = similar.copy()
        total = np.zeros(len(self.ids))
        weights = np.zeros(len(self.ids))
        for weight in _NEAREST:
            nearest = np.maximum.reduceat(left, self._starts)
            total += weight * np.maximum(nearest, 0.0)
            weights += weight * (nearest >= 0.0)
            # Take the first phrasing that reaches it away, one per entry.
            reached = np.flatnonzero(left == nearest[self._owners])
            owners = self._owners[reached]
            left[reached[np.flatnonzero(np.diff(owners, prepend=-1))]] = -1.0
        return total / weights

    def _vote(self, similar: Floats, top: int) -> float:
        count = int(min(_VOTERS, self._counts[top]))
        nearest = np.argpartition(-similar, count - 1)[:count]
        mine = similar[nearest] * (self._owners[nearest] == top)
        return float(mine.sum() / similar[nearest].sum())


def _with_svm(phrasings: float) -> Weights:
    """The more phrasings an entry has, the further apart an SVM puts the scores: the likeliest temperature follows."""
    return replace(WITH_SVM, temperature=WITH_SVM.temperature * phrasings**0.15)


def _sums(places: npt.NDArray[np.integer], weights: npt.NDArray[np.floating], count: int) -> Floats:
    """Add up the weights that fall on each of `count` places."""
    return np.bincount(places, weights=weights, minlength=count).astype(np.float64, copy=False)


def probabilities(reading: Reading, weights: Weights) -> Floats:
    """Give each entry's probability of being right: P(in), shared out by softmax. They sum to P(in), at most 1."""
    logit = weights.bias + weights.close * reading.close + weights.margin * reading.margin
    logit += weights.vote * reading.vote + weights.known * reading.known
    shares = np.exp((reading.scores - reading.scores.max()) / weights.temperature)
    return shares / shares.sum() / (1.0 + math.exp(-logit))


def build_index(entries: Sequence[Entry], *, svm: bool = True) -> Index:
    """Index what is matched by meaning and leads somewhere. The order of `entries` makes no difference.

    Where it fits, scores come from an SVM too: 3 to 6 points more of the best entries are right. It takes seconds at
    15,000 phrasings.
    """
    served = [entry for entry in entries if entry.match == "meaning" and entry.action in {"answer", "handoff"}]
    served.sort(key=lambda entry: entry.id)
    texts: list[str] = []
    owners: list[int] = []
    for owner, entry in enumerate(served):
        phrasings = dict.fromkeys(map(normalize, (entry.question, *entry.phrasings)))
        phrasings.pop("", None)
        texts.extend(phrasings or [""])
        owners.extend([owner] * max(1, len(phrasings)))
    vectorizer, matrix = fit_vectorizer(texts)
    fits = 2 <= len(served) <= _MOST_LINES and 0 < len(served) * matrix.shape[1] <= _MOST_CELLS
    ids = [entry.id for entry in served]
    return Index(ids, np.array(owners, np.int64), vectorizer, matrix, svm=svm and fits)
