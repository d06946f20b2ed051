"""One line for each entry against the rest: grouped, sampled and pruned, and still the same line."""

from typing import Any

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from service.core import lines
from service.core.features import Ints, Matrix, Wording, count_texts, weigh
from service.core.lines import fit_lines, grow_groups
from service.core.ranking import centres

ITEMS = [f"{a}{b}" for a in "赤青白黒茶緑紫灰" for b in "靴鞄帽服傘箱皿碗鍋瓶"]


def rows(per_item: int, items: list[str] = ITEMS) -> tuple[Matrix, Ints]:
    sayings = ("の在庫", "の値段", "を返品", "を予約", "の色違い", "の寸法", "を修理", "の素材", "を交換", "の配送")
    texts = [f"{item}{sayings[n % 10]}{'?' * (n // 10)}{n}" for item in items for n in range(per_item)]
    matrix, _ = weigh(count_texts(texts, Wording()), np.arange(len(texts)))
    return matrix, np.repeat(np.arange(len(items)), per_item)


def test_groups_hold_everyone_once_and_neighbours_together() -> None:
    matrix, owners = rows(3)
    groups = grow_groups(centres(matrix, owners, len(ITEMS)), 10)
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(ITEMS)))
    assert {len(group) for group in groups} == {10}
    members = [[ITEMS[int(i)] for i in group] for group in groups]
    in_common = [len({item[0] for item in items}) + len({item[1] for item in items}) for items in members]
    assert np.mean(in_common) < 14, "a group of chance has about 13 to 15 of 8 + 10"


def test_few_phrasings_give_the_very_lines_of_scikit_learn() -> None:
    matrix, owners = rows(2, ITEMS[:20])
    slopes, heights = fit_lines(matrix, owners, centres(matrix, owners, 20))
    svm: Any = LinearSVC(random_state=0)
    svm.fit(matrix, owners)
    assert np.abs(slopes.toarray() - svm.coef_).max() < 0.05
    assert np.abs(heights - svm.intercept_).max() < 0.05


def test_two_entries_share_one_line() -> None:
    matrix, owners = rows(3, ITEMS[:2])
    slopes, heights = fit_lines(matrix, owners, centres(matrix, owners, 2))
    assert np.abs(slopes.toarray().sum(axis=0)).max() < 1e-6
    assert abs(heights.sum()) < 1e-6


def test_of_many_phrasings_a_group_sees_its_own_the_nearest_and_a_sample_that_weighs_as_all() -> None:
    matrix, owners = rows(40)
    middles = centres(matrix, owners, len(ITEMS))
    group = np.arange(10)
    seen, weights = lines._rows_for(group, matrix, owners, middles)
    assert len(seen) == 400 + lines._NEAREST + lines._SAMPLE
    assert set(np.flatnonzero(owners < 10)) <= set(seen.tolist())
    assert weights.sum() == pytest.approx(len(owners))
    assert (weights[: -lines._SAMPLE] == 1).all()


def test_few_phrasings_are_all_seen() -> None:
    matrix, owners = rows(2)
    seen, weights = lines._rows_for(np.arange(10), matrix, owners, centres(matrix, owners, len(ITEMS)))
    assert len(seen) == len(owners)
    assert (weights == 1).all()


def test_only_the_largest_slopes_are_kept() -> None:
    slopes = np.array([[3.0, -1.0, 2.0, -4.0], [1.0, 1.0, 1.0, 0.0]], np.float32)
    assert lines.prune(slopes, 2).tolist() == [[3.0, 0.0, 0.0, -4.0], [1.0, 1.0, 1.0, 0.0]]
    assert lines.prune(slopes, 4) is slopes


def test_the_same_rows_give_the_same_lines() -> None:
    matrix, owners = rows(4)
    middles = centres(matrix, owners, len(ITEMS))
    first, second = fit_lines(matrix, owners, middles), fit_lines(matrix, owners, middles)
    assert (first[0].toarray() == second[0].toarray()).all()
    assert (first[1] == second[1]).all()
