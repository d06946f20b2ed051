"""The audit log: who did what and when. No words, no secrets; kept for a year."""

import hashlib
from datetime import datetime
from typing import Any, cast

from redis.asyncio import Redis

from service.adapters.store import PREFIX

AUDIT_MS = 365 * 86_400_000


def entry(who: str, what: str, at: datetime, **more: str) -> list[str]:
    """Give the fields of one line, flat, as Redis takes them."""
    return [part for pair in ({"who": who, "what": what, "at": str(ms(at))} | more).items() for part in pair]


def note(redis: Redis, fields: list[str]) -> Any:
    """Add one line: at once (await it), or with the rest of a pipeline."""
    pairs = cast("dict[Any, Any]", dict(zip(fields[::2], fields[1::2], strict=True)))
    return redis.xadd(f"{PREFIX}audit", pairs, minid=int(pairs["at"]) - AUDIT_MS, approximate=True)


def ms(at: datetime) -> int:
    """Give a time as Redis' scripts know it: ms since 1970."""
    return round(at.timestamp() * 1000)


def sha256(text: str) -> str:
    """Give what is kept of something random, or of what is no secret: it needs no salt and no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()
