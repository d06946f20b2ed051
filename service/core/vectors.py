"""Vectors: what an embedding model says of texts, as a second opinion on how well each entry fits.

Texts that mean the same have vectors of much the same direction, whatever words they use. The vectors of a folder's
phrasings are brought around their common middle first: models differ in how far apart they put texts, and many put all
of them into one narrow cone. An entry's score is made as that of words is (service/core/ranking.py): a linear SVM and
the cosine to the mean of the entry's phrasings. Whoever has no vectors has no score here.

Sources: averaging both opinions, measured in docs/answering.md; centring, Mu & Viswanath 2018 (arXiv:1702.01417).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from service.core.features import Floats, Ints, Matrix
from service.core.lines import fit_lines

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Meanings:
    """The vectors of texts, by text, all of one length, as the model of that name gives them."""

    model: str
    of: Mapping[str, Vector] = field(default_factory=dict[str, Vector])

    def rows(self, texts: Sequence[str | None]) -> Vector | None:
        """A row for each text, of 0 for None. None when there is none, or one is missing or of another length."""
        lengths = {len(self.of.get(text, ())) for text in texts if text is not None}
        if len(lengths) != 1 or 0 in lengths:
            return None
        nothing = np.zeros(lengths.pop(), np.float32)
        return np.stack([nothing if text is None else self.of[text] for text in texts])


def unit(values: Sequence[float]) -> Vector:
    """Bring a vector to length 1, in half precision: more digits say nothing."""
    vector = np.asarray(values, np.float64)
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype("<f2").astype(np.float32)


def pack_vector(vector: Vector) -> bytes:
    """Write down what `unit` made, to the digit."""
    return vector.astype("<f2").tobytes()


def unpack_vector(packed: bytes) -> Vector:
    """Read what `pack_vector` wrote."""
    return np.frombuffer(packed, "<f2").astype(np.float32)


def name_of(model: str, rows: Vector) -> str:
    """Name a model's vectors: the same name, the same numbers."""
    return f"{model} {hashlib.sha256(rows.astype('<f2').tobytes()).hexdigest()[:12]}"


class VectorIndex:
    """The vectors of phrasings, ready to score the vector of a text; never changes once built."""

    def __init__(self, rows: Vector, owners: Ints, count: int, *, fits_lines: bool) -> None:
        """`rows` as in `Meanings.rows`, `owners` says for each whose it is, of so many entries."""
        has_one = rows.any(axis=1)
        owners = owners[has_one]
        self.length = rows.shape[1]
        given: Floats = rows[has_one].astype(np.float64)
        self._middle: Floats = given.sum(axis=0) / max(1, len(given))
        centred = _of_length_1(given - self._middle)
        self.known = np.isin(np.arange(count), owners)
        known = np.flatnonzero(self.known)
        owners = np.searchsorted(known, owners)
        sums = np.zeros((len(known), rows.shape[1]))
        np.add.at(sums, owners, centred)
        centres = _of_length_1(sums)
        slopes, heights = np.zeros_like(centres), np.zeros(len(known))
        if fits_lines and len(known) > 1:
            lines, heights = fit_lines(_sparse(centred), owners, _sparse(centres))
            slopes = lines.toarray()
        self._slopes = np.zeros((count, rows.shape[1]), np.float32)
        self._slopes[known] = slopes + centres
        self._heights = np.zeros(count)
        self._heights[known] = heights - (heights.mean() if len(known) else 0.0)

    def score(self, vector: Vector) -> Floats:
        """Score all entries; 0 for those that have no vectors (`known` tells them apart)."""
        centred = _of_length_1((vector.astype(np.float64) - self._middle)[None])[0]
        return (self._slopes @ centred.astype(np.float32)).astype(np.float64) + self._heights


def _of_length_1(rows: Floats) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _sparse(rows: Floats) -> Matrix:
    from scipy import sparse

    return cast("Matrix", cast("Any", sparse).csr_matrix(rows))
