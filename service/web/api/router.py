"""The REST API for staff and other systems, under /api/v1, with bearer tokens."""

from litestar import Router
from litestar.di import Provide

from service.adapters.archive import Archive
from service.web.api import conversations, handoffs, shop
from service.web.api.access import make_guard, provide_order

# Far more than the longest reply; a webhook of LINE's has a limit of its own.
MAX_BODY_BYTES = 512 * 1024


def make_router(archive: Archive) -> Router:
    """Put the API together."""
    return Router(
        "/api/v1",
        route_handlers=[*handoffs.HANDLERS, *conversations.HANDLERS, *shop.HANDLERS],
        guards=[make_guard(archive)],
        dependencies={"order": Provide(provide_order)},
        request_max_body_size=MAX_BODY_BYTES,
        security=[{"bearer": []}],
        tags=["v1"],
    )
