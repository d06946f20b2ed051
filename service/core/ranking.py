"""Ranking: how well each entry fits a text, and how far the text can be understood at all.

An entry's score is `d + c`: the decision value of a linear SVM and the cosine to the mean of the entry's phrasings.
Both are linear in the text's features, so a text is scored by adding up a few posting lists. Where an embedding model
has given vectors (service/core/vectors.py), the score is the mean of that of the words and that of the vectors. What
the scores are worth as probabilities is said by a calibration (service/core/calibration.py).

Sources: TF-IDF with an SVM for intents and unknown questions: Larson et al. 2019 (CLINC150, arXiv:1909.02027), Arora
et al. 2020 (HINT3, arXiv:2009.13833).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from service.core.entries import Entry
from service.core.features import Corpus, Floats, Ints, Matrix, Query, Wording, count_texts, idf_of_unknown, weigh
from service.core.lines import fit_lines
from service.core.vectors import Meanings, Vector, VectorIndex, name_of

# To be raised with whatever changes numbers, those of trials and fitting too: calibrations are kept under a hash of it.
RECIPE = 3
# The SVM is fitted up to so many entries times phrasings: about ten seconds.
_MOST_TO_FIT = 12_000_000
# An entry's height (how many phrasings it has, against the rest) holds for texts of which at least this share is
# known. Less is known of what has nothing to do with the shop, and there the biggest entry would always win.
_KNOWN_ENOUGH = 1 / 3


@dataclass(frozen=True, slots=True)
class Reading:
    """What the index sees in a text: a score for each entry (by position in `Index.ids`) and signals of the best one.

    `margin` is its score above the second, `covered` the share of the text (by idf of its spelling) that occurs in
    its phrasings: both grow with confidence. `exact` is the entry of which the text is a phrasing to the letter (after
    normalising), if there is exactly one.
    """

    scores: Floats
    margin: float
    covered: float
    exact: int | None = None

    @property
    def signals(self) -> tuple[float, float, float]:
        """The numbers that a calibration weighs, always in this order."""
        return float(self.scores.max()), self.margin, self.covered


class _Postings:
    """For each feature, the entries that have it and a value for each."""

    def __init__(self, matrix: Matrix) -> None:
        """`matrix` is entries x features."""
        lists = matrix.transpose().tocsr()
        self._starts = lists.indptr[:-1].astype(np.int64)
        self.sizes = np.diff(lists.indptr).astype(np.int64)
        kind = np.uint16 if matrix.shape[0] < 1 << 16 else np.int32
        self._entries = lists.indices.astype(kind)
        self._values = lists.data.astype(np.float32, copy=False)
        self._count = matrix.shape[0]

    def add_up(self, features: Ints, values: Floats) -> Floats:
        """Add up for each entry what the features' lists have for it, times the text's values."""
        weights = self._of(self._values, features) * np.repeat(values, self.sizes[features])
        return np.bincount(self._of(self._entries, features), weights, self._count).astype(np.float64, copy=False)

    def holds(self, features: Ints, entry: int) -> npt.NDArray[np.bool_]:
        """Tell for each feature whether its list has the entry."""
        found = np.zeros(len(features), np.bool_)
        found[np.repeat(np.arange(len(features)), self.sizes[features])[self._of(self._entries, features) == entry]] = (
            True
        )
        return found

    def _of(self, column: npt.NDArray[Any], features: Ints) -> npt.NDArray[Any]:
        """What the features' lists have in a column, one list after another: slices, which are quicker than indices."""
        starts = self._starts[features]
        bounds = zip(starts.tolist(), (starts + self.sizes[features]).tolist(), strict=True)
        return np.concatenate([column[:0], *(column[start:end] for start, end in bounds)])


