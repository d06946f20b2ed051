"""LINE apart from sending, against the fake LINE and against servers that misbehave in ways the fake cannot."""

from collections.abc import AsyncGenerator

import pytest
from aiohttp import web

from service.adapters.line import open_line
from service.adapters.line_account import (
    API,
    DATA_API,
    Account,
    BotInfo,
    Profile,
    Quota,
    WebhookEndpoint,
    open_account,
)
from service.core.sending import Limited
from service.errors import LineRefused, LineUnavailable
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.server import FakeLine
from tests.support.misbehaving import served

TOKEN = "token-of-the-channel"
PATIENCE_S = 0.2
HTML = Fault.status(500, "<html>エラー</html>".encode("shift_jis"), content_type="text/html")
TROUBLES = {
    "hang": Fault.hang(30, accepted=True),
    "reset": Fault.reset_before(),
    "reset after": Fault.reset_after(),
    "HTML 500": HTML,
    "empty 200": Fault.empty_200(),
    "a list": Fault.status(200, b"[]"),
    "not UTF-8": Fault.status(200, b'{"displayName":"\xff"}'),
    "429": Fault.status(429, b'{"message":"The API rate limit has been exceeded. Try again later."}'),
}
each_trouble = pytest.mark.parametrize("fault", TROUBLES.values(), ids=TROUBLES)


@pytest.fixture
async def fake() -> AsyncGenerator[FakeLine]:
    fake = FakeLine(channel_secret="secret", access_token=TOKEN)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def account(fake: FakeLine) -> AsyncGenerator[Account]:
    async with open_account(TOKEN, fake.base_url, patience_s=PATIENCE_S) as account:
        yield account


@pytest.fixture
def user(fake: FakeLine) -> str:
    return fake.add_user("田中 はるか")


async def test_the_loading_animation_is_shown(fake: FakeLine, account: Account, user: str) -> None:
    await account.show_loading(user)
    assert fake.calls[0].request_json == {"chatId": user, "loadingSeconds": 20}
    assert fake.users[user].loading_until > 0


@pytest.mark.parametrize(("seconds", "asked"), [(0, 5), (5, 5), (6, 10), (60, 60), (100, 60)])
async def test_the_loading_animation_lasts_what_line_takes(
    fake: FakeLine, account: Account, user: str, seconds: int, asked: int
) -> None:
    await account.show_loading(user, seconds)
    assert (fake.calls[0].request_json["loadingSeconds"], fake.calls[0].status) == (asked, 202)


async def test_messages_are_marked_as_read(fake: FakeLine, account: Account, user: str) -> None:
    message = (await fake.send_text(user, "こんにちは")).event["message"]
    await account.mark_as_read(message["markAsReadToken"])
    assert fake.platform.is_read(user, message["id"])
    await account.mark_as_read("of another bot")
    assert fake.calls[-1].status == 400


@each_trouble
async def test_what_is_only_nice_to_have_never_raises(
    fake: FakeLine, account: Account, user: str, fault: Fault
) -> None:
    fake.faults.when(lambda _: True, fault)
    await account.show_loading(user)
    await account.mark_as_read("token")
    assert await account.profile(user) is None


async def test_what_is_only_nice_to_have_waits_for_two_seconds_at_most() -> None:
    async with open_account(TOKEN, None, patience_s=30) as account:
        assert (account._extra.total, account._usual.total) == (2, 30)


async def test_nothing_raises_when_line_is_not_there(user: str) -> None:
    async with open_account(TOKEN, "http://127.0.0.1:1") as account:
        await account.show_loading(user)
        assert await account.profile(user) is None
        with pytest.raises(LineUnavailable, match="ClientConnectorError"):
            await account.content("1", 10)


async def test_a_profile_has_a_name_and_perhaps_a_language(fake: FakeLine, account: Account, user: str) -> None:
    emma = fake.add_user("Emma", language=None)
    fake.faults.next("profile", Fault.extra_fields())
    assert await account.profile(user) == Profile("田中 はるか", "ja")
    assert await account.profile(emma) == Profile("Emma", None)


async def test_who_has_blocked_us_has_no_profile(fake: FakeLine, account: Account, user: str) -> None:
    fake.users[user].state = "blocked"
    assert await account.profile(user) is None
    assert await account.profile("not an id/../x") is None
    assert [call.status for call in fake.calls] == [404, 400]


