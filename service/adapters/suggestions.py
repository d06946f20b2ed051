"""What staff suggest for the FAQ, until an owner has decided. They go with their customer's other records."""

from datetime import datetime
from typing import cast

import msgspec
from redis.asyncio import Redis

from service.adapters.audit import entry, ms, note
from service.adapters.store import PREFIX, Store
from service.core.additions import Suggestion
from service.errors import NotFound

MOST = 200
_INDEX = f"{PREFIX}suggestions"


class Suggestions:
    """Keeps the newest `MOST`. Raises StoreUnavailable when Redis is away."""

    def __init__(self, store: Store) -> None:
        self._call = store.call

    async def save(self, suggestion: Suggestion, *, keep_days: int) -> None:
        """Keep one, for so long at most; one with the same id is replaced."""

        async def write(redis: Redis) -> None:
            pipe = redis.pipeline(transaction=True)
            name = _key(suggestion.id)
            record = msgspec.json.encode(suggestion).decode()
            pipe.hset(name, mapping={"conv": suggestion.customer, "record": record})
            pipe.expire(name, keep_days * 86_400)
            pipe.zadd(_INDEX, {suggestion.id: ms(suggestion.at)})
            pipe.zremrangebyrank(_INDEX, 0, -MOST - 1)
            note(pipe, entry(suggestion.by, "faq_suggest", suggestion.at, suggestion=suggestion.id))
            await pipe.execute()

        await self._call(write)

    async def all(self) -> list[Suggestion]:
        """Read all, the oldest first."""
        ids = cast("list[bytes]", await self._call(lambda redis: redis.zrange(_INDEX, 0, -1)))

        async def read(redis: Redis) -> list[bytes | None]:
            pipe = redis.pipeline(transaction=False)
            for each in ids:
                pipe.hget(_key(each.decode()), "record")
            return await pipe.execute()

        records = cast("list[bytes | None]", await self._call(read)) if ids else []
        if gone := [each for each, record in zip(ids, records, strict=True) if record is None]:
            await self._call(lambda redis: redis.zrem(_INDEX, *gone))
        return [msgspec.json.decode(record, type=Suggestion) for record in records if record]

    async def find(self, suggestion_id: str) -> Suggestion:
        """Read one. Raises NotFound when somebody has decided about it already."""
        record = cast("bytes | None", await self._call(lambda redis: redis.hget(_key(suggestion_id), "record")))
        if record is None:
            raise NotFound("there is no such suggestion (any more)")
        return msgspec.json.decode(record, type=Suggestion)

    async def remove(self, suggestion_id: str) -> None:
        """Forget one: it was decided about."""

        async def write(redis: Redis) -> None:
            pipe = redis.pipeline(transaction=True)
            pipe.delete(_key(suggestion_id))
            pipe.zrem(_INDEX, suggestion_id)
            await pipe.execute()

        await self._call(write)

    async def log(self, who: str, what: str, at: datetime, **more: str) -> None:
        """Write into the audit log what somebody did about the FAQ."""
        await self._call(lambda redis: note(redis, entry(who, what, at, **more)))


def _key(suggestion_id: str) -> str:
    return f"{PREFIX}suggestion:{suggestion_id}"
