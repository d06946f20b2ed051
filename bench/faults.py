"""Everything goes wrong for some minutes, then a ledger judges: `python -m bench.faults --minutes 6 --seed 1`.

The real service in real processes (web, two workers, its own Valkey) against a fake LINE in this one. Customers and
staff write at a steady rate while processes are killed and stopped and LINE fails in every way the fake one knows, all
drawn from the seed. Exit code 1 when a message was lost, answered twice, or answered out of order. Linux only.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bench.faults_ledger import WRONG, Judge, Verdict, Written, read_handoffs
from bench.rig import ROOT
from service.adapters.archive import Archive
from service.adapters.store import Store
from service.errors import StoreUnavailable
from service.tools.fakeline import events
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.records import Json
from service.tools.fakeline.server import FakeLine
from tests.support.real import Service, command, descendants, running, write_faq
from tests.support.shop import ENTRIES, entry
from tests.support.system import SECRET, TOKEN, is_quiet

KEYWORDS = 80
SURE = tuple(each.question for each in ENTRIES if each.action == "answer" and each.match == "meaning")
UNSURE = ("料金について", "髪のことで相談です", "カットとカラー")
FAULTY = 0.3
QUIET_S = 240.0
SIGNS = {"web": "--no-worker", "worker": " work ", "valkey": "valkey-server"}
BODIES = (b'{"message":"failure"}', b"<html><body>Bad gateway</body></html>", b"\xff\xfe\x00\x80")
LIMITED = Fault.status(429, b'{"message":"The API rate limit has been exceeded. Try again later."}')


def make_faults() -> list[Fault]:
    """Every way in which one call can fail, broken answers both before and after LINE has accepted the request."""
    statuses = [
        Fault.status(status, body, content_type="application/json" if body[:1] == b"{" else "text/html", accepted=taken)
        for status, body, taken in zip((500, 502, 503) * 2, BODIES * 2, (False,) * 3 + (True,) * 3, strict=True)
    ]
    hangs = [Fault.hang(seconds, accepted=taken) for seconds, taken in ((3, True), (9, True), (4, False))]
    odd = [Fault.empty_200(), Fault.extra_fields(), Fault.stale_keep_alive(), Fault.latency(0.5), Fault.latency(4)]
    return [*statuses, *hangs, *odd, LIMITED, Fault.reset_before(), Fault.reset_after()]


class Shop:
    """All that one run shares."""

    def __init__(self, service: Service, fake: FakeLine, seed: int, minutes: float) -> None:
        self.service = service
        self.fake = fake
        self.seed = seed
        self.ends_at = time.monotonic() + minutes * 60
        self.done: Counter[str] = Counter()
        self.written: dict[str, list[Written]] = {}
        self.faults = make_faults()
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self.ends_at

    def start(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.done["tasks failed"] += 1
            print(f"task failed: {error!r}", file=sys.stderr)

    def pids(self, role: str) -> list[int]:
        """The processes with that role; not found by their environment, as Valkey overwrites its own."""
        return [pid for pid in descendants(os.getpid()) if SIGNS[role] in f"{command(pid)} "]


class Customers:
    """They write at a steady rate, each one about something else every time, so that each answer can be told apart."""

    def __init__(self, shop: Shop, rate: float) -> None:
        self._shop = shop
        self._rate = rate
        self._dice = random.Random(shop.seed)  # noqa: S311
        self._ask: dict[str, list[str]] = {}
        self._number = 0

    async def write(self) -> None:
        while self._shop.is_open:
            await asyncio.sleep(self._dice.expovariate(self._rate))
            self._shop.start(self._one())

    def _pick(self) -> str:
        """Somebody who wrote before, or somebody new; nobody writes more than their questions."""
        known = [customer for customer, left in self._ask.items() if left]
        if len(known) > 20 and self._dice.random() < 0.7:
            return self._dice.choice(known)
        customer = self._shop.fake.add_user(f"お客様{len(self._ask)}")
        questions = [f"合言葉{number}" for number in range(KEYWORDS)]
        self._ask[customer] = [*self._dice.sample(questions, 16), *SURE]
        self._dice.shuffle(self._ask[customer])
        self._shop.written[customer] = []
        return customer

    def _words(self, customer: str) -> str:
        self._number += 1
        match self._dice.random():
            case share if share < 0.62 and self._ask[customer]:
                return self._ask[customer].pop()
            case share if share < 0.74:
                return f"宇宙旅行{self._number}の土星の天気"
            case share if share < 0.82:
                return self._dice.choice(UNSURE)
            case share if share < 0.88:
                return "スタッフと話したい"
            case _:
                return "ありがとうございます"

    def _make(self, customer: str, fields: Json | None = None) -> Written:
        fake, words = self._shop.fake, "" if fields else self._words(customer)
        event = fake.make_event(customer, fields or events.text(words))
        made = Written(event, customer, words, fake.platform.clock())
        self._shop.written[customer].append(made)
        return made

    async def _one(self) -> None:
        """One thing that customers do."""
        dice, customer = self._dice, self._pick()
        match dice.random():
            case share if share < 0.60:
                await self._send(self._make(customer))
            case share if share < 0.72:
                for _ in range(dice.choice((2, 2, 3))):
                    self._shop.start(self._send(self._make(customer)))
                    await asyncio.sleep(dice.uniform(0, 1.5))
            case share if share < 0.80:
                await self._send(*[self._make(self._pick()) for _ in range(dice.randint(2, 5))])
            case share if share < 0.86:
                photo = events.media("image", id=self._shop.fake.keep_content())
                await self._send(self._make(customer, photo))
            case share if share < 0.97:
                await self._unsend(customer)
            case _:
                await self._send(self._make(customer, events.unfollow()))
                await asyncio.sleep(dice.uniform(1, 8))
                await self._send(self._make(customer, events.follow(is_unblocked=True)))

    async def _unsend(self, customer: str) -> None:
        """Take a message back, before or after it was answered; now and then that is known before the message."""
        message = self._make(customer, events.text(f"取り消し{len(self._ask)}{customer[-6:]}土星"))
        message.text = message.event["message"]["text"]
        message.unsent = True
        back = self._make(customer, events.unsend(message.event["message"]["id"]))
        if self._dice.random() < 0.2:
            await self._send(back)
            await self._send(message)
        else:
            await self._send(message)
            await asyncio.sleep(self._dice.choice((0, 0.1, 2, 8)))
            await self._send(back)

    async def _send(self, *batch: Written) -> None:
        """Post it until it is taken, as LINE does with redelivery on; sometimes again although it was."""
        fake, bodies = self._shop.fake, [each.event for each in batch]
        delivery = await fake.send_batch(bodies)
        for again in range(100):
            if delivery.reason is None:
                break
            self._shop.done["webhooks redelivered"] += 1
            delivery = await fake.redeliver(*bodies, delay=min(10.0, 0.5 * 2**again))
        for each in batch:
            each.taken = fake.platform.clock() if delivery.reason is None else None
        if self._dice.random() < 0.15:
            self._shop.done["duplicates"] += 1
            await asyncio.sleep(self._dice.choice((0, 0, 1, 5, 20)))
            await (fake.send_batch(bodies) if self._dice.random() < 0.3 else fake.redeliver(*bodies))


async def staff(shop: Shop, token: str) -> None:
    """Claim, reply and close what waits, over REST; whatever fails is left for the next round, never said twice."""
    dice = random.Random(shop.seed + 1)  # noqa: S311
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{shop.service.url}/api/v1", headers=headers, timeout=10) as client:
        while True:
            for status in ("waiting", "active"):
                with suppress(httpx.HTTPError, ValueError, KeyError):
                    found = (await client.get("/handoffs", params={"status": status})).json()["items"]
                    for handoff in found[:8]:
                        await _attend(shop, client, f"/handoffs/{handoff['id']}", dice)
            await asyncio.sleep(1)


async def _attend(shop: Shop, client: httpx.AsyncClient, path: str, dice: random.Random) -> None:
    if dice.random() < 0.5:
        shop.done["claims"] += (await client.post(f"{path}/claim")).is_success
    for _ in range(dice.choice((0, 1, 1, 2))):
        words = {"text": f"スタッフの返事{dice.getrandbits(48):x}"}
        shop.done["staff replies"] += (await client.post(f"{path}/reply", json=words)).is_success
    if dice.random() < 0.8:
        shop.done["closed"] += (await client.post(f"{path}/done")).is_success


class Trouble:
    """Lets things go wrong, one after the other."""

    def __init__(self, shop: Shop, pause_s: float) -> None:
        self._shop = shop
        self._pause_s = pause_s
        self._dice = random.Random(shop.seed + 2)  # noqa: S311
        self._stopped: list[int] = []

    async def make(self) -> None:
        fake = self._shop.fake
        fake.faults.random(self._shop.seed, FAULTY, self._shop.faults)
        kinds = [self.kill_web, self.kill_worker, self.kill_valkey] * 2
        kinds += [self.stop_worker, self.stop_valkey, self.outage, self.limit, self.use_up_quota]
        waiting: list[Callable[[], Awaitable[None]]] = []
        try:
            while self._shop.is_open:
                waiting = waiting or self._dice.sample(kinds, len(kinds))
                await asyncio.sleep(self._pause_s * self._dice.uniform(0.4, 1.6))
                self._shop.start(waiting.pop()())
        finally:
            self.heal()

    def heal(self) -> None:
        for pid in self._stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._stopped.clear()
        self._shop.fake.faults.clear()
        self._shop.fake.platform.quota = None

    async def kill_web(self) -> None:
        self._kill("web")

    async def kill_worker(self) -> None:
        self._kill("worker")

    async def kill_valkey(self) -> None:
        self._kill("valkey")

    def _kill(self, role: str) -> None:
        for pid in self._dice.sample(pids := self._shop.pids(role), min(len(pids), self._dice.randint(1, 2))):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self._shop.done[f"kill {role}"] += 1

    async def stop_worker(self) -> None:
        """Longer than a lease; then it goes on as if nothing had been."""
        await self._stop("worker", 35)

    async def stop_valkey(self) -> None:
        await self._stop("valkey", self._dice.uniform(2, 30))

    async def _stop(self, role: str, seconds: float) -> None:
        pids = [pid for pid in self._shop.pids(role) if pid not in self._stopped]
        if pids:
            pid = self._dice.choice(pids)
            os.kill(pid, signal.SIGSTOP)
            self._stopped.append(pid)
            self._shop.done[f"stop {role}"] += 1
            await asyncio.sleep(seconds)
            if pid in self._stopped:
                self._stopped.remove(pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    async def outage(self) -> None:
        fault = self._dice.choice((Fault.status(503), Fault.reset_before(), Fault.reset_after()))
        await self._standing(fault, self._dice.uniform(10, 20), "outages")

    async def limit(self) -> None:
        await self._standing(LIMITED, 5, "rate limits")

    async def _standing(self, fault: Fault, seconds: float, name: str) -> None:
        self._shop.done[name] += 1
        self._shop.fake.faults.outage(True, fault)
        await asyncio.sleep(seconds)
        self._shop.fake.faults.outage(False)

    async def use_up_quota(self) -> None:
        self._shop.done["quota used up"] += 1
        platform = self._shop.fake.platform
        platform.quota = platform.pushes_used
        await asyncio.sleep(15)
        platform.quota = None


async def keep_extra_worker(shop: Shop, environ: dict[str, str]) -> None:
    """One more worker, as on a second machine, started again whenever it ends."""
    process: Process | None = None
    try:
        while True:
            with shop.service.log.open("ab") as log:
                program = (sys.executable, "-m", "service", "work")
                process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, env=environ, stdout=log, stderr=log)
            await process.wait()
            await asyncio.sleep(1)
    finally:
        if process and process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 10)
            if process.returncode is None:
                process.kill()


@asynccontextmanager
async def background(*works: Awaitable[None]) -> AsyncGenerator[None]:
    """Let these run inside the context; they are cancelled with it."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_quiet(shop: Shop, redis: Redis) -> bool:
    deadline = time.monotonic() + QUIET_S
    while time.monotonic() < deadline:
        with suppress(RedisError, StoreUnavailable, OSError):
            if not shop.tasks and await is_quiet(redis):
                return True
        await asyncio.sleep(0.5)
    return False


