"""The texts of the FAQ files that were good last, in Redis: what a restart answers from when the folder is broken."""

from collections.abc import Mapping
from typing import cast

import msgspec
import structlog

from service.adapters.store import PREFIX, Store

log = structlog.get_logger()
KEY = f"{PREFIX}knowledge"
BYTES_MAX = 16_000_000
"""A larger folder is not kept: Redis is no place for it."""


class LastGood:
    """Keeps file texts by name, as one JSON object. Raises StoreUnavailable when Redis is away, full or slow."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: bytes | None = None

    async def read(self) -> dict[str, str]:
        """Read what was kept; empty when nothing was."""
        self._kept = cast("bytes | None", await self._store.call(lambda redis: redis.get(KEY)))
        try:
            return msgspec.json.decode(self._kept or b"{}", type=dict[str, str])
        except (
            msgspec.DecodeError
        ):  # nobody but us writes it; whatever it is, it must not keep the service from starting
            log.warning("faq_kept_is_unreadable")
            return {}

    async def keep(self, files: Mapping[str, str]) -> None:
        """Keep these instead, unless they are kept already."""
        packed = msgspec.json.encode(files, order="sorted")
        if packed == self._kept:
            return
        if len(packed) > BYTES_MAX:
            log.warning("faq_too_large_to_keep", bytes=len(packed), most=BYTES_MAX)
            await self._store.call(lambda redis: redis.delete(KEY))
        else:
            await self._store.call(lambda redis: redis.set(KEY, packed))
        self._kept = packed
