"""The files of the FAQ folder on disk: listed, read, and replaced whole."""

import fcntl
import os
import secrets
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.adapters.images import ImageFolder
from service.core.contents import Source
from service.core.encoding import FILE_BYTES_MAX, decode
from service.core.entries import ImageBubble, Problem
from service.core.faq import read_file
from service.errors import KnowledgeError

# `_shop.yaml`, and what may have been meant by it: the check says so.
_OWN = ("yaml", "yml", "txt")


def list_files(directory: Path) -> dict[str, Path]:
    """The FAQ files of a folder, in folders too, and what of our own stands beside them, by their names there.

    A Mac parts 「が」 into two characters in names of files; they are put together again.
    Raises KnowledgeError when there is no such folder.
    """
    if not directory.is_dir():
        raise KnowledgeError(f"{directory}: no such folder")
    try:
        found = {*directory.rglob("*.md"), *(path for end in _OWN for path in directory.glob(f"_*.{end}"))}
    except OSError as error:
        raise KnowledgeError(f"{directory}: cannot be read: {error.strerror}") from error
    paths: dict[str, Path] = {}
    for path in sorted(found):
        inside = path.relative_to(directory)
        # "_" is for files that are not FAQ; "." for what editors and git leave there.
        is_draft = len(inside.parts) > 1 and any(part.startswith("_") for part in inside.parts)
        if not is_draft and not any(part.startswith(".") for part in inside.parts):
            name = unicodedata.normalize("NFC", inside.as_posix())
            paths[unicodedata.normalize("NFD", name) if name in paths else name] = path
    return paths


def read_sources(directory: Path) -> list[Source]:
    """Find every file of a folder that says something, and its text. Raises KnowledgeError when there is no folder."""
    return [_read(path, name) for name, path in list_files(directory).items()]


def _read(path: Path, name: str) -> Source:
    try:
        text, problem = decode(name, load(path))
    except OSError as error:
        ja, en = f"ファイルを読めません：{error.strerror}", f"This file cannot be read: {error.strerror}"
        text, problem = None, Problem(file=name, line=1, severity="error", ja=ja, en=en)
    return Source(name, None if problem else text, problem)


def named_images(directory: Path) -> list[ImageBubble]:
    """All pictures that entries of the folder name; none while there is no folder."""
    look = ImageFolder(directory).look
    with suppress(KnowledgeError):
        sources = [source for source in read_sources(directory) if source.text and not source.name.startswith("_")]
        entries = [entry for source in sources for entry in read_file(source.name, source.text or "", look).entries]
        return [bubble for entry in entries for bubble in entry.bubbles if isinstance(bubble, ImageBubble)]
    return []


def load(path: Path) -> bytes:
    """The bytes of a file; of one that is too large only so many that this can be seen."""
    with path.open("rb") as file:
        return file.read(FILE_BYTES_MAX + 1)


def create(path: Path, content: bytes) -> bool:
    """Make a file, whole or not at all. False, and nothing was done, when there is one already. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def replace(path: Path, before: bytes, after: bytes) -> bool:
    """Put `after` in the place of `before`, whole or not at all, with the same permissions.

    False, and nothing was done, when the file does not hold `before` any more. Raises OSError. Between us only one
    looks and replaces at a time; an editor that saves in that very moment goes first or last.
    """
    target = path.resolve()  # what a link leads to is replaced, not the link
    status = target.stat()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        with suppress(PermissionError):
            os.chown(temporary, status.st_uid, status.st_gid)
        temporary.chmod(status.st_mode & 0o7777)
        with _alone_in(target.parent):
            if target.read_bytes() != before:
                return False
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return True


@contextmanager
def _alone_in(directory: Path) -> Generator[None]:
    """Keep the others of us waiting, in other threads and processes. Not every network mount can do that."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
