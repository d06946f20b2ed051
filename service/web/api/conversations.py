"""Conversations over REST: everything about one customer, and writing to them first."""

from datetime import datetime
from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET

from service.adapters.archive import TALK_LENGTH, Archive
from service.core.actions import Portrait
from service.staffing import Desk, Order
from service.web.api.delivery import check_length, wait_for_delivery
from service.web.api.shapes import WRITE, ProfileRequest, ReplyRequest, ReplyResult, Talk, problems


@get("/conversations/{customer:str}", responses=problems(404))
async def read_conversation(
    archive: NamedDependency[Archive], customer: FromPath[str], cursor: FromQuery[str] = ""
) -> Talk:
    """Read a conversation with what was said in it and why, the newest 200 items first."""
    return await _read(archive, customer, cursor)


@post("/conversations/{customer:str}/profile", **WRITE)
async def set_profile(
    desk: NamedDependency[Desk],
    archive: NamedDependency[Archive],
    order: NamedDependency[Order],
    customer: FromPath[str],
    data: JSONBody[ProfileRequest],
) -> Talk:
    """Set what staff call the customer, the tags, and the note that stands beside every talk."""
    portrait = Portrait(
        nickname=None if data.nickname is UNSET else data.nickname or "",
        tags=None if data.tags is UNSET else data.tags,
        note=None if data.note is UNSET else data.note or "",
    )
    await desk.portray(order, customer, portrait)
    return await _read(archive, customer, "")


@post("/conversations/{customer:str}/reply", **WRITE)
async def write(
    *,
    desk: NamedDependency[Desk],
    archive: NamedDependency[Archive],
    order: NamedDependency[Order],
    now: NamedDependency[datetime],
    customer: FromPath[str],
    data: JSONBody[ReplyRequest],
) -> ReplyResult:
    """Write to a customer who is in no handoff: opens one, held by who writes. Waits as a reply does."""
    check_length(data.text)
    bubble = await desk.write(order, customer, data.text, now, data.seen)
    return await wait_for_delivery(archive, bubble)


async def _read(archive: Archive, customer: str, cursor: str) -> Talk:
    conversation = await archive.conversation(customer)
    handoffs = await archive.history(customer)
    items, following = await archive.talk_before(customer, cursor, TALK_LENGTH)
    return Talk(
        customer=customer,
        state=conversation.state,
        display_name=conversation.display_name,
        nickname=conversation.nickname,
        tags=conversation.tags,
        note=conversation.note,
        handoff=await archive.handoff(conversation.handoff) if conversation.handoff else None,
        handoffs=handoffs,
        items=items,
        next=following,
    )


HANDLERS: list[Any] = [read_conversation, set_profile, write]
