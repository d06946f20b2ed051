"""Real nodes behind Sentinel or in a Cluster, made of the binary that comes with us: on 127.0.0.1, in a folder.

The nodes die with the test process, whatever ends it. Timeouts are short: a failover takes one to three seconds.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry

from service.adapters.embedded import server_binary
from service.adapters.store import PREFIX
from tests.support.waiting import until

MASTER_NAME = "shop"
SLOT = key_slot(PREFIX.encode())
_RANGES = ((0, 5460), (5461, 10922), (10923, 16383))
_DURABLE = {"appendonly": "yes", "appendfsync": "always", "save": '""', "repl-diskless-sync-delay": "0"}


class Node:
    """One server process. `stop` freezes it, as a hung machine is; `kill` is kill -9."""

    def __init__(self, directory: Path, port: int, config: Sequence[str], *options: str) -> None:
        self.port = port
        self._directory = directory
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        directory.mkdir()
        lines = (f"port {port}", "bind 127.0.0.1", f"dir {directory}", f"logfile {directory}/log", *config)
        (directory / "node.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self) -> None:
        """Start it, or start it again. From the main thread: the kernel ends it with the thread that started it."""
        command = [str(server_binary()), str(self._directory / "node.conf"), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=_die_with_parent())  # noqa: PLW1509
        until(lambda: self.says("PING"), f"the node on port {self.port} answers")

    @property
    def is_running(self) -> bool:
        return self._process is not None and not self._stopped

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process, self._stopped = None, False

    def stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        self._stopped = True

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self._stopped = False

    def ask(self, *command: str | int) -> Any:
        """Send one command on a connection of its own. Raises RedisError."""
        with redis.Redis(
            port=self.port, socket_timeout=2, retry=Retry(NoBackoff(), 0), decode_responses=True
        ) as client:
            return cast("Any", client.execute_command(*command))

    def says(self, *command: str | int) -> Any:
        """As `ask`, but None when it does not answer or gives an error."""
        try:
            return self.ask(*command)
        except (redis.RedisError, OSError):
            return None


class SetUp:
    """A master with its replicas and whatever watches over them. `url` is what REDIS_URL would be."""

    def __init__(self, url: str, nodes: Sequence[Node], watchers: Sequence[Node]) -> None:
        self.url = url
        self.nodes = nodes
        self.watchers = watchers

    def master_port(self, *, besides: int = 0) -> int | None:
        """The port of the node that holds our keys, by the word of all watchers; None while they do not agree."""
        raise NotImplementedError

    def is_whole(self) -> bool:
        """Whether every node is up, in its place, and known to be so by all."""
        raise NotImplementedError

    @property
    def master(self) -> Node:
        port = until(self.master_port, "a master")
        return next(node for node in self.nodes if node.port == port)

    @property
    def replicas(self) -> list[Node]:
        """The nodes that may take over from the master."""
        port = self.master.port
        roles = {node: node.says("ROLE") or [""] for node in self.nodes}
        return [node for node, role in roles.items() if role[0] == "slave" and int(role[2]) == port]

    def mend(self) -> None:
        """Bring every node back, wait until all is well, and delete all data."""
        for node in (*self.nodes, *self.watchers):
            if not node.is_running:
                node.kill()
                node.start()
        self.demote_strays()
        until(self.is_whole, "all nodes are up and know each other", timeout_s=60)
        self.master.ask("FLUSHALL")

    def demote_strays(self) -> None:
        """Hasten what the watchers do by themselves: a master of old becomes a replica."""


class SentinelSetUp(SetUp):
    """One master, two replicas, three Sentinels."""

    def master_port(self, *, besides: int = 0) -> int | None:
        question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME)
        named = {int((watcher.says(*question) or [0, 0])[1]) for watcher in self.watchers if watcher.is_running}
        return named.pop() if len(named) == 1 and besides not in named else None

    def demote_strays(self) -> None:
        master = self.master
        for node in self.nodes:
            if node is not master and node.ask("ROLE")[0] == "master":
                node.ask("REPLICAOF", "127.0.0.1", master.port)

    def is_whole(self) -> bool:
        states = [_pairs(sentinel.says("SENTINEL", "MASTER", MASTER_NAME)) for sentinel in self.watchers]
        replicas = [
            cast("list[Any]", sentinel.says("SENTINEL", "REPLICAS", MASTER_NAME) or []) for sentinel in self.watchers
        ]
        return (
            all((state.get("flags"), state.get("num-other-sentinels")) == ("master", "2") for state in states)
            and all(sorted(_pairs(one).get("flags") or "" for one in seen) == ["slave"] * 2 for seen in replicas)
            and _count_attached(self.master) == 2
        )


class ClusterSetUp(SetUp):
    """Three masters with a replica each."""

    def master_port(self, *, besides: int = 0) -> int | None:
        for node in self.nodes:
            if node.is_running and node.port != besides:
                for first, last, owner, *_ in cast("list[Any]", node.says("CLUSTER", "SLOTS") or []):
                    if first <= SLOT <= last and int(owner[1]) != besides:
                        return int(owner[1])
        return None

    def is_whole(self) -> bool:
        if any("cluster_state:ok" not in str(node.says("CLUSTER", "INFO")) for node in self.nodes):
            return False
        if any("fail" in str(node.says("CLUSTER", "NODES")) for node in self.nodes):
            return False
        return len({node.says("CLUSTER", "MYSHARDID") for node in self.nodes}) == 3 and all(
            _count_attached(node) == 1 for node in self.nodes if (node.says("ROLE") or [""])[0] == "master"
        )


@contextmanager
def single_node(directory: Path) -> Generator[tuple[Node, str]]:
    """Start one durable server. Gives its URL, too."""
    (port,) = _free_ports(1)
    node = Node(directory / "node", port, [f"{name} {value}" for name, value in _DURABLE.items()])
    with _running([node]):
        yield node, f"redis://127.0.0.1:{port}"


@contextmanager
def sentinel_set_up(directory: Path) -> Generator[SentinelSetUp]:
    """Start a master, two replicas and three Sentinels, and wait until they know each other."""
    ports = _free_ports(6)
    config = [f"{name} {value}" for name, value in _DURABLE.items()]
    nodes = [
        Node(directory / f"node{port}", port, config + ([f"replicaof 127.0.0.1 {ports[0]}"] if number else []))
        for number, port in enumerate(ports[:3])
    ]
    watch = (
        f"sentinel monitor {MASTER_NAME} 127.0.0.1 {ports[0]} 2",
        f"sentinel down-after-milliseconds {MASTER_NAME} 500",
        f"sentinel failover-timeout {MASTER_NAME} 2000",
    )
    sentinels = [Node(directory / f"sentinel{port}", port, watch, "--sentinel") for port in ports[3:]]
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports[3:])
    with _running([*nodes, *sentinels]):
        set_up = SentinelSetUp(f"redis+sentinel://{hosts}/{MASTER_NAME}/0", nodes, sentinels)
        until(set_up.is_whole, "the Sentinels know each other", timeout_s=30)
        yield set_up


@contextmanager
def cluster_set_up(directory: Path) -> Generator[ClusterSetUp]:
    """Start six nodes and make a Cluster of them."""
    ports = _free_ports(12)
    config = [f"{name} {value}" for name, value in _DURABLE.items()]
    config += ["cluster-enabled yes", "cluster-node-timeout 1000", "cluster-require-full-coverage no"]
    config += ["cluster-replica-validity-factor 0", "cluster-allow-replica-migration no"]
    nodes = [
        Node(directory / f"node{port}", port, [*config, f"cluster-port {bus}"])
        for port, bus in zip(ports[:6], ports[6:], strict=True)
    ]
    with _running(nodes):
        for number, (node, (first, last)) in enumerate(zip(nodes, _RANGES, strict=False)):
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node, bus in zip(nodes[1:], ports[7:], strict=True):
            nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        for master, replica in zip(nodes[:3], nodes[3:], strict=True):
            name = str(master.ask("CLUSTER", "MYID"))
            until(lambda: replica.says("CLUSTER", "REPLICATE", name), "the replica knows its master", 30)  # noqa: B023
        # Only the first three are named: the rest is found out.
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes[:3])
        set_up = ClusterSetUp(f"redis+cluster://{hosts}", nodes, ())
        until(set_up.is_whole, "the Cluster is whole", timeout_s=60)
        yield set_up


@contextmanager
def _running(nodes: Sequence[Node]) -> Generator[None]:
    with ExitStack() as stack:
        for node in nodes:
            stack.callback(node.kill)
            node.start()
        yield


def _free_ports(count: int) -> list[int]:
    """Find ports, all held at the same time, so that they are different ones."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _count_attached(master: Node) -> int:
    """How many replicas the master sends its writes to."""
    role = master.says("ROLE")
    return len(role[2]) if role and role[0] == "master" else 0


def _pairs(flat: Any) -> dict[str, str]:
    if isinstance(flat, dict):
        return cast("dict[str, str]", flat)
    return dict(zip(flat[::2], flat[1::2], strict=True)) if flat else {}


def _die_with_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def in_child() -> None:
        prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG; SIGTERM would not end one that is stopped
        if os.getppid() != parent:
            os._exit(1)

    return in_child
