"""Health: whether the process answers, and whether a webhook could be stored now, with the state of each part."""

from typing import Any

import msgspec
import structlog
from litestar import Response, get
from litestar.di import NamedDependency

from service.adapters.vitals import Vitals
from service.core.spending import ModelState
from service.errors import StoreUnavailable
from service.web.problems import problem

log = structlog.get_logger()

# A worker shows itself every second.
WORKER_IS_LATE_MS = 10_000


class Health(msgspec.Struct, frozen=True):
    """What each part is: "ok", or in words what is wrong with it."""

    redis: str
    worker: str
    knowledge: str
    model: str


@get("/health/live", include_in_schema=False, sync_to_thread=False)
def is_live() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@get("/health/ready", include_in_schema=False)
async def is_ready(vitals: NamedDependency[Vitals]) -> Response[Any]:
    """Say how each part is. 503 when a webhook could not be stored now.

    A missing worker, missing knowledge or a missing model is told, and no 503: what LINE posts meanwhile is stored and
    answered later, while a web process taken out of rotation would have it refused.
    """
    try:
        found = await vitals.probe()
    except StoreUnavailable as error:
        # What Redis said may name hosts: it goes to the log, not to whoever asks.
        log.warning("redis_away", error=str(error))
        unknown = "unknown without redis"
        health = Health("takes no writes: away, full, read-only or too slow; the log says more", *3 * [unknown])
        return problem(503, "not ready: redis", headers={"Retry-After": "1"}, parts=health)
    knowledge = "ok" if found.knowledge else "no worker has loaded any"
    return Response(Health("ok", _worker(found.heartbeat_ms), knowledge, _model(found.model)))


def _worker(heartbeat_ms: int | None) -> str:
    if heartbeat_ms is None:
        return "none was ever here"
    return "ok" if heartbeat_ms <= WORKER_IS_LATE_MS else f"none was here for {heartbeat_ms // 1000} s"


def _model(model: ModelState | None) -> str:
    if model is None:
        return "none was asked yet"
    if model.shut_ms:
        return f"does not answer; asked again in {-(-model.shut_ms // 1000)} s"
    return "today's budget is used up" if model.budget is not None and model.spent >= model.budget else "ok"
