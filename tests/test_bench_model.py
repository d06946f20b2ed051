"""The scripted model errs as often as it is told, and always at the same questions."""

import pytest

from bench.scripted_model import ScriptedModel

SHOWN = tuple(f"e{number}" for number in range(10))
LABELS = {f"question {number}": (SHOWN[number % 10],) for number in range(2000)}


def share(model: ScriptedModel, kind: str, shown: tuple[str, ...] = SHOWN) -> float:
    kinds = [what(model.verdict(text, shown), known) for text, known in LABELS.items()]
    return kinds.count(kind) / len(kinds)


def what(said: dict[str, object], known: tuple[str, ...]) -> str:
    if said["verdict"] == "none":
        return "none"
    return "right" if said["entries"] == known else "other"


def test_it_is_wrong_as_often_as_it_is_told_and_mostly_picks_another() -> None:
    model = ScriptedModel(LABELS, wrong=0.1)
    assert share(model, "right") == pytest.approx(0.9, abs=0.02)
    assert share(model, "other") == pytest.approx(0.07, abs=0.02)
    assert share(model, "none") == pytest.approx(0.03, abs=0.01)


def test_where_the_right_entry_is_not_shown_it_picks_one_as_often_as_it_is_told() -> None:
    hidden = ("x", "y", "z")
    assert share(ScriptedModel(LABELS, wrong=0.1, distracted=0.35), "other", hidden) == pytest.approx(0.35, abs=0.03)
    assert share(ScriptedModel(LABELS, wrong=0.1), "other", hidden) == pytest.approx(0.1, abs=0.02)


def test_it_is_never_wrong_unless_told() -> None:
    assert share(ScriptedModel(LABELS), "right") == 1.0
    assert share(ScriptedModel({}), "none") == 1.0


def test_it_says_the_same_each_time_and_something_else_for_another_seed() -> None:
    one, again, other = (ScriptedModel(LABELS, wrong=0.5, seed=seed) for seed in ("a", "a", "b"))
    said = [[model.verdict(text, SHOWN) for text in LABELS] for model in (one, again, other)]
    assert said[0] == said[1] != said[2]
