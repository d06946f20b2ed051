"""Features: how a text is cut, and texts as TF-IDF numbers.

A text becomes up to three blocks of features, each of length 1 before they are joined: `words` (words and pairs of
them; in Japanese the content words where a tokenizer is given), `runs` (1- and 2-grams inside runs of kanji or
katakana: hiragana is left out because politeness and grammar would swamp the rest) and `spell` (parts of words, robust
against typos and endings). Japanese is cut by script, everything else at spaces, so mixed texts need no language
guess. What the phrasings have never seen still counts in a text's length: unknown words lower every similarity.

Source: sublinear TF-IDF, https://scikit-learn.org/stable/modules/feature_extraction.html#text-feature-extraction.
scikit-learn has no type stubs and takes seconds to import, hence the `Any` and the imports inside functions.
"""

import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import merge
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from service.core.normalize import normalize

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_KANJI = r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KATAKANA = r"\u30a1-\u30fa\u30fc-\u30ff"
_HIRAGANA = r"\u3041-\u309f"
_JAPANESE = rf"{_KANJI}{_KATAKANA}{_HIRAGANA}"
_STRETCH = re.compile(rf"[{_JAPANESE}]+|[^\s{_JAPANESE}]+")
_IS_JAPANESE = re.compile(rf"[{_JAPANESE}]")
_RUN = re.compile(rf"[{_KANJI}]+|[{_KATAKANA}]+")
# 染める is also 染めたい and 染めて: an ending of one sign after kanji and more hiragana is left open.
_ENDING = re.compile(rf"(?<=[{_KANJI}][{_HIRAGANA}])[{_HIRAGANA}]$|(?<=[{_KANJI}][{_KANJI}])する$")
_SORTED_AT_ONCE = 10_000


class Matrix(Protocol):
    """As much of a sparse row matrix (scipy.sparse.csr_matrix) as is used."""

    shape: tuple[int, int]
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    data: npt.NDArray[np.float32]

    def __getitem__(self, rows: Ints) -> "Matrix": ...
    def __matmul__(self, other: "Matrix") -> "Matrix": ...
    def tocsr(self) -> "Matrix": ...
    def transpose(self) -> "Matrix": ...
    def toarray(self) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Cuts Japanese into content words. `name` says which one and which version: the same name, the same words."""

    name: str
    cut: Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Wording:
    """How texts are read: with which tokenizer, and which words mean the same in this shop."""

    tokenizer: Tokenizer | None = None
    synonyms: tuple[tuple[str, ...], ...] = ()

    @property
    def name(self) -> str:
        """Two wordings of one name read every text alike."""
        return repr((self.tokenizer.name if self.tokenizer else "", self.synonyms))

    def read(self, text: str) -> str:
        """Normalise a text, with each word of a group of synonyms written as the group's first."""
        read = normalize(text)
        if not self._synonyms:
            return read
        pattern, firsts = self._synonyms
        return normalize(pattern.sub(lambda found: firsts[cast("str", found.lastgroup)], read))

    @cached_property
    def _synonyms(self) -> tuple[re.Pattern[str], dict[str, str]] | None:
        """One pattern for all words, longest first, and what is written in their place by the name of the group."""
        groups = [[word for word in map(normalize, group) if word] for group in self.synonyms]
        words = sorted(
            ((word, number) for number, group in enumerate(groups) for word in group),
            key=lambda each: (-len(each[0]), each),
        )
        if not words:
            return None
        parts = [f"(?P<w{place}>{_as_pattern(word)})" for place, (word, _) in enumerate(words)]
        return re.compile("|".join(parts)), {f"w{place}": groups[n][0] for place, (_, n) in enumerate(words)}

    @property
    def cuts(self) -> tuple[Callable[[str], list[str]], ...]:
        """The functions that cut a text of `read` into the features of each block."""
        return (self._words, _runs, _spell)

    def _words(self, text: str) -> list[str]:
        found: list[str] = []
        previous = ""
        for stretch in _STRETCH.findall(text):
            if _IS_JAPANESE.match(stretch):
                previous = ""
                if self.tokenizer:
                    found.extend(self.tokenizer.cut(stretch))
                continue
            found.append(stretch)
            if previous:
                found.append(f"{previous} {stretch}")
            previous = stretch
        return found


def _as_pattern(word: str) -> str:
    if _IS_JAPANESE.match(word):
        return re.escape(_ENDING.sub("", word))
    return rf"(?<![^\s{_JAPANESE}]){re.escape(word)}(?![^\s{_JAPANESE}])"


def _runs(text: str) -> list[str]:
    found: list[str] = []
    for run in _RUN.findall(text):
        found.extend(_grams(run, 1, 2))
    return found


def _spell(text: str) -> list[str]:
    found: list[str] = []
    for stretch in _STRETCH.findall(text):
        found.extend(_grams(stretch, 1, 3) if _IS_JAPANESE.match(stretch) else _grams(f" {stretch} ", 2, 5))
    return found


def _grams(text: str, shortest: int, longest: int) -> list[str]:
    sizes = range(shortest, min(longest, len(text)) + 1)
    return [text[i : i + n] for n in sizes for i in range(len(text) - n + 1)]


