"""A master dies or hangs while messages come in: what was acknowledged is kept, and nothing is there twice."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Literal

import pytest

from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store
from service.core.events import Incoming
from service.errors import StoreUnavailable
from service.tools.fakeline.driver import Delivery
from tests.adapters.test_mailbox import CUSTOMER, message, take, turn_of
from tests.support.nodes import SetUp, cluster_set_up, sentinel_set_up
from tests.support.shop import make_shop
from tests.support.system import System, run_system
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(120)
SENDERS = 8
MESSAGES_EACH = 150  # a mailbox holds 200
STRIKE_AFTER = 200
QUESTIONS = 12
Blow = Literal["kill -9", "hang"]


@pytest.fixture(scope="module")
def sentinel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    with sentinel_set_up(tmp_path_factory.mktemp("sentinel")) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    with cluster_set_up(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(params=["sentinel", "cluster"])
def made(request: pytest.FixtureRequest) -> SetUp:
    set_up: SetUp = request.getfixturevalue(request.param)
    set_up.mend()
    return set_up


class Load:
    """Customers who write one message after the other; what is not acknowledged is sent again, as LINE does."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.acknowledged = 0
        self.refused = 0
        self.longest_gap_s = 0.0
        self._last = time.monotonic()

    async def run(self, customers: list[str]) -> None:
        await asyncio.gather(*(self._send_all(customer) for customer in customers))

    async def _send_all(self, customer: str) -> None:
        for number in range(MESSAGES_EACH):
            await self._send(message_of(customer, number))

    async def _send(self, event: Incoming) -> None:
        self.refused += await put_until_taken(self.mailbox, event)
        now = time.monotonic()
        self.longest_gap_s, self._last = max(self.longest_gap_s, now - self._last), now
        self.acknowledged += 1


async def put_until_taken(mailbox: Mailbox, event: Incoming) -> int:
    """Send a message again until it is acknowledged. Returns how often it was refused."""
    refused = 0
    while True:
        try:
            await mailbox.put([event])
        except StoreUnavailable:
            refused += 1
        else:
            return refused


def message_of(customer: str, number: int) -> Incoming:
    event = message(number, customer=customer)
    return Incoming(f"{customer}-{number:03}", customer, event.raw, event.at, "", "")


def box_of(made: SetUp, customer: str) -> list[str]:
    elements = made.master.ask("LRANGE", f"{PREFIX}box:{customer}", 0, -1)
    return [element.split(" ")[0] for element in elements]


async def becomes_true(condition: Callable[[], object], what: str) -> None:
    """Wait beside the event loop, which goes on."""
    await asyncio.to_thread(until, condition, what, 30)


async def strike(made: SetUp, blow: Blow) -> None:
    """Take the master away until another one is in its place. One that hung comes back, thinking that it is master.

    One that was killed is started again: a Cluster's node would otherwise be left without a replica.
    """
    master = made.master
    if blow == "kill -9":
        master.kill()
    else:
        master.stop()
    await becomes_true(lambda: made.master_port(besides=master.port), "another master")
    if blow == "hang":
        master.resume()
    else:
        master.start()


@pytest.mark.parametrize("blow", ["kill -9", "hang"])
async def test_every_acknowledged_message_outlives_the_master_once(made: SetUp, blow: Blow) -> None:
    customers = [f"U{number}" for number in range(SENDERS)]
    async with Store(made.url, timeout_s=1) as store:
        load = Load(Mailbox(store, keep_days=180))
        running = asyncio.create_task(load.run(customers))
        await becomes_true(lambda: load.acknowledged >= STRIKE_AFTER, "some are acknowledged")
        await strike(made, blow)
        await running
    expected = {
        customer: [message_of(customer, number).id for number in range(MESSAGES_EACH)] for customer in customers
    }
    assert {customer: box_of(made, customer) for customer in customers} == expected
    print(f"{blow}: {load.acknowledged} acknowledged, {load.refused} refused, away {load.longest_gap_s:.1f} s")  # noqa: T201


