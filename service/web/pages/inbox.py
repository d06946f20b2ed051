"""The inbox."""

from typing import Any

from litestar import Response, get

from service.web.pages.screen import show
from service.web.pages.visit import PageRequest


@get("/inbox", sync_to_thread=False)
def show_inbox(request: PageRequest) -> Response[Any]:
    """Show what waits."""
    return show(request, "inbox.html")
