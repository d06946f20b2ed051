"""The FAQ folder on disk: read, watched, and turned into knowledge. A broken file keeps its own last good version."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncGenerator, Generator, Mapping
from pathlib import Path

import msgspec
import structlog

from service.adapters.calibrations import Calibrations
from service.adapters.faqfiles import read_sources
from service.adapters.images import ImageFolder
from service.core.calibration import Calibration
from service.core.contents import NOTHING, Contents, Source, read_contents
from service.core.entries import Problem
from service.core.features import Tokenizer
from service.core.fitting import calibrate
from service.core.folder import format_problem
from service.core.knowledge import Knowledge, build_knowledge, version_of
from service.core.ranking import Index
from service.core.thresholds import Learned
from service.errors import FittingFailed, KnowledgeError, StoreUnavailable

log = structlog.get_logger()
_LOOK_EVERY_S = 0.25
# Calibrated while it is loaded up to here, in about two seconds; beyond that in a process of its own.
_FEW_PHRASINGS = 1_000
_SUFFIXES = {".md", ".yaml", ".yml", ".txt", ".jpg", ".jpeg", ".png"}


class FaqFolder:
    """Keeps the current knowledge of one folder.

    `last_good` are the texts of files that were good when the service last ran, by name: they stand in for a file that
    is broken at the start, and for a folder that is gone. `tokenizer` cuts Japanese. `calibrations` are for folders
    too large to be fitted while they are loaded: without them these answer only exact phrasings.
    """

    def __init__(
        self,
        directory: Path,
        last_good: Mapping[str, str] | None = None,
        tokenizer: Tokenizer | None = None,
        calibrations: Calibrations | None = None,
    ) -> None:
        self._directory = directory
        self._images = ImageFolder(directory).look
        self._last_good = last_good or {}
        self._contents = NOTHING
        self._tokenizer = tokenizer
        self._calibrations = calibrations
        self._fitting: tuple[str, asyncio.Task[Calibration]] | None = None
        self._current: Knowledge | None = None

    @property
    def current(self) -> Knowledge:
        """The knowledge that answers now. Raises KnowledgeError before the first `load`."""
        if self._current is None:
            raise KnowledgeError("the FAQ folder has not been read yet")
        return self._current

    @property
    def good(self) -> Mapping[str, str]:
        """The texts of the file versions that are served, by name."""
        return self._contents.good

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What the last `load` that succeeded found wrong."""
        return self._contents.problems

    def take_vectors(self, index: Index, calibration: Calibration) -> bool:
        """Answer by vectors too. False, and nothing changes, when other phrasings are served by now."""
        if self.current.index.id != index.id:
            return False
        self._current = self.current.with_vectors(index, calibration)
        return True

    def load(self) -> list[Problem]:
        """Read the folder and swap in what it says; returns the problems. Blocks: run it in a thread.

        A file with errors keeps what it said when it was last good, the other files go live.
        Raises KnowledgeError, and changes nothing, when there is not one entry to serve.
        """
        with _collector_off():
            return self._load()

    def _load(self) -> list[Problem]:
        if self._last_good:
            sources = [Source(name, text) for name, text in self._last_good.items()]
            self._contents = read_contents(sources, images=self._images)
            self._last_good = {}
        try:
            contents = read_contents(read_sources(self._directory), self._contents, self._images)
            _refuse_nothing(contents)
        except KnowledgeError as error:
            if self._current or not self._contents.faq.entries:
                raise
            contents = msgspec.structs.replace(self._contents, problems=(_standing_in(error),))
        version = version_of(contents.faq.entries, contents.shop, contents.texts)
        if self._current is None or self._current.version != version:
            self._current = self._learn(contents)
        self._contents = contents
        return list(contents.problems)

    def _learn(self, contents: Contents) -> Knowledge:
        """Build the knowledge. A large folder keeps the calibration it has."""
        entries, shop = contents.faq.entries, contents.shop
        knowledge = build_knowledge(entries, shop, contents.texts, self._current, tokenizer=self._tokenizer)
        if knowledge.stale and sum(len(entry.phrasings) for entry in entries) <= _FEW_PHRASINGS:
            return knowledge.with_calibration(calibrate(entries, knowledge.index.lexicon.wording))
        return knowledge

    async def recall(self) -> None:
        """Take the calibration that was fitted for just this before, if there is one."""
        if not self._calibrations or not self.current.stale:
            return
        try:
            kept = await self._calibrations.find(self.current.index.id)
        except StoreUnavailable as error:
            log.warning("calibration_not_read", error=str(error))
        else:
            if kept:
                self._calibrate(kept)

    def teach(self, learned: Learned) -> None:
        """Take over what traffic has taught, where it is news. A load that ends meanwhile undoes it: teach it again."""
        if self.current.learned != learned:
            self._current = self.current.taught(learned)
            log.info("taught", share=learned.share, at_least=learned.at_least, calibration=self.current.calibration.id)

    async def watch(self) -> AsyncGenerator[None]:
        """Reload whenever a file changes, for ever. Yields after each reload, good or bad, and each new calibration.

        The folder is looked at four times a second, which costs a millisecond and works where the kernel's own notices
        do not: on network and container mounts, and when the folder goes and another one takes its place. What is still
        being written is read when two looks in a row agree. The first reload comes by itself, for what was saved
        before the watch began.
        """
        loaded, before = None, None
        try:
            while True:
                now = await asyncio.to_thread(_look, self._directory)
                if now == before != loaded:
                    loaded = now
                    await self._reload()
                    await self.recall()
                    await self._begin_fitting()
                    yield
                if self._take_fitted():
                    yield
                before = now
                await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            await self._end_fitting()

    async def _begin_fitting(self) -> None:
        """Have a calibration fitted where one is missing, and none for what is not there any more."""
        knowledge = self.current
        wanted = knowledge.index.id if self._calibrations and knowledge.stale else None
        if self._fitting and self._fitting[0] == wanted:
            return
        await self._end_fitting()
        if self._calibrations and wanted:
            entries = tuple(knowledge.entries.values())
            making = self._calibrations.make(entries, knowledge.index.lexicon.wording, wanted)
            self._fitting = wanted, asyncio.create_task(making)
            log.info("calibrating", version=knowledge.version, index=wanted)

    def _take_fitted(self) -> bool:
        """Tell whether a calibration has come in. One that could not be fitted is tried again with the next change."""
        if self._fitting is None or not self._fitting[1].done():
            return False
        fitted, self._fitting = self._fitting[1], None
        try:
            self._calibrate(fitted.result())
        except FittingFailed as error:
            log.warning("calibration_failed", error=str(error))
        except Exception:  # a fault in our own code must not end the watch
            log.exception("calibration_failed")
        else:
            return True
        return False

    def _calibrate(self, calibration: Calibration) -> None:
        self._current = self.current.with_calibration(calibration)
        log.info("calibrated", version=self.current.version, calibration=self.current.calibration.id)

    async def _end_fitting(self) -> None:
        if self._fitting:
            self._fitting[1].cancel()
            await asyncio.wait({self._fitting[1]})
            self._fitting = None

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


