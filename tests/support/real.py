"""The service as a shop runs it: real processes, found and killed by what they are."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import httpx

from service.adapters.embedded import _socket_path
from service.core.entries import Entry, words_of
from service.settings import ROOT
from service.tools.fakeline.server import FakeLine
from tests.support.system import SECRET, TOKEN, free_port
from tests.support.waiting import eventually, tick

Role = Literal["web", "worker", "valkey"]
_SIGNS: dict[Role, str] = {"web": "--no-worker", "worker": " work ", "valkey": "valkey-server"}


def write_faq(directory: Path, entries: Sequence[Entry]) -> None:
    """Write entries as staff would: one file each."""
    directory.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        phrasings = "\n".join(f"> - {phrasing}" for phrasing in entry.phrasings)
        answer = "\n\n---\n\n".join(map(words_of, entry.bubbles))
        settings = f"---\naction: {entry.action}\nmatch: {entry.match}\n---\n"
        text = f"{settings}\n## {entry.question} {{#{entry.id}}}\n\n{phrasings}\n\n{answer}\n"
        (directory / f"{entry.id}.md").write_text(text, encoding="utf-8")


class Service:
    """One `serve` with its Valkey in `data`. `log` is the file that all of it writes to."""

    def __init__(self, data: Path, faq: Path, fake: FakeLine, **settings: str) -> None:
        self.data = data
        self.faq = faq
        self.fake = fake
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.with_name(f"{data.name}.log")
        self.redis_url = f"unix://{_socket_path(data)}"
        self._settings = {
            "LINE_CHANNEL_SECRET": SECRET,
            "LINE_CHANNEL_ACCESS_TOKEN": TOKEN,
            "LINE_API_BASE": fake.base_url,
            "HENJI_DATA_DIR": str(data),
            "HENJI_FAQ_DIR": str(faq),
            "HENJI_PORT": str(self.port),
            **settings,
        }
        self.process: Process | None = None

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, **self._settings}

    async def start(self) -> None:
        """Start it and wait until it takes webhooks: itself, and not one that was killed and is on its way out."""
        with self.log.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "service", "serve"),
                cwd=ROOT,
                env=self.environ,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.fake.webhook_url = f"{self.url}/webhook/line"
        async with httpx.AsyncClient() as client:
            while self.process.returncode is None:
                try:
                    if self._listens() and (await client.get(f"{self.url}/health/ready")).is_success:
                        return
                except httpx.TransportError:
                    pass
                await tick()
        raise AssertionError(self.log.read_text(encoding="utf-8"))

    def _listens(self) -> bool:
        return any(listens(pid, self.port) for pid in self.pids("web"))

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end, as a supervisor or a terminal does. Returns the exit code."""
        assert self.process is not None
        os.killpg(self.process.pid, number)
        return await asyncio.wait_for(self.process.wait(), 30)

    def pids(self, role: Role) -> list[int]:
        """The processes of this service that have that role."""
        assert self.process is not None
        return [pid for pid in descendants(self.process.pid) if _SIGNS[role] in f"{command(pid)} "]

    def kill(self, role: Role) -> bool:
        """Kill -9 the process with that role; False when there is none just now."""
        pids = self.pids(role)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return bool(pids)

    async def until_worker_is_up(self) -> None:
        """Wait until a started worker takes messages."""
        await eventually(lambda: self.pids("worker"), "a worker runs", 30)


def descendants(pid: int) -> list[int]:
    """All processes below one, from /proc."""
    found: list[int] = []
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return found
    for child in map(int, children):
        found += [child, *descendants(child)]
    return found


def command(pid: int) -> str:
    """A process's command line; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def listens(pid: int, port: int) -> bool:
    """Whether it is this process that takes connections on that port of IPv4."""
    try:
        lines = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        files = {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return False
    sockets = {f"socket:[{row[9]}]" for row in lines if row[1].endswith(f":{port:04X}") and row[3] == "0A"}
    return bool(sockets & files)


def processes_of(data: Path) -> list[str]:
    """All living processes of the machine that belong to a data directory."""
    sign = f"HENJI_DATA_DIR={data}\0".encode()
    found: list[str] = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and sign in (process / "environ").read_bytes():
                found.append(f"{process.name} {command(int(process.name))}")
        except OSError:
            continue
    return [line for line in found if line.split(" ", 1)[1]]


@asynccontextmanager
async def running(service: Service) -> AsyncGenerator[Service]:
    """Start it, and leave nothing of it behind."""
    await service.start()
    try:
        yield service
    finally:
        if service.process is not None and service.process.returncode is None:
            service.process.kill()
            await service.process.wait()
        await eventually(lambda: not processes_of(service.data), "all processes have ended", 40)
