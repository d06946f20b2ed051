"""The FAQ folder on disk: read, watched, and turned into knowledge. A broken file keeps its own last good version."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import structlog

from service.core.entries import Problem
from service.core.faq import FaqFile, assemble, format_problem, read_file
from service.core.knowledge import Knowledge, build_knowledge, version_of
from service.errors import KnowledgeError

log = structlog.get_logger()
_LOOK_EVERY_S = 0.5


def read_files(directory: Path) -> list[FaqFile]:
    """Read every FAQ file of a folder and of the folders in it. Raises KnowledgeError when there is no such folder."""
    if not directory.is_dir():
        raise KnowledgeError(f"{directory}: no such folder")
    paths = _paths(directory)
    names = {path: path.relative_to(directory) for path in paths}
    # "_" is for files that are not FAQ; "." for what editors and git leave there.
    return [
        _read(path, name.as_posix())
        for path, name in names.items()
        if not any(part.startswith(("_", ".")) for part in name.parts)
    ]


def _paths(directory: Path) -> list[Path]:
    try:
        return sorted(directory.rglob("*.md"))
    except OSError as error:
        raise KnowledgeError(f"{directory}: cannot be read: {error.strerror}") from error


def _read(path: Path, name: str) -> FaqFile:
    try:
        return read_file(name, path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        ja, en = "UTF-8 で保存されていません。", "This file is not saved as UTF-8."
    except OSError as error:
        ja, en = f"ファイルを読めません：{error.strerror}", f"This file cannot be read: {error.strerror}"
    return FaqFile(name, (), (Problem(file=name, line=1, severity="error", ja=ja, en=en),))


class FaqFolder:
    """Keeps the current knowledge of one folder."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._good: tuple[FaqFile, ...] = ()
        self._current: Knowledge | None = None

    @property
    def current(self) -> Knowledge:
        """The knowledge that answers now. Raises KnowledgeError before the first `load`."""
        if self._current is None:
            raise KnowledgeError("the FAQ folder has not been read yet")
        return self._current

    def load(self) -> list[Problem]:
        """Read the folder and swap in what it says; returns the problems. Blocks: run it in a thread.

        A file with errors keeps what it said when it was last good, the other files go live.
        Raises KnowledgeError, and changes nothing, when there is not one entry to serve.
        """
        folder = assemble(read_files(self._directory), self._good)
        if not folder.entries:
            raise KnowledgeError("\n".join(format_problem(problem, "en") for problem in folder.problems))
        if self._current is None or self._current.version != version_of(folder.entries):
            self._current = build_knowledge(folder.entries)
        self._good = folder.files
        return list(folder.problems)

    async def watch(self) -> AsyncGenerator[None]:
        """Reload whenever a file changes, for ever. Yields after each reload, good or bad.

        The folder is looked at twice a second, which costs a millisecond and works where the kernel's own notices do
        not: on network and container mounts, and when the folder goes and another one takes its place. What is still
        being written is read when two looks in a row agree. The first reload comes by itself, for what was saved
        before the watch began.
        """
        loaded, before = None, None
        while True:
            now = await asyncio.to_thread(_look, self._directory)
            if now == before != loaded:
                loaded = now
                await self._reload()
                yield
            before = now
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _reload(self) -> None:
        before = self._current
        try:
            problems = await asyncio.to_thread(self.load)
        except KnowledgeError as error:
            log.warning("faq_refused", problems=str(error))
        except Exception:  # a fault in our own code must not end the watch: the next save may be read again
            log.exception("faq_reload_failed")
        else:
            report(problems)
            if self._current is not before:
                log.info("faq_loaded", version=self.current.version, entries=len(self.current.entries))


def _look(directory: Path) -> tuple[tuple[str, int, int, int], ...]:
    """What tells one state of the folder's files from another, without reading them."""
    found: list[tuple[str, int, int, int]] = []
    with contextlib.suppress(OSError, KnowledgeError):  # it went away meanwhile: the next look differs again
        for path in _paths(directory):
            file = path.stat()
            found.append((str(path), file.st_ino, file.st_mtime_ns, file.st_ctime_ns))
    return tuple(found)


def report(problems: list[Problem]) -> None:
    """Log what is wrong with the FAQ files."""
    for problem in problems:
        log.warning("faq_problem", severity=problem.severity, problem=format_problem(problem, "ja"))
