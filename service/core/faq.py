"""FAQ files: what staff edit, read into entries.

The writers are not engineers, so a file is read line by line and forgivingly: marks may be full-width, spaces may be
missing, and each problem is told in plain words with its file and line, all of them at once. What could be meant in
two ways, and would reach customers if read wrongly, is an error: the file then gives none of its entries, and its
last good version stays in use.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal, NamedTuple

import msgspec

from service.core.entries import Entry, Problem
from service.core.frontmatter import Settings, read_settings
from service.core.linetext import Line, LineText, numbered_lines, to_line_text
from service.core.normalize import normalize
from service.core.texts import Lang

# LINE takes five messages in one reply, of 5,000 UTF-16 units each.
BUBBLES_MAX = 5
UNITS_MAX = 5000

_HEADING = re.compile(r"\s{0,3}([#＃]+)(\s*)(.*?)(?:\s+[#＃]+)?\s*$")
_ID_MARK = re.compile(r"\s*[{｛]\s*[#＃]([^{}｛｝]*)[}｝]\s*$")
_ID = re.compile(r"[a-z0-9_-]{1,60}")
_QUOTE = re.compile(r"\s*[>＞]+\s*(?:[-*+]\s+|・\s*)?(.*?)\s*$")
_BUBBLE_BREAK = re.compile(r"\s*-{3,}\s*$")


class FaqFile(msgspec.Struct, frozen=True):
    """One file as read: its entries, as far as they could be read, and what is wrong with it.

    `name` is the path inside the FAQ folder, with `/`.
    """

    name: str
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


class Folder(msgspec.Struct, frozen=True):
    """The whole folder: the entries to serve, every problem by file and line, and the file versions served."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    files: tuple[FaqFile, ...]


class _Section(NamedTuple):
    heading: Line
    quotes: list[Line]
    answer: list[Line]


def read_folder(files: Mapping[str, str]) -> Folder:
    """Read a folder given as file name to text. Files and folders whose names begin with `_` are no FAQ."""
    names = (name for name in files if not any(part.startswith("_") for part in name.split("/")))
    return assemble(read_file(name, files[name]) for name in names)


def assemble(files: Iterable[FaqFile], last_good: Iterable[FaqFile] = ()) -> Folder:
    """Put files together, in name order, and find what clashes between them.

    `last_good` are the `files` of the folder assembled before. A file with errors is served in the version it has
    there, or not at all. When two files clash, the one that changed since is the one with the error.
    """
    good = {file.name: file for file in last_good}
    read = sorted(files, key=lambda file: (file != good.get(file.name), file.name))
    served = read
    broken: set[str] = set()
    problems = {problem for file in read for problem in file.problems} | set(_clashes(read))
    # An old version that comes back may clash with a new file, which then has to step back as well.
    while failed := {problem.file for problem in problems if problem.severity == "error"} - broken:
        broken |= failed
        versions = (good.get(file.name) if file.name in broken else file for file in read)
        served = sorted(filter(None, versions), key=lambda file: (file != good.get(file.name), file.name))
        problems |= {clash for clash in _clashes(served) if clash.severity == "error"}
    served = sorted(served, key=lambda file: file.name)
    entries = tuple(entry for file in served for entry in file.entries)
    if not entries and not broken:
        problems.add(_problem(".", 1, "error", "FAQ がひとつもありません。", "There is not one FAQ entry."))
    return Folder(entries, tuple(sorted(problems, key=_place)), tuple(served))


def format_problem(problem: Problem, lang: Lang) -> str:
    """Return `file:line: message` in the language asked for."""
    return f"{problem.file}:{problem.line}: {problem.ja if lang == 'ja' else problem.en}"


def _place(problem: Problem) -> tuple[str, int, str]:
    return problem.file, problem.line, problem.en


def _problem(file: str, line: int, severity: Literal["error", "warning"], ja: str, en: str) -> Problem:
    return Problem(file=file, line=line, severity=severity, ja=ja, en=en)


