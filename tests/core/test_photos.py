"""Which photos are fetched, and what counts as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.events import MessageKind
from service.core.media import Image, Media, Video
from service.core.photos import KEEP_S, MOST_TRIES, PhotoType, photos_in, retry_delay_ms, sniff
from service.core.records import BubbleItem, MessageItem
from service.tools.fakeline.server import ONE_PIXEL_PNG
from service.tools.simulator.app import FOLDER
from tests.support.shop import NOON


def item(media: Media | None, *, message: str = "m1", kind: MessageKind = "image") -> MessageItem:
    return MessageItem(id="i", turn="t", at=NOON, type=kind, text="", message=message, media=media)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (ONE_PIXEL_PNG, "image/png"),
        ((FOLDER / "samples" / "photo.jpg").read_bytes(), "image/jpeg"),
        (b"\xff\xd8\xff\xe1 Exif", "image/jpeg"),
        (b"GIF87a...", "image/gif"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", None),
        (b"RIFF", None),
        (b"GIF", None),
        (b"\x89PNG", None),
        (b" \xff\xd8\xff", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>", None),
        (b"<!DOCTYPE html>", None),
        (b"%PDF-1.7", None),
        (b"MZ\x90\x00", None),
        (b"", None),
    ],
)
def test_a_photo_is_what_its_first_bytes_say(data: bytes, kind: PhotoType | None) -> None:
    assert sniff(data) == kind


@given(st.binary(max_size=20))
def test_any_bytes_are_one_of_four_kinds_or_no_photo(data: bytes) -> None:
    assert sniff(data) in {"image/jpeg", "image/png", "image/gif", "image/webp", None}


def test_photos_that_line_keeps_are_fetched_and_nothing_else() -> None:
    fetched = [
        item(Image(provider="line"), message="1"),
        item(Image(), message="2"),
    ]
    left = [
        item(Image(provider="external", url="https://example.com/x.jpg")),
        item(Image(provider="brandNew")),
        item(Video(provider="line"), kind="video"),
        item(None, kind="text"),
        item(None),
        item(Image(provider="line"), message=""),
        item(Image(provider="line"), message="../m 1"),
        BubbleItem(id="b", turn="t", at=NOON, who="bot", text="x"),
    ]
    assert photos_in([*left, *fetched]) == ["1", "2"]


def test_it_is_tried_for_a_day_and_never_more_often_than_every_five_seconds() -> None:
    delays = [retry_delay_ms(tries) for tries in range(1, MOST_TRIES + 1)]
    assert delays[:4] == [5_000, 15_000, 45_000, 135_000]
    assert delays == sorted(delays)
    assert delays[-1] == 3_600_000
    assert 20 * 3_600_000 < sum(delays) < KEEP_S * 1000