async def run(minutes: float, seed: int, rate: float, pause_s: float, folder: Path) -> int:
    fake = FakeLine(channel_secret=SECRET, access_token=TOKEN, quota=None)
    write_faq(folder / "faq", [*ENTRIES, *(entry(f"k{n}", f"合言葉{n}", match="keyword") for n in range(KEYWORDS))])
    await fake.start()
    service = Service(folder / "data", folder / "faq", fake)
    if me := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(fake.stop)
        await stack.enter_async_context(running(service))
        redis = await stack.enter_async_context(Redis.from_url(service.redis_url, socket_timeout=5))
        archive = Archive(await stack.enter_async_context(Store(service.redis_url, timeout_s=5)))
        token = await archive.add_token("佐藤")
        shop = Shop(service, fake, seed, minutes)
        environ = {**os.environ, **service._settings}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        await stack.enter_async_context(background(keep_extra_worker(shop, environ)))
        trouble = Trouble(shop, pause_s)
        stack.callback(trouble.heal)
        async with background(staff(shop, token)):
            await asyncio.gather(Customers(shop, rate).write(), trouble.make())
            await asyncio.sleep(5)
        quiet = await until_quiet(shop, redis)
        judge = Judge(fake, archive, await read_handoffs(redis))
        for customer, written in shop.written.items():
            await judge.customer(customer, written)
        return report(shop, judge.verdict, quiet=quiet, handoffs=len(await read_handoffs(redis)))


