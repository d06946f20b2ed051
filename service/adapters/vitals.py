"""How the whole service stands, in numbers: what Redis counted and holds, and what workers have noted there.

The web process shows it (/metrics, /health/ready) and asks nobody but Redis: what only a worker knows, the knowledge
it answers from and the quota at LINE, stands in `{henji}:shop`.
"""

from collections import Counter
from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from redis.asyncio import Redis

from service.adapters.store import PREFIX, Store
from service.core.quota import Quota
from service.core.records import ms, utc
from service.core.spending import ModelState, read_state

ASK_QUOTA_EVERY_S = 300
QUOTA_FIELDS = ("quota_limit", "quota_used", "quota_at", "quota_refused_at")
_HOUR_MS = 3_600_000
_NOTHING = msgspec.msgpack.encode({})


class Readiness(msgspec.Struct, frozen=True):
    """What PROBE found, having written. `heartbeat_ms` is how long ago a worker was here, None for never.

    `knowledge` is the version that a worker answers from, empty when none has said. `model` is None while none was
    asked.
    """

    heartbeat_ms: int | None
    knowledge: str
    model: ModelState | None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One look at everything. Ages are milliseconds, 0 where there is nothing; `None` is not known.

    `counts` are by the names of service/core/counting.py. `due`, `parked` and `leased` are conversations in which
    something waits. `calibration` is the state of the knowledge's (empty when none has said). `quota_at` (Redis' ms, as
    `now`) is when LINE was asked.
    """

    now: int
    counts: dict[str, int]
    due: int
    parked: int
    leased: int
    oldest_message_ms: int
    oldest_unsent_ms: int
    waiting: int
    active: int
    done: int
    oldest_unreplied_ms: int
    dead: int
    heartbeat_ms: int | None
    knowledge: str
    calibration: str
    entries: int | None
    quota_limit: int | None
    quota_used: int | None
    quota_at: int | None
    model: ModelState | None


class Vitals:
    """Reads how it stands, and notes the quota. Raises StoreUnavailable when Redis is away, full or slow."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def probe(self) -> Readiness:
        """PROBE: write as the webhook does. Behind Sentinel or in a Cluster a replica must have it, too."""
        now, beat, knowledge, model = await self._store.run("probe", _NOTHING, durable=True)
        fields = [field.decode() if field else None for field in model]
        return Readiness(now - int(beat) if beat else None, knowledge.decode(), read_state(fields, now))

    async def read(self) -> Reading:
        """VITALS: look at everything, in one step that reads only."""
        taken: dict[str, Any] = msgspec.msgpack.decode(await self._store.run("vitals", _NOTHING))
        counts, beat, shop = taken.pop("counts"), taken.pop("beat"), taken.pop("shop")
        model = read_state(taken.pop("model"), taken["now"])
        knowledge, calibration, *numbers = shop
        entries, limit, used, at = (int(number) if number else None for number in numbers)
        return Reading(
            **taken,
            counts={name: int(count) for name, count in zip(counts[::2], counts[1::2], strict=True)},
            heartbeat_ms=taken["now"] - int(beat) if beat else None,
            knowledge=knowledge or "",
            calibration=calibration or "",
            entries=entries,
            quota_limit=limit,
            quota_used=used,
            quota_at=at,
            model=model,
        )

    async def quota(self) -> Quota:
        """Say how it stands with this month's messages, as far as LINE has said."""
        return read_quota(await self._store.call(lambda redis: redis.hmget(f"{PREFIX}shop", *QUOTA_FIELDS)))

    async def turns_since(self, start: datetime, now: datetime) -> dict[str, int]:
        """Sum up what was counted between two times of Redis' clock, at most a day, by whole hours."""
        hours = range(ms(start) // _HOUR_MS, ms(now) // _HOUR_MS + 1)

        def ask(redis: Redis) -> Awaitable[list[dict[bytes, bytes]]]:
            pipe = redis.pipeline(transaction=False)
            for hour in hours:
                pipe.hgetall(f"{PREFIX}turns:{hour}")
            return pipe.execute()

        summed: Counter[str] = Counter()
        for counted in cast("list[dict[bytes, bytes]]", await self._store.call(ask)):
            summed.update({name.decode(): int(count) for name, count in counted.items()})
        return dict(summed)

    async def may_ask_quota(self) -> bool:
        """Say whether it is this worker's turn to ask LINE: one every five minutes, however many there are."""
        asked = self._store.call(lambda redis: redis.set(f"{PREFIX}asking", "1", nx=True, ex=ASK_QUOTA_EVERY_S))
        return bool(await asked)

    async def note_quota(self, limit: int | None, used: int) -> None:
        """Note what LINE said about this month's pushes: how many there may be (None: no limit), how many were sent."""
        seconds, microseconds = cast("tuple[int, int]", await self._store.call(lambda redis: redis.time()))
        at = seconds * 1000 + microseconds // 1000
        noted = ["quota_limit", "" if limit is None else limit, "quota_used", used, "quota_at", at]
        await self._store.call(lambda redis: redis.hset(f"{PREFIX}shop", items=noted))


def read_quota(noted: Sequence[bytes | None]) -> Quota:
    """Read the fields that QUOTA_FIELDS names."""
    limit, used, at, refused_at = (int(number) if number else None for number in noted)
    return Quota(limit, used or 0, utc(at) if at else None, utc(refused_at) if refused_at else None)
