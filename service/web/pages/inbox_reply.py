"""The reply box: what is sent from it once, what cannot be sent, and what comes back with its text."""

import hashlib
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body

from service.errors import Conflict, KeyReused
from service.staffing import Desk, Order
from service.web.api.delivery import wait_for_delivery
from service.web.api.shapes import fits
from service.web.pages.inbox_actions import Place, Shown
from service.web.pages.inbox_card import hole_in
from service.web.pages.inbox_contexts import Outcome


class ReplyForm(msgspec.Struct):
    """What was typed, or an entry's answer.

    `key` names the box it was typed into. `then` is what follows the reply: nothing, or done. `sure` says that it is
    meant although it has a hole, or although the customer has blocked the shop.
    """

    text: str = ""
    seen: str = ""
    key: str = ""
    then: Literal["", "done"] = ""
    sure: str = ""


@post("/inbox/{handoff_id:str}/reply", status_code=200)
async def reply(
    place: NamedDependency[Place],
    desk: NamedDependency[Desk],
    now: NamedDependency[datetime],
    data: Annotated[ReplyForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Shown:
    """Send a reply; whoever replies first holds the handoff. What cannot be sent comes back, with a sentence."""
    text = data.text.replace("\r\n", "\n").strip()
    if problem := _problem(place, text):
        return await place.show(Outcome(notice=problem, good=False, text=data.text), status=422)
    if not data.sure and (doubt := await _doubt(place, text)):
        return await place.show(Outcome(notice=doubt, good=False, text=data.text, may_insist=True), status=422)
    try:
        bubble = await desk.reply(_order(place, data.key, text), place.handoff, text, now, data.seen or None)
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
