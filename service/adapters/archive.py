"""What was recorded, for those who read it: handoffs, talks, tokens. Nothing here changes a conversation."""

import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args

import msgspec
from redis.asyncio import Redis

from service.adapters.lease import Waiting, read_conversation, read_waiting
from service.adapters.listing import Lists
from service.adapters.mailbox import NOBODY_WAITS_MS, URGENT_MS
from service.adapters.store import PREFIX, Store
from service.adapters.vitals import QUOTA_FIELDS, read_quota
from service.core.calibration import CalibrationState
from service.core.conversation import Conversation
from service.core.insights import Answering
from service.core.quota import is_short, left_of, of_month
from service.core.records import HandoffRecord, HandoffStatus, Item, MessageItem, utc
from service.core.searching import ANYTHING, Wanted
from service.core.sending import TOKEN_IS_FRESH_MS
from service.core.shop import DEFAULT_SHOP, Shop, TodayHours
from service.core.switches import Switches
from service.errors import NotFound

TALK_LENGTH = 200
_LOOK_BACK = 30
Scope = Literal["read", "write"]
ALL_SCOPES: tuple[Scope, ...] = get_args(Scope)


class ApiToken(msgspec.Struct, frozen=True):
    """Who a token belongs to, and what it is good for. The token itself is not kept: its hash is the record's key."""

    name: str
    created_at: datetime
    scopes: tuple[Scope, ...] = ALL_SCOPES


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """How the shop stands.

    `worker_at` is when a worker was here last, `knowledge` the version of the FAQ that it answers from, `calibration`
    what its calibration is worth (`Knowledge.calibration_state`).
    `oldest_unreplied` is since when the customer waits who has waited longest. All times by Redis' clock.
    """

    now: datetime
    worker_at: datetime | None
    knowledge: str | None
    calibration: CalibrationState | None
    waiting: int
    active: int
    oldest_unreplied: datetime | None


class Price(msgspec.Struct, frozen=True):
    """What a reply costs: nothing for `free_ms` more, until LINE's reply token is too old; then one message.

    `left` is how many of the month's messages are left, None where there is no limit or nobody has asked. `short`:
    so few that another way should be taken.
    """

    free_ms: int
    left: int | None
    short: bool = False


