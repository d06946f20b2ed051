"""The inbox: the list of handoffs, and one conversation with all that is needed to reply.

Every address gives a whole page to a browser, and only the part that changes to htmx.
"""

from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from service.core.photos import NoPhoto
from service.core.records import HandoffStatus
from service.errors import NotFound
from service.web.pages.inbox_contexts import TALK, Filter, Parts, View
from service.web.pages.screen import show

_MOST = 100
# What a photo may do in a browser that opens it by itself: nothing.
_PHOTO_POLICY = "default-src 'none'; sandbox"

Words = Annotated[str, QueryParameter(max_length=_MOST)]


@get("/inbox")
async def show_inbox(
    *,
    view: NamedDependency[View],
    status: FromQuery[HandoffStatus] = "waiting",
    q: Words = "",
    tag: Words = "",
    cursor: Words = "",
) -> Response[Any]:
    """Show what waits."""
    listed = await view.listing(Filter(status, q, tag, cursor))
    return show(view.request, "inbox/page.html", desk=None, **listed)


@get("/inbox/list")
async def show_list(
    *,
    view: NamedDependency[View],
    status: FromQuery[HandoffStatus] = "waiting",
    q: Words = "",
    tag: Words = "",
    cursor: Words = "",
    chosen: Words = "",
) -> Response[Any]:
    """Show the list anew."""
    listed = await view.listing(Filter(status, q, tag, cursor), chosen)
    return show(view.request, "inbox/_list.html", **listed)


@get("/inbox/front")
async def show_front(view: NamedDependency[View]) -> Response[Any]:
    """Show the line on top anew."""
    return show(view.request, "inbox/_front.html", **await view.front())


@get("/inbox/{handoff_id:str}")
async def show_handoff(
    *,
    view: NamedDependency[View],
    handoff_id: FromPath[str],
    status: FromQuery[HandoffStatus] = "waiting",
    q: Words = "",
    tag: Words = "",
    cursor: Words = "",
) -> Response[Any]:
    """Show one conversation beside the list."""
    desk = await view.desk(handoff_id)
    listed = await view.listing(Filter(status, q, tag, cursor), handoff_id)
    return show(view.request, "inbox/page.html", **(listed | desk))


@get("/inbox/{handoff_id:str}/desk")
async def show_desk(view: NamedDependency[View], handoff_id: FromPath[str]) -> Response[Any]:
    """Show one conversation, its reply box and what helps with it."""
    return show(view.request, "inbox/_desk.html", **await view.desk(handoff_id))


@get("/inbox/{handoff_id:str}/talk")
async def show_talk(view: NamedDependency[View], handoff_id: FromPath[str]) -> Response[Any]:
    """Show what is said now. The reply box is left alone."""
    return show(view.request, "inbox/_talk.html", **await view.desk(handoff_id))


@get("/inbox/{handoff_id:str}/earlier")
async def show_earlier(view: NamedDependency[View], handoff_id: FromPath[str], cursor: Words) -> Response[Any]:
    """Show what was said before."""
    archive = view.parts.archive
    handoff = await archive.handoff(handoff_id)
    items, following = await archive.talk_before(handoff.customer, cursor, TALK)
    bubbles = await view.bubbles(items, handoff, await archive.shop())
    return show(view.request, "inbox/_earlier.html", w=view.words, handoff=handoff, bubbles=bubbles, earlier=following)


@get("/inbox/{handoff_id:str}/card")
async def show_card(view: NamedDependency[View], handoff_id: FromPath[str], q: Words = "") -> Response[Any]:
    """Show the answers that may be sent. No worker, no answers: the reply box works all the same."""
    return show(view.request, "inbox/_card.html", **await view.card(handoff_id, q))


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


HANDLERS: list[Any] = [
    show_inbox,
    show_list,
    show_front,
    show_handoff,
    show_desk,
    show_talk,
    show_earlier,
    show_card,
    show_photo,
]
