"""Looking after what is kept: dead letters that go back, and all that is known about one customer, shown or erased.

What changes something is one Lua script each (retry.lua, erase.lua), as in the mailbox.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal, cast

import msgspec

from service.adapters.audit import AUDIT_MS, note, sha256
from service.adapters.audit import entry as audit_entry
from service.adapters.photos import Photos
from service.adapters.store import PREFIX, Store
from service.adapters.suggestions import Suggestions
from service.adapters.traffic import recent_weeks
from service.core.additions import Suggestion
from service.core.auditing import Label
from service.core.events import read_webhook
from service.core.photos import NoPhoto, Photo
from service.core.sending import RETRY_PUSH_WITHIN_MS
from service.errors import NotFound, StoreUnavailable

_TIMEOUT_S = 10.0
_CHUNK = 500
_INDEXES = ("waiting", "active", "done")
_Entry = tuple[bytes, dict[bytes, bytes]]
Retried = Literal["done", "gone", "old", "full"]


class Letter(msgspec.Struct, frozen=True):
    """One dead letter. `body` is an event's JSON, or an element of the outbox (common.lua says how it is written)."""

    id: str
    conversation: str
    why: str
    body: str

    @property
    def is_event(self) -> bool:
        """Whether it is a message that could not be handled, not one that could not be sent."""
        return self.body.startswith("{")

    @property
    def at_ms(self) -> int:
        """When it was given up (Redis' ms): Redis makes the id of it."""
        return int(self.id.partition("-")[0])

    @property
    def said_at_ms(self) -> int:
        """When the customer wrote it, or what it replies to (ms)."""
        if self.is_event:
            return read_webhook(f'{{"events":[{self.body}]}}'.encode())[0].at
        return msgspec.json.decode(self.body.partition("\n")[2], type=_Said).said_at


