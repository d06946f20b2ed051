"""What happens, told to the pages that are open: server-sent events from the `live` stream, ids only."""

import re
from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Stream

from service.web.pages.inbox import Parts
from service.web.pages.visit import PageRequest

QUIET_S = 15.0
_PLACE = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")


@get("/inbox/live")
async def follow_live(
    request: PageRequest, parts: NamedDependency[Parts], after: Annotated[str, QueryParameter(max_length=40)] = ""
) -> Stream:
    """Tell every step from a place on: `Last-Event-ID` of a browser that comes back, else `after`."""
    place = request.headers.get("last-event-id", "") or after
    cursor = place if _PLACE.fullmatch(place) else ""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
    return Stream(_tell(parts, cursor), media_type="text/event-stream", headers=headers)


async def _tell(parts: Parts, cursor: str) -> AsyncGenerator[bytes]:
    yield b"retry: 1000\n\n"
    async for steps in parts.live.follow(cursor, quiet_s=QUIET_S):
        if not steps:
            yield b": still here\n\n"
        for step in steps:
            body = msgspec.json.encode({"conv": step.conv, "what": step.what}).decode()
            yield f"id: {step.id}\ndata: {body}\n\n".encode()
