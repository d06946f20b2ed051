"""What staff answered to similar questions before: how alike questions are, what of an answer may be shown. Pure.

An answer was written for somebody else: names, telephone numbers and the like become placeholders, which the reply box
does not send without asking.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence

from service.core.masking import NAME, mask
from service.core.normalize import normalize
from service.core.records import BubbleItem, HandoffRecord, Item, MessageItem
from service.core.shop import Shop
from service.core.words import asks_for_person, is_courtesy, is_greeting

# Of questions this alike every second one asks for the same (measured on tests/data/questions.jsonl).
ALIKE = 0.25
MOST_CHARACTERS = 500
SHORTEST_ANSWER = 8
_STAFF = "staff:"
# How staff address a customer; not お客様, お子様, 皆様.
_CALLED = re.compile(
    r"(?<![一-鿿々ァ-ヶー])([一-鿿々]{1,5}|[ァ-ヶー]{2,10}|[A-Za-z]{2,20})(?=[ 　]?(?:様|さま|さん|ちゃん|くん))"
)
_NOBODY = frozenset({"客", "子", "皆", "母", "父", "奥", "旦那", "何", "神", "王", "姫", "家族"})


def said(handoff: HandoffRecord) -> str:
    """Give what the customer asked in a handoff, in the spelling in which it is compared; not that for a person."""
    return _question("\n".join(turn.text for turn in handoff.turns))


def asked(handoff: HandoffRecord, items: Sequence[Item]) -> str:
    """As `said`; of somebody who only asked for a person in it, what they asked just before. `items` are the talk."""
    if question := said(handoff):
        return question
    before = [item.text for item in items if isinstance(item, MessageItem) and not item.unsent]
    return next((question for text in reversed(before) if (question := _question(text))), "")


def _question(text: str) -> str:
    lines = text[:MOST_CHARACTERS].split("\n")
    return normalize(" ".join(line for line in lines if not _says_nothing(line)))


def _says_nothing(line: str) -> bool:
    return asks_for_person(line, ()) or is_courtesy(line, ()) or is_greeting(line)


def likeness(question: str, others: Sequence[str]) -> list[float]:
    """Say how much each of the others is like the question (0 to 1): pairs of letters in common, rare ones more."""
    sets = [_pairs(text) for text in (question, *others)]
    found = Counter(pair for pairs in sets for pair in pairs)
    weight = {pair: math.log(1 + len(sets) / count) ** 2 for pair, count in found.items()}

    def weigh(pairs: Collection[str]) -> float:
        return sum(weight[pair] for pair in pairs)

    asked, *rest = sets
    return [weigh(asked & other) / math.sqrt((weigh(asked) * weigh(other)) or 1) for other in rest]


def answer_in(handoff: HandoffRecord, items: Sequence[Item]) -> BubbleItem | None:
    """Find the longest reply of a person's that went out in a handoff. `items` are its talk from its first turn on."""
    turns = {turn.id for turn in handoff.turns}
    replies: list[BubbleItem] = []
    for item in items:
        if isinstance(item, MessageItem) and item.turn not in turns:
            break
        if isinstance(item, BubbleItem) and item.who.startswith(_STAFF) and item.delivery == "sent":
            replies.append(item)
    longest = max(replies, key=lambda reply: len(reply.text), default=None)
    return longest if longest and len(longest.text) >= SHORTEST_ANSWER else None


def without_names(text: str, handoff: HandoffRecord, shop: Shop) -> str:
    """Take out of an answer what belongs to whom it was written for. What is the shop's own stays."""
    own = [fact for fact in (shop.phone, shop.address, shop.map_url, shop.booking_url) if fact]
    parts = re.split(f"({'|'.join(map(re.escape, own))})", text) if own else [text]
    names = (handoff.display_name, handoff.nickname)
    masked = "".join(part if part in own else mask(part, names) for part in parts)
    return _CALLED.sub(lambda found: found[0] if found[0] in _NOBODY else NAME, masked)


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}
