"""Which events are the next turn, and what the turn is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.conversation import Tap, first_turn, make_turn, unsent_turn
from service.core.events import Event, Other, Said, Tapped
from tests.support.shop import NOON_MS, message


def said(number: int, at: int) -> Said:
    return message(f"text {number}", number=number, at=at)


def test_messages_are_put_in_the_order_they_were_written_in() -> None:
    assert first_turn([said(1, 30), said(2, 10), said(3, 20)]) == (said(2, 10), said(3, 20), said(1, 30))


def test_messages_of_the_same_moment_are_ordered_by_their_ids() -> None:
    assert first_turn([said(2, 10), said(1, 10)]) == (said(1, 10), said(2, 10))


@pytest.mark.parametrize("other", [Tapped("01T", 20, "data"), Other("01F", 20, "follow")])
def test_a_turn_ends_before_whatever_is_no_message(other: Event) -> None:
    assert first_turn([said(3, 30), other, said(1, 10)]) == (said(1, 10),)


@pytest.mark.parametrize("other", [Tapped("01T", 5, "data"), Other("01F", 5, "follow")])
def test_whatever_is_no_message_is_a_turn_of_its_own(other: Event) -> None:
    assert first_turn([said(1, 10), other, Other("01G", 7, "unsend")]) == (other,)


events = st.lists(
    st.one_of(
        st.builds(said, st.integers(1, 99), st.integers(0, 5)),
        st.builds(Other, st.uuids().map(str), st.integers(0, 5), st.just("follow")),
    ),
    min_size=1,
    unique_by=lambda event: event.event,
)


@given(events)
def test_turn_by_turn_everything_is_handled_once_and_in_order(waiting: list[Event]) -> None:
    left, handled = list(waiting), list[Event]()
    while left:
        turn = first_turn(left)
        handled += turn
        left = [event for event in left if event not in turn]
    assert handled == sorted(waiting, key=lambda event: (event.at, event.event))


@given(events.flatmap(lambda waiting: st.tuples(st.just(waiting), st.permutations(waiting))))
def test_the_order_of_arrival_makes_no_difference(both: tuple[list[Event], list[Event]]) -> None:
    assert first_turn(both[0]) == first_turn(both[1])


def test_a_turn_joins_its_texts_and_keeps_the_kinds_of_the_rest() -> None:
    turn = make_turn((message("こんにちは", number=1), message(number=2, kind="image"), message("これです", number=3)))
    assert (turn.id, turn.at) == ("01E1", NOON_MS)
    assert turn.events == ("01E1", "01E2", "01E3")
    assert turn.messages == ("m1", "m2", "m3")
    assert turn.text == "こんにちは\nこれです"
    assert turn.media == ("image",)
    assert (turn.tap, turn.other) == (None, None)


def test_a_message_without_an_id_cannot_be_taken_back() -> None:
    assert make_turn((Said("01E1", 0, "", "text", "x"),)).messages == ()


def test_a_tapped_button_says_what_stood_on_it() -> None:
    turn = make_turn((Tapped("01T", 5, "data"),), Tap("cut"), "カットの料金")
    assert (turn.tap, turn.lines, turn.media, turn.messages, turn.other) == (
        Tap("cut"),
        ("カットの料金",),
        (),
        (),
        None,
    )


def test_a_tapped_button_for_staff_is_a_tap_too() -> None:
    assert make_turn((Tapped("01T", 5, "data"),), Tap(None), "スタッフに聞く").other is None


def test_a_button_that_is_not_ours_is_no_message() -> None:
    turn = make_turn((Tapped("01T", 5, "data"),))
    assert (turn.other, turn.lines, turn.tap) == ("button", (), None)


def test_any_other_event_is_named() -> None:
    assert make_turn((Other("01F", 5, "follow"),)).other == "follow"


def test_of_messages_taken_back_no_word_is_kept() -> None:
    turn = unsent_turn((message("secret", number=1), message("more", number=2)))
    assert (turn.id, turn.at, turn.events, turn.other) == ("01E1", NOON_MS, ("01E1", "01E2"), "unsent")
    assert (turn.lines, turn.messages, turn.text) == ((), (), "")
