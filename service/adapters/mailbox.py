"""The mailbox in Redis: every conversation's waiting messages, its state and its outbox.

One Lua script per step of a message's way (the files beside this one), each atomic, fenced, and harmless when run
twice: a call whose answer was lost is simply repeated. docs/delivery.md tells the whole protocol.
"""

import time
from collections.abc import Awaitable, Sequence
from importlib.resources import files
from typing import Any, Literal, cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.core.conversation import Conversation, State, Turn
from service.core.events import Incoming
from service.core.plan import Outgoing, OutKind, Plan
from service.core.records import BubbleItem, HandoffRecord, Item
from service.core.sending import Attempt
from service.errors import LeaseLost, StoreUnavailable

LEASE_MS = 30_000
PREFIX = "{henji}:"
_SCRIPTS = ("put", "take", "renew", "park", "fail", "commit", "sent", "staff")
Committed = Literal["done", "lost", "changed", "unsent", "newer"]


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

    `now` is Redis' clock in milliseconds when it was taken; `ends_at` is when it ends by our own monotonic clock (s).
    """

    token: str
    conversation: Conversation
    now: int
    ends_at: float
    box: tuple[Waiting, ...]
    head: Head | None
    handoff: HandoffRecord | None

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


class _Taken(msgspec.Struct):
    conv: str
    now: int
    fields: list[str]
    box: list[str]
    head: str
    handoff: str


def connect(url: str, *, timeout_s: float) -> Redis:
    """Make a client for a URL (`redis://`, `rediss://`, `unix://`). It never retries: each step knows better."""
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        decode_responses=False,
    )


class Mailbox:
    """The steps of a message's way. Raises StoreUnavailable when Redis is away, full or slow.

    `keep_days` is how long items and closed handoffs are kept.
    """

    def __init__(self, redis: Redis, *, keep_days: int, lease_ms: int = LEASE_MS) -> None:
        self._redis = redis
        self._lease_ms = lease_ms
        self._keep_s = keep_days * 86_400
        common = _script("common")
        self._scripts = {name: redis.register_script(f"{common}\n{_script(name)}") for name in _SCRIPTS}

    async def put(self, events: Sequence[Incoming]) -> int:
        """PUT: store all events of one webhook body, or none. Returns how many were new."""
        rows = [
            {
                "id": event.id,
                "conv": event.conversation,
                "raw": event.raw,
                "at": event.at,
                "token": event.reply_token,
                "unsent": event.unsent,
            }
            for event in events
        ]
        return cast("int", await self._run("put", {"events": rows}))

    async def take(self, token: str, *, again: bool = False) -> Lease | None:
        """TAKE: lease a conversation that is due, None when none is.

        `token` is a new random one for each lease. `again` repeats a call whose answer was lost, with the same token:
        the same lease comes back, if there was one.
        """
        call = {"token": token, "lease_ms": self._lease_ms, "again": again}
        ends_at = time.monotonic() + self._lease_ms / 1000
        packed = await self._run("take", call)
        return _read_lease(token, packed, ends_at) if packed else None

    async def renew(self, lease: Lease) -> bool:
        """RENEW: keep the lease. False when it is lost: stop working on it."""
        ends_at = time.monotonic() + self._lease_ms / 1000
        renewed = bool(await self._run("renew", self._of(lease) | {"lease_ms": self._lease_ms}))
        lease.ends_at = ends_at if renewed else 0
        return renewed

    async def park(self, lease: Lease, delay_ms: int) -> None:
        """PARK: give the lease back and have the conversation taken again after `delay_ms`."""
        await self._run("park", self._of(lease) | {"delay_ms": delay_ms})

    async def fail(self, lease: Lease) -> int:
        """FAIL: count a handler's error and give the lease back for a later try. Returns how many errors in a row."""
        return cast("int", await self._run("fail", self._of(lease)))

    async def commit(self, lease: Lease, turn: Turn, plan: Plan) -> tuple[Committed, Head | None]:
        """COMMIT: write a decision and all that follows. With "done" comes the item to send now, if there is one."""
        call = self._of(lease) | self._write(plan)
        call |= {
            "rev": str(lease.conversation.rev),
            "turn": turn.id,
            "seen": len(lease.box),
            "events": turn.events,
            "messages": turn.messages,
        }
        status, head, *now = await self._run("commit", call)
        return status.decode(), _read_head(head.decode(), now[0]) if head else None

    async def sent(
        self,
        lease: Lease,
        head: Head,
        outcome: str,
        *,
        delay_ms: int = 0,
        items: Sequence[Item] = (),
        fallback: Plan | None = None,
    ) -> Head | None:
        """SENT: say what became of the outbox's head. Returns the next item to send now, None when the lease ended.

        Raises LeaseLost when the lease was not ours any more: then nothing was written.
        """
        call = self._of(lease) | self._write(Plan(what="sent", fields={}, items=tuple(items)))
        call |= {"item": head.item.id, "outcome": outcome, "delay_ms": delay_ms}
        if fallback:
            written = self._write(fallback)
            call["fallback"] = {"handoff": written["handoff"], "fields": written["fields"]}
        status, body, *now = await self._run("sent", call)
        if status == b"lost":
            raise LeaseLost(lease.conversation.customer)
        return _read_head(body.decode(), now[0]) if body else None

    async def act(self, conversation: Conversation, action: str, plan: Plan) -> bool:
        """STAFF: write a person's action. False when the conversation changed meanwhile: read it again."""
        call = self._write(plan) | {"conv": conversation.customer, "rev": str(conversation.rev), "action": action}
        return bool(await self._run("staff", call))

    async def unsent(self, messages: Sequence[str]) -> set[str]:
        """Say which of these messages the customer has taken back."""
        try:
            found = await self._redis.mget([f"{PREFIX}unsent:{message}" for message in messages])
        except (RedisError, OSError) as error:
            raise StoreUnavailable(str(error)) from error
        return {message for message, tombstone in zip(messages, found, strict=True) if tombstone}

    async def wait_for_work(self, seconds: float) -> None:
        """Sleep until a conversation becomes ready, at most `seconds`."""
        try:
            await cast("Awaitable[Any]", self._redis.blpop([f"{PREFIX}bell"], timeout=seconds))
        except (RedisError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    def _of(self, lease: Lease) -> dict[str, Any]:
        return {"conv": lease.conversation.customer, "token": lease.token}

    def _write(self, plan: Plan) -> dict[str, Any]:
        # The last item was made now; LINE's clock, which dates the messages before it, may run ahead of ours.
        at = plan.items[-1].at.timestamp() * 1000 if plan.items else 0
        written: dict[str, Any] = {
            "what": plan.what,
            "fields": plan.fields,
            "keep_s": self._keep_s,
            "items": [
                {"id": item.id, "record": _json(item), "score": at + number / 1000}
                for number, item in enumerate(plan.items)
            ],
        }
        if plan.handoff:
            since = plan.handoff.unreplied_since or plan.handoff.created_at
            written["handoff"] = {
                "id": plan.handoff.id,
                "status": plan.handoff.status,
                "record": _json(plan.handoff),
                "score": int(since.timestamp() * 1000),
            }
        if plan.out:
            out = plan.out
            body = _Body(out.kind, out.messages, out.bubbles, out.said_at, out.fallback)
            written["out"] = {"id": out.id, "who": out.who, "key": out.key, "body": _json(body)}
        return written

    async def _run(self, name: str, call: dict[str, Any]) -> Any:
        try:
            return await self._scripts[name](keys=[PREFIX], args=[msgspec.msgpack.encode(call)])
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"{name}: {error}") from error


