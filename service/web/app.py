"""The web application: webhook, REST API, health. Errors become problem details (RFC 9457) in one place."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from service.adapters.archive import Archive
from service.adapters.inquiries import Inquiries
from service.adapters.mailbox import Mailbox
from service.errors import Conflict, HenjiError, KeyReused, NotFound, StoreUnavailable, WorkerUnavailable
from service.staffing import Desk
from service.web.api.bodies import Bodies
from service.web.api.router import make_router
from service.web.webhook import ChannelSecrets, Inlet, receive

log = structlog.get_logger()

_STATUS: dict[type[HenjiError], int] = {
    NotFound: 404,
    Conflict: 409,
    KeyReused: 422,
    StoreUnavailable: 503,
    WorkerUnavailable: 503,
}


@get("/health/live", include_in_schema=False, sync_to_thread=False)
def is_live() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@get("/health/ready", include_in_schema=False)
async def is_ready(archive: NamedDependency[Archive]) -> dict[str, str]:
    """Say that messages can be taken: 503 when Redis does not answer."""
    await archive.ping()
    return {"redis": "ok"}


def _problem(
    status: int, detail: str, headers: dict[str, str] | None = None, errors: list[Any] | None = None
) -> Response[dict[str, Any]]:
    body: dict[str, Any] = {"status": status, "title": HTTPStatus(status).phrase, "detail": detail}
    if errors:
        body["errors"] = errors
    return Response(body, status_code=status, media_type="application/problem+json", headers=headers)


def _explain(_: Request[Any, Any, State], error: HenjiError) -> Response[dict[str, Any]]:
    if isinstance(error, StoreUnavailable):
        # What Redis said may name hosts: it goes to the log, not to whoever asks.
        log.warning("redis_away", error=str(error))
        return _problem(503, "the store is not available, try again", {"Retry-After": "1"})
    return _problem(_STATUS[type(error)], str(error))


def _explain_refusal(_: Request[Any, Any, State], error: HTTPException) -> Response[dict[str, Any]]:
    """What the framework refuses: a path, a method, a body that does not fit. `errors` names the fields."""
    errors = list(error.extra) if isinstance(error.extra, list) else None
    return _problem(error.status_code, error.detail, error.headers, errors)


def _explain_fault(_: Request[Any, Any, State], error: Exception) -> Response[dict[str, Any]]:
    """A fault of our own: the log gets all of it, whoever asks nothing."""
    log.error("request_failed", exc_info=error)
    return _problem(500, "a fault of the service; its log says more")


def make_app(
    *,
    mailbox: Mailbox,
    archive: Archive,
    inquiries: Inquiries,
    channel_secrets: ChannelSecrets,
    lifespan: Callable[[Litestar], AbstractAsyncContextManager[None]] | None = None,
) -> Litestar:
    """Put the application together from parts that are already built."""
    desk = Desk(archive, mailbox)
    parts: dict[str, Any] = {"inlet": Inlet(mailbox, channel_secrets), "archive": archive}
    parts |= {"desk": desk, "inquiries": inquiries}
    return Litestar(
        route_handlers=[receive, make_router(archive), is_live, is_ready],
        dependencies={name: _provide(part) for name, part in parts.items()},
        exception_handlers={
            **dict.fromkeys(_STATUS, _explain),
            HTTPException: _explain_refusal,
            Exception: _explain_fault,
        },
        lifespan=[lifespan] if lifespan else [],
        openapi_config=OpenAPIConfig(
            title="Henji",
            version="1",
            path="/api/schema",
            render_plugins=[JsonRenderPlugin(path="/")],
            components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
        ),
        plugins=[Bodies()],
        logging_config=None,
    )


def _provide(part: Any) -> Provide:
    return Provide(lambda: part, use_cache=True, sync_to_thread=False)