class Index:
    """The phrasings of all entries, ready to be asked; never changes once built. Made by `build_index`."""

    def __init__(self, phrasings: "Phrasings", rows: Ints | None = None, *, keep: Ints | None = None) -> None:
        """Index the phrasings of some `rows` only and of the entries to `keep` only, or all of them."""
        rows = np.arange(len(phrasings.owners)) if rows is None else rows
        kept = np.arange(len(phrasings.ids)) if keep is None else keep
        rows = rows[np.isin(phrasings.owners[rows], kept)]
        owners = np.searchsorted(kept, phrasings.owners[rows])
        self.id = phrasings.id
        self.vector_id = phrasings.vector_id
        self.ids = tuple(phrasings.ids[entry] for entry in kept)
        self.lexicon = phrasings.corpus.lexicon
        self._exact = phrasings.exact
        matrix, self._idfs = weigh(phrasings.corpus, rows)
        self._unknown = idf_of_unknown(len(rows))
        middles = centres(matrix, owners, len(kept))
        self._centres = _Postings(middles)
        self._lines: _Postings | None = None
        if phrasings.fits_lines and len(kept) > 1 and matrix.shape[1]:
            slopes, heights = fit_lines(matrix, owners, middles)
            self._lines = _Postings(slopes)
            # Around 0, so that scores compare between shops: what nobody knows scores 0 everywhere.
            self._heights = heights - heights.mean()
        self._vectors: VectorIndex | None = None
        if phrasings.vectors is not None:
            self._vectors = VectorIndex(
                phrasings.vectors[rows], owners, len(kept), fits_lines=phrasings.fits_lines and len(kept) > 1
            )

    @property
    def has_lines(self) -> bool:
        """Tell whether an SVM is part of it."""
        return self._lines is not None

    @property
    def vector_length(self) -> int:
        """How long the vector of a text must be; 0 where vectors are no part of it."""
        return self._vectors.length if self._vectors else 0

    def read(self, text: str, vector: Vector | None = None) -> Reading | None:
        """Score all entries by the text's words, and its vector if that is given.

        None when the words have nothing in common with any phrasing and there is no vector.
        """
        read = self.lexicon.wording.read(text)
        return self.measure(self.lexicon.count(read), vector, self._exact.get(read))

    def measure(self, query: Query, vector: Vector | None = None, exact: int | None = None) -> Reading | None:
        """Score all entries for a counted text."""
        idfs = self._idfs[query.features]
        seen = self._centres.sizes[query.features] > 0
        if not seen.any() and (vector is None or self._vectors is None):
            return None
        values = self._values(query, idfs)
        scores = self._centres.add_up(query.features, values)
        if self._lines is not None:
            trust = min(1.0, float(values[seen] @ values[seen]) / _KNOWN_ENOUGH)
            scores += self._lines.add_up(query.features, values) + trust * self._heights
        if vector is not None and self._vectors is not None:
            # An entry without vectors is judged by its words alone.
            scores = np.where(self._vectors.known, (scores + self._vectors.score(vector)) / 2, scores)
        # So that sums in another order, on another machine, make no other order of entries.
        scores = np.round(scores, 6)
        best = int(np.argmax(scores))
        others = np.delete(scores, best)
        margin = float(scores[best] - (others.max() if len(others) else 0.0))
        spelt = slice(query.bounds[-2], query.bounds[-1])
        weights = idfs[spelt]
        total = float(weights.sum()) + len(query.unknown[-1]) * self._unknown
        covered = float(weights[self._centres.holds(query.features[spelt], best)].sum()) / total if total else 0.0
        return Reading(scores, margin, round(covered, 6), exact)

    def _values(self, query: Query, idfs: Floats) -> Floats:
        """The text's TF-IDF values: each block of length 1 with its unknown features, all blocks together too."""
        values = (1.0 + np.log(query.counts)) * idfs
        blocks = 0
        for start, end, unknown in zip(query.bounds, query.bounds[1:], query.unknown, strict=False):
            strange = sum((1.0 + np.log(count)) ** 2 for count in unknown) * self._unknown**2
            square = float(values[start:end] @ values[start:end]) + strange
            if square:
                values[start:end] /= np.sqrt(square)
                blocks += 1
        return values / np.sqrt(blocks or 1)


