"""What a worker is handed out of Redis: a leased conversation, what waits in it, and the item to send next.

How the elements of a mailbox and an outbox are written stands in lua/common.lua; here they are read.
"""

import time
from datetime import datetime
from typing import Any, Literal, cast

import msgspec

from service.core.alerting import Alert
from service.core.conversation import Conversation, State
from service.core.plan import Outgoing, OutKind
from service.core.records import BubbleItem, HandoffRecord, utc
from service.core.sending import TOKEN_IS_FRESH_MS, Attempt
from service.core.shop import TodayHours
from service.errors import LeaseLost

MAX_ERRORS = 3
MAX_EXPIRIES = 10
Trouble = Literal["poison", "restored", "overflow"]


class Waiting(msgspec.Struct, frozen=True):
    """One event in a mailbox: its id, when it arrived (Redis' ms), and its JSON."""

    id: str
    arrived: int
    raw: str


class Head(msgspec.Struct, frozen=True):
    """The outbox's first item, with what is known about earlier tries. `token` is empty for a push."""

    item: Outgoing
    attempt: Attempt
    token: str


class Lease(msgspec.Struct, kw_only=True):
    """A conversation that is ours for a while, with all that waits in it.

    `now` is Redis' clock in milliseconds when it was taken, `ahead_ms` how far the shop's time is ahead of it (never,
    but in the demo); `ends_at` is when it ends by our own monotonic clock (s).
    `trouble` says why this is not to be handled as usual: "poison", it made us fail too often; "restored", it was
    brought back from the past; "overflow", the mailbox was full and messages are missing from it. `reply_is_free` says
    whether a reply token is still fresh, `more_is_due` whether another conversation was due when it was taken.
    `browsers` are the ids of those that staff are told at.
    """

    token: str
    conversation: Conversation
    now: int
    ends_at: float
    box: tuple[Waiting, ...]
    head: Head | None
    handoff: HandoffRecord | None
    trouble: Trouble | None = None
    reply_is_free: bool = False
    more_is_due: bool = False
    ahead_ms: int = 0
    browsers: tuple[str, ...] = ()

    @property
    def shop_now(self) -> datetime:
        """The shop's time: what hours, promises and states go by."""
        return utc(self.now + self.ahead_ms)

    def check(self) -> None:
        """Raise LeaseLost when our time is over: somebody else may be at work on this conversation."""
        if time.monotonic() >= self.ends_at:
            raise LeaseLost(self.conversation.customer)


class _Body(msgspec.Struct):
    """The JSON part of an outbox element."""

    kind: OutKind
    messages: tuple[dict[str, Any], ...]
    bubbles: tuple[BubbleItem, ...]
    said_at: int
    fallback: HandoffRecord | None = None
    read_token: str = ""
    alert: Alert | None = None


class _Taken(msgspec.Struct):
    conv: str
    now: int
    fields: list[str]
    box: list[str]
    head: str
    handoff: str
    paused: str
    today: str
    more: bool
    browsers: tuple[str, ...]


def write_body(out: Outgoing) -> str:
    """Write the JSON part of an outbox element."""
    body = _Body(out.kind, out.messages, out.bubbles, out.said_at, out.fallback, out.read_token, out.alert)
    return msgspec.json.encode(body).decode()


def read_conversation(customer: str, fields: dict[str, str]) -> Conversation:
    """Read a conversation from its hash in Redis."""
    return Conversation(
        customer=customer,
        state=cast("State", fields.get("state", "bot")),
        handoff=fields.get("handoff"),
        assignee=fields.get("assignee"),
        choices=msgspec.json.decode(fields["choices"], type=tuple[str, ...]) if "choices" in fields else (),
        rev=int(fields.get("rev", "0")),
        display_name=fields.get("display_name"),
        last_handoff=fields.get("last_handoff"),
        nickname=fields.get("nickname"),
        tags=msgspec.json.decode(fields["tags"], type=tuple[str, ...]) if "tags" in fields else (),
        note=fields.get("note"),
        blocked="blocked" in fields,
        paused="paused" in fields,
        staff_at=_read_time(fields.get("staff_at")),
        group_at=_read_time(fields.get("group_at")),
    )


def _read_time(milliseconds: str | None) -> datetime | None:
    return utc(int(milliseconds)) if milliseconds else None


def read_lease(token: str, packed: bytes, ends_at: float, ahead_ms: int) -> Lease:
    """Read what TAKE hands out."""
    taken = msgspec.msgpack.decode(packed, type=_Taken)
    fields = dict(zip(taken.fields[::2], taken.fields[1::2], strict=True))
    handoff = msgspec.json.decode(taken.handoff, type=HandoffRecord) if taken.handoff else None
    conversation = read_conversation(taken.conv, fields)
    return Lease(
        token=token,
        conversation=msgspec.structs.replace(
            conversation,
            paused=conversation.paused or bool(taken.paused),
            today=msgspec.json.decode(taken.today, type=TodayHours) if taken.today else None,
            promised_at=handoff.due_at if handoff else None,
        ),
        now=taken.now,
        ends_at=ends_at,
        box=tuple(read_waiting(element) for element in taken.box),
        head=read_head(taken.head, taken.now) if taken.head else None,
        handoff=handoff,
        trouble=_trouble(fields),
        reply_is_free=taken.now - int(fields.get("token_at", "0")) < TOKEN_IS_FRESH_MS,
        ahead_ms=ahead_ms,
        more_is_due=taken.more,
        browsers=taken.browsers,
    )


def _trouble(fields: dict[str, str]) -> Trouble | None:
    if int(fields.get("errors", "0")) >= MAX_ERRORS or int(fields.get("expiries", "0")) >= MAX_EXPIRIES:
        return "poison"
    if "restored" in fields:
        return "restored"
    return "overflow" if "overflow" in fields else None


def read_waiting(element: str) -> Waiting:
    """Read one element of a mailbox."""
    head, _, raw = element.partition("\n")
    event_id, arrived = head.split(" ")
    return Waiting(event_id, int(arrived), raw)


def read_head(element: str, now: int) -> Head:
    """Read the outbox's first element; `now` is Redis' time (ms) when it was handed out."""
    head, _, body_json = element.partition("\n")
    item_id, who, mode, key, tries, first_try, _, token, token_at = head.split(" ")
    body = msgspec.json.decode(body_json, type=_Body)
    return Head(
        item=Outgoing(
            id=item_id,
            who=who,
            key=key,
            kind=body.kind,
            messages=body.messages,
            bubbles=body.bubbles,
            said_at=body.said_at,
            fallback=body.fallback,
            read_token=body.read_token,
            alert=body.alert,
        ),
        attempt=Attempt(
            mode="push" if mode == "push" else "reply",
            tries=int(tries),
            by_bot=who == "bot",
            free_only=body.kind == "greet",
            said_at=body.said_at,
            token_at=int(token_at),
            first_try=int(first_try),
            now=now,
        ),
        token=token if mode == "reply" else "",
    )
