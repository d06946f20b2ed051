"""What helps with a reply: entries of the FAQ that nearly fitted, and drafts for staff. Only workers hold the FAQ."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from service.adapters.inquiries import Inquiries
from service.core.decisions import Candidate
from service.core.entries import Entry, words_of
from service.core.placeholders import NAMES, fill
from service.core.records import HandoffRecord
from service.core.searching import folded_words
from service.core.shop import Shop
from service.core.texts import Lang

MOST_CANDIDATES = 3
_WORTH_A_LOOK = 0.05
_HOLE = re.compile(rf"[〇○◯]{{2,}}|[{{｛](?:{'|'.join(NAMES)})[}}｝]")


class Suggestion(msgspec.Struct, frozen=True):
    """An entry that may be sent: its heading, its answer, and the probability (percent) that it is right, or None."""

    id: str
    question: str
    answer: str
    percent: int | None = None
    for_staff: bool = False


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


def worth_a_look(handoff: HandoffRecord) -> list[Candidate]:
    """Pick the entries that came near enough for a person to look at, best first."""
    return [candidate for candidate in handoff.candidates if candidate.probability >= _WORTH_A_LOOK][:MOST_CANDIDATES]


def candidates(
    handoff: HandoffRecord, entries: dict[str, Entry], shop: Shop, now: datetime, lang: Lang
) -> list[Suggestion]:
    """Show those that still are there and have an answer."""
    near = [
        _suggest(entries[candidate.entry], shop, now, lang, round(candidate.probability * 100))
        for candidate in worth_a_look(handoff)
        if candidate.entry in entries
    ]
    return [suggestion for suggestion in near if suggestion.answer]


def templates(entries: dict[str, Entry], words: str, shop: Shop, now: datetime, lang: Lang) -> list[Suggestion]:
    """Find the drafts for staff that hold all these words."""
    wanted = folded_words(words)
    drafts = [_suggest(entry, shop, now, lang) for entry in entries.values() if entry.action == "suggest"]
    return [draft for draft in drafts if _holds(draft, wanted)]


def hole_in(text: str) -> str:
    """Find what somebody forgot to fill in, 〇〇 or a placeholder; empty where nothing is left."""
    found = _HOLE.search(text)
    return found[0] if found else ""


def _suggest(entry: Entry, shop: Shop, now: datetime, lang: Lang, percent: int | None = None) -> Suggestion:
    answer = "\n\n".join(fill(words_of(bubble), shop, now, lang) for bubble in entry.bubbles)
    return Suggestion(entry.id, entry.question, answer, percent, entry.action == "suggest")


def _holds(draft: Suggestion, wanted: Sequence[str]) -> bool:
    return all(word in " ".join(folded_words(f"{draft.question} {draft.answer}")) for word in wanted)
