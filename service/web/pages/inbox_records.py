"""Who holds a handoff, and what an owner does with all that is kept about a customer: take it away, or erase it."""

from datetime import datetime
from typing import Any

import msgspec
import structlog
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody

from service.adapters.exporting import export
from service.adapters.people import People
from service.core.people import name_key
from service.errors import NotFound
from service.staffing import Desk
from service.web.pages.inbox_actions import Place, Shown
from service.web.pages.screen import go, page_headers, show
from service.web.pages.visit import is_htmx, owners_only

log = structlog.get_logger()
# What has to be typed before a customer is erased, in either language.
_ERASE_WORDS = {"削除", "erase"}


class AssignForm(msgspec.Struct):
    """Who is to hold it."""

    to: str = ""


class EraseForm(msgspec.Struct):
    """The word that says that it is meant."""

    word: str = ""


@get("/inbox/{handoff_id:str}/assign")
async def show_colleagues(place: NamedDependency[Place], people: NamedDependency[People]) -> Response[Any]:
    """Show to whom it may be given: everybody who has joined, and who asks."""
    handoff = await place.parts.archive.handoff(place.handoff)
    accounts = await people.accounts()
    names = [each.name for each in accounts if each.standing == "active" or each.name == place.staff]
    context: dict[str, Any] = {"w": place.words, "handoff": handoff, "names": names, "me": place.staff}
    template = "inbox/_assign_dialog.html" if is_htmx(place.view.request) else "inbox/assign.html"
    return show(place.view.request, template, **context)


@post("/inbox/{handoff_id:str}/assign", status_code=200)
async def assign(
    place: NamedDependency[Place],
    desk: NamedDependency[Desk],
    people: NamedDependency[People],
    data: URLEncodedBody[AssignForm],
) -> Shown:
    """Give it to a colleague, whoever holds it."""
    name = place.staff if data.to == place.staff else await _somebody(people, data.to)
    if name is None:
        return await place.refuse("nobody_there")
    return await place.act("assigned", lambda order: desk.assign(order, place.handoff, name))


async def _somebody(people: People, name: str) -> str | None:
    """Give a person's name as it is written, if they have joined."""
    try:
        name_key(name)
        account = await people.account(name)
    except (ValueError, NotFound):
        return None
    return account.name if account.standing == "active" else None


@post("/inbox/{handoff_id:str}/export", status_code=200, guards=[owners_only])
async def export_customer(place: NamedDependency[Place], now: NamedDependency[datetime]) -> Response[str]:
    """Give all that is kept about the customer as a file."""
    customer = (await place.parts.archive.handoff(place.handoff)).customer
    document = await export(place.parts.caretaker, customer, who=place.staff)
    name = f"henji-customer-{now:%Y-%m-%d}.json"
    headers = page_headers(place.view.request) | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(document, media_type="application/json", headers=headers)


@post("/inbox/{handoff_id:str}/erase", status_code=200, guards=[owners_only])
async def erase_customer(place: NamedDependency[Place], data: URLEncodedBody[EraseForm]) -> Shown:
    """Erase all that is kept about the customer, for good, once the word for it was typed."""
    if data.word.strip().casefold() not in _ERASE_WORDS:
        return await place.refuse("erase_word_wrong")
    customer = (await place.parts.archive.handoff(place.handoff)).customer
    await place.parts.caretaker.erase(customer, who=place.staff)
    if problem := await place.parts.caretaker.rewrite_log():
        log.warning("log_not_rewritten", problem=problem)
    return go(place.view.request, "/inbox")


HANDLERS: list[Any] = [show_colleagues, assign, export_customer, erase_customer]
