"""The ranking keeps its numbers honest: probabilities, determinism, odd texts, and the promise on public sets."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.entries import Action, Entry, Match
from service.core.features import Tokenizer
from service.core.knowledge import Knowledge, build_knowledge
from service.core.ranking import build_index
from service.core.shop import Shop


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
def salon() -> Knowledge:
    return build_knowledge(SALON)


@pytest.fixture(scope="module")
def shop() -> Knowledge:
    return build_knowledge(SHOP)


def first(known: Knowledge, text: str) -> str | None:
    candidates = known.rank(text).candidates
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
def test_japanese_is_understood_in_any_width_and_with_typos(salon: Knowledge, text: str, expected: str) -> None:
    assert first(salon, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what's the return policy?", "returns"),
        ("whn will my oder arive", "shipping"),
        ("DO YOU ACCEPT VISA CARDS", "payment"),
    ],
)
def test_english_is_understood_in_any_case_and_with_typos(shop: Knowledge, text: str, expected: str) -> None:
    assert first(shop, text) == expected


def test_both_languages_live_in_one_index() -> None:
    index = build_knowledge([*SALON, *SHOP])
    assert first(index, "visaのcardで払える？") == "payment"
    assert first(index, "wifiのパスワード") == "wifi"
    assert first(index, "営業時間は") == "hours"


def test_a_phrasing_itself_is_more_probable_than_a_question_about_something_else(salon: Knowledge) -> None:
    known, unknown = salon.rank("カットいくら").candidates, salon.rank("ペットは連れて行けますか").candidates
    assert known[0].probability > 0.5
    assert not unknown or unknown[0].probability < salon.calibration.sure


@pytest.mark.parametrize("text", ["", " \n", "!?…。", "😀👍", "\ud800", "ξψ"])
def test_a_text_that_shares_nothing_has_no_candidates(salon: Knowledge, text: str) -> None:
    assert salon.rank(text).candidates == ()


@given(st.text(st.characters(exclude_categories=()), max_size=80) | st.text("営業時間カットいくら wif?"))
def test_probabilities_are_probabilities(text: str) -> None:
    candidates = MIXED.rank(text).candidates
    chances = [candidate.probability for candidate in candidates]
    assert all(0.0 <= chance <= 1.0 for chance in chances)
    assert sum(chances) <= 1.0 + 1e-9
    assert chances == sorted(chances, reverse=True)
    assert len({candidate.entry for candidate in candidates}) == len(candidates)


MIXED = build_knowledge([*SALON, *SHOP])


def test_the_same_entries_in_any_order_give_the_same_numbers() -> None:
    other = build_knowledge([*reversed(SHOP), *reversed(SALON)])
    for text in ("カットの予約", "can I return it", "車", "wifi card"):
        assert other.rank(text) == MIXED.rank(text)


def test_only_what_is_served_by_meaning_is_ranked() -> None:
    index = build_knowledge(
        [
            entry("hours", "営業時間を教えて"),
            entry("person", "営業時間について相談", action="handoff"),
            entry("menu", "営業時間", match="keyword"),
            entry("draft", "営業時間の下書き", action="suggest"),
            entry("gone", "営業時間は", action="off"),
        ]
    )
    assert {candidate.entry for candidate in index.rank("営業時間").candidates} == {"hours", "person"}


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
    candidates = build_knowledge(entries).rank("営業時間 やってる hello").candidates
    assert 0.0 <= sum(candidate.probability for candidate in candidates) <= 1.0


def test_a_folder_with_one_entry_does_not_answer_everything() -> None:
    index = build_knowledge([entry("hours", "営業時間を教えてください")])
    assert index.rank("営業時間を教えてください").candidates[0].probability > 0.5
    assert all(each.probability < 0.6 for each in index.rank("駐車場の場所を教えてください").candidates)


def test_more_entries_than_an_svm_is_fitted_for_are_ranked_all_the_same() -> None:
    many = [entry(f"item-{i}", f"商品{i}番の在庫はありますか", f"stock of item {i}") for i in range(2600)]
    known = build_knowledge(many)
    assert not known.index.has_lines
    assert first(known, "商品217番はありますか") == "item-217"
    assert first(known, "is item 42 in stock") == "item-42"


def test_one_phrasing_an_entry_needs_no_svm() -> None:
    assert not build_index([entry("a", "営業時間"), entry("b", "駐車場")]).has_lines
    assert build_index([entry("a", "営業時間", "何時まで"), entry("b", "駐車場")]).has_lines


def test_a_phrasing_to_the_letter_is_its_entrys_unless_two_have_it(salon: Knowledge) -> None:
    assert salon.rank("ｶｯﾄいくら？？").candidates[0].probability >= salon.calibration.sure
    twins = build_knowledge([entry("a", "営業時間", "何時まで"), entry("b", "閉店時間", "何時まで")])
    assert twins.rank("何時まで").candidates[0].probability < twins.calibration.sure


def test_synonyms_reach_what_no_phrasing_says() -> None:
    assert first(build_knowledge(SALON, Shop(synonyms=(("カット", "散髪"),))), "散髪いくら") == "price"


def test_a_tokenizer_joins_what_is_spelt_otherwise() -> None:
    entries = [entry("dye", "染料", "染める"), entry("cut", "散髪", "切る")]
    tokenizer = Tokenizer("test", lambda text: ["染"] if "そめ" in text or "染" in text else ["他"])
    assert first(build_knowledge(entries, tokenizer=tokenizer), "そめたい") == "dye"


def test_a_very_long_text_is_ranked_too(salon: Knowledge) -> None:
    assert first(salon, "駐車場" * 1700) == "parking"
