"""The mailbox in Redis: every conversation's waiting messages, its state and its outbox.

One Lua script per step of a message's way (the files beside this one), each atomic, fenced, and harmless when run
twice: a call whose answer was lost is simply repeated. docs/delivery.md tells the whole protocol.
"""

import hashlib
import time
from collections.abc import Sequence
from typing import Any, Literal, cast

import msgspec

from service.adapters.audit import AUDIT_MS
from service.adapters.lease import Head, Lease, read_head, read_lease, write_body
from service.adapters.shopclock import Ahead, not_ahead
from service.adapters.store import PREFIX, Store
from service.adapters.traffic import write_tally
from service.core.alerting import Alert
from service.core.conversation import Conversation, Turn
from service.core.drafts import wants_draft
from service.core.events import Incoming
from service.core.photos import KEEP_S, photos_in
from service.core.plan import Outgoing, Plan
from service.core.records import HandoffRecord, Item, ms
from service.core.searching import search_line
from service.errors import LeaseLost

LEASE_MS = 30_000
RESTORE_GAP_MS = 10 * 60_000
# The place in a list of a handoff in which nobody waits for a reply: behind all of those in which somebody does.
NOBODY_WAITS_MS = 10**13
# Somebody urgent stands before all others for as long as nobody has replied: there their times are so much less.
URGENT_MS = 10**13
# What must outlive a failover (docs/delivery.md, rule 5). The others may be lost with a master: then a conversation is
# leased again, a timer fires again, and an item whose SENT is gone is tried again with tries > 0: LINE refuses a used
# reply token, which counts as sent or unconfirmed, and knows a push by its retry key. But: `_must_not_be_forgotten`.
_DURABLE = ("put", "commit", "staff")
Committed = Literal["done", "lost", "changed", "unsent", "newer"]


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An action of a person. `id` is a random one of this very action, `who` the person's name.

    `about` is the handoff it concerns. `key` and `body` are hashes of its Idempotency-Key and of what was asked, empty
    without one. `waiting` is how many events waited in the mailbox when the person looked, None when that is no matter.
    """

    id: str
    who: str
    about: str = ""
    key: str = ""
    body: str = ""
    waiting: int | None = None


class Acted(msgspec.Struct, frozen=True):
    """What became of an action: written; found written already under its key; or not written.

    `earlier` is the hash of what was asked and the id of the action that was written under the same key.
    """

    status: Literal["done", "again", "changed", "gone"]
    earlier: str = ""


class Mailbox:
    """The steps of a message's way. Raises StoreUnavailable when Redis is away, full or slow.

    `keep_days` is how long items and closed handoffs are kept (photos 14 days at most), `lease_ms` how long a lease
    lasts until it is renewed, `ahead_ms` says how far the shop's time is ahead of Redis' clock. A reply
    is drafted for whoever waits for a person, `draft_after_ms` after they wrote; None: none is.
    """

    def __init__(
        self,
        store: Store,
        *,
        keep_days: int,
        lease_ms: int = LEASE_MS,
        ahead_ms: Ahead = not_ahead,
        draft_after_ms: int | None = None,
    ) -> None:
        self._store = store
        self._keep_s = keep_days * 86_400
        self._lease_ms = lease_ms
        self._ahead_ms = ahead_ms
        self._draft_after_ms = draft_after_ms

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
        lease = read_lease(token, packed, ends_at, await self._ahead_ms()) if packed else None
        if lease and self._must_not_be_forgotten(lease.head):
            packed = await self._run("take", call | {"again": True}, durable=True)
            lease = read_lease(token, packed, ends_at, lease.ahead_ms) if packed else None
        return lease

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

    async def commit(
        self, lease: Lease, turn: Turn, plan: Plan, *, dead: str | None = None
    ) -> tuple[Committed, Head | None]:
        """COMMIT: write a decision and all that follows. With "done" comes the item to send now, if there is one.

        `dead` says why the turn's events are kept as dead letters as well.
        """
        call = self._of(lease) | self._write(plan)
        call |= {
            "rev": str(lease.conversation.rev),
            "turn": turn.id,
            "seen": len(lease.box),
            "events": turn.events,
            "messages": turn.messages,
            "dead": dead,
            "photos": photos_in(plan.items),
            "photo_s": min(KEEP_S, self._keep_s),
        }
        status, head, *now = await self._run("commit", call)
        return status.decode(), read_head(head.decode(), now[0]) if head else None

    async def sent(
        self,
        lease: Lease,
        head: Head,
        outcome: str,
        *,
        delay_ms: int = 0,
        items: Sequence[Item] = (),
        counts: tuple[str, ...] = (),
        fallback: Plan | None = None,
        dead: str | None = None,
        over_quota: bool = False,
        unreplied: HandoffRecord | None = None,
    ) -> Head | None:
        """SENT: say what became of the outbox's head. Returns the next item to send now, None when the lease ended.

        `counts` names what is counted with it, `fallback` is the handoff that takes its place, `dead` says why it is
        kept as a dead letter as well, `over_quota` that LINE sends no more this month. `unreplied` is the open handoff
        as it is without this reply, written unless somebody acted since the lease began. Raises LeaseLost when the
        lease was not ours any more: then nothing was written.
        """
        call = self._of(lease) | self._write(Plan(what="sent", fields={}, items=tuple(items), counts=counts))
        call |= {"item": head.item.id, "outcome": outcome, "delay_ms": delay_ms, "dead": dead}
        call["over_quota"] = over_quota
        if unreplied:
            written = self._write(Plan(what="", fields={}, handoff=unreplied))
            call["unreplied"] = {"rev": str(lease.conversation.rev), "handoff": written["handoff"]}
        if fallback:
            written = self._write(fallback)
            names = ("handoff", "fields", "timers", "alerts")
            call["fallback"] = {name: written[name] for name in names} | {"counts": (*counts, *fallback.counts)}
        following = await self._sent(lease, call)
        if self._must_not_be_forgotten(following):
            following = await self._sent(lease, call, durable=True)
        return following

    async def _sent(self, lease: Lease, call: dict[str, Any], *, durable: bool = False) -> Head | None:
        status, body, *now = await self._run("sent", call, durable=durable)
        if status == b"lost":
            raise LeaseLost(lease.conversation.customer)
        return read_head(body.decode(), now[0]) if body else None

    async def act(self, conversation: Conversation, action: Action, plan: Plan) -> Acted:
        """STAFF: write a person's action and all that follows from it."""
        call = self._write(plan) | {
            "conv": conversation.customer,
            "rev": str(conversation.rev),
            "box": action.waiting,
            "action": action.id,
            "key": action.key,
            "body": action.body,
            "who": action.who,
            "about": action.about,
            # LINE's user ids hold 128 random bits: nobody finds one by trying.
            "customer_hash": hashlib.sha256(conversation.customer.encode()).hexdigest(),
            "audit_ms": AUDIT_MS,
        }
        status, earlier = await self._run("staff", call)
        return Acted(status.decode(), earlier.decode())

    async def unsent(self, messages: Sequence[str]) -> set[str]:
        """Say which of these messages the customer has taken back."""
        keys = [f"{PREFIX}unsent:{message}" for message in messages]
        found = cast("list[bytes | None]", await self._store.call(lambda redis: redis.mget(keys)))
        return {message for message, tombstone in zip(messages, found, strict=True) if tombstone}

    async def forget_dead_letters(self, customer: str, message: str) -> None:
        """Delete the dead letters that hold a message (LINE's id) of a customer."""
        name = f"{PREFIX}dead"
        letters = cast(
            "list[tuple[bytes, dict[bytes, bytes]]]", await self._store.call(lambda redis: redis.xrange(name))
        )
        gone = [
            letter
            for letter, fields in letters
            if fields[b"conv"].decode() == customer and message.encode() in fields[b"body"]
        ]
        if gone:
            await self._store.call(lambda redis: redis.xdel(name, *gone))

    async def tick(self) -> int:
        """TICK: fire due timers, keep the indexes short, renew the heartbeat. Returns how many timers fired."""
        return cast("int", await self._run("tick", {"ahead_ms": await self._ahead_ms()}))

    async def restore(self) -> int:
        """RESTORE: find out whether what stands in Redis is from the past. Returns how many conversations it marks."""
        return cast("int", await self._run("restore", {"gap_ms": RESTORE_GAP_MS}))

    async def wait_for_work(self, seconds: float) -> None:
        """Sleep until a conversation becomes ready, at most `seconds`."""
        await self._store.call(lambda redis: redis.blpop([f"{PREFIX}bell"], timeout=seconds))

    def _of(self, lease: Lease) -> dict[str, Any]:
        return {"conv": lease.conversation.customer, "token": lease.token}

    def _write(self, plan: Plan) -> dict[str, Any]:
        written: dict[str, Any] = {
            "what": plan.what,
            "fields": plan.fields,
            "keep_s": self._keep_s,
            "timers": plan.timers,
            "counts": plan.counts,
            "items": [
                {"id": item.id, "record": _json(item), "place": number / 1000} for number, item in enumerate(plan.items)
            ],
            "alerts": [_alert(alert) for alert in plan.alerts],
        }
        if plan.handoff:
            written["handoff"] = {
                "id": plan.handoff.id,
                "status": plan.handoff.status,
                "record": _json(plan.handoff),
                "score": _place(plan.handoff),
                "created": ms(plan.handoff.created_at),
                "search": search_line(plan.handoff),
                "draft_ms": self._draft_after_ms if wants_draft(plan) else None,
            }
        if plan.out:
            written["out"] = _element(plan.out)
        if plan.tally:
            written["tally"] = write_tally(plan.tally)
        return written

    def _must_not_be_forgotten(self, head: Head | None) -> bool:
        """Whether it would be sent twice if a failover forgot that it was handed out: a reply that was never tried.

        The next holder's reply would be refused, as the first one's token was used up; taken for a first try, that
        would make it a push. So the step is run again, the same and now durable, before the item is sent.
        """
        return self._store.replicated and head is not None and head.attempt.mode == "reply" and head.attempt.tries == 0

    async def _run(self, name: str, call: dict[str, Any], *, durable: bool = False) -> Any:
        return await self._store.run(name, msgspec.msgpack.encode(call), durable=durable or name in _DURABLE)


def _element(out: Outgoing) -> dict[str, str]:
    return {"id": out.id, "who": out.who, "key": out.key, "body": write_body(out)}


def _alert(alert: Alert) -> dict[str, str]:
    out = Outgoing(
        id=alert.id, who="alert", key="-", kind="alert", messages=(), bubbles=(), said_at=alert.at, alert=alert
    )
    return _element(out) | {"conv": alert.to}


def _place(handoff: HandoffRecord) -> int:
    """Where a handoff stands: what is urgent, then the longest unreplied first; of those that are done the newest."""
    if handoff.unreplied_since:
        return ms(handoff.unreplied_since) - (URGENT_MS if handoff.urgent else 0)
    return -ms(handoff.done_at) if handoff.done_at else NOBODY_WAITS_MS + ms(handoff.created_at)


def _json(record: msgspec.Struct) -> str:
    return msgspec.json.encode(record).decode()
