"""The simulator's server: what it serves, what it refuses, and where its clock can go."""

from datetime import datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from service.core import decisions
from service.errors import StartError
from service.tools.fakeline.server import FakeLine
from service.tools.simulator.app import FOLDER, ShopTime, SimulatorServer, start_simulator
from service.tools.simulator.clock import MOVES
from tests.tools.simulator.conftest import first_customer
from tests.tools.simulator.tiny_henji import API_TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def post(session: aiohttp.ClientSession, url: str, body: Any) -> tuple[int, str]:
    async with session.post(url, json=body) as response:
        return response.status, await response.text()


async def test_the_token_stays_on_the_server_and_the_page_is_locked_down(
    simulator: SimulatorServer, fake: FakeLine
) -> None:
    user = first_customer(fake)
    async with aiohttp.ClientSession(trust_env=False) as session:
        for path in ("/", "/page.js", "/style.css", "/stickers/ok.svg", f"/state/{user}"):
            async with session.get(simulator.base_url + path) as response:
                assert response.status == 200
                assert "default-src 'none'" in response.headers["Content-Security-Policy"]
                assert "unsafe" not in response.headers["Content-Security-Policy"]
                assert API_TOKEN not in await response.text()
        for path in (f"/chats/{user}/texts", "/clock", "/customers"):
            async with session.post(simulator.base_url + path, data={"text": "a"}) as response:
                assert response.status == 415, "another site's page can post a form"
    assert fake.deliveries == []


@pytest.mark.parametrize(
    ("deed", "body", "status", "said"),
    [
        ("texts", {}, 400, "missing: 'text'"),
        ("texts", [], 400, ""),
        ("taps", {}, 400, "missing: 'data'"),
        ("stickers", {"sticker": "angry"}, 400, "missing: 'angry'"),
        ("photos", {"data": "!", "type": "image/png"}, 400, "base64"),
        ("photos", {"data": "AAAA", "type": "image/svg+xml"}, 400, "type: not a photo that LINE takes"),
        ("files", {"name": "", "data": "AAAA"}, 400, "name: too long, or empty"),
        ("unsends", {"message": "1"}, 400, "message: not one of theirs"),
        ("redeliveries", {"event": "1"}, 400, "event: was never sent"),
        ("nothing", {}, 404, ""),
    ],
)
async def test_what_makes_no_sense_is_refused_and_sends_nothing(  # noqa: PLR0917 - the table's columns
    simulator: SimulatorServer, fake: FakeLine, deed: str, body: Any, status: int, said: str
) -> None:
    async with aiohttp.ClientSession(trust_env=False) as session:
        url = f"{simulator.base_url}/chats/{first_customer(fake)}/{deed}"
        found, text = await post(session, url, body)
        assert (found, said.lower() in text.lower()) == (status, True), text
        assert (await post(session, f"{simulator.base_url}/chats/U0/texts", {"text": "a"}))[0] == 404
        assert (await post(session, f"{simulator.base_url}/clock", {"to": "yesterday"}))[0] == 400
    assert fake.deliveries == []


async def test_only_members_write_in_a_group_and_nobody_takes_back_anothers_words(
    simulator: SimulatorServer, fake: FakeLine
) -> None:
    (group,), (first, second, *_) = fake.platform.groups, fake.users
    stranger = fake.add_user("通りすがり")
    async with aiohttp.ClientSession(trust_env=False) as session:
        url = f"{simulator.base_url}/chats/{group}"
        assert (await post(session, f"{url}/texts", {"text": "a", "as": stranger}))[0] == 400
        assert (await post(session, f"{url}/unblocks", {}))[0] == 200
        assert (await post(session, f"{url}/texts", {"text": "a", "as": first}))[0] == 200
        message = fake.deliveries[-1].event["message"]["id"]
        assert (await post(session, f"{url}/unsends", {"message": message, "as": second}))[0] == 400
        assert (await post(session, f"{url}/unsends", {"message": message, "as": first}))[0] == 200
    assert [delivery.event["type"] for delivery in fake.deliveries] == ["join", "message", "unsend"]


async def test_every_reason_is_told_in_both_languages() -> None:
    words = (FOLDER / "words.js").read_text(encoding="utf-8")
    codes = {code for name, kind in vars(decisions).items() if name.endswith("Reason") for code in get_args(kind)}
    assert "sure" in codes
    assert [code for code in sorted(codes) if words.count(f"\n    {code}: ") != 2] == []


async def test_a_port_in_use_is_said_clearly(simulator: SimulatorServer, fake: FakeLine, shop_time: ShopTime) -> None:
    port = int(simulator.base_url.rsplit(":", 1)[1])
    with pytest.raises(StartError, match=f"127.0.0.1:{port}.*in use"):
        await start_simulator(fake, henji_url="", api_token="", host="127.0.0.1", port=port, shop_time=shop_time)


@pytest.mark.parametrize(
    ("to", "now", "then"),
    [
        ("hour", "2026-11-25T23:30", "2026-11-26T00:30"),
        ("night", "2026-11-25T14:00", "2026-11-25T22:00"),
        ("night", "2026-11-25T22:00", "2026-11-26T22:00"),
        ("morning", "2026-11-25T09:00", "2026-11-26T10:30"),
        ("morning", "2026-12-31T23:59", "2027-01-01T10:30"),
        ("holiday", "2026-11-22T10:00", "2026-11-23T12:00"),
        ("holiday", "2026-11-23T00:00", "2027-01-01T12:00"),
    ],
)
async def test_the_clock_moves_ahead_to_a_time_worth_trying(to: str, now: str, then: str) -> None:
    zone = ZoneInfo("Asia/Tokyo")
    before, after = (datetime.fromisoformat(each).replace(tzinfo=zone) for each in (now, then))
    assert MOVES[to](before) == after