def _script(name: str) -> str:
    return files("service.adapters").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def _json(record: msgspec.Struct) -> str:
    return msgspec.json.encode(record).decode()


def read_conversation(customer: str, fields: dict[str, str]) -> Conversation:
    """Read a conversation from its hash in Redis."""
    return Conversation(
        customer=customer,
        state=cast("State", fields.get("state", "bot")),
        handoff=fields.get("handoff"),
        assignee=fields.get("assignee"),
        choices=msgspec.json.decode(fields["choices"], type=tuple[str, ...]) if "choices" in fields else (),
        rev=int(fields.get("rev", "0")),
    )


def _read_lease(token: str, packed: bytes, ends_at: float) -> Lease:
    taken = msgspec.msgpack.decode(packed, type=_Taken)
    fields = dict(zip(taken.fields[::2], taken.fields[1::2], strict=True))
    return Lease(
        token=token,
        conversation=read_conversation(taken.conv, fields),
        now=taken.now,
        ends_at=ends_at,
        box=tuple(_read_waiting(element) for element in taken.box),
        head=_read_head(taken.head, taken.now) if taken.head else None,
        handoff=msgspec.json.decode(taken.handoff, type=HandoffRecord) if taken.handoff else None,
    )


def _read_waiting(element: str) -> Waiting:
    head, _, raw = element.partition("\n")
    event_id, arrived = head.split(" ")
    return Waiting(event_id, int(arrived), raw)


def _read_head(element: str, now: int) -> Head:
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
        ),
        attempt=Attempt(
            mode="push" if mode == "push" else "reply",
            tries=int(tries),
            by_bot=who == "bot",
            said_at=body.said_at,
            token_at=int(token_at),
            first_try=int(first_try),
            now=now,
        ),
        token=token if mode == "reply" else "",
    )
