"""A shop that runs, and people before its pages whose browsers know no scripts."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from service.adapters.store import Store
from tests.support.inbox import make_salon
from tests.support.pages import Clock, House, PageClient
from tests.support.system import System, run_system


class PlainShop(NamedTuple):
    """A customer who waits, an owner and one of the staff, each at the inbox."""

    system: System
    house: House
    owner: PageClient
    staff: PageClient
    customer: str
    path: str

    @property
    def handoff(self) -> str:
        return self.path.rpartition("/")[2]


@asynccontextmanager
async def open_plain_shop(redis_url: str) -> AsyncGenerator[PlainShop]:
    async with Store(redis_url, timeout_s=5) as store, run_system(redis_url, make_salon()) as system:
        house = House(store, Clock(datetime.now(UTC)))
        await house.settle_in("店長", "owner")
        await house.settle_in("佐藤")
        async with house.browser() as owner, house.browser() as staff:
            await owner.log_in("店長")
            await staff.log_in("佐藤")
            customer = system.fake.add_user("田中")
            await system.fake.send_text(customer, "スタッフと話したい")
            await system.seen(customer, 1)
            handoff = (await system.archive.conversation(customer)).handoff
            yield PlainShop(system, house, owner, staff, customer, f"/inbox/{handoff}")
