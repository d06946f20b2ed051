"""The REST API for staff and other systems, under /api/v1, with bearer tokens."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Router, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ClientException, NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from service.adapters.archive import Archive
from service.core.bubbles import MAX_BUBBLES, split_text
from service.core.records import BubbleItem, Delivery, HandoffRecord, HandoffStatus, Item
from service.errors import NotFound, StoreUnavailable
from service.staffing import Desk

PAGE = 50
WAIT_FOR_DELIVERY_S = 3.0
_POLL_S = 0.05


_Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]


class Page(msgspec.Struct):
    """Some records, and the cursor of the next page; null on the last one."""

    items: list[HandoffRecord]
    next: str | None


class ClaimRequest(msgspec.Struct, forbid_unknown_fields=True):
    """`take_over` claims what somebody else holds."""

    take_over: bool = False


class ReplyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What the customer shall read."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=25_000)]


class ReplyResult(msgspec.Struct):
    """What became of a reply within three seconds. `billed` is true when it cost one message of the quota."""

    delivery: Delivery
    billed: bool


class TalkResult(msgspec.Struct):
    """A conversation: its state, its open handoff, its newest items, oldest first."""

    customer: str
    state: Literal["bot", "waiting", "human"]
    handoff: HandoffRecord | None
    items: list[Item]


def make_guard(archive: Archive) -> _Guard:
    """Make what asks for a bearer token before anything else of a request is looked at; else 401."""

    async def check_token(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            try:
                connection.scope["user"] = await archive.token_owner(token.strip())
            except NotFound:
                pass
            else:
                return
        raise NotAuthorizedException("a valid bearer token is needed", headers={"WWW-Authenticate": "Bearer"})

    return check_token


def provide_staff(request: Request[str, None, State]) -> str:
    """Name whoever sends the request."""
    return request.user


@get("/handoffs")
async def list_handoffs(
    archive: NamedDependency[Archive],
    status: FromQuery[HandoffStatus] = "waiting",
    cursor: FromQuery[str] = "",
) -> Page:
    """List handoffs of one status, the longest unreplied first, 50 a page."""
    try:
        records, following = await archive.handoffs(status, cursor, PAGE)
    except ValueError as error:
        raise ClientException("cursor: not one of ours") from error
    return Page(records, following)


@get("/handoffs/{handoff_id:str}")
async def read_handoff(archive: NamedDependency[Archive], handoff_id: FromPath[str]) -> HandoffRecord:
    """Read one handoff."""
    return await archive.handoff(handoff_id)


@post("/handoffs/{handoff_id:str}/claim", status_code=200)
async def claim(
    desk: NamedDependency[Desk],
    staff: NamedDependency[str],
    handoff_id: FromPath[str],
    data: JSONBody[ClaimRequest | None] = None,
) -> HandoffRecord:
    """Hold a handoff; 409 when somebody else does."""
    return await desk.claim(handoff_id, staff, take_over=bool(data and data.take_over))


@post("/handoffs/{handoff_id:str}/reply", status_code=200)
async def reply(
    desk: NamedDependency[Desk],
    archive: NamedDependency[Archive],
    staff: NamedDependency[str],
    handoff_id: FromPath[str],
    data: JSONBody[ReplyRequest],
) -> ReplyResult:
    """Send a reply to the customer through LINE. Waits at most three seconds for it to be sent."""
    parts = split_text(data.text)
    if not 1 <= len(parts) <= MAX_BUBBLES:
        raise ClientException(f"text: must fill 1 to {MAX_BUBBLES} LINE messages, not {len(parts)}", status_code=422)
    bubble = await desk.reply(handoff_id, staff, data.text, datetime.now(UTC))
    return await _wait_for_delivery(archive, bubble)


@post("/handoffs/{handoff_id:str}/done", status_code=200)
async def finish(desk: NamedDependency[Desk], staff: NamedDependency[str], handoff_id: FromPath[str]) -> HandoffRecord:
    """Close a handoff: the bot answers this customer again."""
    return await desk.finish(handoff_id, staff, datetime.now(UTC))


@get("/conversations/{customer:str}")
async def read_conversation(archive: NamedDependency[Archive], customer: FromPath[str]) -> TalkResult:
    """Read a conversation with everything said in it, and why."""
    conversation = await archive.conversation(customer)
    handoff = await archive.handoff(conversation.handoff) if conversation.handoff else None
    return TalkResult(customer, conversation.state, handoff, await archive.talk(customer))


async def _wait_for_delivery(archive: Archive, bubble_id: str) -> ReplyResult:
    result = ReplyResult("pending", billed=False)
    try:
        async with asyncio.timeout(WAIT_FOR_DELIVERY_S):
            while result.delivery == "pending":
                await asyncio.sleep(_POLL_S)
                item = await archive.item(bubble_id)
                if isinstance(item, BubbleItem):
                    result = ReplyResult(item.delivery, item.billed)
    except (TimeoutError, StoreUnavailable):
        # Stored it is: an error now would have the reply sent again.
        pass
    return result


def make_router(archive: Archive) -> Router:
    """Put the API together."""
    handlers: list[Any] = [list_handoffs, read_handoff, claim, reply, finish, read_conversation]
    return Router(
        "/api/v1",
        route_handlers=handlers,
        guards=[make_guard(archive)],
        dependencies={"staff": Provide(provide_staff, sync_to_thread=False)},
        security=[{"bearer": []}],
        tags=["v1"],
    )
