"""`./henji demo` as it is started by hand: a message takes the whole way, and everything goes by the moved time."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from service.core.shop import Shop
from service.settings import ROOT
from service.tools.demo import shop_of
from tests.support.waiting import tick


def two_free_ports() -> int:
    """The first of two ports in a row that nobody uses."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    port = two_free_ports()
    environ = {"HENJI_PORT": str(port), "HENJI_DATA_DIR": str(tmp_path / "data"), "HENJI_FAQ_DIR": str(ROOT / "faq")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "demo"),
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    while f"http://127.0.0.1:{port + 1}" not in (line := (await process.stdout.readline()).decode()):
        assert line, (tmp_path / "data/demo/demo.log").read_text(encoding="utf-8")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port + 1}") as client:
        yield client
    process.send_signal(signal.SIGINT)
    await process.communicate()
    assert process.returncode == 0


async def told(simulator: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """Wait for the first event of a name that the page would get, and give what it says."""
    async with simulator.stream("GET", "/events") as response:
        lines = response.aiter_lines()
        async for line in lines:
            if line == f"event: {name}":
                return msgspec.json.decode((await anext(lines)).removeprefix("data: "))
    raise AssertionError(name)


async def first_decision(simulator: httpx.AsyncClient, customer: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            items = (await simulator.get(f"/state/{customer}")).json().get("conversation", {}).get("items", [])
            if traces := [item for item in items if item["kind"] == "trace"]:
                return traces[0]
            await tick(0.05)


async def test_a_message_in_the_demo_is_decided_at_the_time_the_clock_was_moved_to(
    simulator: httpx.AsyncClient,
) -> None:
    chats = (await told(simulator, "shop"))["chats"]
    assert [chat["name"] for chat in chats] == ["田中 はるか", "佐藤 健", "Emma", "美容室の友だち"]
    assert (await simulator.post("/clock", json={"to": "night"})).status_code == 200
    clock = await told(simulator, "clock")
    assert clock["open"] is False
    customer = chats[0]["id"]
    await simulator.post(f"/chats/{customer}/texts", json={"text": "スタッフと話したい"})
    trace = await first_decision(simulator, customer)
    assert trace["decision"]["reason"] == "asked"
    local = datetime.fromisoformat(trace["at"]).astimezone(ZoneInfo(clock["zone"]))
    assert (local - local.replace(hour=22, minute=0, second=0, microsecond=0)) < timedelta(minutes=1)
    assert local.hour == 22


def test_the_shop_is_read_anew_and_a_broken_file_keeps_the_last_good_one(tmp_path: Path) -> None:
    read = shop_of(tmp_path)
    assert read() == Shop()
    file = tmp_path / "_shop.yaml"
    file.write_text("timezone: Europe/London\n", encoding="utf-8")
    assert read().timezone == "Europe/London"
    file.write_text("timezone: Nowhere\n", encoding="utf-8")
    assert read().timezone == "Europe/London"
    assert shop_of(tmp_path / "none")() == Shop()
