"""A reply that the language model drafts for staff: what it is shown, and what its words are held against.

Staff read every draft before it goes out, but tired eyes pass over a wrong price. So a draft may only say what the
shown entries or the customer say: one fact of its own, and it is refused.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from service.core.entries import Entry, words_of
from service.core.facts import facts, unfounded
from service.core.handoffs import SUMMARY_CHARACTERS
from service.core.masking import PLACEHOLDERS
from service.core.placeholders import fill
from service.core.plan import Plan
from service.core.records import HandoffRecord, MessageItem
from service.core.shop import Shop
from service.core.texts import Lang, language_of

MOST_SHOWN = 3
WORTH_SHOWING = 0.05
MOST_CHARACTERS = 800
HOLE = "〇〇"
DraftResult = Literal["kept", "empty", "too_long", "markup", "language", "unfounded"]

_MARKUP = re.compile(
    r"\*\*|__|`|^\s*#|^\s*[-*] |\[[^\]\n]*\]\(|</?[a-z][^>\n]*>|[{｛][a-z_]+[}｝]", re.MULTILINE | re.IGNORECASE
)
_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))


class Shown(msgspec.Struct, frozen=True):
    """An entry as the model sees it."""

    question: str
    answer: str


class Sketch(msgspec.Struct, frozen=True):
    """What the model wrote: what the customer wants in one line, and a reply; either may be empty."""

    summary: str
    draft: str


class Judged(msgspec.Struct, frozen=True):
    """What may be kept of a sketch: None where the entry's own answer and the customer's own words are better."""

    summary: str | None
    draft: str | None
    result: DraftResult


def wants_draft(plan: Plan) -> bool:
    """Whether what is written is what a customer said who waits for a person."""
    is_said = any(isinstance(item, MessageItem) for item in plan.items)
    return is_said and plan.handoff is not None and plan.handoff.status == "waiting"


def said_in(handoff: HandoffRecord) -> list[str]:
    """What the customer wrote since somebody was asked for."""
    return [turn.text for turn in handoff.turns if turn.text.strip()]


def shown_for(handoff: HandoffRecord, entries: Mapping[str, Entry], shop: Shop, now: datetime) -> list[Shown]:
    """The entries that came near, as the customer would read them. None when the nearest is private."""
    lang = lang_of(handoff)
    near = [each for each in handoff.candidates if each.probability >= WORTH_SHOWING and each.entry in entries]
    if near and entries[near[0].entry].private:
        return []
    found = [entries[each.entry] for each in near if not entries[each.entry].private]
    shown = [
        Shown(entry.question, "\n".join(fill(words_of(bubble), shop, now, lang) for bubble in entry.bubbles))
        for entry in found
    ]
    return [each for each in shown if each.answer][:MOST_SHOWN]


def is_worth_asking(handoff: HandoffRecord, shown: Sequence[Shown]) -> bool:
    """Whether a model could help: there is something to draft from, or much to sum up."""
    said = said_in(handoff)
    return bool(said) and handoff.status == "waiting" and (bool(shown) or sum(map(len, said)) > SUMMARY_CHARACTERS)


def lang_of(handoff: HandoffRecord) -> Lang:
    """The language to reply in."""
    return language_of("\n".join(said_in(handoff)))


def judge(sketch: Sketch, handoff: HandoffRecord, shown: Sequence[Shown]) -> Judged:
    """Hold a sketch against what it was made from."""
    said = "\n".join(said_in(handoff))
    known = facts("\n".join((said, *(f"{each.question}\n{each.answer}" for each in shown))))
    draft = _PLACEHOLDER.sub(HOLE, sketch.draft).strip()
    summary = " ".join(sketch.summary.split())
    good = (
        0 < len(summary) <= SUMMARY_CHARACTERS and not _MARKUP.search(summary) and not unfounded(facts(summary), known)
    )
    result: DraftResult
    if not draft:
        result = "empty"
    elif len(draft) > MOST_CHARACTERS:
        result = "too_long"
    elif _MARKUP.search(draft):
        result = "markup"
    elif language_of(draft.replace(HOLE, "")) != lang_of(handoff):
        result = "language"
    else:
        result = "unfounded" if unfounded(facts(draft), known) else "kept"
    return Judged(summary if good else None, draft if result == "kept" else None, result)


def with_draft(handoff: HandoffRecord, judged: Judged, by: str) -> HandoffRecord:
    """The handoff with what may be kept; unchanged when that is nothing. `by` names the model and its prompt."""
    if judged.draft is None and judged.summary is None:
        return handoff
    summary = judged.summary or handoff.summary
    return msgspec.structs.replace(handoff, draft=judged.draft, summary=summary, drafted_by=by)