def _clashes(files: Iterable[FaqFile]) -> Iterator[Problem]:
    """Ids, keywords and phrasings that a later entry shares with an earlier one."""
    ids: dict[str, Entry] = {}
    texts: dict[str, Entry] = {}
    for entry in chain.from_iterable(file.entries for file in files):
        first = ids.setdefault(entry.id, entry)
        if first is not entry:
            ja = f"ID「{entry.id}」は {first.file}:{first.line} でも使われています。別の {{#id}} を付けてください。"
            en = f'The id "{entry.id}" is also used at {first.file}:{first.line}. Give one of them another {{#id}}.'
            yield _problem(entry.file, entry.line, "error", ja, en)
        for text in (entry.question, *entry.phrasings) if entry.action != "off" else ():
            first = texts.setdefault(normalize(text), entry)
            if first is not entry:
                yield _same_text(text, entry, first)


def _same_text(text: str, entry: Entry, first: Entry) -> Problem:
    if entry.match == first.match == "keyword":
        ja = f"キーワード「{text}」は {first.file}:{first.line} にもあります。どちらかを消してください。"
        en = f'The keyword "{text}" also stands at {first.file}:{first.line}. Remove one of them.'
        return _problem(entry.file, entry.line, "error", ja, en)
    ja = f"「{text}」は {first.file}:{first.line} にもあります。どちらの質問か決められません。"
    en = f'"{text}" also stands at {first.file}:{first.line}, so it cannot be told which one is meant.'
    return _problem(entry.file, entry.line, "warning", ja, en)


def read_file(name: str, text: str) -> FaqFile:
    """Read one file. Never fails: what is wrong with it stands in `problems`."""
    reader = _Reader(name)
    return FaqFile(name, reader.read(numbered_lines(text.removeprefix("\ufeff"))), tuple(reader.problems))


