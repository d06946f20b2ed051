"""Kill the web process at each of its calls while staff act: repeated under its key, an order is carried out once."""

import httpx
import pytest

from service.core.records import BubbleItem
from tests.support.plug import Plug, When, redis_proxy
from tests.support.system import make_settings, run_web, run_worker
from tests.test_kill import ASKED, MOST_CALLS, SHOP, World, say, world

__all__ = ["world"]
ORDERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("reply", {"text": "はい。"}),
    ("notes", {"text": "電話済み"}),
    ("done", {}),
    ("reopen", {}),
)


async def hand_over(world: World, name: str) -> tuple[str, str]:
    """A customer who asked for a person and read the notice. Returns the customer and the handoff's id."""
    customer = world.fake.add_user(name)
    await say(world, customer, ASKED)
    await world.until_quiet()
    handoff = (await world.archive.conversation(customer)).handoff
    assert handoff is not None
    return customer, handoff


async def order_all(url: str, headers: dict[str, str], handoff: str) -> list[int]:
    """Give all orders, each under a key of its own. Returns the statuses, 0 for no answer at all."""
    statuses: list[int] = []
    async with httpx.AsyncClient(base_url=f"{url}/api/v1/handoffs/{handoff}", headers=headers, timeout=10) as staff:
        for action, body in ORDERS:
            try:
                key = {"Idempotency-Key": f"{handoff}-{action}"}
                statuses.append((await staff.post(f"/{action}", json=body or None, headers=key)).status_code)
            except httpx.TransportError:
                statuses.append(0)
            if statuses[-1] != 200:
                break
    return statuses


async def judge(world: World, customer: str, handoff: str) -> None:
    """The customer saw the reply once, and the records hold everything once."""
    assert [bubble.text for bubble in world.fake.seen(customer)][1:] == ["はい。"]
    bubbles = [item for item in await world.archive.talk(customer) if isinstance(item, BubbleItem)]
    assert [(bubble.who, bubble.delivery) for bubble in bubbles[1:]] == [("staff:佐藤", "sent")]
    record = await world.archive.handoff(handoff)
    assert [note.text for note in record.notes] == ["電話済み"]
    assert (record.status, record.assignee) == ("active", "佐藤")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_orders_to_a_web_process_killed_at_any_call_are_carried_out_once(world: World, when: When) -> None:
    headers = {"Authorization": f"Bearer {await world.archive.add_token('佐藤')}"}
    async with (
        run_worker(world.redis_url, world.fake.base_url, SHOP),
        run_web(make_settings(world.redis_url)) as living,
    ):
        world.fake.webhook_url = f"{living}/webhook/line"
        for at in range(1, MOST_CALLS):
            customer, handoff = await hand_over(world, f"{when} {at}")
            plug = Plug(at, when)
            async with redis_proxy(world.redis_url, plug) as proxied, run_web(make_settings(proxied)) as doomed:
                first = await order_all(doomed, headers, handoff)
            assert await order_all(living, headers, handoff) == [200] * len(ORDERS)
            await world.until_quiet()
            await judge(world, customer, handoff)
            if not plug.pulled.is_set():
                assert at > 10
                assert first == [200] * len(ORDERS)
                return
    pytest.fail("the scenario never ran to its end")
