"""The web process, and two of the staff."""

from collections.abc import AsyncIterator

import httpx
import pytest

from service.adapters.archive import Archive
from service.adapters.store import Store
from tests.support.shop import make_shop
from tests.support.system import System, make_settings, run_system, run_web
from tests.support.web import client

SHOP = make_shop()


@pytest.fixture
async def archive(store: Store) -> Archive:
    return Archive(store)


@pytest.fixture
async def web(redis_url: str) -> AsyncIterator[str]:
    """The web process alone: no worker runs. Gives the API's address."""
    async with run_web(make_settings(redis_url)) as url:
        yield f"{url}/api/v1"


@pytest.fixture
async def sato(web: str, archive: Archive) -> AsyncIterator[httpx.AsyncClient]:
    async with client(web, await archive.add_token("佐藤")) as it:
        yield it


@pytest.fixture
async def suzuki(web: str, archive: Archive) -> AsyncIterator[httpx.AsyncClient]:
    async with client(web, await archive.add_token("鈴木")) as it:
        yield it


@pytest.fixture
async def system(redis_url: str) -> AsyncIterator[System]:
    """Web and worker together."""
    async with run_system(redis_url, SHOP) as running:
        yield running
