"""A house with an owner, 店長, and one of the staff, 佐藤, and browsers in front of it."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from service.adapters.lookout import connect
from service.adapters.store import Store
from tests.support.pages import House, PageClient


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url, timeout_s=5) as client:
        yield client


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    async with Store(redis_url, timeout_s=5) as it:
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
