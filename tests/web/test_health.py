"""/health: what an orchestrator and an engineer are told about each part."""

from pathlib import Path

import httpx
import pytest
import redis

from service.adapters.embedded import EmbeddedValkey
from service.adapters.inquiries import Inquiries
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store
from tests.support.shop import make_shop
from tests.support.system import make_settings, run_web

SHOP = make_shop()

OK = {"redis": "ok", "worker": "ok", "knowledge": "ok", "model": "none was asked yet"}


async def ask(url: str, what: str = "ready") -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"{url}/health/{what}")


async def test_with_every_part_there_it_is_ready(redis_url: str) -> None:
    async with run_web(make_settings(redis_url)) as url, Store(redis_url, timeout_s=2) as store:
        await Mailbox(store, keep_days=1).tick()
        await Inquiries(store).publish(SHOP)
        answer = await ask(url)
    assert (answer.status_code, answer.json()) == (200, OK)


async def test_a_missing_worker_is_told_but_webhooks_are_still_taken(redis_url: str) -> None:
    async with run_web(make_settings(redis_url)) as url:
        answer = await ask(url)
        assert answer.status_code == 200
        assert answer.json() == OK | {"worker": "none was ever here", "knowledge": "no worker has loaded any"}
        with redis.Redis.from_url(redis_url) as client:
            seconds, _ = client.time()
            client.set(f"{PREFIX}beat", (seconds - 42) * 1000)
        answer = await ask(url)
        assert answer.status_code == 200
        assert answer.json()["worker"].startswith("none was here for 4")


async def test_a_full_redis_is_not_ready_though_it_answers(tmp_path: Path) -> None:
    server = EmbeddedValkey.start(tmp_path)
    async with run_web(make_settings(server.url)) as url:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("maxmemory", "1")
            answer = await ask(url)
            assert (await ask(url, "live")).status_code == 200, "a restart would not help"
            client.config_set("maxmemory", "0")
        assert (await ask(url)).status_code == 200
    server.stop()
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    problem = answer.json()
    assert (problem["status"], problem["title"], problem["detail"]) == (503, "Service Unavailable", "not ready: redis")
    assert problem["parts"]["redis"].startswith("takes no writes")


async def test_a_redis_that_is_away_is_not_ready_and_its_address_is_not_told(tmp_path: Path) -> None:
    server = EmbeddedValkey.start(tmp_path)
    server.stop()
    async with run_web(make_settings(server.url)) as url:
        answer = await ask(url)
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"spent": 5, "budget": 10, "failures": 2}, "ok"),
        ({"spent": 10, "budget": 10}, "today's budget is used up"),
        ({"spent": 10, "budget": -1}, "ok"),
        ({"spent": 5, "budget": 10, "failures": 3, "shut_until": 10**14}, "does not answer; asked again in "),
    ],
)
async def test_how_the_model_does_is_told_and_webhooks_are_taken_all_the_same(
    redis_url: str, fields: dict[str, int], sentence: str
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.hset(f"{PREFIX}model", mapping={"day_ends": 10**14, **fields})
    async with run_web(make_settings(redis_url)) as url:
        answer = await ask(url)
    assert answer.status_code == 200
    assert answer.json()["model"].startswith(sentence)
