"""What becomes of an outgoing item after a try: the table of LINE's answers, without any I/O.

The facts behind it (Messaging API reference, Send reply message, Retry failed API requests): a reply token works once;
a 4xx means that nothing was sent; a timeout or 5xx says nothing; a push with a retry key may be repeated for 24 hours.
"""

from typing import Literal

import msgspec

from service.core.records import Delivery

PUSH_ANSWER_WITHIN_MS = 10 * 60 * 1000
TOKEN_IS_FRESH_MS = 45 * 1000
RETRY_PUSH_WITHIN_MS = 23 * 3600 * 1000
_LONGEST_DELAY_MS = 60_000


class Accepted(msgspec.Struct, frozen=True):
    """LINE took it (2xx, or 409: this retry key was accepted before)."""


class Refused(msgspec.Struct, frozen=True):
    """LINE said 4xx: this request sent nothing. `details` is True when the body itself was faulty."""

    status: int
    details: bool
    message: str = ""


class Limited(msgspec.Struct, frozen=True):
    """LINE said 429. `quota` is True when the month's messages are used up, else it was too fast."""

    quota: bool


class Unknown(msgspec.Struct, frozen=True):
    """No answer, or a 5xx: it may have been sent."""

    why: str


Outcome = Accepted | Refused | Limited | Unknown


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to send the outbox's head.

    `mode` is how it is sent. `tries` is how often it may have been tried before: 0 means never. `by_bot` is False for
    a person's reply, `free_only` is True for what is never worth a push. All times are Redis' milliseconds: `said_at`
    when the customer wrote, `token_at` when the reply token came, `first_try` (0 for none), `now`.
    """

    mode: Literal["reply", "push"]
    tries: int
    by_bot: bool
    free_only: bool = False
    said_at: int
    token_at: int
    first_try: int
    now: int


class Done(msgspec.Struct, frozen=True):
    """Take it out of the outbox, with this result; `why` explains anything but "sent"."""

    delivery: Delivery
    billed: bool = False
    why: Literal["", "late", "quota", "refused", "unconfirmed", "staff", "poison", "alert"] = ""


class Again(msgspec.Struct, frozen=True):
    """Try again after `delay_ms`. `untried` is True when surely nothing was sent."""

    delay_ms: int
    untried: bool


class MakePush(msgspec.Struct, frozen=True):
    """The reply was not sent and its token is gone: send it as a push."""


Next = Done | Again | MakePush


def before_sending(attempt: Attempt, state: str) -> Done | None:
    """Say whether the item must not be sent any more: a person has taken over, or it comes too late.

    A late item of the bot may still go out while its reply token is fresh: that is a redelivered message's.
    """
    if attempt.by_bot and state == "human":
        return Done("unconfirmed" if attempt.tries else "superseded", why="staff")
    if attempt.mode == "push" and (attempt.free_only or _is_late(attempt)):
        return _given_up(attempt, "late")
    if _is_late(attempt) and attempt.tries == 0 and not _token_is_fresh(attempt):
        return Done("failed", why="late")
    if attempt.tries and attempt.now - attempt.first_try > RETRY_PUSH_WITHIN_MS:
        return Done("unconfirmed", why="unconfirmed")
    return None


def after_sending(attempt: Attempt, outcome: Outcome) -> Next:
    """Say what to do with the item after LINE's answer."""
    match outcome:
        case Accepted():
            return Done("sent", billed=attempt.mode == "push")
        case Unknown():
            return Again(backoff(attempt), untried=False)
        case Limited(quota):
            return _given_up(attempt, "quota") if quota else Again(backoff(attempt), untried=attempt.tries == 0)
        case Refused(401 | 403):
            return Again(_LONGEST_DELAY_MS, untried=attempt.tries == 0)
        case Refused(details=False) if attempt.mode == "reply":
            return _after_refused_reply(attempt)
        case Refused():
            return Done("failed", why="refused")


def _after_refused_reply(attempt: Attempt) -> Next:
    """A refused token was too old, or an earlier try of ours has used it up."""
    if attempt.tries == 0:
        return Done("failed", why="late") if attempt.free_only or _is_late(attempt) else MakePush()
    if _token_is_fresh(attempt):
        return Done("sent")
    return Done("unconfirmed", why="unconfirmed")


def _given_up(attempt: Attempt, why: Literal["late", "quota"]) -> Done:
    """Give it up: `failed` only where no earlier try may have got through."""
    return Done("failed" if attempt.tries == 0 else "unconfirmed", why=why)


def _is_late(attempt: Attempt) -> bool:
    """A person's reply never comes too late."""
    return attempt.by_bot and attempt.now - attempt.said_at > PUSH_ANSWER_WITHIN_MS


def _token_is_fresh(attempt: Attempt) -> bool:
    return attempt.now - attempt.token_at < TOKEN_IS_FRESH_MS


def backoff(attempt: Attempt) -> int:
    """Say how long to wait before the next try (ms): twice as long each time, at most a minute."""
    return min(_LONGEST_DELAY_MS, 500 * 2 ** min(attempt.tries, 10))
