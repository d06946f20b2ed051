"""LINE's client against the fake LINE: what each answer, and each missing answer, is taken for."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.adapters.line import Line, open_line
from service.core.bubbles import text_message, with_buttons
from service.core.sending import Accepted, Limited, Refused, Unknown
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.server import FakeLine
from tests.support.system import TOKEN, free_port

HELLO: tuple[dict[str, Any], ...] = (text_message("こんにちは", "自動応答"),)
KEY = "5e0d9b4e-7c8e-4a57-9a6e-0d6f5c0b7a11"
QUICK = aiohttp.ClientTimeout(total=0.3)


@pytest.fixture
async def fake() -> AsyncIterator[FakeLine]:
    server = FakeLine(channel_secret="secret", access_token=TOKEN)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def line(fake: FakeLine) -> AsyncIterator[Line]:
    async with open_line(TOKEN, fake.base_url) as client:
        yield client


def reply_token(fake: FakeLine, customer: str) -> str:
    """A fresh token, as a webhook brings it."""
    event = fake.make_event(customer, {"type": "message", "message": {"type": "text", "text": "?"}})
    fake.platform.begin_webhook(event)
    token: str = event["replyToken"]
    return token


async def test_a_reply_is_sent_once_and_its_token_used_up(line: Line, fake: FakeLine) -> None:
    customer = fake.add_user("田中")
    token = reply_token(fake, customer)
    assert await line.reply(token, HELLO) == Accepted()
    assert await line.reply(token, HELLO) == Refused(400, details=False, message="Invalid reply token")
    assert [(bubble.text, bubble.source) for bubble in fake.seen(customer)] == [("こんにちは", "reply")]


async def test_a_push_with_the_same_key_is_accepted_again_and_shown_once(line: Line, fake: FakeLine) -> None:
    customer = fake.add_user("田中")
    assert await line.push(customer, HELLO, KEY) == Accepted()
    assert await line.push(customer, HELLO, KEY) == Accepted()
    assert [call.status for call in fake.calls] == [200, 409]
    assert len(fake.seen(customer)) == 1


async def test_messages_arrive_whole(line: Line, fake: FakeLine) -> None:
    """The SDK's constructors drop what a message given as a dict holds."""
    customer = fake.add_user("田中")
    messages = (
        text_message("一🌸\n二", "自動応答"),
        with_buttons(text_message("どちらですか", "スタッフ 佐藤"), [("営業時間を教えてください", "a=1"), ("次", "b")]),
    )
    assert await line.push(customer, messages, KEY) == Accepted()
    assert await line.reply(reply_token(fake, customer), messages) == Accepted()
    for call in fake.calls:
        assert tuple(call.request_json["messages"]) == messages
        assert call.headers["authorization"] == f"Bearer {TOKEN}"
    assert [bubble.message for bubble in fake.seen(customer)] == [*messages, *messages]


async def test_a_key_goes_with_pushes_and_never_with_replies(line: Line, fake: FakeLine) -> None:
    customer = fake.add_user("田中")
    await line.push(customer, HELLO, KEY)
    await line.reply(reply_token(fake, customer), HELLO)
    assert [call.headers.get("x-line-retry-key") for call in fake.calls] == [KEY, None]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.empty_200, id="an empty body"),
        pytest.param(lambda: Fault.status(200, b"{}", accepted=True), id="no ids"),
        pytest.param(lambda: Fault.status(200, b'{"sentMessages":[]}', accepted=True), id="an empty list"),
        pytest.param(lambda: Fault.status(200, b"<html>", content_type="text/html", accepted=True), id="HTML"),
        pytest.param(lambda: Fault.status(202, b"[1]", accepted=True), id="another 2xx"),
        pytest.param(lambda: Fault.status(200, b"\xff\xfe\x00", accepted=True), id="no UTF-8"),
        pytest.param(Fault.extra_fields, id="unknown properties"),
    ],
)
async def test_a_2xx_means_sent_whatever_its_body_holds(line: Line, fake: FakeLine, fault: Any) -> None:
    customer = fake.add_user("田中")
    fake.faults.next("push", fault())
    assert await line.push(customer, HELLO, KEY) == Accepted()
    fake.faults.next("reply", fault())
    assert await line.reply(reply_token(fake, customer), HELLO) == Accepted()
    assert len(fake.seen(customer)) == 2


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        pytest.param(lambda: Fault.status(500), "status 500", id="500"),
        pytest.param(
            lambda: Fault.status(503, b"<html>busy</html>", content_type="text/html"), "status 503", id="HTML"
        ),
        pytest.param(lambda: Fault.status(500, b"\xff\xfe\x00"), "status 500", id="no UTF-8"),
        pytest.param(Fault.reset_before, "ServerDisconnectedError", id="reset before"),
        pytest.param(Fault.reset_after, "ServerDisconnectedError", id="reset after"),
    ],
)
async def test_without_a_readable_answer_nobody_knows(line: Line, fake: FakeLine, fault: Any, why: str) -> None:
    customer = fake.add_user("田中")
    fake.faults.next("reply", fault())
    assert await line.reply(reply_token(fake, customer), HELLO) == Unknown(why)
    fake.faults.next("push", fault())
    assert await line.push(customer, HELLO, KEY) == Unknown(why)