class Erased(msgspec.Struct, frozen=True):
    """How much of each was deleted."""

    conversation: int
    waiting: int
    outgoing: int
    items: int
    handoffs: int
    dead: int
    timers: int
    live: int
    photos: int
    numbers: int
    suggestions: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept about a customer, as it stands in Redis.

    `timers` are names with their due times (ms), `photos` go by their message's id.
    """

    fields: dict[str, str]
    waiting: list[str]
    outgoing: list[str]
    items: list[bytes]
    handoffs: list[bytes]
    letters: list[Letter]
    timers: dict[str, int]
    photos: dict[str, Photo | NoPhoto]
    labels: list[Label]
    suggestions: list[Suggestion]


class _Said(msgspec.Struct):
    said_at: int


class _Owned(msgspec.Struct):
    customer: str


class Caretaker:
    """What an engineer does by command, and an owner in the inbox.

    Raises StoreUnavailable when Redis is away, NotFound for somebody unknown.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._call = store.call

    async def letters(self) -> list[Letter]:
        """Read all dead letters, the oldest first."""
        return [
            Letter(entry.decode(), *(fields[name].decode() for name in (b"conv", b"why", b"body")))
            async for entry, fields in self._entries("dead")
        ]

    async def retry(self, letter: Letter, *, force: bool) -> Retried:
        """RETRY: put a dead letter back where it came from. `force`: even when LINE may have forgotten its key."""
        call: dict[str, Any] = {
            "letter": letter.id,
            "conv": letter.conversation,
            "at": letter.said_at_ms,
            "within_ms": RETRY_PUSH_WITHIN_MS,
            "force": force,
        }
        call |= {"event": _event_id(letter), "raw": letter.body} if letter.is_event else {"item": _item(letter.body)}
        return (await self._store.run("retry", msgspec.msgpack.encode(call), durable=True)).decode()

    async def kept(self, customer: str) -> Kept:
        """Read all that is kept about a customer."""
        fields = cast("dict[bytes, bytes]", await self._call(lambda redis: redis.hgetall(f"{PREFIX}conv:{customer}")))
        talk = cast("list[bytes]", await self._call(lambda redis: redis.zrange(f"{PREFIX}talk:{customer}", 0, -1)))
        kept = Kept(
            fields={name.decode(): value.decode() for name, value in fields.items()},
            waiting=await self._list(f"box:{customer}"),
            outgoing=await self._list(f"out:{customer}"),
            items=[raw async for _, raw in self._records("item", talk)],
            handoffs=[raw for _, raw in await self._handoffs(customer)],
            letters=[letter for letter in await self.letters() if letter.conversation == customer],
            timers=await self._timers(customer),
            photos=await Photos(self._store).album(customer),
            labels=await self._labels(customer),
            suggestions=[each for each in await Suggestions(self._store).all() if each.customer == customer],
        )
        if not any(msgspec.structs.astuple(kept)):
            raise NotFound(f"nothing is kept about {customer}")
        return kept

    async def erase(self, customer: str, *, who: str) -> Erased:
        """ERASE: delete all that is kept about a customer, and write that down without naming them.

        What takes long is looked for before; the script itself looks only at what came since.
        """
        await self.kept(customer)
        dead, dead_end = await self._mentions("dead", customer)
        live, live_end = await self._mentions("live", customer)
        call = {
            "conv": customer,
            "handoffs": [handoff for handoff, _ in await self._handoffs(customer)],
            "dead": dead,
            "dead_end": dead_end,
            "live": live,
            "live_end": live_end,
            "weeks": recent_weeks(datetime.now(UTC).date()),
            "who": who,
            # LINE's user ids hold 128 random bits: nobody finds one by trying.
            "customer_hash": sha256(customer),
            "audit_ms": AUDIT_MS,
        }
        return Erased(*await self._store.run("erase", msgspec.msgpack.encode(call), durable=True))

    async def note_export(self, customer: str, *, who: str) -> None:
        """Write down that somebody has had all that is kept, without naming the customer."""
        fields = audit_entry(who, "customer export", datetime.now(UTC), customer_hash=sha256(customer))
        await self._call(lambda redis: note(redis, fields))

    async def rewrite_log(self) -> str:
        """Have Redis write its append-only file anew, without what was deleted. Returns why not, empty when it will."""
        try:
            info = cast("dict[str, Any]", await self._call(lambda redis: redis.info("persistence")))
            if info["aof_enabled"]:
                await self._call(lambda redis: redis.bgrewriteaof())
        except StoreUnavailable as error:
            return str(error)
        return "" if info["aof_enabled"] else "it keeps none"

    async def _entries(self, stream: str) -> AsyncIterator[_Entry]:
        start = "-"
        while True:
            found = cast("list[_Entry]", await self._range(f"{PREFIX}{stream}", start))
            for entry in found:
                yield entry
            if len(found) < _CHUNK:
                return
            start = f"({found[-1][0].decode()}"

    async def _range(self, name: str, start: str) -> Any:
        return await self._call(lambda redis: redis.xrange(name, min=start, count=_CHUNK))

    async def _mentions(self, stream: str, customer: str) -> tuple[list[str], str]:
        """Find a stream's entries about a customer; gives their ids, and the id up to which was looked."""
        found, end = list[str](), "0-0"
        async for entry, fields in self._entries(stream):
            end = entry.decode()
            if fields[b"conv"].decode() == customer:
                found.append(end)
        return found, end

    async def _handoffs(self, customer: str) -> list[tuple[str, bytes]]:
        """Find a customer's handoffs, open and closed. They move between the indexes in the order these are read."""
        ids: dict[bytes, None] = {}
        for status in _INDEXES:
            ids |= dict.fromkeys(await self._members(f"{PREFIX}handoffs:{status}"))
        return [
            (handoff.decode(), raw)
            async for handoff, raw in self._records("handoff", list(ids))
            if msgspec.json.decode(raw, type=_Owned).customer == customer
        ]

    async def _members(self, index: str) -> list[bytes]:
        return cast("list[bytes]", await self._call(lambda redis: redis.zrange(index, 0, -1)))

    async def _records(self, kind: str, ids: Sequence[bytes]) -> AsyncIterator[tuple[bytes, bytes]]:
        """Read records by id, a few at a time; those whose retention has ended are left out."""
        for chunk in _chunks(ids):
            for record_id, raw in zip(chunk, await self._read(kind, chunk), strict=True):
                if raw is not None:
                    yield record_id, raw

    async def _read(self, kind: str, ids: Sequence[bytes]) -> "list[bytes | None]":
        keys = [f"{PREFIX}{kind}:{record_id.decode()}" for record_id in ids]
        return cast("list[bytes | None]", await self._call(lambda redis: redis.mget(keys)))

    async def _list(self, name: str) -> list[str]:
        elements = cast("list[bytes]", await self._call(lambda redis: redis.lrange(f"{PREFIX}{name}", 0, -1)))
        return [element.decode() for element in elements]

    async def _labels(self, customer: str) -> list[Label]:
        members = await self._members(f"{PREFIX}labels")
        turns = [
            turn
            for conversation, _, turn in (member.partition(b" ") for member in members)
            if conversation.decode() == customer
        ]
        return [msgspec.json.decode(raw, type=Label) async for _, raw in self._records("label", turns)]

    async def _timers(self, customer: str) -> dict[str, int]:
        pairs = await self._call(lambda redis: redis.zrange(f"{PREFIX}timers", 0, -1, withscores=True))
        timers = [(timer.decode().split(" "), due) for timer, due in cast("list[tuple[bytes, float]]", pairs)]
        return {name: int(due) for (conversation, name), due in timers if conversation == customer}


@asynccontextmanager
async def open_caretaker(redis_url: str) -> AsyncGenerator[Caretaker]:
    """Connect for a command that ends soon."""
    async with Store(redis_url, timeout_s=_TIMEOUT_S) as store:
        yield Caretaker(store)


def _chunks(ids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def _event_id(letter: Letter) -> str:
    """Name the event in its mailbox: as before, when nobody ever decided about it.

    About a poisonous one somebody did: its notice went out under an id and a retry key made of the event's id. LINE
    would take an answer with the same key for that notice, and never show it. So it comes back under a name of its own.
    """
    event_id = read_webhook(f'{{"events":[{letter.body}]}}'.encode())[0].id
    return event_id if letter.why == "overflow" else f"{event_id}~{letter.id}"


def _item(element: str) -> str:
    """Write an element of the outbox anew: free for the next lease, with its retry key and its tries.

    The tries stay, so that a reply which may have been sent is never made a push. The handoff that was to take its
    place if it failed goes: that was opened when it died.
    """
    head, _, body = element.partition("\n")
    item_id, who, mode, key, tries, first_try, _, token, token_at = head.split(" ")
    fields = msgspec.json.decode(body, type=dict[str, Any]) | {"fallback": None}
    return (
        f"{item_id} {who} {mode} {key} {tries} {first_try} - {token} {token_at}\n{msgspec.json.encode(fields).decode()}"
    )
