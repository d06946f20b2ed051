"""Which photos are fetched, what counts as one, and for how long it is tried and kept."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from service.core.events import SAFE_ID
from service.core.media import Image
from service.core.records import Item, MessageItem

PhotoType = Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
Why = Literal["pending", "gone", "too_large", "refused", "no_image", "unavailable", "no_room"]

# LINE makes photos smaller on the phone: they have some hundred kB, an original some MB. This is also the most that
# LINE takes for a photo the other way round (Messaging API reference, Image message).
MAX_BYTES = 10_000_000
# Redis holds them in memory, beside the messages. A customer who floods us pushes out only their own photos.
MAX_BYTES_OF_ALL = 200_000_000
MAX_BYTES_OF_ONE = 40_000_000
KEEP_S = 14 * 86_400
# With the delays below about a day: LINE's longest outages are shorter, and it keeps content for longer.
MOST_TRIES = 30
_FIRST_DELAY_MS = 5_000
_LONGEST_DELAY_MS = 3_600_000
_MAGIC: Mapping[bytes, PhotoType] = MappingProxyType(
    {
        b"\xff\xd8\xff": "image/jpeg",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"GIF87a": "image/gif",
        b"GIF89a": "image/gif",
    }
)


class Photo(msgspec.Struct, frozen=True):
    """A photo as LINE gave it out. `type` is what its first bytes say; what follows them is the customer's."""

    data: bytes
    type: PhotoType


class NoPhoto(msgspec.Struct, frozen=True):
    """Why there is no photo to see.

    - `pending`: it is still to be fetched.
    - `gone`: LINE does not have it any more.
    - `too_large`, `no_image`: it is not kept.
    - `refused`: LINE does not give it out.
    - `unavailable`: LINE gave no usable answer for a day.
    - `no_room`: it made room for newer ones.
    """

    why: Why


def photos_in(items: Iterable[Item]) -> list[str]:
    """Pick the messages (LINE's ids) whose photos LINE keeps for us to fetch."""
    return [
        item.message
        for item in items
        if isinstance(item, MessageItem)
        and isinstance(item.media, Image)
        and item.media.provider in {"line", ""}
        and SAFE_ID.fullmatch(item.message)
    ]


def sniff(data: bytes) -> PhotoType | None:
    """Say which kind of image this is by its first bytes. What the sender calls it is not asked."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)


def retry_delay_ms(tries: int) -> int:
    """Say how long to wait after so many tries (from 1): 5 s first, three times as long each time, an hour at most."""
    return min(_LONGEST_DELAY_MS, _FIRST_DELAY_MS * 3 ** min(tries - 1, 10))
