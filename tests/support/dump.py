"""All that a Redis holds, as one text: to look for what must not be in it."""

from collections.abc import AsyncIterator
from typing import cast

from redis.asyncio import Redis


async def everything(redis: Redis) -> str:
    """Read all keys and all that stands under them; a character beyond ASCII stands as itself."""
    lines: list[str] = []
    async for key in cast("AsyncIterator[bytes]", redis.scan_iter()):
        parts = _flatten([key, await _read(redis, key)])
        lines.append(" ".join(part.decode(errors="replace") for part in parts))
    return "\n".join(lines)


async def _read(redis: Redis, key: bytes) -> object:
    match await redis.type(key):
        case b"string":
            return await redis.get(key)
        case b"hash":
            return await redis.hgetall(key)
        case b"list":
            return await redis.lrange(key, 0, -1)
        case b"zset":
            return await redis.zrange(key, 0, -1)
        case _:
            return await redis.xrange(key)


def _flatten(value: object) -> list[bytes]:
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value)
        return [part for pair in pairs.items() for part in _flatten(pair)]
    if isinstance(value, list | tuple):
        return [part for one in cast("list[object]", value) for part in _flatten(one)]
    return [value] if isinstance(value, bytes) else []
