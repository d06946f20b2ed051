"""What every test may ask for. Real parts where they are cheap: the Valkey here is the one that ships."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import redis
from hypothesis import settings
from redis.asyncio import Redis

from service.adapters.embedded import EmbeddedValkey
from service.adapters.lookout import connect
from service.adapters.store import Store

# How long an example takes says more about the machine than about the code.
settings.register_profile("henji", deadline=None)
settings.load_profile("henji")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key or an address in the developer's shell must never reach a test."""
    for name in os.environ:
        if name.startswith(("HENJI_", "LINE_", "OPENAI_", "REDIS_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """One server per session and xdist worker. It does not wait for the disk: the tests that do start their own."""
    server = EmbeddedValkey.start(tmp_path_factory.mktemp("valkey"), extra=("--appendfsync", "no"))
    yield server
    server.stop()


@pytest.fixture
def redis_url(valkey: EmbeddedValkey) -> str:
    """The address of the session's server, emptied."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey.url


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    """A store at the session's server."""
    async with Store(redis_url, timeout_s=5) as opened:
        yield opened


@pytest.fixture(name="redis")
async def _redis(redis_url: str) -> AsyncIterator[Redis]:
    """A plain client of the session's server, to look behind the service's back."""
    async with connect(redis_url, timeout_s=5) as client:
        yield client


@pytest.fixture
def store_prefix() -> str:
    """A key prefix (with its hash tag) that nothing else uses, for a store beside another one."""
    return f"{{test-{uuid.uuid4().hex[:8]}}}:"
