"""LINE's Messaging API apart from sending: profiles, photos, read marks, the quota, and what `doctor` asks.

Plain aiohttp on purpose. The SDK buffers a download whole, breaks on a 202 and refuses an answer with an enum value
that it does not know (reference/line-messaging-api.md section 5.2, traps 17 to 19). With a client of its own a slow
download never takes a connection that a reply waits for, and who needs no sending need not load the SDK.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
import structlog

from service.errors import LineRefused, LineUnavailable

log = structlog.get_logger()
_T = TypeVar("_T")

API = "https://api.line.me"
DATA_API = "https://api-data.line.me"  # content has a host of its own (reference, Getting content)
_CONNECTIONS = 20
_EXTRA_S = 2.0  # what is only nice to have waits no longer
_DOWNLOAD_S = 60.0
_CHUNK = 65_536


class Profile(msgspec.Struct, frozen=True):
    """What LINE tells about a customer. `language` is a BCP 47 tag, None where LINE does not say."""

    name: str = msgspec.field(name="displayName")
    language: str | None = None


class Quota(msgspec.Struct, frozen=True):
    """This month's pushes: how many there may be (None: no limit), and how many were sent, approximately."""

    limit: int | None
    used: int

    @property
    def is_used_up(self) -> bool:
        """Whether LINE takes no more pushes this month."""
        return self.limit is not None and self.used >= self.limit


class BotInfo(msgspec.Struct, frozen=True):
    """The account. The modes are LINE's words as they came, `chat`/`bot` and `manual`/`auto` when this was written.

    `answered_at` is LINE's clock, to the second; None when the answer had no readable Date header.
    """

    user_id: str = msgspec.field(name="userId")
    name: str = msgspec.field(name="displayName")
    chat_mode: str = msgspec.field(name="chatMode", default="")
    mark_as_read_mode: str = msgspec.field(name="markAsReadMode", default="")
    answered_at: datetime | None = None


class WebhookEndpoint(msgspec.Struct, frozen=True):
    """Where LINE posts webhooks, and whether they are switched on."""

    url: str = msgspec.field(name="endpoint")
    active: bool


class WebhookTest(msgspec.Struct, frozen=True):
    """What LINE met when it posted an empty webhook."""

    success: bool
    status: int = msgspec.field(name="statusCode", default=0)
    reason: str = ""
    detail: str = ""


class Content(msgspec.Struct, frozen=True):
    """A photo, video, audio or file. `type` is what the sender's LINE says it is: check it before showing it."""

    data: bytes
    type: str


class ContentGone(msgspec.Struct, frozen=True):
    """LINE does not have it (any more), or the customer has taken it back."""


class ContentTooLarge(msgspec.Struct, frozen=True):
    """It is larger than what was asked for. No more than that was read."""


class ContentNotReady(msgspec.Struct, frozen=True):
    """LINE is still preparing it (long audio and video): ask again later."""


Download = Content | ContentGone | ContentTooLarge | ContentNotReady


class _Limit(msgspec.Struct):
    value: int | None = None


class _Usage(msgspec.Struct):
    used: int = msgspec.field(name="totalUsage")


class _Error(msgspec.Struct):
    message: str = ""


class _Answer(msgspec.Struct):
    body: bytes
    date: datetime | None


