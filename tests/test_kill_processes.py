"""Kill -9 with real processes: web, worker and Valkey, at seeded moments, while many customers write at once.

What tests/test_kill.py does call by call and in one process, this does whole: real sockets, a real disk, the
supervisor's restarts, LINE's redeliveries, leases that end by themselves. At the end each message must have exactly
one outcome, and each customer must have seen each answer once.
"""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.adapters.archive import Archive
from service.adapters.store import Store, connect
from service.core.decisions import Answer, Handoff, Silent
from service.core.records import BubbleItem, MessageItem, TraceItem
from service.core.texts import text
from service.errors import NotFound, StoreUnavailable
from service.tools.fakeline import events
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.server import FakeLine
from tests.support.needs import needs
from tests.support.real import Role, Service, running, write_faq
from tests.support.shop import ENTRIES
from tests.support.system import SECRET, TOKEN, is_quiet
from tests.support.waiting import tick

SURE = {
    "駐車場はありますか": "駐車場はありますかの答えです。",
    "営業時間を教えてください": "営業時間を教えてくださいの答えです。",
    "カットの料金はいくらですか": "カットの料金はいくらですかの答えです。",
}
FOR_STAFF = ("スタッフと話したい", "まだですか", "もしもし")
NOTICE = text("handoff_asked", "ja")
CUSTOMERS = 15
MESSAGES_EACH = 4
VICTIMS: tuple[Role, ...] = ("web", "worker", "valkey", "worker", "web", "valkey", "worker")


class Killer:
    """Kills the next victim when so many things have happened at LINE: a webhook begins or ends, a bubble is shown.

    A bubble is shown before the worker hears that LINE has taken it, so many kills fall between the two.
    """

    def __init__(self, service: Service, fake: FakeLine, seed: int) -> None:
        self._service = service
        dice = random.Random(seed)
        expected_events = 3 * CUSTOMERS * MESSAGES_EACH
        self._moments = sorted(dice.sample(range(20, expected_events), len(VICTIMS)))
        self._victims = list(VICTIMS)
        dice.shuffle(self._victims)
        self._seen = 0
        self.kills: Counter[Role] = Counter()
        self.stop = fake.ledger._bell.listen(self._on_event)

    def _on_event(self, _: str) -> None:
        self._seen += 1
        # A victim that is just being started again has to wait for its turn.
        if self._moments and self._seen >= self._moments[0] and self._service.kill(self._victims[0]):
            self.kills[self._victims.pop(0)] += 1
            self._moments.pop(0)

    @property
    def is_done(self) -> bool:
        return not self._moments


@pytest.fixture
async def fake() -> AsyncIterator[FakeLine]:
    line = FakeLine(channel_secret=SECRET, access_token=TOKEN, quota=None)
    line.rules.redelivery_delays_s = (0.5,) * 100
    line.faults.random(7, 0.5, [Fault.latency(0.05), Fault.latency(0.2)])
    await line.start()
    yield line
    await line.stop()


async def has_outcome(archive: Archive, event: str) -> bool:
    """Whether the turn of a message was committed and nothing of it waits to be sent."""
    try:
        trace = await archive.item(f"{event}.trace")
        if not isinstance(trace, TraceItem) or isinstance(trace.decision, Silent):
            return True
        bubble = await archive.item(f"{event}.0")
    except (NotFound, StoreUnavailable):
        return False
    return isinstance(bubble, BubbleItem) and bubble.delivery != "pending"


async def talk_to(fake: FakeLine, archive: Archive, customer: str, words: list[str]) -> list[str]:
    """Write one message after the other, each when the last one has its outcome. Returns the events' ids."""
    sent: list[str] = []
    for word in words:
        event = fake.make_event(customer, events.text(word))
        await fake.send_batch([event])
        sent.append(event["webhookEventId"])
        async with asyncio.timeout(150):
            while not await has_outcome(archive, sent[-1]):
                await tick(0.05)
    return sent


