"""Checks of message objects: which ones LINE refuses, and with which details.

Sources: Messaging API reference, "Message objects" and "Validate reply message"; limits in the fact sheet, sections 2.7
and 6 (point 5). Checked are all limits a text bot can meet; of Flex Messages only sizes and the outer shape.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from service.tools.fakeline.actions import (
    TEMPLATE_ACTIONS,
    Problems,
    check_action,
    check_quick_reply,
    check_sender,
)
from service.tools.fakeline.counting import graphemes, utf16_units
from service.tools.fakeline.records import Json, as_list, as_object

MAX_MESSAGES = 5
MAX_TEXT = 5000
MAX_ALT_TEXT = 1500
MAX_EMOJIS = 20
MAX_SUBSTITUTIONS = 100
MAX_BUBBLE_BYTES = 30 * 1024
MAX_CAROUSEL_BYTES = 50 * 1024
MAX_CAROUSEL_ITEMS = 12
QUOTABLE = frozenset({"text", "textV2", "sticker", "image", "video", "template", "flex"})
QUOTING = frozenset({"text", "textV2", "sticker"})

# A doubled brace is a literal one, `{key}` a placeholder; any other brace is an error.
BRACES = re.compile(r"\{\{|\}\}|\{([0-9A-Za-z_]{1,20})\}|([{}])")


def find_problems(messages: Any) -> list[Json]:
    """List what is wrong with the `messages` of a request, as LINE's `details`; empty when LINE would take them."""
    problems = Problems()
    if not isinstance(messages, list):
        problems.add("messages", "May not be empty")
        return problems
    items = as_list(messages)
    if not 1 <= len(items) <= MAX_MESSAGES:
        problems.add("messages", f"Size must be between 1 and {MAX_MESSAGES}")
        return problems
    for index, message in enumerate(items):
        _check_message(problems, f"messages[{index}]", as_object(message))
    return problems


def _check_message(problems: Problems, path: str, message: Json) -> None:
    check = _CHECKS.get(message.get("type", ""))
    if check is None:
        problems.add(f"{path}.type", f"must be one of the following values: [{', '.join(_CHECKS)}]")
        return
    check(problems, path, message)
    if "quickReply" in message:
        check_quick_reply(problems, f"{path}.quickReply", message["quickReply"])
    if "sender" in message:
        check_sender(problems, f"{path}.sender", message["sender"])
    if "quoteToken" in message and message["type"] not in QUOTING:
        problems.add(f"{path}.quoteToken", "not supported for this message type")


def _check_body_text(problems: Problems, path: str, text: Any) -> bool:
    if not isinstance(text, str) or not text:
        problems.add(f"{path}.text", "May not be empty")
        return False
    if utf16_units(text) > MAX_TEXT:
        problems.add(f"{path}.text", f"Length must be between 0 and {MAX_TEXT}")
        return False
    return True


def _check_text(problems: Problems, path: str, message: Json) -> None:
    emojis = as_list(message.get("emojis"))
    if len(emojis) > MAX_EMOJIS:
        problems.add(f"{path}.emojis", f"Size must be between 0 and {MAX_EMOJIS}")
    if not _check_body_text(problems, path, message.get("text")):
        return
    units = message["text"].encode("utf-16-le", "surrogatepass")
    for index, each in enumerate(emojis):
        at = as_object(each).get("index", -1)
        if not isinstance(at, int) or at < 0 or units[2 * at : 2 * at + 2] != "$".encode("utf-16-le"):
            problems.add(f"{path}.emojis[{index}].index", "must point to a $ in the text")


def _check_text_v2(problems: Problems, path: str, message: Json) -> None:
    substitution = as_object(message.get("substitution"))
    if len(substitution) > MAX_SUBSTITUTIONS:
        problems.add(f"{path}.substitution", f"Size must be between 0 and {MAX_SUBSTITUTIONS}")
    if not _check_body_text(problems, path, message.get("text")):
        return
    for match in BRACES.finditer(message["text"]):
        key, stray = match.groups()
        if stray:
            problems.add(f"{path}.text", "Invalid placeholder")
        elif key and key not in substitution:
            problems.add(f"{path}.substitution", f"Placeholder {key} is not defined")


def _check_sticker(problems: Problems, path: str, message: Json) -> None:
    for name in ("packageId", "stickerId"):
        problems.text(f"{path}.{name}", message.get(name), 20)


