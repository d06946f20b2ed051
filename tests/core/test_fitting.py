"""A calibration from nothing but a FAQ folder: what is fitted, when, and that it is always the same."""

import msgspec
import numpy as np
import pytest

from service.core.calibration import EXACT, Weights
from service.core.entries import Entry
from service.core.features import Wording
from service.core.fitting import SHIPPED, calibrate, is_sound, shipped
from service.core.knowledge import build_knowledge
from service.core.ranking import build_index, read_phrasings
from service.core.shop import Shop
from service.core.trials import Trials, ask_trials
from tests.support.shop import entry

THINGS = (
    "靴",
    "鞄",
    "帽子",
    "傘",
    "時計",
    "指輪",
    "財布",
    "眼鏡",
    "手袋",
    "水着",
    "浴衣",
    "食器",
    "花瓶",
    "毛布",
    "人形",
    "切手",
)
ASKED = (
    "{}の修理はできますか",
    "{}を直してほしい",
    "壊れた{}をなおせる?",
    "{}の修理代はいくら",
    "{}の直しをお願いしたい",
    "{}は直りますか",
)

ODD = Weights(bias=0.0, slopes=(1.0,), ceiling=1.0, temperature=1.0, lapse=0.0)


def shop(things: int, phrasings: int) -> list[Entry]:
    return [
        entry(f"e{number}", f"{thing}について", *(said.format(thing) for said in ASKED[:phrasings]))
        for number, thing in enumerate(THINGS[:things])
    ]


def trials(entries: list[Entry]) -> Trials:
    return ask_trials(read_phrasings(entries, Wording()))


def test_every_phrasing_is_asked_once_with_its_entry_there_and_once_without() -> None:
    asked = trials(shop(16, 4))
    assert (asked.answerable.sum(), (~asked.answerable).sum()) == (64, 64)
    assert (asked.right[~asked.answerable] == -1).all()
    assert (asked.right[asked.answerable] == 0).mean() > 0.9, "each thing has a word of its own"


def test_hidden_entries_score_below_hidden_phrasings() -> None:
    asked = trials(shop(16, 4))
    assert asked.signals[asked.answerable, 0].mean() > asked.signals[~asked.answerable, 0].mean() + 0.2


@pytest.mark.parametrize(("things", "phrasings"), [(0, 0), (1, 6), (2, 0), (3, 1), (8, 1)])
def test_a_folder_too_small_for_trials_gets_the_shipped_weights_and_promises_nothing(
    things: int, phrasings: int
) -> None:
    calibration = calibrate(shop(things, phrasings))
    assert calibration.weights == SHIPPED
    assert not calibration.evidence
    assert not calibration.promises
    assert calibration.sure == EXACT


@pytest.mark.parametrize(("things", "phrasings"), [(16, 2), (8, 4), (16, 6)])
def test_a_small_folder_gets_weights_of_its_own(things: int, phrasings: int) -> None:
    calibration = calibrate(shop(things, phrasings))
    assert calibration.weights != SHIPPED
    assert min(calibration.weights.slopes) >= 0
    assert 0.9 <= calibration.weights.ceiling <= 1
    assert (calibration.answerable, calibration.unanswerable) == (things * phrasings,) * 2
    assert 0 < calibration.clarify < 1


def test_what_the_shop_knows_is_answered_and_what_it_does_not_know_is_not() -> None:
    entries = shop(16, 6)
    knowledge = build_knowledge(entries, calibration=calibrate(entries))
    assert knowledge.calibration.promises
    known = knowledge.rank("すみません、傘の修理お願いできますか").candidates[0]
    assert (known.entry, known.probability >= knowledge.calibration.sure) == ("e3", True)
    for text in ("ピアノの調律はできますか", "駅からの道を教えて", "what is your phone number"):
        unknown = knowledge.rank(text).candidates
        assert not unknown or unknown[0].probability < knowledge.calibration.sure


def test_twins_are_never_answered_but_offered() -> None:
    entries = [*shop(16, 6), entry("twin", "傘の直しについて", *(said.format("傘") for said in ASKED))]
    knowledge = build_knowledge(entries, calibration=calibrate(entries))
    ranked = knowledge.rank("傘の修理はできますか").candidates
    assert {ranked[0].entry, ranked[1].entry} == {"e3", "twin"}
    assert ranked[0].probability < knowledge.calibration.sure
    assert ranked[0].probability + ranked[1].probability > knowledge.calibration.clarify


def test_the_same_entries_in_any_order_give_the_same_calibration() -> None:
    entries = shop(16, 3)
    first, second = calibrate(entries), calibrate(entries[::-1])
    assert first == second
    assert first.id == second.id


def test_other_words_make_another_index_and_a_calibration_knows_its_own() -> None:
    entries = shop(16, 3)
    knowledge = build_knowledge(entries, calibration=calibrate(entries))
    assert not knowledge.stale
    for changed in (
        build_knowledge([*entries, entry("new", "新しい質問")], calibration=knowledge.calibration),
        build_knowledge(entries, Shop(synonyms=(("傘", "かさ"),)), calibration=knowledge.calibration),
    ):
        assert changed.stale
        assert changed.rank("傘の修理").candidates, "usable at once"
    moved = [msgspec.structs.replace(each, file="moved.md", bubbles=("別の答え",)) for each in entries]
    assert not build_knowledge(moved, calibration=knowledge.calibration).stale


def test_a_calibration_says_what_it_is_worth() -> None:
    entries, more = shop(16, 3), [*shop(16, 3), entry("new", "新しい質問", "新しい言い方")]
    unfitted, fitted = build_knowledge(entries), build_knowledge(entries, calibration=calibrate(entries))
    tried = build_knowledge(shop(4, 2), calibration=calibrate(shop(4, 2)))
    assert (unfitted.calibration_state, fitted.calibration_state) == ("calibrating", "fitted")
    assert build_knowledge(more, before=fitted).calibration_state == "stale"
    assert build_knowledge(more, before=unfitted).calibration_state == "calibrating"
    assert tried.calibration_state == "too_few"
    assert build_knowledge(more, before=tried).calibration_state == "calibrating"


def test_another_calibration_keeps_the_promise_of_the_shop() -> None:
    entries = shop(16, 6)
    strict = build_knowledge(entries, Shop(max_wrong_answers=0.01, unanswerable=0.6))
    later = strict.with_calibration(calibrate(entries))
    assert (later.calibration.promise, later.calibration.share) == (0.01, 0.6)
    assert later.index is strict.index
    assert later.calibration.sure >= build_knowledge(entries, calibration=calibrate(entries)).calibration.sure


@pytest.mark.parametrize(
    "change",
    [{"index": "other"}, {"evidence": b""}, {"evidence": b"123"}, {"weights": ODD}],
    ids=str,
)
def test_a_calibration_from_elsewhere_must_be_whole(change: dict[str, object]) -> None:
    calibration = calibrate(shop(16, 3))
    assert is_sound(calibration, calibration.index)
    assert not is_sound(msgspec.structs.replace(calibration, **change), calibration.index)


def test_the_shipped_calibration_belongs_to_its_index() -> None:
    index = build_index(shop(4, 2))
    assert shipped(index).index == index.id
    assert shipped(index, promise=0.01).sure == 1.0


def test_trials_of_nothing_are_none() -> None:
    asked = trials([])
    assert asked.signals.shape == (0, 3)
    assert not np.any(asked.answerable)