class Query(NamedTuple):
    """A text, counted: its known features, each block from one of `bounds` to the next, and how often each occurs.

    `unknown` has for each block how often the features occur that no phrasing has.
    """

    features: Ints
    counts: Floats
    bounds: tuple[int, ...]
    unknown: tuple[tuple[int, ...], ...]


class Lexicon:
    """Which features there are, numbered block after block."""

    def __init__(self, wording: Wording, numbers: Sequence[dict[str, int]]) -> None:
        self.wording = wording
        self._numbers = tuple(numbers)
        sizes = [len(block) for block in numbers]
        self.starts = tuple(sum(sizes[:block]) for block in range(len(sizes)))

    def count(self, read: str) -> Query:
        """Count the features of a text that the wording has read."""
        features: list[int] = []
        counts: list[int] = []
        bounds = [0]
        unknown: list[tuple[int, ...]] = []
        for cut, numbers, start in zip(self.wording.cuts, self._numbers, self.starts, strict=True):
            strange: list[int] = []
            for feature, count in Counter(cut(read)).items():
                number = numbers.get(feature)
                if number is None:
                    strange.append(count)
                else:
                    features.append(number + start)
                    counts.append(count)
            bounds.append(len(features))
            unknown.append(tuple(strange))
        return Query(np.array(features, np.int64), np.array(counts, np.float64), tuple(bounds), tuple(unknown))


@dataclass(frozen=True)
class Corpus:
    """Texts, counted once: a matrix for each block, a row for each text."""

    lexicon: Lexicon
    blocks: tuple[Matrix, ...]

    def query(self, row: int) -> Query:
        """Take one of the texts as a question."""
        parts = [slice(block.indptr[row], block.indptr[row + 1]) for block in self.blocks]
        features = [
            block.indices[part].astype(np.int64) + start
            for block, part, start in zip(self.blocks, parts, self.lexicon.starts, strict=True)
        ]
        counts = [block.data[part].astype(np.float64) for block, part in zip(self.blocks, parts, strict=True)]
        bounds = np.cumsum([0, *map(len, features)])
        bounds = tuple(cast("list[int]", bounds.tolist()))
        return Query(np.concatenate(features), np.concatenate(counts), bounds, ((),) * len(self.blocks))


def count_texts(texts: Sequence[str], wording: Wording) -> Corpus:
    """Count the features of texts that `wording` has read."""
    counted = [_count_block(texts, cut) for cut in wording.cuts]
    return Corpus(Lexicon(wording, [numbers for numbers, _ in counted]), tuple(block for _, block in counted))


def _count_block(texts: Sequence[str], cut: Callable[[str], list[str]]) -> tuple[dict[str, int], Matrix]:
    """Number the features that a cut finds, in the order of the alphabet, and count them in a row for each text.

    As scikit-learn's CountVectorizer does, but never long at a stretch in one of C's functions: these hold the
    interpreter, and with it everybody who waits for an answer.
    """
    from scipy import sparse

    seen: dict[str, int] = {}
    places, counts, ends = array("i"), array("f"), array("q", [0])
    for text in texts:
        found = Counter(cut(text))
        places.extend([seen.setdefault(feature, len(seen)) for feature in found])
        counts.extend(found.values())
        ends.append(len(places))
    numbers = {feature: number for number, feature in enumerate(_sorted(list(seen)))}
    renumbered = np.empty(len(seen), np.int32)
    for feature, place in seen.items():
        renumbered[place] = numbers[feature]
    columns = renumbered[np.frombuffer(places, np.int32)] if places else np.zeros(0, np.int32)
    cells = np.frombuffer(counts, np.float32) if places else np.zeros(0, np.float32)
    block = cast("Any", sparse).csr_matrix((cells.copy(), columns, np.array(ends)), shape=(len(texts), len(seen)))
    block.sort_indices()
    return numbers, cast("Matrix", block)


def _sorted(words: list[str]) -> Iterable[str]:
    return merge(*(sorted(words[start : start + _SORTED_AT_ONCE]) for start in range(0, len(words), _SORTED_AT_ONCE)))


def weigh(corpus: Corpus, rows: Ints) -> tuple[Matrix, Floats]:
    """TF-IDF of some of the texts as if there were no others: rows of length 1 (0 without features), and the idfs.

    Features that only other texts have get the idf of the unknown.
    """
    from scipy import sparse
    from sklearn import preprocessing
    from sklearn.feature_extraction.text import TfidfTransformer

    parts: list[Any] = []
    idfs: list[Any] = [np.zeros(0)]
    for block in corpus.blocks:
        if block.shape[1]:
            transformer = cast("Any", TfidfTransformer)(sublinear_tf=True)
            parts.append(transformer.fit_transform(block[rows]))
            idfs.append(transformer.idf_)
    if not parts:
        return cast("Matrix", cast("Any", sparse).csr_matrix((len(rows), 0), dtype=np.float32)), np.zeros(0)
    joined = cast("Any", sparse).hstack(parts, format="csr", dtype=np.float32)
    return cast("Matrix", cast("Any", preprocessing).normalize(joined)), np.concatenate(idfs).astype(np.float64)


def idf_of_unknown(texts: int) -> float:
    """The idf of a feature that none of so many texts has."""
    return math.log(1 + texts) + 1.0
