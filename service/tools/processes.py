"""Runs the parts of the service as processes of their own: starts them, starts them again, ends them together."""

import asyncio
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from typing import IO

import structlog

log = structlog.get_logger()

WRONG_SETUP = 2
_GRACE_S = 20.0
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 30.0
_STABLE_S = 60.0


class Child:
    """One process of the service, `python -m service ARGUMENTS --end-with-parent`.

    It ends when we end, whatever ends us: it holds the other end of a pipe that only we keep open. It is started in a
    session of its own, so that Ctrl-C reaches only us and we end everything in order.
    """

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], output: IO[bytes] | None = None) -> None:
        self.name = arguments[0]
        self._arguments = [sys.executable, "-m", "service", *arguments, "--end-with-parent"]
        self._environ = {**os.environ, **environ}
        self._output = output
        self.process: Process | None = None

    async def keep_running(self, stop: asyncio.Event) -> int:
        """Start it, and again whenever it ends by itself, until `stop` is set. Returns the exit code to end with.

        A process that says its set-up is wrong (exit code 2) is not started again.
        """
        delay_s = _FIRST_DELAY_S
        while True:
            started = asyncio.get_running_loop().time()
            self.process = await asyncio.create_subprocess_exec(
                *self._arguments,
                env=self._environ,
                stdin=PIPE,
                stdout=self._output,
                stderr=self._output,
                start_new_session=True,
            )
            ended, stopping = asyncio.create_task(self.process.wait()), asyncio.create_task(stop.wait())
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                return await self._end(ended)
            code = ended.result()
            if code == WRONG_SETUP:
                stop.set()
                return code
            lived_s = asyncio.get_running_loop().time() - started
            delay_s = _FIRST_DELAY_S if lived_s > _STABLE_S else min(_LONGEST_DELAY_S, delay_s * 2)
            log.error("process_ended", name=self.name, code=code, again_in_s=delay_s)
            await asyncio.wait({stopping}, timeout=delay_s)
            if stop.is_set():
                return 0

    async def _end(self, ended: "asyncio.Task[int]") -> int:
        if self.process is not None and not ended.done():
            self.process.send_signal(signal.SIGTERM)
            await asyncio.wait({ended}, timeout=_GRACE_S)
            if not ended.done():
                self.process.kill()
        await ended
        return 0


async def run_together(children: Sequence[Child], stop: asyncio.Event) -> int:
    """Keep all children running until `stop` is set or one says that the set-up is wrong. Returns the exit code."""
    return max(await asyncio.gather(*(child.keep_running(stop) for child in children)))


def end_with_parent() -> None:
    """In a child: end in good order as soon as the parent has gone, even when it was killed."""

    def wait_for_the_end() -> None:
        # Not sys.stdin: its lock, held here, would upset the interpreter's end.
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
