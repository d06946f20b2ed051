"""The names under which things are counted: a word for what it is, then its codes. Never a customer's id or words.

Redis counts each in the very step that writes the fact (`counts` in lua/common.lua), so exactly once; /metrics reads
them. PUT and `bury` in lua/common.lua write the names of events and dead letters themselves.
"""

from collections.abc import Mapping
from typing import get_args

import msgspec

from service.core.decisions import AnswerReason, ClarifyReason, GreetReason, HandoffReason, SilentReason
from service.core.records import Delivery
from service.core.sending import Done

BILLED = "billed"
MODEL_TASKS = ("adjudicate", "draft", "embed")
# Why a request to the model's server is not sent at all.
REFUSALS = ("circuit_open", "budget_used_up")


# What is counted as a turn although no customer has said anything to the shop.
_NOTHING_SAID = {
    "turn silent not_a_message",
    "turn silent group",
    "turn silent unsent",
    "turn greet welcome",
    "turn greet group",
}


class Day(msgspec.Struct, frozen=True):
    """Turns of one day: all in which a customer said something, those answered by the bot, those handed to staff."""

    received: int
    answered: int
    handed_over: int


def sum_up(counts: Mapping[str, int]) -> Day:
    """Sum up the turns of a day. A question back is no answer; an answer that could not be sent is handed over."""
    said = {name: count for name, count in counts.items() if name not in _NOTHING_SAID}

    def turns(*starts: str) -> int:
        return sum(count for name, count in said.items() if name.startswith(starts))

    replaced = turns("replaced ")
    answered = max(0, turns("turn answer ", "turn greet ") - replaced)
    return Day(turns("turn "), answered, turns("turn handoff ") + replaced)


def count_turn(decision: str, reason: str) -> str:
    """Name a decided turn."""
    return f"turn {decision} {reason}"


def count_entry(entry: str) -> str:
    """Name, by the day only, an entry that was answered with."""
    return f"entry {entry}"


def count_first_reply(minutes: int) -> str:
    """Name, by the day only, how long a customer waited for a person's first reply."""
    return f"replied {minutes}"


def count_send(kind: str, mode: str, done: Done) -> tuple[str, ...]:
    """Name what became of one request to LINE, for good."""
    return (f"send {kind} {mode} {done.delivery}", *((BILLED,) if done.billed else ()))


def count_alert(done: Done) -> str:
    """Name what became of an alert at one address."""
    return f"alert {done.delivery}"


def count_replaced(reason: str) -> str:
    """Name an answer that could not be sent and that a handoff took the place of. Its turn was counted before."""
    return f"replaced {reason}"


def count_model(task: str, result: str) -> str:
    """Name what became of one request to the language model, for a task (a prompt's id)."""
    return f"model {task} {result}"


def count_draft(result: str) -> str:
    """Name what became of one draft for staff."""
    return f"draft {result}"


def known_names(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Name everything that may be counted, so that what has not happened yet stands there as zero.

    `kinds` are the kinds of what is sent to LINE.
    """
    reasons = {
        "answer": AnswerReason,
        "clarify": ClarifyReason,
        "greet": GreetReason,
        "handoff": HandoffReason,
        "silent": SilentReason,
    }
    deliveries = [delivery for delivery in get_args(Delivery) if delivery != "pending"]
    return (
        *(count_turn(decision, reason) for decision, codes in reasons.items() for reason in get_args(codes)),
        *(f"send {kind} {mode} {made}" for kind in kinds for mode in ("reply", "push") for made in deliveries),
        BILLED,
        *(count_replaced(reason) for reason in ("late", "error")),
        *(f"alert {made}" for made in deliveries),
        *(count_model(task, result) for task in MODEL_TASKS for result in ("ok", "timeout", *REFUSALS)),
        *(count_draft(result) for result in ("kept", "unfounded")),
        *(f"tokens {way}" for way in ("sent", "received")),
        *(f"event {result}" for result in ("accepted", "duplicate")),
        *(f"dead {reason}" for reason in ("overflow", "poison", "alert")),
    )
