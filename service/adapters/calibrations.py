"""Calibrations in Redis, by the id of the index that they were fitted for: fitted once, by one worker, for all of them.

The id is a hash of what is indexed and how (service/core/ranking.py), so a new release that reckons differently fits
anew. Redis is a convenience here: without it each worker fits for itself.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import cast

import msgspec
import structlog

from service.adapters import fitter
from service.adapters.store import PREFIX, Store
from service.core.calibration import Calibration
from service.core.entries import Entry
from service.core.features import Wording
from service.core.fitting import is_sound
from service.core.vectors import Meanings
from service.errors import StoreUnavailable

log = structlog.get_logger()
KEEP_S = 90 * 24 * 3600
LOCK_S = 30
_RENEW_S = 10.0
_LOOK_S = 1.0


class Calibrations:
    """Finds calibrations that were fitted before, and has new ones fitted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, index: str) -> Calibration | None:
        """Give what was fitted for an index, and keep it for another 90 days. Raises StoreUnavailable."""
        kept = cast("bytes | None", await self._store.call(lambda redis: redis.getex(_key(index), ex=KEEP_S)))
        with suppress(msgspec.DecodeError):  # of a release that wrote it otherwise: it is fitted again
            found = msgspec.msgpack.decode(kept or b"", type=Calibration)
            return found if is_sound(found, index) else None
        return None

    async def make(
        self, entries: Iterable[Entry], wording: Wording, index: str, meanings: Meanings | None = None
    ) -> Calibration:
        """Fit a calibration and keep it, or wait for the worker that is at it. Raises FittingFailed.

        With `meanings` it is one for texts whose vectors are known, and `index` is the id that includes the vectors.
        """
        while True:
            with suppress(StoreUnavailable):
                if found := await self.find(index):
                    return found
            if await self._may_fit(index):
                async with self._locked(index):
                    fitted = await fitter.fit(entries, wording, index, meanings)
                    await self._keep(fitted)
                return fitted
            await asyncio.sleep(_LOOK_S)

    async def _may_fit(self, index: str) -> bool:
        try:
            taken = await self._store.call(lambda redis: redis.set(_lock(index), "1", nx=True, ex=LOCK_S))
        except StoreUnavailable:
            return True
        return bool(taken)

    @asynccontextmanager
    async def _locked(self, index: str) -> AsyncGenerator[None]:
        """Hold the lock for as long as it takes, and give it back."""
        renewing = asyncio.create_task(self._renew(index))
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(StoreUnavailable):
                await self._store.call(lambda redis: redis.delete(_lock(index)))

    async def _renew(self, index: str) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            with suppress(StoreUnavailable):
                await self._store.call(lambda redis: redis.expire(_lock(index), LOCK_S))

    async def _keep(self, fitted: Calibration) -> None:
        try:
            packed = msgspec.msgpack.encode(fitted)
            await self._store.call(lambda redis: redis.set(_key(fitted.index), packed, ex=KEEP_S))
        except StoreUnavailable as error:
            log.warning("calibration_not_kept", error=str(error))


def _key(index: str) -> str:
    return f"{PREFIX}calibration:{index}"


def _lock(index: str) -> str:
    return f"{PREFIX}calibrating:{index}"
