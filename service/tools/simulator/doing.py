"""What the page lets a customer do, each by name: it becomes one call to the fake LINE.

A chat is a customer's or a group's id. In a group somebody has to be the one who writes: `as` in the request's body.
`ValueError` and `KeyError` mean that the request makes no sense.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from service.tools.fakeline import events
from service.tools.fakeline.records import Content, Json
from service.tools.fakeline.server import FakeLine, Knobs
from service.tools.simulator import samples, view

PHOTO_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
LONGEST_NAME = 200


class Doer:
    """A customer at work in one chat."""

    def __init__(self, fake: FakeLine, chat: str, body: Json) -> None:
        self.fake = fake
        self.chat = chat
        self.body = body
        self.user = chat
        self.knobs = Knobs()
        group = fake.platform.groups.get(chat)
        if group is not None:
            self.knobs = Knobs(group=chat)
            self.user = str(body.get("as", group.members[0]))
            if self.user not in group.members:
                raise ValueError("as: not a member of the group")

    async def say(self) -> None:
        """Write a text; in a group the bot is mentioned by `@` and its name."""
        text, name = str(self.body["text"]), self.fake.platform.account_name
        fields = events.text(text)
        if self.user != self.chat and f"@{name}" in text:
            fields = events.mention(text, self.fake.platform.bot_user_id, name)
        await self.fake.send_event(self.user, fields, **self.knobs)

    async def tap(self) -> None:
        """Tap a button that sends a postback."""
        shown = self.body.get("displayText")
        await self.fake.postback(self.user, str(self.body["data"]), shown and str(shown), **self.knobs)

    async def send_sticker(self) -> None:
        """Send one of our stickers."""
        await self.fake.sticker(self.user, samples.sticker(str(self.body["sticker"])), **self.knobs)

    async def send_photo(self) -> None:
        """Send a photo: the sample, or the one given as `data` (Base64) with its `type`."""
        photo = samples.photo()
        if "data" in self.body:
            photo = Content(self._data(), str(self.body["type"]))
        if photo.content_type not in PHOTO_TYPES:
            raise ValueError("type: not a photo that LINE takes")
        await self.fake.image(self.user, photo, **self.knobs)

    async def send_video(self) -> None:
        """Send the sample video."""
        await self.fake.media(self.user, "video", samples.video(), **self.knobs)

    async def send_voice(self) -> None:
        """Send the sample voice message."""
        await self.fake.media(self.user, "audio", samples.voice(), **self.knobs)

    async def send_file(self) -> None:
        """Send a file: its `name`, and `data` in Base64."""
        name = str(self.body["name"])
        if not 1 <= len(name) <= LONGEST_NAME:
            raise ValueError("name: too long, or empty")
        await self.fake.file(self.user, name, self._data(), **self.knobs)

    async def send_place(self) -> None:
        """Send the sample place."""
        await self.fake.location(self.user, *samples.PLACE, **self.knobs)

    async def take_back(self) -> None:
        """Unsend a message of one's own."""
        message = str(self.body["message"])
        if not any(
            (line.message_id, line.author) == (message, self.user) for line in self.fake.ledger.wrote(self.chat)
        ):
            raise ValueError("message: not one of theirs")
        await self.fake.unsend(self.user, message, **self.knobs)

    async def send_again(self) -> None:
        """Have LINE deliver an event once more."""
        event = view.find_event(self.fake, str(self.body["event"]))
        if event is None:
            raise ValueError("event: was never sent")
        await self.fake.redeliver(event)

    async def block(self) -> None:
        """Block the account; in a group, remove it from there."""
        await (self.fake.unfollow(self.chat) if self.user == self.chat else self.fake.leave(self.chat))

    async def unblock(self) -> None:
        """Unblock the account; in a group, invite it."""
        await (self.fake.follow(self.chat, is_unblocked=True) if self.user == self.chat else self.fake.join(self.chat))

    def _data(self) -> bytes:
        return base64.b64decode(str(self.body["data"]), validate=True)


DEEDS: Mapping[str, Callable[[Doer], Awaitable[None]]] = MappingProxyType(
    {
        "texts": Doer.say,
        "taps": Doer.tap,
        "stickers": Doer.send_sticker,
        "photos": Doer.send_photo,
        "videos": Doer.send_video,
        "voices": Doer.send_voice,
        "files": Doer.send_file,
        "places": Doer.send_place,
        "unsends": Doer.take_back,
        "redeliveries": Doer.send_again,
        "blocks": Doer.block,
        "unblocks": Doer.unblock,
    }
)
