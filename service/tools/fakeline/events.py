"""Webhook events and message kinds as LINE sends them, without the fields that all events share.

Each function gives the fields of one event for `Driver.send_event`, which adds ids, tokens, source and time. Shapes:
Messaging API reference, "Webhook event objects"; fact sheet section 1.7. Any other dict will do as well: an unknown
event type or message kind is simply `{"type": ...}`.
"""

from typing import Any

from service.tools.fakeline.counting import utf16_units
from service.tools.fakeline.records import Json

WITHOUT_REPLY_TOKEN = frozenset(
    {
        "unsend",
        "unfollow",
        "leave",
        "memberLeft",
        "delivery",
        "module",
        "activated",
        "deactivated",
        "botSuspended",
        "botResumed",
    }
)
WITHOUT_QUOTE_TOKEN = frozenset({"audio", "file", "location"})


def message(kind: str, **fields: Any) -> Json:
    """Build a message event of any kind."""
    return {"type": "message", "message": {"type": kind, **fields}}


def text(content: str, **fields: Any) -> Json:
    """Build a text message; `quotedMessageId`, `mention`, `emojis` may be given as fields."""
    return message("text", text=content, **fields)


def mention(content: str, bot_user_id: str, name: str) -> Json:
    """Build a text in a group that mentions the bot where it says `@name`."""
    before = content[: content.index(f"@{name}")]
    place = {"index": utf16_units(before), "length": utf16_units(f"@{name}")}
    return text(content, mention={"mentionees": [{**place, "type": "user", "userId": bot_user_id, "isSelf": True}]})


def sticker(package_id: str = "446", sticker_id: str = "1988", **fields: Any) -> Json:
    """Build a sticker message. LINE may add new `stickerResourceType` values at any time."""
    return message("sticker", packageId=package_id, stickerId=sticker_id, **{"stickerResourceType": "STATIC", **fields})


def media(kind: str, **fields: Any) -> Json:
    """Build an image, video or audio message whose content LINE keeps."""
    return message(kind, contentProvider={"type": "line"}, **fields)


def file(name: str, size: int) -> Json:
    """Build a file message of `size` bytes."""
    return message("file", fileName=name, fileSize=size)


def location(latitude: float, longitude: float, **fields: Any) -> Json:
    """Build a location message; `title` and `address` may be missing."""
    return message("location", latitude=latitude, longitude=longitude, **fields)


def follow(*, is_unblocked: bool = False) -> Json:
    """Build the event of a user who adds the account as a friend, or unblocks it."""
    return {"type": "follow", "follow": {"isUnblocked": is_unblocked}}


def unfollow() -> Json:
    """Build the event of a user who blocks the account."""
    return {"type": "unfollow"}


def unsend(message_id: str) -> Json:
    """Build the event of a message taken back."""
    return {"type": "unsend", "unsend": {"messageId": message_id}}


def postback(data: str, **params: str) -> Json:
    """Build the event of a tapped button; `params` holds what a date picker chose."""
    return {"type": "postback", "postback": {"data": data, **({"params": params} if params else {})}}


def message_edited(message_id: str, new_text: str) -> Json:
    """Build the event of an edited text (groups only): the same message id, new tokens, no mark-as-read token."""
    return {"type": "messageEdited", "message": {"id": message_id, "type": "text", "text": new_text}}


def members(kind: str, *user_ids: str) -> Json:
    """Build `memberJoined` or `memberLeft`."""
    users = [{"type": "user", "userId": each} for each in user_ids]
    return {"type": kind, "joined" if kind == "memberJoined" else "left": {"members": users}}


def account_link(nonce: str, *, succeeded: bool = True) -> Json:
    """Build the event of an account link. A failed one comes without source and without a reply token."""
    return {"type": "accountLink", "link": {"result": "ok" if succeeded else "failed", "nonce": nonce}}


def video_play_complete(tracking_id: str) -> Json:
    """Build the event of a video watched to its end."""
    return {"type": "videoPlayComplete", "videoPlayComplete": {"trackingId": tracking_id}}


def beacon(hwid: str, kind: str = "enter") -> Json:
    """Build the event of a user near a beacon."""
    return {"type": "beacon", "beacon": {"hwid": hwid, "type": kind}}


def membership(kind: str, membership_id: int = 1) -> Json:
    """Build the event of a membership `joined`, `left` or `renewed`."""
    return {"type": "membership", "membership": {"type": kind, "membershipId": membership_id}}