@dataclass(frozen=True)
class Phrasings:
    """Every heading and phrasing of the entries that are found by meaning, counted once.

    `id` is a hash of what is indexed and how: the same id, the same numbers. `texts` are the rows as they were written
    (None: private), `owners` says for each whose it is, `places` its number among the entry's phrasings (-1: the
    heading); `exact` has the owner of each text that only one entry has. `vectors` has a row for each (of 0: private,
    so there is none), `vector_id` is the hash that includes them; None without an embedding model.
    """

    id: str
    ids: tuple[str, ...]
    texts: tuple[str | None, ...]
    corpus: Corpus
    owners: Ints
    places: Ints
    exact: Mapping[str, int]
    vectors: Vector | None = None
    vector_id: str | None = None

    @property
    def fits_lines(self) -> bool:
        """Tell whether an SVM is worth its time: it learns from several phrasings, and takes long for many entries."""
        return len(self.owners) > len(self.ids) > 1 and len(self.owners) * len(self.ids) <= _MOST_TO_FIT


def is_indexed(entry: Entry) -> bool:
    """Tell whether an entry is matched by meaning and leads somewhere."""
    return entry.match == "meaning" and entry.action in {"answer", "handoff"}


def read_phrasings(entries: Sequence[Entry], wording: Wording, meanings: Meanings | None = None) -> Phrasings:
    """Count what is indexed. The order of `entries` makes no difference.

    Vectors count only when `meanings` has all of them (`to_embed`).
    """
    served = _served(entries)
    texts: list[str] = []
    written: list[str | None] = []
    owners: list[int] = []
    places: list[int] = []
    exact: dict[str, int | None] = {}
    for owner, entry in enumerate(served):
        for place, (text, as_written) in enumerate(_own_texts(entry, wording).items(), -1):
            texts.append(text)
            written.append(None if entry.private else as_written)
            owners.append(owner)
            places.append(place)
            exact[text] = None if text in exact else owner
    exact.pop("", None)
    # One after another: whoever makes one long text of them keeps everybody else waiting.
    content = (repr((served[owner].id, text)) for owner, text in zip(owners, texts, strict=True))
    name = _hash(repr((RECIPE, wording.name)), *content)
    vectors = meanings.rows(written) if meanings else None
    return Phrasings(
        name,
        tuple(entry.id for entry in served),
        tuple(written),
        count_texts(texts, wording),
        np.array(owners, np.int64),
        np.array(places, np.int64),
        {text: owner for text, owner in exact.items() if owner is not None},
        vectors,
        _hash(f"{name} {name_of(meanings.model, vectors)}") if meanings and vectors is not None else None,
    )


def to_embed(entries: Sequence[Entry], wording: Wording) -> tuple[str, ...]:
    """List the headings and phrasings that want a vector, each once. Those of private entries never leave."""
    open_to_all = [entry for entry in _served(entries) if not entry.private]
    return tuple(dict.fromkeys(said for entry in open_to_all for said in _own_texts(entry, wording).values()))


def _served(entries: Sequence[Entry]) -> list[Entry]:
    return sorted(filter(is_indexed, entries), key=lambda entry: entry.id)


def _own_texts(entry: Entry, wording: Wording) -> dict[str, str]:
    """An entry's heading and phrasings as `wording` reads them, each once, and as they are written."""
    own: dict[str, str] = {}
    for text in (entry.question, *entry.phrasings):
        own.setdefault(wording.read(text), text)
    return own


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:12]


def build_index(entries: Sequence[Entry], wording: Wording | None = None, meanings: Meanings | None = None) -> Index:
    """Index all entries that are found by meaning. Takes seconds at 10,000 phrasings: call it off the event loop."""
    return Index(read_phrasings(entries, wording or Wording(), meanings))


def centres(matrix: Matrix, owners: Ints, count: int) -> Matrix:
    """The mean of each owner's rows, brought to length 1."""
    from scipy import sparse
    from sklearn import preprocessing

    cells = (np.ones(len(owners), np.float32), (owners, np.arange(len(owners))))
    sums = cast("Matrix", cast("Any", sparse).csr_matrix(cells, shape=(count, len(owners)))) @ matrix
    return cast("Matrix", cast("Any", preprocessing).normalize(sums)) if 0 not in sums.shape else sums
