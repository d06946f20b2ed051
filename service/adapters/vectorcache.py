"""The vectors of the FAQ's phrasings, kept in Redis: a restart or an edit has only what is new embedded.

One hash for each model, by a hash of the text, so nothing can be read from it. It holds what the folder holds now and
nothing else, and goes when nobody has used it for 90 days. Redis is a convenience here: without it all is embedded.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import structlog

from service.adapters.embedding import BATCH, OpenAIEmbedder
from service.adapters.store import PREFIX, Store
from service.core.vectors import Meanings, Vector, pack_vector, unpack_vector
from service.errors import ModelUnavailable, StoreUnavailable

log = structlog.get_logger()
KEEP_S = 90 * 24 * 3600
_AT_ONCE = 500


class VectorCache:
    """Gives the vectors of phrasings, from Redis as far as they are there, else from the model."""

    def __init__(self, store: Store, embedder: OpenAIEmbedder) -> None:
        self._store = store
        self._embedder = embedder
        self._key = f"{PREFIX}vectors:{hashlib.sha256(embedder.name.encode()).hexdigest()[:12]}"

    async def meanings(self, texts: Sequence[str]) -> Meanings:
        """Give the vectors of these texts and of no others. What is embedded is kept at once, batch after batch.

        Raises ModelUnavailable when the model gives none.
        """
        kept = await self._read(texts)
        try:
            known = await self._complete(texts, kept)
        except _OtherLength:
            # Another model answers to the old name: what was kept is of no use beside its vectors.
            known = await self._complete(texts, {})
        await self._forget_others(texts)
        return Meanings(self._embedder.name, known)

    async def _complete(self, texts: Sequence[str], kept: Mapping[str, Vector]) -> dict[str, Vector]:
        known = dict(kept)
        missing = [text for text in texts if text not in known]
        if missing:
            log.info("embedding", texts=len(missing), kept=len(known))
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            fresh = (await self._embedder.embed_all(batch)).of
            known |= fresh
            if len(_lengths(known)) > 1:
                raise _OtherLength if kept else ModelUnavailable("not_embeddings")
            await self._keep(fresh)
        return known

    async def _read(self, texts: Sequence[str]) -> dict[str, Vector]:
        known: dict[str, Vector] = {}
        try:
            for start in range(0, len(texts), _AT_ONCE):
                part = texts[start : start + _AT_ONCE]
                fields = list(map(_field, part))
                found = await self._store.call(lambda redis, fields=fields: redis.hmget(self._key, fields))
                packed = zip(part, cast("list[bytes | None]", found), strict=True)
                known |= {text: unpack_vector(each) for text, each in packed if each and len(each) % 2 == 0}
            await self._store.call(lambda redis: redis.expire(self._key, KEEP_S))
        except StoreUnavailable as error:
            log.warning("vectors_not_read", error=type(error).__name__)
        return known if len(_lengths(known)) == 1 else {}

    async def _keep(self, vectors: Mapping[str, Vector]) -> None:
        packed: dict[Any, Any] = {_field(text): pack_vector(vector) for text, vector in vectors.items()}
        try:
            await self._store.call(lambda redis: redis.hset(self._key, mapping=packed))
            await self._store.call(lambda redis: redis.expire(self._key, KEEP_S))
        except StoreUnavailable as error:
            log.warning("vectors_not_kept", error=type(error).__name__)

    async def _forget_others(self, texts: Sequence[str]) -> None:
        try:
            kept = cast("list[bytes]", await self._store.call(lambda redis: redis.hkeys(self._key)))
        except StoreUnavailable:
            return
        others = sorted({*kept} - {*map(_field, texts)})
        with suppress(StoreUnavailable):
            for start in range(0, len(others), _AT_ONCE):
                part = others[start : start + _AT_ONCE]
                await self._store.call(lambda redis, part=part: redis.hdel(self._key, *part))


class _OtherLength(Exception):
    """Vectors of two lengths, which no one model gives."""


def _field(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _lengths(vectors: Mapping[str, Vector]) -> set[int]:
    return {len(vector) for vector in vectors.values()}
