"""The FAQ folder: its files put together, what clashes between them, and what is due today."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import chain
from typing import Literal, NamedTuple

import msgspec

from service.core.entries import Entry, ImageBubble, Problem
from service.core.faq import FaqFile, hash_id, read_file
from service.core.texts import Lang


class Folder(msgspec.Struct, frozen=True):
    """The whole folder: the entries to serve, every problem by file and line, and the file versions served."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    files: tuple[FaqFile, ...]


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
    """Ids, headings and phrasings that a later entry shares with an earlier one."""
    ids: dict[str, Entry] = {}
    texts: dict[str, _Text] = {}
    for entry, compared in chain.from_iterable(zip(file.entries, file.compared, strict=True) for file in files):
        first = ids.setdefault(entry.id, entry)
        if first is not entry:
            yield _same_id(entry, first)
        for text, key in (
            zip((entry.question, *entry.phrasings), compared, strict=True) if entry.action != "off" else ()
        ):
            own = _Text(text, entry)
            earlier = texts.setdefault(key, own)
            is_told = own.is_heading and earlier.entry is first
            if earlier.entry is not entry and not is_told:
                yield _same_text(own, earlier)


class _Text(NamedTuple):
    """What customers may write for an entry: its heading or one of its phrasings."""

    text: str
    entry: Entry

    @property
    def is_heading(self) -> bool:
        return self.text == self.entry.question


def _same_id(entry: Entry, first: Entry) -> Problem:
    place = f"{first.file}:{first.line}"
    if entry.id == hash_id(entry.question) and entry.question == first.question:
        ja = f"同じ見出し「{entry.question}」が {place} にもあります。見出しを変えるか、別の {{#id}} を付けてください。"
        en = f'The same heading "{entry.question}" stands at {place}. Change it or give it another {{#id}}.'
    else:
        ja = f"ID「{entry.id}」は {place} でも使われています。別の {{#id}} を付けてください。"
        en = f'The id "{entry.id}" is also used at {place}. Give one of them another {{#id}}.'
    return _problem(entry.file, entry.line, "error", ja, en)


def _same_text(own: _Text, other: _Text) -> Problem:
    """Two entries that the same message would mean: a warning, but for keywords, which have to be told apart."""
    text, entry, first = own.text, own.entry, other.entry
    place = f"{first.file}:{first.line}"
    if entry.match == first.match == "keyword":
        ja = f"キーワード「{text}」は {place} にもあります。どちらかを消してください。"
        en = f'The keyword "{text}" also stands at {place}. Remove one of them.'
        return _problem(entry.file, entry.line, "error", ja, en)
    if own.is_heading and other.is_heading:
        ja = (
            f"見出し「{text}」は {place} の見出し「{other.text}」と同じ意味に読まれます。どちらの質問か決められません。"
        )
        en = f'The heading "{text}" reads like "{other.text}" at {place}, so it cannot be told which one is meant.'
    elif own.is_heading or other.is_heading:
        ja = f"「{text}」は {place} の質問と、見出しと言い回しが同じです。どちらの質問か決められません。"
        en = f'"{text}" is a heading and a phrasing of two entries (the other at {place}): which one is meant?'
    else:
        ja = f"「{text}」は {place} にもあります。どちらの質問か決められません。"
        en = f'"{text}" also stands at {place}, so it cannot be told which one is meant.'
    return _problem(entry.file, entry.line, "warning", ja, en)


def what_is_due(files: Iterable[FaqFile], today: date) -> list[Problem]:
    """Tell of files whose time is over, and of those that somebody wanted to read again by now."""
    due: list[Problem] = []
    for file in files:
        settings = file.settings
        if settings.valid_until and settings.valid_until < today:
            ja = f"期限（{settings.valid_until}）が過ぎています。期限を延ばすか、このファイルを片づけてください。"
            en = f"The time of this file ended on {settings.valid_until}. Extend it, or put the file away."
            due.append(_problem(file.name, settings.lines["valid_until"], "warning", ja, en))
        if settings.review_by and settings.review_by < today:
            ja = f"見直しの日（{settings.review_by}）が過ぎています。内容を確かめて、次の見直しの日を書いてください。"
            en = f"This file was to be reviewed by {settings.review_by}. Read it, and set the next date."
            due.append(_problem(file.name, settings.lines["review_by"], "warning", ja, en))
    return due


def what_is_not_sent(entries: Iterable[Entry]) -> list[Problem]:
    """Tell of answers whose pictures go out as words, because there is no public address to serve them from."""
    ja = "画像を送るには設定 HENJI_PUBLIC_URL が要ります。いまは画像の代わりに説明の文字を送ります。"
    en = "Images need the setting HENJI_PUBLIC_URL. Without it the description is sent instead."
    return [
        _problem(entry.file, entry.line, "warning", ja, en)
        for entry in entries
        if any(isinstance(bubble, ImageBubble) for bubble in entry.bubbles)
    ]