async def test_a_line_that_says_nothing_is_given_up_in_time(fake: FakeLine) -> None:
    customer = fake.add_user("田中")
    async with open_line(TOKEN, fake.base_url, QUICK) as line:
        fake.faults.next("reply", Fault.hang(60, accepted=True))
        assert await line.reply(reply_token(fake, customer), HELLO) == Unknown("TimeoutError")
        fake.faults.next("push", Fault.hang(60, accepted=False))
        assert await line.push(customer, HELLO, KEY) == Unknown("TimeoutError")
    assert len(fake.seen(customer)) == 1


async def test_a_line_that_is_not_there_is_unknown() -> None:
    async with open_line(TOKEN, f"http://127.0.0.1:{free_port()}") as line:
        assert await line.push("U" + "0" * 32, HELLO, KEY) == Unknown("ClientConnectorError")


async def test_a_connection_that_line_closed_meanwhile_costs_no_second_message(line: Line, fake: FakeLine) -> None:
    customer = fake.add_user("田中")
    fake.faults.next("push", Fault.stale_keep_alive())
    assert await line.push(customer, HELLO, KEY) == Accepted()
    assert isinstance(await line.push(customer, HELLO, KEY), Unknown)
    assert await line.push(customer, HELLO, KEY) == Accepted()
    assert len(fake.seen(customer)) == 1


async def test_a_400_says_whether_the_body_was_faulty(line: Line, fake: FakeLine) -> None:
    customer = fake.add_user("田中")
    too_long = (text_message("あ" * 5001, "自動応答"),)
    outcome = await line.push(customer, too_long, KEY)
    assert outcome == Refused(400, details=True, message="The request body has 1 error(s)")
    outcome = await line.push("U" + "0" * 32, HELLO, KEY)
    assert outcome == Refused(400, details=False, message="Failed to send messages")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"<html>", b"\xff\xfe", b'{"message":5}', b'{"message":"?","details":null}']
)
async def test_a_400_with_an_odd_body_is_still_a_refusal(line: Line, fake: FakeLine, body: bytes) -> None:
    fake.faults.next("push", Fault.status(400, body))
    outcome = await line.push(fake.add_user("田中"), HELLO, KEY)
    assert isinstance(outcome, Refused)
    assert (outcome.status, outcome.details) == (400, False)


async def test_a_wrong_access_token_is_a_refusal(fake: FakeLine) -> None:
    async with open_line("another", fake.base_url) as line:
        outcome = await line.push(fake.add_user("田中"), HELLO, KEY)
    assert isinstance(outcome, Refused)
    assert outcome.status == 401


async def test_a_used_up_month_is_told_from_sending_too_fast(line: Line, fake: FakeLine) -> None:
    customer = fake.add_user("田中")
    fake.platform.quota = 0
    assert await line.push(customer, HELLO, KEY) == Limited(quota=True)
    fake.platform.quota = None
    fake.rules.pushes_per_user_per_minute = 0
    assert await line.push(customer, HELLO, KEY) == Limited(quota=False)


@pytest.mark.parametrize("count", [0, 6])
async def test_what_line_would_never_take_is_refused_without_any_call(line: Line, fake: FakeLine, count: int) -> None:
    customer = fake.add_user("田中")
    for outcome in (
        await line.push(customer, HELLO * count, KEY),
        await line.reply(reply_token(fake, customer), HELLO * count),
    ):
        assert isinstance(outcome, Refused)
        assert outcome.details, "the same body will never be taken"
    assert fake.calls == []


async def test_netrc_and_proxies_of_the_environment_are_ignored(
    fake: FakeLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either would break every call: netrc's password cannot go with our token, and a proxy sees customers' words."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login henji password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    async with open_line(TOKEN, fake.base_url) as line:
        assert await line.push(fake.add_user("田中"), HELLO, KEY) == Accepted()
    assert fake.calls[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_many_calls_at_once_share_the_client(line: Line, fake: FakeLine) -> None:
    customers = [fake.add_user(str(number)) for number in range(40)]
    tokens = [reply_token(fake, customer) for customer in customers]
    outcomes = await asyncio.gather(*(line.reply(token, HELLO) for token in tokens))
    assert outcomes == [Accepted()] * 40
    assert [len(fake.seen(customer)) for customer in customers] == [1] * 40
