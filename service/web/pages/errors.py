"""What a person sees when something does not work. What is open in the browser stays there, with all that was typed."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.datastructures import State
from litestar.response import Redirect

from service.web.pages.screen import go, local, show
from service.web.pages.visit import is_htmx
from service.web.pages.words import error_word

_NOT_PAGES = ("/api", "/webhook", "/health", "/metrics", "/static", "/img")


def is_for_people(request: Request[Any, Any, State]) -> bool:
    """Whether a page was asked for, not something that programs read."""
    if any(request.url.path == start or request.url.path.startswith(f"{start}/") for start in _NOT_PAGES):
        return False
    return is_htmx(request) or "text/html" in request.headers.get("accept", "")


def explain(request: Request[Any, Any, State], status: int, headers: dict[str, str] | None) -> Response[Any] | Redirect:
    """Answer with a page; to htmx with a part that it puts into the page that is open."""
    if status == 401:
        return _ask_to_log_in(request)
    kept = {name: value for name, value in (headers or {}).items() if name.lower() in {"retry-after", "allow"}}
    if is_htmx(request):
        kept |= {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"}
        return show(request, "_notice.html", status=status, headers=kept, word=error_word(status))
    return show(request, "error.html", status=status, headers=kept, word=error_word(status), code=status)


def _ask_to_log_in(request: Request[Any, Any, State]) -> Response[Any] | Redirect:
    """The session is over. htmx opens a dialog over the page; after logging in there the person sends once more."""
    if is_htmx(request):
        headers = {"HX-Retarget": "#login-place", "HX-Reswap": "innerHTML"}
        return show(request, "_login_dialog.html", status=401, headers=headers, problem="", wait=0, name="")
    path = request.url.path if request.method == "GET" else "/inbox"
    query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
    return go(request, f"/login?next={quote(local(path + query), safe='')}")
