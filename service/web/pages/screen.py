"""Renders templates. Every page leaves through here, with the headers that keep a browser on the safe side."""

from functools import cache
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.datastructures import State
from litestar.response import Redirect

from service.core.additions import sight
from service.web.pages.assets import asset_url
from service.web.pages.visit import FORM_FIELD, FORM_HEADER, Visit, language_of
from service.web.pages.words import say

_TEMPLATES = Path(__file__).parent.parent / "templates"
# Nothing inline, nothing from elsewhere. `no-referrer`, because the address of a one-time link is a secret.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_HSTS = {"Strict-Transport-Security": "max-age=31536000"}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    shared: dict[str, Any] = {"asset": asset_url, "form_field": FORM_FIELD, "form_header": FORM_HEADER, "sight": sight}
    cast("dict[str, Any]", environment.globals).update(shared)
    return environment


def show(
    request: Request[Any, Any, State],
    template: str,
    /,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: object,
) -> Response[str]:
    """Render a template for whoever asks, in their language. `t` in it gives words, `person` is who is signed in.

    `here` is where the choice of the language leads back to: the address that was asked for, unless the context says.
    """
    language = language_of(request)
    visit: Visit | None = request.scope.get("auth")

    def translate(word: str, **values: object) -> str:
        return say(word, language, **values)

    body = (
        _environment()
        .get_template(template)
        .render(
            t=translate,
            language=language,
            person=visit.staff if visit else None,
            form_token=visit.form_token if visit else "",
            **{"here": request.url.path, **context},
        )
    )
    return Response(body, status_code=status, media_type=MediaType.HTML, headers=_headers(visit) | (headers or {}))


def go(request: Request[Any, Any, State], path: str) -> Redirect:
    """Send the browser to another page of ours. A path that leads elsewhere leads home."""
    return Redirect(local(path), status_code=303, headers=page_headers(request))


def local(path: str) -> str:
    """Give a path of ours as it is, and the inbox for anything else that could be told to a browser."""
    is_ours = path.startswith("/") and not path.startswith("//") and path.isprintable() and "\\" not in path
    return path if is_ours else "/inbox"


def page_headers(request: Request[Any, Any, State]) -> dict[str, str]:
    """Give the headers that every page has."""
    return _headers(request.scope.get("auth"))


def _headers(visit: Visit | None) -> dict[str, str]:
    return _HEADERS | (_HSTS if visit and visit.secure else {})
