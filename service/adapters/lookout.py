"""Finds the node that holds our keys, behind Sentinel or in a Cluster. service/adapters/store.py talks to it.

Each look begins with another Sentinel or node than the last one: one that is cut off from the rest would go on naming
the master of old.
"""

import re
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

PREFIX = "{henji}:"
_SLOT = key_slot(PREFIX.encode())
_MOST_CONNECTIONS = 1000  # redis-py refuses the 101st call at the same time; a burst while the disk is slow has more
_URL = re.compile(r"(rediss?)\+(sentinel|cluster)://([^@/]*@)?([^/?]+)(?:/([^/?]*))?(?:/(\d+))?/?(?:\?(.*))?")

_Address = tuple[str, int]


def connect(url: str, *, timeout_s: float, bounded: bool = True) -> Redis:
    """Make a plain client for one server (`redis://`, `rediss://`, `unix://`). It never retries by itself.

    With `bounded=False` only connecting ends after `timeout_s`. That is for a caller who bounds each call himself:
    redis-py's own time limits, one for writing and one for reading, cost nearly as much as the rest of a call.
    """
    return Redis.from_url(
        url,
        socket_timeout=timeout_s if bounded else None,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        max_connections=_MOST_CONNECTIONS,
        # With these on, redis-py 8.1 takes a connection that was closed meanwhile for one with news on it, and uses it.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        decode_responses=False,
    )


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the URL of a Sentinel or Cluster says. `login` is empty or ends with @; `options` go to every node."""

    scheme: str
    login: str
    addresses: Sequence[_Address]
    master: str
    db: str
    options: dict[str, str]
    sentinel_password: str

    def node_url(self, address: _Address) -> str:
        return self._make_url(self.login, address, self.db)

    def sentinel_url(self, address: _Address) -> str:
        login = f":{quote(self.sentinel_password, safe='')}@" if self.sentinel_password else ""
        return self._make_url(login, address, "0")

    def _make_url(self, login: str, address: _Address, db: str) -> str:
        host, port = address
        host = f"[{host}]" if ":" in host else host
        return f"{self.scheme}://{login}{host}:{port}/{db}?{urlencode(self.options)}"


class Sentinels:
    """Asks the Sentinels one after the other who the master is."""

    def __init__(self, place: Place, timeout_s: float) -> None:
        self.place = place
        self._timeout_s = timeout_s / (len(place.addresses) + 1)
        self._looks = 0

    async def find(self) -> str:
        """Say the URL of the master. Raises RedisError or OSError when no Sentinel knows one that is up."""
        self._looks += 1
        async with Sentinel([]) as sentinel:
            sentinel.sentinels = [
                connect(self.place.sentinel_url(address), timeout_s=self._timeout_s)
                for address in _turned(self.place.addresses, self._looks)
            ]
            found = cast("tuple[bytes | str, int]", await sentinel.discover_master(self.place.master))
        return self.place.node_url((_text(found[0]), int(found[1])))


class Cluster:
    """Asks the nodes it was told of, and those it heard of, one after the other who owns our slot."""

    def __init__(self, place: Place, timeout_s: float) -> None:
        self.place = place
        self._timeout_s = timeout_s
        self._heard: list[_Address] = []
        self._looks = 0

    async def find(self) -> str:
        """Say the URL of the owner. Raises RedisError when no node answers."""
        self._looks += 1
        nodes = list(dict.fromkeys([*self.place.addresses, *self._heard]))
        timeout_s = self._timeout_s / (len(nodes) + 1)
        for address in _turned(nodes, self._looks):
            try:
                async with connect(self.place.node_url(address), timeout_s=timeout_s) as node:
                    ranges = cast("list[Any]", await node.execute_command("CLUSTER SLOTS"))
            except (RedisError, OSError):
                continue
            for first, last, *holders in ranges:
                if first <= _SLOT <= last:
                    # A node that knows no name of its own gives none: it is where we asked.
                    self._heard = [(_text(holder[0]) or address[0], int(holder[1])) for holder in holders]
                    return self.place.node_url(self._heard[0])
        raise RedisConnectionError("no node of the cluster answers for our slot")


def open_lookout(url: str, *, timeout_s: float) -> Sentinels | Cluster | None:
    """Read a URL; None when it means a single server. `timeout_s` is for one look. Raises ValueError for a bad URL."""
    parts = _URL.fullmatch(url)
    if not parts:
        return None
    scheme, kind, login, hosts, master, db, query = (part or "" for part in parts.groups())
    if kind == "sentinel" and not master:
        raise ValueError("a Sentinel's URL ends with the name of its master")
    if kind == "cluster" and master not in ("", "0"):
        raise ValueError("a Cluster has no other database than 0")
    options = dict(parse_qsl(query))
    split = [urlsplit(f"//{host}") for host in hosts.split(",")]
    place = Place(
        scheme=scheme,
        login=login,
        addresses=[(one.hostname or "", one.port or (26379 if kind == "sentinel" else 6379)) for one in split],
        master=master,
        db=db or "0",
        sentinel_password=options.pop("sentinel_password", ""),
        options=options,
    )
    return Sentinels(place, timeout_s) if kind == "sentinel" else Cluster(place, timeout_s)


def _turned(addresses: Sequence[_Address], by: int) -> list[_Address]:
    first = by % len(addresses)
    return [*addresses[first:], *addresses[:first]]


def _text(name: bytes | str | None) -> str:
    return name.decode() if isinstance(name, bytes) else name or ""
