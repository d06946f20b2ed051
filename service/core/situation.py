"""A turn with all that its decision depends on, and the questions that deciding asks about it."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from service.core.conversation import Conversation, Turn
from service.core.entries import Entry
from service.core.hours import business_day, is_open
from service.core.knowledge import Knowledge
from service.core.normalize import normalize
from service.core.texts import language_of
from service.core.words import asks_for_person, is_courtesy, is_greeting

MAX_CHOICES = 4
MAX_STARTERS = 12


def entry_today(entry_id: str, knowledge: Knowledge, now: datetime) -> Entry | None:
    """The entry, if it exists and holds on the shop's day."""
    entry = knowledge.entries.get(entry_id)
    day = business_day(knowledge.shop, now)
    return entry if entry and (entry.valid_from or day) <= day <= (entry.valid_until or day) else None


class Situation(msgspec.Struct, frozen=True):
    """A turn and all that its decision depends on; `now` is aware."""

    turn: Turn
    knowledge: Knowledge
    conversation: Conversation
    now: datetime

    @property
    def is_open(self) -> bool:
        """Whether the shop is open now."""
        return is_open(self.knowledge.shop, self.now, self.conversation.today)

    @property
    def asks_for_person(self) -> bool:
        return any(asks_for_person(line, self.knowledge.person) for line in self.turn.lines)

    @property
    def is_polite(self) -> bool:
        """Whether no line says more than thanks or "ok"."""
        return all(is_courtesy(line, self.knowledge.courtesy) for line in self.turn.lines)

    @property
    def is_greeting(self) -> bool:
        """Whether the lines say hello, and nothing else but thanks."""
        greetings = [line for line in self.turn.lines if not is_courtesy(line, self.knowledge.courtesy)]
        return bool(greetings) and all(map(is_greeting, greetings)) and not self.has_media

    @property
    def has_media(self) -> bool:
        """Whether there is something to look at or to listen to; a sticker is courtesy."""
        return bool(set(self.turn.media) - {"sticker"})

    def usable(self, entries: Iterable[str]) -> tuple[str, ...]:
        """Those of `entries` that may be offered: they exist, hold today, and are answered or handed over."""
        return tuple(entry for entry in dict.fromkeys(entries) if self._is_usable(entry))

    @property
    def starters(self) -> tuple[str, ...]:
        """The buttons of a greeting, in the customer's language where some are: one of LINE's 13 is left for staff."""
        usable = self.usable(self.knowledge.starters)
        lang = language_of(self.turn.text)
        spoken = [starter for starter in usable if (self.knowledge.entries[starter].lang or "ja") == lang]
        return tuple(spoken or usable)[:MAX_STARTERS]

    def entry(self, entry_id: str) -> Entry | None:
        """The entry, if it exists and holds today."""
        return entry_today(entry_id, self.knowledge, self.now)

    def _is_usable(self, entry_id: str) -> bool:
        entry = self.entry(entry_id)
        return entry is not None and entry.action in {"answer", "handoff"}

    @property
    def keyword(self) -> str | None:
        """The entry of which a line is exactly a keyword."""
        found = (self.knowledge.keywords.get(normalize(line)) for line in self.turn.lines)
        return next((entry for entry in found if entry and self.entry(entry)), None)
