"""Decisions are values: what to do about one turn, always with a reason code.

`triage` and `settle` (service/core/triage.py) make them, everything else only carries them out.
"""

from typing import Literal

import msgspec

AnswerReason = Literal["sure", "keyword", "choice", "model"]
ClarifyReason = Literal["unsure", "model_unclear", "stale_button"]
HandoffReason = Literal[
    "asked",
    "no_entry",
    "unsure",
    "topic",
    "media",
    "staff_first",
    "after_hours",
    "paused",
    "late",
    "overflow",
    "error",
    "staff",
]
GreetReason = Literal["greeting", "welcome", "group"]
SilentReason = Literal["staff_owns", "waiting", "courtesy", "not_a_message", "group", "unsent", "late"]

# The reasons of decisions that rest on what a message means. One without candidates had nothing in common with the FAQ;
# `no_entry` and `topic` are also said of a tap and of a keyword.
BY_MEANING = frozenset({"sure", "model", "unsure", "model_unclear", "no_entry", "topic"})


class Candidate(msgspec.Struct, frozen=True):
    """An entry that may fit a turn, with the estimated probability (0 to 1) that it is the right one."""

    entry: str
    probability: float


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """Send the entry's answer, word for word."""

    entry: str
    reason: AnswerReason
    candidates: tuple[Candidate, ...] = ()


class Clarify(msgspec.Struct, frozen=True, tag="clarify"):
    """Ask the customer which of 2 to 4 entries is meant; `choices` are entry ids in the order shown.

    After a tap on a choice whose entry is gone (`stale_button`) it may be one: those that are left.
    """

    choices: tuple[str, ...]
    reason: ClarifyReason
    candidates: tuple[Candidate, ...] = ()


class Handoff(msgspec.Struct, frozen=True, tag="handoff"):
    """Ask the staff to reply. `entry` is set when an entry with action `handoff` decided it."""

    reason: HandoffReason
    entry: str | None = None
    candidates: tuple[Candidate, ...] = ()


class Greet(msgspec.Struct, frozen=True, tag="greet"):
    """Say hello in the shop's words; `starters` are entry ids offered as buttons, as many as `_shop.yaml` names."""

    reason: GreetReason
    starters: tuple[str, ...] = ()


class Silent(msgspec.Struct, frozen=True, tag="silent"):
    """Say nothing; the turn is recorded all the same."""

    reason: SilentReason


Decision = Answer | Clarify | Handoff | Greet | Silent


class AskModel(msgspec.Struct, frozen=True):
    """Not a decision yet: not sure, so the language model may look at the candidates.

    `text` is the turn's text as the customer wrote it, `candidates` the best ones, best first (0 to 10).
    `may_clarify` is False right after a Clarify: nobody is asked back twice in a row. `names` are what the customer is
    called, as far as that is known: a model is not to see them.
    """

    text: str
    candidates: tuple[Candidate, ...]
    may_clarify: bool = True
    names: tuple[str, ...] = ()


class Pick(msgspec.Struct, frozen=True, tag="pick"):
    """The model chose this candidate."""

    entry: str


class NoneFits(msgspec.Struct, frozen=True, tag="none"):
    """The model says that no candidate answers the message."""


class Unclear(msgspec.Struct, frozen=True, tag="unclear"):
    """The model cannot tell these 2 or 3 candidates apart."""

    entries: tuple[str, ...]


Verdict = Pick | NoneFits | Unclear
