"""The store behind each kind of URL: one server, Sentinel, a Cluster. What a master's death does: test_failover.py."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from service.adapters.archive import Archive
from service.adapters.lookout import Cluster, Sentinels, open_lookout
from service.adapters.mailbox import Action, Mailbox
from service.adapters.store import PREFIX, Store
from service.adapters.vitals import Vitals
from service.core.plan import Plan, reply_by_staff
from service.core.records import utc
from service.errors import StoreUnavailable
from service.settings import load_settings
from service.tools.fakeline.server import FakeLine
from tests.adapters.test_mailbox import CUSTOMER, message, plan_for, take, turn_of
from tests.support.nodes import SetUp, cluster_set_up, sentinel_set_up, single_node
from tests.support.system import SECRET, TOKEN, make_settings, run_web
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(120)
BOX = f"{PREFIX}box:{CUSTOMER}"


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


@pytest.fixture(params=["single", "sentinel", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "single":
        return request.getfixturevalue("redis_url")
    set_up: SetUp = request.getfixturevalue(request.param)
    set_up.mend()
    return set_up.url


@pytest.fixture
async def store(url: str) -> AsyncGenerator[Store]:
    async with Store(url, timeout_s=5) as opened:
        yield opened


@contextmanager
def no_replica(made: SetUp) -> Generator[None]:
    """Freeze every node that could take over: connected, but with nothing to say."""
    with ExitStack() as stack:
        for replica in made.replicas:
            replica.stop()
            stack.callback(replica.resume)
        yield


async def test_every_step_of_a_message_works(store: Store) -> None:
    mailbox, archive = Mailbox(store, keep_days=180), Archive(store)
    assert await mailbox.put([message(1, token="reply-token")]) == 1
    await mailbox.wait_for_work(1)
    lease = await take(mailbox)
    assert await mailbox.renew(lease)
    await mailbox.park(lease, 0)
    lease = await take(mailbox, "t2")
    turn = turn_of(lease)
    status, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert status == "done"
    assert head
    assert await mailbox.sent(lease, head, "done", items=head.item.bubbles) is None
    assert await mailbox.take("t3") is None
    conversation = await archive.conversation(CUSTOMER)
    out = reply_by_staff(("こんにちは",), action="action", customer=CUSTOMER, staff="佐藤", now=utc(lease.now))
    plan = Plan(what="reply", fields={}, items=out.bubbles, out=out)
    assert (await mailbox.act(conversation, Action(id="action", who="佐藤"), plan)).status == "done"
    await mailbox.fail(await take(mailbox, "t4"))
    assert await mailbox.tick() == 0
    assert await mailbox.restore() == 0
    assert await mailbox.unsent(["m1"]) == set()


async def test_every_record_can_be_read(store: Store) -> None:
    mailbox, archive = Mailbox(store, keep_days=180), Archive(store)
    await mailbox.put([message(1)])
    lease = await take(mailbox)
    turn = turn_of(lease)
    await mailbox.commit(lease, turn, plan_for(lease, turn))
    await Vitals(store).probe()
    items = await archive.talk(CUSTOMER)
    assert [(await archive.item(item.id)).id for item in items] == [item.id for item in items]
    assert await archive.handoffs("waiting", "", 10) == ([], None)
    assert await archive.signing_key() == await archive.signing_key()
    assert (await archive.token_owner(await archive.add_token("佐藤"))).name == "佐藤"
    assert len(await archive.tokens()) == 1
    assert await archive.revoke_token("佐藤") == 1


async def test_a_server_that_has_forgotten_the_scripts_is_taught_them_again(store: Store) -> None:
    mailbox = Mailbox(store, keep_days=180)
    await mailbox.put([message(1)])
    await store.call(lambda redis: redis.script_flush())
    assert await mailbox.put([message(2)]) == 1
    await store.call(lambda redis: redis.script_flush())
    assert len((await take(mailbox)).box) == 2


async def test_a_restarted_server_refuses_nobody(tmp_path: Path) -> None:
    """The connections that are left are closed ones; they are seen to be so before they are used."""
    with single_node(tmp_path) as (node, url):
        async with Store(url, timeout_s=2) as store:
            mailbox = Mailbox(store, keep_days=180)
            await asyncio.gather(*(mailbox.put([message(number)]) for number in range(5)))
            node.kill()
            node.start()
            await asyncio.to_thread(until, lambda: node.says("PING"), "the server is back")
            again = await asyncio.gather(*(mailbox.put([message(number)]) for number in range(10)))
    assert sum(again) == 5


async def test_a_full_redis_takes_no_message_but_still_drains(store: Store) -> None:
    mailbox = Mailbox(store, keep_days=180)
    await mailbox.put([message(1, token="reply-token")])
    lease = await take(mailbox)
    turn = turn_of(lease)
    await store.call(lambda redis: redis.config_set("maxmemory", "1mb"))
    try:
        with pytest.raises(StoreUnavailable, match="maxmemory"):
            await mailbox.put([message(2)])
        status, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
        assert status == "done"
        assert head is not None
        assert await mailbox.sent(lease, head, "done") is None
    finally:
        await store.call(lambda redis: redis.config_set("maxmemory", "0"))


async def test_a_message_that_no_replica_has_is_not_acknowledged(made: SetUp) -> None:
    async with Store(made.url, timeout_s=1) as store, Store(made.url, timeout_s=1) as other:
        mailbox = Mailbox(store, keep_days=180)
        await mailbox.put([message(1)])
        with no_replica(made):
            with pytest.raises(StoreUnavailable, match="no replica has acknowledged"):
                await mailbox.put([message(2)])
            with pytest.raises(StoreUnavailable, match="no replica has acknowledged"):
                await Mailbox(other, keep_days=180).put([message(2)])
            assert len((await take(mailbox)).box) == 2, "what need not be durable goes on"
        assert await mailbox.put([message(2)]) == 0
        assert len(made.master.ask("LRANGE", BOX, 0, -1)) == 2


async def test_without_a_replica_the_webhook_says_503_and_takes_the_redelivery(made: SetUp) -> None:
    fake = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    await fake.start()
    async with run_web(make_settings(made.url)) as address:
        fake.webhook_url = f"{address}/webhook/line"
        customer = fake.add_user("田中")
        with no_replica(made):
            refused = await fake.send_text(customer, "駐車場はありますか")
        taken = await fake.redeliver(*refused.events)
    await fake.stop()
    assert (refused.status, taken.status) == (503, 200)
    assert len(made.master.ask("LRANGE", f"{PREFIX}box:{customer}", 0, -1)) == 1


async def test_a_decision_that_no_replica_has_is_not_sent_yet(made: SetUp) -> None:
    async with Store(made.url, timeout_s=1) as store, Store(made.url, timeout_s=1) as other:
        mailbox = Mailbox(store, keep_days=180)
        await mailbox.put([message(1, token="reply-token")])
        lease = await take(mailbox)
        turn = turn_of(lease)
        with no_replica(made):
            with pytest.raises(StoreUnavailable):
                await mailbox.commit(lease, turn, plan_for(lease, turn))
            # Repeated it finds its work done, on a connection that has written nothing yet: WAIT would say 1.
            with pytest.raises(StoreUnavailable):
                await Mailbox(other, keep_days=180).commit(lease, turn, plan_for(lease, turn))
        status, head = await mailbox.commit(lease, turn, plan_for(lease, turn))
    assert status == "done"
    assert head is not None
    assert (head.attempt.mode, head.attempt.tries) == ("reply", 0), "the repeated step gives the same head"


async def test_a_reply_is_not_handed_out_before_a_replica_knows_of_it(made: SetUp) -> None:
    """A failover that forgets the try would have the used token refused, and the reply pushed a second time."""
    async with Store(made.url, timeout_s=1) as store:
        mailbox = Mailbox(store, keep_days=180)
        await mailbox.put([message(1, token="reply-token")])
        lease = await take(mailbox)
        await mailbox.park(lease, 0)
        out = reply_by_staff(("こんにちは",), action="action", customer=CUSTOMER, staff="佐藤", now=utc(lease.now))
        plan = Plan(what="reply", fields={}, items=out.bubbles, out=out)
        await mailbox.act(lease.conversation, Action(id="action", who="佐藤"), plan)
        with no_replica(made), pytest.raises(StoreUnavailable):
            await mailbox.take("t2")
        again = await mailbox.take("t2", again=True)
    assert again
    assert again.head
    assert (again.head.attempt.mode, again.head.attempt.tries) == ("reply", 0)


async def test_a_call_that_waits_for_a_replica_can_be_cancelled(made: SetUp) -> None:
    async with Store(made.url, timeout_s=60) as store:
        mailbox = Mailbox(store, keep_days=180)
        await mailbox.put([message(1)])
        with no_replica(made):
            putting = asyncio.create_task(mailbox.put([message(2)]))
            await asyncio.to_thread(until, lambda: made.master.ask("LLEN", BOX) == 2, "the message is written")
            started = time.monotonic()
            putting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await putting
            assert time.monotonic() - started < 1
        assert await mailbox.put([message(2)]) == 0


async def test_a_store_goes_on_without_sentinels_while_the_master_lives(sentinel: SetUp) -> None:
    sentinel.mend()
    async with Store(sentinel.url, timeout_s=2) as store:
        mailbox = Mailbox(store, keep_days=180)
        await mailbox.put([message(1)])
        for watcher in sentinel.watchers:
            watcher.kill()
        assert await mailbox.put([message(2)]) == 1
        async with Store(sentinel.url, timeout_s=2) as new:
            with pytest.raises(StoreUnavailable, match="No master found"):
                await Mailbox(new, keep_days=180).put([message(3)])


async def test_a_sentinel_that_hangs_costs_little(sentinel: SetUp) -> None:
    sentinel.mend()
    sentinel.watchers[1].stop()
    for _ in sentinel.watchers:
        async with Store(sentinel.url, timeout_s=1) as store:
            assert await Mailbox(store, keep_days=180).take("t1") is None


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1",
        "unix:///nowhere/v.sock",
        "redis+sentinel://127.0.0.1:1,127.0.0.1:2/shop/0",
        "redis+cluster://127.0.0.1:1",
    ],
)
async def test_a_redis_that_is_not_there_is_unavailable(url: str) -> None:
    async with Store(url, timeout_s=1) as store:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await Mailbox(store, keep_days=1).put([message(1)])
        with pytest.raises(StoreUnavailable):
            await Vitals(store).probe()
        assert time.monotonic() - started < 2


def test_a_sentinel_url_says_where_and_who() -> None:
    url = "rediss+sentinel://app:p%40ss@one,[::1]:27000/shop/3?sentinel_password=s%2Fp&ssl_cert_reqs=none"
    lookout = open_lookout(url, timeout_s=1)
    assert isinstance(lookout, Sentinels)
    place = lookout.place
    assert (place.addresses, place.master) == ([("one", 26379), ("::1", 27000)], "shop")
    assert place.node_url(("::1", 6379)) == "rediss://app:p%40ss@[::1]:6379/3?ssl_cert_reqs=none"
    assert place.sentinel_url(("one", 26379)) == "rediss://:s%2Fp@one:26379/0?ssl_cert_reqs=none"


def test_a_cluster_url_says_where() -> None:
    lookout = open_lookout("redis+cluster://:secret@one:7000,two", timeout_s=1)
    assert isinstance(lookout, Cluster)
    assert lookout.place.addresses == [("one", 7000), ("two", 6379)]
    assert lookout.place.node_url(("two", 6379)) == "redis://:secret@two:6379/0?"


@pytest.mark.parametrize("url", ["redis+sentinel://one,two", "redis+sentinel://one/?db=1", "redis+cluster://one/shop"])
def test_a_url_that_lacks_something_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"Sentinel|Cluster"):
        open_lookout(url, timeout_s=1)
    with pytest.raises(Exception, match="REDIS_URL"):
        load_settings({"REDIS_URL": url}, None)


@pytest.mark.parametrize(
    "url",
    ["redis://h", "rediss://u:p@h:1/2", "unix:///v.sock", "redis+sentinel://a:1,b/shop/0", "rediss+cluster://a:1,b/"],
)
def test_every_kind_of_url_is_a_setting(url: str) -> None:
    assert load_settings({"REDIS_URL": url}, None).redis_url
