"""LINE webhook events, read tolerantly: what Henji needs of them and nothing else.

LINE adds properties, event types and enum values without notice (Messaging API reference, Webhook event objects), so
an unknown shape is never an error: it becomes an `Other` event, is recorded and passed over. The SDK's parser is not
used, since it drops the sender and the reply token of anything it does not know.
"""

import hashlib
import json
import re
from typing import Literal

import msgspec

from service.errors import HenjiError

MessageKind = Literal["text", "sticker", "image", "video", "audio", "file", "location", "unknown"]
_KINDS: frozenset[str] = frozenset({"text", "sticker", "image", "video", "audio", "file", "location"})
_SAFE_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SAFE_TOKEN = re.compile(r"[!-~]{1,200}")


class MalformedWebhook(HenjiError):
    """The body is not a webhook: not JSON, or no list of events in it."""


class _Body(msgspec.Struct):
    events: list[msgspec.Raw]


class _Source(msgspec.Struct):
    type: str = ""
    userId: str = ""  # noqa: N815 - LINE's own names
    groupId: str = ""  # noqa: N815
    roomId: str = ""  # noqa: N815


class _Message(msgspec.Struct):
    id: str = ""
    type: str = ""
    text: str = ""


class _Postback(msgspec.Struct):
    data: str = ""


class _Unsend(msgspec.Struct):
    messageId: str = ""  # noqa: N815


class _Event(msgspec.Struct):
    type: str = ""
    mode: str = "active"
    timestamp: int = 0
    webhookEventId: str = ""  # noqa: N815
    replyToken: str = ""  # noqa: N815
    source: _Source = msgspec.field(default_factory=_Source)
    message: _Message | None = None
    postback: _Postback | None = None
    unsend: _Unsend | None = None


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
    """A message of the customer. `text` is filled for text messages only."""

    event: str
    at: int
    message: str
    kind: MessageKind
    text: str


class Tapped(msgspec.Struct, frozen=True):
    """A button of ours was tapped; `data` is what the button carried."""

    event: str
    at: int
    data: str


class Other(msgspec.Struct, frozen=True):
    """Anything else: recorded, passed over. `standby` and `group` say why a message is not for us."""

    event: str
    at: int
    what: str


Event = Said | Tapped | Other


def read_webhook(body: bytes) -> list[Incoming]:
    """Split a webhook body into events ready to be stored. An empty list is LINE's connection check.

    Raises MalformedWebhook when the body is not JSON with a list `events`; an odd event inside it never raises.
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
    event = _decode(raw)
    known = _SAFE_ID.fullmatch(event.webhookEventId)
    event_id = event.webhookEventId if known else hashlib.sha256(raw).hexdigest()[:40]
    source = event.source
    owner = source.groupId or source.roomId or source.userId
    return Incoming(
        id=event_id,
        conversation=owner if _SAFE_ID.fullmatch(owner) else f"?{event_id}",
        raw=raw.decode(),
        at=event.timestamp,
        reply_token=event.replyToken if _SAFE_TOKEN.fullmatch(event.replyToken) else "",
        unsent=event.unsend.messageId if event.unsend and _SAFE_ID.fullmatch(event.unsend.messageId) else "",
    )


def _decode(raw: bytes) -> _Event:
    try:
        return msgspec.json.decode(raw, type=_Event, strict=False)
    except (msgspec.DecodeError, RecursionError):
        return _Event(type="unreadable")


def read_event(event_id: str, raw: str) -> Event:
    """Read one stored event. Whatever cannot be understood is an `Other`."""
    event = _decode(raw.encode())
    if event.mode != "active":
        return Other(event_id, event.timestamp, "standby")
    if event.source.groupId or event.source.roomId:
        return Other(event_id, event.timestamp, "group")
    if event.type == "message" and event.message:
        kind = event.message.type
        return Said(
            event=event_id,
            at=event.timestamp,
            message=event.message.id,
            kind=kind if kind in _KINDS else "unknown",  # pyright: ignore[reportArgumentType] - checked right here
            text=event.message.text if kind == "text" else "",
        )
    if event.type == "postback" and event.postback:
        return Tapped(event_id, event.timestamp, event.postback.data)
    return Other(event_id, event.timestamp, event.type)
