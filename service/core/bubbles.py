"""LINE message objects, made within LINE's limits (Messaging API reference, Message objects)."""

import unicodedata
from typing import Any

MAX_BUBBLES = 5
MAX_UNITS = 5000
MAX_LABEL = 20
MAX_DISPLAY = 300
MAX_SENDER = 20
_JOINER = "\u200d"
_MARKS = {"Mn", "Me", "Mc"}
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def text_message(text: str, sender: str) -> dict[str, Any]:
    """Make one text bubble of at most 5,000 UTF-16 units, shown under `sender`'s name."""
    return {"type": "text", "text": text, "sender": {"name": cut(sender, MAX_SENDER)}}


def image_message(url: str, preview_url: str, sender: str) -> dict[str, Any]:
    """Make a picture's bubble. Both addresses are https; the picture has at most 10 MB, its preview 1 MB."""
    return {
        "type": "image",
        "originalContentUrl": url,
        "previewImageUrl": preview_url,
        "sender": {"name": cut(sender, MAX_SENDER)},
    }


def with_fill_in(message: dict[str, Any], label: str, template: str) -> dict[str, Any]:
    """Add a quick reply button that opens the keyboard with `template` in it (at most 300 characters)."""
    action = {
        "type": "postback",
        "label": cut(label, MAX_LABEL),
        "data": "fill_in",
        "inputOption": "openKeyboard",
        "fillInText": template,
    }
    return {**message, "quickReply": {"items": [{"type": "action", "action": action}]}}


def with_buttons(message: dict[str, Any], buttons: list[tuple[str, str]]) -> dict[str, Any]:
    """Add quick reply buttons, given as (label, postback data). LINE shows them under the last bubble only."""
    items = [
        {
            "type": "action",
            "action": {
                "type": "postback",
                "label": cut(label, MAX_LABEL),
                "data": data,
                "displayText": cut(label, MAX_DISPLAY),
            },
        }
        for label, data in buttons
    ]
    return {**message, "quickReply": {"items": items}}


def cut(text: str, limit: int) -> str:
    """Cut to at most `limit` code points, with … where something went, never inside what people see as one character.

    LINE counts some limits in graphemes, others in UTF-16 units; `limit` code points of a label are within both for
    all but a row of emoji.
    """
    if len(text) <= limit:
        return text
    return f"{text[: _between_characters(text, limit - 1)]}…"


def _between_characters(text: str, end: int) -> int:
    """Move the end of a cut back to where it parts no emoji, flag or accented letter."""
    while end > 0 and (_continues(text[end]) or text[end - 1] == _JOINER or _parts_flag(text, end)):
        end -= 1
    return end


def _continues(char: str) -> bool:
    """Accents, half-width voicing marks, variation selectors, skin tones, joiners, the tags of a region's flag."""
    return (
        unicodedata.category(char) in _MARKS
        or char in {_JOINER, "\uff9e", "\uff9f"}
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )


def _parts_flag(text: str, end: int) -> bool:
    """A country's flag is two letters of their own alphabet; a row of flags is a row of pairs."""
    before = text[:end]
    letters = len(before) - len(before.rstrip(_FLAG_LETTERS))
    return text[end] in _FLAG_LETTERS and letters % 2 == 1


def utf16_units(text: str) -> int:
    """Count as LINE does: an emoji outside the basic plane is two units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split_text(text: str, limit: int = MAX_UNITS) -> list[str]:
    """Split a long text into bubbles of at most `limit` (2 or more) UTF-16 units, at a line's end where there is one.

    Nothing is lost but white space where it was cut; a text of nothing else gives no bubble.
    """
    bubbles: list[str] = []
    rest = text.strip()
    while utf16_units(rest) > limit:
        longest = _longest_prefix(rest, limit)
        end = _between_characters(rest, longest) or longest
        at_line = rest.rfind("\n", end // 2, end)
        end = at_line if at_line > 0 else end
        bubbles.append(rest[:end].rstrip())
        rest = rest[end:].lstrip("\n")
    return [bubble for bubble in (*bubbles, rest) if bubble]


def _longest_prefix(text: str, limit: int) -> int:
    units = 0
    for position, char in enumerate(text):
        units += 2 if char > "\uffff" else 1
        if units > limit:
            return position
    return len(text)
