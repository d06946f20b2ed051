"""Message objects within LINE's limits; `graphemes` of the fake LINE is a second opinion on what one character is."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.core.bubbles import MAX_UNITS, cut, split_text, text_message, utf16_units, with_buttons
from service.tools.fakeline.counting import graphemes

FAMILY = "👨‍👩‍👧"
FLAG = "🇯🇵"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
WAVE = "👋🏽"
KEYCAP = "1\ufe0f\u20e3"
NAME = "葛\U000e0100"  # a variant of a kanji, as in names
WHOLE = (FAMILY, FLAG, SCOTLAND, WAVE, KEYCAP, NAME, "か\u3099", "ｶﾞ", "นี้", "❤️")
texts = st.lists(st.sampled_from((*WHOLE, "あ", "x", " ", "\n", "\n\n", "😀", "\r\n", "　"))).map("".join)


def test_a_text_message_says_who_speaks() -> None:
    assert text_message("はい。", "自動応答") == {"type": "text", "text": "はい。", "sender": {"name": "自動応答"}}


def test_a_long_name_is_cut_to_lines_limit() -> None:
    assert text_message("x", "あ" * 21)["sender"] == {"name": "あ" * 19 + "…"}


def test_buttons_carry_their_data_and_show_the_whole_question_once_tapped() -> None:
    question = "カットの料金はいくらですか、教えてください"
    message = with_buttons({"type": "text"}, [(question, "data")])
    (item,) = message["quickReply"]["items"]
    assert item["type"] == "action"
    assert item["action"] == {
        "type": "postback",
        "label": question[:19] + "…",
        "data": "data",
        "displayText": question,
    }


def test_what_a_tap_shows_is_cut_to_lines_limit() -> None:
    (item,) = with_buttons({}, [("あ" * 301, "data")])["quickReply"]["items"]
    assert item["action"]["displayText"] == "あ" * 299 + "…"


def test_buttons_do_not_change_the_message_they_are_added_to() -> None:
    message = {"type": "text"}
    with_buttons(message, [])
    assert message == {"type": "text"}


@pytest.mark.parametrize("text", ["", "あ" * 20, FAMILY * 4])
def test_what_fits_is_not_cut(text: str) -> None:
    assert cut(text, 20) == text


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("before", range(12))
def test_a_cut_never_falls_inside_what_people_see_as_one_character(whole: str, before: int) -> None:
    text = "x" * before + whole + "y" * 20
    result = cut(text, 10)
    assert result in {f"{'x' * before}…", f"{'x' * before}{whole}{'y' * (9 - before - len(whole))}…", f"{'x' * 9}…"}


def test_a_row_of_flags_is_cut_between_flags() -> None:
    assert cut(FLAG * 11, 20) == FLAG * 9 + "…"
    assert cut("x" + FLAG * 11, 20) == "x" + FLAG * 9 + "…"


@given(texts, st.integers(1, 12))
@example(FAMILY * 3, 3)
def test_a_cut_text_is_a_beginning_of_whole_characters(text: str, limit: int) -> None:
    result = cut(text, limit)
    assert len(result) <= limit
    if result != text:
        start = result.removesuffix("…")
        assert text.startswith(start)
        assert graphemes(start) + graphemes(text[len(start) :]) == graphemes(text)


@pytest.mark.parametrize(("text", "units"), [("", 0), ("a", 1), ("あ", 1), ("😀", 2), (FLAG, 4), ("\ud83d", 1)])
def test_units_are_counted_as_line_counts(text: str, units: int) -> None:
    assert utf16_units(text) == units


def test_a_short_text_is_one_bubble() -> None:
    assert split_text("  はい。\nどうぞ。\n") == ["はい。\nどうぞ。"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "　"])
def test_nothing_but_white_space_is_no_bubble(text: str) -> None:
    assert split_text(text) == []


def test_a_text_of_exactly_the_limit_is_one_bubble_and_one_more_is_two() -> None:
    assert split_text("😀" * (MAX_UNITS // 2)) == ["😀" * (MAX_UNITS // 2)]
    assert split_text("😀" * (MAX_UNITS // 2) + "x") == ["😀" * (MAX_UNITS // 2), "x"]


def test_a_long_text_is_split_at_a_lines_end() -> None:
    assert split_text("123\n567\n9", 8) == ["123\n567", "9"]
    assert split_text("1\n345678", 6) == ["1\n3456", "78"], "but not where it would leave less than half a bubble"


def test_a_long_row_of_blanks_makes_no_empty_bubble() -> None:
    assert split_text("a" + " " * 30 + "b", 8) == ["a", "       b"]


@pytest.mark.parametrize("whole", WHOLE)
def test_a_split_never_falls_inside_what_people_see_as_one_character(whole: str) -> None:
    parts = split_text("x" * 15 + whole + "y" * 15, 16)
    assert sum(whole in part for part in parts) == 1 or utf16_units(whole) > 16


def test_a_character_longer_than_a_bubble_is_split_all_the_same() -> None:
    assert "".join(split_text("e" + "\u0301" * 20, 4)) == "e" + "\u0301" * 20


@given(texts, st.integers(2, 30))
def test_a_split_text_loses_nothing_but_white_space(text: str, limit: int) -> None:
    parts = split_text(text, limit)
    assert all(part.strip() and utf16_units(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
    if limit >= utf16_units(SCOTLAND):
        assert sum(map(graphemes, parts)) <= graphemes(text)


@given(st.text(max_size=40), st.integers(2, 10))
def test_splitting_any_text_ends(text: str, limit: int) -> None:
    assert "".join("".join(split_text(text, limit)).split()) == "".join(text.split())
