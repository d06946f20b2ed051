"""What LINE tells about stickers, photos, files and places, however oddly it comes."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.events import Said, read_event
from service.core.media import Audio, File, Image, ImageSet, Location, Media, Sticker, Video, caption
from service.core.records import Item, MessageItem
from tests.support.shop import NOON

EXTERNAL = {
    "type": "external",
    "originalContentUrl": "https://example.com/original.mp4",
    "previewImageUrl": "https://example.com/preview.jpg",
}


def read(message: dict[str, Any]) -> Media | None:
    raw = {"type": "message", "source": {"type": "user", "userId": "U1"}, "message": {"id": "1", **message}}
    said = read_event("01E", json.dumps(raw))
    assert isinstance(said, Said)
    return said.media


# As in LINE's reference, and as odd as can be.
READINGS: list[tuple[dict[str, Any], Media | None]] = [
    (
        {
            "type": "sticker",
            "packageId": "1",
            "stickerId": "2",
            "stickerResourceType": "MESSAGE",
            "keywords": ["cony", "sally"],
            "text": "おつかれ",
        },
        Sticker(package="1", sticker="2", resource="MESSAGE", keywords=("cony", "sally"), text="おつかれ"),
    ),
    (
        {"type": "sticker", "packageId": 1, "stickerResourceType": "BRAND_NEW"},
        Sticker(package="1", resource="BRAND_NEW"),
    ),
    ({"type": "sticker", "keywords": ["a", 7, None, ["b"], "", "c"]}, Sticker(keywords=("a", "c"))),
    ({"type": "sticker", "keywords": "cony", "text": ["x"], "stickerId": {}}, Sticker()),
    ({"type": "image", "contentProvider": {"type": "line"}}, Image(provider="line")),
    (
        {"type": "image", "contentProvider": {"type": "line"}, "imageSet": {"id": "E005D41A", "index": 1, "total": 2}},
        Image(provider="line", image_set=ImageSet(id="E005D41A", index=1, total=2)),
    ),
    ({"type": "image", "imageSet": {"id": "1", "index": "1", "total": -2}}, Image(image_set=ImageSet(id="1"))),
    ({"type": "image", "imageSet": {"index": 1}}, Image()),
    ({"type": "image", "imageSet": 5, "contentProvider": "line"}, Image()),
    (
        {"type": "image", "contentProvider": EXTERNAL},
        Image(provider="external", url=EXTERNAL["originalContentUrl"], preview_url=EXTERNAL["previewImageUrl"]),
    ),
    (
        {"type": "video", "duration": 60000, "contentProvider": EXTERNAL},
        Video(
            duration_ms=60000,
            provider="external",
            url=EXTERNAL["originalContentUrl"],
            preview_url=EXTERNAL["previewImageUrl"],
        ),
    ),
    ({"type": "video", "duration": "60000"}, Video()),
    ({"type": "audio", "duration": 0, "contentProvider": {"type": "line"}}, Audio(duration_ms=0, provider="line")),
    ({"type": "audio", "duration": 1e300}, Audio()),
    (
        {"type": "audio", "contentProvider": {"type": "external", "originalContentUrl": 5}},
        Audio(provider="external", url="5"),
    ),
    ({"type": "file", "fileName": "見積書.pdf", "fileSize": 2138}, File(name="見積書.pdf", size=2138)),
    ({"type": "file", "fileName": None, "fileSize": -1}, File()),
    ({"type": "file", "fileName": "x", "fileSize": True}, File(name="x")),
    (
        {"type": "location", "title": "店", "address": "東京都", "latitude": 35.67966, "longitude": 139.73669},
        Location(title="店", address="東京都", latitude=35.67966, longitude=139.73669),
    ),
    ({"type": "location", "latitude": -90, "longitude": 180}, Location(latitude=-90, longitude=180)),
    ({"type": "location", "latitude": 90.01, "longitude": -180.5}, Location()),
    ({"type": "location", "latitude": "35", "longitude": [139]}, Location()),
    ({"type": "text", "text": "こんにちは", "fileName": "x"}, None),
    ({"type": "hologram", "duration": 5}, None),
    ({}, None),
]


@pytest.mark.parametrize(("message", "media"), READINGS, ids=[json.dumps(message) for message, _ in READINGS])
def test_media_are_read_as_far_as_they_can_be(message: dict[str, Any], media: Media | None) -> None:
    assert read(message) == media


@pytest.mark.parametrize("media", [media for _, media in READINGS])
def test_media_are_read_back_as_they_were_written(media: Media | None) -> None:
    item = MessageItem(id="m", turn="t", at=NOON, type="unknown", text="", message="1", media=media)
    written = msgspec.json.encode(item)
    assert msgspec.json.decode(written, type=Item) == item
    if media:
        assert msgspec.json.decode(written)["media"]["type"] == type(media).__name__.lower()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    *("packageId", "stickerId", "stickerResourceType", "keywords", "text", "imageSet", "contentProvider", "duration"),
    *("fileName", "fileSize", "title", "address", "latitude", "longitude", "quotedMessageId"),
)
odd_parts = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("type", "id", "index", "total", "originalContentUrl", "previewImageUrl"), anything)
)


@given(
    st.sampled_from(("sticker", "image", "video", "audio", "file", "location")),
    st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, odd_parts | anything)),
)
def test_whatever_stands_in_a_message_it_is_of_its_kind_and_can_be_written(kind: str, fields: dict[str, Any]) -> None:
    media = read({**fields, "type": kind})
    assert isinstance(media, get_args(Media))
    assert type(media).__name__.lower() == kind
    item = MessageItem(id="m", turn="t", at=NOON, type="unknown", text="", message="1", media=media)
    assert msgspec.json.decode(msgspec.json.encode(item), type=Item) == item
    assert "\n" not in caption(media)


@pytest.mark.parametrize(
    ("media", "words"),
    [
        (Sticker(text="おつかれ\nさま", keywords=("tired",)), "おつかれ さま"),
        (Sticker(keywords=("tired",)), ""),
        (File(name="見積 書.pdf"), "見積 書.pdf"),
        (Location(title="店", address=" 東京都\n千代田区 "), "店 東京都 千代田区"),
        (Location(address="東京都"), "東京都"),
        (Location(latitude=35, longitude=139), ""),
        (Image(provider="external", url="https://example.com/"), ""),
        (Audio(duration_ms=5), ""),
        (None, ""),
    ],
)
def test_a_caption_is_what_can_be_read_on_it(media: Media | None, words: str) -> None:
    assert caption(media) == words
