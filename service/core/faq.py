"""FAQ files: what staff edit, read into entries.

The writers are not engineers, so a file is first read as it was meant (`mending`), with a warning for each oddity;
this module reads what that gives, and tells each problem in plain words with its file and line, all of them at once.
What could be meant in two ways, and would reach customers if read wrongly, is an error: the file then gives none of
its entries, and its last good version stays in use.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from service.core.answers import ImageLookup, no_images, read_answer
from service.core.characters import split_lines
from service.core.entries import Bubble, Entry, Problem
from service.core.frontmatter import Settings, read_settings
from service.core.linetext import Line, code_roles, to_line_text
from service.core.mending import mend
from service.core.normalize import normalize
from service.core.oddities import to_problem
from service.core.placeholders import NAMES, placeholders_in
from service.core.reporting import Reporter

_ID_MARK = re.compile(r"\{#([^{}]*)\}\s*$")
_BARE_ID = re.compile(r"\{([a-z0-9_-]+)\}\s*$")
_ID = re.compile(r"[a-z0-9_-]{1,60}")
_QUOTE = re.compile(r">+\s*(?:[-*+]\s+)?(.*?)\s*$")
# A phrasing that nobody has accepted yet: `> - ? phrasing`.
_PROPOSAL = re.compile(r"[?？][?？\s]*(.*)")
# No bubble holds a line this long; some patterns would take minutes for one of a megabyte.
_LINE_MAX = 10_000
_ENTRY = "## "
_TITLE = "# "
_LOST = "\ufffd"


class FaqFile(msgspec.Struct, frozen=True):
    """One file as read: its entries, as far as they could be read, and what is wrong with it.

    `name` is the path inside the FAQ folder, with `/`. `settings` hold for all of its entries. `proposals` are
    phrasings that wait for somebody to accept them, by the entry's id: until then nothing uses them. `compared` has for
    each entry its heading and its phrasings as they are compared: normalising those of a large folder takes a second.
    """

    name: str
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    settings: Settings = msgspec.field(default_factory=Settings)
    proposals: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict[str, tuple[str, ...]])
    compared: tuple[tuple[str, ...], ...] = ()


class _Section(NamedTuple):
    heading: Line
    quotes: list[Line]
    answer: list[Line]


def read_file(name: str, text: str, images: ImageLookup = no_images) -> FaqFile:
    """Read one file. Never fails: what is wrong with it stands in `problems`.

    `images` is asked for the pictures that answers name, by their paths in the FAQ folder.
    """
    if number := _too_long(text):
        report = Reporter(name)
        ja = f"この行は長すぎます。1行は{_LINE_MAX:,}文字までです。"
        report.error(number, ja, f"This line is too long: a line holds at most {_LINE_MAX:,} characters.")
        return FaqFile(name, (), tuple(report.problems))
    mended = mend(text)
    reader = _Reader(name, images)
    entries = reader.read(mended.lines)
    problems = {*reader.report.problems, *(to_problem(name, oddity) for oddity in mended.oddities)}
    return FaqFile(
        name,
        entries,
        tuple(sorted(problems, key=lambda one: (one.line, one.en))),
        reader.settings,
        reader.proposals,
        tuple(tuple(map(normalize, (entry.question, *entry.phrasings))) for entry in entries),
    )


def _too_long(text: str) -> int:
    """The number of the first line that is too long; 0 when there is none."""
    lines = enumerate(split_lines(text), start=1)
    return next((number for number, line in lines if len(line) > _LINE_MAX), 0)


def fix_text(text: str) -> str:
    """Return the text of a file as it should be written: every oddity mended, every id written down.

    It reads as `text` does, and fixing it again changes nothing.
    """
    return "\n".join(written for _, written in fix_lines(text))


def fix_lines(text: str) -> list[tuple[int, str]]:
    """As `fix_text`, line by line, each with the number of the line in `text` that it was made of."""
    if _too_long(text):
        return list(enumerate(text.split("\n"), start=1))
    mended = mend(text)
    entries = _Reader("", no_images).read(mended.lines)
    times = Counter(entry.id for entry in entries)
    ids = iter(entry.id if times[entry.id] == 1 and normalize(entry.question) else "" for entry in entries)
    rows = [row for row in mended.rows if not row.is_comment]
    roles = dict(zip(map(id, rows), code_roles([row.text for row in rows]), strict=True))
    fixed: list[tuple[int, str]] = []
    for row in mended.rows:
        written = row.written
        if not row.is_comment and not roles[id(row)] and f"{row.text} ".startswith(_ENTRY):
            entry_id = next(ids)
            if entry_id and row.raw is None and not _ID_MARK.search(row.text):
                written = f"{written.rstrip()} {{#{entry_id}}}"
        fixed.append((row.number, written))
    return fixed


def hash_id(question: str) -> str:
    """Make the id of an entry that has none written down: always the same for the same heading."""
    composed = unicodedata.normalize("NFC", question)
    return hashlib.sha256(composed.encode("utf-8", "replace")).hexdigest()[:8]


def _placeholders(bubbles: Iterable[Bubble]) -> tuple[str, ...]:
    found = (name for bubble in bubbles if isinstance(bubble, str) for name in placeholders_in(bubble))
    return tuple(dict.fromkeys(name for name in found if name in NAMES))


class _Reader:
    """Reads one file and collects what is wrong with it."""

    def __init__(self, name: str, images: ImageLookup) -> None:
        self.name = name
        self.images = images
        self.report = Reporter(name)
        self.settings = Settings()
        self.proposals: dict[str, tuple[str, ...]] = {}

    def read(self, lines: Sequence[Line]) -> tuple[Entry, ...]:
        for line in lines:
            self.check_characters(line)
        self.settings, body = read_settings(lines, self.report.error)
        sections = self.sections(body)
        if not sections:
            ja = "FAQ がありません。質問は「## 質問」と書きます。"
            self.report.warn(1, ja, "No FAQ entry here. A question is written as `## Question`.")
        return tuple(self.entry(section) for section in sections)

    def check_characters(self, line: Line) -> None:
        if "<!--" in line.text:
            ja = "コメント <!-- が --> で閉じられていません。--> を書き足すか、<!-- を消してください。"
            self.report.error(line.number, ja, "The comment <!-- is never closed. Add --> or remove <!--.")
        if _LOST in line.text:
            ja = "文字化けした文字「\ufffd」があります。正しい文字に直してください。"
            self.report.error(line.number, ja, "There is a character that was lost (\ufffd). Put the right one there.")

    def sections(self, lines: Sequence[Line]) -> list[_Section]:
        """Part the lines at their headings. One `#` is a title for people, and the entry above ends there."""
        sections: list[_Section] = []
        current: _Section | None = None
        text_is_lost = False
        for line, role in zip(lines, code_roles([line.text for line in lines]), strict=True):
            if not role and f"{line.text} ".startswith(_ENTRY):
                current = _Section(Line(line.number, line.text[len(_ENTRY) :].strip()), [], [])
                sections.append(current)
            elif not role and f"{line.text} ".startswith(_TITLE):
                current, text_is_lost = None, False
            elif current:
                self.add(line, current, is_code=bool(role))
            elif line.text.strip(" 　-") and not text_is_lost:
                text_is_lost = True
                ja = "この文章はどの質問にも属していないため、使われません。質問は「## 質問」と書きます。"
                self.report.warn(
                    line.number, ja, "This text belongs to no entry and is not used. A question is `## Question`."
                )
        return sections

    def add(self, line: Line, section: _Section, *, is_code: bool) -> None:
        """Put a line under the heading where it belongs."""
        quote = None if is_code else _QUOTE.match(line.text.lstrip())
        if quote and section.answer:
            ja = "「>」で始まるお客様の言い回しは、答えより上に書いてください。答えに > を入れるときは \\> と書きます。"
            en = "Phrasings (>) must stand above the answer. To send a > in an answer, write \\>."
            self.report.error(line.number, ja, en)
        elif quote:
            section.quotes.append(Line(line.number, quote[1]))
        elif section.answer or line.text.strip():
            section.answer.append(line)

    def entry(self, section: _Section) -> Entry:
        settings = self.settings
        number = section.heading.number
        question = self.question(section.heading)
        bubbles = read_answer(section.answer, self.name, self.images, self.report)
        entry_id = self.entry_id(section.heading, question)
        phrasings = self.phrasings(self.without_proposals(section.quotes, entry_id, question), question)
        if settings.action == "answer" and not bubbles:
            self.report.error(number, f"「{question}」の答えがありません。", f'"{question}" has no answer.')
        if not phrasings and settings.match == "meaning" and settings.action in {"answer", "handoff"}:
            ja = (
                f"「{question}」に、お客様の言い回しがありません。見出しの下に「> - 言い回し」を5つほど書いてください。"
            )
            en = f'"{question}" has no phrasings. Write about five lines `> - phrasing` under the heading.'
            self.report.warn(number, ja, en)
        return Entry(
            id=entry_id,
            question=question,
            phrasings=phrasings,
            bubbles=bubbles,
            match=settings.match,
            action=settings.action,
            tags=settings.tags,
            placeholders=_placeholders(bubbles),
            valid_from=settings.valid_from,
            valid_until=settings.valid_until,
            review_by=settings.review_by,
            lang=settings.lang,
            ask=settings.ask,
            urgent=settings.urgent,
            quiet=settings.quiet,
            private=settings.private,
            file=self.name,
            line=number,
        )

    def question(self, heading: Line) -> str:
        number, text = heading
        read = to_line_text([Line(number, _ID_MARK.sub("", text))])
        for finding in read.findings:
            self.report.markup(finding)
        if not normalize(read.text):
            self.report.error(number, "「##」のあとに質問を書いてください。", "Write the question after ##.")
        if bare := _BARE_ID.search(read.text):
            ja = f"見出しに「{bare[0]}」は使えません。IDなら「{{#{bare[1]}}}」と書きます。"
            self.report.error(number, ja, f'A heading cannot hold "{bare[0]}". An id is written `{{#{bare[1]}}}`.')
        return read.text

    def entry_id(self, heading: Line, question: str) -> str:
        if mark := _ID_MARK.search(heading.text):
            if _ID.fullmatch(mark[1]):
                return mark[1]
            ja = f"ID「{mark[1]}」は使えません。半角の a-z、0-9、-、_ で「{{#hours}}」のように書きます（60文字まで）。"
            en = f'The id "{mark[1]}" may hold only a-z, 0-9, - and _ (at most 60), like `{{#hours}}`.'
            self.report.error(heading.number, ja, en)
        return hash_id(question)

    def without_proposals(self, quotes: Sequence[Line], entry_id: str, question: str) -> list[Line]:
        """Set aside what only has been proposed, and tell that it waits."""
        marked = [(line, mark[1]) for line in quotes if (mark := _PROPOSAL.fullmatch(line.text))]
        proposed = {line: text for line, text in marked if normalize(text)}
        if proposed:
            self.proposals[entry_id] = tuple(proposed.values())
            count, number = len(proposed), min(line.number for line in proposed)
            ja = (
                f"「{question}」に、確認待ちの言い回しの案が{count}件あります。"
                "使うものは行の「?」を消し、使わないものは行ごと消してください。"
            )
            en = f'"{question}" has {count} proposed phrasings. Delete the ? of a line to use it, or the whole line.'
            self.report.warn(number, ja, en)
        return [line for line in quotes if line not in proposed]

    def phrasings(self, quotes: Sequence[Line], question: str) -> tuple[str, ...]:
        """What customers write; what repeats the heading or another phrasing adds nothing and is left out."""
        heading = normalize(question)
        kept: dict[str, str] = {}
        for number, text in quotes:
            key = normalize(text)
            if text and not key:
                ja = f"「{text}」には文字がないので、言い回しとして使えません。"
                self.report.warn(number, ja, f'"{text}" holds no words and cannot be used as a phrasing.')
            elif key and key != heading:
                kept.setdefault(key, text)
        return tuple(kept.values())
