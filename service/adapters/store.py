"""The one door to Redis: a single server, one behind Sentinel, or a Cluster.

All keys begin with `PREFIX`, whose hash tag puts them into one slot: at any time one node, the master, holds all of
them. So Sentinel and Cluster differ only in how that node is found (service/adapters/lookout.py); what talks to it is a
plain client. After any error the next call looks again; while the node stays the same, its connections stay, too.

After a failover the old master may accept writes for a while, and a write that was answered may not have reached the
node that takes over. Against both helps WAIT, after every write that must not be lost (docs/delivery.md, rule 5).
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, Self, cast

import msgspec
from redis import exceptions
from redis.asyncio import Redis

from service.adapters.lookout import PREFIX, connect, open_lookout
from service.errors import StoreRefused, StoreUnavailable

# Behind Sentinel or Cluster: the share of a call's time that a replica gets to acknowledge it.
_WAIT_SHARE = 0.5
# WAIT asks about what its own connection wrote last; a connection that wrote nothing is told that all is well. A script
# that finds its work done already (PUT of a redelivery) writes nothing, while its first run may not have reached any
# replica. So this one always writes. It does so in a full Redis, too: DEL is allowed there, and after it SET is.
_MARK = "redis.call('DEL', KEYS[1]) return redis.call('SET', KEYS[1], '1')"


class Store:
    """Redis behind any of these URLs. Every method raises StoreUnavailable when it is away, full or slow.

    - `redis://`, `rediss://`, `unix://`: one server.
    - `redis+sentinel://[user:password@]host[:26379],.../<master's name>[/<db>][?sentinel_password=...]`: the master
      that the Sentinels name.
    - `redis+cluster://[user:password@]host[:6379],...`: the owner of our slot.

    `rediss+...` is the same with TLS, to the Sentinels as well. redis-py's own options go into the query. Raises
    ValueError for anything else.

    `timeout_s` is how long a script may take, finding the master and waiting for a replica included; so long may the
    plain commands of one call take.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._lookout = open_lookout(url, timeout_s=timeout_s)
        self._clients: dict[str, Redis] = {}
        self._master: Redis | None = None
        self._finding = asyncio.Lock()
        if not self._lookout:
            self._clients[url] = connect(url, timeout_s=timeout_s, bounded=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()

    @property
    def replicated(self) -> bool:
        """Whether a replica may take over, so that a write is safe only once a replica has it."""
        return self._lookout is not None

    async def run(self, name: str, packed: bytes, *, durable: bool = False) -> Any:
        """Run one of our scripts (lua/<name>.lua) with its packed argument.

        `durable` is for a script whose effect must outlive a failover: the call succeeds only when a replica has it,
        too. A failure says nothing about whether it was applied. Such a script's effect is the same when it runs twice;
        so when it failed because the master has changed, it is run once more, on the new one.
        """
        script = _load_script(name)
        durable = durable and self.replicated
        with _translated(name):
            async with asyncio.timeout(self._timeout_s):
                before = await self._find()
                try:
                    return await self._run_on(before, script, packed, durable=durable)
                except (exceptions.RedisError, OSError):
                    after = await self._find()
                    if after is before or not durable:
                        raise
                    return await self._run_on(after, script, packed, durable=True)

    async def call(self, command: Callable[[Redis], Awaitable[Any] | Any]) -> Any:
        """Run one plain command: `await store.call(lambda redis: redis.get(key))`."""
        async with self.master() as redis:
            return await command(redis)

    @asynccontextmanager
    async def master(self) -> AsyncGenerator[Redis]:
        """Lend the client of the node that holds our keys now, for several plain commands: together, in `timeout_s`."""
        with _translated("redis"):
            async with asyncio.timeout(self._timeout_s):
                redis = await self._find()
                with self._doubted(redis):
                    yield redis

    async def _find(self) -> Redis:
        if self._master is None:
            async with asyncio.timeout(self._timeout_s), self._finding:
                if self._master is None:
                    url = await self._lookout.find() if self._lookout else self._url
                    if url not in self._clients:
                        self._clients[url] = connect(url, timeout_s=self._timeout_s, bounded=False)
                    self._master = self._clients[url]
        return self._master

    @contextmanager
    def _doubted(self, master: Redis) -> Generator[None]:
        """Have the master looked up again after any failure; a timeout arrives here as a cancellation."""
        try:
            yield
        except BaseException:
            if self._master is master:
                self._master = None
            raise

    async def _run_on(self, master: Redis, script: "_Script", packed: bytes, *, durable: bool) -> Any:
        with self._doubted(master):
            try:
                return await self._send(master, ("EVALSHA", script.sha, 1, PREFIX, packed), durable=durable)
            except exceptions.NoScriptError:
                return await self._send(master, ("EVAL", script.text, 1, PREFIX, packed), durable=durable)

    async def _send(self, master: Redis, command: tuple[Any, ...], *, durable: bool) -> Any:
        if not durable:
            return cast("Any", await master.execute_command(*command))
        async with master.pipeline(transaction=False) as pipe:  # not for one transaction, for one connection
            pipe.execute_command(*command)
            pipe.execute_command("EVAL", _MARK, 1, f"{PREFIX}mark")
            pipe.execute_command("WAIT", 1, int(self._timeout_s * 1000 * _WAIT_SHARE))
            # Raised below: the pipeline's own errors quote the command, and in it what the customer wrote.
            answers: list[Any] = await pipe.execute(raise_on_error=False)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        if answers[-1] < 1:
            raise exceptions.TimeoutError("no replica has acknowledged the write")
        return answers[0]


class _Script(msgspec.Struct, frozen=True):
    text: str
    sha: str


@cache
def _load_script(name: str) -> _Script:
    folder = files("service.adapters").joinpath("lua")
    text = "\n".join(folder.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in ("common", name))
    return _Script(text, hashlib.sha1(text.encode()).hexdigest())  # noqa: S324  Redis names a script by it


@contextmanager
def _translated(what: str) -> Generator[None]:
    try:
        yield
    except exceptions.ResponseError as error:
        raise StoreRefused(f"{what}: {error}") from error
    except (exceptions.RedisError, OSError) as error:  # OSError is the network's, and any TimeoutError
        raise StoreUnavailable(f"{what}: {str(error) or type(error).__name__}") from error