async def test_a_master_of_old_that_comes_back_acknowledges_nothing(made: SetUp) -> None:
    """It writes as ever until it is told, ten seconds long behind Sentinel. All that helps is to ask for a replica."""
    async with Store(made.url, timeout_s=1) as idle:
        mailbox = Mailbox(idle, keep_days=180)
        await mailbox.put([message(1)])
        old = made.master
        await strike(made, "hang")
        await put_until_taken(mailbox, message(2))
        assert made.master is not old
        assert box_of(made, CUSTOMER) == ["01E1", "01E2"]


async def test_after_a_failover_the_first_message_is_taken_at_once(sentinel: SetUp) -> None:
    """The connections that are left lead to the dead; nobody is told 503 for that."""
    sentinel.mend()
    async with Store(sentinel.url, timeout_s=1) as idle, Store(sentinel.url, timeout_s=1) as other:
        mailbox = Mailbox(idle, keep_days=180)
        await mailbox.put([message(1)])
        old = sentinel.master
        old.kill()
        await becomes_true(lambda: sentinel.master_port(besides=old.port), "another master")
        await put_until_taken(Mailbox(other, keep_days=180), message(2))
        assert await mailbox.put([message(3)]) == 1
        assert len((await take(mailbox)).box) == 3


async def test_a_node_that_took_over_and_has_no_replica_left_takes_nothing(cluster: SetUp) -> None:
    cluster.mend()
    async with Store(cluster.url, timeout_s=1) as store:
        mailbox = Mailbox(store, keep_days=180)
        await mailbox.put([message(1)])
        old = cluster.master
        old.kill()
        await becomes_true(lambda: cluster.master_port(besides=old.port), "another master")
        with pytest.raises(StoreUnavailable):
            await mailbox.put([message(2)])
        old.start()
        assert await put_until_taken(mailbox, message(2)) > 0
        assert box_of(cluster, CUSTOMER) == ["01E1", "01E2"]


async def test_a_slot_that_has_moved_is_followed(cluster: SetUp) -> None:
    cluster.mend()
    async with Store(cluster.url, timeout_s=2) as store, Store(cluster.url, timeout_s=2) as other:
        mailbox, worker = Mailbox(store, keep_days=180), Mailbox(other, keep_days=180)
        await mailbox.put([message(1)])
        lease = await take(worker)
        old = cluster.master
        (replica,) = cluster.replicas
        replica.ask("CLUSTER", "FAILOVER")
        await becomes_true(lambda: replica.says("ROLE")[0] == "master", "the replica is master")
        await becomes_true(lambda: cluster.is_whole() and cluster.replicas == [old], "the master is the replica")
        assert await mailbox.put([message(2)]) == 1
        with pytest.raises(StoreUnavailable, match=r"MOVED|\d+ 127\.0\.0\.1"):
            await worker.renew(lease)
        assert await worker.renew(lease)
        assert turn_of(lease).text == "text 1"


async def test_customers_are_answered_once_through_a_failover(made: SetUp) -> None:
    """Web, worker and the fake LINE, which sends again what was refused: each question sees one answer."""
    async with run_system(made.url, make_shop()) as system:
        customers = [system.fake.add_user(f"{number}") for number in range(SENDERS)]
        asking = [asyncio.create_task(ask_often(system, customer)) for customer in customers]
        await becomes_true(lambda: len(system.fake.seen()) >= SENDERS, "some are answered")
        await strike(made, "kill -9")
        refused = sum(await asyncio.gather(*asking))
        for customer in customers:
            await system.fake.until(lambda: len(system.fake.seen(customer)) >= QUESTIONS, 60)  # noqa: B023
        assert [len(system.fake.seen(customer)) for customer in customers] == [QUESTIONS] * SENDERS
        print(f"{len(system.fake.seen())} answers to {QUESTIONS * SENDERS} questions, {refused} deliveries refused")  # noqa: T201


async def ask_often(system: System, customer: str) -> int:
    """Ask again as soon as the answer is there. Returns how many deliveries were refused."""
    refused = 0
    for number in range(QUESTIONS):
        delivery: Delivery = await system.fake.send_text(customer, "駐車場はありますか")
        while delivery.status != 200:
            refused += 1
            delivery = await system.fake.redeliver(*delivery.events)
        await system.fake.until(lambda: len(system.fake.seen(customer)) > number, 60)  # noqa: B023
    return refused
