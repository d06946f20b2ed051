"""A real HTTP server on 127.0.0.1 that speaks chat completions and answers what the test wrote down, in order.

    async with ScriptedOpenAI(verdict("pick", "hours"), status(500)) as server:
        ...  # a client with base_url=server.base_url
    assert server.requests[0].model == "small-model"

After the last step it answers 418. Each step is an aiohttp handler; the functions below make the usual ones.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

Step = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SentSchema(msgspec.Struct):
    """The `json_schema` of a request."""

    name: str
    strict: bool
    schema: dict[str, Any]


class SentFormat(msgspec.Struct):
    """The `response_format` of a request."""

    type: str
    json_schema: SentSchema


class SentMessage(msgspec.Struct):
    """One message of a request."""

    role: str
    content: str


class SentRequest(msgspec.Struct, kw_only=True):
    """What a client asked, as far as tests look at it; anything of another shape is answered 400."""

    model: str
    messages: list[SentMessage]
    response_format: SentFormat
    temperature: float | None = None
    max_tokens: int | None = None
    authorization: str = ""


class ScriptedOpenAI:
    """The server. `requests` are the requests so far; `hanging` is set when a `hang` step has been reached."""

    def __init__(self, *steps: Step) -> None:
        self.requests: list[SentRequest] = []
        self.hanging = asyncio.Event()
        self.base_url = ""
        self._steps = list(steps)
        app = web.Application()
        app[SERVER] = self
        app.router.add_post("/v1/chat/completions", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            sent = msgspec.json.decode(await request.read(), type=SentRequest)
        except msgspec.DecodeError as error:
            return web.json_response({"error": {"message": str(error)}}, status=400)
        sent.authorization = request.headers.get("Authorization", "")
        self.requests.append(sent)
        step = self._steps.pop(0) if self._steps else status(418)
        return await step(request)


SERVER = web.AppKey("server", ScriptedOpenAI)


def verdict(kind: str, *entries: str) -> Step:
    """Answer with a verdict, as JSON."""
    return says(msgspec.json.encode({"verdict": kind, "entries": entries}).decode())


def says(content: str | None, *, finish_reason: str = "stop", refusal: str | None = None) -> Step:
    """Answer with a completion whose one message has this content."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return completion([{"index": 0, "message": message, "finish_reason": finish_reason}])


def completion(choices: object) -> Step:
    """Answer with a completion that has these choices."""
    return sends(
        msgspec.json.encode(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1764000000,
                "model": "small-model",
                "choices": choices,
                "usage": {"prompt_tokens": 900, "completion_tokens": 12, "total_tokens": 912},
            }
        )
    )


def sends(body: bytes, *, content_type: str = "application/json", code: int = 200) -> Step:
    """Answer with these bytes."""

    async def step(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=code, content_type=content_type)

    return step


def status(http_status: int, *, headers: dict[str, str] | None = None, **error: str) -> Step:
    """Answer with an error status and OpenAI's error object, for example `status(400, param="temperature")`."""

    async def step(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "no", **error}}, status=http_status, headers=headers)

    return step


async def hang(request: web.Request) -> web.StreamResponse:
    """Never answer; ends when the client goes away or the server stops."""
    request.app[SERVER].hanging.set()
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


async def drip(request: web.Request) -> web.StreamResponse:
    """Begin an answer and never end it: spaces, as servers send them to keep a connection open."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" " * 1024)


async def reset(request: web.Request) -> web.StreamResponse:
    """Cut the connection instead of answering."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
