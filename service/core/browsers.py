"""The browsers in which staff asked for notifications: what one says of itself, and what of that is believed.

A browser names the address that notifications for it are posted to. Whoever is signed in could name any address on
our network; so only those of the browsers' own push services are taken.
"""

import base64
import binascii
import re
from datetime import datetime

import msgspec

MOST_OF_ONE = 10
MOST_IN_ALL = 100
# Push endpoints of Chrome and its kin, Firefox, Safari, Edge. Whole domains of one company each: no name below them can
# be made to lead elsewhere by somebody else.
_SERVICES = (
    "fcm.googleapis.com",
    "push.services.mozilla.com",
    "push.apple.com",
    "notify.windows.com",
)
_ENDPOINT = re.compile(r"https://([a-z0-9-]+(?:\.[a-z0-9-]+)+)/[!-~]{1,1000}")
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
# In this order: Edge calls itself Chrome as well, and Chrome Safari.
_PROGRAMS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("CriOS", "Chrome"), ("Safari", "Safari"))
_POINT_BYTES, _SECRET_BYTES = 65, 16
_UNCOMPRESSED = 4


class Browser(msgspec.Struct, frozen=True, kw_only=True):
    """A browser of somebody's who asked for notifications.

    `epoch` is the person's at that time: a new password and being shut out end it as they end sessions. `endpoint` is
    where notifications are posted, `p256dh` and `auth` are what they are encrypted with (RFC 8291, base64url), `key` is
    our public key that the browser was told. `label` says which browser it is, in words.
    """

    name: str
    epoch: int
    endpoint: str
    p256dh: str
    auth: str
    key: str
    label: str
    created_at: datetime


def is_push_service(endpoint: str) -> bool:
    """Whether an address is one of a push service that browsers use."""
    found = _ENDPOINT.fullmatch(endpoint)
    return found is not None and any(found[1] == one or found[1].endswith(f".{one}") for one in _SERVICES)


def fits(p256dh: str, auth: str) -> bool:
    """Whether what a browser gave as its keys has the form of such: a point of P-256, and 16 bytes."""
    point, secret = _bytes(p256dh), _bytes(auth)
    return len(point) == _POINT_BYTES and point[0] == _UNCOMPRESSED and len(secret) == _SECRET_BYTES


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def label_of(user_agent: str) -> str:
    """Say which browser somebody sits in front of, by what it calls itself: `iPhone・Safari`."""
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    program = next((name for sign, name in _PROGRAMS if sign in user_agent), "")
    return "・".join(part for part in (system, program) if part)
