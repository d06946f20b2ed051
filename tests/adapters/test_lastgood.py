"""The last good files in Redis."""

import pytest
import redis

from service.adapters.lastgood import BYTES_MAX, KEY, LastGood
from service.adapters.store import Store
from service.errors import StoreUnavailable

FILES = {"hours.md": "## 営業時間 {#hours}\n\n10時から\n", "_shop.yaml": "name: すみれ\n"}


def writes(redis_url: str) -> int:
    with redis.Redis.from_url(redis_url) as client:
        stats = client.info("commandstats")
        assert isinstance(stats, dict)
        return int(stats.get("cmdstat_set", {"calls": 0})["calls"])


async def test_nothing_is_kept_at_first(store: Store) -> None:
    assert await LastGood(store).read() == {}


async def test_what_was_kept_is_read_by_the_next_process(store: Store) -> None:
    await LastGood(store).keep(FILES)
    assert await LastGood(store).read() == FILES


@pytest.mark.parametrize("damaged", ["", "{", "[1]", '{"a": 1}'])
async def test_what_is_damaged_counts_as_nothing_and_is_replaced(store: Store, redis_url: str, damaged: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set(KEY, damaged)
    kept = LastGood(store)
    assert await kept.read() == {}
    await kept.keep(FILES)
    assert await LastGood(store).read() == FILES


async def test_it_is_written_only_when_it_changed(store: Store, redis_url: str) -> None:
    kept = LastGood(store)
    before = writes(redis_url)
    await kept.keep(FILES)
    await kept.keep(dict(reversed(FILES.items())))
    assert writes(redis_url) == before + 1
    again = LastGood(store)
    await again.read()
    await again.keep(FILES)
    assert writes(redis_url) == before + 1
    await again.keep(FILES | {"_shop.yaml": "name: 新店\n"})
    assert writes(redis_url) == before + 2


async def test_a_folder_too_large_is_not_kept_and_leaves_nothing_old_behind(store: Store, redis_url: str) -> None:
    kept = LastGood(store)
    await kept.keep(FILES)
    await kept.keep({"big.md": "x" * BYTES_MAX})
    with redis.Redis.from_url(redis_url) as client:
        assert not client.exists(KEY)
    assert await LastGood(store).read() == {}


async def test_redis_being_away_is_said(tmp_path: object) -> None:
    async with Store(f"unix://{tmp_path}/none.sock", timeout_s=0.5) as away:
        with pytest.raises(StoreUnavailable):
            await LastGood(away).read()
        with pytest.raises(StoreUnavailable):
            await LastGood(away).keep(FILES)
