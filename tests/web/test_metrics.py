"""/metrics over HTTP: what happened and what waits, in numbers, for whoever scrapes."""

from collections.abc import AsyncIterator
from typing import get_args

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.adapters.inquiries import Inquiries
from service.adapters.store import Store
from service.adapters.vitals import Vitals
from service.core.calibration import CalibrationState
from service.core.counting import known_names
from service.web.metrics import render
from tests.support.shop import make_shop
from tests.support.system import System, free_port, make_settings, run_system, run_web

SHOP = make_shop()
SURE, UNKNOWN = "駐車場はありますか", "ワンちゃんのトリミングはお願いできるでしょうか"
REPLY = "はい、承ります。"
Samples = dict[tuple[str, ...], float]


@pytest.fixture
async def system(redis_url: str) -> AsyncIterator[System]:
    async with run_system(redis_url, SHOP) as running:
        yield running


async def scrape(url: str) -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


def read(text: str) -> Samples:
    """The samples by name and labels' values."""
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for one in families for sample in one.samples}


async def tell_a_story(system: System) -> str:
    """Two questions, and a reply of staff's that costs. Gives the customer's id."""
    customer = system.fake.add_user("田中 はるか")
    await system.fake.send_text(customer, SURE)
    await system.seen(customer, 1)
    await system.fake.send_text(customer, UNKNOWN)
    await system.seen(customer, 2)
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    answer = await system.staff.post(f"/handoffs/{handoff['id']}/reply", json={"text": REPLY})
    assert answer.json() == {"delivery": "sent", "billed": True}
    return customer


async def test_what_happened_is_counted_by_its_codes(system: System) -> None:
    await tell_a_story(system)
    found = read(await scrape(system.url))
    happened = {name: value for name, value in found.items() if name[0].endswith("_total") and value}
    assert happened == {
        ("henji_turns_total", "answer", "sure"): 1,
        ("henji_turns_total", "handoff", "no_entry"): 1,
        ("henji_sends_total", "answer", "reply", "sent"): 1,
        ("henji_sends_total", "notice", "reply", "sent"): 1,
        ("henji_sends_total", "reply", "push", "sent"): 1,
        ("henji_billed_messages_total",): 1,
        ("henji_webhook_events_total", "accepted"): 2,
    }
    assert [found["henji_handoffs", status] for status in ("waiting", "active", "done")] == [0, 1, 0]
    assert found["henji_oldest_unreplied_age_seconds",] == 0
    assert found["henji_worker_heartbeat_age_seconds",] < 10


async def test_an_event_that_line_sends_again_is_a_duplicate(system: System) -> None:
    event = system.fake.make_event(system.fake.add_user("田中"), {"type": "follow"})
    for _ in range(2):
        await system.fake.send_batch([event])
    found = read(await scrape(system.url))
    assert (found["henji_webhook_events_total", "accepted"], found["henji_webhook_events_total", "duplicate"]) == (1, 1)


async def test_what_has_not_happened_yet_is_there_as_zero(redis_url: str) -> None:
    async with run_web(make_settings(redis_url)) as url:
        found = read(await scrape(url))
    counters = {name: value for name, value in found.items() if name[0].endswith("_total")}
    assert len(counters) == len(known_names(("answer", "clarify", "greet", "notice", "reply")))
    assert set(counters.values()) == {0}


async def test_nothing_in_it_names_a_customer_or_says_their_words(system: System) -> None:
    customer = await tell_a_story(system)
    text = await scrape(system.url)
    for secret in (customer, "田中", SURE, UNKNOWN, REPLY, "駐車場はありますかの答えです。", "佐藤"):
        assert secret not in text


async def test_a_redis_that_is_away_is_a_number_and_no_error() -> None:
    async with run_web(make_settings(f"redis://127.0.0.1:{free_port()}")) as url:
        assert read(await scrape(url)) == {("henji_store_up",): 0}


async def test_what_workers_noted_is_shown(redis_url: str) -> None:
    async with Store(redis_url, timeout_s=2) as store:
        vitals = Vitals(store)
        await Inquiries(store).publish(SHOP)
        await vitals.note_quota(200, 42)
        found = read(render(await vitals.read()).decode())
    assert found["henji_knowledge_info", SHOP.version] == 1
    calibrated = {state: found["henji_knowledge_calibration", state] for state in get_args(CalibrationState)}
    assert calibrated == {"fitted": 0, "too_few": 0, "stale": 0, "calibrating": 1}
    assert found["henji_knowledge_entries",] == len(SHOP.entries)
    assert (found["henji_line_quota_limit",], found["henji_line_quota_used",]) == (200, 42)
    assert 0 <= found["henji_line_quota_age_seconds",] < 10
