"""What staff add to the FAQ from a conversation: one more phrasing of an entry, or a new entry.

Pure: it says how the file would read then. Nothing is taken on trust. The folder is read with the change in it, by the
loader that reads it ever after, and every other entry must be what it was, and the new words exactly what was typed.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from service.core.answers import ImageLookup
from service.core.contents import Contents, Source, read_contents
from service.core.entries import Entry, Problem, words_of
from service.core.faq import hash_id
from service.core.insertion import put_under
from service.core.mending import RULE
from service.core.normalize import normalize

NEW_FILE = "added.md"
LONGEST_QUESTION = 200
LONGEST_ANSWER = 5_000
_MARKS = re.compile(r"([\\`*_\[\]<>#|~])")
_LINE_MARK = re.compile(r"(?m)^(\s*)([-+])")
_BREAK = re.compile(rf"(?m)^{RULE}-*[ 　]*$")
Status = Literal["done", "already", "refused", "changed", "unwritable"]


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """What to add. With an `entry` (its id) `question` is one more phrasing of it, and `seen` the entry as it was read.

    Else it is the heading of a new entry, `answer` its answer as the customer is to read it, and `file` where it goes.
    """

    entry: str = ""
    seen: str = ""
    question: str
    answer: str = ""
    file: str = ""

    @property
    def markdown(self) -> str:
        """How it is written in a file."""
        return f"> - {self.question}" if self.entry else _section(self.question, self.answer, "\n")


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an addition: `reasons` say why it was refused, `rivals` which entries mean the same words.

    `changed`: the entry, or the file to add to, is gone or not what was seen. `unwritable`: the folder takes no writes.
    """

    status: Status
    file: str = ""
    reasons: tuple[Problem, ...] = ()
    rivals: tuple[Entry, ...] = ()


class Prepared(NamedTuple):
    """How a file would read: `before` is None where there is none yet. No `after`: it is not to be written."""

    outcome: Added
    before: str | None = None
    after: str | None = None


def one_line(text: str) -> str:
    """Put what a customer wrote on one line, as a heading or a phrasing is."""
    return " ".join(text.split())


def sight(entry: Entry) -> str:
    """Name what an entry says, for whoever adds a phrasing to it: another question or answer is another sight."""
    return hash_id("\n".join((entry.id, entry.question, *map(words_of, entry.bubbles))))


def files_to_add_to(entries: Mapping[str, Entry]) -> list[str]:
    """Name the files whose entries are answered by meaning, as a new one would be, and the one for additions."""
    by_file: dict[str, Entry] = {}
    for entry in entries.values():
        by_file.setdefault(entry.file, entry)
    fits = [name for name, entry in by_file.items() if _is_plain(entry)]
    return sorted({*fits, NEW_FILE})


def _is_plain(entry: Entry) -> bool:
    return entry.action == "answer" and entry.match == "meaning" and not (entry.valid_until or entry.private)


def prepare(addition: Addition, sources: Sequence[Source], images: ImageLookup) -> Prepared:
    """Say how the file would read with an addition, or why it is not to be written."""
    files = {source.name: source for source in sources}
    before = read_contents(sources, images=images)
    entries = {entry.id: entry for entry in before.faq.entries}
    target = entries.get(addition.entry)
    name = target.file if target else addition.file
    if hindrance := _hindrance(addition, target, name, entries):
        return Prepared(hindrance)
    old = files[name].text if name in files else None
    if name in files and (old is None or any(problem.file == name for problem in _errors(before))):
        reasons = tuple(problem for problem in before.problems if problem.file == name)
        return Prepared(Added(status="refused", file=name, reasons=reasons))
    return _first_that_reads_well(addition, target, Place(name, old, files, images), before)


def _hindrance(addition: Addition, target: Entry | None, name: str, entries: Mapping[str, Entry]) -> Added | None:
    """Say why there is nothing to write, or None."""
    is_known = name in files_to_add_to(entries)
    is_as_seen = sight(target) == addition.seen if target else not addition.entry and is_known
    if not is_as_seen:
        return Added(status="changed")
    key = normalize(addition.question)
    if key in map(normalize, (target.question, *target.phrasings)) if target else _is_there(addition, entries):
        return Added(status="already", file=name)
    rivals = _rivals(addition, entries)
    return Added(status="refused", file=name, rivals=rivals) if rivals else None


class Place(NamedTuple):
    """Where something is added: the file's name and text (None: there is none yet) among all files."""

    name: str
    text: str | None
    files: Mapping[str, Source]
    images: ImageLookup


def _first_that_reads_well(addition: Addition, target: Entry | None, place: Place, before: Contents) -> Prepared:
    """Try it as typed, then with its marks marked as words."""
    reasons: tuple[Problem, ...] = ()
    for written in (addition, _marked(addition)):
        text = _written(place.text or "", target, written)
        sources = {**place.files, place.name: Source(place.name, text)}
        after = read_contents(sources.values(), images=place.images)
        new = _new_errors(before, after)
        if not new and _reads_as_meant(addition, target, before, after):
            return Prepared(Added(status="done", file=place.name), place.text, text)
        reasons = reasons or new
    return Prepared(Added(status="refused", file=place.name, reasons=reasons or (_unreadable(place.name),)))


def _is_there(addition: Addition, entries: Mapping[str, Entry]) -> bool:
    found = entries.get(hash_id(addition.question))
    return found is not None and "\n\n".join(map(words_of, found.bubbles)) == "\n\n".join(_bubbles(addition.answer))


def _rivals(addition: Addition, entries: Mapping[str, Entry]) -> tuple[Entry, ...]:
    """Entries that the same message would mean: nobody could tell which one is meant then."""
    key = normalize(addition.question)
    others = (entry for entry in entries.values() if entry.action != "off" and entry.id != addition.entry)
    return tuple(entry for entry in others if key in map(normalize, (entry.question, *entry.phrasings)))


def _errors(contents: Contents) -> list[Problem]:
    return [problem for problem in contents.problems if problem.severity == "error"]


def _new_errors(before: Contents, after: Contents) -> tuple[Problem, ...]:
    known = {(problem.file, problem.en) for problem in _errors(before)}
    return tuple(problem for problem in _errors(after) if (problem.file, problem.en) not in known)


def _reads_as_meant(addition: Addition, target: Entry | None, before: Contents, after: Contents) -> bool:
    """Whether every entry is what it was, and what was added says just what was typed."""
    old = {entry.id: _placeless(entry) for entry in before.faq.entries}
    new = {entry.id: _placeless(entry) for entry in after.faq.entries}
    if target:
        expected = (*target.phrasings, addition.question)
        old[target.id] = msgspec.structs.replace(old[target.id], phrasings=expected)
        return new == old
    added = new.pop(hash_id(addition.question), None)
    if added is None or new != old:
        return False
    return added.question == addition.question and added.bubbles == _bubbles(addition.answer)


def _placeless(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, line=0)


def _bubbles(answer: str) -> tuple[str, ...]:
    """The bubbles that an answer is meant as: parted at its lines of `---`, with at most one empty line in a row."""
    parts = (re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t　]+\n", "\n", part)).strip() for part in _BREAK.split(answer))
    return tuple(part for part in parts if part)


def _marked(addition: Addition) -> Addition:
    """Write each mark so that it reads as the sign that it is."""
    answer = _LINE_MARK.sub(r"\1\\\2", _MARKS.sub(r"\\\1", addition.answer))
    answer = re.sub(rf"(?m)^\\({RULE}-*[ 　]*)$", r"\1", answer)
    question = addition.question if addition.entry else _MARKS.sub(r"\\\1", addition.question)
    return msgspec.structs.replace(addition, question=question, answer=answer)


def _written(text: str, target: Entry | None, addition: Addition) -> str:
    """How a file's text would read: with one more phrasing of an entry, or with a new entry at its end."""
    if target:
        return put_under(text, target.line, [addition.question])
    ending = "\r\n" if "\r\n" in text else "\n"
    section = _section(addition.question, addition.answer, ending)
    above = text.rstrip("\r\n")
    return f"{above}{ending}{ending}{section}" if above.strip() else section


def _section(question: str, answer: str, ending: str) -> str:
    plain = re.sub(r"\\(.)", r"\1", question)
    lines = [f"## {question} {{#{hash_id(plain)}}}", ""]
    for number, bubble in enumerate(_bubbles(answer)):
        lines += (["", RULE, ""] if number else []) + bubble.split("\n")
    return ending.join((*lines, ""))


def _unreadable(name: str) -> Problem:
    ja = "この文は、記号の並びのため、そのままの形では書き込めません。記号を減らすか、文を短くしてお試しください。"
    en = "These words cannot be written down as they are, because of their marks. Use fewer, or shorter ones."
    return Problem(file=name, line=1, severity="error", ja=ja, en=en)


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """An addition that waits for an owner: whose idea it was and when, and from which handoff of which customer's.

    `is_unwritable`: an owner wanted it, and the folder took no writes.
    """

    id: str
    addition: Addition
    by: str
    at: datetime
    handoff: str
    customer: str
    is_unwritable: bool = False
