"""What was recorded, for those who read it: handoffs, talks, tokens. Nothing here changes a conversation."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import cast

import msgspec

from service.adapters.lease import read_conversation
from service.adapters.store import PREFIX, Store
from service.core.conversation import Conversation
from service.core.records import HandoffRecord, HandoffStatus, Item
from service.errors import NotFound

TALK_LENGTH = 200
_CHUNK = 100


class ApiToken(msgspec.Struct, frozen=True):
    """Who a token belongs to. The token itself is not kept, only its hash is the record's key."""

    name: str
    created_at: datetime


class Archive:
    """Reads records. Raises StoreUnavailable when Redis is away, NotFound where a record is missing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._call = store.call

    async def ping(self) -> None:
        """Raise StoreUnavailable unless Redis answers."""
        await self._call(lambda redis: redis.ping())

    async def signing_key(self) -> bytes:
        """The shop's random key for buttons: made once, the same for all workers."""
        name = f"{PREFIX}shop"
        await self._call(lambda redis: redis.hsetnx(name, "signing_key", secrets.token_hex(32)))
        return cast("bytes", await self._call(lambda redis: redis.hget(name, "signing_key")))

    async def conversation(self, customer: str) -> Conversation:
        """Read a conversation's state. Raises NotFound for somebody who never wrote."""
        raw = cast("dict[bytes, bytes]", await self._call(lambda redis: redis.hgetall(f"{PREFIX}conv:{customer}")))
        if not raw:
            raise NotFound(f"no conversation with {customer}")
        return read_conversation(customer, {name.decode(): value.decode() for name, value in raw.items()})

    async def talk(self, customer: str) -> list[Item]:
        """Read the newest items of a talk (at most 200), oldest first."""
        name = f"{PREFIX}talk:{customer}"
        ids = cast("list[bytes]", await self._call(lambda redis: redis.zrange(name, -TALK_LENGTH, -1)))
        return [msgspec.json.decode(raw, type=Item) for raw in await self._many("item", ids)]

    async def item(self, item_id: str) -> Item:
        """Read one item of a talk."""
        return msgspec.json.decode(await self._one(f"{PREFIX}item:{item_id}"), type=Item)

    async def handoff(self, handoff_id: str) -> HandoffRecord:
        """Read one handoff."""
        return msgspec.json.decode(await self._one(f"{PREFIX}handoff:{handoff_id}"), type=HandoffRecord)

    async def handoffs(self, status: HandoffStatus, cursor: str, count: int) -> tuple[list[HandoffRecord], str | None]:
        """Read up to `count` handoffs of a status, the longest unreplied first, and the cursor of what follows.

        `cursor` is empty for the first page. It names the last record shown, so records that come and go meanwhile
        neither repeat nor hide others. Raises ValueError for a cursor that is not ours.
        """
        name = f"{PREFIX}handoffs:{status}"
        score, _, last = cursor.partition("-")
        first = int(score) if cursor else 0
        if cursor and not last:
            raise ValueError(cursor)
        # Records with the very same time as the last one shown stand before or after it: those before are passed over.
        rows: list[tuple[int, str]] = []
        start, ended = 0, False
        while len(rows) <= count and not ended:
            found = await self._after(name, first, start)
            read = [(int(at), key.decode()) for key, at in found]
            rows += [row for row in read if not cursor or row > (first, last)]
            start, ended = start + len(found), len(found) < _CHUNK
        page = rows[:count]
        records = await self._many("handoff", [key.encode() for _, key in page])
        following = f"{page[-1][0]}-{page[-1][1]}" if len(rows) > count else None
        return [msgspec.json.decode(raw, type=HandoffRecord) for raw in records], following

    async def add_token(self, name: str) -> str:
        """Make an API token for `name` and return it. It is shown once and cannot be read again."""
        token = f"henji_{secrets.token_urlsafe(32)}"
        record = msgspec.json.encode(ApiToken(name, datetime.now(UTC)))
        await self._call(lambda redis: redis.set(_token_key(token), record))
        return token

    async def token_owner(self, token: str) -> str:
        """Say whose token this is. Raises NotFound for a token that was never made or was revoked."""
        return msgspec.json.decode(await self._one(_token_key(token)), type=ApiToken).name

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

    async def _after(self, name: str, first: int, start: int) -> list[tuple[bytes, float]]:
        """Read a stretch of an index, from a score on, past the first `start` members."""
        return cast(
            "list[tuple[bytes, float]]",
            await self._call(
                lambda redis: redis.zrangebyscore(name, first, "+inf", start=start, num=_CHUNK, withscores=True)
            ),
        )

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
