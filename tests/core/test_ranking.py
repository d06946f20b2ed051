"""The ranking keeps its numbers honest: probabilities, determinism, odd texts, and the promise on public sets."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.ranking import judge, read_entries, read_questions
from service.core.entries import Action, Entry, Match
from service.core.features import spell, words
from service.core.ranking import POSSIBLE, SURE, Index, build_index

SETS = Path(os.environ.get("HENJI_DATA_SETS") or Path(__file__).parents[2] / "../shared/data")


def entry(name: str, *texts: str, match: Match = "meaning", action: Action = "answer") -> Entry:
    return Entry(
        id=name,
        question=texts[0],
        phrasings=texts[1:],
        bubbles=("はい",),
        match=match,
        action=action,
        file="faq.md",
        line=1,
    )


SALON = [
    entry("hours", "営業時間を教えてください", "何時まで開いていますか", "今日やってる?", "日曜も営業していますか"),
    entry("parking", "駐車場はありますか", "車で行けますか", "車を停めるところはありますか", "パーキングありますか"),
    entry("price", "カットの料金はいくらですか", "カットいくら", "料金表を見たい", "カラーの値段は?"),
    entry("cancel", "予約をキャンセルしたい", "キャンセル料はかかりますか", "予約の取り消し", "キャンセルできますか"),
    entry("wifi", "Wi-Fiは使えますか", "ワイファイありますか", "無料のwifiはありますか", "ネットにつなげますか"),
]
SHOP = [
    entry("returns", "How can I return a product?", "I want to send my order back", "what is your return policy"),
    entry("shipping", "How long does shipping take?", "when will my order arrive", "delivery time to Osaka"),
    entry("payment", "Which cards do you accept?", "can I pay with PayPal", "do you take visa"),
]


@pytest.fixture(scope="module")
def salon() -> Index:
    return build_index(SALON)


@pytest.fixture(scope="module")
def shop() -> Index:
    return build_index(SHOP)


def first(index: Index, text: str) -> str | None:
    candidates = index.rank(text)
    return candidates[0].entry if candidates else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("日曜日は営業してますか？", "hours"),
        ("車を停められますか", "parking"),
        ("ｶｯﾄの料金を教えて", "price"),
        ("予約を キャンセル したいです🙏", "cancel"),
        ("ＷｉＦｉある？", "wifi"),
        ("キャンセル両はかかりますか", "cancel"),
        ("駐車上ありますか", "parking"),
    ],
)
def test_japanese_is_understood_in_any_width_and_with_typos(salon: Index, text: str, expected: str) -> None:
    assert first(salon, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what's the return policy?", "returns"),
        ("whn will my oder arive", "shipping"),
        ("DO YOU ACCEPT VISA CARDS", "payment"),
    ],
)
def test_english_is_understood_in_any_case_and_with_typos(shop: Index, text: str, expected: str) -> None:
    assert first(shop, text) == expected


def test_both_languages_live_in_one_index() -> None:
    index = build_index([*SALON, *SHOP])
    assert first(index, "visaのcardで払える？") == "payment"
    assert first(index, "wifiのパスワード") == "wifi"
    assert first(index, "営業時間は") == "hours"


def test_a_phrasing_itself_is_more_probable_than_a_question_about_something_else(salon: Index) -> None:
    known, unknown = salon.rank("カットいくら"), salon.rank("ペットは連れて行けますか")
    assert known[0].probability > 0.5
    assert not unknown or unknown[0].probability < SURE


@pytest.mark.parametrize("text", ["", " \n", "!?…。", "😀👍", "\ud800", "ξψ"])
def test_a_text_that_shares_nothing_has_no_candidates(salon: Index, text: str) -> None:
    assert salon.rank(text) == ()


@given(st.text(st.characters(exclude_categories=()), max_size=80) | st.text("営業時間カットいくら wif?"))
def test_probabilities_are_probabilities(text: str) -> None:
    candidates = MIXED.rank(text)
    chances = [candidate.probability for candidate in candidates]
    assert all(0.0 <= chance <= 1.0 for chance in chances)
    assert sum(chances) <= 1.0 + 1e-9
    assert chances == sorted(chances, reverse=True)
    assert len({candidate.entry for candidate in candidates}) == len(candidates)


MIXED = build_index([*SALON, *SHOP])


def test_the_same_entries_in_any_order_give_the_same_numbers() -> None:
    other = build_index([*reversed(SHOP), *reversed(SALON)])
    for text in ("カットの予約", "can I return it", "車", "wifi card"):
        assert other.rank(text) == MIXED.rank(text)


def test_at_most_so_many_candidates_come_as_were_asked_for(salon: Index) -> None:
    assert len(salon.rank("営業時間")) == len(SALON)
    assert len(salon.rank("営業時間", limit=2)) == 2


def test_only_what_is_served_by_meaning_is_ranked() -> None:
    index = build_index(
        [
            entry("hours", "営業時間を教えて"),
            entry("person", "営業時間について相談", action="handoff"),
            entry("menu", "営業時間", match="keyword"),
            entry("draft", "営業時間の下書き", action="suggest"),
            entry("gone", "営業時間は", action="off"),
        ]
    )
    assert {candidate.entry for candidate in index.rank("営業時間")} == {"hours", "person"}


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry("only", "営業時間を教えてください")],
        [entry("a", "？？"), entry("b", "!!")],
        [entry("a", "？？"), entry("b", "営業時間")],
        [entry("a", "営業時間"), entry("b", "営業時間")],
        [entry("a", "やってる?"), entry("b", "hello")],
    ],
    ids=["none", "one", "no words", "one with words", "twins", "two"],
)
def test_tiny_folders_work(entries: Sequence[Entry]) -> None:
    candidates = build_index(entries).rank("営業時間 やってる hello")
    assert 0.0 <= sum(candidate.probability for candidate in candidates) <= 1.0


def test_a_folder_with_one_entry_does_not_answer_everything() -> None:
    index = build_index([entry("hours", "営業時間を教えてください")])
    assert index.rank("営業時間を教えてください")[0].probability > 0.5
    assert all(candidate.probability < SURE for candidate in index.rank("駐車場の場所を教えてください"))


def test_more_entries_than_an_svm_is_kept_for_are_ranked_all_the_same() -> None:
    many = [entry(f"item-{i}", f"商品{i}番の在庫はありますか", f"stock of item {i}") for i in range(301)]
    assert first(build_index(many), "商品217番はありますか") == "item-217"
    assert first(build_index(many), "is item 42 in stock") == "item-42"


def test_a_very_long_text_is_ranked_too(salon: Index) -> None:
    assert first(salon, "駐車場" * 1700) == "parking"


def test_japanese_words_are_runs_without_hiragana() -> None:
    assert words("駐車場はwifiある") == ["駐", "車", "場", "駐車", "車場", "駐車場", "wifi"]
    assert words("pay by card") == ["pay", "by", "pay by", "card", "by card"]


def test_spelling_marks_the_edges_of_words_and_cuts_japanese_anywhere() -> None:
    assert spell("ok") == [" o", "ok", "k ", " ok", "ok ", " ok "]
    assert spell("です") == ["で", "す", "です"]


@pytest.mark.parametrize("name", ["xsid_ja", "rasa_faq", "hint3_curekart_v2", "clinc150-5", "asdc_hotel_ja"])
def test_sure_answers_are_right_19_times_in_20(name: str) -> None:
    folder = SETS / name
    if not folder.is_dir():
        pytest.skip(f"no public question set at {folder}: set HENJI_DATA_SETS to the folder of sets")
    questions = read_questions(folder)
    index = build_index(read_entries(folder))
    figures = judge(questions, [index.rank(question["text"]) for question in questions])
    assert figures.kept >= 0.95
    assert figures.answered >= 50


def test_a_text_can_be_possible_without_being_sure() -> None:
    assert 0.0 < POSSIBLE < SURE < 1.0
