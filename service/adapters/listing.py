"""Lists of handoffs, page by page, with what is wanted picked out of them.

A handoff that is open has a short line of its own (service/core/searching.py): Redis looks through ten thousand of them
in a moment, a few hundred at a time (lua/find.lua). One that is done has none, so its record is read; of these a page
looks at fewer.
"""

import re
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple, cast

import msgspec

from service.adapters.store import PREFIX, Store
from service.core.records import HandoffRecord, HandoffStatus
from service.core.searching import Pattern, Wanted, fits, pattern, search_line

_CURSOR = re.compile(r"(-?[0-9]{1,15})_(.{1,100})")
_CHUNK = 100
_CHUNK_OF_LINES = 500
# How much of a list one page looks at, in lines; a record takes as long as twenty lines.
_MOST_LINES = 20_000
_LINES_A_RECORD = 20


class Place(NamedTuple):
    """Where a handoff stands in its list."""

    score: int
    id: str


class _Row(NamedTuple):
    place: Place
    found: Literal["1", "0", "?"]


class Lists:
    """Reads the lists. Raises StoreUnavailable when Redis is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._call = store.call

    async def page(
        self, status: HandoffStatus, cursor: str, count: int, wanted: Wanted
    ) -> tuple[list[str], str | None]:
        """Find up to `count` ids behind a cursor ("" for the first page), and the cursor of what follows.

        It names the last place that was looked at, so records that come and go meanwhile neither repeat nor hide
        others. Raises ValueError for a cursor that is not ours.
        """
        after, looks_like = _read_cursor(cursor), pattern(wanted)
        found: list[Place] = []
        effort = 0
        async for rows in self._stretches(status, after, None if wanted.anything else looks_like):
            found += await self._pick(rows, looks_like)
            effort += sum(_LINES_A_RECORD if row.found == "?" else 1 for row in rows)
            if len(found) > count:
                return [place.id for place in found[:count]], _write_cursor(found[count - 1])
            if effort >= _MOST_LINES:
                return [place.id for place in found], _write_cursor(rows[-1].place)
        return [place.id for place in found], None

    async def _stretches(
        self, status: HandoffStatus, after: Place | None, wanted: Pattern | None
    ) -> AsyncIterator[list[_Row]]:
        """Read a list from a place on. Of those of the very same time some stand before it: they are passed over."""
        first = str(after.score) if after else "-inf"
        start, ended = 0, False
        while not ended:
            if wanted:
                rows, ended = await self._find(status, first, start, wanted)
            else:
                rows, ended = await self._read(status, first, start)
            start += len(rows)
            if further := [row for row in rows if after is None or row.place > after]:
                yield further

    async def _read(self, status: HandoffStatus, first: str, start: int) -> tuple[list[_Row], bool]:
        name = f"{PREFIX}handoffs:{status}"
        found = cast(
            "list[tuple[bytes, float]]",
            await self._call(
                lambda redis: redis.zrangebyscore(name, first, "+inf", start=start, num=_CHUNK, withscores=True)
            ),
        )
        return [_Row(Place(int(score), key.decode()), "1") for key, score in found], len(found) < _CHUNK

    async def _find(self, status: HandoffStatus, first: str, start: int, wanted: Pattern) -> tuple[list[_Row], bool]:
        call = {"status": status, "first": first, "start": start, "count": _CHUNK_OF_LINES}
        packed = msgspec.msgpack.encode(call | msgspec.structs.asdict(wanted))
        parts = [part.decode() for part in cast("list[bytes]", await self._store.run("find", packed))]
        rows = [
            _Row(Place(int(float(score)), key), cast('Literal["1", "0", "?"]', found))
            for key, score, found in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        ]
        return rows, len(rows) < _CHUNK_OF_LINES

    async def _pick(self, rows: list[_Row], wanted: Pattern) -> list[Place]:
        """Keep what is wanted; where there is no line, the record is read."""
        without = [row.place.id for row in rows if row.found == "?"]
        fitting = {row.place.id for row in rows if row.found == "1"}
        for start in range(0, len(without), _CHUNK):
            few = without[start : start + _CHUNK]
            keys = [f"{PREFIX}handoff:{handoff}" for handoff in few]
            records = cast("list[bytes | None]", await self._call(lambda redis, keys=keys: redis.mget(keys)))
            fitting |= {key for key, raw in zip(few, records, strict=True) if raw and fits(_line(raw), wanted)}
        return [row.place for row in rows if row.place.id in fitting]


def _line(raw: bytes) -> str:
    return search_line(msgspec.json.decode(raw, type=HandoffRecord))


def _read_cursor(cursor: str) -> Place | None:
    if not cursor:
        return None
    parts = _CURSOR.fullmatch(cursor)
    if not parts:
        raise ValueError(cursor)
    return Place(int(parts[1]), parts[2])


def _write_cursor(place: Place) -> str:
    return f"{place.score}_{place.id}"
