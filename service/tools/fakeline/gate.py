"""What every request to the API passes, whatever the endpoint: faults, limits, the access token, the list of calls."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, cast
from weakref import WeakSet

from aiohttp import web

from service.tools.fakeline.faults import Call, Fault, Faults
from service.tools.fakeline.ids import new_request_id
from service.tools.fakeline.limits import RateLimits
from service.tools.fakeline.platform import Platform
from service.tools.fakeline.records import Json
from service.tools.fakeline.refusals import Refused

MAX_BODY_BYTES = 2 * 1024 * 1024
REQUEST_ID = web.RequestKey("REQUEST_ID", str)
DELIVERS = web.RequestKey("DELIVERS", bool)
Handler = Callable[[web.Request], Awaitable[web.Response]]
Route = tuple[str, str, str, Handler]


class Gate:
    """The one way in. `calls` lists all requests in the order in which they ended."""

    def __init__(self, platform: Platform, faults: Faults, limits: RateLimits) -> None:
        self._platform = platform
        self._faults = faults
        self._limits = limits
        self._stale: WeakSet[asyncio.BaseTransport] = WeakSet()
        self.calls: list[Call] = []

    def application(self, routes: Sequence[Route]) -> web.Application:
        """Build the aiohttp application. Unknown paths, also with a slash too many, are 404."""
        app = web.Application(client_max_size=2 * MAX_BODY_BYTES)
        for method, path, endpoint, handler in routes:
            app.router.add_route(method, path, self._guard(endpoint, handler))
        app.router.add_route("*", "/{path:.*}", self._guard("unknown", _not_found))
        return app

    def _guard(self, endpoint: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            call = Call(endpoint, request.method, request.raw_path, _parsed(await request.read()), _headers(request))
            if request.transport in self._stale:
                return self._drop(request, call)
            fault = self._faults.take(call) or Fault("none")
            request[REQUEST_ID], request[DELIVERS] = new_request_id(), fault.delivers
            response = await self._answer(call, request, fault, handler)
            if response is None:
                return self._drop(request, call)
            response.headers["x-line-request-id"] = request[REQUEST_ID]
            self._write_down(replace(call, status=response.status))
            return response

        return handle

    async def _answer(self, call: Call, request: web.Request, fault: Fault, handler: Handler) -> web.Response | None:
        """Go through the fault's steps around the handler; None means to drop the connection."""
        if fault.before:
            await fault.before(call)
        await asyncio.sleep(fault.wait_before_s)
        response = await self._accept(call, request, handler) if fault.accepts else None
        if fault.after:
            await fault.after(call)
        await asyncio.sleep(fault.wait_after_s)
        if fault.drops:
            return None
        if fault.goes_stale and request.transport:
            self._stale.add(request.transport)
        return _spoil(response, fault)

    async def _accept(self, call: Call, request: web.Request, handler: Handler) -> web.Response:
        if not self._limits.allow(call.endpoint):
            return answer({"message": "The API rate limit has been exceeded. Try again later."}, status=429)
        try:
            if call.endpoint not in {"oauth", "unknown"}:
                self._platform.check_access_token(request.headers.get("Authorization", ""))
            return await handler(request)
        except Refused as refused:
            return answer(refused.body, status=refused.status, headers=refused.headers)

    def _drop(self, request: web.Request, call: Call) -> web.StreamResponse:
        self._write_down(call)
        if isinstance(request.transport, asyncio.Transport):
            request.transport.abort()
        return web.Response()

    def _write_down(self, call: Call) -> None:
        self.calls.append(call)
        self._platform.bell.ring()


def answer(body: Json, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Build a JSON answer with the headers LINE sends."""
    return web.json_response(body, status=status, headers=headers)


async def json_body(request: web.Request) -> Json:
    """Read a JSON object. Raises Refused: 413 over 2 MB, 415 for another content type, 400 for broken JSON."""
    if request.content_type != "application/json":
        raise Refused(415, f"The content type, {request.content_type}, is not supported")
    raw = await request.read()
    if len(raw) > MAX_BODY_BYTES:
        raise Refused(413, "Payload Too Large")
    try:
        body = json.loads(raw)
    except json.JSONDecodeError as error:
        where = f"line: {error.lineno}, column: {error.colno}"
        raise Refused(400, f"The request body could not be parsed as JSON ({where})") from None
    except UnicodeDecodeError:
        raise Refused(400, "The request body could not be parsed as JSON (line: 1, column: 1)") from None
    if not isinstance(body, dict):
        raise Refused(400, "The request body could not be parsed as JSON (line: 1, column: 1)")
    return cast("Json", body)


async def _not_found(_request: web.Request) -> web.Response:
    raise Refused(404, "Not found")


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _headers(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _spoil(response: web.Response | None, fault: Fault) -> web.Response | None:
    if fault.answer is not None:
        status, body, content_type = fault.answer
        if response is not None and response.status >= 400 > status:
            return response  # what was refused never looks like a success
        return web.Response(status=status, body=body, content_type=content_type)
    if response is not None and fault.extra is not None and response.body:
        return answer({**_parsed(cast("bytes", response.body)), **fault.extra}, status=response.status)
    return response
