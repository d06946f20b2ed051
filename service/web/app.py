"""The web application: webhook, REST API, health, metrics, the staff's pages.

Errors become problem details (RFC 9457), or pages for people, in one place.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from litestar import Litestar, Request, Response, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from service.adapters.archive import Archive
from service.adapters.images import ImageServer
from service.adapters.inquiries import Inquiries
from service.adapters.intake import Intake
from service.adapters.mailbox import Mailbox
from service.adapters.shopclock import Ahead, not_ahead
from service.adapters.vitals import Vitals
from service.errors import Conflict, HenjiError, KeyReused, NotFound, StoreUnavailable, WorkerUnavailable
from service.staffing import Desk
from service.web.api.bodies import Bodies
from service.web.api.router import make_router
from service.web.health import is_live, is_ready
from service.web.images import show_image
from service.web.metrics import show_metrics
from service.web.pages import homescreen
from service.web.pages.assets import read_asset
from service.web.pages.errors import explain, is_for_people
from service.web.problems import problem
from service.web.webhook import ChannelSecrets, make_webhook

log = structlog.get_logger()

_STATUS: dict[type[HenjiError], int] = {
    NotFound: 404,
    Conflict: 409,
    KeyReused: 422,
    StoreUnavailable: 503,
    WorkerUnavailable: 503,
}


def _explain(request: Request[Any, Any, State], error: HenjiError) -> Response[Any]:
    if isinstance(error, StoreUnavailable):
        # What Redis said may name hosts: it goes to the log, not to whoever asks.
        log.warning("redis_away", error=str(error))
        return _answer(request, 503, "the store is not available, try again", {"Retry-After": "1"})
    return _answer(request, _STATUS[type(error)], str(error))


def _explain_refusal(request: Request[Any, Any, State], error: HTTPException) -> Response[Any]:
    """What the framework refuses: a path, a method, a body that does not fit. `errors` names the fields."""
    errors = list(error.extra) if isinstance(error.extra, list) else None
    return _answer(request, error.status_code, error.detail, error.headers, errors)


def _explain_fault(request: Request[Any, Any, State], error: Exception) -> Response[Any]:
    """A fault of our own: the log gets all of it, whoever asks nothing."""
    log.error("request_failed", exc_info=error)
    return _answer(request, 500, "a fault of the service; its log says more")


def _answer(
    request: Request[Any, Any, State],
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    errors: list[Any] | None = None,
) -> Response[Any]:
    """A page where a page was asked for, else problem details."""
    if is_for_people(request):
        return explain(request, status, headers)
    return problem(status, detail, headers=headers, errors=errors or None)


def make_app(
    *,
    mailbox: Mailbox,
    archive: Archive,
    inquiries: Inquiries,
    vitals: Vitals,
    pages: Router,
    channel_secrets: ChannelSecrets,
    images: ImageServer,
    ahead_ms: Ahead = not_ahead,
    lifespan: Callable[[Litestar], AbstractAsyncContextManager[None]] | None = None,
) -> Litestar:
    """Put the application together from parts that are already built."""

    async def shop_now() -> datetime:
        return datetime.now(UTC) + timedelta(milliseconds=await ahead_ms())

    desk = Desk(archive, mailbox)
    parts: dict[str, Any] = {"archive": archive, "desk": desk, "inquiries": inquiries}
    parts |= {"vitals": vitals, "images": images}
    webhook = make_webhook(Intake(mailbox), channel_secrets)
    return Litestar(
        route_handlers=[
            *(webhook, make_router(archive), show_image, is_live, is_ready, show_metrics),
            *(read_asset, *homescreen.HANDLERS, pages),
        ],
        dependencies={name: _provide(part) for name, part in parts.items()} | {"now": Provide(shop_now)},
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
