"""Features: texts as TF-IDF vectors, and the only place that touches scikit-learn (which has no type stubs).

A text becomes two blocks of features, each of length 1 and weighted before they are joined: `words` (what the text is
about; in Japanese without hiragana, because politeness and grammar would swamp the rest) and `spell` (parts of words,
robust against typos and endings). No tokenizer: Japanese is cut by script, everything else at spaces, so mixed texts
need no language guess. What the phrasings have never seen still counts in a text's length, so that unknown words lower
every similarity.

Source: sublinear TF-IDF, https://scikit-learn.org/stable/modules/feature_extraction.html#text-feature-extraction.
scikit-learn takes seconds to import, hence inside the functions that build.
"""

import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_KANJI = r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KATAKANA = r"\u30a1-\u30fa\u30fc-\u30ff"
_JAPANESE = rf"{_KANJI}{_KATAKANA}\u3041-\u309f"
_STRETCH = re.compile(rf"[{_JAPANESE}]+|[^\s{_JAPANESE}]+")
_IS_JAPANESE = re.compile(rf"[{_JAPANESE}]")
_RUN = re.compile(rf"[{_KANJI}]+|[{_KATAKANA}]+")


class Matrix(Protocol):
    """As much of a sparse row matrix (scipy.sparse.csr_matrix) as is used: one row per phrasing, float32."""

    shape: tuple[int, int]
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    data: npt.NDArray[np.float32]

    def tocsr(self) -> "Matrix": ...
    def transpose(self) -> "Matrix": ...


@dataclass(frozen=True, slots=True)
class Vector:
    """A text's features that any phrasing has, and the share of the text (by idf) that they are.

    The length is 1 only when all features are known: unknown ones are missing here but counted.
    """

    features: Ints
    values: Floats
    known: float


def words(text: str) -> list[str]:
    """Runs of kanji or katakana, whole and as 1- and 2-grams of signs; other words and pairs of them. No hiragana."""
    found: list[str] = []
    previous = ""
    for stretch in _STRETCH.findall(text):
        if not _IS_JAPANESE.match(stretch):
            found.append(stretch)
            if previous:
                found.append(f"{previous} {stretch}")
            previous = stretch
            continue
        previous = ""
        for run in _RUN.findall(stretch):
            found.extend(_grams(run, 1, 2))
            if len(run) > 2:
                found.append(run)
    return found


def spell(text: str) -> list[str]:
    """Character n-grams: 1 to 3 in Japanese, 2 to 5 inside each other word with its edges."""
    found: list[str] = []
    for stretch in _STRETCH.findall(text):
        found.extend(_grams(stretch, 1, 3) if _IS_JAPANESE.match(stretch) else _grams(f" {stretch} ", 2, 5))
    return found


def _grams(text: str, shortest: int, longest: int) -> list[str]:
    sizes = range(shortest, min(longest, len(text)) + 1)
    return [text[i : i + n] for n in sizes for i in range(len(text) - n + 1)]


_ANALYZERS: tuple[tuple[Callable[[str], list[str]], float], ...] = ((words, 0.85), (spell, 1.0))


@dataclass(frozen=True, slots=True)
class _Block:
    """One kind of features: their numbers and idfs, and the idf of a feature never seen."""

    analyze: Callable[[str], list[str]]
    weight: float
    numbers: dict[str, int]
    offset: int
    idfs: list[float]
    unseen: float

    def weigh(self, text: str) -> tuple[list[int], list[float], float] | None:
        """Give the known features, their values in a block of length `weight`, and the known share of the idf."""
        counts = Counter(self.analyze(text))
        if not counts:
            return None
        features: list[int] = []
        values: list[float] = []
        seen = squares = unseen_squares = 0.0
        for feature, count in counts.items():
            tf = 1.0 + math.log(count)
            number = self.numbers.get(feature)
            if number is None:
                unseen_squares += tf * tf
                continue
            idf = self.idfs[number]
            features.append(number + self.offset)
            values.append(tf * idf)
            seen += idf
            squares += (tf * idf) ** 2
        scale = self.weight / math.sqrt(squares + unseen_squares * self.unseen**2)
        missing = (len(counts) - len(features)) * self.unseen
        return features, [value * scale for value in values], seen / (seen + missing)


class Vectorizer:
    """Knows the features of all phrasings and turns a text into the same space, without scikit-learn's overhead."""

    def __init__(self, blocks: Sequence[_Block]) -> None:
        self._blocks = tuple(blocks)

    def vector(self, text: str) -> Vector:
        """Turn a normalised text into numbers."""
        features: list[int] = []
        values: list[float] = []
        known: list[float] = []
        length = 0.0
        for block in self._blocks:
            weighed = block.weigh(text)
            if weighed is not None:
                features.extend(weighed[0])
                values.extend(weighed[1])
                known.append(weighed[2])
                length += block.weight**2
        # `known` by words, which come first; by spelling where a text is all hiragana.
        scaled = np.array(values, np.float64) / math.sqrt(length or 1.0)
        return Vector(np.array(features, np.int64), scaled, known[0] if known else 0.0)


def fit_vectorizer(texts: Sequence[str]) -> tuple[Vectorizer, Matrix]:
    """Learn the features of the normalised texts; the matrix has a row of length 1 for each (0 if it has no words)."""
    from scipy import sparse
    from sklearn import preprocessing
    from sklearn.feature_extraction.text import TfidfVectorizer

    blocks: list[_Block] = []
    parts: list[Any] = []
    offset = 0
    for analyze, weight in _ANALYZERS:
        if not any(analyze(text) for text in texts):
            continue
        tfidf = cast("Any", TfidfVectorizer)(analyzer=analyze, sublinear_tf=True, dtype=np.float32)
        parts.append(tfidf.fit_transform(texts) * np.float32(weight))
        numbers = cast("dict[str, int]", tfidf.vocabulary_)
        idfs = cast("list[float]", tfidf.idf_.tolist())
        blocks.append(_Block(analyze, weight, numbers, offset, idfs, math.log(1 + len(texts)) + 1))
        offset += len(idfs)
    empty = sparse.csr_matrix((len(texts), 0), dtype=np.float32)
    matrix = cast("Any", preprocessing).normalize(cast("Any", sparse).hstack(parts, format="csr")) if parts else empty
    return Vectorizer(blocks), cast("Matrix", matrix)


def fit_lines(matrix: Matrix, owners: Ints) -> tuple[npt.NDArray[np.float32], Floats]:
    """Fit a linear SVM, each owner (at least two) against the rest: slopes (features x owners) and heights."""
    from sklearn.svm import LinearSVC

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few phrasings for many owners, not quite converged: both are fine here
        svm = cast("Any", LinearSVC(random_state=0)).fit(matrix, owners)
    slopes = cast("Floats", svm.coef_)
    heights = cast("Floats", svm.intercept_)
    if len(slopes) == 1:  # two owners share one line
        slopes, heights = np.vstack([-slopes, slopes]), np.append(-heights, heights)
    return np.ascontiguousarray(slopes.T, dtype=np.float32), heights
