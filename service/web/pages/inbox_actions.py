"""What staff do on the inbox page, replies apart. Each action is the Desk's; what is said about it is here."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect

from service.core.actions import Portrait
from service.errors import Conflict
from service.staffing import Desk, Order
from service.web.pages import inbox_views
from service.web.pages.inbox_contexts import EVERYTHING, TALK, Outcome, Parts, View
from service.web.pages.screen import go, show
from service.web.pages.visit import is_htmx

_MOST_TAGS = 20
_SHORT, _NOTE, _PINNED = 40, 2000, 500


class ActForm(msgspec.Struct):
    """`seen` is the newest message that the person saw."""

    seen: str = ""


class TagsForm(msgspec.Struct):
    """Tags, parted by commas."""

    tags: str = ""


class NoteForm(msgspec.Struct):
    """A note for the other staff."""

    note: str = ""


class PortraitForm(msgspec.Struct):
    """What staff write about a customer."""

    nickname: str = ""
    tags: str = ""
    pinned: str = ""


_FORM = Body(media_type=RequestEncodingType.URL_ENCODED)
Acting = Annotated[ActForm, _FORM]
Tagging = Annotated[TagsForm, _FORM]
Noting = Annotated[NoteForm, _FORM]
Portraying = Annotated[PortraitForm, _FORM]
Shown = Response[Any] | Redirect


class Place(msgspec.Struct, frozen=True):
    """Where something is done: on the page of one handoff, by whoever sent the request."""

    view: View
    handoff: str

    @property
    def parts(self) -> Parts:
        """What the inbox is made from."""
        return self.view.parts

    @property
    def words(self) -> dict[str, str]:
        """The words of the language of whoever asks."""
        return self.view.words

    @property
    def staff(self) -> str:
        """Who asks."""
        return self.view.request.user.name

    async def act(
        self, notice: str, act: Callable[[Order], Awaitable[object]], seen: str = "", *, clears: bool = False
    ) -> Shown:
        """Do one thing and say so; where somebody was faster, say that."""
        try:
            await act(Order(self.staff))
        except Conflict:
            return await self.show(Outcome(notice=await self.explain(seen), good=False), status=409)
        return await self.show(Outcome(notice=self.words[notice], clears=clears))

    async def explain(self, seen: str) -> str:
        """Say in a sentence why something was not done, by what stands there now."""
        handoff = await self.parts.archive.handoff(self.handoff)
        if handoff.status == "done":
            return self.words["is_done"]
        if handoff.assignee not in {None, self.staff}:
            return self.words["held"].format(who=handoff.assignee)
        items, _ = await self.parts.archive.talk_before(handoff.customer, "", TALK)
        waits = await self.parts.archive.box(handoff.customer)
        is_newer = bool(seen) and (bool(waits) or inbox_views.newest_seen(items, handoff) != seen)
        return self.words["newer" if is_newer else "race"]

    async def refuse(self, why: str = "too_long_field") -> Shown:
        """Say that something typed cannot be taken."""
        return await self.show(Outcome(notice=self.words[why], good=False), status=422)

    async def show(self, outcome: Outcome, *, status: int = 200) -> Shown:
        """Show the conversation as it is now: to htmx that part, to a browser without scripts the whole page."""
        request = self.view.request
        if not is_htmx(request) and outcome.good:
            return go(request, f"/inbox/{self.handoff}")
        desk = await self.view.desk(self.handoff, outcome)
        if is_htmx(request):
            return show(request, "inbox/_desk.html", status=status, **desk)
        listed = await self.view.listing(EVERYTHING, self.handoff)
        context: dict[str, Any] = {**listed, **desk, "here": f"/inbox/{self.handoff}"}
        return show(request, "inbox/page.html", status=status, **context)


async def provide_place(view: NamedDependency[View], handoff_id: FromPath[str]) -> Place:
    """Say where something is done."""
    return Place(view, handoff_id)


@post("/inbox/{handoff_id:str}/claim", status_code=200)
async def claim(place: NamedDependency[Place], desk: NamedDependency[Desk]) -> Shown:
    """Hold a handoff that nobody holds."""
    return await place.act("claimed", lambda order: desk.claim(order, place.handoff))


@post("/inbox/{handoff_id:str}/take-over", status_code=200)
async def take_over(place: NamedDependency[Place], desk: NamedDependency[Desk]) -> Shown:
    """Hold a handoff, whoever holds it."""
    return await place.act("claimed", lambda order: desk.claim(order, place.handoff, take_over=True))


@post("/inbox/{handoff_id:str}/done", status_code=200)
async def finish(
    place: NamedDependency[Place], desk: NamedDependency[Desk], now: NamedDependency[datetime], data: Acting
) -> Shown:
    """Close it without a reply."""
    return await place.act(
        "closed_now", lambda order: desk.finish(order, place.handoff, now, data.seen or None), data.seen
    )


@post("/inbox/{handoff_id:str}/replied-elsewhere", status_code=200)
async def replied_elsewhere(
    place: NamedDependency[Place], desk: NamedDependency[Desk], now: NamedDependency[datetime], data: Acting
) -> Shown:
    """Count what was said in LINE itself as a reply."""

    async def count(order: Order) -> None:
        await desk.replied_elsewhere(order, place.handoff, now, data.seen or None)

    return await place.act("counted", count, data.seen, clears=True)


@post("/inbox/{handoff_id:str}/reopen", status_code=200)
async def reopen(place: NamedDependency[Place], desk: NamedDependency[Desk], now: NamedDependency[datetime]) -> Shown:
    """Take up again what was closed."""
    return await place.act("reopened", lambda order: desk.reopen(order, place.handoff, now))


@post("/inbox/{handoff_id:str}/pause", status_code=200)
async def pause(place: NamedDependency[Place], desk: NamedDependency[Desk]) -> Shown:
    """Answer this customer automatically no more."""
    return await _pause(place, desk, paused=True)


@post("/inbox/{handoff_id:str}/unpause", status_code=200)
async def unpause(place: NamedDependency[Place], desk: NamedDependency[Desk]) -> Shown:
    """Answer this customer automatically again."""
    return await _pause(place, desk, paused=False)


async def _pause(place: Place, desk: Desk, *, paused: bool) -> Shown:
    customer = (await place.parts.archive.handoff(place.handoff)).customer
    notice = "paused_now" if paused else "unpaused_now"
    return await place.act(notice, lambda order: desk.pause(order, customer, paused=paused))


@post("/inbox/{handoff_id:str}/tags", status_code=200)
async def set_tags(place: NamedDependency[Place], desk: NamedDependency[Desk], data: Tagging) -> Shown:
    """Set the handoff's tags."""
    tags = split_tags(data.tags)
    if tags is None:
        return await place.refuse()
    return await place.act("saved", lambda order: desk.tag(order, place.handoff, tags))


