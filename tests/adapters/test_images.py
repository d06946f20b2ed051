"""Pictures of the FAQ folder, made and broken, and the server's way to them."""

import random
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from service.adapters.images import ImageFolder, ImageServer, make_preview
from service.core.answers import PREVIEW_BYTES_MAX
from service.core.entries import ImageBubble


def picture(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> bytes:
    """A picture of noise, which packs badly."""
    noise = random.Random(0).randbytes(size[0] * size[1] * len(mode))
    written = BytesIO()
    Image.frombytes(mode, size, noise).save(written, kind)
    return written.getvalue()


def bubble(folder: Path, path: str) -> ImageBubble:
    file = ImageFolder(folder).look(path)
    assert file is not None
    return ImageBubble(name=file.name, preview=file.preview, path=path, alt="絵")


@pytest.mark.parametrize(("kind", "ending"), [("JPEG", "jpg"), ("PNG", "png")])
def test_a_picture_is_known_by_its_bytes_and_not_by_its_name(tmp_path: Path, kind: str, ending: str) -> None:
    (tmp_path / "a.txt").write_bytes(picture(kind))
    file = ImageFolder(tmp_path).look("a.txt")
    assert file is not None
    assert (file.kind, file.name == file.preview, file.name.endswith(f".{ending}")) == (ending, True, True)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg/>", b"\xff\xd8"])
def test_anything_else_is_of_no_kind(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    file = ImageFolder(tmp_path).look("a.jpg")
    assert file is not None
    assert file.kind == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_large_picture_gets_a_small_preview(tmp_path: Path, mode: str) -> None:
    (tmp_path / "a.png").write_bytes(picture("PNG", (1500, 1000), mode))
    file = ImageFolder(tmp_path).look("a.png")
    assert file is not None
    assert (file.kind, file.preview) == ("png", file.name.replace(".png", "-small.jpg"))
    preview = make_preview((tmp_path / "a.png").read_bytes())
    assert preview is not None
    assert len(preview) < PREVIEW_BYTES_MAX
    with Image.open(BytesIO(preview)) as small:
        assert (small.format, small.size) == ("JPEG", (1024, 683))


def test_a_large_picture_that_is_broken_is_of_no_kind(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("PNG", (100, 100))[:100] + b"\0" * PREVIEW_BYTES_MAX)
    file = ImageFolder(tmp_path).look("a.png")
    assert file is not None
    assert file.kind == ""


@pytest.mark.parametrize("path", ["../secret.jpg", "/etc/passwd", "..", "", ".", "a\0b", "x" * 5000, "folder"])
def test_nothing_outside_of_the_folder_is_seen(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "faq"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "secret.jpg").write_bytes(picture("JPEG"))
    assert ImageFolder(folder).look(path) is None


class Named:
    """The pictures that entries name, which may change; counts how often they are read."""

    def __init__(self) -> None:
        self.bubbles: list[ImageBubble] = []
        self.reads = 0

    def __call__(self) -> list[ImageBubble]:
        self.reads += 1
        return self.bubbles


async def test_a_picture_is_given_out_while_an_entry_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture("JPEG"))
    (tmp_path / "b.jpg").write_bytes(picture("JPEG", (50, 50)))
    named = Named()
    named.bubbles = [bubble(tmp_path, "a.jpg")]
    server = ImageServer(tmp_path, named)
    found = await server.get(named.bubbles[0].name)
    assert found is not None
    assert (found.data, found.media_type) == (picture("JPEG"), "image/jpeg")
    assert await server.get(bubble(tmp_path, "b.jpg").name) is None


async def test_a_preview_is_given_out_under_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture("PNG", (1500, 1000)))
    named = Named()
    named.bubbles = [bubble(tmp_path, "a.png")]
    server = ImageServer(tmp_path, named)
    whole, small = await server.get(named.bubbles[0].name), await server.get(named.bubbles[0].preview)
    assert whole is not None
    assert small is not None
    assert (whole.media_type, small.media_type) == ("image/png", "image/jpeg")
    assert len(small.data) < PREVIEW_BYTES_MAX < len(whole.data)


async def test_a_picture_that_was_changed_is_not_given_out_under_its_old_name(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture("JPEG"))
    named = Named()
    named.bubbles = [bubble(tmp_path, "a.jpg")]
    server = ImageServer(tmp_path, named)
    old = named.bubbles[0].name
    assert await server.get(old)
    (tmp_path / "a.jpg").write_bytes(picture("JPEG", (50, 50)))
    assert await server.get(old) is None


@pytest.mark.parametrize("form", ["{}", "{:032x}.jpg"])
async def test_asking_for_anything_does_not_keep_the_folder_being_read(tmp_path: Path, form: str) -> None:
    named = Named()
    server = ImageServer(tmp_path, named)
    assert [await server.get(form.format(number)) for number in range(50)] == [None] * 50
    assert named.reads == 1
