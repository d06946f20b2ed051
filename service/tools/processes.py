"""Runs the parts of the service as processes of their own: starts them, starts them again, ends them together."""

import asyncio
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from typing import IO, Any

import structlog

from service.settings import ROOT

log = structlog.get_logger()

WRONG_SETUP = 2
_GRACE_S = 20.0
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 30.0
_STABLE_S = 60.0


def service_process(arguments: Sequence[str], environ: Mapping[str, str], output: IO[bytes] | None = None) -> "Child":
    """Make a child that is a part of the service, `python -m service ARGUMENTS`, with `environ` as its settings.

    It gets our own modules, whatever lies in the working directory (`-P`). A secret that came from a file is handed on
    as itself: giving both would be refused.
    """
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    given = {"PYTHONPATH": os.pathsep.join(paths), **{f"{name}_FILE": "" for name in environ}, **environ}
    return Child([sys.executable, "-P", "-m", "service", *arguments, "--end-with-parent"], given, output)


class Child:
    """One process that is kept running.

    It can end when we end, whatever ends us: its standard input is a pipe whose other end only we keep open. It is
    started in a session of its own, so that Ctrl-C reaches only us and we end everything in order.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        output: IO[bytes] | None = None,
        *,
        first_delay_s: float = _FIRST_DELAY_S,
        grace_s: float = _GRACE_S,
    ) -> None:
        self.command = command
        self._first_delay_s = first_delay_s
        self._grace_s = grace_s
        self.environ = {**os.environ, **environ}
        self._output = output
        self.process: Process | None = None

    async def keep_running(self, stop: asyncio.Event) -> int:
        """Start it, and again whenever it ends by itself, until `stop` is set. Returns the exit code to end with.

        One that says at its first start that the set-up is wrong (exit code 2) is not started again, and ends
        everything. Later on, say after a typing error in the FAQ, the other processes are worth more than a clear end.
        """
        stopping = asyncio.create_task(stop.wait())
        delay_s, is_first = self._first_delay_s, True
        try:
            while not stop.is_set():
                started = asyncio.get_running_loop().time()
                code = await self._run_once(stopping)
                if stop.is_set():
                    break
                if code == WRONG_SETUP and is_first:
                    stop.set()
                    return code
                if asyncio.get_running_loop().time() - started > _STABLE_S:
                    delay_s = self._first_delay_s
                log.error("process_ended", command=" ".join(self.command), code=code, again_in_s=delay_s)
                await asyncio.wait({stopping}, timeout=delay_s)
                delay_s, is_first = min(_LONGEST_DELAY_S, delay_s * 2), False
        finally:
            stopping.cancel()
        return 0

    async def _run_once(self, stopping: "asyncio.Task[Any]") -> int:
        """Run one process until it ends, or end it in good order when it is time to stop. Returns its exit code."""
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            env=self.environ,
            stdin=PIPE,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )
        ended = asyncio.create_task(self.process.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            self.process.send_signal(signal.SIGTERM)
            await asyncio.wait({ended}, timeout=self._grace_s)
            if not ended.done():
                self.process.kill()
        return await ended


async def run_together(children: Sequence[Child], stop: asyncio.Event) -> int:
    """Keep all children running until `stop` is set or one says that the set-up is wrong. Returns the exit code."""
    return max(await asyncio.gather(*(child.keep_running(stop) for child in children)))


def end_with_parent(grace_s: float = _GRACE_S) -> None:
    """In a child: end in good order as soon as the parent has gone, even when it was killed; in the end, just end."""

    def wait_for_the_end() -> None:
        # Not sys.stdin: its lock, held here, would upset the interpreter's end.
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(grace_s)
        os._exit(1)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