def _check_picture(problems: Problems, path: str, message: Json) -> None:
    for name in ("originalContentUrl", "previewImageUrl"):
        problems.https_url(f"{path}.{name}", message.get(name))


def _check_audio(problems: Problems, path: str, message: Json) -> None:
    problems.https_url(f"{path}.originalContentUrl", message.get("originalContentUrl"))
    if not isinstance(message.get("duration"), int):
        problems.add(f"{path}.duration", "must be specified")


def _check_location(problems: Problems, path: str, message: Json) -> None:
    for name in ("title", "address"):
        problems.text(f"{path}.{name}", message.get(name), 100)
    for name in ("latitude", "longitude"):
        if not isinstance(message.get(name), int | float):
            problems.add(f"{path}.{name}", "must be specified")


def _check_flex(problems: Problems, path: str, message: Json) -> None:
    problems.text(f"{path}.altText", message.get("altText"), MAX_ALT_TEXT)
    contents = as_object(message.get("contents"))
    bubbles = as_list(contents.get("contents")) if contents.get("type") == "carousel" else [contents]
    if contents.get("type") not in {"bubble", "carousel"}:
        problems.add(f"{path}.contents.type", "must be one of the following values: [bubble, carousel]")
    elif not 1 <= len(bubbles) <= MAX_CAROUSEL_ITEMS or _json_bytes(contents) > MAX_CAROUSEL_BYTES:
        problems.add(f"{path}.contents", f"at most {MAX_CAROUSEL_ITEMS} bubbles and {MAX_CAROUSEL_BYTES} bytes")
    elif any(_json_bytes(bubble) > MAX_BUBBLE_BYTES for bubble in bubbles):
        problems.add(f"{path}.contents", f"a bubble must not be larger than {MAX_BUBBLE_BYTES} bytes")


def _json_bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _check_template(problems: Problems, path: str, message: Json) -> None:
    problems.text(f"{path}.altText", message.get("altText"), MAX_ALT_TEXT)
    template = as_object(message.get("template"))
    where = f"{path}.template"
    match template.get("type"):
        case "buttons":
            tall = bool(template.get("title") or template.get("thumbnailImageUrl"))
            _check_card(problems, where, template, text_limit=60 if tall else 160, actions=4)
        case "confirm":
            _check_card(problems, where, template, text_limit=240, actions=2)
        case "carousel":
            columns = as_list(template.get("columns"))
            if not 1 <= len(columns) <= 10:
                problems.add(f"{where}.columns", "Size must be between 1 and 10")
            for index, column in enumerate(columns):
                _check_card(problems, f"{where}.columns[{index}]", as_object(column), text_limit=120, actions=3)
        case "image_carousel":
            for index, column in enumerate(as_list(template.get("columns"))):
                problems.https_url(f"{where}.columns[{index}].imageUrl", as_object(column).get("imageUrl"))
        case _:
            problems.add(f"{where}.type", "must be one of the following values: [buttons, confirm, carousel, ...]")


def _check_card(problems: Problems, path: str, card: Json, *, text_limit: int, actions: int) -> None:
    problems.text(f"{path}.title", card.get("title"), 40, count=graphemes, required=False)
    problems.text(f"{path}.text", card.get("text"), text_limit, count=graphemes)
    buttons = as_list(card.get("actions"))
    if not 1 <= len(buttons) <= actions:
        problems.add(f"{path}.actions", f"Size must be between 1 and {actions}")
    for index, action in enumerate(buttons):
        check_action(problems, f"{path}.actions[{index}]", action, kinds=TEMPLATE_ACTIONS)


def _check_imagemap(problems: Problems, path: str, message: Json) -> None:
    problems.text(f"{path}.altText", message.get("altText"), MAX_ALT_TEXT)
    problems.https_url(f"{path}.baseUrl", message.get("baseUrl"))


_CHECKS: dict[str, Callable[[Problems, str, Json], None]] = {
    "text": _check_text,
    "textV2": _check_text_v2,
    "sticker": _check_sticker,
    "image": _check_picture,
    "video": _check_picture,
    "audio": _check_audio,
    "location": _check_location,
    "imagemap": _check_imagemap,
    "template": _check_template,
    "flex": _check_flex,
}
