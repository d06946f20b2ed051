"""What the benchmarks share: processes of their own, a store that waits for the disk, webhooks that are signed already.

Every server measured here is a process of its own, and so is what loads it: they meet only over sockets. Times that
two processes compare are `time.monotonic()`, one clock for the whole machine.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from redis import Redis

from service import wiring
from service.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "{henji}:"
SECRET = "bench-channel-secret"  # noqa: S105
_PASSWORDS = {"LINE_CHANNEL_SECRET": SECRET, "LINE_CHANNEL_ACCESS_TOKEN": "bench-access-token"}
# Questions to which the sample shop's FAQ has a sure answer.
QUESTIONS = (
    "営業時間・定休日を教えてください",
    "お店の場所・行き方を教えてください",
    "駐車場はありますか",
    "予約をキャンセルしたいです",
    "メニューと料金を教えてください",
    "支払い方法は何がありますか",
    "子どもも一緒に行けますか",
    "使っている商品は買えますか",
)
_START_S = 30.0
_END_S = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environ(**more: str) -> dict[str, str]:
    """Nothing of the developer's own settings: neither from the shell nor, by an empty value, from `.env`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HENJI_", "LINE_", "OPENAI_", "REDIS_"))
    }
    return kept | {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": "", "LINE_API_BASE": ""} | _PASSWORDS | more


@contextmanager
def run_program(*arguments: str, environ: dict[str, str] | None = None) -> Generator[int]:
    """Run `python -m ARGUMENTS` inside the context; gives its process id. Its log is shown when it failed."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environ or clean_environ(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process.pid
            assert process.poll() is None, f"{arguments[0]} ended too early, with {process.returncode}"
        except BaseException:
            log.seek(0)
            print(log.read()[-3000:].decode(errors="replace"), file=sys.stderr)
            raise
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def run_server(port: int, *arguments: str, environ: dict[str, str] | None = None) -> Generator[int]:
    """Run a program that listens on `port`, from when it does."""
    with run_program(*arguments, environ=environ) as pid:
        until(lambda: _is_open(port), _START_S)
        yield pid


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], object], timeout_s: float, every_s: float = 0.02) -> None:
    """Wait for something to come true. Raises AssertionError when it does not."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"nothing happened for {timeout_s:g} s"
        time.sleep(every_s)


@contextmanager
def run_store() -> Generator[str]:
    """Start an empty embedded Valkey as the service does, with `appendfsync always`; gives its URL."""
    with tempfile.TemporaryDirectory(prefix="henji-bench-") as folder:
        settings = load_settings(_PASSWORDS | {"HENJI_DATA_DIR": folder}, None)
        with wiring.open_store(settings) as url, Redis.from_url(url) as redis:
            assert cast("dict[str, str]", redis.config_get("appendfsync")) == {"appendfsync": "always"}
            yield url


@contextmanager
def run_web(redis_url: str) -> Generator[tuple[int, int]]:
    """Run the service's web process; gives its port and process id."""
    port = free_port()
    environ = clean_environ(REDIS_URL=redis_url, HENJI_PORT=str(port))
    with run_server(port, "service", "serve", "--no-worker", environ=environ) as pid:
        yield port, pid


@contextmanager
def run_worker(redis_url: str, line_port: int) -> Generator[int]:
    """Run the service's worker process against a fake LINE; gives its process id."""
    environ = clean_environ(REDIS_URL=redis_url, LINE_API_BASE=f"http://127.0.0.1:{line_port}")
    with run_program("service", "work", environ=environ) as pid:
        yield pid


@contextmanager
def run_line(delay_ms: int = 0) -> Generator[tuple[int, int]]:
    """Run the smallest fake LINE; gives its port and process id."""
    port = free_port()
    with run_server(port, "bench.tiny_line", str(port), "--delay-ms", str(delay_ms)) as pid:
        yield port, pid


def ask_line(port: int, what: str) -> Any:
    """Ask the fake LINE what it saw: `count` or `replies`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", f"/bench/{what}")
    try:
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def load(port: int, *options: object) -> dict[str, Any]:
    """Let `bench.load` post webhooks to a server, in a process of its own; gives its figures."""
    command = [sys.executable, "-m", "bench.load", str(port), *map(str, options)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return cast("dict[str, Any]", json.loads(done.stdout))


def make_request(port: int, number: int, customers: int, text: str = "") -> bytes:
    """Make message `number` as LINE would post it: a whole HTTP request, signed, of one customer among `customers`.

    Without a `text` it is a question to which there is a sure answer.
    """
    event = {
        "type": "message",
        "message": {
            "type": "text",
            "id": f"4688{number:015}",
            "quoteToken": hashlib.sha256(b"quote %d" % number).hexdigest(),
            "text": text or QUESTIONS[number % len(QUESTIONS)],
        },
        "webhookEventId": f"01BENCH{number:019}",
        "deliveryContext": {"isRedelivery": False},
        "timestamp": int(time.time() * 1000),
        "source": {"type": "user", "userId": f"U{number % customers:032x}"},
        "replyToken": f"{number:032}",
        "mode": "active",
    }
    body = json.dumps({"destination": f"U{'0' * 32}", "events": [event]}, ensure_ascii=False).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    head = (
        f"POST /webhook/line HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"X-Line-Signature: {signature}\r\nUser-Agent: LineBotWebhook/2.0\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def count_scripts(redis: Redis) -> int:
    """Count the scripts that Valkey ran since its start: the round trips that the delivery's budget is about."""
    stats = cast("dict[str, dict[str, int]]", redis.info("commandstats"))
    return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval"))


def cpu_s(pid: int) -> float:
    """Say how much processor time a process has used; Linux only, 0 elsewhere."""
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        return 0.0
    fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantile(values: Sequence[float], share: float) -> float:
    """Give the value below which `share` of the values lie; 0 for no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
