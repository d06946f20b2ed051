"""A house with an owner, 店長, and one of the staff, 佐藤, and browsers in front of it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from service.adapters.store import Store
from tests.support.chromium import run_chromium
from tests.support.inbox import Counter, open_counter
from tests.support.pages import House, PageClient
from tests.support.plain import PlainShop, open_plain_shop


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests of a module: it has to live in one event loop with them."""
    async with run_chromium() as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def counter(redis_url: str, chromium: Browser) -> AsyncIterator[Counter]:
    """The shop's counter, with everything behind it."""
    async with open_counter(redis_url, chromium) as it:
        yield it


@pytest.fixture
async def house(store: Store) -> House:
    """A house with an owner, 店長, and one of the staff, 佐藤."""
    house = House(store)
    await house.settle_in("店長", "owner")
    await house.settle_in("佐藤")
    return house


@pytest.fixture
async def browser(house: House) -> AsyncIterator[PageClient]:
    async with house.browser() as it:
        yield it


@pytest.fixture
async def owner(house: House) -> AsyncIterator[PageClient]:
    async with house.browser() as it:
        assert (await it.log_in("店長")).status_code == 303
        yield it


@pytest.fixture
async def shop(redis_url: str) -> AsyncIterator[PlainShop]:
    """A shop that runs, where a customer waits; people without scripts."""
    async with open_plain_shop(redis_url) as it:
        yield it
