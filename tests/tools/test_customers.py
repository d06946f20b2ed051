"""`./henji customer`: everything about one person, shown without secrets or deleted, also in the middle of a turn."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from service.adapters.caretaking import open_caretaker
from service.adapters.exporting import export
from service.adapters.store import PREFIX, connect
from service.cli import main
from service.core.decisions import Verdict
from service.core.entries import Entry
from service.core.history import Utterance
from service.errors import ModelUnavailable
from service.tools.customers import erase
from tests.support.dump import everything
from tests.support.shop import make_shop
from tests.support.system import System, run_system

SHOP = make_shop()
UNSURE = "料金いくら?"
ASKED = "スタッフと話したい"
WORDS = '"replyToken": "mine"'


class SlowModel:
    """Thinks until it is told to stop."""

    name = "slow"
    prompt_id = "p"

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.done = asyncio.Event()

    async def adjudicate(
        self,
        text: str,
        candidates: Sequence[Entry],
        history: Sequence[Utterance] = (),
        *,
        names: tuple[str, ...] = (),  # noqa: ARG002
        background: bool = False,
    ) -> Verdict:
        assert text
        assert candidates
        assert not history
        assert not background
        self.asked.set()
        await self.done.wait()
        raise ModelUnavailable("too slow")


@pytest.fixture
async def system(redis_url: str) -> AsyncIterator[System]:
    async with run_system(redis_url, SHOP) as running:
        yield running


def run(redis_url: str, *words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, words, input=typed, env={"REDIS_URL": redis_url})


async def exported(redis_url: str, customer: str) -> dict[str, Any]:
    async with open_caretaker(redis_url) as caretaker:
        return json.loads(await export(caretaker, customer, who="cli"))


async def hand_over(system: System, customer: str) -> str:
    """Have a talk with an open handoff; gives the handoff's id."""
    await system.fake.send_text(customer, ASKED)
    await system.seen(customer, 1)
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    return handoff["id"]


@pytest.mark.parametrize("status", ["waiting", "done"])
async def test_an_export_holds_talk_and_handoffs_open_and_closed(system: System, redis_url: str, status: str) -> None:
    customer = system.fake.add_user("田中")
    first = await hand_over(system, customer)
    await system.fake.send_text(customer, ASKED)
    await system.decided(customer, 2)
    if status == "done":
        await system.staff.post(f"/handoffs/{first}/done")
    found = await exported(redis_url, customer)
    assert found["customer"] == customer
    assert [handoff["status"] for handoff in found["handoffs"]] == [status]
    assert [item["text"] for item in found["items"] if item["kind"] == "message"] == [ASKED, ASKED]
    assert found["conversation"]["state"] == ("bot" if status == "done" else "waiting")
    other = system.fake.add_user("佐藤")
    await system.fake.send_text(other, "駐車場はありますか")
    await system.decided(other, 1)
    assert other not in json.dumps(await exported(redis_url, customer))


async def test_an_export_holds_a_talk_of_any_length(system: System, redis_url: str) -> None:
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "駐車場はありますか")
    await system.decided(customer, 1)
    async with connect(redis_url, timeout_s=5) as redis:
        for number in range(600):
            await redis.set(f"{PREFIX}item:x{number}", "{}")
            await redis.zadd(f"{PREFIX}talk:{customer}", {f"x{number}": number})
    assert len((await exported(redis_url, customer))["items"]) == 603


