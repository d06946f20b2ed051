"""LINE message objects, made within LINE's limits (Messaging API reference, Message objects)."""

import unicodedata
from typing import Any

MAX_BUBBLES = 5
MAX_UNITS = 5000
MAX_LABEL = 20
MAX_SENDER = 20
_JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}


def text_message(text: str, sender: str) -> dict[str, Any]:
    """Make one text bubble of at most 5,000 UTF-16 units, shown under `sender`'s name."""
    return {"type": "text", "text": text, "sender": {"name": cut(sender, MAX_SENDER)}}


def with_buttons(message: dict[str, Any], buttons: list[tuple[str, str]]) -> dict[str, Any]:
    """Add quick reply buttons, given as (label, postback data). LINE shows them under the last bubble only."""
    items = [
        {
            "type": "action",
            "action": {"type": "postback", "label": cut(label, MAX_LABEL), "data": data, "displayText": label},
        }
        for label, data in buttons
    ]
    return {**message, "quickReply": {"items": items}}


def cut(text: str, limit: int) -> str:
    """Cut to at most `limit` characters as people count them, with … where something went, never inside an emoji."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and (_continues(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return f"{text[:end]}…"


def _continues(char: str) -> bool:
    return char in _JOINERS or unicodedata.combining(char) != 0 or "\U0001f3fb" <= char <= "\U0001f3ff"


def utf16_units(text: str) -> int:
    """Count as LINE does: an emoji outside the basic plane is two units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split_text(text: str, limit: int = MAX_UNITS) -> list[str]:
    """Split a long text into bubbles of at most `limit` UTF-16 units, at a line's end where there is one."""
    bubbles: list[str] = []
    rest = text.strip()
    while utf16_units(rest) > limit:
        end = _longest_prefix(rest, limit)
        at_line = rest.rfind("\n", end // 2, end)
        end = at_line if at_line > 0 else end
        bubbles.append(rest[:end].rstrip())
        rest = rest[end:].lstrip("\n")
    return [*bubbles, rest] if rest else bubbles


def _longest_prefix(text: str, limit: int) -> int:
    units = 0
    for position, char in enumerate(text):
        units += 2 if char > "\uffff" else 1
        if units > limit:
            return position
    return len(text)
