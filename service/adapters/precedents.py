"""Finds what staff answered to similar questions: among the handoffs that were closed last, in a few calls."""

from collections.abc import Awaitable, Collection
from datetime import datetime
from typing import Any, cast

import msgspec
from redis.asyncio import Redis

from service.adapters.store import PREFIX, Store
from service.core.decisions import Handoff
from service.core.precedents import ALIKE, answer_in, likeness, said, without_names
from service.core.records import HandoffRecord, Item, TraceItem
from service.core.shop import Shop

MOST = 3
_LOOK_AT = 300
_LOOK_CLOSER_AT = 8
_MESSAGES = 30
# From this probability on an entry is worth a person's look.
_NEAR = 0.05


class Precedent(msgspec.Struct, frozen=True):
    """What somebody of the staff answered then, without names."""

    at: datetime
    text: str


class Precedents:
    """Reads records. Raises StoreUnavailable when Redis is away."""

    def __init__(self, store: Store) -> None:
        self._call = store.call

    async def find(self, question: str, shop: Shop, *, besides: str, private: Collection[str]) -> list[Precedent]:
        """Find up to three answers to questions like this one, the most similar first.

        `besides` is the handoff that it was asked in. What has to do with a `private` entry is left out: its id was
        near, or it decided.
        """
        if not question:
            return []
        closed = [each for each in await self._closed() if each.id != besides and not _is_near(each, private)]
        scores = likeness(question, [said(each) for each in closed])
        ranked = sorted(zip(scores, closed, strict=True), key=lambda pair: pair[0], reverse=True)
        found: dict[str, Precedent] = {}
        for score, each in ranked[:_LOOK_CLOSER_AT]:
            if score < ALIKE or len(found) == MOST:
                break
            talk = await self._talk(each)
            if _decided_by(talk, private):
                continue
            if answer := answer_in(each, talk):
                text = without_names(answer.text, each, shop)
                found.setdefault(text, Precedent(answer.at, text))
        return list(found.values())

    async def _closed(self) -> list[HandoffRecord]:
        name = f"{PREFIX}handoffs:done"
        ids = cast("list[bytes]", await self._call(lambda redis: redis.zrange(name, 0, _LOOK_AT - 1)))
        records = await self._read("handoff", ids)
        decoded = (msgspec.json.decode(raw, type=HandoffRecord) for raw in records)
        return [record for record in decoded if record.turns and record.first_reply_at]

    async def _talk(self, handoff: HandoffRecord) -> list[Item]:
        """Read what was said from a handoff's first turn on."""
        name = f"{PREFIX}talk:{handoff.customer}"
        first = cast("int | None", await self._call(lambda redis: redis.zrank(name, handoff.turns[0].id)))
        if first is None:
            return []
        ids = cast("list[bytes]", await self._call(lambda redis: redis.zrange(name, first, first + _MESSAGES - 1)))
        return [msgspec.json.decode(raw, type=Item) for raw in await self._read("item", ids)]

    async def _read(self, kind: str, ids: list[bytes]) -> list[bytes]:
        def read(redis: Redis) -> Awaitable[Any]:
            return redis.mget([f"{PREFIX}{kind}:{record.decode()}" for record in ids])

        found = cast("list[bytes | None]", await self._call(read)) if ids else []
        return [raw for raw in found if raw is not None]


def _is_near(handoff: HandoffRecord, private: Collection[str]) -> bool:
    return any(each.entry in private and each.probability >= _NEAR for each in handoff.candidates)


def _decided_by(talk: list[Item], private: Collection[str]) -> bool:
    decisions = (item.decision for item in talk if isinstance(item, TraceItem))
    return any(isinstance(decision, Handoff) and decision.entry in private for decision in decisions)
