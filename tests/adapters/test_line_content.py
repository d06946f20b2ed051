"""Fetching what customers sent: ready or not, gone, too large, broken off."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from aiohttp import web

from service.adapters.line_account import (
    Account,
    Content,
    ContentGone,
    ContentNotReady,
    ContentTooLarge,
    open_account,
)
from service.errors import LineUnavailable
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.records import Content as Stored
from service.tools.fakeline.server import FakeLine
from tests.support.misbehaving import served

TOKEN = "token-of-the-channel"
TROUBLES = {
    "hang": Fault.hang(30, accepted=True),
    "reset": Fault.reset_before(),
    "HTML 500": Fault.status(500, "<html>エラー</html>".encode("shift_jis"), content_type="text/html"),
    "429": Fault.status(429, b'{"message":"The API rate limit has been exceeded. Try again later."}'),
}


@pytest.fixture
async def fake() -> AsyncGenerator[FakeLine]:
    fake = FakeLine(channel_secret="secret", access_token=TOKEN)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def account(fake: FakeLine) -> AsyncGenerator[Account]:
    async with open_account(TOKEN, fake.base_url, patience_s=0.2) as account:
        yield account


async def test_content_is_fetched_when_it_is_ready(fake: FakeLine, account: Account) -> None:
    message = fake.keep_content(Stored(b"moving pictures", "video/mp4", pending=1))
    assert await account.content(message, 15) == ContentNotReady()
    assert await account.content(message, 15) == Content(b"moving pictures", "video/mp4")
    assert await account.content(message, 14) == ContentTooLarge()


async def test_a_202_with_bytes_in_it_is_not_content(fake: FakeLine, account: Account) -> None:
    fake.faults.next("content", Fault.status(202, b"\xff\xd8\xff", content_type="image/jpeg"))
    assert await account.content(fake.keep_content(), 1000) == ContentNotReady()


async def test_content_that_was_taken_back_is_gone(fake: FakeLine, account: Account) -> None:
    user = fake.add_user("田中 はるか")
    message = (await fake.image(user)).event["message"]["id"]
    await fake.unsend(user, message)
    assert await account.content(message, 1000) == ContentGone()
    assert await account.content("1", 1000) == ContentGone()
    assert [call.status for call in fake.calls] == [410, 404]


@pytest.mark.parametrize("fault", TROUBLES.values(), ids=TROUBLES)
async def test_content_that_does_not_come_may_come_later(fake: FakeLine, account: Account, fault: Fault) -> None:
    message = fake.keep_content()
    fake.faults.when(lambda _: True, fault)
    with pytest.raises(LineUnavailable):
        await account.content(message, 1000)
    fake.faults.clear()
    assert isinstance(await account.content(message, 1000), Content)


async def test_a_download_is_broken_off_where_it_becomes_too_large() -> None:
    poured, ended = 0, asyncio.Event()

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal poured
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(65_536))
                poured += 65_536
        finally:
            ended.set()

    async with served(pour) as account, asyncio.timeout(5):
        assert await account.content("1", 100_000) == ContentTooLarge()
        await ended.wait()
    # What the kernel and both ends had on the way when the connection was closed.
    assert poured < 20_000_000


async def test_a_size_told_in_advance_is_believed_when_it_is_too_large() -> None:
    begun = asyncio.Event()

    async def promise(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100001"})
        await response.prepare(request)
        begun.set()
        await asyncio.Event().wait()
        return response

    async with served(promise) as account, asyncio.timeout(5):
        assert await account.content("1", 100_000) == ContentTooLarge()
    assert begun.is_set()


async def test_half_a_download_is_none() -> None:
    async def stop_short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        assert isinstance(request.transport, asyncio.Transport)
        request.transport.close()
        return response

    async with served(stop_short) as account:
        with pytest.raises(LineUnavailable):
            await account.content("1", 1000)
