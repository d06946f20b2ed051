"""The files of a FAQ folder on a real disk: what is listed and read, and how one is replaced."""

import stat
import unicodedata
from pathlib import Path

import pytest

from service.adapters.faqfiles import list_files, named_images, read_sources, replace
from service.adapters.images import ImageFolder
from service.core.contents import read_contents
from service.core.encoding import FILE_BYTES_MAX
from service.core.entries import ImageBubble
from service.errors import KnowledgeError

HOURS = "## 営業時間を教えてください {#hours}\n\n> - 何時まで開いていますか\n\n10時から20時までです。\n"
PNG = b"\x89PNG\r\n\x1a\n picture"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A folder of two files."""
    folder = tmp_path / "お店の faq"
    (folder / "料金").mkdir(parents=True)
    (folder / "hours.md").write_text(HOURS, encoding="utf-8")
    (folder / "料金" / "parking.md").write_text("## 駐車場 {#parking}\n\n> - 車\n\n2台です。\n", encoding="utf-8")
    return folder


def save(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["_draft/_shop.yaml", "menu.yaml", "_draft/new.md", ".hidden.md", ".git/x.md", "hours.md~"]
)
def test_what_is_no_faq_file_is_not_read(directory: Path, name: str) -> None:
    save(directory / name, "## 答えがない\n")
    assert sorted(file.name for file in read_sources(directory)) == ["hours.md", "料金/parking.md"]


def test_a_folder_below_a_hidden_one_is_read(tmp_path: Path) -> None:
    """Only what is inside the folder counts: the folder itself may stand anywhere."""
    folder = tmp_path / "_shop" / ".config" / "faq"
    folder.mkdir(parents=True)
    save(folder / "hours.md", HOURS)
    assert [file.name for file in read_sources(folder)] == ["hours.md"]


def test_names_as_a_mac_makes_them_are_read_as_people_write_them(directory: Path) -> None:
    name = unicodedata.normalize("NFD", "ガイド.md")
    assert name != "ガイド.md"
    save(directory / name, HOURS)
    assert "ガイド.md" in list_files(directory)
    save(directory / "ガイド.md", HOURS)
    assert {"ガイド.md", name} <= set(list_files(directory)), "neither of two such files is lost"


def test_a_picture_is_found_whatever_way_its_name_is_made(directory: Path) -> None:
    (directory / unicodedata.normalize("NFD", "ガイド.png")).write_bytes(PNG)
    save(directory / "a.md", "## 地図 {#map}\n> - 地図\n\n![地図](ガイド.png)\n")
    (image,) = named_images(directory)
    assert (image.path, image.alt) == ("ガイド.png", "地図")


def test_only_pictures_that_entries_name_are_known(directory: Path) -> None:
    for name in ("map.png", "other.png"):
        (directory / name).write_bytes(PNG + name.encode())
    assert named_images(directory) == []
    save(directory / "a.md", "## 地図 {#map}\n> - 地図\n\n![地図](map.png)\n")
    assert [image.path for image in named_images(directory)] == ["map.png"]
    assert named_images(directory / "none") == []


def test_a_picture_of_another_kind_or_missing_is_an_error_with_its_line(directory: Path) -> None:
    (directory / "map.png").write_bytes(b"GIF89a")
    save(directory / "a.md", "## 地図 {#map}\n> - 地図\n\n![地図](map.png)\n\n![店](shop.jpg)\n")
    problems = read_contents(read_sources(directory), images=ImageFolder(directory).look).problems
    assert [problem.line for problem in problems if problem.severity == "error"] == [4, 6]


def test_a_link_out_of_the_folder_is_no_picture(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    (directory / "map.png").symlink_to(tmp_path / "secret.png")
    save(directory / "a.md", "## 地図 {#map}\n> - 地図\n\n![地図](map.png)\n")
    assert not [image for image in named_images(directory) if isinstance(image, ImageBubble) and image.name]


def test_a_huge_file_is_not_read_whole(directory: Path) -> None:
    with (directory / "hours.md").open("wb") as file:
        file.truncate(FILE_BYTES_MAX * 100)
    source = next(source for source in read_sources(directory) if source.name == "hours.md")
    assert source.problem is not None
    assert "too large" in source.problem.en


def test_a_folder_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no such folder"):
        list_files(tmp_path / "none")


def test_a_file_is_replaced_whole_and_keeps_its_permissions(directory: Path) -> None:
    path = directory / "hours.md"
    path.chmod(0o640)
    assert replace(path, HOURS.encode(), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(path.name for path in directory.iterdir()) == ["hours.md", "料金"], "nothing is left behind"


def test_a_file_that_was_saved_meanwhile_is_left_alone(directory: Path) -> None:
    path = directory / "hours.md"
    path.write_text("saved", encoding="utf-8")
    assert not replace(path, HOURS.encode(), b"new")
    assert path.read_text(encoding="utf-8") == "saved"
    assert sorted(path.name for path in directory.iterdir()) == ["hours.md", "料金"]


def test_a_link_stays_a_link(directory: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.md"
    save(elsewhere, HOURS)
    (directory / "link.md").symlink_to(elsewhere)
    assert replace(directory / "link.md", HOURS.encode(), b"new")
    assert (directory / "link.md").is_symlink()
    assert elsewhere.read_bytes() == b"new"
