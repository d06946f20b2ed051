"""Knowledge: one immutable snapshot of what the shop wrote, ready to answer from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.core.entries import Entry
from service.core.normalize import normalize
from service.core.ranking import Index, build_index


@dataclass(frozen=True)
class Knowledge:
    """Entries by id, keyword texts (normalised) to entry ids, and the index for everything matched by meaning.

    `version` is the hash of all entries: the same files give the same version on every machine.
    """

    version: str
    entries: Mapping[str, Entry]
    keywords: Mapping[str, str]
    index: Index


def build_knowledge(entries: Sequence[Entry]) -> Knowledge:
    """Build a snapshot. Takes seconds for thousands of entries: call it off the event loop."""
    return Knowledge(
        version=version_of(entries),
        entries={entry.id: entry for entry in entries},
        keywords={
            normalize(text): entry.id
            for entry in entries
            if entry.match == "keyword" and entry.action in {"answer", "handoff"}
            for text in (entry.question, *entry.phrasings)
        },
        index=build_index(entries),
    )


def version_of(entries: Sequence[Entry]) -> str:
    """Hash what the entries say (not where they stand) into a version of 12 hex digits."""
    parts = [
        repr((entry.id, entry.question, entry.phrasings, entry.bubbles, entry.match, entry.action, entry.tags))
        for entry in sorted(entries, key=lambda entry: entry.id)
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