class _Reader:
    """Reads one file and collects what is wrong with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []

    def error(self, line: int, ja: str, en: str) -> None:
        self.problems.append(_problem(self.name, line, "error", ja, en))

    def warn(self, line: int, ja: str, en: str) -> None:
        self.problems.append(_problem(self.name, line, "warning", ja, en))

    def read(self, lines: Sequence[Line]) -> tuple[Entry, ...]:
        for line in lines:
            if "<!--" in line.text:
                self.error(
                    line.number,
                    "コメント <!-- が --> で閉じられていません。",
                    "The comment <!-- is never closed by -->.",
                )
        settings, body = read_settings(lines, self.error)
        sections = self.sections(body)
        if not sections:
            self.warn(
                1,
                "FAQ がありません。質問は「## 質問」と書きます。",
                "No FAQ entry here. A question is written as `## Question`.",
            )
        entries = tuple(self.entry(section, settings) for section in sections)
        self.problems.sort(key=_place)
        return entries

    def sections(self, lines: Sequence[Line]) -> list[_Section]:
        """Part the lines at their headings. One `#` is a title for people, and the entry above ends there."""
        sections: list[_Section] = []
        current: _Section | None = None
        text_is_lost = False
        for line in lines:
            heading = _HEADING.match(line.text)
            level = len(heading[1]) if heading else 0
            if heading and level == 2:
                current = _Section(Line(line.number, heading[3]), [], [])
                sections.append(current)
            elif heading and level == 1 and (heading[2] or not current):
                current, text_is_lost = None, False
            elif current:
                self.add(line, current, is_hashtag=level == 1)
            elif line.text.strip() and not _BUBBLE_BREAK.match(line.text) and not text_is_lost:
                text_is_lost = True
                ja = "この文章はどの質問にも属していないため、使われません。質問は「## 質問」と書きます。"
                self.warn(
                    line.number, ja, "This text belongs to no entry and is not used. A question is `## Question`."
                )
        return sections

    def add(self, line: Line, section: _Section, *, is_hashtag: bool) -> None:
        """Put a line under the heading where it belongs."""
        quote = _QUOTE.match(line.text)
        if quote and section.answer:
            ja = "「>」で始まるお客様の言い回しは、答えより上に書いてください。答えに > を入れるときは \\> と書きます。"
            en = "Phrasings (>) must stand above the answer. To send a > in an answer, write \\>."
            self.error(line.number, ja, en)
        elif quote:
            section.quotes.append(Line(line.number, quote[1]))
        elif section.answer or line.text.strip():
            section.answer.append(line)
        if is_hashtag:
            ja = "「#」のあとに空白がないので、答えの一部として送ります。見出しなら空白を入れてください。"
            self.warn(
                line.number, ja, "No space after #, so this is sent as part of the answer. A title needs a space."
            )

    def entry(self, section: _Section, settings: Settings) -> Entry:
        number, heading = section.heading
        question = self.sendable([Line(number, _ID_MARK.sub("", heading))]).text
        if not normalize(question):
            self.error(number, "「##」のあとに質問を書いてください。", "Write the question after ##.")
        bubbles = self.bubbles(section.answer)
        if settings.action == "answer" and not bubbles:
            ja = f"「{question}」の答えがありません。"
            self.error(number, ja, f'"{question}" has no answer.')
        return Entry(
            id=self.entry_id(section.heading, question),
            question=question,
            phrasings=self.phrasings(section.quotes, question),
            bubbles=bubbles,
            match=settings.match,
            action=settings.action,
            tags=settings.tags,
            file=self.name,
            line=number,
        )

    def entry_id(self, heading: Line, question: str) -> str:
        if mark := _ID_MARK.search(heading.text):
            entry_id = mark[1].strip()
            if _ID.fullmatch(entry_id):
                return entry_id
            ja = f"ID「{entry_id}」には半角の a-z、0-9、-、_ だけが使えます（60文字まで）。"
            self.error(heading.number, ja, f'The id "{entry_id}" may hold only a-z, 0-9, - and _ (at most 60).')
        return hashlib.sha256(question.encode("utf-8", "replace")).hexdigest()[:8]

    def phrasings(self, quotes: Sequence[Line], question: str) -> tuple[str, ...]:
        """What customers write; what repeats the heading or another phrasing adds nothing and is left out."""
        kept: dict[str, str] = {}
        for number, text in quotes:
            key = normalize(text)
            if text and not key:
                ja = f"「{text}」には文字がないので、言い回しとして使えません。"
                self.warn(number, ja, f'"{text}" holds no words and cannot be used as a phrasing.')
            elif key and key != normalize(question):
                kept.setdefault(key, text)
        return tuple(kept.values())

    def bubbles(self, answer: Sequence[Line]) -> tuple[str, ...]:
        """Part the answer at its `---` lines. Empty bubbles are left out: people also write `---` between entries."""
        parts: list[list[Line]] = [[]]
        for line in answer:
            if _BUBBLE_BREAK.match(line.text):
                parts.append([])
            else:
                parts[-1].append(line)
        shown = [(part[0].number, self.sendable(part).text) for part in parts if part]
        filled = [(number, text) for number, text in shown if text]
        if len(filled) > BUBBLES_MAX:
            ja = f"吹き出しは{BUBBLES_MAX}つまでです（「---」で{len(filled)}つに分かれています）。"
            en = f"An answer has at most {BUBBLES_MAX} bubbles; the --- lines make {len(filled)}."
            self.error(filled[BUBBLES_MAX][0], ja, en)
        for number, text in filled:
            if (units := len(text.encode("utf-16-le", "surrogatepass")) // 2) > UNITS_MAX:
                ja = f"吹き出しひとつは{UNITS_MAX:,}文字までです（{units:,}文字あります）。「---」で分けてください。"
                en = f"A bubble holds at most {UNITS_MAX:,} characters; this one has {units:,}. Part it with ---."
                self.error(number, ja, en)
        return tuple(text for _, text in filled)

    def sendable(self, lines: Sequence[Line]) -> LineText:
        result = to_line_text(lines)
        for number, kind, markup in result.findings:
            if kind == "html":
                ja = f"HTML の {markup} は送れません。改行は、そのまま改行してください。"
                self.error(number, ja, f"HTML cannot be sent: {markup}. For a new line, just start one.")
            elif kind == "strike":
                ja = f"取り消し線 {markup} は LINE では表示できません。その部分を消してください。"
                self.error(number, ja, f"LINE cannot strike text out: {markup}. Remove that part.")
            else:
                ja = f"画像 {markup} はまだ送れません。説明の文字だけを送ります。"
                self.warn(number, ja, f"Images cannot be sent yet: of {markup} only the description is sent.")
        return result
