"""The inbox: the list of handoffs, and one conversation with all that is needed to reply.

Every address gives a whole page to a browser, and only the part that changes to htmx.
"""

import math
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.params import FromPath, FromQuery, QueryParameter

from service.adapters.archive import Archive, Situation
from service.adapters.inquiries import Inquiries
from service.adapters.livefeed import LiveFeed
from service.adapters.photos import Photos
from service.core.photos import NoPhoto
from service.core.records import HandoffRecord, HandoffStatus, Item, MessageItem
from service.core.searching import Wanted
from service.core.shop import Shop
from service.errors import NotFound, WorkerUnavailable
from service.web.pages import inbox_card, inbox_views, inbox_words
from service.web.pages.screen import show
from service.web.pages.visit import PageRequest, language_of

PAGE = 30
TALK = 40
_MOST = 100
_WORKER_GONE_AFTER = timedelta(seconds=10)
# What a photo may do in a browser that opens it by itself: nothing.
_PHOTO_POLICY = "default-src 'none'; sandbox"

Words = Annotated[str, QueryParameter(max_length=_MOST)]


class Parts(msgspec.Struct, frozen=True):
    """What the inbox is made from."""

    archive: Archive
    photos: Photos
    faq: inbox_card.Faq
    live: LiveFeed


def make_parts(archive: Archive, photos: Photos, inquiries: Inquiries, live: LiveFeed) -> Parts:
    """Put together what the inbox is made from."""
    return Parts(archive, photos, inbox_card.Faq(inquiries), live)


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
    """What became of an action: a sentence, and what was typed where it has to stay in the box."""

    notice: str = ""
    good: bool = True
    text: str = ""
    hole: str = ""
    clears: bool = False


NOTHING = Outcome()


@get("/inbox")
async def show_inbox(
    *,
    request: PageRequest,
    parts: NamedDependency[Parts],
    status: FromQuery[HandoffStatus] = "waiting",
    q: Words = "",
    tag: Words = "",
    cursor: Words = "",
) -> Response[Any]:
    """Show what waits."""
    listed = await list_context(request, parts, Filter(status, q, tag, cursor))
    return show(request, "inbox/page.html", desk=None, **listed)


@get("/inbox/list")
async def show_list(
    *,
    request: PageRequest,
    parts: NamedDependency[Parts],
    status: FromQuery[HandoffStatus] = "waiting",
    q: Words = "",
    tag: Words = "",
    cursor: Words = "",
    chosen: Words = "",
) -> Response[Any]:
    """Show the list anew."""
    listed = await list_context(request, parts, Filter(status, q, tag, cursor), chosen)
    return show(request, "inbox/_list.html", **listed)


@get("/inbox/{handoff_id:str}")
async def show_handoff(
    *,
    request: PageRequest,
    parts: NamedDependency[Parts],
    handoff_id: FromPath[str],
    status: FromQuery[HandoffStatus] = "waiting",
    q: Words = "",
    tag: Words = "",
    cursor: Words = "",
) -> Response[Any]:
    """Show one conversation beside the list."""
    desk = await desk_context(request, parts, handoff_id)
    listed = await list_context(request, parts, Filter(status, q, tag, cursor), handoff_id)
    return show(request, "inbox/page.html", **(listed | desk))


@get("/inbox/{handoff_id:str}/desk")
async def show_desk(request: PageRequest, parts: NamedDependency[Parts], handoff_id: FromPath[str]) -> Response[Any]:
    """Show one conversation, its reply box and what helps with it."""
    return show(request, "inbox/_desk.html", **await desk_context(request, parts, handoff_id))


@get("/inbox/{handoff_id:str}/talk")
async def show_talk(request: PageRequest, parts: NamedDependency[Parts], handoff_id: FromPath[str]) -> Response[Any]:
    """Show what is said now. The reply box is left alone."""
    return show(request, "inbox/_talk.html", **await desk_context(request, parts, handoff_id))


@get("/inbox/{handoff_id:str}/earlier")
async def show_earlier(
    request: PageRequest, parts: NamedDependency[Parts], handoff_id: FromPath[str], cursor: Words
) -> Response[Any]:
    """Show what was said before."""
    handoff = await parts.archive.handoff(handoff_id)
    items, following = await parts.archive.talk_before(handoff.customer, cursor, TALK)
    lang, shop = language_of(request), await parts.archive.shop()
    bubbles = inbox_views.bubbles(items, handoff, await _photos(parts, items), ZoneInfo(shop.timezone), lang)
    words = inbox_words.words(lang)
    return show(request, "inbox/_earlier.html", w=words, handoff=handoff, bubbles=bubbles, earlier=following)


