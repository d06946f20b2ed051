"""What happens, told to the pages that are open: server-sent events from the `live` stream, ids only.

Whoever is shut out, has signed out or has another role now is told nothing more: the stream ends, and the page asks
for a login when its browser comes back.
"""

import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Stream

from service.adapters.livefeed import Step
from service.adapters.sessions import Sessions
from service.errors import StoreUnavailable
from service.web.pages.inbox_contexts import Parts
from service.web.pages.visit import PageRequest

QUIET_S = 15.0
LOOK_AGAIN_S = 2.0
_PLACE = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")


@get("/inbox/live")
async def follow_live(
    request: PageRequest,
    parts: NamedDependency[Parts],
    sessions: NamedDependency[Sessions],
    real_now: NamedDependency[datetime],
    after: Annotated[str, QueryParameter(max_length=40)] = "",
) -> Stream:
    """Tell every step from a place on: `Last-Event-ID` of a browser that comes back, else `after`."""
    place = request.headers.get("last-event-id", "") or after
    cursor = place if _PLACE.fullmatch(place) else ""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
    began, visit = time.monotonic(), request.auth

    async def still_in() -> bool:
        now = real_now + timedelta(seconds=time.monotonic() - began)
        return await sessions.still(visit.id, request.user, now)

    return Stream(_tell(parts, cursor, still_in), media_type="text/event-stream", headers=headers)


async def _tell(parts: Parts, cursor: str, still_in: Callable[[], Awaitable[bool]]) -> AsyncGenerator[bytes]:
    yield b"retry: 1000\n\n"
    told_at = time.monotonic()
    async for steps in parts.live.follow(cursor, quiet_s=LOOK_AGAIN_S):
        try:
            may_know = await still_in()
        except StoreUnavailable:  # nobody can say: a browser that comes back names the last step that it was told
            may_know = not steps
        if not may_know:
            return
        if steps or time.monotonic() - told_at > QUIET_S:
            yield b"".join(map(_event, steps)) or b": still here\n\n"
            told_at = time.monotonic()


def _event(step: Step) -> bytes:
    body = msgspec.json.encode({"conv": step.conv, "what": step.what}).decode()
    return f"id: {step.id}\ndata: {body}\n\n".encode()