async def test_the_quota(fake: FakeLine, account: Account) -> None:
    fake.platform.pushes_used = 200
    assert await account.quota() == Quota(200, 200)
    assert Quota(200, 200).is_used_up
    assert not Quota(200, 199).is_used_up
    fake.platform.quota = None
    assert await account.quota() == Quota(None, 200)
    assert not Quota(None, 200).is_used_up


@pytest.mark.parametrize(("used", "is_quota"), [(200, True), (199, False)])
async def test_a_429_that_says_nothing_is_explained_by_the_quota(
    fake: FakeLine, user: str, used: int, *, is_quota: bool
) -> None:
    fake.platform.pushes_used = used
    message = ({"type": "text", "text": "はい"},)
    async with open_line(TOKEN, fake.base_url) as line:
        fake.faults.next("push", *[Fault.status(429, b'{"message":"Too many"}')] * 2)
        assert await line.push(user, message, "5e3f1c5e-0000-4000-8000-000000000001") == Limited(quota=is_quota)
        fake.faults.next("quota", HTML)
        assert await line.push(user, message, "5e3f1c5e-0000-4000-8000-000000000001") == Limited(quota=False)
        fake.faults.next("reply", Fault.status(429, b"{}"))
        assert await line.reply("token", message) == Limited(quota=False)
    assert [call.endpoint for call in fake.calls if call.endpoint in {"push", "quota", "reply"}] == [
        "push",
        "quota",
        "push",
        "quota",
        "reply",
    ]


async def test_the_account_tells_its_modes_and_its_clock(fake: FakeLine, account: Account) -> None:
    info = await account.bot_info()
    assert info.answered_at is not None
    assert (info.user_id, info.name) == (fake.platform.bot_user_id, "ヘアサロン すみれ")
    assert (info.chat_mode, info.mark_as_read_mode) == ("chat", "manual")


async def test_a_mode_of_the_future_is_told_as_it_is(fake: FakeLine, account: Account) -> None:
    fake.faults.next("info", Fault.extra_fields(chatMode="ai", markAsReadMode="both"))
    info = await account.bot_info()
    assert (info.chat_mode, info.mark_as_read_mode) == ("ai", "both")


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 25 Nov 2025 01:02:03 -0000"])
async def test_an_answer_without_a_readable_date_has_none(date: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response({"userId": "U1", "displayName": "店"}, headers={"Date": date})

    async with served(handler) as account:
        assert await account.bot_info() == BotInfo("U1", "店")


async def test_the_webhook_s_address(fake: FakeLine, account: Account) -> None:
    assert await account.webhook_endpoint() is None
    fake.webhook_url = "https://henji.example/webhook/line"
    assert await account.webhook_endpoint() == WebhookEndpoint(fake.webhook_url, active=True)


async def test_the_webhook_s_test_tells_what_line_met(fake: FakeLine, account: Account) -> None:
    fake.webhook_url = "http://127.0.0.1:1/webhook/line"
    test = await account.test_webhook()
    assert (test.success, test.reason) == (False, "COULD_NOT_CONNECT")


@each_trouble
async def test_trouble_is_an_error_that_may_pass(fake: FakeLine, account: Account, fault: Fault) -> None:
    fake.faults.when(lambda _: True, fault)
    with pytest.raises(LineUnavailable):
        await account.bot_info()
    fake.faults.clear()
    assert (await account.bot_info()).name


async def test_a_refusal_tells_status_text_and_request(fake: FakeLine) -> None:
    async with open_account("unknown", fake.base_url) as account:
        with pytest.raises(LineRefused, match=r"^401 Authentication failed .* \[request [0-9a-f-]+\]$") as caught:
            await account.bot_info()
        with pytest.raises(LineRefused, match=r"^401 "):
            await account.content("1", 10)
    assert caught.value.status == 401
    assert not caught.value.temporary


async def test_a_redirect_is_not_followed() -> None:
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with served(handler) as account:
        with pytest.raises(LineUnavailable, match=r"^302"):
            await account.bot_info()
    assert paths == ["/v2/bot/info"]


async def test_a_connection_that_line_has_closed_meanwhile_is_not_noticed(fake: FakeLine, account: Account) -> None:
    fake.faults.next("info", Fault.stale_keep_alive())
    await account.bot_info()
    assert (await account.bot_info()).name


async def test_line_itself_has_two_addresses() -> None:
    async with open_account(TOKEN, None) as account:
        assert (account._api, account._data_api) == (API, DATA_API)


async def test_a_client_that_is_closed_is_trouble_too() -> None:
    async with open_account(TOKEN, None) as account:
        pass
    with pytest.raises(LineUnavailable, match="Session is closed"):
        await account.quota()