class Account:
    """One channel at LINE.

    Where nothing else is said, a method raises LineUnavailable (try again later) or LineRefused (do not).
    """

    def __init__(self, session: aiohttp.ClientSession, *, api: str, data_api: str, patience_s: float) -> None:
        self._session = session
        self._api = api
        self._data_api = data_api
        self._usual = aiohttp.ClientTimeout(total=patience_s)
        self._extra = aiohttp.ClientTimeout(total=min(patience_s, _EXTRA_S))
        self._download = aiohttp.ClientTimeout(total=_DOWNLOAD_S, connect=patience_s, sock_read=patience_s)

    async def show_loading(self, user: str, seconds: int = 20) -> None:
        """Show the loading animation to a user, until we send something or the time is over. Never raises.

        LINE takes 5 to 60 seconds in steps of 5 (other values are rounded up) and user ids only; shown to friends
        who have the chat open (reference, Display a loading animation).
        """
        lasts = min(60, max(5, -(-seconds // 5) * 5))
        await self._try("/v2/bot/chat/loading/start", {"chatId": user, "loadingSeconds": lasts})

    async def mark_as_read(self, token: str) -> None:
        """Show the message of this token, and all before it, as read. Never raises."""
        await self._try("/v2/bot/chat/markAsRead", {"markAsReadToken": token})

    async def profile(self, user: str) -> Profile | None:
        """Look a customer up; None when LINE does not tell (404: has blocked us or not consented) or is in trouble."""
        path = f"/v2/bot/profile/{quote(user, safe='')}"
        try:
            return _read((await self._call("GET", path, limits=self._extra)).body, Profile)
        except (LineUnavailable, LineRefused) as error:
            log.info("line_call_failed", call="profile", why=str(error))
            return None

    async def quota(self) -> Quota:
        """Ask how many pushes are left this month. What LINE counts as used is approximate."""
        limit = _read((await self._call("GET", "/v2/bot/message/quota")).body, _Limit)
        usage = _read((await self._call("GET", "/v2/bot/message/quota/consumption")).body, _Usage)
        return Quota(limit.value, usage.used)

    async def bot_info(self) -> BotInfo:
        """Ask which account the access token belongs to, and how its chat is set."""
        answer = await self._call("GET", "/v2/bot/info")
        return msgspec.structs.replace(_read(answer.body, BotInfo), answered_at=answer.date)

    async def webhook_endpoint(self) -> WebhookEndpoint | None:
        """Ask where webhooks go; None when no address is set."""
        try:
            answer = await self._call("GET", "/v2/bot/channel/webhook/endpoint")
        except LineRefused as error:
            if error.status == 404:
                return None
            raise
        return _read(answer.body, WebhookEndpoint)

    async def test_webhook(self) -> WebhookTest:
        """Have LINE post an empty webhook to the address that is set. LINE allows 60 of these an hour."""
        return _read((await self._call("POST", "/v2/bot/channel/webhook/test", {})).body, WebhookTest)

    async def content(self, message: str, max_bytes: int) -> Download:
        """Fetch what a customer sent, unless it is larger than `max_bytes`: then no more than that is read."""
        url = f"{self._data_api}/v2/bot/message/{quote(message, safe='')}/content"
        async with self._request("GET", url, limits=self._download) as response:
            match response.status:
                case 200:
                    return await _read_content(response, max_bytes)
                case 202:
                    return ContentNotReady()
                case 404 | 410:
                    return ContentGone()
                case _:
                    raise await _failure(response)

    async def _try(self, path: str, body: dict[str, Any]) -> None:
        try:
            await self._call("POST", path, body, limits=self._extra)
        except (LineUnavailable, LineRefused) as error:
            log.info("line_call_failed", call=path, why=str(error))

    async def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        limits: aiohttp.ClientTimeout | None = None,
    ) -> _Answer:
        async with self._request(method, self._api + path, body, limits=limits or self._usual) as response:
            if not 200 <= response.status < 300:
                raise await _failure(response)
            return _Answer(await response.read(), _date(response.headers.get("Date", "")))

    @asynccontextmanager
    async def _request(
        self, method: str, url: str, body: dict[str, Any] | None = None, *, limits: aiohttp.ClientTimeout
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Send a request. A redirect is not followed: the access token is for LINE alone."""
        options: dict[str, Any] = {} if body is None else {"json": body}
        try:
            async with self._session.request(method, url, timeout=limits, allow_redirects=False, **options) as response:
                yield response
        except (TimeoutError, aiohttp.ClientError, OSError, RuntimeError) as error:
            # RuntimeError is a session that has been closed.
            raise LineUnavailable(f"{type(error).__name__}: {error}".removesuffix(": ")) from error


def _read(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LineUnavailable(f"unreadable answer: {error}") from error


async def _read_content(response: aiohttp.ClientResponse, max_bytes: int) -> Content | ContentTooLarge:
    data = bytearray()
    if (response.content_length or 0) <= max_bytes:
        async for chunk in response.content.iter_chunked(_CHUNK):
            if len(data) + len(chunk) > max_bytes:
                break
            data += chunk
        else:
            return Content(bytes(data), response.content_type)
    response.close()
    return ContentTooLarge()


async def _failure(response: aiohttp.ClientResponse) -> LineRefused | LineUnavailable:
    """Make the error of an answer. LINE gives out no logs; its support asks for the request id."""
    try:
        said = msgspec.json.decode(await response.read(), type=_Error).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = ""
    request = response.headers.get("x-line-request-id")
    message = " ".join([said, f"[request {request}]"] if request else [said]).strip()
    if 400 <= response.status < 500 and response.status != 429:
        return LineRefused(response.status, message)
    return LineUnavailable(f"{response.status} {message}".strip())


def _date(header: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return date if date.tzinfo else None


@asynccontextmanager
async def open_account(access_token: str, api_base: str | None, *, patience_s: float = 5.0) -> AsyncGenerator[Account]:
    """Open a client. `api_base` replaces both of LINE's addresses, without a slash at the end; None is LINE itself.

    `patience_s` is how long an answer may take; a download only has to go on as fast as that, for a minute at most.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
        headers={"Authorization": f"Bearer {access_token}"},
        trust_env=False,
    ) as session:
        yield Account(session, api=api_base or API, data_api=api_base or DATA_API, patience_s=patience_s)
