"""Measure the webhook: `python -m bench.webhook [--seconds 3] [--rounds 3]`.

First how many webhooks a second each server accepts from 16 connections, one event each, from 1,000 customers:
bare    Litestar answers 200 after reading the body
henji   `python -m service serve --no-worker`, with an embedded Valkey that waits for the disk
inside  line-bot-sdk parses and replies to a fake LINE inside the request
The servers take turns, round after round; printed are the medians over the rounds, and the ratio to bare.

Then everything at once: webhooks at a fixed rate, web process, worker process, Valkey and a fake LINE. Printed are the
webhook's latency, and the time from the webhook to the reply's arrival at LINE; p95 < 300 ms at 100/s is the promise.
"""

import argparse
import statistics
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

from redis import Redis

from bench.rig import (
    ask_line,
    count_scripts,
    cpu_s,
    free_port,
    load,
    quantile,
    run_line,
    run_server,
    run_store,
    run_web,
    run_worker,
    until,
)

_MOST_PER_S = 10_000
_WARM_UP_S = 0.5


@contextmanager
def run_bare(_line_ms: int) -> Generator[int]:
    port = free_port()
    with run_server(port, "bench.servers", "bare", str(port)):
        yield port


@contextmanager
def run_henji(_line_ms: int) -> Generator[int]:
    with run_store() as url, run_web(url) as (port, _):
        yield port


@contextmanager
def run_inside(line_ms: int) -> Generator[int]:
    port = free_port()
    with (
        run_line(line_ms) as (line, _),
        run_server(port, "bench.servers", "inside", str(port), "--line-port", str(line)),
    ):
        yield port


_SERVERS: dict[str, Callable[[int], Any]] = {"bare": run_bare, "henji": run_henji, "inside": run_inside}
_Row = tuple[float, float, float]


def measure(name: str, seconds: float, line_ms: int) -> _Row:
    """Load one server as fast as it answers: webhooks a second, p50 and p99 in ms."""
    with _SERVERS[name](line_ms) as port:
        count = int((seconds + _WARM_UP_S) * _MOST_PER_S)
        found = load(port, "--count", count, "--seconds", seconds, "--warm-up", _WARM_UP_S)
    assert not found["failed"], f"{name}: {found['failed']} of {found['answered']} failed"
    return found["rate"], found["p50_ms"], found["p99_ms"]


def compare(seconds: float, rounds: int, line_ms: int) -> None:
    rows: dict[str, list[_Row]] = {name: [] for name in _SERVERS}
    for _ in range(rounds):
        for name, found in rows.items():
            found.append(measure(name, seconds, line_ms))
    print(f"{'server':8} accepted/s  of bare   p50 ms   p99 ms   accepted/s of each round")
    base = statistics.median(rate for rate, _, _ in rows["bare"])
    for name, found in rows.items():
        rate, middle, late = (statistics.median(column) for column in zip(*found, strict=True))
        each = " ".join(f"{row[0]:.0f}" for row in found)
        print(f"{name:8} {rate:10.0f} {rate / base:8.2f} {middle:8.2f} {late:8.2f}   {each}", flush=True)


def pace(rate: float, seconds: float, line_ms: int) -> None:
    """Send webhooks at a fixed rate to the whole service, and find each one's reply at the fake LINE."""
    count = int(rate * seconds)
    with (
        run_store() as url,
        run_line(line_ms) as (line, _),
        run_web(url) as (port, web_pid),
        run_worker(url, line) as worker_pid,
        Redis.from_url(url) as redis,
    ):
        # The first messages find a worker that is still reading the FAQ.
        load(port, "--count", 50, "--customers", 50)
        until(lambda: ask_line(line, "count") == 50, 60)
        before = count_scripts(redis), cpu_s(web_pid), cpu_s(worker_pid)
        found = load(port, "--count", count, "--first", 50, "--rate", rate)
        until(lambda: ask_line(line, "count") == count + 50, 30)
        after = count_scripts(redis), cpu_s(web_pid), cpu_s(worker_pid)
        seen = ask_line(line, "replies")
    assert not found["failed"], f"{found['failed']} webhooks failed"
    assert not seen["odd"], f"{seen['odd']} requests to LINE were no plain replies"
    arrived = {int(token): at for token, at in seen["replies"]}
    waits = [(arrived[number] - due) * 1000 for number, due in enumerate(found["due"], 50)]
    scripts, web_cpu, worker_cpu = (end - begin for begin, end in zip(before, after, strict=True))
    print(f"\n{rate:g} messages/s for {seconds:g} s, all processes at once:")
    print(f"webhook     p50 {found['p50_ms']:7.2f} ms   p99 {found['p99_ms']:7.2f} ms")
    middle, late = quantile(waits, 0.5), quantile(waits, 0.95)
    print(f"sure reply  p50 {middle:7.2f} ms   p95 {late:7.2f} ms   max {max(waits):.2f} ms")
    print(f"a message   {scripts / count:.2f} scripts in Valkey, CPU: web {web_cpu / count * 1000:.2f} ms,", end=" ")
    print(f"worker {worker_cpu / count * 1000:.2f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=100.0, help="messages/s of the second part")
    parser.add_argument("--line-ms", type=int, default=0, help="how long the fake LINE takes to answer")
    options = parser.parse_args()
    seconds, line_ms = cast("float", options.seconds), cast("int", options.line_ms)
    if options.rounds:
        compare(seconds, cast("int", options.rounds), line_ms)
    pace(cast("float", options.rate), max(5.0, seconds), line_ms)


if __name__ == "__main__":
    main()
