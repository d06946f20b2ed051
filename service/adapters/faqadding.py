"""Additions to the FAQ folder, written where the folder is: by a worker. What somebody else saves meanwhile stays."""

from pathlib import Path

from service.adapters.faqfiles import create, list_files, read_sources, replace
from service.adapters.images import ImageFolder
from service.core.additions import Added, Addition, Prepared, prepare
from service.errors import KnowledgeError

# Of those who add at once one succeeds each time.
_TRIES = 20


class FaqAdder:
    """Adds to one folder. Every call blocks: run it in a thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._images = ImageFolder(directory).look

    def add(self, addition: Addition, is_trial: bool) -> Added:  # noqa: FBT001
        """Add it, or in a trial only say what would become of it.

        The folder is read anew, and a file is replaced only while it holds what was read: whatever is saved by others
        in that moment is kept, and the addition is put into that.
        """
        outcome = Added(status="changed")
        for _ in range(_TRIES):
            try:
                prepared = prepare(addition, read_sources(self._directory), self._images)
            except KnowledgeError:
                return Added(status="unwritable")
            outcome = prepared.outcome
            if prepared.after is None or is_trial:
                return outcome
            try:
                if self._write(prepared):
                    return outcome
            except OSError:
                return Added(status="unwritable", file=outcome.file)
        return Added(status="changed", file=outcome.file)

    def _write(self, prepared: Prepared) -> bool:
        after = (prepared.after or "").encode()
        if prepared.before is None:
            return create(self._directory / prepared.outcome.file, after)
        path = list_files(self._directory)[prepared.outcome.file]
        return replace(path, prepared.before.encode(), after)