@get("/inbox/{handoff_id:str}/card")
async def show_card(
    request: PageRequest,
    parts: NamedDependency[Parts],
    now: NamedDependency[datetime],
    handoff_id: FromPath[str],
    q: Words = "",
) -> Response[Any]:
    """Show the answers that may be sent. No worker, no answers: the reply box works all the same."""
    handoff = await parts.archive.handoff(handoff_id)
    lang, situation, shop = language_of(request), await parts.archive.situation(), await parts.archive.shop()
    context: dict[str, Any] = {"w": inbox_words.words(lang), "handoff": handoff, "q": q, "key": _key()}
    context |= {"candidates": [], "templates": [], "sure": 0, "away": not is_working(situation)}
    if not context["away"]:
        try:
            entries = await parts.faq.entries(situation.knowledge)
        except WorkerUnavailable:
            context["away"] = True
        else:
            context["candidates"] = inbox_card.candidates(handoff, entries, shop, now, lang)
            context["templates"] = inbox_card.templates(entries, q, shop, now, lang)
    items, _ = await parts.archive.talk_before(handoff.customer, "", TALK)
    if trace := inbox_views.last_trace(items, handoff):
        context["sure"] = math.ceil(trace.thresholds.sure * 100)
    context["seen"] = inbox_views.newest_seen(items, handoff)
    return show(request, "inbox/_card.html", **context)


@get("/inbox/photos/{customer:str}/{message:str}")
async def show_photo(parts: NamedDependency[Parts], customer: FromPath[str], message: FromPath[str]) -> Response[bytes]:
    """Give a customer's photo, as what its first bytes say that it is."""
    photo = await parts.photos.read(customer, message)
    if isinstance(photo, NoPhoto):
        raise NotFound("there is no such photo")
    headers = {
        "Content-Security-Policy": _PHOTO_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, max-age=3600",
    }
    return Response(photo.data, media_type=photo.type, headers=headers)


async def list_context(request: PageRequest, parts: Parts, wanted: Filter, chosen: str = "") -> dict[str, Any]:
    """Read all that the list shows."""
    lang, situation, shop = language_of(request), await parts.archive.situation(), await parts.archive.shop()
    switches = await parts.archive.switches()
    # Before the records: what happens after this line is told by the stream.
    at = await parts.live.newest()
    try:
        records, following = await parts.archive.handoffs(
            wanted.status, wanted.cursor, PAGE, Wanted(tag=wanted.tag, words=wanted.q)
        )
    except ValueError as error:
        raise ClientException("cursor: not one of ours") from error
    return {
        "w": inbox_words.words(lang),
        "front": inbox_views.front(shop, switches, situation.now, working=is_working(situation), lang=lang),
        "situation": situation,
        "wanted": wanted,
        "rows": inbox_views.rows(records, situation.now, lang),
        "following": following,
        "chosen": chosen,
        "live_at": at,
    }


async def desk_context(
    request: PageRequest, parts: Parts, handoff_id: str, outcome: Outcome = NOTHING
) -> dict[str, Any]:
    """Read all that one conversation shows."""
    lang = language_of(request)
    at = await parts.live.newest()
    handoff = await parts.archive.handoff(handoff_id)
    conversation = await parts.archive.conversation(handoff.customer)
    items, earlier = await parts.archive.talk_before(handoff.customer, "", TALK)
    shop = await parts.archive.shop()
    return {
        "w": inbox_words.words(lang),
        "desk": handoff,
        "handoff": handoff,
        "name": inbox_views.name_of(handoff, lang),
        "state": inbox_words.state(handoff, lang),
        "reason": inbox_words.reason(handoff, lang),
        "why": _why(items, handoff, lang),
        "conversation": conversation,
        "bubbles": await _bubbles(parts, items, handoff, shop, lang),
        "earlier": earlier,
        "seen": inbox_views.newest_seen(items, handoff),
        "price": await parts.archive.price(handoff.customer),
        "me": request.user.name,
        "key": _key(),
        "outcome": outcome,
        "live_at": at,
    }


async def _bubbles(
    parts: Parts, items: list[Item], handoff: HandoffRecord, shop: Shop, lang: inbox_words.Lang
) -> list[inbox_views.Bubble]:
    return inbox_views.bubbles(items, handoff, await _photos(parts, items), ZoneInfo(shop.timezone), lang)


async def _photos(parts: Parts, items: list[Item]) -> dict[str, Any]:
    photos = [item.message for item in items if isinstance(item, MessageItem) and item.type == "image"]
    return await parts.photos.reasons(photos)


def _why(items: list[Item], handoff: HandoffRecord, lang: inbox_words.Lang) -> dict[str, Any]:
    sentence = inbox_words.explanation(handoff, lang)
    trace = inbox_views.last_trace(items, handoff)
    if trace is None:
        return {"sentence": sentence, "near": [], "sure": 0}
    near = [
        (trace.questions.get(candidate.entry, candidate.entry), round(candidate.probability * 100))
        for candidate in inbox_card.worth_a_look(handoff)
    ]
    return {"sentence": sentence, "near": near, "sure": math.ceil(trace.thresholds.sure * 100)}


def is_working(situation: Situation) -> bool:
    """Whether a worker was here a moment ago."""
    return situation.worker_at is not None and situation.now - situation.worker_at < _WORKER_GONE_AFTER


def _key() -> str:
    """Make the key by which a box that is sent twice is sent once."""
    return secrets.token_hex(16)


HANDLERS: list[Any] = [
    show_inbox,
    show_list,
    show_handoff,
    show_desk,
    show_talk,
    show_earlier,
    show_card,
    show_photo,
]
