"""What happens, as it happens, for the pages: one reader of the `live` stream for all in this process who look."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager, suppress
from typing import Any, cast

import msgspec

from service.adapters.store import PREFIX, Store
from service.errors import StoreUnavailable

_STREAM = f"{PREFIX}live"
# Shorter than the web process's patience with Redis.
_BLOCK_MS = 500
_AWAY_S = 0.5
_MOST = 200


class Step(msgspec.Struct, frozen=True):
    """One step of a conversation: its place in the stream, whose it is, and what was done. No text."""

    id: str
    conv: str
    what: str


class LiveFeed:
    """Follows the stream for as long as anybody looks. `stop` ends every look, so that the server can end at once.

    While Redis is away nothing comes; afterwards it goes on where it stood.
    """

    def __init__(self, store: Store, stop: asyncio.Event) -> None:
        self._call = store.call
        self._stop = stop
        self._changed = asyncio.Event()
        self._lookers = 0
        self._reading: asyncio.Task[None] | None = None

    async def follow(self, cursor: str, *, quiet_s: float) -> AsyncGenerator[list[Step]]:
        """Give the steps behind a place, "" for from now on; an empty list after `quiet_s` without any."""
        cursor = cursor or await self.newest()
        with self._looking():
            while not self._stop.is_set():
                changed = self._changed
                steps = await self._after(cursor)
                if not steps:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), quiet_s)
                        continue
                yield steps
                cursor = steps[-1].id if steps else cursor

    async def newest(self) -> str:
        """Say where the stream stands: whoever reads records afterwards misses nothing by following from here."""
        found = cast("list[Any]", await self._call(lambda redis: redis.xrevrange(_STREAM, count=1)))
        return found[0][0].decode() if found else "0-0"

    @contextmanager
    def _looking(self) -> Generator[None]:
        self._lookers += 1
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        try:
            yield
        finally:
            self._lookers -= 1
            if not self._lookers and self._reading:
                self._reading.cancel()
                self._reading = None

    async def _read(self) -> None:
        """Wake everybody when something happens, and when it is time to end."""
        stopping = asyncio.create_task(self._stop.wait())
        stopping.add_done_callback(lambda _: self._changed.set())
        try:
            cursor = ""
            while not self._stop.is_set():
                try:
                    cursor = cursor or await self.newest()
                    found = await self._call(lambda redis, cursor=cursor: redis.xread({_STREAM: cursor}, 1, _BLOCK_MS))
                except StoreUnavailable:
                    await asyncio.sleep(_AWAY_S)
                    continue
                if found:
                    # What came since this one is read by whoever wakes: so nothing is waited for twice.
                    cursor = await self.newest()
                    self._changed.set()
                    self._changed = asyncio.Event()
        finally:
            stopping.cancel()

    async def _after(self, cursor: str) -> list[Step]:
        try:
            found = cast(
                "list[tuple[bytes, dict[bytes, bytes]]]",
                await self._call(lambda redis: redis.xrange(_STREAM, f"({cursor}", "+", count=_MOST)),
            )
        except StoreUnavailable:
            return []
        return [Step(key.decode(), fields[b"conv"].decode(), fields[b"what"].decode()) for key, fields in found]
