"""The real line-bot-sdk against the fake: what Henji's adapter will meet, traps included."""

# The SDK's annotations are wrong in places: optional fields without a default, results of `async_req` in all methods.
# pyright: reportCallIssue=false, reportUnknownVariableType=false, reportGeneralTypeIssues=false

import uuid
from collections.abc import AsyncIterator

import aiohttp
import pydantic.v1
import pytest
from linebot.v3.messaging import (
    ApiException,
    AsyncApiClient,
    AsyncMessagingApi,
    AsyncMessagingApiBlob,
    Configuration,
    MarkMessagesAsReadByTokenRequest,
    PushMessageRequest,
    ReplyMessageRequest,
    ShowLoadingAnimationRequest,
    TextMessage,
    ValidateMessageRequest,
)
from linebot.v3.webhook import WebhookParser

from service.tools.fakeline.driver import sign
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.server import FakeLine
from tests.tools.fakeline.conftest import SECRET, TOKEN

TIMEOUT = aiohttp.ClientTimeout(total=5)


@pytest.fixture
async def client(fake: FakeLine) -> AsyncIterator[AsyncApiClient]:
    async with AsyncApiClient(Configuration(host=fake.base_url, access_token=TOKEN)) as client:
        client.rest_client.pool_manager._trust_env = False
        yield client


@pytest.fixture
def sdk(client: AsyncApiClient) -> AsyncMessagingApi:
    return AsyncMessagingApi(client)


def reply_to(token: str, text: str = "はい") -> ReplyMessageRequest:
    return ReplyMessageRequest(replyToken=token, messages=[TextMessage(text=text)])


def push_to(user: str, text: str = "はい") -> PushMessageRequest:
    return PushMessageRequest(to=user, messages=[TextMessage(text=text)])


async def test_reply_and_push(fake: FakeLine, sdk: AsyncMessagingApi, user: str) -> None:
    event = (await fake.send_text(user, "何時まで?")).event
    answer = await sdk.reply_message_with_http_info(reply_to(event["replyToken"]), _request_timeout=TIMEOUT)
    assert answer.headers["x-line-request-id"] == fake.seen(user)[0].request_id
    assert answer.data.sent_messages[0].id == fake.seen(user)[0].message_id
    key = str(uuid.uuid4())
    await sdk.push_message(push_to(user), x_line_retry_key=key, _request_timeout=TIMEOUT)
    with pytest.raises(ApiException) as caught:
        await sdk.push_message(push_to(user), x_line_retry_key=key, _request_timeout=TIMEOUT)
    assert caught.value.status == 409
    assert [seen.source for seen in fake.seen(user)] == ["reply", "push"]


async def test_refusals_are_api_exceptions(fake: FakeLine, sdk: AsyncMessagingApi, user: str) -> None:
    with pytest.raises(ApiException) as caught:
        await sdk.reply_message(reply_to("unknown"), _request_timeout=TIMEOUT)
    assert (caught.value.status, caught.value.body) == (400, '{"message": "Invalid reply token"}')


async def test_faults_reach_the_sdk_as_its_own_errors(fake: FakeLine, sdk: AsyncMessagingApi, user: str) -> None:
    fake.faults.next("push", Fault.status(500), Fault.status(502, b"\xff\xfe"), Fault.reset_before(), Fault.empty_200())
    for expected in (ApiException, UnicodeDecodeError, aiohttp.ClientError, pydantic.v1.ValidationError):
        with pytest.raises(expected):
            await sdk.push_message(push_to(user), _request_timeout=TIMEOUT)
    fake.faults.next("push", Fault.hang(30, accepted=True), Fault.extra_fields())
    with pytest.raises(TimeoutError):
        await sdk.push_message(push_to(user), _request_timeout=aiohttp.ClientTimeout(total=0.05))
    await sdk.push_message(push_to(user), _request_timeout=TIMEOUT)
    assert len(fake.seen(user)) == 3


async def test_the_rest_of_the_api(fake: FakeLine, sdk: AsyncMessagingApi, client: AsyncApiClient, user: str) -> None:
    event = (await fake.image(user)).event
    assert (await sdk.get_profile(user, _request_timeout=TIMEOUT)).display_name == "田中 はるか"
    assert (await sdk.get_bot_info(_request_timeout=TIMEOUT)).chat_mode == "chat"
    assert (await sdk.get_message_quota(_request_timeout=TIMEOUT)).value == 200
    assert (await sdk.get_message_quota_consumption(_request_timeout=TIMEOUT)).total_usage == 0
    loading = ShowLoadingAnimationRequest(chatId=user, loadingSeconds=20)
    await sdk.show_loading_animation(loading, _request_timeout=TIMEOUT)
    read = MarkMessagesAsReadByTokenRequest(markAsReadToken=event["message"]["markAsReadToken"])
    await sdk.mark_messages_as_read_by_token(read, _request_timeout=TIMEOUT)
    assert fake.platform.is_read(user, event["message"]["id"])
    messages = ValidateMessageRequest(messages=[TextMessage(text="a")])
    await sdk.validate_reply(messages, _request_timeout=TIMEOUT)
    blob = AsyncMessagingApiBlob(client)
    content = await blob.get_message_content(event["message"]["id"], _request_timeout=TIMEOUT)
    assert bytes(content) == fake.platform.contents[event["message"]["id"]].data
    assert {call.status for call in fake.calls} == {200, 202}


async def test_the_sdk_s_parser_takes_the_webhooks(fake: FakeLine, user: str) -> None:
    delivery = await fake.send_text(user, "こんにちは😀")
    parser = WebhookParser(SECRET)
    (event,) = parser.parse(delivery.body.decode(), sign(SECRET, delivery.body))
    assert event.message.text == "こんにちは😀"
    assert event.reply_token == delivery.event["replyToken"]
