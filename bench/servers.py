"""The two servers that ours is held against: `python -m bench.servers bare|inside PORT [--line-port PORT]`.

bare    reads the body and answers 200: what Litestar and uvicorn cost by themselves
inside  does it as the SDK's examples do: parses, and sends the reply before it answers. The reply is always the same,
        so nothing is looked up and nothing is stored
"""

import argparse
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn
from linebot.v3.messaging import AsyncApiClient, AsyncMessagingApi, Configuration, ReplyMessageRequest
from linebot.v3.webhook import WebhookParser
from litestar import Litestar, Request, Response, post
from litestar.datastructures import State

from bench.rig import SECRET


@post("/webhook/line", status_code=200, include_in_schema=False)
async def receive_bare(request: Request[None, None, State]) -> Response[None]:
    await request.body()
    return Response(None)


@post("/webhook/line", status_code=200, include_in_schema=False)
async def receive_inside(request: Request[None, None, State], state: State) -> Response[None]:
    body = (await request.body()).decode()
    events = cast("list[Any]", state.parser.parse(body, request.headers["x-line-signature"]))
    for event in events:
        message = {"type": "text", "text": "本日は10:00〜20:00です。"}
        reply = ReplyMessageRequest.from_dict({"replyToken": event.reply_token, "messages": [message]})
        await cast("AsyncMessagingApi", state.api).reply_message(reply)
    return Response(None)


def make_inside(line_port: int) -> Litestar:
    @asynccontextmanager
    async def open_client(app: Litestar) -> AsyncGenerator[None]:
        configuration = Configuration(access_token="bench", host=f"http://127.0.0.1:{line_port}")  # noqa: S106
        async with AsyncApiClient(configuration) as client:
            app.state.api = AsyncMessagingApi(client)
            app.state.parser = WebhookParser(SECRET)
            yield

    return Litestar([receive_inside], lifespan=[open_client], logging_config=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("bare", "inside"))
    parser.add_argument("port", type=int)
    parser.add_argument("--line-port", type=int, default=0)
    options = parser.parse_args()
    line_port = cast("int", options.line_port)
    app = Litestar([receive_bare], logging_config=None) if options.kind == "bare" else make_inside(line_port)
    uvicorn.run(app, port=cast("int", options.port), log_config=None, access_log=False, server_header=False)


if __name__ == "__main__":
    main()
