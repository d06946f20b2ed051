"""LINE webhook events, read tolerantly: what Henji needs of them and nothing else.

LINE adds properties, event types and enum values without notice (Messaging API reference, Webhook event objects), so
an unknown shape is never an error: it becomes an `Other` event, is recorded and passed over. The SDK's parser is not
used, since it drops the sender and the reply token of anything it does not know.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

import msgspec

from service.core.loose import LooseObject
from service.core.media import Media, read_media
from service.errors import HenjiError

MessageKind = Literal["text", "sticker", "image", "video", "audio", "file", "location", "unknown"]
_KINDS: Mapping[str, MessageKind] = MappingProxyType({kind: kind for kind in get_args(MessageKind)})
_LATEST_MS = 253_402_300_799_000  # the end of the year 9999
SAFE_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SAFE_TOKEN = re.compile(r"[!-~]{1,200}")


class MalformedWebhook(HenjiError):
    """The body is not a webhook: not JSON, or no list of events in it."""


class _Body(msgspec.Struct):
    events: list[msgspec.Raw]


class Incoming(msgspec.Struct, frozen=True):
    """One event on its way into a mailbox.

    `raw` is the event's JSON as LINE sent it, `conversation` the mailbox it belongs to: the user's id; for a group or
    room that one's id, so that a group's reply token never answers a private question; "?" and the event id where LINE
    names nobody. `at` is the event's own time in milliseconds, `reply_token` and `unsent` (a message id) may be empty.
    """

    id: str
    conversation: str
    raw: str
    at: int
    reply_token: str
    unsent: str


class Said(msgspec.Struct, frozen=True):
    """A message of the customer.

    `text` is filled for text messages only, `media` tells about the others. `read_token` marks it as read, `quoted` is
    LINE's id of the message that it quotes.
    """

    event: str
    at: int
    message: str
    kind: MessageKind
    text: str
    read_token: str = ""
    media: Media | None = None
    quoted: str = ""


class Tapped(msgspec.Struct, frozen=True):
    """A button of ours was tapped; `data` is what the button carried."""

    event: str
    at: int
    data: str


class TakenBack(msgspec.Struct, frozen=True):
    """The customer has unsent a message (LINE's id of it): nobody may read or use it any more."""

    event: str
    at: int
    message: str


class Timer(msgspec.Struct, frozen=True):
    """A timer of ours has run out; the script TICK writes this event."""

    event: str
    at: int
    name: str


class Other(msgspec.Struct, frozen=True):
    """Anything else: recorded, and mostly passed over. `what` is LINE's type of it.

    `standby` and `group` say why a message is not for us, `mention` that a group speaks to the bot.
    """

    event: str
    at: int
    what: str


Event = Said | Tapped | TakenBack | Timer | Other
TIMER = "henji.timer"


def read_webhook(body: bytes) -> list[Incoming]:
    """Split a webhook body into events ready to be stored. An empty list is LINE's connection check.

    Raises MalformedWebhook when the body is not JSON with a list `events`, or nested more than a thousand levels deep;
    an odd event inside it never raises.
    """
    try:
        text = body.decode()
        try:
            raws = _split(text)
        except msgspec.DecodeError:
            raws = _split(_without_lone_surrogates(text))
    except (ValueError, RecursionError) as error:
        raise MalformedWebhook(str(error)) from error
    return [_incoming(bytes(raw)) for raw in raws]


def _split(body: str) -> list[msgspec.Raw]:
    return msgspec.json.decode(body, type=_Body).events


def _without_lone_surrogates(body: str) -> str:
    """Half an emoji, escaped, is legal JSON but no text: msgspec refuses it, so it becomes U+FFFD."""
    text = json.dumps(json.loads(body), ensure_ascii=False)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _incoming(raw: bytes) -> Incoming:
    event = LooseObject(raw)
    given_id = event.text("webhookEventId")
    event_id = given_id if SAFE_ID.fullmatch(given_id) else hashlib.sha256(raw).hexdigest()[:40]
    source = event.inside("source")
    owner = source.text("userId") if _is_private(source) else source.text("groupId") or source.text("roomId")
    token = event.text("replyToken")
    unsent = event.inside("unsend").text("messageId")
    return Incoming(
        id=event_id,
        conversation=owner if SAFE_ID.fullmatch(owner) else f"?{event_id}",
        raw=raw.decode(),
        at=_time(event),
        reply_token=token if _SAFE_TOKEN.fullmatch(token) else "",
        unsent=unsent if SAFE_ID.fullmatch(unsent) else "",
    )


def read_event(event_id: str, raw: str) -> Event:
    """Read one stored event. Whatever cannot be understood is an `Other`."""
    event = LooseObject(raw.encode())
    at = _time(event)
    match event.text("type"):
        case "unsend":
            return TakenBack(event_id, at, event.inside("unsend").text("messageId"))
        case name if name == TIMER:
            return Timer(event_id, at, event.text("name"))
        case kind:
            return _from_somebody(event_id, at, kind, event)


def _from_somebody(event_id: str, at: int, kind: str, event: LooseObject) -> Event:
    """Read what is for us only where the bot is on duty and the customer is alone with it."""
    if event.text("mode") not in {"active", ""}:
        return Other(event_id, at, "standby")
    if not _is_private(event.inside("source")):
        return Other(event_id, at, _in_group(kind, event))
    if kind == "message":
        return _said(event_id, at, event.inside("message"))
    if kind == "postback":
        return Tapped(event_id, at, event.inside("postback").text("data"))
    return Other(event_id, at, kind or "unreadable")


def _in_group(kind: str, event: LooseObject) -> str:
    """Of a group only this is of interest: the bot has joined, or is spoken to."""
    if kind == "join":
        return "join"
    mentionees = event.inside("message").inside("mention").objects("mentionees")
    is_meant = kind == "message" and any(mentioned.read("isSelf", bool, default=False) for mentioned in mentionees)
    return "mention" if is_meant else "group"


def _said(event_id: str, at: int, message: LooseObject) -> Said:
    kind = _KINDS.get(message.text("type"), "unknown")
    text = message.text("text") if kind == "text" else ""
    return Said(
        event_id,
        at,
        message.text("id"),
        kind,
        text,
        read_token=message.text("markAsReadToken"),
        media=read_media(message),
        quoted=message.text("quotedMessageId"),
    )


def _is_private(source: LooseObject) -> bool:
    """Tell a customer alone from a group, a room, and whatever LINE may invent."""
    return source.text("type") in {"user", ""} and not source.text("groupId") and not source.text("roomId")


def _time(event: LooseObject) -> int:
    return int(min(max(event.read("timestamp", float, 0.0), 0.0), _LATEST_MS))
