"""Vectors as a second opinion: what they add, where they are left aside, and that nothing changes without them."""

import msgspec
import numpy as np
import pytest

from service.core.entries import Entry
from service.core.features import Wording
from service.core.fitting import calibrate
from service.core.knowledge import Knowledge, build_knowledge
from service.core.ranking import build_index, to_embed
from service.core.vectors import Meanings, Vector, VectorIndex, pack_vector, unit, unpack_vector
from tests.support.shop import entry
from tests.support.toy_embeddings import LENGTH, vector_of

SHOP = [
    entry(
        "parking",
        "駐車場はありますか",
        *("駐車できますか", "車を停めたい", "パーキングはどこ", "駐車場の場所", "車で行けますか"),
    ),
    entry(
        "hours",
        "営業時間を教えてください",
        *("何時まで開いていますか", "今日やってる?", "日曜も営業していますか", "オープンは何時", "開いてる?"),
    ),
    entry(
        "price",
        "カットの料金はいくらですか",
        *("カットいくら", "料金表を見たい", "カラーの値段は?", "おいくらですか", "学生の料金"),
    ),
    entry(
        "cancel",
        "予約をキャンセルしたい",
        *("予約の取り消し", "キャンセルできますか", "行くのをやめたい", "予約を取り消したい", "キャンセル料は?"),
    ),
    entry(
        "toilet",
        "トイレはありますか",
        *("お手洗いはどこ", "トイレ借りれる?", "化粧室", "トイレの場所", "お手洗いを借りたい"),
    ),
    entry(
        "wifi",
        "Wi-Fiは使えますか",
        *("ワイファイある?", "ネットつながる?", "wifiのパスワード", "無料のWi-Fi", "インターネットは使える?"),
    ),
]


def vector(text: str) -> Vector:
    return unit(vector_of(text))


def meanings(entries: list[Entry]) -> Meanings:
    return Meanings("toy", {text: vector(text) for text in to_embed(entries, Wording())})


def known(entries: list[Entry]) -> Knowledge:
    given = meanings(entries)
    fitted = calibrate(entries, None, given)
    return build_knowledge(entries, meanings=given, vector_calibration=fitted)


def best(knowledge: Knowledge, text: str) -> str | None:
    candidates = knowledge.rank(text).candidates
    return candidates[0].entry if candidates else None


def test_a_text_without_one_known_word_is_understood_by_its_vector() -> None:
    knowledge = known(SHOP)
    assert best(knowledge, "くるま") != "parking"
    assert best(knowledge.with_vector("くるま", vector("くるま")), "くるま") == "parking"


def test_without_a_vector_every_number_is_that_of_words_alone() -> None:
    words, both = build_knowledge(SHOP), known(SHOP)
    assert both.index.id == words.index.id
    assert both.calibration == words.calibration
    for text in ("車で行けますか", "何時から", "ピアノの調律", ""):
        assert both.rank(text) == words.rank(text)
        assert both.with_vector(text, None).rank(text) == words.rank(text)


def test_decisions_with_a_vector_rest_on_what_was_fitted_with_vectors() -> None:
    knowledge = known(SHOP)
    seeing = knowledge.with_vector("くるま", vector("くるま"))
    assert seeing.calibration == knowledge.vector_calibration
    assert seeing.calibration.index == knowledge.index.vector_id != knowledge.index.id
    assert not seeing.stale
    assert seeing.version == knowledge.version


def test_another_text_is_judged_by_its_words_alone_meanwhile() -> None:
    knowledge = known(SHOP)
    seeing = knowledge.with_vector("くるま", vector("くるま"))
    assert seeing.rank("車で行けますか") == knowledge.rank("車で行けますか")


def test_a_calibration_for_other_vectors_is_not_used() -> None:
    knowledge = known(SHOP)
    assert knowledge.vector_calibration
    other = msgspec.structs.replace(knowledge.vector_calibration, index="of other entries")
    before = build_knowledge(SHOP, meanings=meanings(SHOP), vector_calibration=other)
    assert not before.uses_vectors
    assert before.with_vector("くるま", vector("くるま")) is before


