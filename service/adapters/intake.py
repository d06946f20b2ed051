"""What the webhook puts into the mailbox goes there in groups: one PUT, one wait for the disk, for many requests.

While a few PUTs are under way, the events of the requests that come meanwhile gather; the next PUT takes them together.
A request is answered by what became of the PUT that its events were in, and a body never comes to stand in two.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec
import structlog

from service.adapters.mailbox import Mailbox
from service.core.events import Incoming
from service.errors import StoreRefused, StoreUnavailable

log = structlog.get_logger()

# More than one, so that the way there and back is no time lost, and a connection that hangs keeps nobody waiting.
PUTS_AT_ONCE = 4
# What one PUT takes at most; a body larger than that goes alone. A script stops Redis for everybody while it runs.
MOST_EVENTS = 200
MOST_CHARACTERS = 1_000_000
# A request may come right after the start of PUTs that hang until the store's timeout of a second: this leaves it half
# a second for its own. LINE gives up after two.
PATIENCE_S = 1.5


class _Body(msgspec.Struct, frozen=True):
    """The events of one request, and who waits for them to be stored."""

    events: Sequence[Incoming]
    characters: int
    stored: "asyncio.Future[None]"


class Intake:
    """Stores webhooks. Nothing is under way while nobody waits."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._waiting: deque[_Body] = deque()
        self._putting: set[asyncio.Task[None] | None] = set()

    async def put(self, events: Sequence[Incoming]) -> None:
        """Store all events of one webhook body, or none. Raises StoreUnavailable, at the latest after `PATIENCE_S`."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append(_Body(events, sum(len(event.raw) for event in events), stored))
        if len(self._putting) < PUTS_AT_ONCE:
            self._putting.add(asyncio.create_task(self._put_all()))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await stored
        except TimeoutError as error:
            raise StoreUnavailable("put: too many wait for it") from error

    async def _put_all(self) -> None:
        try:
            while group := self._next_group():
                await self._put(group)
        finally:  # here and at once: whoever comes next must see that nobody will take what he brings
            self._putting.discard(asyncio.current_task())

    def _next_group(self) -> list[_Body]:
        """Take from the front what fits into one PUT, without those who have stopped waiting."""
        group: list[_Body] = []
        events = characters = 0
        while self._waiting:
            body = self._waiting[0]
            events, characters = events + len(body.events), characters + body.characters
            if group and (events > MOST_EVENTS or characters > MOST_CHARACTERS):
                break
            self._waiting.popleft()
            if body.stored.done():
                events, characters = events - len(body.events), characters - body.characters
            else:
                group.append(body)
        return group

    async def _put(self, group: Sequence[_Body]) -> None:
        events = [event for body in group for event in body.events]
        try:
            fresh = await self._mailbox.put(events)
        except Exception as error:  # noqa: BLE001  it is raised by all who wait
            if len(group) == 1 or _concerns_all(error):
                for body in group:
                    if not body.stored.done():
                        body.stored.set_exception(error)
            else:
                await asyncio.gather(*(self._put([body]) for body in group))
            return
        log.info("webhook", requests=len(group), events=len(events), fresh=fresh)
        for body in group:
            if not body.stored.done():
                body.stored.set_result(None)


def _concerns_all(error: Exception) -> bool:
    """Whether Redis is away. Anything else may be the fault of one body, from which the others must not suffer."""
    return isinstance(error, StoreUnavailable) and not isinstance(error, StoreRefused)
