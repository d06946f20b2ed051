"""Who is at the other end of a page: the cookie, the session behind it, the language, the token of forms.

Everybody gets a cookie with a random id; only logging in makes an id a session, and it is always a new one: an id that
came from outside never becomes one. The token that every form carries is made of that id, so it fits this browser only.
"""

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, MutableScopeHeaders, State
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service.adapters.sessions import Sessions
from service.core.people import LONGEST_SESSION, Staff

Clock = Callable[[], datetime]
Language = Literal["ja", "en"]
LANGUAGE_COOKIE = "henji_language"
FORM_FIELD = "form_token"
FORM_HEADER = "x-form-token"
_SAFE = {"GET", "HEAD"}


class Visit(msgspec.Struct):
    """One request of a browser. `staff` is who is signed in, `id` what the cookie holds, or will hold."""

    id: str
    staff: Staff | None
    secure: bool
    is_known: bool
    lasts: bool = False

    @property
    def form_token(self) -> str:
        """What a form must bring along to be believed."""
        return hmac.digest(self.id.encode(), b"form", "sha256").hex()

    def become(self, session_id: str) -> None:
        """Go on as a session that was started just now."""
        self.id, self.is_known, self.lasts = session_id, False, True

    def forget(self) -> None:
        """Go on as nobody."""
        self.id, self.is_known, self.lasts, self.staff = secrets.token_urlsafe(32), False, False, None


PageRequest = Request[Staff, Visit, State]


class Visits(ASGIMiddleware):
    """Puts the visit into the request: `request.auth`, and `request.user`, the person, None where nobody is signed in.

    `https` says that the service is reached over HTTPS, whatever the last hop of a request was.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, sessions: Sessions, clock: Clock, *, https: bool) -> None:
        self._sessions = sessions
        self._clock = clock
        self._https = https

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Read the cookie, and set one where the visit got another id."""
        connection = ASGIConnection[Any, Any, Any, State](scope)
        secure = self._https or scope["scheme"] == "https"
        offered = connection.cookies.get(cookie_name(secure=secure), "")
        staff = await self._sessions.person(offered, self._clock()) if offered else None
        visit = Visit(offered or secrets.token_urlsafe(32), staff, secure, is_known=bool(offered))
        scope["user"], scope["auth"] = staff, visit

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and not visit.is_known:
                MutableScopeHeaders.from_message(message).add("Set-Cookie", _cookie(visit))
            await send(message)

        await next_app(scope, receive, send_with_cookie)


def cookie_name(*, secure: bool) -> str:
    """Over HTTPS browsers keep the cookie of such a name from being set by any other host or over HTTP."""
    return "__Host-henji" if secure else "henji"


def _cookie(visit: Visit) -> str:
    return Cookie(
        key=cookie_name(secure=visit.secure),
        value=visit.id,
        max_age=int(LONGEST_SESSION.total_seconds()) if visit.lasts else None,
        path="/",
        secure=visit.secure,
        httponly=True,
        samesite="lax",
    ).to_header(header="")


def language_of(request: Request[Any, Any, State]) -> Language:
    """The language that was chosen, else the first of ours that the browser asks for, else Japanese."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in {"ja", "en"}:
        return "en" if chosen == "en" else "ja"
    wanted: list[tuple[float, Language]] = []
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, weight = part.strip().partition(";q=")
        language = tag.lower().split("-")[0]
        if language in {"ja", "en"}:
            wanted.append((-_weight(weight), "en" if language == "en" else "ja"))
    return min(wanted, key=lambda pair: pair[0])[1] if wanted else "ja"


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def signed_in(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard of all that is not for everybody."""
    if connection.scope["user"] is None:
        raise NotAuthorizedException("sign in first")


def owners_only(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard of what only an owner may see or do."""
    if not connection.user.is_owner:
        raise PermissionDeniedException("this is for owners")


async def form_is_ours(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard of whatever changes something: the request must come from a page that this browser got from us.

    The token is in the header (htmx sends it with everything) or in a field of the form.
    """
    if not isinstance(connection, Request) or connection.method in _SAFE:
        return
    visit: Visit = connection.auth
    offered = [connection.headers.get(FORM_HEADER, "")]
    if connection.content_type[0] in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        offered.append(str((await connection.form()).get(FORM_FIELD, "")))
    if not any(hmac.compare_digest(token.encode(), visit.form_token.encode()) for token in offered):
        raise PermissionDeniedException("the page is too old")


def address_of(request: Request[Any, Any, State]) -> str:
    """Where a request comes from. Behind a proxy that is trusted, the server has put the sender's address there."""
    return request.client.host if request.client else "unknown"


def is_htmx(request: Request[Any, Any, State]) -> bool:
    """Whether htmx asks, for a part of a page that is open already."""
    return request.headers.get("hx-request") == "true"
