"""One fact has many spellings, and a fact that is new is found in all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.facts import Fact, facts, unfounded

SAME = [
    ("カットは5,500円です", "カット ¥5500", "カットは５５００円", "カットは五千五百円", "5,500 yen"),
    ("1万5千円", "15,000円", "1万5000円", "¥15000"),
    ("10時半から", "10:30", "午前10時30分", "十時半", "10:30 am"),
    ("19時まで", "午後7時", "夜7時", "7pm", "7 p.m.", "19:00", "午後七時", "7:00 pm"),
    ("10時から19時", "10-19時", "10〜19時", "10:00〜19:00", "10 am to 7 pm"),
    ("11月25日", "11/25", "2026-11-25", "2026年11月25日", "Nov 25th", "November 25", "十一月二十五日"),
    ("月曜はお休み", "月曜日", "(月)", "closed on Mondays", "Mon"),
    ("2名様", "二人", "2 people", "２人"),
    ("30分", "三十分", "30 minutes"),
    ("03-1234-5678", "03(1234)5678", "０３ー１２３４ー５６７８".replace("ー", "-")),
    ("https://shop.example/menu。", "https://shop.example/menu です"),
    ("明日", "あした", "tomorrow"),
    ("2割引", "二割引"),
    ("もう一度ご確認ください。少々お待ちください。", "お問い合わせありがとうございます。", ""),
]

NEW = [
    ("カットは5,500円です", "カットは5,000円です"),
    ("10時から19時まで", "10時から20時まで"),
    ("11月25日はお休みです", "11月26日はお休みです"),
    ("月曜はお休みです", "火曜はお休みです"),
    ("駐車場は2台です", "駐車場は3台です"),
    ("2時間かかります", "2人かかります"),
    ("お電話は03-1234-5678まで", "お電話は03-1234-5679まで"),
    ("https://shop.example/menu", "https://evil.example/menu"),
    ("a@shop.example", "b@shop.example"),
    ("ご予約はお電話で", "明日ご用意できます"),
    ("Cut 5,500 yen", "Cut 4,500 yen"),
    ("2割引です", "20%引きです"),
    ("10時に", "22時に"),
    ("営業時間をご案内します", "10:00からです"),
]


@pytest.mark.parametrize("spellings", SAME)
def test_one_fact_in_every_spelling_is_the_same(spellings: tuple[str, ...]) -> None:
    first, *others = spellings
    for other in others:
        assert not unfounded(facts(other), facts(first)), other
        assert not unfounded(facts(first), facts(other)), other


@pytest.mark.parametrize(("known", "text"), NEW)
def test_what_was_not_known_is_found(known: str, text: str) -> None:
    assert unfounded(facts(text), facts(known))


def test_a_number_without_a_unit_stands_for_any_of_that_value() -> None:
    assert not unfounded(facts("2 spaces"), facts("駐車場は2台です"))
    assert not unfounded(facts("2台です"), facts("2 parking spaces"))


def test_a_telephone_number_is_not_several_numbers() -> None:
    assert facts("03-1234-5678") == {Fact("phone", "0312345678")}


@given(st.integers(0, 10**6), st.sampled_from(["{}円", "¥{}", "{:,}円", "{:,} yen"]))
def test_any_other_price_is_new(price: int, spelling: str) -> None:
    known = facts(f"カットは{price}円です")
    assert not unfounded(facts(spelling.format(price)), known)
    assert unfounded(facts(spelling.format(price + 1)), known)


@given(st.text(max_size=100))
def test_a_text_says_nothing_new_about_itself(text: str) -> None:
    assert unfounded(facts(text), facts(text)) == set()
