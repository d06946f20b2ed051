"""The pages as an app on a home screen: its manifest, and the script that works while no page is open.

That script shows notifications and nothing else: it answers no request of a page and keeps nothing, so no customer's
words are ever stored by it.
"""

import json
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State

from service.web.pages.assets import asset_url, assets
from service.web.pages.visit import language_of
from service.web.pages.words import say

# Asked for again each time, as browsers do with such scripts; nothing but showing is in its power.
_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_POLICY = "default-src 'none'"


@get("/manifest.webmanifest", include_in_schema=False, sync_to_thread=False)
def show_manifest(request: Request[Any, Any, State]) -> Response[bytes]:
    """Say what the app is called, how it looks and where it opens."""
    language = language_of(request)
    name = say("product", language)
    manifest = {
        "id": "/inbox",
        "name": name,
        "short_name": name,
        "description": say("app_is", language),
        "lang": language,
        "start_url": "/inbox",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f5f6f4",
        "theme_color": "#1f6f54",
        "icons": [
            _icon("icon-192.png", 192),
            _icon("icon-512.png", 512),
            _icon("icon-maskable.png", 512, purpose="maskable"),
        ],
    }
    headers = _HEADERS | {"Vary": "Accept-Language"}
    return Response(json.dumps(manifest).encode(), media_type="application/manifest+json", headers=headers)


def _icon(name: str, size: int, **more: str) -> dict[str, str]:
    return {"src": asset_url(name), "sizes": f"{size}x{size}", "type": "image/png", **more}


@get("/service-worker.js", include_in_schema=False, sync_to_thread=False)
def show_service_worker() -> Response[bytes]:
    """Give the script. It stands at the root, because it may only serve what lies below it."""
    icons = {"icon": asset_url("icon-192.png"), "badge": asset_url("icon-badge.png")}
    script = assets()[asset_url("service-worker.js").removeprefix("/static/")].content
    body = f"const ICONS = {json.dumps(icons)};\n".encode() + script
    headers = _HEADERS | {"Content-Security-Policy": _POLICY}
    return Response(body, media_type="text/javascript", headers=headers)


HANDLERS: list[Any] = [show_manifest, show_service_worker]
