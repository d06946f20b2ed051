"""When the bot waits, and when it is too late for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.decisions import Answer, AskModel, Candidate, Clarify, Decision, Greet, Handoff, Silent
from service.core.timing import BURST_MS, Moment, if_in_time, is_in_time, wait_for_more

ASK = AskModel("text", (Candidate("hours", 0.5),))
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def moment(*, age: int = 0, free: bool = True, arrived: int | None = None) -> Moment:
    now = 1_764_000_000_000
    return Moment(said_at=now - age, arrived=now - age if arrived is None else arrived, now=now, reply_is_free=free)


@pytest.mark.parametrize("step", [ASK, Handoff("no_entry"), Handoff("media")])
def test_an_unsure_turn_waits_until_six_seconds_after_its_first_message(step: Decision | AskModel) -> None:
    assert wait_for_more(step, moment(age=0)) == 6_000
    assert wait_for_more(step, moment(age=4_000)) == 2_000
    assert wait_for_more(step, moment(age=6_000)) == 0
    assert wait_for_more(step, moment(age=60_000)) == 0


@pytest.mark.parametrize(
    "step", [Answer("hours", "sure"), Handoff("asked"), Handoff("topic"), Silent("courtesy"), Clarify(("a",), "unsure")]
)
def test_what_is_decided_for_certain_does_not_wait(step: Decision) -> None:
    assert wait_for_more(step, moment(age=0)) == 0


def test_a_free_reply_may_come_up_to_two_days_late() -> None:
    assert is_in_time(moment(age=2 * DAY))
    assert not is_in_time(moment(age=2 * DAY + 1))


def test_a_billed_answer_may_come_up_to_ten_minutes_late() -> None:
    assert is_in_time(moment(age=10 * MINUTE, free=False))
    assert not is_in_time(moment(age=10 * MINUTE + 1, free=False))


@given(age=st.integers(0, 4 * DAY), free=st.booleans())
def test_what_is_late_is_handed_over_and_everything_else_stays(age: int, *, free: bool) -> None:
    at = moment(age=age, free=free)
    answered = if_in_time(Answer("hours", "sure"), at)
    assert answered == (Answer("hours", "sure") if is_in_time(at) else Handoff("late"))
    assert if_in_time(Silent("waiting"), at) == Silent("waiting")
    assert if_in_time(Handoff("asked"), at) == Handoff("asked")


def test_a_greeting_waits_for_the_question_and_is_never_paid_for() -> None:
    hello, welcome = Greet("greeting"), Greet("welcome")
    just_now = Moment(said_at=0, arrived=0, now=1_000, reply_is_free=True)
    assert wait_for_more(hello, just_now) == BURST_MS - 1_000
    assert wait_for_more(welcome, just_now) == 0
    assert if_in_time(hello, just_now) == hello
    late = Moment(said_at=0, arrived=0, now=60_000, reply_is_free=False)
    assert if_in_time(hello, late) == Silent("late")
