"""The web application: webhook, REST API, health. Errors become problem details (RFC 9457) in one place."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins.problem_details import ProblemDetailsConfig, ProblemDetailsPlugin

from service.adapters.archive import Archive
from service.adapters.mailbox import Mailbox
from service.errors import Conflict, HenjiError, NotFound, StoreUnavailable
from service.staffing import Desk
from service.web.api import make_router
from service.web.webhook import ChannelSecrets, receive

log = structlog.get_logger()

_STATUS: dict[type[HenjiError], int] = {NotFound: 404, Conflict: 409, StoreUnavailable: 503}


@get("/health/live", include_in_schema=False, sync_to_thread=False)
def is_live() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@get("/health/ready", include_in_schema=False)
async def is_ready(archive: NamedDependency[Archive]) -> dict[str, str]:
    """Say that messages can be taken: 503 when Redis does not answer."""
    await archive.ping()
    return {"redis": "ok"}


def _explain(_: Request[Any, Any, State], error: HenjiError) -> Response[dict[str, Any]]:
    status = _STATUS[type(error)]
    # What Redis said may name hosts: it goes to the log, not to whoever asks.
    detail = "the store is not available, try again" if isinstance(error, StoreUnavailable) else str(error)
    if isinstance(error, StoreUnavailable):
        log.warning("redis_away", error=str(error))
    body = {"status": status, "title": type(error).__name__, "detail": detail}
    headers = {"Retry-After": "1"} if error.temporary else {}
    return Response(body, status_code=status, media_type="application/problem+json", headers=headers)


def make_app(
    *,
    mailbox: Mailbox,
    archive: Archive,
    channel_secrets: ChannelSecrets,
    lifespan: Callable[[Litestar], AbstractAsyncContextManager[None]] | None = None,
) -> Litestar:
    """Put the application together from parts that are already built."""
    desk = Desk(archive, mailbox)
    parts: dict[str, Any] = {"mailbox": mailbox, "archive": archive, "secrets": channel_secrets, "desk": desk}
    return Litestar(
        route_handlers=[receive, make_router(), is_live, is_ready],
        dependencies={name: _provide(part) for name, part in parts.items()},
        exception_handlers=dict.fromkeys(_STATUS, _explain),
        lifespan=[lifespan] if lifespan else [],
        plugins=[ProblemDetailsPlugin(ProblemDetailsConfig(enable_for_all_http_exceptions=True))],
        openapi_config=OpenAPIConfig(
            title="Henji",
            version="1",
            path="/api/schema",
            render_plugins=[],
            components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
        ),
        logging_config=None,
    )


def _provide(part: Any) -> Provide:
    return Provide(lambda: part, use_cache=True, sync_to_thread=False)
