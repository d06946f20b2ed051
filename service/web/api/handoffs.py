"""Handoffs over REST: found, read, and acted on."""

from datetime import datetime
from typing import Annotated, Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from service.adapters.archive import Archive
from service.core.records import HandoffRecord, HandoffStatus
from service.core.searching import Wanted
from service.staffing import Desk, Order
from service.web.api.delivery import check_length, wait_for_delivery
from service.web.api.shapes import (
    WRITE,
    ClaimRequest,
    Cursor,
    NoteRequest,
    Page,
    ReplyRequest,
    ReplyResult,
    SeenRequest,
    TagsRequest,
    problems,
)

PAGE = 50
_MOST = 100


@get("/handoffs", responses=problems(400))
async def list_handoffs(
    *,
    archive: NamedDependency[Archive],
    status: FromQuery[HandoffStatus] = "waiting",
    tag: Annotated[str, QueryParameter(max_length=_MOST)] = "",
    assignee: Annotated[str, QueryParameter(max_length=_MOST)] = "",
    q: Annotated[str, QueryParameter(max_length=_MOST, description="Words that all occur in it.")] = "",
    cursor: Cursor = None,
) -> Page:
    """List handoffs of one status, the longest unreplied first, those that are done the newest first."""
    try:
        records, following = await archive.handoffs(status, cursor or "", PAGE, Wanted(tag, assignee, q))
    except ValueError as error:
        raise ClientException("cursor: not one of ours") from error
    return Page(records, following)


@get("/handoffs/{handoff_id:str}", responses=problems(404))
async def read_handoff(archive: NamedDependency[Archive], handoff_id: FromPath[str]) -> HandoffRecord:
    """Read one handoff."""
    return await archive.handoff(handoff_id)


@post("/handoffs/{handoff_id:str}/claim", **WRITE)
async def claim(
    desk: NamedDependency[Desk],
    order: NamedDependency[Order],
    handoff_id: FromPath[str],
    data: JSONBody[ClaimRequest | None] = None,
) -> HandoffRecord:
    """Hold a handoff; 409 when somebody else does."""
    return await desk.claim(order, handoff_id, take_over=bool(data and data.take_over))


@post("/handoffs/{handoff_id:str}/reply", **WRITE)
async def reply(
    *,
    desk: NamedDependency[Desk],
    archive: NamedDependency[Archive],
    order: NamedDependency[Order],
    now: NamedDependency[datetime],
    handoff_id: FromPath[str],
    data: JSONBody[ReplyRequest],
) -> ReplyResult:
    """Send a reply to the customer through LINE. Waits at most three seconds for it to be sent."""
    check_length(data.text)
    bubble = await desk.reply(order, handoff_id, data.text, now, data.seen)
    return await wait_for_delivery(archive, bubble)


@post("/handoffs/{handoff_id:str}/replied-elsewhere", **WRITE)
async def replied_elsewhere(
    desk: NamedDependency[Desk],
    order: NamedDependency[Order],
    now: NamedDependency[datetime],
    handoff_id: FromPath[str],
    data: JSONBody[SeenRequest | None] = None,
) -> HandoffRecord:
    """Count as a reply what was said in LINE itself or by telephone. Sends nothing."""
    return await desk.replied_elsewhere(order, handoff_id, now, data.seen if data else None)


@post("/handoffs/{handoff_id:str}/done", **WRITE)
async def finish(
    desk: NamedDependency[Desk],
    order: NamedDependency[Order],
    now: NamedDependency[datetime],
    handoff_id: FromPath[str],
    data: JSONBody[SeenRequest | None] = None,
) -> HandoffRecord:
    """Close a handoff: the bot answers this customer again."""
    return await desk.finish(order, handoff_id, now, data.seen if data else None)


@post("/handoffs/{handoff_id:str}/reopen", **WRITE)
async def reopen(
    desk: NamedDependency[Desk],
    order: NamedDependency[Order],
    now: NamedDependency[datetime],
    handoff_id: FromPath[str],
) -> HandoffRecord:
    """Take up again what was closed; 409 when the customer has a newer one open. Sends nothing."""
    return await desk.reopen(order, handoff_id, now)


@post("/handoffs/{handoff_id:str}/notes", **WRITE)
async def add_note(
    desk: NamedDependency[Desk],
    order: NamedDependency[Order],
    now: NamedDependency[datetime],
    handoff_id: FromPath[str],
    data: JSONBody[NoteRequest],
) -> HandoffRecord:
    """Add a note for the other staff."""
    return await desk.annotate(order, handoff_id, data.text, now)


@post("/handoffs/{handoff_id:str}/tags", **WRITE)
async def set_tags(
    desk: NamedDependency[Desk],
    order: NamedDependency[Order],
    handoff_id: FromPath[str],
    data: JSONBody[TagsRequest],
) -> HandoffRecord:
    """Set the tags."""
    return await desk.tag(order, handoff_id, data.tags)


HANDLERS: list[Any] = [
    list_handoffs,
    read_handoff,
    claim,
    reply,
    replied_elsewhere,
    finish,
    reopen,
    add_note,
    set_tags,
]
