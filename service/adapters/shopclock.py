"""The shop's time, by which hours, promises, states and timers go: the real one, except in the demo, which moves it.

Leases, reply tokens, retries and retention go by Redis' own clock, which nobody moves.
"""

from collections.abc import Awaitable, Callable
from typing import cast

from service.adapters.store import PREFIX, Store

Ahead = Callable[[], Awaitable[int]]
"""Says by how many milliseconds the shop's time is ahead of the real one."""


async def not_ahead() -> int:
    """Say that the shop's time is the real one."""
    return 0


class MovableClock:
    """A shop's time that can be set ahead, kept in Redis so that all processes agree. Only `./henji demo` has one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ahead_ms(self) -> int:
        """Say how far the shop's time is ahead."""
        kept = await self._store.call(lambda redis: redis.hget(f"{PREFIX}shop", "clock_offset_ms"))
        return int(cast("bytes | None", kept) or 0)

    async def move(self, ahead_ms: int) -> None:
        """Set the shop's time so far ahead; 0 is the real time. Timers that it passes run out within a second."""
        await self._store.call(lambda redis: redis.hset(f"{PREFIX}shop", "clock_offset_ms", str(ahead_ms)))