def report(shop: Shop, verdict: Verdict, *, quiet: bool, handoffs: int) -> int:
    """Print the ledger; 1 when anything is wrong."""
    for note in verdict.notes:
        print(note)
    counts = verdict.counts
    fired: Counter[str] = Counter()
    for fault in shop.faults:
        fired[fault.name] += fault.fired
    kills = sum(count for what, count in shop.done.items() if what.startswith("kill "))
    wrong = {name: counts[name] for name in WRONG}
    rest = {name: count for name, count in sorted(counts.items()) if name not in wrong}
    rows: dict[str, object] = {
        "seed": shop.seed,
        "messages": f"{counts['messages']} of {len(shop.written)} customers, {counts['other events']} other events",
        "killed": kills,
        "events": _list(shop.done),
        "faults of LINE": f"{fired.total()}: {_list(fired)}",
        "outcomes": _list(rest),
        "handoffs": handoffs,
        "billed": f"{counts['billed']}, pushes at LINE {shop.fake.platform.pushes_used}",
        "longest wait": f"{verdict.longest_wait_s:.1f} s",
        "came to rest": "yes" if quiet else "NO",
        **wrong,
    }
    for name, value in rows.items():
        print(f"{name:22} {value}")
    return int(not quiet or any(wrong.values()))


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=4, help="things that customers do in a second")
    parser.add_argument("--pause", type=float, default=5, help="seconds between two troubles, six of ten a kill")
    parser.add_argument("--keep-log", type=Path, help="where the service's log is copied to")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="henji-faults-") as name:
        try:
            code = asyncio.run(
                run(min(given.minutes, 60), given.seed, min(given.rate, 50), max(given.pause, 1), Path(name))
            )
        finally:
            log = Path(name, "data.log")
            if given.keep_log and log.exists():
                given.keep_log.write_bytes(log.read_bytes())
    sys.exit(code)


if __name__ == "__main__":
    main()
