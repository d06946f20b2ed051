"""Measure the worker without a model: `python -m bench.worker [--count 3000] [--rounds 3]`. The target is 300/s.

The web process takes COUNT messages, each from a customer of its own; only then one worker process starts, answers
them all from the sample shop's FAQ, and sends them to a fake LINE. Messages/s is from the first reply that LINE saw to
the last. Printed for each round and as medians:
messages/s  decided, written and sent
CPU ms      processor time for one message: of the worker, of Valkey, of the fake LINE
scripts     round trips to Valkey for one sure answer by Valkey's own count; 4 are promised: PUT, TAKE, COMMIT, SENT
start s     from the start of the worker process to its first reply
"""

import argparse
import statistics
import time
from typing import cast

from redis import Redis

from bench.rig import PREFIX, ask_line, count_scripts, cpu_s, load, run_line, run_store, run_web, run_worker, until

_Row = tuple[float, float, float, float, float, float, float]


def measure(count: int, line_ms: int) -> _Row:
    with run_store() as url, run_line(line_ms) as (line, line_pid), Redis.from_url(url) as redis:
        with run_web(url) as (port, _):
            assert not load(port, "--count", count, "--customers", count)["failed"]
        puts = count_scripts(redis)
        valkey_pid = int(cast("dict[str, str]", redis.info("server"))["process_id"])
        began = time.monotonic()
        with run_worker(url, line) as worker_pid:
            pids = (worker_pid, valkey_pid, line_pid)
            until(lambda: ask_line(line, "count"), 60)
            early, before = ask_line(line, "count"), [cpu_s(pid) for pid in pids]
            until(lambda: ask_line(line, "count") >= count, 120, 0.1)
            after = [cpu_s(pid) for pid in pids]
            until(lambda: not redis.exists(f"{PREFIX}ready", f"{PREFIX}leases"), 10)
            scripts = count_scripts(redis)
        seen = ask_line(line, "replies")
        assert not redis.exists(f"{PREFIX}handoffs:waiting"), "not all answers were sure"
    assert len({token for token, _ in seen["replies"]}) == len(seen["replies"]) == count, "lost or doubled"
    assert not seen["odd"], "pushed, or with choices"
    times = [at for _, at in seen["replies"]]
    cpu_ms = [(end - start) / (count - early) * 1000 for start, end in zip(before, after, strict=True)]
    rate = (count - 1) / (times[-1] - times[0])
    return rate, *cast("tuple[float, float, float]", tuple(cpu_ms)), puts / count, scripts / count, times[0] - began


def show(name: str, row: _Row) -> None:
    rate, worker, valkey, line, puts, scripts, start = row
    print(
        f"{name:8} {rate:10.0f} {worker:8.2f} {valkey:8.2f} {line:8.2f} {scripts:9.3f} {puts:9.3f} {start:8.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--line-ms", type=int, default=0, help="how long the fake LINE takes to answer")
    options = parser.parse_args()
    print(f"{'':19}{'CPU ms a message':>27} {'scripts a message':>19}")
    print(f"{'round':8} messages/s   worker   Valkey     LINE       all of web's   start s")
    rows: list[_Row] = []
    for number in range(cast("int", options.rounds)):
        rows.append(measure(cast("int", options.count), cast("int", options.line_ms)))
        show(str(number + 1), rows[-1])
    show("median", cast("_Row", tuple(statistics.median(column) for column in zip(*rows, strict=True))))


if __name__ == "__main__":
    main()
