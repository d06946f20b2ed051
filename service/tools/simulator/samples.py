"""What a customer has at hand to send: stickers, a photo, a video, a voice message, a place."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from service.tools.fakeline import events
from service.tools.fakeline.records import Content, Json

FOLDER = Path(__file__).parent / "samples"
PACKAGE = "11537"
# LINE sends up to fifteen of a sticker's keywords, in English, with whatever capital letters its artist chose.
STICKERS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "thanks": ("52002739", ("Thank you", "thanks", "bow", "THX", "Grateful", "appreciate")),
        "ok": ("52002734", ("OK", "okay", "thumbs up", "Got it", "sure", "roger")),
        "crying": ("52002750", ("Crying", "cry", "sad", "tears", "sob")),
        "question": ("52002744", ("question", "Confused", "what", "huh", "wonder")),
    }
)
_NAMES = {number: name for name, (number, _) in STICKERS.items()}
PLACE = (35.658034, 139.701636, "渋谷駅", "東京都渋谷区道玄坂1丁目1-1")


def sticker(name: str) -> Json:
    """Give a sticker's event by our name for it. Raises KeyError for one we do not have."""
    number, keywords = STICKERS[name]
    return events.sticker(PACKAGE, number, stickerResourceType="ANIMATION", keywords=list(keywords))


def sticker_name(message: Json) -> str | None:
    """Tell which of our stickers a message is; None for any other."""
    return _NAMES.get(str(message.get("stickerId")))


def photo() -> Content:
    """Give a photo of a place in the shop."""
    return Content((FOLDER / "photo.jpg").read_bytes(), "image/jpeg")


def video() -> Content:
    """Give a video of three seconds."""
    return Content((FOLDER / "video.mp4").read_bytes(), "video/mp4", duration_ms=3_000)


def voice() -> Content:
    """Give a voice message of three seconds."""
    return Content((FOLDER / "voice.m4a").read_bytes(), "audio/mp4", duration_ms=3_000)
