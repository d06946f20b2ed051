"""The reply box: what is sent from it once, what cannot be sent, and what comes back with its text."""

import hashlib
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body

from service.core.bubbles import split_text
from service.errors import Conflict, KeyReused, WorkerUnavailable
from service.staffing import Desk, Message, Order
from service.web.api.delivery import wait_for_delivery
from service.web.api.shapes import fits
from service.web.pages.inbox_actions import Place, Shown
from service.web.pages.inbox_card import hole_in, in_words
from service.web.pages.inbox_contexts import Outcome


class ReplyForm(msgspec.Struct):
    """What was typed; or an entry's answer in words, and which `entry` it is.

    `key` names the box it was typed into. `then` is what follows the reply: nothing, or done. `sure` says that it is
    meant although it has a hole, or although the customer has blocked the shop.
    """

    text: str = ""
    seen: str = ""
    key: str = ""
    then: Literal["", "done"] = ""
    sure: str = ""
    entry: str = ""


@post("/inbox/{handoff_id:str}/reply", status_code=200)
async def reply(
    place: NamedDependency[Place],
    desk: NamedDependency[Desk],
    now: NamedDependency[datetime],
    data: Annotated[ReplyForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Shown:
    """Send a reply; whoever replies first holds the handoff. What cannot be sent comes back, with a sentence."""
    text = data.text.replace("\r\n", "\n").strip()
    problem = _problem(place, text)
    doubt = "" if problem or data.sure else await _doubt(place, text)
    if problem or doubt:
        outcome = Outcome(notice=problem or doubt, good=False, text=data.text, may_insist=bool(doubt))
        return await place.show(outcome, status=422)
    message = await _message(place, data.entry, text)
    if message is None:
        outcome = Outcome(notice=place.words["faq_changed"], good=False, text=data.text)
        return await place.show(outcome, status=409)
    try:
        bubble = await desk.send(_order(place, data.key, text), place.handoff, message, now, data.seen or None)
    except KeyReused:
        outcome = Outcome(notice=place.words["already"], good=False, text=data.text)
        return await place.show(outcome, status=422)
    except Conflict:
        outcome = Outcome(notice=await place.explain(data.seen), good=False, text=data.text)
        return await place.show(outcome, status=409)
    result = await wait_for_delivery(place.parts.archive, bubble)
    if result.delivery == "failed":
        return await place.show(Outcome(notice=await _why_failed(place), good=False, text=data.text))
    followed = await _close(place, desk, data.seen, now) if data.then == "done" else "sent"
    notice = followed if result.delivery == "sent" else result.delivery
    return await place.show(Outcome(notice=place.words[notice], good=notice != "unconfirmed", clears=True))


def _problem(place: Place, text: str) -> str:
    """Say why a text is not sent; empty where it can be."""
    if not text:
        return place.words["empty"]
    return "" if fits(text) else place.words["too_long"]


async def _message(place: Place, entry: str, text: str) -> Message | None:
    """Make what is sent: an entry's own bubbles, pictures too, if they still say what was shown; None if not.

    Nobody can look where no worker is: then its words are sent.
    """
    if entry:
        handoff = await place.parts.archive.handoff(place.handoff)
        with suppress(WorkerUnavailable):
            bubbles = await place.view.answer(handoff, entry)
            same = in_words(bubbles).strip() == text
            return Message(bubbles, place.parts.public_url, entry) if same else None
    return Message(split_text(text))


async def _doubt(place: Place, text: str) -> str:
    """Ask before something is sent that was hardly meant; empty where nothing is odd."""
    if hole := hole_in(text):
        return place.words["unfilled"].format(hole=hole)
    customer = (await place.parts.archive.handoff(place.handoff)).customer
    return place.words["blocked"] if (await place.parts.archive.conversation(customer)).blocked else ""


async def _why_failed(place: Place) -> str:
    customer = (await place.parts.archive.handoff(place.handoff)).customer
    is_over = (await place.parts.archive.price(customer)).left == 0
    return place.words["failed_quota" if is_over else "failed"]


async def _close(place: Place, desk: Desk, seen: str, now: datetime) -> Literal["sent_closed", "sent_not_closed"]:
    try:
        await desk.finish(Order(place.staff), place.handoff, now, seen or None)
    except Conflict:
        return "sent_not_closed"
    return "sent_closed"


def _order(place: Place, key: str, text: str) -> Order:
    """Make a repetition from this very box recognisable."""
    if not key:
        return Order(place.staff)
    name = hashlib.sha256(f"page {place.staff} {place.handoff} {key}".encode()).hexdigest()
    return Order(place.staff, name, hashlib.sha256(text.encode()).hexdigest())
