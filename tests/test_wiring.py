"""The parts as they are really built."""

import asyncio
from pathlib import Path

import httpx
import pytest

from service import wiring
from service.errors import SettingsError, StartError
from tests.support.desk import open_desk
from tests.support.real import write_faq
from tests.support.shop import ENTRIES
from tests.support.system import free_port, make_settings, run_web, web_without_worker


def test_of_two_that_want_one_port_the_second_is_told_before_it_serves() -> None:
    port = free_port()
    with wiring.listen("127.0.0.1", port), pytest.raises(StartError, match=f"cannot listen on 127.0.0.1:{port}"):
        wiring.listen("127.0.0.1", port)


def test_an_ipv6_address_may_be_listened_on() -> None:
    with wiring.listen("::1", free_port()) as listener:
        assert listener.getsockname()[0] == "::1"


def test_a_host_name_that_nobody_knows_is_a_clear_error() -> None:
    with pytest.raises(StartError, match="cannot listen on no-such-host"):
        wiring.listen("no-such-host.invalid", 8000)


async def test_a_worker_whose_alerts_have_a_faulty_address_does_not_start(redis_url: str) -> None:
    settings = make_settings(redis_url, HENJI_NOTIFY="slack://hunter2")
    with pytest.raises(SettingsError, match=r"HENJI_NOTIFY: address 1 \(slack://…\)") as caught:
        await wiring.run_worker(settings, redis_url, asyncio.Event())
    assert "hunter2" not in str(caught.value)


async def test_a_worker_alerts_at_the_addresses_of_the_settings(redis_url: str, tmp_path: Path) -> None:
    write_faq(tmp_path, ENTRIES)  # a shop without hours: no alert waits for the morning
    async with open_desk() as desk, web_without_worker(redis_url) as (fake, archive):
        settings = make_settings(
            redis_url,
            LINE_API_BASE=fake.base_url,
            HENJI_FAQ_DIR=str(tmp_path),
            HENJI_NOTIFY=f"{desk.address('one')}\n{desk.address('two')}",
            HENJI_PUBLIC_URL="https://bot.example.com",
        )
        stop = asyncio.Event()
        working = asyncio.create_task(wiring.run_worker(settings, redis_url, stop))
        await fake.send_text(fake.add_user("田中"), "スタッフと話したい")
        await desk.until(1, "one")
        await desk.until(1, "two")
        stop.set()
        await working
        (handoff,), _ = await archive.handoffs("waiting", "", 50)
    assert desk.arrived["one"][0]["message"].endswith(f"\nhttps://bot.example.com/inbox/{handoff.id}")


async def test_an_address_that_becomes_free_in_a_moment_is_waited_for(redis_url: str) -> None:
    """A service that was killed and started again finds its old web process just about to end."""
    settings = make_settings(redis_url)
    listener = wiring.listen(settings.host, settings.port)
    asyncio.get_running_loop().call_later(0.2, listener.close)
    async with asyncio.timeout(10), run_web(settings) as url, httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/health/live")).is_success
