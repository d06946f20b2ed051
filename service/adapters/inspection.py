"""A look at the Redis itself, for `./henji doctor`: its version, its durability, its clock."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from service.adapters.store import Store
from service.core.diagnosis import StoreFacts
from service.errors import StoreUnavailable


class Inspection:
    """Asks one Redis, the one that holds our keys. `replicated` says that another is meant to stand in for it.

    Raises StoreUnavailable when it is away; what it forbids to ask is None in the facts.
    """

    def __init__(self, redis: Redis, *, replicated: bool) -> None:
        self._redis = redis
        self._replicated = replicated

    async def facts(self) -> StoreFacts:
        """Ask for everything that `core/diagnosis.py` judges."""
        info: dict[str, Any] = await _ask(self._redis.info()) or {}
        config: dict[Any, Any] = await _ask(self._redis.config_get("appendfsync")) or {}
        appendfsync = next(iter(config.values()), None)
        name, version = info.get("server_name", "redis"), info.get("redis_version")
        return StoreFacts(
            name=f"{str(name).capitalize()} {info.get(f'{name}_version', version) or '?'}",
            version=version,
            appendonly=bool(info["aof_enabled"]) if "aof_enabled" in info else None,
            appendfsync=appendfsync.decode() if isinstance(appendfsync, bytes) else appendfsync,
            write_failed=info.get("aof_last_write_status", "ok") != "ok",
            eviction=info.get("maxmemory_policy"),
            memory_used=info.get("used_memory"),
            memory_limit=info.get("maxmemory", 0),
            is_replica=info.get("role") == "slave",
            needs_replica=self._replicated,
            replicas=info.get("connected_slaves", 0),
        )

    async def now(self) -> float:
        """Read its clock, in seconds since 1970."""
        try:
            seconds, microseconds = await self._redis.time()
        except (RedisError, OSError) as error:
            raise StoreUnavailable(str(error)) from error
        return seconds + microseconds / 1e6


async def _ask(call: Awaitable[Any]) -> Any:
    """Await an answer; None when the server forbids the question or does not know it."""
    try:
        return await call
    except ResponseError:
        return None
    except (RedisError, OSError) as error:
        raise StoreUnavailable(str(error)) from error


@asynccontextmanager
async def open_inspection(redis_url: str, *, timeout_s: float = 5.0) -> AsyncGenerator[Inspection]:
    """Connect to a Redis to look at it; behind Sentinel or in a Cluster, to the node that holds our keys now."""
    async with Store(redis_url, timeout_s=timeout_s) as store, store.master() as redis:
        yield Inspection(redis, replicated=store.replicated)
