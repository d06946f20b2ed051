"""A shop in Redis for what staff do: a customer has asked for a person, workers decide when they are told to."""

import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from redis.asyncio import Redis

from service.adapters.archive import Archive
from service.adapters.lease import Lease
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store, connect
from service.core.conversation import Conversation, make_turn
from service.core.decisions import Handoff, Silent
from service.core.events import Event, Incoming, read_event
from service.core.plan import carry_out
from service.core.records import HandoffRecord, utc
from service.core.triage import triage
from service.staffing import Desk
from tests.support.shop import CUSTOMER, circumstances, make_shop

SHOP = make_shop()
Meanwhile = Callable[[], Awaitable[object]]


class Interrupted(Archive):
    """Reads as ever, but lets something happen right after a read: `after` holds what, by the kind of record."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.after: dict[str, list[Meanwhile]] = {"handoff": [], "conversation": []}

    async def handoff(self, handoff_id: str) -> HandoffRecord:
        record = await super().handoff(handoff_id)
        await self._let_happen("handoff")
        return record

    async def conversation(self, customer: str) -> Conversation:
        conversation = await super().conversation(customer)
        await self._let_happen("conversation")
        return conversation

    async def _let_happen(self, kind: str) -> None:
        if self.after[kind]:
            await self.after[kind].pop(0)()


class Shop:
    """A shop whose customer has asked for a person: handoff `id` waits."""

    def __init__(self, redis: Redis, store: Store) -> None:
        self.redis = redis
        self.store = store
        self.mailbox = Mailbox(store, keep_days=180)
        self.archive = Archive(store)
        self.reading = Interrupted(store)
        self.desk = Desk(self.reading, self.mailbox)
        self.other = Desk(self.archive, self.mailbox)
        self.id = ""

    async def write(self, text: str) -> str:
        """Let the customer write, and a worker decide. Returns the id of the message."""
        lease = await self.begin(text)
        given = circumstances(
            *events_of(lease),
            knowledge=SHOP,
            conversation=lease.conversation,
            handoff=lease.handoff,
            now=utc(lease.now),
        )
        turn = make_turn(given.events)
        decision = triage(turn, SHOP, lease.conversation, utc(lease.now))
        assert isinstance(decision, Handoff | Silent)
        status, head = await self.mailbox.commit(lease, turn, carry_out(decision, turn, given))
        assert status == "done"
        while head:
            head = await self.mailbox.sent(lease, head, "done")
        return turn.events[-1]

    async def put(self, text: str) -> None:
        """Let the customer write; nobody has looked yet."""
        number, now = secrets.token_hex(4), time.time_ns() // 1_000_000
        raw = {
            "type": "message",
            "timestamp": now,
            "source": {"type": "user", "userId": CUSTOMER},
            "message": {"id": number, "type": "text", "text": text},
        }
        written = msgspec.json.encode(raw).decode()
        await self.mailbox.put([Incoming(number, CUSTOMER, written, now, f"token-{number}", "")])

    async def begin(self, text: str) -> Lease:
        """Let the customer write, and a worker begin to decide."""
        await self.put(text)
        lease = await self.mailbox.take(secrets.token_hex(16))
        assert lease is not None
        return lease

    async def handoff(self) -> HandoffRecord:
        return await self.archive.handoff(self.id)

    async def conversation(self) -> Conversation:
        return await self.archive.conversation(CUSTOMER)

    async def outbox(self) -> int:
        return int(await self.redis.llen(f"{PREFIX}out:{CUSTOMER}"))


def events_of(lease: Lease) -> tuple[Event, ...]:
    return tuple(read_event(waiting.id, waiting.raw) for waiting in lease.box)


@asynccontextmanager
async def open_shop(redis_url: str) -> AsyncGenerator[Shop]:
    async with connect(redis_url, timeout_s=5) as redis, Store(redis_url, timeout_s=5) as store:
        shop = Shop(redis, store)
        await shop.write("スタッフと話したい")
        (record,), _ = await shop.archive.handoffs("waiting", "", 10)
        shop.id = record.id
        yield shop