def what_they_say(number: int) -> list[str]:
    """Two customers in three ask what the FAQ answers, the third asks for a person and goes on writing."""
    if number % 3 == 2:
        return [FOR_STAFF[min(each, 2)] for each in range(MESSAGES_EACH)]
    return [list(SURE)[(number + each) % len(SURE)] for each in range(MESSAGES_EACH)]


async def judge(fake: FakeLine, archive: Archive, customer: str, sent: list[str]) -> Counter[str]:
    """Compare what one customer saw with what was decided. Returns how often what happened."""
    found: Counter[str] = Counter()
    items = await archive.talk(customer)
    messages = Counter(item.id for item in items if isinstance(item, MessageItem))
    traces = Counter(item.turn for item in items if isinstance(item, TraceItem))
    found["messages"] = len(sent)
    found["lost"] = len(set(sent) - set(messages)) + len(set(sent) - set(traces))
    found["decided twice"] = sum(messages.values()) - len(sent) + sum(traces.values()) - len(sent)
    due: Counter[str] = Counter()
    doubtful: Counter[str] = Counter()
    for item in items:
        if isinstance(item, TraceItem):
            found[type(item.decision).__name__.lower()] += 1
            bubbles = [each for each in items if isinstance(each, BubbleItem) and each.turn == item.turn]
            assert len(bubbles) == (0 if isinstance(item.decision, Silent) else 1)
            assert isinstance(item.decision, (Answer, Handoff, Silent))
            for bubble in bubbles:
                found[bubble.delivery] += 1
                (due if bubble.delivery == "sent" else doubtful)[bubble.text] += 1
    seen = Counter(bubble.text or "" for bubble in fake.seen(customer))
    found["unseen"] = sum((due - seen).values())
    found["doubled"] = sum((seen - due - doubtful).values())
    handoffs = [
        handoff
        for status in ("waiting", "active", "done")
        for handoff in (await archive.handoffs(status, "", 200))[0]
        if handoff.customer == customer
    ]
    assert len(handoffs) == (1 if found["handoff"] or doubtful else 0)
    return found


@pytest.fixture
def service(tmp_path: Path, fake: FakeLine) -> Service:
    needs(Path("/proc/self/environ").exists(), "/proc (Linux)")
    write_faq(tmp_path / "faq", ENTRIES)
    return Service(tmp_path / "data", tmp_path / "faq", fake)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1])
async def test_whatever_is_killed_every_message_has_one_outcome(service: Service, fake: FakeLine, seed: int) -> None:
    customers = [fake.add_user(f"お客様{number}") for number in range(CUSTOMERS)]
    async with (
        running(service),
        connect(service.redis_url, timeout_s=2) as redis,
        Store(service.redis_url, timeout_s=2) as store,
    ):
        archive = Archive(store)
        killer = Killer(service, fake, seed)
        talks = [talk_to(fake, archive, customer, what_they_say(n)) for n, customer in enumerate(customers)]
        sent = await asyncio.gather(*talks)
        killer.stop()
        found = [await judge(fake, archive, customer, ids) for customer, ids in zip(customers, sent, strict=True)]
        assert await is_quiet(redis)
        assert await service.end() == 0
    total = sum(found, Counter[str]())
    again = len(fake.deliveries) - CUSTOMERS * MESSAGES_EACH
    sys.stdout.write(f"\nseed {seed}: kills {dict(killer.kills)}, webhooks sent again {again}, {dict(total)}\n")
    assert killer.is_done
    assert total["messages"] == CUSTOMERS * MESSAGES_EACH
    wrong = ("lost", "decided twice", "unseen", "doubled", "failed", "superseded")
    assert {what: total[what] for what in wrong} == dict.fromkeys(wrong, 0)
    for number, customer in enumerate(customers):
        # An answer of which nobody knows whether it arrived went to staff, who own the conversation from then on.
        if not found[number]["unconfirmed"]:
            seen = [bubble.text for bubble in fake.seen(customer)]
            assert seen == ([NOTICE] if number % 3 == 2 else [SURE[words] for words in what_they_say(number)])
