"""Post signed webhooks over keep-alive connections: `python -m bench.load PORT ...`. Prints one JSON object.

Without `--rate` each connection sends its next webhook as soon as the last one is answered, until `--count` are sent
or `--seconds` are over; what is answered during `--warm-up` is not counted. With `--rate` webhooks fall due at fixed
times, whatever the server does, and the latency of one that found no free connection counts from when it was due.

`rate` answers/s, `p50_ms`, `p99_ms`, `failed` answers other than 200, `due` the monotonic time of each (with `--rate`).
"""

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import cast

import httptools
import uvloop

from bench.rig import make_request, quantile


class Connection(asyncio.Protocol):
    """One keep-alive connection, with one request at a time."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._due = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(exc)

    def send(self, request: bytes, due: float) -> None:
        assert self._transport
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._load.answered(self, self._due, self._parser.get_status_code())


class Load:
    """The webhooks still to be sent, and what became of the others."""

    def __init__(self, requests: Sequence[bytes], due: Sequence[float] = ()) -> None:
        self._waiting = deque(requests)
        self._left = len(requests)
        self._due = deque(due)
        self._free: deque[Connection] = deque()
        self.answers: list[tuple[float, float]] = []
        self.failed = 0
        self.done = asyncio.Event()

    def start(self, connection: Connection) -> None:
        """Use a connection that is free."""
        if self._due:
            self._free.append(connection)
        elif self._waiting:
            connection.send(self._waiting.popleft(), time.monotonic())

    def send_due(self, *, on_time: bool = True) -> None:
        """Send what is due as far as there are free connections; comes back when the next one is due.

        `on_time=False` is for what had to wait for a free connection: its time counts from when it was due. Else it
        counts from now, since it is our own timer that is up to a millisecond late.
        """
        while self._due and self._free and self._due[0] <= time.monotonic():
            due = self._due.popleft()
            self._free.popleft().send(self._waiting.popleft(), time.monotonic() if on_time else due)
        if self._due and self._free:
            loop = asyncio.get_running_loop()
            loop.call_later(max(0.0, self._due[0] - time.monotonic()), self.send_due)

    def answered(self, connection: Connection, due: float, status: int) -> None:
        now = time.monotonic()
        self.answers.append((now, now - due))
        self.failed += status != 200
        self._left -= 1
        if not self._left:
            self.done.set()
        elif self._due:
            self._free.append(connection)
            if len(self._free) == 1:  # all were busy: nobody watches the clock
                self.send_due(on_time=False)
        else:
            self.start(connection)

    def lost(self, error: Exception | None) -> None:
        if not self.done.is_set():
            self.failed += 1
            self._left -= 1
            print(f"a connection was lost: {error}", file=sys.stderr)

    def stop(self) -> None:
        self.done.set()
        self._waiting.clear()


async def run(port: int, connections: int, load: Load, seconds: float, *, paced: bool) -> float:
    """Send everything; returns when it began."""
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: Connection(load), "127.0.0.1", port) for _ in range(connections)]
    began = time.monotonic()
    for _, connection in opened:
        load.start(connection)
    if paced:
        load.send_due()
    try:
        async with asyncio.timeout(seconds):
            await load.done.wait()
    except TimeoutError:
        load.stop()
    for transport, _ in opened:
        transport.close()
    return began


def tell(load: Load, began: float, warm_up: float, due: Sequence[float]) -> str:
    counted = [(at, took) for at, took in load.answers if at >= began + warm_up]
    latencies = [took * 1000 for _, took in counted]
    lasted = load.answers[-1][0] - began - warm_up
    return json.dumps(
        {
            "rate": len(counted) / lasted,
            "p50_ms": quantile(latencies, 0.5),
            "p99_ms": quantile(latencies, 0.99),
            "failed": load.failed,
            "answered": len(load.answers),
            "due": due,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="number of the first message")
    parser.add_argument("--customers", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--warm-up", type=float, default=0.0)
    parser.add_argument("--rate", type=float, default=0.0)
    options = parser.parse_args()
    port, rate, first = cast("int", options.port), cast("float", options.rate), cast("int", options.first)
    requests = [make_request(port, first + number, cast("int", options.customers)) for number in range(options.count)]
    start = time.monotonic() + 0.2
    due = [start + number / rate for number in range(options.count)] if rate else []
    warm_up = cast("float", options.warm_up)

    async def measure() -> str:
        load = Load(requests, due)
        seconds = warm_up + cast("float", options.seconds)
        began = await run(port, cast("int", options.connections), load, seconds, paced=bool(rate))
        return tell(load, began, warm_up, due)

    print(uvloop.run(measure()))


if __name__ == "__main__":
    main()
