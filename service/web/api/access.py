"""Who sends a request, what their token is good for, and by what a repetition of it is known."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import HeaderParameter

from service.adapters.archive import ApiToken, Archive, Scope
from service.errors import NotFound
from service.staffing import Order

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern="^[!-~]+$",
        description="The same key and body within 24 hours: done once, answered again. Another body: 422.",
    ),
]


class Caller(msgspec.Struct, frozen=True):
    """Who a request comes from: a token, of which the hash is known, and its owner."""

    token: str
    owner: ApiToken


def needed_scope(handler: BaseRouteHandler) -> Scope:
    """What a token must be good for: reading, unless the handler says that it writes."""
    return "write" if handler.opt.get("writes") else "read"


def make_guard(archive: Archive) -> Guard:
    """Make what asks for a bearer token before anything else of a request is looked at; else 401, or 403."""

    async def check_token(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        owner = None
        if token:
            with suppress(NotFound):
                owner = await archive.token_owner(token)
        if owner is None:
            headers = {"WWW-Authenticate": "Bearer"}
            raise NotAuthorizedException("a valid bearer token is needed", headers=headers)
        if (scope := needed_scope(handler)) not in owner.scopes:
            raise PermissionDeniedException(f"this token is not good for this: it lacks the scope {scope}")
        connection.scope["user"] = Caller(_hash(token), owner)

    return check_token


async def provide_order(request: Request[Caller, None, State], key: IdempotencyKey = None) -> Order:
    """Say who wants something done, and make a repetition of it recognisable when the request has a key."""
    caller = request.user
    if key is None:
        return Order(caller.owner.name)
    asked = f"{request.method} {request.url.path}\n".encode() + await request.body()
    return Order(caller.owner.name, _hash(f"{caller.token} {key}"), hashlib.sha256(asked).hexdigest())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
