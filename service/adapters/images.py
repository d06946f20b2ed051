"""The pictures of the FAQ folder: what the reader must know of them, and the web server's way to them.

A picture is served under a name made of its content, and only while an entry names it: nothing else of the folder can
be asked for, and a changed picture has another address.
"""

import asyncio
import hashlib
import time
import unicodedata
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from service.core.answers import IMAGE_BYTES_MAX, PREVIEW_BYTES_MAX
from service.core.entries import ImageBubble, ImageFile

_Kind = Literal["jpg", "png", ""]
_KINDS: dict[bytes, _Kind] = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}
_LOOK_AGAIN_AFTER_S = 2.0
_PREVIEW_PIXELS = (1024, 1024)
_PREVIEW_QUALITY = 80


class Picture(NamedTuple):
    """A picture to be sent to whoever asks."""

    data: bytes
    media_type: str


class ImageFolder:
    """Looks at the pictures inside a folder; nothing outside of it is seen, whatever the path or a link says."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def look(self, path: str) -> ImageFile | None:
        """Say what the file at a path inside the folder is; None when there is none. Blocks."""
        data = self.load(path)
        if data is None:
            return None
        file = _describe(data)
        is_broken = file.preview != file.name and make_preview(data) is None
        return msgspec.structs.replace(file, kind="") if is_broken else file

    def load(self, path: str) -> bytes | None:
        """Read the file at a path inside the folder; of one that is too large only so much that this can be seen."""
        found = self._find(path)
        if found is None:
            return None
        with found.open("rb") as file:
            return file.read(IMAGE_BYTES_MAX + 1)

    def _find(self, path: str) -> Path | None:
        root = self._directory.resolve()
        # A Mac parts 「が」 into two characters in names of files, an editor does not.
        for form in dict.fromkeys((path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path))):
            try:
                found = (root / form).resolve()
                if found.is_relative_to(root) and found.is_file():
                    return found
            except (OSError, ValueError):  # a name that no file can have
                continue
        return None


def _kind(data: bytes) -> _Kind:
    for start, kind in _KINDS.items():
        if data.startswith(start):
            return kind
    return ""


def _describe(data: bytes) -> ImageFile:
    kind = _kind(data)
    digest = hashlib.sha256(data).hexdigest()[:32]
    name = f"{digest}.{kind}"
    needs_preview = kind and PREVIEW_BYTES_MAX < len(data) <= IMAGE_BYTES_MAX
    return ImageFile(name=name, preview=f"{digest}-small.jpg" if needs_preview else name, kind=kind, size=len(data))


def make_preview(data: bytes) -> bytes | None:
    """Make a small JPEG of a picture; None when it cannot be shown. Blocks."""
    from PIL import Image, ImageOps

    try:
        with Image.open(BytesIO(data), formats=["JPEG", "PNG"]) as picture:
            picture.draft("RGB", _PREVIEW_PIXELS)
            small = ImageOps.exif_transpose(picture).convert("RGBA")
        small.thumbnail(_PREVIEW_PIXELS)
        white = Image.new("RGBA", small.size, "white")
        written = BytesIO()
        Image.alpha_composite(white, small).convert("RGB").save(written, "JPEG", quality=_PREVIEW_QUALITY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow says of broken files
        return None
    return written.getvalue()


class ImageServer:
    """Gives out the pictures that entries name. `named` reads the folder and returns them."""

    def __init__(self, directory: Path, named: Callable[[], list[ImageBubble]]) -> None:
        self._folder = ImageFolder(directory)
        self._named = named
        self._by_name: dict[str, ImageBubble] = {}
        self._previews: dict[str, bytes | None] = {}
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    async def get(self, name: str) -> Picture | None:
        """Return the picture or preview of that name; None when no entry has it (any more)."""
        if picture := await asyncio.to_thread(self._load, name):
            return picture
        async with self._looking:
            # Whoever asks for names at random must not keep the folder being read.
            if time.monotonic() - self._looked_at > _LOOK_AGAIN_AFTER_S:
                named = await asyncio.to_thread(self._named)
                self._by_name = {name: bubble for bubble in named for name in (bubble.name, bubble.preview)}
                self._previews = {name: data for name, data in self._previews.items() if name in self._by_name}
                self._looked_at = time.monotonic()
        return await asyncio.to_thread(self._load, name)

    def _load(self, name: str) -> Picture | None:
        bubble = self._by_name.get(name)
        data = self._folder.load(bubble.path) if bubble else None
        if bubble is None or data is None or _describe(data).name != bubble.name:
            return None
        if name != bubble.name:
            self._previews[name] = data = self._previews.get(name) or make_preview(data)
        return Picture(data, "image/jpeg" if name.endswith(".jpg") else "image/png") if data else None
