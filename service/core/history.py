"""What was said before a message, as far as a language model may know it.

Only what the bot and the customer said to one another: turns that were answered or asked back. What was written to the
staff, what the staff wrote, what was taken back and what never arrived is left out, and every turn that has to do with
a private entry.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from service.core.decisions import Answer, Clarify
from service.core.entries import Entry
from service.core.records import BubbleItem, Item, MessageItem, TraceItem

# Items of a talk that are enough to look through.
LOOK_BACK = 30
_MOST_UTTERANCES = 6
_MOST_CHARS = 1500
_CHARS_EACH = 500
_AS_OLD_AS = timedelta(hours=6)


class Utterance(msgspec.Struct, frozen=True):
    """Something that was said, by the customer or by the shop's bot."""

    who: Literal["customer", "shop"]
    text: str


def recent(talk: Sequence[Item], at: datetime, entries: Mapping[str, Entry]) -> tuple[Utterance, ...]:
    """Pick the last things said before `at` out of a talk's items (oldest first), the newest last."""
    open_turns = {item.turn for item in talk if isinstance(item, TraceItem) and _may_be_told(item, entries)}
    told: list[Utterance] = []
    chars = 0
    for item in reversed(talk):
        said = _words(item) if item.turn in open_turns else None
        if said is None or at - item.at > _AS_OLD_AS:
            continue
        chars += len(said.text)
        if chars > _MOST_CHARS or len(told) == _MOST_UTTERANCES:
            break
        told.append(said)
    return tuple(reversed(told))


def _may_be_told(trace: TraceItem, entries: Mapping[str, Entry]) -> bool:
    match trace.decision:
        case Answer(entry):
            named: tuple[str, ...] = (entry,)
        case Clarify(choices):
            named = choices
        case _:
            return False
    return all(entry in entries and not entries[entry].private for entry in named)


def _words(item: Item) -> Utterance | None:
    match item:
        case MessageItem(type="text", unsent=False, text=text) if text:
            return Utterance("customer", text[:_CHARS_EACH])
        case BubbleItem(who="bot", delivery="sent", text=text) if text:
            return Utterance("shop", text[:_CHARS_EACH])
        case _:
            return None
