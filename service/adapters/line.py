"""Sending through LINE's Messaging API with line-bot-sdk: the one place that knows the SDK, with its traps handled.

The SDK's client is built inside a running loop and lives as long as the process; its session is replaced by one that
ignores netrc and proxies of the environment, and every call has a time limit (its default is 300 s). Requests go
through the SDK's own HTTP client as they stand in the outbox: its models, made and read for each call, cost more than
the call itself, lose what dicts hold, and take a message for not sent when they cannot read a 2xx.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import msgspec
from linebot.v3.messaging import AsyncApiClient, Configuration
from linebot.v3.messaging.exceptions import ApiException

from service.adapters.line_account import API, Account, open_account
from service.core.bubbles import MAX_BUBBLES
from service.core.sending import Accepted, Limited, Outcome, Refused, Unknown
from service.errors import LineRefused, LineUnavailable

TIME_LIMIT = aiohttp.ClientTimeout(total=8, connect=3)
_CONNECTIONS = 128
_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


class _Error(msgspec.Struct):
    """LINE's error body (Messaging API reference, Error responses)."""

    message: str = ""
    details: list[Any] = []


class Line:
    """Sends. Network trouble and error statuses are outcomes, not exceptions. `account` is all the rest of LINE."""

    def __init__(
        self, client: AsyncApiClient, account: Account, time_limit: aiohttp.ClientTimeout = TIME_LIMIT
    ) -> None:
        self._client = client
        self.account = account
        self._time_limit = time_limit

    async def reply(self, token: str, messages: tuple[dict[str, Any], ...]) -> Outcome:
        """Send up to five messages with a reply token: free, once."""
        return await self._post("reply", {"replyToken": token, "messages": messages})

    async def push(self, to: str, messages: tuple[dict[str, Any], ...], key: str) -> Outcome:
        """Send up to five messages at LINE's price. `key` makes LINE accept the same request only once in 24 h."""
        outcome = await self._post("push", {"to": to, "messages": messages}, {"X-Line-Retry-Key": key})
        # LINE's texts may change any time: one that does not name the month's limit proves nothing.
        return Limited(quota=await self._is_used_up()) if outcome == Limited(quota=False) else outcome

    async def _post(self, what: str, request: dict[str, Any], more_headers: dict[str, str] | None = None) -> Outcome:
        if not 1 <= len(request["messages"]) <= MAX_BUBBLES:
            return Refused(400, details=True, message=f"{len(request['messages'])} messages in a request")
        try:
            # Any 2xx means sent, whatever its body holds.
            await self._client.rest_client.post_request(
                f"{self._client.configuration.host or API}/v2/bot/message/{what}",
                headers={**_HEADERS, **self._client.default_headers, **(more_headers or {})},
                body=request,
                _request_timeout=self._time_limit,
            )
        except ApiException as error:
            return _read_error(error)
        except (TimeoutError, aiohttp.ClientError, OSError, RuntimeError) as error:
            return Unknown(type(error).__name__)
        return Accepted()

    async def _is_used_up(self) -> bool:
        try:
            return (await self.account.quota()).is_used_up
        except (LineUnavailable, LineRefused):
            return False


def _read_error(error: ApiException) -> Outcome:
    status, written = cast("int", error.status), cast("bytes | None", error.body)
    try:
        body = msgspec.json.decode(written or b"{}", type=_Error)
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
        yield Line(client, account, time_limit)