async def test_an_export_holds_what_waits_and_what_died_without_any_token(redis_url: str) -> None:
    model = SlowModel()
    async with run_system(redis_url, SHOP, model) as system:
        customer = system.fake.add_user("田中")
        await system.fake.send_text(customer, UNSURE)
        async with connect(redis_url, timeout_s=5) as redis, asyncio.timeout(10):
            await model.asked.wait()
            sent = await system.fake.send_text(customer, WORDS)
            _, waiting = cast("list[bytes]", await redis.lrange(f"{PREFIX}box:{customer}", 0, -1))
            raw = waiting.partition(b"\n")[2].decode()
            body = '{"kind":"answer","messages":[],"bubbles":[],"said_at":1,"read_token":"secret"}'
            item = f"01E.out bot reply key 1 5 - secret 5\n{body}"
            for letter in (raw, item):
                await redis.xadd(f"{PREFIX}dead", {"conv": customer, "why": "poison", "body": letter})
            found = await exported(redis_url, customer)
        model.done.set()
    text = json.dumps(found, ensure_ascii=False)
    assert sent.event["replyToken"] not in text
    assert "secret" not in text
    assert "lease" not in found["conversation"]
    texts = [one["event"]["message"]["text"] for one in found["waiting"]]
    assert texts == [UNSURE, WORDS], "what somebody wrote stays as it is"
    assert [letter["what"] for letter in found["dead_letters"]] == ["message (text)", "to send (answer)"]
    assert found["dead_letters"][1]["body"]["request"]["read_token"] is None


async def test_erasing_while_a_worker_is_at_work_leaves_no_word_of_it(redis_url: str) -> None:
    model = SlowModel()
    async with connect(redis_url, timeout_s=5) as redis:
        async with run_system(redis_url, SHOP, model) as system, open_caretaker(redis_url) as caretaker:
            customer = system.fake.add_user("田中")
            sent = await system.fake.send_text(customer, UNSURE)
            async with asyncio.timeout(10):
                await model.asked.wait()
            assert UNSURE in await everything(redis)
            lines = await erase(caretaker, customer)
            model.done.set()
            assert lines[0].startswith("erased: conversation 1, waiting 1, ")
            assert (await system.fake.redeliver(*sent.events)).status == 200
        # The worker has ended in good order: it finished what it had in hand.
        left = await everything(redis)
        assert customer not in left
        assert UNSURE not in left
    assert system.fake.seen(customer) == []


async def test_an_erased_customer_who_writes_again_is_somebody_new(system: System, redis_url: str) -> None:
    customer = system.fake.add_user("田中")
    handoff = await hand_over(system, customer)
    async with open_caretaker(redis_url) as caretaker:
        await erase(caretaker, customer)
    assert (await system.staff.get(f"/handoffs/{handoff}")).status_code == 404
    assert (await system.staff.get("/handoffs")).json()["items"] == []
    assert (await system.staff.post(f"/handoffs/{handoff}/reply", json={"text": "はい"})).status_code == 404
    await system.fake.send_text(customer, "駐車場はありますか")
    assert await system.decided(customer, 1) == ["answer sure"]


async def test_erase_wants_the_id_again(system: System, redis_url: str) -> None:
    customer = system.fake.add_user("田中")
    await hand_over(system, customer)
    for typed in ("", "yes\n", f"{customer}x\n"):
        done = await asyncio.to_thread(run, redis_url, "customer", "erase", customer, typed=typed)
        assert (done.exit_code, done.stdout) == (1, "")
    assert (await exported(redis_url, customer))["handoffs"]
    done = await asyncio.to_thread(run, redis_url, "customer", "erase", customer, typed=f"{customer}\n")
    assert done.exit_code == 0
    assert "handoffs 1" in done.stdout
    assert "append-only file of Redis: " in done.stdout


@pytest.mark.parametrize("words", [("export", "Unobody"), ("erase", "Unobody"), ("erase", "--yes", "Unobody")])
def test_somebody_unknown_is_exit_code_1(redis_url: str, words: tuple[str, ...]) -> None:
    done = run(redis_url, "customer", *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "NotFound: nothing is kept about Unobody\n"


async def test_the_commands_print_only_the_document(system: System, redis_url: str) -> None:
    customer = system.fake.add_user("田中")
    await hand_over(system, customer)
    done = await asyncio.to_thread(run, redis_url, "customer", "export", customer)
    assert json.loads(done.stdout)["customer"] == customer
    done = await asyncio.to_thread(run, redis_url, "customer", "erase", "--yes", customer)
    assert (done.exit_code, done.stderr) == (0, "")
