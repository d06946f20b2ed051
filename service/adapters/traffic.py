"""What the traffic leaves behind for the owner: counts of days, where the newest words are, checks, what was learnt.

COMMIT and STAFF write the counts and what was heard, in one step with each decision (`tally` in lua/common.lua). All
reads here are bounded: so many days, the newest turns, one week's sample.
"""

from collections.abc import Awaitable, Sequence
from datetime import date, timedelta
from typing import Any, cast

import msgspec
from redis.asyncio import Redis

from service.adapters.store import PREFIX, Store
from service.core.auditing import CHECKS_THAT_COUNT, Label, place_in_sample, week_of
from service.core.records import BubbleItem, Item, MessageItem
from service.core.tally import Tally
from service.core.thresholds import NOTHING_LEARNED, Learned
from service.core.traffic import Heard

MOST_HEARD = 2_000
MOST_OF_A_WEEK = 100
_DAYS_KEPT_S = 100 * 86_400
# Of the samples this week's and the last one's are looked at.
_SAMPLE_KEPT_S = 21 * 86_400
_STUDY_EVERY_S = 600
_MOST_BUBBLES = 5
Found = tuple[str, Heard]


class Traffic:
    """Reads and writes it. Raises StoreUnavailable when Redis is away. `keep_days` is how long checks are kept."""

    def __init__(self, store: Store, *, keep_days: int) -> None:
        self._run = store.run
        self._call = store.call
        self._keep_s = keep_days * 86_400

    async def days(self, days: Sequence[date]) -> list[dict[str, int]]:
        """Read what was counted on each of some days, by name."""

        def ask(redis: Redis) -> Awaitable[list[Any]]:
            pipe = redis.pipeline(transaction=False)
            for day in days:
                pipe.hgetall(f"{PREFIX}day:{day.isoformat()}")
            return pipe.execute()

        found = cast("list[dict[bytes, bytes]]", await self._call(ask))
        return [{name.decode(): int(count) for name, count in counts.items()} for counts in found]

    async def heard(self) -> list[Found]:
        """Read the newest turns that were decided by meaning or by a tap, newest first, each with its conversation."""
        raw = await self._call(lambda redis: redis.zrevrange(f"{PREFIX}heard", 0, -1))
        return [_read(member) for member in cast("list[bytes]", raw)]

    async def sample(self, day: date) -> list[list[Found]]:
        """Read the random samples of automatic answers of a day's week and of the one before, each in its order."""
        weeks = [week_of(day), week_of(day - timedelta(days=7))]
        raw = [
            await self._call(lambda redis, week=week: redis.zrange(f"{PREFIX}sample:{week}", 0, -1)) for week in weeks
        ]
        return [[_read(member) for member in cast("list[bytes]", members)] for members in raw]

    async def words(self, heard: Sequence[Heard]) -> list[str]:
        """Read what was said in turns; empty where nothing of it is kept any more."""
        items = iter(await self._items([event for one in heard for event in one.events]))
        said = [[next(items) for _ in one.events] for one in heard]
        return ["\n".join(item.text for item in turn if isinstance(item, MessageItem) and item.text) for turn in said]

    async def answers(self, heard: Sequence[Heard]) -> list[str | None]:
        """Read what was answered in turns; None where it never reached the customer, or is not kept any more."""
        items = iter(await self._items([f"{one.turn}.{number}" for one in heard for number in range(_MOST_BUBBLES)]))
        said = [[item for _ in range(_MOST_BUBBLES) if isinstance(item := next(items), BubbleItem)] for _ in heard]
        return [
            "\n\n".join(bubble.text for bubble in turn)
            if turn and not {bubble.delivery for bubble in turn} & {"failed", "superseded"}
            else None
            for turn in said
        ]

    async def label(self, conversation: str, heard: Heard, label: Label) -> bool:
        """LABEL: write down what somebody said of an answer. False when its words are not kept any more."""
        return await self._label(
            conversation, label.turn, heard.events[0], label.at, msgspec.json.encode(label).decode()
        )

    async def take_back(self, conversation: str, turn: str) -> None:
        """LABEL: forget what was said of an answer."""
        await self._label(conversation, turn, "", 0, "")

    async def labels(self) -> list[tuple[str, Label]]:
        """Read the newest checks, newest first, each with its conversation."""
        name = f"{PREFIX}labels"
        members = cast("list[bytes]", await self._call(lambda redis: redis.zrevrange(name, 0, CHECKS_THAT_COUNT - 1)))
        if not members:
            return []
        pairs = [member.decode().split(" ") for member in members]
        keys = [f"{PREFIX}label:{turn}" for _, turn in pairs]
        raw = cast("list[bytes | None]", await self._call(lambda redis: redis.mget(keys)))
        return [
            (conversation, msgspec.json.decode(record, type=Label))
            for (conversation, _), record in zip(pairs, raw, strict=True)
            if record
        ]

    async def headings(self, entries: Sequence[str]) -> dict[str, str]:
        """Read the questions of entries that are still there."""
        if not entries:
            return {}
        found = cast(
            "list[bytes | None]", await self._call(lambda redis: redis.hmget(f"{PREFIX}headings", list(entries)))
        )
        return {entry: raw.decode() for entry, raw in zip(entries, found, strict=True) if raw is not None}

    async def learned(self) -> Learned:
        """Read what was learnt last."""
        raw = cast("bytes | None", await self._call(lambda redis: redis.get(f"{PREFIX}learned")))
        return msgspec.json.decode(raw, type=Learned) if raw else NOTHING_LEARNED

    async def note_learned(self, learned: Learned) -> None:
        """Note what was learnt, for all workers."""
        await self._call(lambda redis: redis.set(f"{PREFIX}learned", msgspec.json.encode(learned)))

    async def may_study(self, index: str) -> bool:
        """Say whether it is this worker's turn to study: one in ten minutes, and one at once for a new index."""
        name = f"{PREFIX}studying:{index}"
        return bool(await self._call(lambda redis: redis.set(name, "1", nx=True, ex=_STUDY_EVERY_S)))

    async def _label(self, conversation: str, turn: str, item: str, at: int, record: str) -> bool:
        call = {"conv": conversation, "turn": turn, "item": item, "at": at, "record": record}
        call |= {"keep_s": self._keep_s, "most": MOST_HEARD}
        return bool(await self._run("label", msgspec.msgpack.encode(call), durable=True))

    async def _items(self, ids: Sequence[str]) -> list[Item | None]:
        if not ids:
            return []
        keys = [f"{PREFIX}item:{item}" for item in ids]
        raw = cast("list[bytes | None]", await self._call(lambda redis: redis.mget(keys)))
        return [msgspec.json.decode(record, type=Item) if record else None for record in raw]


def write_tally(tally: Tally) -> dict[str, Any]:
    """Write a tally as `tally` in lua/common.lua reads it."""
    written: dict[str, Any] = {"day": tally.day.isoformat(), "names": tally.counts, "keep_s": _DAYS_KEPT_S}
    if tally.heard:
        written |= {"heard": msgspec.json.encode(tally.heard).decode(), "most": MOST_HEARD}
    if tally.heard and tally.week:
        written |= {"week": tally.week, "place": place_in_sample(tally.heard.turn)}
        written |= {"sample": MOST_OF_A_WEEK, "sample_s": _SAMPLE_KEPT_S}
    return written


def recent_weeks(day: date) -> list[str]:
    """Name the weeks whose samples may still be there; a clock may be a day ahead."""
    return [week_of(day + timedelta(days=7 * back)) for back in range(-4, 2)]


def _read(member: bytes) -> Found:
    conversation, _, raw = member.partition(b" ")
    return conversation.decode(), msgspec.json.decode(raw, type=Heard)