def test_a_vector_of_another_length_is_left_aside() -> None:
    knowledge = known(SHOP)
    assert knowledge.with_vector("くるま", np.ones(LENGTH + 1, np.float32)) is knowledge


def test_the_vectors_say_which_index_it_is() -> None:
    given = meanings(SHOP)
    again = build_index(SHOP[::-1], meanings=meanings(SHOP))
    assert build_index(SHOP, meanings=given).vector_id == again.vector_id
    moved = Meanings("toy", {**given.of, "車を停めたい": vector("キャンセル")})
    assert build_index(SHOP, meanings=moved).vector_id != again.vector_id
    assert build_index(SHOP, meanings=Meanings("other", given.of)).vector_id != again.vector_id


def test_all_vectors_or_none() -> None:
    given = meanings(SHOP)
    some = Meanings("toy", {text: given.of[text] for text in list(given.of)[1:]})
    assert build_index(SHOP, meanings=some).vector_id is None
    uneven = Meanings("toy", {**given.of, "車を停めたい": np.ones(3, np.float32)})
    assert build_index(SHOP, meanings=uneven).vector_id is None
    assert build_index(SHOP, meanings=Meanings("toy")).vector_id is None


def test_private_entries_are_not_embedded_and_judged_by_their_words() -> None:
    secret = msgspec.structs.replace(entry("staff", "裏口の暗証番号", "裏口のあけ方", "通用口の番号は"), private=True)
    entries = [*SHOP, secret]
    assert not {"裏口の暗証番号", "裏口のあけ方", "通用口の番号は"} & set(to_embed(entries, Wording()))
    knowledge = known(entries)
    assert knowledge.uses_vectors
    assert best(knowledge.with_vector("裏口の番号", vector("裏口の番号")), "裏口の番号") == "staff"
    assert best(knowledge.with_vector("くるま", vector("くるま")), "くるま") == "parking"


def test_with_too_few_phrasings_to_fit_anything_words_alone_answer() -> None:
    few = [msgspec.structs.replace(each, phrasings=each.phrasings[:2]) for each in SHOP]
    knowledge = known(few)
    assert knowledge.index.vector_id
    assert not knowledge.uses_vectors


def test_only_private_entries_use_no_vectors() -> None:
    secret = [msgspec.structs.replace(each, private=True) for each in SHOP]
    assert to_embed(secret, Wording()) == ()
    assert build_index(secret, meanings=Meanings("toy")).vector_id is None


@pytest.mark.parametrize("entries", [SHOP[:1], [entry("a", "駐車場"), entry("b", "料金")]])
def test_one_entry_or_headings_alone_have_no_lines_and_still_work(entries: list[Entry]) -> None:
    index = build_index(entries, meanings=meanings(entries))
    reading = index.read("くるま", vector("くるま"))
    assert reading
    assert index.ids[int(np.argmax(reading.scores))] in {"a", "parking"}


def test_a_narrow_cone_of_vectors_is_spread_around_its_middle() -> None:
    """Some models give all texts nearly the same direction: what they have in common must say nothing."""
    owners = np.array([0, 0, 1, 1])
    rows = np.eye(4, 8, dtype=np.float32)[[0, 0, 1, 1]] * 0.01
    cone = rows + np.array([0, 0, 0, 0, 1, 0, 0, 0], np.float32)
    narrow = VectorIndex(cone, owners, 2, fits_lines=True)
    wide = VectorIndex(rows, owners, 2, fits_lines=True)
    assert narrow.score(cone[0]) == pytest.approx(wide.score(rows[0]), abs=1e-3)
    assert narrow.score(cone[0])[0] > 1


def test_vectors_have_length_1_and_are_written_down_to_the_digit() -> None:
    given = unit([3.0, 4.0])
    assert given == pytest.approx([0.6, 0.8], abs=1e-3)
    assert not unit([0.0, 0.0]).any()
    for text in SHOP[0].phrasings:
        packed = pack_vector(vector(text))
        assert len(packed) == 2 * LENGTH
        assert np.array_equal(unpack_vector(packed), vector(text))
