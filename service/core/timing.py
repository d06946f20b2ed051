"""When to speak: how long an unsure turn waits for the rest of what the customer is typing, and when it is too late.

All times are milliseconds of Redis' clock.
"""

import msgspec

from service.core.decisions import Answer, AskModel, Clarify, Decision, Greet, Handoff, Silent

BURST_MS = 6_000
ANSWER_WITHIN_MS = 2 * 24 * 3600 * 1000
PUSH_WITHIN_MS = 10 * 60 * 1000
_MAY_GO_ON = ("no_entry", "media", "staff_first", "greeting")


class Moment(msgspec.Struct, frozen=True):
    """When a turn is decided.

    `said_at` is when the customer wrote it (LINE's time), `arrived` when its first message came, `now` is now.
    `reply_is_free` says whether a reply token is still fresh.
    """

    said_at: int
    arrived: int
    now: int
    reply_is_free: bool


def wait_for_more(step: Decision | AskModel, moment: Moment, burst_ms: int = BURST_MS) -> int:
    """How long to wait for more messages before this is carried out; 0 for at once.

    People send one question in several messages. What is sure goes out at once; what is not waits until `burst_ms`
    after the first message, and is judged again with whatever came meanwhile. Whoever says hello is about to ask.
    """
    unsure = isinstance(step, AskModel) or (isinstance(step, Handoff | Greet) and step.reason in _MAY_GO_ON)
    return max(0, moment.arrived + burst_ms - moment.now) if unsure else 0


def is_in_time(moment: Moment) -> bool:
    """Whether the bot may still answer: not days later, and by a billed push only while the customer surely waits."""
    age = moment.now - moment.said_at
    return age <= ANSWER_WITHIN_MS and (moment.reply_is_free or age <= PUSH_WITHIN_MS)


def if_in_time(decision: Decision, moment: Moment) -> Decision:
    """Hand over what comes too late to be answered by itself. Nobody pays for a greeting."""
    if isinstance(decision, Greet) and not moment.reply_is_free:
        return Silent("late")
    if isinstance(decision, Answer | Clarify) and not is_in_time(moment):
        return Handoff("late", candidates=decision.candidates)
    return decision