class Archive:
    """Reads records. Raises StoreUnavailable when Redis is away, NotFound where a record is missing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._call = store.call
        self._lists = Lists(store)

    async def signing_key(self) -> bytes:
        """The shop's random key for buttons: made once, the same for all workers."""
        name = f"{PREFIX}shop"
        # Read first: a full Redis refuses to write, and a worker that starts then must find its key all the same.
        if not (found := await self._call(lambda redis: redis.hget(name, "signing_key"))):
            await self._call(lambda redis: redis.hsetnx(name, "signing_key", secrets.token_hex(32)))
            found = await self._call(lambda redis: redis.hget(name, "signing_key"))
        return cast("bytes", found)

    async def price(self, customer: str) -> Price:
        """Say what a reply to this customer costs."""

        def ask(redis: Redis) -> Awaitable[list[Any]]:
            pipe = redis.pipeline(transaction=False)
            pipe.hmget(f"{PREFIX}conv:{customer}", "token", "token_at")
            pipe.hmget(f"{PREFIX}shop", *QUOTA_FIELDS)
            pipe.time()
            return pipe.execute()

        (token, token_at), noted, (seconds, micros) = await self._call(ask)
        now = seconds * 1000 + micros // 1000
        quota = of_month(read_quota(noted), utc(now))
        free_ms = max(0, TOKEN_IS_FRESH_MS - now + int(token_at or b"0")) if token else 0
        return Price(free_ms, left_of(quota), is_short(quota))

    async def conversation(self, customer: str) -> Conversation:
        """Read a conversation's state. Raises NotFound for somebody who never wrote."""
        raw = cast("dict[bytes, bytes]", await self._call(lambda redis: redis.hgetall(f"{PREFIX}conv:{customer}")))
        if not raw:
            raise NotFound(f"no conversation with {customer}")
        return read_conversation(customer, {name.decode(): value.decode() for name, value in raw.items()})

    async def talk(self, customer: str) -> list[Item]:
        """Read the newest items of a talk (at most 200), oldest first."""
        return (await self.talk_before(customer, "", TALK_LENGTH))[0]

    async def talk_before(self, customer: str, cursor: str, count: int) -> tuple[list[Item], str | None]:
        """Read the last `count` items of a talk before those of another page, oldest first, and the cursor of the rest.

        `cursor` is empty for the newest; it names the oldest item shown. One whose retention has ended ends the talk.
        """
        name = f"{PREFIX}talk:{customer}"
        end = 0
        if cursor:
            behind = cast("int | None", await self._call(lambda redis: redis.zrevrank(name, cursor)))
            if behind is None:
                return [], None
            end = behind + 1
        ids = cast("list[bytes]", await self._call(lambda redis: redis.zrevrange(name, end, end + count)))
        page = ids[:count][::-1]
        items = [msgspec.json.decode(raw, type=Item) for raw in await self._many("item", page)]
        return items, page[0].decode() if len(ids) > count else None

    async def last_turn(self, customer: str) -> list[MessageItem]:
        """Read the messages of the last turn in which the customer wrote something."""
        cursor: str | None = ""
        said: list[MessageItem] = []
        while cursor is not None and not said:
            items, cursor = await self.talk_before(customer, cursor, _LOOK_BACK)
            said = [item for item in items if isinstance(item, MessageItem)]
        if not said:
            return []
        more, _ = await self.talk_before(customer, said[0].id, _LOOK_BACK)
        return [item for item in (*more, *said) if isinstance(item, MessageItem) and item.turn == said[-1].turn]

    async def box(self, customer: str) -> list[Waiting]:
        """Read what still waits to be decided."""
        found = cast("list[bytes]", await self._call(lambda redis: redis.lrange(f"{PREFIX}box:{customer}", 0, -1)))
        return [read_waiting(element.decode()) for element in found]

    async def carried_out(self, key: str) -> str | None:
        """Say what was done under an Idempotency-Key (its hash): the hash of what was asked, and the action's id."""
        found = cast("bytes | None", await self._call(lambda redis: redis.get(f"{PREFIX}idem:{key}")))
        return found.decode() if found else None

    async def item(self, item_id: str) -> Item:
        """Read one item of a talk."""
        return msgspec.json.decode(await self._one(f"{PREFIX}item:{item_id}"), type=Item)

    async def handoff(self, handoff_id: str) -> HandoffRecord:
        """Read one handoff."""
        return msgspec.json.decode(await self._one(f"{PREFIX}handoff:{handoff_id}"), type=HandoffRecord)

    async def history(self, customer: str) -> list[HandoffRecord]:
        """Read a customer's handoffs, open and closed (at most 100), the newest first."""
        name = f"{PREFIX}history:{customer}"
        ids = cast("list[bytes]", await self._call(lambda redis: redis.zrevrange(name, 0, -1)))
        return [msgspec.json.decode(raw, type=HandoffRecord) for raw in await self._many("handoff", ids)]

    async def handoffs(
        self, status: HandoffStatus, cursor: str, count: int, wanted: Wanted = ANYTHING
    ) -> tuple[list[HandoffRecord], str | None]:
        """Read up to `count` handoffs of a status behind a cursor ("" for the first page), and the cursor of the rest.

        The urgent come first, then the longest unreplied; of those that are done the newest. Where few are wanted, a
        page ends after so many were looked at: it may hold fewer, and have one that follows.
        Raises ValueError for a cursor that is not ours.
        """
        ids, following = await self._lists.page(status, cursor, count, wanted)
        records = await self._many("handoff", [handoff.encode() for handoff in ids])
        return [msgspec.json.decode(raw, type=HandoffRecord) for raw in records], following

    async def shop(self) -> Shop:
        """Read the shop as a worker answers from it; the defaults while none has been here yet."""
        found = cast("bytes | None", await self._call(lambda redis: redis.hget(f"{PREFIX}shop", "facts")))
        return msgspec.json.decode(found, type=Shop) if found else DEFAULT_SHOP

    async def answering(self) -> Answering | None:
        """Read what a worker has said of the knowledge that it answers from; None while none has."""
        found = cast("bytes | None", await self._call(lambda redis: redis.hget(f"{PREFIX}shop", "answering")))
        return msgspec.json.decode(found, type=Answering) if found else None

    async def switches(self) -> Switches:
        """Read what staff have set for everybody."""
        paused, today = await self._call(lambda redis: redis.hmget(f"{PREFIX}shop", "paused", "today"))
        return Switches(bool(paused), msgspec.json.decode(today, type=TodayHours) if today else None)

    async def paused(self, customers: Sequence[str]) -> set[str]:
        """Say for which of these customers automatic answers are off."""

        def ask(redis: Redis) -> Awaitable[list[Any]]:
            pipe = redis.pipeline(transaction=False)
            for customer in customers:
                pipe.hexists(f"{PREFIX}conv:{customer}", "paused")
            return pipe.execute()

        found: list[bool] = await self._call(ask) if customers else []
        return {customer for customer, is_paused in zip(customers, found, strict=True) if is_paused}

    async def situation(self) -> Situation:
        """Say how the shop stands: is anybody at work, how many wait, and since when."""

        def ask(redis: Redis) -> Awaitable[list[Any]]:
            pipe = redis.pipeline(transaction=False)
            for status in ("waiting", "active"):
                pipe.zcard(f"{PREFIX}handoffs:{status}")
                for first in ("-inf", 0):  # the urgent ones stand below 0
                    pipe.zrangebyscore(f"{PREFIX}handoffs:{status}", first, "+inf", start=0, num=1, withscores=True)
            pipe.get(f"{PREFIX}beat")
            pipe.hmget(f"{PREFIX}shop", "knowledge", "calibration")
            pipe.time()
            return pipe.execute()

        waiting, *first, active, third, fourth, beat, noted, (seconds, micros) = await self._call(ask)
        scores = [int(score) for _, score in (*first[0], *first[1], *third, *fourth) if score < NOBODY_WAITS_MS]
        since = [score + URGENT_MS if score < 0 else score for score in scores]
        knowledge, calibration = (value.decode() if value else None for value in noted)
        return Situation(
            now=utc(seconds * 1000 + micros // 1000),
            worker_at=utc(int(float(beat))) if beat else None,
            knowledge=knowledge,
            calibration=cast("CalibrationState | None", calibration),
            waiting=waiting,
            active=active,
            oldest_unreplied=utc(min(since)) if since else None,
        )

    async def add_token(self, name: str, scopes: Sequence[Scope] = ALL_SCOPES) -> str:
        """Make an API token for `name` and return it. It is shown once and cannot be read again."""
        token = f"henji_{secrets.token_urlsafe(32)}"
        record = msgspec.json.encode(ApiToken(name, datetime.now(UTC), tuple(dict.fromkeys(scopes))))
        await self._call(lambda redis: redis.set(_token_key(token), record))
        return token

    async def token_owner(self, token: str) -> ApiToken:
        """Say whose token this is. Raises NotFound for a token that was never made or was revoked."""
        return msgspec.json.decode(await self._one(_token_key(token)), type=ApiToken)

    async def tokens(self) -> dict[str, ApiToken]:
        """List all tokens: a short id of each, and its owner."""
        return {token_id: owner for token_id, (_, owner) in (await self._tokens()).items()}

    async def revoke_token(self, name_or_id: str) -> int:
        """Delete every token with this name or short id. Returns how many there were."""
        found = await self._tokens()
        doomed = [key for token_id, (key, owner) in found.items() if name_or_id in (owner.name, token_id)]
        return cast("int", await self._call(lambda redis: redis.delete(*doomed))) if doomed else 0

    async def _tokens(self) -> dict[str, tuple[bytes, ApiToken]]:
        start = f"{PREFIX}token:"
        found: dict[str, tuple[bytes, ApiToken]] = {}
        async with self._store.master() as redis:
            async for key in cast("AsyncIterator[bytes]", redis.scan_iter(f"{start}*")):
                if raw := await redis.get(key):
                    found[key.decode()[len(start) :][:12]] = (key, msgspec.json.decode(raw, type=ApiToken))
        return dict(sorted(found.items(), key=lambda pair: pair[1][1].created_at))

    async def _one(self, key: str) -> bytes:
        raw = cast("bytes | None", await self._call(lambda redis: redis.get(key)))
        if raw is None:
            raise NotFound(f"there is no such {key.removeprefix(PREFIX).split(':')[0]}")
        return raw

    async def _many(self, kind: str, ids: list[bytes]) -> list[bytes]:
        """Read records by id; those whose retention has ended are left out."""
        if not ids:
            return []
        keys = [f"{PREFIX}{kind}:{record_id.decode()}" for record_id in ids]
        found = cast("list[bytes | None]", await self._call(lambda redis: redis.mget(keys)))
        return [raw for raw in found if raw is not None]


def _token_key(token: str) -> str:
    # A random 256-bit token needs no salt and no slow hash: nobody can guess its preimage.
    return f"{PREFIX}token:{hashlib.sha256(token.encode()).hexdigest()}"
