"""What becomes of an outgoing item: LINE's answers in a table, and what holds for every one of them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.sending import (
    PUSH_ANSWER_WITHIN_MS,
    RETRY_PUSH_WITHIN_MS,
    TOKEN_IS_FRESH_MS,
    Accepted,
    Again,
    Attempt,
    Done,
    Limited,
    MakePush,
    Next,
    Outcome,
    Refused,
    Unknown,
    after_sending,
    before_sending,
)

NOW = 1_764_000_000_000
SECOND = 1000
MINUTE = 60 * SECOND


def reply(
    tries: int = 0, *, by_bot: bool = True, said: int = SECOND, token: int = SECOND, tried: int = SECOND
) -> Attempt:
    """A try to send it as a reply; `said`, `token` and `tried` say how long ago that was, in milliseconds."""
    return Attempt(
        mode="reply",
        tries=tries,
        by_bot=by_bot,
        said_at=NOW - said,
        token_at=NOW - token,
        first_try=NOW - tried if tries else 0,
        now=NOW,
    )


def push(tries: int = 0, *, by_bot: bool = True, said: int = MINUTE, tried: int = SECOND) -> Attempt:
    return Attempt(
        mode="push",
        tries=tries,
        by_bot=by_bot,
        said_at=NOW - said,
        token_at=0,
        first_try=NOW - tried if tries else 0,
        now=NOW,
    )


LATE = PUSH_ANSWER_WITHIN_MS + 1
STALE = TOKEN_IS_FRESH_MS
BAD_TOKEN = Refused(400, details=False, message="Invalid reply token")
BAD_BODY = Refused(400, details=True)
FAST = Limited(quota=False)
USED_UP = Limited(quota=True)
AWAY = Unknown("TimeoutError")

AFTER: list[tuple[Attempt, Outcome, Next]] = [
    (reply(), Accepted(), Done("sent")),
    (reply(3), Accepted(), Done("sent")),
    (reply(by_bot=False), Accepted(), Done("sent")),
    (push(), Accepted(), Done("sent", billed=True)),
    (push(3), Accepted(), Done("sent", billed=True)),
    (push(by_bot=False), Accepted(), Done("sent", billed=True)),
    # A reply's token was refused: never tried, so it was not sent; tried before, so our own try has used it up.
    (reply(), BAD_TOKEN, MakePush()),
    (reply(said=PUSH_ANSWER_WITHIN_MS), BAD_TOKEN, MakePush()),
    (reply(said=LATE), BAD_TOKEN, Done("failed", why="late")),
    (reply(by_bot=False, said=LATE), BAD_TOKEN, MakePush()),
    (reply(1), BAD_TOKEN, Done("sent")),
    (reply(1, token=STALE - 1), BAD_TOKEN, Done("sent")),
    (reply(1, token=STALE), BAD_TOKEN, Done("unconfirmed", why="unconfirmed")),
    (reply(1, by_bot=False, token=STALE), BAD_TOKEN, Done("unconfirmed", why="unconfirmed")),
    (reply(1, said=LATE, token=STALE), BAD_TOKEN, Done("unconfirmed", why="unconfirmed")),
    (reply(), Refused(404, details=False), MakePush()),
    # Nothing is wrong with the token but with the message itself: no other way would help.
    (reply(), BAD_BODY, Done("failed", why="refused")),
    (reply(2), BAD_BODY, Done("failed", why="refused")),
    (push(), BAD_BODY, Done("failed", why="refused")),
    (push(), Refused(400, details=False), Done("failed", why="refused")),
    (push(2), Refused(400, details=False), Done("failed", why="refused")),
    (push(by_bot=False), Refused(413, details=False), Done("failed", why="refused")),
    # Our access is at fault: an operator mends it.
    (reply(), Refused(401, details=False), Again(MINUTE, untried=True)),
    (reply(1), Refused(401, details=False), Again(MINUTE, untried=False)),
    (push(), Refused(403, details=False), Again(MINUTE, untried=True)),
    (push(1), Refused(403, details=True), Again(MINUTE, untried=False)),
    # Too fast: later. Used up: not this month.
    (reply(), FAST, Again(500, untried=True)),
    (reply(1), FAST, Again(1000, untried=False)),
    (push(), FAST, Again(500, untried=True)),
    (push(1), FAST, Again(1000, untried=False)),
    (push(), USED_UP, Done("failed", why="quota")),
    (push(by_bot=False), USED_UP, Done("failed", why="quota")),
    (push(1), USED_UP, Done("unconfirmed", why="quota")),
    # It may have been sent.
    (reply(), AWAY, Again(500, untried=False)),
    (push(), AWAY, Again(500, untried=False)),
    (push(3), AWAY, Again(4000, untried=False)),
    (push(6), AWAY, Again(32_000, untried=False)),
    (push(7), AWAY, Again(MINUTE, untried=False)),
    (push(10_000), AWAY, Again(MINUTE, untried=False)),
]


@pytest.mark.parametrize(("attempt", "outcome", "expected"), AFTER, ids=lambda value: repr(value)[:120])
def test_what_follows_from_lines_answer(attempt: Attempt, outcome: Outcome, expected: Next) -> None:
    assert after_sending(attempt, outcome) == expected


DAY = RETRY_PUSH_WITHIN_MS + 1
BEFORE: list[tuple[Attempt, str, Done | None]] = [
    (reply(), "bot", None),
    (reply(), "waiting", None),
    (reply(), "human", Done("superseded", why="staff")),
    (reply(1), "human", Done("unconfirmed", why="staff")),
    (push(said=LATE), "human", Done("superseded", why="staff")),
    (reply(by_bot=False), "human", None),
    (push(by_bot=False), "human", None),
    (push(said=PUSH_ANSWER_WITHIN_MS), "bot", None),
    (push(said=LATE), "bot", Done("failed", why="late")),
    (push(said=LATE), "waiting", Done("failed", why="late")),
    (push(1, said=PUSH_ANSWER_WITHIN_MS), "bot", None),
    (push(1, said=LATE), "bot", Done("unconfirmed", why="late")),
    (push(by_bot=False, said=LATE), "bot", None),
    (push(1, by_bot=False, said=LATE), "human", None),
    # A reply costs nothing and may be late, as that to a redelivered message is: while its token works.
    (reply(said=LATE, token=STALE - 1), "bot", None),
    (reply(said=LATE, token=STALE), "bot", Done("failed", why="late")),
    (reply(by_bot=False, said=LATE, token=STALE), "human", None),
    (reply(1, said=LATE, token=STALE), "bot", None),
    # LINE forgets a retry key after 24 hours.
    (push(1, by_bot=False, tried=RETRY_PUSH_WITHIN_MS), "human", None),
    (push(1, by_bot=False, tried=DAY), "human", Done("unconfirmed", why="unconfirmed")),
    (reply(1, by_bot=False, tried=DAY), "human", Done("unconfirmed", why="unconfirmed")),
    (push(0, by_bot=False, said=DAY), "human", None),
]


@pytest.mark.parametrize(("attempt", "state", "expected"), BEFORE, ids=lambda value: repr(value)[:120])
def test_what_is_not_sent_any_more(attempt: Attempt, state: str, expected: Done | None) -> None:
    assert before_sending(attempt, state) == expected


ages = st.one_of(
    st.sampled_from((0, STALE - 1, STALE, PUSH_ANSWER_WITHIN_MS, LATE, RETRY_PUSH_WITHIN_MS, DAY)),
    st.integers(-MINUTE, 3 * DAY),
)
tries_before = st.integers(0, 30)
attempts = st.one_of(
    st.builds(reply, tries_before, by_bot=st.booleans(), said=ages, token=ages, tried=ages),
    st.builds(push, tries_before, by_bot=st.booleans(), said=ages, tried=ages),
)
states = st.sampled_from(("bot", "waiting", "human"))
outcomes = st.one_of(
    st.just(Accepted()),
    st.builds(Refused, st.integers(400, 499), st.booleans()),
    st.builds(Limited, st.booleans()),
    st.just(AWAY),
)


@given(attempts, states, outcomes)
def test_a_late_item_of_the_bot_is_never_pushed(attempt: Attempt, state: str, outcome: Outcome) -> None:
    late = attempt.by_bot and attempt.now - attempt.said_at > PUSH_ANSWER_WITHIN_MS
    if late and attempt.mode == "push":
        assert before_sending(attempt, state) is not None
    if late:
        assert after_sending(attempt, outcome) != MakePush()


@given(attempts, outcomes)
def test_a_reply_that_may_have_been_sent_is_never_turned_into_a_push(attempt: Attempt, outcome: Outcome) -> None:
    verdict = after_sending(attempt, outcome)
    if verdict == MakePush():
        assert attempt.mode == "reply"
        assert attempt.tries == 0
        assert isinstance(outcome, Refused)


@given(attempts, outcomes)
def test_only_what_line_took_is_billed_and_only_as_a_push(attempt: Attempt, outcome: Outcome) -> None:
    verdict = after_sending(attempt, outcome)
    if isinstance(verdict, Done):
        assert verdict.billed == (outcome == Accepted() and attempt.mode == "push")
        assert bool(verdict.why) == (verdict.delivery != "sent")


@given(attempts, outcomes)
def test_untried_is_said_only_of_what_was_never_tried_and_surely_not_sent(attempt: Attempt, outcome: Outcome) -> None:
    verdict = after_sending(attempt, outcome)
    if isinstance(verdict, Again):
        assert verdict.untried == (attempt.tries == 0 and outcome != AWAY)
        assert 500 <= verdict.delay_ms <= MINUTE


@given(attempts, states, outcomes)
def test_failed_is_said_only_of_what_was_surely_not_sent(attempt: Attempt, state: str, outcome: Outcome) -> None:
    """Staff repeat what failed. A refusal is sure however often it was tried: the same request is always refused."""
    for verdict in (before_sending(attempt, state), after_sending(attempt, outcome)):
        if isinstance(verdict, Done) and verdict.delivery == "failed":
            assert attempt.tries == 0 or verdict.why == "refused"


@given(attempts, states)
def test_with_a_person_the_bot_sends_nothing_and_the_person_everything(attempt: Attempt, state: str) -> None:
    verdict = before_sending(attempt, state)
    dropped = Done("unconfirmed" if attempt.tries else "superseded", why="staff")
    assert (verdict == dropped) == (attempt.by_bot and state == "human")


def test_what_is_free_or_nothing_never_becomes_a_push() -> None:
    greeting = msgspec.structs.replace(reply(), free_only=True)
    assert after_sending(greeting, Refused(400, details=False)) == Done("failed", why="late")
    assert before_sending(msgspec.structs.replace(greeting, mode="push"), "bot") == Done("failed", why="late")
    assert after_sending(greeting, Accepted()) == Done("sent")