@post("/inbox/{handoff_id:str}/notes", status_code=200)
async def add_note(
    place: NamedDependency[Place], desk: NamedDependency[Desk], now: NamedDependency[datetime], data: Noting
) -> Shown:
    """Add a note for the others."""
    note = data.note.strip()
    if not 1 <= len(note) <= _NOTE:
        return await place.refuse()
    return await place.act("saved", lambda order: desk.annotate(order, place.handoff, note, now))


@post("/inbox/{handoff_id:str}/profile", status_code=200)
async def set_profile(place: NamedDependency[Place], desk: NamedDependency[Desk], data: Portraying) -> Shown:
    """Write down what staff say about the customer."""
    nickname, pinned, tags = data.nickname.strip(), data.pinned.strip(), split_tags(data.tags)
    if tags is None or len(nickname) > _SHORT or len(pinned) > _PINNED:
        return await place.refuse()
    customer = (await place.parts.archive.handoff(place.handoff)).customer
    portrait = Portrait(nickname=nickname, tags=tags, note=pinned)
    return await place.act("saved", lambda order: desk.portray(order, customer, portrait))


def split_tags(text: str) -> tuple[str, ...] | None:
    """Read tags as people type them; None where there are too many, or one is too long."""
    parts = (" ".join(part.split()) for part in text.replace("、", ",").replace("，", ",").split(","))
    tags = tuple(dict.fromkeys(part for part in parts if part))
    return tags if len(tags) <= _MOST_TAGS and all(len(tag) <= _SHORT for tag in tags) else None


HANDLERS: list[Any] = [
    claim,
    take_over,
    finish,
    replied_elsewhere,
    reopen,
    pause,
    unpause,
    set_tags,
    add_note,
    set_profile,
]
