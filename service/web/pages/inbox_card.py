"""What helps with a reply: entries of the FAQ that nearly fitted, and drafts for staff. Only workers hold the FAQ."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from service.adapters.inquiries import Inquiries
from service.core.entries import Bubble, Entry, words_of
from service.core.masking import PLACEHOLDERS
from service.core.placeholders import NAMES, fill
from service.core.records import HandoffRecord, TraceItem
from service.core.searching import folded_words
from service.core.shop import Shop, TodayHours
from service.core.texts import Lang, language_of
from service.core.wording import filled_bubbles
from service.web.pages.inbox_why import why_not, worth_a_look

_HOLE = re.compile(rf"[〇○◯]{{2,}}|[{{｛](?:{'|'.join(NAMES)})[}}｝]|{'|'.join(map(re.escape, PLACEHOLDERS))}")


class Suggestion(msgspec.Struct, frozen=True):
    """An entry that may be sent: its heading, its answer as it would go out, and that in words.

    `percent` is the probability that it is right, None for a draft; `why` says why it was not sent by itself.
    """

    id: str
    question: str
    bubbles: tuple[Bubble, ...]
    answer: str
    percent: int | None = None
    why: str = ""


class Teller(msgspec.Struct, frozen=True):
    """What the placeholders of an answer are filled from, in the customer's language."""

    shop: Shop
    today: TodayHours | None
    now: datetime
    lang: Lang

    def tell(self, entry: Entry) -> tuple[Bubble, ...]:
        """Give an entry's answer as the bot would send it."""
        return filled_bubbles(entry, lambda words: fill(words, self.shop, self.now, self.lang, self.today))


def in_words(bubbles: Sequence[Bubble]) -> str:
    """Give bubbles as one text."""
    return "\n\n".join(map(words_of, bubbles))


def customer_language(handoff: HandoffRecord) -> Lang:
    """The language in which the customer wrote last."""
    return language_of(handoff.turns[-1].text if handoff.turns else "")


class Faq:
    """The FAQ as the workers answer from it, read again when its version changes."""

    def __init__(self, inquiries: Inquiries) -> None:
        self._inquiries = inquiries
        self._version: str | None = None
        self._entries: dict[str, Entry] = {}

    async def entries(self, version: str | None) -> dict[str, Entry]:
        """Give all entries by id. Raises WorkerUnavailable when none answers, StoreUnavailable."""
        if version is None or version != self._version:
            await self._read()
        return self._entries

    async def _read(self) -> None:
        found: dict[str, Entry] = {}
        start = "0"
        while True:
            page = await self._inquiries.faq(int(start))
            found |= {entry.id: entry for entry in page.items}
            if page.next is None:
                break
            start = page.next
        self._version, self._entries = page.knowledge, found


def candidates(
    handoff: HandoffRecord, trace: TraceItem | None, entries: dict[str, Entry], teller: Teller, lang: Lang
) -> list[Suggestion]:
    """Show those that still are there and have an answer. `lang` is the language of who looks."""
    near = [
        _suggest(
            entries[each.entry], teller, each.probability, why_not(handoff, trace, entries[each.entry], each, lang)
        )
        for each in worth_a_look(handoff)
        if each.entry in entries
    ]
    return [suggestion for suggestion in near if suggestion.answer]


def templates(entries: dict[str, Entry], words: str, teller: Teller) -> list[Suggestion]:
    """Find the drafts for staff that hold all these words."""
    wanted = folded_words(words)
    drafts = [_suggest(entry, teller) for entry in entries.values() if entry.action == "suggest"]
    return [draft for draft in drafts if _holds(draft, wanted)]


def hole_in(text: str) -> str:
    """Find what somebody forgot to fill in, 〇〇 or a placeholder; empty where nothing is left."""
    found = _HOLE.search(text)
    return found[0] if found else ""


def _suggest(entry: Entry, teller: Teller, probability: float | None = None, why: str = "") -> Suggestion:
    bubbles = teller.tell(entry)
    percent = None if probability is None else round(probability * 100)
    return Suggestion(entry.id, entry.question, bubbles, in_words(bubbles), percent, why)


def _holds(draft: Suggestion, wanted: Sequence[str]) -> bool:
    return all(word in " ".join(folded_words(f"{draft.question} {draft.answer}")) for word in wanted)
