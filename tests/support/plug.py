"""A plug to pull: kills a part of the service at its k-th call outside, before or after it took effect.

The part talks to Redis through `redis_proxy` and to the fake LINE; both count into one `Plug`. Once pulled, nothing
that the part still tries gets through: that is what kill -9 looks like from outside.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import unquote

from service.tools.fakeline.faults import Call, Fault
from service.tools.fakeline.server import FakeLine

When = Literal["before", "after"]
# Said by every client when it connects; the part's own calls begin after them.
_GREETINGS = {b"HELLO", b"CLIENT", b"AUTH", b"SELECT", b"SCRIPT"}


class Plug:
    """Counts calls, and is pulled at number `at` (from 1; 0 never)."""

    def __init__(self, at: int, when: When) -> None:
        self.at = at
        self.when = when
        self.calls = 0
        self.pulled = asyncio.Event()
        self._transports: set[asyncio.Transport] = set()

    def count(self) -> bool:
        """Count one call; True when it is the last one."""
        self.calls += 1
        return self.calls == self.at

    def pull(self) -> None:
        self.pulled.set()
        for transport in self._transports:
            transport.abort()

    def hold(self, *writers: asyncio.StreamWriter) -> None:
        self._transports |= {writer.transport for writer in writers if isinstance(writer.transport, asyncio.Transport)}

    def attach(self, fake: FakeLine) -> None:
        """Count the part's calls to LINE as well."""
        fake.faults.when(self._is_last, Fault.reset_before() if self.when == "before" else Fault.reset_after())

    def _is_last(self, _: Call) -> bool:
        if self.pulled.is_set():
            return False
        last = self.count()
        if last:
            self.pull()
        return last


@asynccontextmanager
async def redis_proxy(url: str, plug: Plug) -> AsyncGenerator[str]:
    """Stand before a Redis on a Unix socket; gives the address to use instead."""
    path = unquote(url.removeprefix("unix://"))
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if plug.pulled.is_set():
            writer.transport.abort()
            return
        there, back = await asyncio.open_unix_connection(path)
        plug.hold(writer, back)
        try:
            async with asyncio.TaskGroup() as group:
                answers = group.create_task(_copy(there, writer, plug))
                await _forward(reader, back, plug)
                answers.cancel()
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()
            back.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _forward(reader: asyncio.StreamReader, back: asyncio.StreamWriter, plug: Plug) -> None:
    """Pass on one command at a time, and pull the plug at the one that is the last."""
    while True:
        command = await _read_command(reader)
        if plug.pulled.is_set():
            return
        last = _name(command) not in _GREETINGS and plug.count()
        if last and plug.when == "before":
            plug.pull()
            return
        if last:
            plug.pulled.set()
        back.write(command)
        await back.drain()


async def _copy(there: asyncio.StreamReader, writer: asyncio.StreamWriter, plug: Plug) -> None:
    """Pass answers back, until the plug is pulled: an answer after that proves that the command was applied."""
    while data := await there.read(65_536):
        if plug.pulled.is_set():
            plug.pull()
            return
        writer.write(data)
        await writer.drain()


async def _read_command(reader: asyncio.StreamReader) -> bytes:
    """Read one command as it came: an array of bulk strings (Redis protocol specification)."""
    head = await reader.readuntil(b"\r\n")
    parts = [head]
    for _ in range(int(head[1:])):
        size = await reader.readuntil(b"\r\n")
        parts += [size, await reader.readexactly(int(size[1:]) + 2)]
    return b"".join(parts)


def _name(command: bytes) -> bytes:
    return command.split(b"\r\n", 3)[2].upper()
