"""The fake LINE, whole: one object that serves the API over HTTP and plays the customers who write to the bot.

Used by the tests and by `./henji demo`. It never talks to LINE: LINE forbids load tests and invented user ids.
Everything a test wants to change or to look at is an attribute: `rules`, `faults`, `limits`, `calls`,
`ledger`, `users`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Unpack, cast

from aiohttp import web

from service.tools.fakeline import events
from service.tools.fakeline.api import Api
from service.tools.fakeline.customers import Customers, EventKnobs
from service.tools.fakeline.driver import Delivery, Driver, Wire
from service.tools.fakeline.faults import Call, Faults
from service.tools.fakeline.gate import Gate
from service.tools.fakeline.ids import new_opaque_token
from service.tools.fakeline.ledger import Ledger, Line
from service.tools.fakeline.limits import RateLimits
from service.tools.fakeline.platform import Platform
from service.tools.fakeline.records import Content, Json, Rules, Seen, User, UserState

SHUTDOWN_S = 0.1
ONE_PIXEL_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63"
    "fcffff3f030005fe02fea7356a2b0000000049454e44ae426082"
)


class Knobs(EventKnobs, Wire, total=False):
    """Everything that may differ in a webhook: `EventKnobs` says what it tells, `Wire` how it is sent."""


class FakeLine:
    """The LINE platform for one channel. `quota` is the month's number of pushes, None for no limit."""

    def __init__(
        self,
        *,
        channel_secret: str,
        access_token: str,
        webhook_url: str | None = None,
        account_name: str = "ヘアサロン すみれ",
        clock: Callable[[], float] = time.time,
        quota: int | None = 200,
        channel_id: str = "1234567890",
    ) -> None:
        self.platform = Platform(
            clock=clock, access_token=access_token, channel_id=channel_id, channel_secret=channel_secret, quota=quota
        )
        self.platform.webhook_url, self.platform.account_name = webhook_url, account_name
        self.faults = Faults()
        self.limits = RateLimits(clock)
        self._gate = Gate(self.platform, self.faults, self.limits)
        self._customers = Customers(self.platform)
        self.driver = Driver(self.platform, self._customers)
        self._runner: web.AppRunner | None = None
        self._address = ("", 0)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve the API on `host` and `port` (0: any free one). Raises OSError when the port is taken."""
        routes = Api(self.platform, self.test_webhook).routes()
        self._runner = web.AppRunner(self._gate.application(routes), access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._address = (host, self._runner.addresses[0][1])
        await self.driver.start()

    async def stop(self) -> None:
        """Stop serving and give up what is still to be sent."""
        await self.driver.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """The address for every LINE call, without a slash at its end."""
        return f"http://{self._address[0]}:{self._address[1]}"

    @property
    def webhook_url(self) -> str | None:
        """Where webhooks are posted."""
        return self.platform.webhook_url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self.platform.webhook_url = url

    @property
    def rules(self) -> Rules:
        """The switches for what LINE leaves open."""
        return self.platform.rules

    @property
    def ledger(self) -> Ledger:
        """What was said in each chat."""
        return self.platform.ledger

    @property
    def calls(self) -> list[Call]:
        """All requests to the API, in the order in which they ended."""
        return self._gate.calls

    @property
    def users(self) -> dict[str, User]:
        """The users by id; tests change their `state`."""
        return self.platform.users

    @property
    def accepted_but_undelivered(self) -> list[Seen]:
        """What LINE answered 200 for and no customer ever saw."""
        return self.ledger.undelivered

    @property
    def deliveries(self) -> list[Delivery]:
        """All attempts to post a webhook."""
        return self.driver.deliveries

    def seen(self, chat: str | None = None) -> list[Seen]:
        """What the account's side said in a chat, or in all chats."""
        return self.ledger.seen(chat)

    def timeline(self, chat: str) -> list[Line]:
        """Both sides of a chat in order: `Seen` and `Wrote`."""
        return self.ledger.timeline(chat)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Wait until `condition()` holds; it is looked at after every change. Raises TimeoutError."""
        await self.platform.bell.until(condition, timeout_s)

    def add_user(
        self, display_name: str, user_id: str | None = None, state: UserState = "friend", language: str | None = "ja"
    ) -> str:
        """Add a user and return the id."""
        return self.platform.add_user(display_name, user_id, state, language)

    def add_group(self, *members: str, name: str = "", has_bot: bool = True) -> str:
        """Add a group chat and return its id."""
        return self.platform.add_group(*members, name=name, has_bot=has_bot)

    def issue_access_token(self, life_s: float | None = None) -> str:
        """Make another access token that lives `life_s` seconds, or until `revoke_access_token`."""
        token = new_opaque_token()
        self.platform.access_tokens[token] = None if life_s is None else self.platform.clock() + life_s
        return token

    def revoke_access_token(self, token: str) -> None:
        """Make an access token unknown."""
        del self.platform.access_tokens[token]

    def operator_says(self, chat: str, text: str) -> str:
        """Let a person answer in OA Manager: the bot gets no webhook. Returns the message id."""
        return self.platform.say(chat, text, "operator")

    def make_event(self, user_id: str, fields: Json, **knobs: Unpack[EventKnobs]) -> Json:
        """Build an event without sending it; `fields` as in `events.py`."""
        return self._customers.make_event(user_id, fields, **knobs)

    async def send_batch(self, batch: Sequence[Json], **wire: Unpack[Wire]) -> Delivery:
        """Post one webhook with these events, as they are: several users, plain duplicates, or none."""
        return await self.driver.send(batch, **wire)

    async def redeliver(self, *batch: Json, delay: float = 0.0, **wire: Unpack[Wire]) -> Delivery:
        """Post events again, `delay` seconds from now, with `isRedelivery` true."""
        return await self.driver.redeliver(*batch, delay_s=delay, **wire)

    async def send_event(self, user_id: str, fields: Json, **knobs: Unpack[Knobs]) -> Delivery:
        """Build one event and post it."""
        given = dict(knobs)
        wire = cast("Wire", {name: given.pop(name) for name in Wire.__annotations__ if name in given})
        event = self.make_event(user_id, fields, **cast("EventKnobs", given))
        return await self.driver.send([event], **wire)

    async def send_text(self, user_id: str, text: str, *, quote: str | None = None, **knobs: Unpack[Knobs]) -> Delivery:
        """Let a user write a text, quoting the message with the id `quote`."""
        quoted = {} if quote is None else {"quotedMessageId": quote}
        return await self.send_event(user_id, events.text(text, **quoted), **knobs)

    async def sticker(self, user_id: str, fields: Json | None = None, **knobs: Unpack[Knobs]) -> Delivery:
        """Let a user send a sticker; `fields` as `events.sticker` builds them."""
        return await self.send_event(user_id, fields or events.sticker(), **knobs)

    async def media(self, user_id: str, kind: str, content: Content | None = None, **knobs: Unpack[Knobs]) -> Delivery:
        """Let a user send an image, video or audio; the bot can fetch `content` (default: a tiny PNG)."""
        length = {} if content is None or content.duration_ms is None else {"duration": content.duration_ms}
        event = events.media(kind, id=self.keep_content(content), **length)
        return await self.send_event(user_id, event, **knobs)

    async def image(self, user_id: str, content: Content | None = None, **knobs: Unpack[Knobs]) -> Delivery:
        """Let a user send a photo."""
        return await self.media(user_id, "image", content, **knobs)

    async def file(self, user_id: str, name: str, data: bytes, **knobs: Unpack[Knobs]) -> Delivery:
        """Let a user send a file."""
        fields = events.file(name, len(data))
        fields["message"]["id"] = self.keep_content(Content(data, "application/octet-stream"))
        return await self.send_event(user_id, fields, **knobs)

    async def location(
        self,
        user_id: str,
        latitude: float,
        longitude: float,
        title: str = "",
        address: str = "",
        **knobs: Unpack[Knobs],
    ) -> Delivery:
        """Let a user send a place; LINE leaves out a title or an address that is empty."""
        named = {name: value for name, value in {"title": title, "address": address}.items() if value}
        return await self.send_event(user_id, events.location(latitude, longitude, **named), **knobs)

    async def postback(
        self, user_id: str, data: str, display_text: str | None = None, **knobs: Unpack[Knobs]
    ) -> Delivery:
        """Let a user tap a button: the chat shows `display_text` as the user's, the bot gets only `data`."""
        if display_text is not None:
            knobs["shows"] = {"type": "text", "text": display_text}
        return await self.send_event(user_id, events.postback(data), **knobs)

    async def unsend(self, user_id: str, message_id: str, **knobs: Unpack[Knobs]) -> Delivery:
        """Let a user take a message back."""
        return await self.send_event(user_id, events.unsend(message_id), **knobs)

    async def follow(self, user_id: str, *, is_unblocked: bool = False, **knobs: Unpack[Knobs]) -> Delivery:
        """Let a user add the account as a friend, or unblock it."""
        return await self.send_event(user_id, events.follow(is_unblocked=is_unblocked), **knobs)

    async def unfollow(self, user_id: str, **knobs: Unpack[Knobs]) -> Delivery:
        """Let a user block the account."""
        return await self.send_event(user_id, events.unfollow(), **knobs)

    async def join(self, group_id: str, **knobs: Unpack[Knobs]) -> Delivery:
        """Let the bot be invited to a group."""
        knobs["group"], knobs["hides_user"] = group_id, True
        return await self.send_event("", {"type": "join"}, **knobs)

    async def leave(self, group_id: str, **knobs: Unpack[Knobs]) -> Delivery:
        """Let the bot be removed from a group."""
        knobs["group"], knobs["hides_user"] = group_id, True
        return await self.send_event("", {"type": "leave"}, **knobs)

    async def test_webhook(self) -> Json:
        """Post a signed body without events, as LINE's "Verify" button does; gives LINE's answer about it."""
        delivery = await self.driver.send([])
        return {
            "success": delivery.reason is None,
            "statusCode": delivery.status or 0,
            "reason": "OK" if delivery.reason is None else delivery.reason.upper(),
            "detail": str(delivery.status or delivery.reason),
        }

    def keep_content(self, content: Content | None = None) -> str:
        """Store what stands behind a message and return the id for that message."""
        return self.platform.keep_content(content or Content(ONE_PIXEL_PNG, "image/png"))
