"""All that the inbox shows, read for a template: the line on top, the list, one conversation."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar.di import NamedDependency
from litestar.exceptions import ClientException

from service.adapters.archive import Archive, Situation
from service.adapters.caretaking import Caretaker
from service.adapters.inquiries import Inquiries
from service.adapters.livefeed import LiveFeed
from service.adapters.photos import Photos
from service.adapters.precedents import Precedents
from service.adapters.store import Store
from service.adapters.switchboard import Switchboard
from service.adapters.vitals import Vitals
from service.core.counting import sum_up
from service.core.entries import Bubble, Entry
from service.core.hours import local_midnight
from service.core.precedents import asked
from service.core.quota import of_month
from service.core.records import HandoffRecord, HandoffStatus, Item, MessageItem
from service.core.searching import Wanted
from service.core.shop import Shop
from service.errors import WorkerUnavailable
from service.web.pages import inbox_card, inbox_views, inbox_words
from service.web.pages.inbox_why import explain
from service.web.pages.visit import PageRequest, language_of

PAGE = 30
TALK = 40
_WORKER_GONE_AFTER = timedelta(seconds=10)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What the inbox is made from. `public_url` is where LINE fetches pictures, None for nowhere."""

    archive: Archive
    photos: Photos
    faq: inbox_card.Faq
    live: LiveFeed
    switchboard: Switchboard
    vitals: Vitals
    precedents: Precedents
    caretaker: Caretaker
    public_url: str | None


def make_parts(store: Store, live: LiveFeed, public_url: str | None) -> Parts:
    """Put together what the inbox is made from."""
    return Parts(
        archive=Archive(store),
        photos=Photos(store),
        faq=inbox_card.Faq(Inquiries(store)),
        live=live,
        switchboard=Switchboard(store),
        vitals=Vitals(store),
        precedents=Precedents(store),
        caretaker=Caretaker(store),
        public_url=public_url,
    )


class Filter(msgspec.Struct, frozen=True):
    """Which handoffs the list shows."""

    status: HandoffStatus = "waiting"
    q: str = ""
    tag: str = ""
    cursor: str = ""

    def query(self, **changed: str) -> dict[str, str]:
        """Give the address's query, without what is as ever."""
        fields = msgspec.structs.asdict(self) | changed
        return {name: value for name, value in fields.items() if value and (name, value) != ("status", "waiting")}


