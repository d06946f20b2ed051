"""Alerts through Apprise to a real HTTP server: accepted, refused, away, slow; and addresses that are none."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator
from io import StringIO

import pytest

from service.adapters.notify import open_notifier
from service.errors import SettingsError
from service.settings import ROOT, load_settings
from tests.support.desk import Desk, open_desk
from tests.support.system import free_port

TITLE, TEXT = "要対応：スタッフ希望", "11月25日(火) 01:00からお客様がお待ちです。\nhttps://henji.example/inbox/1"


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with open_desk() as desk:
        yield desk


async def test_an_alert_arrives_as_it_was_written(desk: Desk) -> None:
    async with open_notifier([desk.address("desk")]) as notifier:
        assert await notifier.send(0, TITLE, TEXT) == "accepted"
    (alert,) = desk.arrived["desk"]
    assert (alert["title"], alert["message"]) == (TITLE, TEXT)


async def test_each_alert_is_sent_however_alike_they_are(desk: Desk) -> None:
    async with open_notifier([desk.address("desk")]) as notifier:
        assert [await notifier.send(0, TITLE, TEXT) for _ in range(3)] == ["accepted"] * 3
    assert desk.titles() == [TITLE] * 3


@pytest.mark.parametrize("status", [404, 500])
async def test_a_refusal_is_an_outcome_and_no_error(desk: Desk, status: int) -> None:
    desk.status["desk"] = status
    async with open_notifier([desk.address("desk")]) as notifier:
        assert await notifier.send(0, TITLE, TEXT) == "refused"


async def test_an_address_that_is_away_is_an_outcome_and_no_error() -> None:
    async with open_notifier([f"json://127.0.0.1:{free_port()}/desk"]) as notifier:
        assert await notifier.send(0, TITLE, TEXT) == "refused"


async def test_a_slow_address_holds_up_neither_the_loop_nor_another_address(desk: Desk) -> None:
    desk.status["slow"] = "hang"
    urls = [desk.address("slow") + "?rto=3", desk.address("desk")]
    async with open_notifier(urls, time_limit_s=0.3) as notifier:
        started = time.monotonic()
        slow = [asyncio.create_task(notifier.send(0, TITLE, TEXT)) for _ in range(10)]
        assert await notifier.send(1, TITLE, TEXT) == "accepted"
        assert not any(task.done() for task in slow)
        assert await asyncio.gather(*slow) == ["refused"] * 10
        assert time.monotonic() - started < 2
    assert desk.tries == 2, "what waited behind the one that hangs was never sent"


async def test_trying_out_says_why_it_failed(desk: Desk) -> None:
    desk.status["desk"] = 500
    async with open_notifier([desk.address("desk"), desk.address("other")]) as notifier:
        accepted, why = await notifier.try_out(0, TITLE, TEXT)
        assert not accepted
        assert "500" in why
        assert await notifier.try_out(1, TITLE, TEXT) == (True, "")


async def test_addresses_that_are_none_are_all_told_without_their_secrets() -> None:
    urls = ["json://127.0.0.1/ok", "slack://hunter2", "mailto://", "nosuch://user:hunter2@host"]
    with pytest.raises(SettingsError) as caught:
        async with open_notifier(urls):
            pytest.fail("these are no addresses")
    assert [problem[:33] for problem in caught.value.problems] == [
        "HENJI_NOTIFY: address 2 (slack://",
        "HENJI_NOTIFY: address 3 (mailto:/",
        "HENJI_NOTIFY: address 4 (nosuch:/",
    ]
    assert "hunter2" not in str(caught.value)


async def test_what_apprise_logs_goes_nowhere(desk: Desk) -> None:
    desk.status["hunter2"] = 500
    written = StringIO()
    everything = logging.StreamHandler(written)
    logging.getLogger().addHandler(everything)
    try:
        async with open_notifier([desk.address("hunter2")]) as notifier:
            assert await notifier.send(0, TITLE, TEXT) == "refused"
            logging.getLogger("somebody else").warning("is heard")
    finally:
        logging.getLogger().removeHandler(everything)
    assert written.getvalue() == "is heard\n"


async def test_the_addresses_of_the_readme_are_understood() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (value,) = re.findall(r'^HENJI_NOTIFY="([^"]+)"', readme, flags=re.MULTILINE)
    shown = [address.get_secret_value() for address in load_settings({"HENJI_NOTIFY": value}, None).notify]
    table = readme.partition("| to | address |")[2].partition("```")[0]
    shown += re.findall(r"`(\w+://[^`]+)`", table)
    async with open_notifier(shown) as notifier:
        assert notifier.names == ["Slack", "E-Mail", "E-Mail", "E-Mail", "Line", "ntfy", "JSON"]
