"""What LINE tells about a message that is not text: never the content itself.

Shapes: Messaging API reference, Message event. A property that is missing or odd reads as empty, or as None where a
number is meant. Addresses of content that is kept elsewhere are kept as text and never fetched.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from service.core.loose import LooseObject


class Sticker(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="sticker"):
    """A sticker: LINE gives its ids, not its picture.

    `resource` is LINE's word for how it moves, an open list. `keywords` are up to 15 that LINE picks at random, `text`
    is what a customer wrote onto a message sticker.
    """

    package: str = ""
    sticker: str = ""
    resource: str = ""
    keywords: tuple[str, ...] = ()
    text: str = ""


class ImageSet(msgspec.Struct, frozen=True, kw_only=True):
    """Photos that were sent together: which one of how many (from 1), None where LINE does not say."""

    id: str
    index: int | None = None
    total: int | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="image"):
    """A photo. `provider` says who keeps it, `line` or `external`; the addresses are an external one's."""

    provider: str = ""
    url: str = ""
    preview_url: str = ""
    image_set: ImageSet | None = None


class Video(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="video"):
    """A video; its length in milliseconds."""

    duration_ms: int | None = None
    provider: str = ""
    url: str = ""
    preview_url: str = ""


class Audio(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="audio"):
    """A voice message; its length in milliseconds."""

    duration_ms: int | None = None
    provider: str = ""
    url: str = ""


class File(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="file"):
    """A file, with its size in bytes."""

    name: str = ""
    size: int | None = None


class Location(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="location"):
    """A place, in degrees."""

    title: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None


Media = Sticker | Image | Video | Audio | File | Location


def read_media(message: LooseObject) -> Media | None:
    """Read what a message tells about itself; None for text and for a kind that nobody knows."""
    read = _READERS.get(message.text("type"))
    return read(message) if read else None


def caption(media: Media | None) -> str:
    """What can be read on it, on one line: a sticker's words, a file's name, a place; empty where there is nothing."""
    match media:
        case Sticker(text=words) | File(name=words):
            pass
        case Location(title=title, address=address):
            words = f"{title} {address}"
        case _:
            words = ""
    return " ".join(words.split())


def _sticker(message: LooseObject) -> Sticker:
    return Sticker(
        package=message.text("packageId"),
        sticker=message.text("stickerId"),
        resource=message.text("stickerResourceType"),
        keywords=message.texts("keywords"),
        text=message.text("text"),
    )


def _image(message: LooseObject) -> Image:
    provider, photos = message.inside("contentProvider"), message.inside("imageSet")
    set_id = photos.text("id")
    return Image(
        provider=provider.text("type"),
        url=provider.text("originalContentUrl"),
        preview_url=provider.text("previewImageUrl"),
        image_set=ImageSet(id=set_id, index=photos.count("index"), total=photos.count("total")) if set_id else None,
    )


def _video(message: LooseObject) -> Video:
    provider = message.inside("contentProvider")
    return Video(
        duration_ms=message.count("duration"),
        provider=provider.text("type"),
        url=provider.text("originalContentUrl"),
        preview_url=provider.text("previewImageUrl"),
    )


def _audio(message: LooseObject) -> Audio:
    provider = message.inside("contentProvider")
    return Audio(
        duration_ms=message.count("duration"),
        provider=provider.text("type"),
        url=provider.text("originalContentUrl"),
    )


def _file(message: LooseObject) -> File:
    return File(name=message.text("fileName"), size=message.count("fileSize"))


def _location(message: LooseObject) -> Location:
    return Location(
        title=message.text("title"),
        address=message.text("address"),
        latitude=message.degrees("latitude", 90),
        longitude=message.degrees("longitude", 180),
    )


_READERS: Mapping[str, Callable[[LooseObject], Media]] = MappingProxyType(
    {
        "sticker": _sticker,
        "image": _image,
        "video": _video,
        "audio": _audio,
        "file": _file,
        "location": _location,
    }
)