EVERYTHING = Filter()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an action: a sentence, and what was typed where it has to stay in the box.

    `may_insist`: it is sent if the person says so once more. `clears`: what was typed is not needed any more.
    """

    notice: str = ""
    good: bool = True
    text: str = ""
    may_insist: bool = False
    clears: bool = False


NOTHING = Outcome()


class View(msgspec.Struct, frozen=True):
    """Somebody who looks: what they asked for, and when, by the shop's time."""

    request: PageRequest
    parts: Parts
    now: datetime

    @property
    def lang(self) -> inbox_words.Lang:
        """The language of whoever asks."""
        return language_of(self.request)

    @property
    def words(self) -> dict[str, str]:
        """The words of that language."""
        return inbox_words.words(self.lang)

    async def front(self) -> dict[str, Any]:
        """Read what the line on top shows."""
        archive = self.parts.archive
        situation, shop, switches = await archive.situation(), await archive.shop(), await archive.switches()
        working = is_working(situation)
        front = inbox_views.front(shop, switches, self.now, working=working, lang=self.lang)
        # The shop's midnight by Redis' clock, by which turns are counted; the demo's shop is ahead of it.
        since = situation.now - (self.now - local_midnight(shop, self.now))
        return {
            "w": self.words,
            "front": front,
            "day": sum_up(await self.parts.vitals.turns_since(since, situation.now)),
            "quota": inbox_words.quota(of_month(await self.parts.vitals.quota(), situation.now), self.lang),
            "situation": situation,
            "shop": shop,
            "today": switches.today,
        }

    async def listing(self, wanted: Filter, chosen: str = "") -> dict[str, Any]:
        """Read all that the list shows, with the line on top."""
        front = await self.front()
        # Before the records: what happens after this line is told by the stream.
        at = await self.parts.live.newest()
        try:
            records, following = await self.parts.archive.handoffs(
                wanted.status, wanted.cursor, PAGE, Wanted(tag=wanted.tag, words=wanted.q)
            )
        except ValueError as error:
            raise ClientException("cursor: not one of ours") from error
        paused = await self.parts.archive.paused([record.customer for record in records])
        shop, today = front["shop"], front["today"]
        rows = [
            inbox_views.row(record, shop, today, self.now, self.lang, paused=record.customer in paused)
            for record in records
        ]
        return front | {"wanted": wanted, "rows": rows, "following": following, "chosen": chosen, "live_at": at}

    async def desk(self, handoff_id: str, outcome: Outcome = NOTHING) -> dict[str, Any]:
        """Read all that one conversation shows."""
        archive = self.parts.archive
        at = await self.parts.live.newest()
        handoff = await archive.handoff(handoff_id)
        conversation = await archive.conversation(handoff.customer)
        items, earlier = await archive.talk_before(handoff.customer, "", TALK)
        return {
            "w": self.words,
            "desk": handoff,
            "handoff": handoff,
            "name": inbox_views.name_of(handoff, self.lang),
            "state": inbox_words.state(handoff, self.lang),
            "reason": inbox_words.reason(handoff, self.lang),
            "why": explain(items, handoff, self.lang),
            "conversation": conversation,
            "bubbles": await self.bubbles(items, handoff, await archive.shop()),
            "earlier": earlier,
            "seen": inbox_views.newest_seen(items, handoff),
            "price": await archive.price(handoff.customer),
            "me": self.request.user.name,
            "key": make_key(),
            "outcome": outcome,
            "live_at": at,
        }

    async def card(self, handoff_id: str, words: str) -> dict[str, Any]:
        """Read what helps with a reply: entries that came near, drafts that hold these words, earlier answers."""
        handoff = await self.parts.archive.handoff(handoff_id)
        items, _ = await self.parts.archive.talk_before(handoff.customer, "", TALK)
        context: dict[str, Any] = {"w": self.words, "handoff": handoff, "q": words, "key": make_key()}
        context |= {"seen": inbox_views.newest_seen(items, handoff), "candidates": [], "templates": [], "earlier": []}
        try:
            entries = await self._entries()
        except WorkerUnavailable:
            return context | {"away": True}
        teller, trace = await self.teller(handoff), inbox_views.last_trace(items, handoff)
        private = {entry.id for entry in entries.values() if entry.private}
        question = asked(handoff, items)
        earlier = await self.parts.precedents.find(question, teller.shop, besides=handoff.id, private=private)
        zone = ZoneInfo(teller.shop.timezone)
        return context | {
            "away": False,
            "candidates": inbox_card.candidates(handoff, trace, entries, teller, self.lang),
            "templates": inbox_card.templates(entries, words, teller),
            "earlier": [(inbox_words.day(each.at, zone, self.lang), each.text) for each in earlier],
        }

    async def answer(self, handoff: HandoffRecord, entry_id: str) -> tuple[Bubble, ...]:
        """Give an entry's answer as it goes out now; none when it is gone. Raises WorkerUnavailable."""
        entry = (await self._entries()).get(entry_id)
        return (await self.teller(handoff)).tell(entry) if entry else ()

    async def teller(self, handoff: HandoffRecord) -> inbox_card.Teller:
        """Say what the placeholders of an answer to this customer are filled from."""
        shop, switches = await self.parts.archive.shop(), await self.parts.archive.switches()
        return inbox_card.Teller(shop, switches.today, self.now, inbox_card.customer_language(handoff))

    async def _entries(self) -> dict[str, Entry]:
        """Read the FAQ. Raises WorkerUnavailable at once where no worker was here for a while."""
        situation = await self.parts.archive.situation()
        if not is_working(situation):
            raise WorkerUnavailable("no worker is here")
        return await self.parts.faq.entries(situation.knowledge)

    async def bubbles(self, items: list[Item], handoff: HandoffRecord, shop: Shop) -> list[inbox_views.Bubble]:
        """Show what was said, with what became of each photo."""
        photos = [item.message for item in items if isinstance(item, MessageItem) and item.type == "image"]
        reasons = await self.parts.photos.reasons(photos)
        return inbox_views.bubbles(items, handoff, reasons, ZoneInfo(shop.timezone), self.lang)


async def provide_view(request: PageRequest, parts: NamedDependency[Parts], now: NamedDependency[datetime]) -> View:
    """Say who looks."""
    return View(request, parts, now)


def is_working(situation: Situation) -> bool:
    """Whether a worker was here a moment ago."""
    return situation.worker_at is not None and situation.now - situation.worker_at < _WORKER_GONE_AFTER


def make_key() -> str:
    """Make the key by which a box that is sent twice is sent once."""
    return secrets.token_hex(16)
