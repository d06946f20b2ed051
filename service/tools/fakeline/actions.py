"""Checks of action objects, quick replies and senders, with the error texts and limits of the Messaging API.

Sources: Messaging API reference, "Action objects", "Quick reply", "Customize icon and display name".
A problem is `{"message": ..., "property": ...}`, as LINE lists it under `details`.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from service.tools.fakeline.counting import graphemes, utf16_units
from service.tools.fakeline.records import Json, as_list, as_object

MAX_URL_LENGTH = 2000
MAX_ACTION_URI_LENGTH = 1000
MAX_LABEL = 20
MAX_POSTBACK = 300
MAX_SENDER_NAME = 20
MAX_QUICK_REPLIES = 13
ACTION_SCHEMES = frozenset({"http", "https", "line", "tel"})
QUICK_REPLY_ACTIONS = frozenset(
    {"postback", "message", "uri", "datetimepicker", "camera", "cameraRoll", "location", "clipboard"}
)
TEMPLATE_ACTIONS = frozenset({"postback", "message", "uri", "datetimepicker", "clipboard", "richmenuswitch"})
DATETIME_MODES = frozenset({"date", "time", "datetime"})


class Problems(list[Json]):
    """The problems found in one request body."""

    def add(self, path: str, message: str) -> None:
        """Note a problem with the property at `path`."""
        self.append({"message": message, "property": path})

    def text(
        self, path: str, value: Any, limit: int, *, count: Callable[[str], int] = utf16_units, required: bool = True
    ) -> None:
        """Check a text of at most `limit` characters, counted by `count`."""
        if value is None and not required:
            return
        if not isinstance(value, str) or not value:
            self.add(path, "must be specified")
        elif count(value) > limit:
            self.add(path, f"must not be longer than {limit} characters")

    def https_url(self, path: str, value: Any, *, required: bool = True) -> None:
        """Check an HTTPS URL of at most 2,000 characters."""
        if value is None and not required:
            return
        if not isinstance(value, str) or not value:
            self.add(path, "must be specified")
        elif len(value) > MAX_URL_LENGTH:
            self.add(path, f"must not be longer than {MAX_URL_LENGTH} characters")
        elif urlsplit(value).scheme != "https" or not urlsplit(value).netloc:
            self.add(path, "invalid uri scheme")


def check_quick_reply(problems: Problems, path: str, quick_reply: Any) -> None:
    """Check a message's `quickReply`: 1 to 13 buttons, each with a label."""
    items = as_list(as_object(quick_reply).get("items"))
    if not 1 <= len(items) <= MAX_QUICK_REPLIES:
        problems.add(f"{path}.items", f"Size must be between 1 and {MAX_QUICK_REPLIES}")
    for index, each in enumerate(items):
        item, where = as_object(each), f"{path}.items[{index}]"
        problems.https_url(f"{where}.imageUrl", item.get("imageUrl"), required=False)
        if item.get("type") != "action":
            problems.add(f"{where}.type", "must be one of the following values: [action]")
        check_action(problems, f"{where}.action", item.get("action"), kinds=QUICK_REPLY_ACTIONS)


def check_action(problems: Problems, path: str, action: Any, *, kinds: frozenset[str], label: bool = True) -> None:
    """Check one action object of one of `kinds`; `label` says whether it must have one."""
    fields = as_object(action)
    kind = fields.get("type")
    if kind not in kinds:
        problems.add(f"{path}.type", f"must be one of the following values: [{', '.join(sorted(kinds))}]")
        return
    problems.text(f"{path}.label", fields.get("label"), MAX_LABEL, count=graphemes, required=label)
    if kind in _CHECKS:
        _CHECKS[kind](problems, path, fields)


def _check_postback(problems: Problems, path: str, action: Json) -> None:
    problems.text(f"{path}.data", action.get("data"), MAX_POSTBACK)
    for name in ("displayText", "fillInText"):
        problems.text(f"{path}.{name}", action.get(name), MAX_POSTBACK, count=graphemes, required=False)


def _check_message(problems: Problems, path: str, action: Json) -> None:
    problems.text(f"{path}.text", action.get("text"), MAX_POSTBACK, count=graphemes)


def _check_uri(problems: Problems, path: str, action: Json) -> None:
    uri = action.get("uri")
    problems.text(f"{path}.uri", uri, MAX_ACTION_URI_LENGTH)
    if isinstance(uri, str) and uri and urlsplit(uri).scheme not in ACTION_SCHEMES:
        problems.add(f"{path}.uri", "invalid uri scheme")


def _check_datetimepicker(problems: Problems, path: str, action: Json) -> None:
    problems.text(f"{path}.data", action.get("data"), MAX_POSTBACK)
    if action.get("mode") not in DATETIME_MODES:
        problems.add(f"{path}.mode", "must be one of the following values: [date, time, datetime]")


def _check_clipboard(problems: Problems, path: str, action: Json) -> None:
    problems.text(f"{path}.clipboardText", action.get("clipboardText"), MAX_ACTION_URI_LENGTH)


_CHECKS: dict[str, Callable[[Problems, str, Json], None]] = {
    "postback": _check_postback,
    "message": _check_message,
    "uri": _check_uri,
    "datetimepicker": _check_datetimepicker,
    "clipboard": _check_clipboard,
}


def check_sender(problems: Problems, path: str, sender: Any) -> None:
    """Check a message's `sender`: a name of at most 20 characters without "LINE", an HTTPS icon."""
    fields = as_object(sender)
    name = fields.get("name")
    problems.text(f"{path}.name", name, MAX_SENDER_NAME, required=False)
    if isinstance(name, str) and "line" in name.lower():
        problems.add(f"{path}.name", "must not contain a forbidden word")
    problems.https_url(f"{path}.iconUrl", fields.get("iconUrl"), required=False)
