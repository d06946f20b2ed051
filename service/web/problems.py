"""Problem details (RFC 9457): how every error looks to whoever asks."""

from http import HTTPStatus
from typing import Any

from litestar import Response


def problem(
    status: int, detail: str, *, headers: dict[str, str] | None = None, **more: object
) -> Response[dict[str, Any]]:
    """Make an answer of an error. `more` are members of our own; what is None is left out."""
    body: dict[str, Any] = {"status": status, "title": HTTPStatus(status).phrase, "detail": detail}
    body |= {name: value for name, value in more.items() if value is not None}
    return Response(body, status_code=status, media_type="application/problem+json", headers=headers)
