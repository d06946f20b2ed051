"""Styles and scripts, ours and those of htmx. An address holds a hash of the content: browsers keep it for ever."""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

import msgspec
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

_FOLDER = Path(__file__).parent.parent / "static"
# The wheel is installed for these files only. Its code is never imported: it would ask for Django.
_HTMX = {"htmx.js": "htmx-4.min.js", "htmx-sse.js": "ext/hx-sse-4.min.js"}
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}


class Asset(msgspec.Struct, frozen=True):
    """One file."""

    content: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """All files by their names with hashes: `app.3f2a9c01d4.css`."""
    files = {path.name: path for path in _FOLDER.iterdir() if path.suffix in _TYPES}
    spec = importlib.util.find_spec("django_htmx")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("django_htmx, which brings htmx, is not installed")
    files |= {name: Path(spec.origin).parent / "static/django_htmx" / path for name, path in _HTMX.items()}
    found: dict[str, Asset] = {}
    for name, path in files.items():
        content = path.read_bytes()
        stem, _, ending = name.rpartition(".")
        hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:10]}.{ending}"
        found[hashed] = Asset(content, _TYPES[f".{ending}"])
    return found


@cache
def asset_url(name: str) -> str:
    """The address of a file: `app.css`."""
    stem, _, ending = name.rpartition(".")
    hashed = next(key for key in assets() if key.startswith(f"{stem}.") and key.endswith(f".{ending}"))
    return f"/static/{hashed}"


@get("/static/{name:str}", include_in_schema=False, sync_to_thread=False)
def read_asset(name: FromPath[str]) -> Response[bytes]:
    """Give one file."""
    asset = assets().get(name)
    if asset is None:
        raise NotFoundException("no such file")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(asset.content, media_type=asset.media_type, headers=headers)
