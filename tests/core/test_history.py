"""What the model may know of a conversation: the bot's part of it, nothing private, and not much."""

from datetime import timedelta

import pytest

from service.core.decisions import Answer, Clarify, Decision, Handoff, Silent
from service.core.history import Utterance, recent
from service.core.records import BubbleItem, Delivery, Item, MessageItem, Thresholds, TraceItem
from tests.support.shop import ENTRIES, NOON, entry

SECRET = entry("secret", "裏メニュー", private=True)
BY_ID = {each.id: each for each in (*ENTRIES, SECRET)}
HOURS = Answer("hours", "sure")


def exchange(
    number: int,
    said: str,
    answer: str,
    decision: Decision = HOURS,
    *,
    ago: timedelta = timedelta(minutes=1),
    delivery: Delivery = "sent",
    who: str = "bot",
    unsent: bool = False,
) -> list[Item]:
    """A turn as it stands in a talk: the message, the bubble, the trace."""
    turn, at = f"01T{number:03}", NOON - ago
    return [
        MessageItem(id=f"{turn}m", turn=turn, at=at, type="text", text=said, message="m1", unsent=unsent),
        BubbleItem(id=f"{turn}b", turn=turn, at=at, who=who, text=answer, delivery=delivery),
        TraceItem(
            id=f"{turn}.trace",
            turn=turn,
            at=at,
            decision=decision,
            questions={},
            thresholds=Thresholds(0.9, 0.3),
            knowledge="v",
            took_ms=1,
        ),
    ]


def told(*items: Item) -> list[tuple[str, str]]:
    return [(each.who, each.text) for each in recent(items, NOON, BY_ID)]


def test_what_customer_and_bot_said_comes_in_order_the_newest_last() -> None:
    talk = [*exchange(1, "何時まで?", "19時までです。"), *exchange(2, "日曜は?", "日曜は18時までです。")]
    assert told(*talk) == [
        ("customer", "何時まで?"),
        ("shop", "19時までです。"),
        ("customer", "日曜は?"),
        ("shop", "日曜は18時までです。"),
    ]


@pytest.mark.parametrize(
    "decision",
    [
        Answer("secret", "choice"),
        Clarify(("hours", "secret"), "unsure"),
        Answer("gone", "sure"),
        Handoff("no_entry"),
        Handoff("topic", "complaint"),
        Silent("staff_owns"),
        Silent("waiting"),
    ],
)
def test_turns_about_private_entries_and_turns_for_the_staff_are_left_out(decision: Decision) -> None:
    assert told(*exchange(1, "あの件ですが", "答え", decision)) == []


def test_a_question_back_is_told_with_its_choices() -> None:
    assert told(*exchange(1, "料金", "1. カット\\n2. カラー", Clarify(("cut", "color"), "unsure")))[1][0] == "shop"


@pytest.mark.parametrize("delivery", ["pending", "unconfirmed", "failed", "superseded"])
def test_what_did_not_surely_arrive_is_left_out(delivery: Delivery) -> None:
    assert told(*exchange(1, "何時まで?", "19時", delivery=delivery)) == [("customer", "何時まで?")]


def test_the_words_of_staff_are_left_out() -> None:
    assert told(*exchange(1, "何時まで?", "承ります", who="staff:佐藤")) == [("customer", "何時まで?")]


def test_what_was_taken_back_is_left_out() -> None:
    assert told(*exchange(1, "", "19時", unsent=True)) == [("shop", "19時")]


def test_what_was_said_hours_ago_is_left_out() -> None:
    old = exchange(1, "何時まで?", "19時", ago=timedelta(hours=7))
    assert told(*old, *exchange(2, "日曜は?", "18時")) == [("customer", "日曜は?"), ("shop", "18時")]


def test_at_most_the_last_six_things_are_told() -> None:
    talk = [item for number in range(9) for item in exchange(number, f"質問{number}", f"答え{number}")]
    assert told(*talk) == [
        (who, f"{what}{number}") for number in (6, 7, 8) for who, what in (("customer", "質問"), ("shop", "答え"))
    ]


def test_at_most_1500_characters_are_told_and_500_of_each() -> None:
    talk = [item for number in range(3) for item in exchange(number, "あ" * 3000, "い" * 400)]
    words = told(*talk)
    assert [len(text) for _, text in words] == [400, 500, 400]
    assert words[-1] == ("shop", "い" * 400)


def test_a_turn_that_was_never_decided_is_not_told() -> None:
    assert recent(exchange(1, "何時まで?", "19時")[:2], NOON, BY_ID) == ()


def test_nobody_who_never_wrote_has_a_history() -> None:
    assert recent([], NOON, BY_ID) == ()
    assert Utterance("customer", "x").who == "customer"
