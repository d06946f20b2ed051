"""The web process over real HTTP, and handoffs put into Redis by hand."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from redis.asyncio import Redis

from service.adapters.store import PREFIX
from service.core.records import HandoffRecord, HandoffStatus, utc

NOON = 1_764_000_000_000


@asynccontextmanager
async def client(url: str, token: str = "") -> AsyncGenerator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10) as it:
        yield it


async def add_handoff(
    redis: Redis, number: int, *, status: HandoffStatus = "waiting", at: int = NOON, assignee: str | None = None
) -> str:
    """Store an open handoff as the worker does, with its conversation. Returns its id."""
    record = HandoffRecord(
        id=f"h{number:04}",
        customer=f"U{number}",
        status=status,
        reason="asked",
        summary="スタッフと話したい",
        turns=(),
        created_at=utc(at),
        due_at=utc(at) + timedelta(hours=1),
        unreplied_since=utc(at),
        assignee=assignee,
        knowledge="k",
    )
    await redis.set(f"{PREFIX}handoff:{record.id}", msgspec.json.encode(record))
    await redis.zadd(f"{PREFIX}handoffs:{status}", {record.id: at})
    state = "human" if status == "active" else "waiting"
    await redis.hset(f"{PREFIX}conv:{record.customer}", mapping={"state": state, "handoff": record.id, "rev": "1"})
    return record.id


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Every error is a problem of RFC 9457, and says something."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem
