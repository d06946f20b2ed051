"""Knowledge: one immutable snapshot of what the shop wrote, ready to answer from."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from service.core.entries import Entry
from service.core.normalize import normalize
from service.core.ranking import Index, build_index
from service.core.shop import DEFAULT_SHOP, Shop
from service.core.texts import DEFAULT_TEXTS, Texts


@dataclass(frozen=True)
class Knowledge:
    """Entries by id, keyword texts (normalised) to entry ids, the index for everything matched by meaning; the shop and
    its own texts. `person` and `courtesy` are the shop's own phrases (normalised) for asking for a person, and thanks.

    `version` is the hash of all of it: the same files give the same version on every machine.
    """

    version: str
    entries: Mapping[str, Entry]
    keywords: Mapping[str, str]
    index: Index
    shop: Shop
    texts: Texts
    person: frozenset[str]
    courtesy: frozenset[str]

    @property
    def starters(self) -> tuple[str, ...]:
        """The entries to offer on buttons: those of the shop's `starters` that are served."""
        entries = (self.entries.get(starter) for starter in self.shop.starters)
        return tuple(entry.id for entry in entries if entry and entry.action in {"answer", "handoff"})


def build_knowledge(
    entries: Sequence[Entry], shop: Shop = DEFAULT_SHOP, texts: Texts = DEFAULT_TEXTS, before: Knowledge | None = None
) -> Knowledge:
    """Build a snapshot. Takes seconds for thousands of entries: call it off the event loop.

    The index is that of `before` when nothing that it is made of has changed, so that a changed answer is quick.
    """
    by_id = {entry.id: entry for entry in entries}
    is_indexed = before is not None and _indexed(before.entries.values()) == _indexed(entries)
    return Knowledge(
        version=version_of(entries, shop, texts),
        entries=by_id,
        keywords={
            normalize(text): entry.id
            for entry in entries
            if entry.match == "keyword" and entry.action in {"answer", "handoff"}
            for text in (entry.question, *entry.phrasings)
        },
        index=before.index if before and is_indexed else build_index(entries),
        shop=shop,
        texts=texts,
        person=frozenset(map(normalize, shop.person)),
        courtesy=frozenset(map(normalize, shop.courtesy)),
    )


def _indexed(entries: Iterable[Entry]) -> Mapping[str, tuple[object, ...]]:
    """What the index is made of, by id."""
    return {entry.id: (entry.question, entry.phrasings, entry.match, entry.action) for entry in entries}


def version_of(entries: Sequence[Entry], shop: Shop = DEFAULT_SHOP, texts: Texts = DEFAULT_TEXTS) -> str:
    """Hash what the files say (not where it stands) into a version of 12 hex digits."""
    parts = [
        repr(msgspec.structs.replace(entry, file="", line=0)) for entry in sorted(entries, key=lambda entry: entry.id)
    ]
    own = msgspec.to_builtins((shop, texts), str_keys=True)
    parts.append(msgspec.json.encode(own, order="sorted").decode())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
