"""Typed numbers, and buttons that nobody can forge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.choices import button_data, read_button, read_number
from service.core.conversation import Tap
from tests.support.shop import CUSTOMER, KEY

CHOICES = ("cut", "color")
OTHER = "U" + "2" * 32


@pytest.mark.parametrize(
    "typed",
    [
        "2",
        "２",
        "②",
        "2番",
        "２番",
        "2番目",
        "2番目です",
        "2です",
        "2で",
        "2でお願いします",
        "2番をお願いします",
        " 2 ",
        "2。",
        "2.",
        "2!",
        "２！",
        "02",
    ],
)
def test_a_number_is_read_however_it_is_typed(typed: str) -> None:
    assert read_number(typed, CHOICES) == Tap("color")


def test_the_number_after_the_last_asks_for_staff() -> None:
    assert read_number("3", CHOICES) == Tap(None)


@pytest.mark.parametrize(
    "typed",
    [
        "0",
        "4",
        "99",
        "222",
        "-1",
        "2人",
        "2時",
        "2番ください?",
        "カット",
        "",
        "2\n1",
        "2 1",
        "1と2",
        "two",
        "²²²",
        "番",
    ],
)
def test_anything_else_is_no_choice(typed: str) -> None:
    assert read_number(typed, CHOICES) is None


def test_without_choices_a_number_is_only_a_number() -> None:
    assert read_number("1", ()) is None


@given(st.text(), st.lists(st.sampled_from(("a", "b", "c")), max_size=4))
def test_reading_a_number_never_fails_and_gives_only_what_was_offered(text: str, choices: list[str]) -> None:
    tap = read_number(text, choices)
    assert tap is None or tap.entry is None or tap.entry in choices


@pytest.mark.parametrize("entry", ["cut", None, "営業時間", "a:b", "x" * 60])
def test_our_own_button_is_read_as_what_it_stands_for(entry: str | None) -> None:
    assert read_button(KEY, CUSTOMER, button_data(KEY, CUSTOMER, entry)) == Tap(entry)


def test_a_button_fits_into_lines_limit() -> None:
    assert len(button_data(KEY, CUSTOMER, "x" * 60)) <= 300


def test_a_button_of_another_customer_is_refused() -> None:
    assert read_button(KEY, OTHER, button_data(KEY, CUSTOMER, "cut")) is None


def test_a_button_signed_with_another_key_is_refused() -> None:
    assert read_button(KEY, CUSTOMER, button_data(b"another key", CUSTOMER, "cut")) is None


def test_a_button_whose_entry_was_changed_is_refused() -> None:
    data = button_data(KEY, CUSTOMER, "cut")
    assert read_button(KEY, CUSTOMER, data.replace("cut", "color")) is None
    assert read_button(KEY, CUSTOMER, data.removesuffix("cut")) is None


@pytest.mark.parametrize(
    "data",
    [
        "",
        ":",
        "::",
        "choice",
        "choice:",
        "choice::",
        "choice::cut",
        "choice:zzzz:cut",
        "other:" + "0" * 32 + ":cut",
        "choice:" + "0" * 32 + ":cut",
        "choice:" + "0" * 32 + ":",
        "choice:署名:cut",
        "choice:\ud83d:\ud83d",
        "action=menu&page=2",
        "\x00",
    ],
)
def test_what_is_not_ours_is_refused(data: str) -> None:
    assert read_button(KEY, CUSTOMER, data) is None


def test_a_signature_is_needed_whole() -> None:
    kind, signature, entry = button_data(KEY, CUSTOMER, "cut").split(":")
    assert read_button(KEY, CUSTOMER, f"{kind}:{signature[:-1]}:{entry}") is None
    assert read_button(KEY, CUSTOMER, f"{kind}:{signature}0:{entry}") is None
    assert read_button(KEY, CUSTOMER, f"tap:{signature}:{entry}") is None


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_data_makes_reading_fail(data: str) -> None:
    """Half emoji too: whoever sends a postback chooses its bytes."""
    assert read_button(KEY, CUSTOMER, data) is None
    assert read_button(KEY, CUSTOMER, f"choice:{data}:cut") is None
    assert read_button(KEY, CUSTOMER, f"choice:{'0' * 32}:{data}") is None