def _refuse_nothing(contents: Contents) -> None:
    if not contents.faq.entries:
        raise KnowledgeError("\n".join(format_problem(problem, "en") for problem in contents.problems))


def _standing_in(error: KnowledgeError) -> Problem:
    ja = f"FAQ を読めないため、最後に正しかった内容でお答えします（{error}）。"
    en = f"The FAQ cannot be read ({error}); what was good last answers in its place."
    return Problem(file=".", line=1, severity="error", ja=ja, en=en)


@contextlib.contextmanager
def _collector_off() -> Generator[None]:
    """Keep Python's garbage collector from stopping the event loop while thousands of entries are made, or later.

    One look through 10,000 entries takes it 60 ms. They hold no cycles, so it need not look at them at all.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _look(directory: Path) -> tuple[tuple[str, int, int, int], ...]:
    """What tells one state of the folder's files and pictures from another, without reading them."""
    found: list[tuple[str, int, int, int]] = []
    with contextlib.suppress(OSError):  # it went away meanwhile: the next look differs again
        for path in sorted(directory.rglob("*")):
            if path.suffix.lower() in _SUFFIXES:
                file = path.stat()
                found.append((str(path), file.st_ino, file.st_mtime_ns, file.st_ctime_ns))
    return tuple(found)


def report(problems: list[Problem]) -> None:
    """Log what is wrong with the FAQ files."""
    for problem in problems:
        log.warning("faq_problem", severity=problem.severity, problem=format_problem(problem, "ja"))
