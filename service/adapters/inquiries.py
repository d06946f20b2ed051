"""Questions that the web process has for a worker, any one, and the worker's answers: two lists in Redis.

Nothing of it outlives its use: a question nobody takes and an answer nobody reads are gone after seconds.
"""

import asyncio
import secrets
import time
from typing import cast

import msgspec
from redis.asyncio import Redis

from service.adapters.store import PREFIX, Store
from service.core.additions import Added, Addition
from service.core.inquiry import Inquiry, Loaded, Tried
from service.core.insights import describe
from service.core.knowledge import Knowledge
from service.errors import WorkerUnavailable

# The language model may take eight seconds of them.
ANSWER_WITHIN_S = 12.0
# Shorter than the web process's patience with Redis.
_LOOK_S = 0.5
_MOST_WAITING = 100


class Inquiries:
    """Both ends of it. Raises StoreUnavailable when Redis is away.

    `answer_within_s` is how long the one who asks waits.
    """

    def __init__(self, store: Store, *, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        self._call = store.call
        self._within_s = answer_within_s

    async def decide(self, text: str) -> Tried:
        """Have a worker say what it would decide about a message. Raises WorkerUnavailable when none answers."""
        return msgspec.json.decode(await self._ask(Inquiry(secrets.token_hex(12), "decide", text=text)), type=Tried)

    async def faq(self, start: int) -> Loaded:
        """Have a worker show what it answers from. Raises WorkerUnavailable when none answers."""
        return msgspec.json.decode(await self._ask(Inquiry(secrets.token_hex(12), "faq", start=start)), type=Loaded)

    async def add(self, addition: Addition, *, is_trial: bool = False) -> Added:
        """Have a worker add to the FAQ, or only try. Raises WorkerUnavailable when none answers: it may have been done.

        To ask once more does no harm: what is there already is not added again.
        """
        inquiry = Inquiry(secrets.token_hex(12), "try" if is_trial else "add", addition=addition)
        return msgspec.json.decode(await self._ask(inquiry), type=Added)

    async def take(self) -> Inquiry | None:
        """For a worker: wait a moment for a question."""
        found = await self._call(lambda redis: redis.blpop([f"{PREFIX}ask"], timeout=_LOOK_S))
        return msgspec.json.decode(cast("tuple[bytes, bytes]", found)[1], type=Inquiry) if found else None

    async def answer(self, inquiry: Inquiry, answer: Tried | Loaded | Added) -> None:
        """For a worker: answer it."""
        await self._push(f"{PREFIX}told:{inquiry.id}", msgspec.json.encode(answer))

    async def publish(self, knowledge: Knowledge) -> None:
        """For a worker: note what it answers from: the version, its entries' questions, the shop, how sure it is."""
        facts = msgspec.json.encode(knowledge.shop).decode()
        answering = msgspec.json.encode(await asyncio.to_thread(describe, knowledge)).decode()
        noted = [
            "knowledge",
            knowledge.version,
            "entries",
            len(knowledge.entries),
            "facts",
            facts,
            "answering",
            answering,
            "calibration",
            knowledge.calibration_state,
        ]
        headings = [part for entry in knowledge.entries.values() for part in (entry.id, entry.question)]

        async def note(redis: Redis) -> None:
            pipe = redis.pipeline(transaction=True)
            pipe.hset(f"{PREFIX}shop", items=noted)
            pipe.delete(f"{PREFIX}headings")
            pipe.hset(f"{PREFIX}headings", items=headings)
            await pipe.execute()

        await self._call(note)

    async def _ask(self, inquiry: Inquiry) -> bytes:
        await self._push(f"{PREFIX}ask", msgspec.json.encode(inquiry))
        name = f"{PREFIX}told:{inquiry.id}"
        ends_at = time.monotonic() + self._within_s
        while time.monotonic() < ends_at:
            if found := await self._call(lambda redis: redis.blpop([name], timeout=_LOOK_S)):
                return cast("tuple[bytes, bytes]", found)[1]
        raise WorkerUnavailable("no worker has answered in time")

    async def _push(self, name: str, body: bytes) -> None:
        async def push(redis: Redis) -> None:
            pipe = redis.pipeline(transaction=True)
            pipe.rpush(name, body)
            pipe.ltrim(name, -_MOST_WAITING, -1)
            pipe.expire(name, int(self._within_s) + 1)
            await pipe.execute()

        await self._call(push)
