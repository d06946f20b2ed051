"""Proposals: phrasings that a language model thought of, held against the FAQ and put into its files for review.

A proposal is a line `> - ? phrasing` under its entry. Nothing reads it as a phrasing until somebody deletes the `?`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from service.core.entries import Entry
from service.core.faq import FaqFile, read_file
from service.core.insertion import put_under
from service.core.normalize import normalize
from service.core.ranking import Index

LONGEST = 100
# In scores, of which an exact phrasing has about 2: closer than this to another entry nobody could tell them apart.
LEAST_MARGIN = 0.1
# Of a phrase that is less than this known to an entry's phrasings the words say nothing yet.
LEAST_COVERED = 1 / 3
_SIBLINGS = 5
# What a model puts before a phrase though it was asked not to, and what would be read as something else in a file.
_LIST_MARK = re.compile(r"^(?:[>＞]\s*|[-*+]\s+|[・•]\s*|\d{1,2}[.)．、]\s+|[?？]+\s*)+")
_UNSAFE = re.compile(r"<|`|\{|\}|[\r\n\x0b\x0c\x85\u2028\u2029]")

Why = Literal["repeated", "elsewhere", "too_close", "unusable"]


class Dropped(NamedTuple):
    """A phrase that is not proposed, why, and the entry that it would go to instead."""

    text: str
    why: Why
    entry: str | None = None


class Screened(NamedTuple):
    """What may be proposed for an entry, in order, and what may not."""

    kept: tuple[str, ...]
    dropped: tuple[Dropped, ...]


def may_leave(entry: Entry) -> bool:
    """Tell whether an entry may be shown to a model and gains by phrasings: it is found by meaning and not private."""
    return entry.match == "meaning" and entry.action in {"answer", "handoff"} and not entry.private


def siblings(entry: Entry, entries: Mapping[str, Entry], index: Index) -> tuple[str, ...]:
    """The headings of the entries that are most like this one and may be shown to a model, most alike first."""
    reading = index.read(entry.question)
    if reading is None:
        return ()
    near = (entries[index.ids[place]] for place in np.argsort(-reading.scores, kind="stable"))
    return tuple(each.question for each in near if each.id != entry.id and may_leave(each))[:_SIBLINGS]


def screen(entry: Entry, phrases: Sequence[str], index: Index, taken: set[str]) -> Screened:
    """Keep the phrases that are new and that the index would give to this entry rather than to another one.

    `taken` are all texts that stand in the FAQ or are proposed already, normalised; what is kept joins them. A phrase
    that has little in common with any phrasing collides with none.
    """
    kept: list[str] = []
    dropped: list[Dropped] = []
    for phrase in phrases:
        text = _LIST_MARK.sub("", phrase.strip()).strip()
        finding = _find_fault(text, entry, index, taken)
        if finding:
            dropped.append(finding)
        else:
            kept.append(text)
            taken.add(normalize(text))
    return Screened(tuple(kept), tuple(dropped))


def _find_fault(text: str, entry: Entry, index: Index, taken: set[str]) -> Dropped | None:
    read = normalize(text)
    if not read or len(text) > LONGEST or _UNSAFE.search(text) or not text.isprintable():
        return Dropped(text, "unusable")
    if read in taken:
        return Dropped(text, "repeated")
    reading = index.read(text)
    if reading is None or reading.covered < LEAST_COVERED:
        return None
    best = index.ids[int(np.argmax(reading.scores))]
    if best != entry.id:
        return Dropped(text, "elsewhere", best)
    if reading.margin < LEAST_MARGIN and len(index.ids) > 1:
        second = index.ids[int(np.argsort(-reading.scores, kind="stable")[1])]
        return Dropped(text, "too_close", second)
    return None


def insert(name: str, text: str, proposals: Mapping[str, Sequence[str]]) -> str | None:
    """Write proposals, by entry id, into the text of a file, and leave every other character as it stands.

    What stands there already is not written again. None where a file has no good place for them, so that it would
    read otherwise than before.
    """
    before = read_file(name, text)
    wanted = {entry.id: _new(entry, before, proposals.get(entry.id, ())) for entry in before.entries}
    after = text
    for entry in sorted(before.entries, key=lambda entry: -entry.line):
        if wanted[entry.id]:
            after = put_under(after, entry.line, [f"? {phrase}" for phrase in wanted[entry.id]])
    return after if _reads_as(read_file(name, after), before, wanted) else None


def _new(entry: Entry, file: FaqFile, phrases: Sequence[str]) -> tuple[str, ...]:
    standing = {normalize(text) for text in (entry.question, *entry.phrasings, *file.proposals.get(entry.id, ()))}
    return tuple(phrase for phrase in phrases if normalize(phrase) not in standing)


def _reads_as(after: FaqFile, before: FaqFile, added: Mapping[str, tuple[str, ...]]) -> bool:
    """Tell whether a file says what it said before, and has these proposals besides."""
    said, says = ([msgspec.structs.replace(entry, line=0) for entry in file.entries] for file in (before, after))
    faults, found = (
        sorted(problem.en for problem in file.problems if problem.severity == "error") for file in (before, after)
    )
    waiting = {entry_id: (*before.proposals.get(entry_id, ()), *phrases) for entry_id, phrases in added.items()}
    return said == says and faults == found and {k: v for k, v in waiting.items() if v} == after.proposals
