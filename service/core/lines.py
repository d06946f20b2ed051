"""Linear classifiers, one for each entry against the rest, fast to fit and small to keep: scikit-learn's LinearSVC.

Entries are fitted in groups of neighbours. Beyond a few thousand phrasings a group sees all of its own, the ones
nearest to it, and of the many far ones a sample that weighs as much as all of them.

Source: LIBLINEAR's one-vs-rest linear SVM, https://scikit-learn.org/stable/modules/svm.html#classification.
"""

import warnings
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from service.core.features import Floats, Ints, Matrix

# Slopes kept, the largest of each entry: at 1,000 entries 2,000 each (12 MB), where all of them would take 300 MB.
_KEPT_IN_ALL = 1_000_000
_KEPT_AT_LEAST = 2000
_GROUP = 50
_NEAREST = 1500
_SAMPLE = 1000
# Phrasings that are nearly the same would take scikit-learn minutes at its own tolerance, and change nothing.
_TOLERANCE = 0.01
_ROUNDS = 100


def fit_lines(matrix: Matrix, owners: Ints, centres: Matrix) -> tuple[Matrix, Floats]:
    """Fit a line for each owner (at least 2, each with a row and a centre) against the rest.

    Gives the slopes, owners x features, and the heights.
    """
    from scipy import sparse

    count = centres.shape[0]
    kept = max(_KEPT_AT_LEAST, _KEPT_IN_ALL // count)
    slopes: list[Any] = []
    heights = np.zeros(count)
    groups = grow_groups(centres, _GROUP)
    for group in groups:
        rows, weights = _rows_for(group, matrix, owners, centres)
        found, heights[group] = _fit_group(group, matrix[rows], owners[rows], weights)
        slopes.append(cast("Any", sparse).csr_matrix(prune(found, kept)))
    order = np.argsort(np.concatenate(groups))
    return cast("Matrix", cast("Any", sparse).vstack(slopes, format="csr")[order]), heights


def grow_groups(centres: Matrix, size: int) -> list[Ints]:
    """Deal the owners into groups of neighbours, each grown by the owner nearest to it on the whole."""
    others = centres.transpose().tocsr()

    def near(owner: int) -> npt.NDArray[np.float32]:
        # Row by row: those of 10,000 owners all at once would take a gigabyte.
        return cast("npt.NDArray[np.float32]", (centres[np.array([owner])] @ others).toarray()[0]).round(6)

    left = np.ones(centres.shape[0], np.bool_)
    groups: list[Ints] = []
    while left.any():
        group = [int(np.flatnonzero(left)[0])]
        left[group] = False
        pull = near(group[0])
        while left.any() and len(group) < size:
            group.append(int(np.argmax(np.where(left, pull, -np.inf))))
            left[group[-1]] = False
            pull += near(group[-1])
        groups.append(np.sort(np.array(group, np.int64)))
    return groups


def prune(slopes: npt.NDArray[np.float32], kept: int) -> npt.NDArray[np.float32]:
    """Keep each row's largest values, by size; ties are kept too."""
    if slopes.shape[1] <= kept:
        return slopes
    sizes = np.abs(slopes)
    # Most are 0: the rest alone is quick to part.
    least = [np.partition(found, -kept)[-kept] if len(found := row[row > 0]) > kept else np.float32(0) for row in sizes]
    return np.where(sizes >= np.array(least)[:, None], slopes, np.float32(0))


def _rows_for(group: Ints, matrix: Matrix, owners: Ints, centres: Matrix) -> tuple[Ints, Floats]:
    """The rows that a group is fitted on, and what each weighs."""
    own = np.isin(owners, group)
    others = np.flatnonzero(~own)
    if len(others) <= _NEAREST + _SAMPLE:
        return np.arange(len(owners)), np.ones(len(owners))
    middle = cast("Any", centres[group]).sum(axis=0)
    pull = np.asarray(cast("Any", matrix) @ np.asarray(middle).ravel()).round(6)[others]
    order = others[np.argsort(-pull, kind="stable")]
    far = order[_NEAREST:]
    sample = far[np.linspace(0, len(far) - 1, _SAMPLE).astype(np.int64)]
    rows = np.concatenate([np.flatnonzero(own), order[:_NEAREST], sample])
    weights = np.ones(len(rows))
    weights[-_SAMPLE:] = len(far) / _SAMPLE
    return rows, weights


def _fit_group(group: Ints, matrix: Matrix, owners: Ints, weights: Floats) -> tuple[npt.NDArray[np.float32], Floats]:
    from sklearn.svm import LinearSVC

    labels = np.where(np.isin(owners, group), np.searchsorted(group, owners), len(group))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few phrasings for many owners, not quite converged: both are fine here
        svm = cast("Any", LinearSVC(random_state=0, tol=_TOLERANCE, max_iter=_ROUNDS)).fit(matrix, labels, weights)
    slopes: npt.NDArray[np.float32] = svm.coef_.astype(np.float32)
    heights = cast("Floats", svm.intercept_)
    if len(slopes) == 1:  # two labels share one line
        slopes, heights = np.vstack([-slopes, slopes]), np.append(-heights, heights)
    return slopes[: len(group)], heights[: len(group)]
