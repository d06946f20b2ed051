"""Sending through LINE's Messaging API with line-bot-sdk: the one place that knows the SDK, with its traps handled.

The SDK's client is built inside a running loop and lives as long as the process; its session is replaced by one that
ignores netrc and proxies of the environment, and every call has a time limit (its default is 300 s).
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import msgspec
from linebot.v3.messaging import (
    AsyncApiClient,
    AsyncMessagingApi,
    Configuration,
    PushMessageRequest,
    ReplyMessageRequest,
)
from linebot.v3.messaging.exceptions import ApiException
from pydantic.v1 import ValidationError

from service.adapters.line_account import Account, open_account
from service.core.sending import Accepted, Limited, Outcome, Refused, Unknown
from service.errors import LineRefused, LineUnavailable

TIME_LIMIT = aiohttp.ClientTimeout(total=8, connect=3)
_CONNECTIONS = 128


class _Error(msgspec.Struct):
    """LINE's error body (Messaging API reference, Error responses)."""

    message: str = ""
    details: list[Any] = []


class Line:
    """Sends. Network trouble and error statuses are outcomes, not exceptions. `account` is all the rest of LINE."""

    def __init__(
        self, api: AsyncMessagingApi, account: Account, time_limit: aiohttp.ClientTimeout = TIME_LIMIT
    ) -> None:
        self._api = api
        self.account = account
        self._time_limit = time_limit

    async def reply(self, token: str, messages: tuple[dict[str, Any], ...]) -> Outcome:
        """Send up to five messages with a reply token: free, once."""

        def call() -> Awaitable[Any]:
            request = ReplyMessageRequest.from_dict({"replyToken": token, "messages": messages})
            return self._api.reply_message(request, _request_timeout=self._time_limit)

        return await _outcome(call)

    async def push(self, to: str, messages: tuple[dict[str, Any], ...], key: str) -> Outcome:
        """Send up to five messages at LINE's price. `key` makes LINE accept the same request only once in 24 h."""

        def call() -> Awaitable[Any]:
            request = PushMessageRequest.from_dict({"to": to, "messages": messages})
            return self._api.push_message(request, key, _request_timeout=self._time_limit)

        outcome = await _outcome(call)
        # LINE's texts may change any time: one that does not name the month's limit proves nothing.
        return Limited(quota=await self._is_used_up()) if outcome == Limited(quota=False) else outcome

    async def _is_used_up(self) -> bool:
        try:
            return (await self.account.quota()).is_used_up
        except (LineUnavailable, LineRefused):
            return False


async def _outcome(call: Callable[[], Awaitable[Any]]) -> Outcome:
    """Make a request and send it.

    Requests are made with `from_dict`: the SDK's constructors drop what dicts hold. The SDK checks a request while it
    is made and when its method is called; nothing is sent before it is awaited.
    """
    try:
        answer = call()
    except ValidationError as error:
        return Refused(400, details=True, message=str(error))
    try:
        await answer
    except ApiException as error:
        return _read_error(error)
    except ValidationError:
        # The SDK could not read the body of a 2xx answer: it was sent all the same.
        return Accepted()
    except (TimeoutError, aiohttp.ClientError, OSError, UnicodeDecodeError, RuntimeError) as error:
        return Unknown(type(error).__name__)
    return Accepted()


def _read_error(error: ApiException) -> Outcome:
    status, written = cast("int", error.status), cast("str | None", error.body)
    try:
        body = msgspec.json.decode(written or "{}", type=_Error)
    except msgspec.DecodeError:
        body = _Error()
    if status == 409:
        return Accepted()
    if status == 429:
        # The month's limit and the rate limit have the same status: the text is a hint.
        return Limited(quota="monthly limit" in body.message)
    if 400 <= status < 500:
        return Refused(status, details=bool(body.details), message=body.message)
    return Unknown(f"status {status}")


@asynccontextmanager
async def open_line(
    access_token: str, api_base: str | None, time_limit: aiohttp.ClientTimeout = TIME_LIMIT
) -> AsyncGenerator[Line]:
    """Open the client. `api_base` replaces LINE's address, without a slash at the end; None is LINE itself."""
    configuration = Configuration(access_token=access_token, host=api_base)
    async with open_account(access_token, api_base) as account, AsyncApiClient(configuration) as client:
        await client.rest_client.pool_manager.close()
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
        client.rest_client.pool_manager = aiohttp.ClientSession(connector=connector, trust_env=False)
        yield Line(AsyncMessagingApi(client), account, time_limit)
