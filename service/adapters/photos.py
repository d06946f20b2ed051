"""Customers' photos in Redis: which are to be fetched, and those that were.

COMMIT writes down that a photo is to be fetched, in the step that writes its message's item; FETCH hands it out, KEEP
keeps it. An unsend (PUT) and ERASE delete it at any time, and KEEP then writes nothing.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, cast

import msgspec
from redis.asyncio import Redis

from service.adapters.store import PREFIX, Store
from service.core.photos import (
    KEEP_S,
    MAX_BYTES_OF_ALL,
    MAX_BYTES_OF_ONE,
    MOST_TRIES,
    NoPhoto,
    Photo,
    PhotoType,
    Why,
)
from service.errors import NotFound

# Longer than a download and the steps around it take: a minute, and some milliseconds for each part.
CLAIM_MS = 90_000
# Redis does one thing at a time: while it writes so much, a webhook waits some milliseconds.
PART_BYTES = 262_144


class Claim(msgspec.Struct, frozen=True):
    """A photo that is ours to fetch for 90 s: its message's id, and which try this is (from 1)."""

    message: str
    tries: int


class Photos:
    """Raises StoreUnavailable when Redis is away, full or slow.

    `most_of_one` and `most_of_all` are how many bytes of photos are kept of one customer, and in all.
    """

    def __init__(
        self, store: Store, *, most_of_one: int = MAX_BYTES_OF_ONE, most_of_all: int = MAX_BYTES_OF_ALL
    ) -> None:
        self._store = store
        self._room = {"most_of_one": most_of_one, "most_of_all": most_of_all}

    async def claim(self) -> Claim | None:
        """FETCH: take a photo that is due, None when none is."""
        found = await self._run("fetch", {"claim_ms": CLAIM_MS, "most_tries": MOST_TRIES})
        return Claim(found[0].decode(), found[1]) if found else None

    async def keep(self, claim: Claim, photo: Photo | NoPhoto) -> bool:
        """KEEP: write a photo, or why there is none. False when it was taken back, erased, or is not ours any more."""
        if isinstance(photo, NoPhoto):
            return await self._keep(claim, {"why": photo.why})
        for part, start in enumerate(range(0, len(photo.data), PART_BYTES)):
            data = photo.data[start : start + PART_BYTES]
            if not await self._keep(claim, {"part": part, "data": _raw(data)}):
                return False
        whole = {"type": photo.type, "size": len(photo.data), "keep_s": KEEP_S}
        return await self._keep(claim, whole | self._room)

    async def put_off(self, claim: Claim, delay_ms: int) -> bool:
        """KEEP: have it fetched again after `delay_ms`. False as for `keep`."""
        return await self._keep(claim, {"delay_ms": delay_ms})

    async def read(self, customer: str, message: str) -> Photo | NoPhoto:
        """Read a customer's photo by its message's id.

        Raises NotFound when nothing is known of it: taken back, its retention has ended, or it is somebody else's.
        """
        fields = await self._fields(message)
        if fields.get(b"conv") != customer.encode():
            raise NotFound("there is no such photo")
        return _read(fields)

    async def album(self, customer: str) -> dict[str, Photo | NoPhoto]:
        """Read all photos of a customer, by their messages' ids, oldest first."""
        name = f"{PREFIX}album:{customer}"
        messages = cast("list[bytes]", await self._store.call(lambda redis: redis.zrange(name, 0, -1)))
        found = {message.decode(): await self._fields(message.decode()) for message in messages}
        return {message: _read(fields) for message, fields in found.items() if fields}

    async def reasons(self, messages: Sequence[str]) -> dict[str, Why | None]:
        """Say of each message why there is no photo to see: None where there is one, `gone` where nothing is known."""
        if not messages:
            return {}

        def ask(redis: Redis) -> Awaitable[list[Any]]:
            pipe = redis.pipeline(transaction=False)
            for message in messages:
                pipe.hmget(f"{PREFIX}photo:{message}", "conv", "type", "why")
            return pipe.execute()

        found = cast("list[list[bytes | None]]", await self._store.call(ask))
        return {message: _reason(*fields) for message, fields in zip(messages, found, strict=True)}

    async def _fields(self, message: str) -> dict[bytes, bytes]:
        name = f"{PREFIX}photo:{message}"
        return cast("dict[bytes, bytes]", await self._store.call(lambda redis: redis.hgetall(name)))

    async def _keep(self, claim: Claim, what: dict[str, Any]) -> bool:
        call = {"message": claim.message, "tries": claim.tries}
        return bool(await self._run("keep", call | what))

    async def _run(self, name: str, call: dict[str, Any]) -> Any:
        return await self._store.run(name, msgspec.msgpack.encode(call))


def _reason(conv: bytes | None, kind: bytes | None, why: bytes | None) -> Why | None:
    if kind:
        return None
    return cast("Why", (why or b"pending").decode()) if conv else "gone"


def _raw(data: bytes) -> msgspec.Raw:
    """Pack bytes as a string: Lua's strings are bytes, and its MessagePack does not know the type that is meant for."""
    return msgspec.Raw(b"\xdb" + len(data).to_bytes(4, "big") + data)


def _read(fields: dict[bytes, bytes]) -> Photo | NoPhoto:
    if b"type" in fields:
        parts = (fields[b"%d" % part] for part in range(sum(name.isdigit() for name in fields)))
        # An earlier try that was cut off may have left more parts.
        return Photo(b"".join(parts)[: int(fields[b"size"])], cast("PhotoType", fields[b"type"].decode()))
    return NoPhoto(cast("Why", fields.get(b"why", b"pending").decode()))
