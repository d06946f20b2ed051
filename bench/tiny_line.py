"""The smallest fake LINE: `python -m bench.tiny_line PORT [--delay-ms N]`. It agrees to all, and keeps the times.

The tests' fake LINE checks every request as LINE does and needs longer for that than the worker for its part: beside
it the fake would be measured. This one reads only the reply token. `--delay-ms` is how long LINE takes to answer.
`GET /bench/count` and `GET /bench/replies` tell what it saw: `replies` is a list of [token, monotonic seconds], `odd`
counts requests that were not a plain reply without buttons.
"""

import argparse
import asyncio
import time
from typing import cast

import httptools
import msgspec
import uvloop

_SENT = b'{"sentMessages":[{"id":"461230966842064897","quoteToken":"IStG5h1Tz7b"}]}'


class _Reply(msgspec.Struct):
    replyToken: str = ""  # noqa: N815  LINE's own name


class Seen(msgspec.Struct):
    """What came since the start."""

    replies: list[tuple[str, float]]
    odd: int = 0


class Connection(asyncio.Protocol):
    """One connection, with requests one after the other."""

    def __init__(self, seen: Seen, delay_s: float) -> None:
        self._seen = seen
        self._delay_s = delay_s
        self._parser = httptools.HttpRequestParser(self)
        self._url, self._body = b"", b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url, self._body = b"", b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._url.startswith(b"/bench/"):
            told = len(self._seen.replies) if self._url.endswith(b"count") else self._seen
            self._answer(msgspec.json.encode(told))
            return
        if self._url.startswith(b"/v2/bot/message/quota"):  # workers ask for it now and then
            self._answer(b'{"type":"none","totalUsage":0}')
            return
        token = msgspec.json.decode(self._body or b"{}", type=_Reply).replyToken
        if self._url == b"/v2/bot/message/reply":
            self._seen.replies.append((token, time.monotonic()))
        self._seen.odd += not token or b'"quickReply"' in self._body
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._answer, _SENT)
        else:
            self._answer(_SENT)

    def _answer(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-line-request-id: bench\r\n"
        if self._transport and not self._transport.is_closing():
            self._transport.write(b"%scontent-length: %d\r\n\r\n%s" % (head, len(body), body))


async def serve(port: int, delay_s: float) -> None:
    seen = Seen([])
    server = await asyncio.get_running_loop().create_server(lambda: Connection(seen, delay_s), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--delay-ms", type=int, default=0)
    options = parser.parse_args()
    uvloop.run(serve(cast("int", options.port), cast("int", options.delay_ms) / 1000))


if __name__ == "__main__":
    main()
