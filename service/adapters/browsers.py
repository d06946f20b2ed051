"""The browsers that staff are notified in, kept in one hash, and our pair of keys for them (VAPID, RFC 8292)."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

import msgspec
from redis.asyncio import Redis

from service.adapters.audit import entry, note, sha256
from service.adapters.store import PREFIX, Store
from service.core.browsers import MOST_IN_ALL, MOST_OF_ONE, Browser

_BROWSERS = f"{PREFIX}push"
_KEYS = f"{PREFIX}vapid"
_ID_DIGITS = 16


class Keys(msgspec.Struct, frozen=True):
    """Our pair of keys: both as PEM, and the public one as browsers want it (base64url of the point)."""

    private: str
    public: str
    shown: str


def id_of(endpoint: str) -> str:
    """Give the id of the browser behind an endpoint: a hash, because the endpoint is all it takes to write to it."""
    return sha256(endpoint)[:_ID_DIGITS]


class Browsers:
    """Which browsers asked for notifications. Raises StoreUnavailable when Redis is away."""

    def __init__(self, store: Store) -> None:
        self._call = store.call

    async def keys(self) -> Keys:
        """Our keys: made once, the same for all processes, for as long as they stand in Redis."""
        # Read first: a full Redis refuses to write.
        kept = cast("bytes | None", await self._call(lambda redis: redis.get(_KEYS)))
        if kept is None:
            made = msgspec.json.encode(_make_keys())
            await self._call(lambda redis: redis.set(_KEYS, made, nx=True))
            kept = cast("bytes", await self._call(lambda redis: redis.get(_KEYS)))
        return msgspec.json.decode(kept, type=Keys)

    async def add(self, browser: Browser) -> None:
        """Notify in this browser from now on. Where somebody has too many, the oldest goes."""
        kept = await self._all()
        kept.pop(id_of(browser.endpoint), None)
        others = sorted(kept, key=lambda key: kept[key].created_at)
        own = [key for key in others if kept[key].name == browser.name]
        gone = {*own[: max(0, len(own) - MOST_OF_ONE + 1)], *others[: max(0, len(others) - MOST_IN_ALL + 1)]}
        audit = entry(browser.name, "push", browser.created_at, browser=id_of(browser.endpoint))

        async def write(redis: Redis) -> None:
            pipe = redis.pipeline(transaction=True)
            pipe.hset(_BROWSERS, id_of(browser.endpoint), msgspec.json.encode(browser).decode())
            if gone:
                pipe.hdel(_BROWSERS, *gone)
            note(pipe, audit)
            await pipe.execute()

        await self._call(write)

    async def find(self, browser_id: str) -> Browser | None:
        """Read one; None when it is not there (any more)."""
        raw = cast("bytes | None", await self._call(lambda redis: redis.hget(_BROWSERS, browser_id)))
        return msgspec.json.decode(raw, type=Browser) if raw else None

    async def of(self, name: str) -> dict[str, Browser]:
        """Read those of a person by their ids, the newest first."""
        own = [(key, browser) for key, browser in (await self._all()).items() if browser.name == name]
        return dict(sorted(own, key=lambda pair: pair[1].created_at, reverse=True))

    async def remove(self, browser_id: str) -> None:
        """Notify there no more."""
        await self._call(lambda redis: redis.hdel(_BROWSERS, browser_id))

    async def remove_own(self, browser_id: str, name: str, now: datetime) -> None:
        """As `remove`, by the person whose it is; nothing happens to anybody else's."""
        browser = await self.find(browser_id)
        if browser and browser.name == name:
            await self.remove(browser_id)
            await self._call(lambda redis: note(redis, entry(name, "push_off", now, browser=browser_id)))

    async def _all(self) -> dict[str, Browser]:
        raw = cast("Mapping[bytes, bytes]", await self._call(lambda redis: redis.hgetall(_BROWSERS)))
        return {key.decode(): msgspec.json.decode(value, type=Browser) for key, value in raw.items()}


def _make_keys() -> Keys:
    from webpush.vapid import VAPID  # 10 MB that only this moment needs in the web process

    private, public, shown = VAPID.generate_keys()
    return Keys(private.decode(), public.decode(), shown)
