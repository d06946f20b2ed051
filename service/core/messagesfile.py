"""Reads `_messages.md`: the shop's own words for the texts that the bot says by itself.

One `##` heading for each text, `## handoff_open.en` for the English one. What is under it is sent as an answer of the
FAQ is; nothing under it: the text is not sent.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, get_args

from service.core.bubbles import MAX_BUBBLES, MAX_UNITS
from service.core.characters import read_rows
from service.core.entries import Problem
from service.core.linetext import Line, to_line_text
from service.core.placeholders import ASK, NAMES, placeholders_in
from service.core.spelling import advice
from service.core.texts import LANGS, MessageName, Texts

MESSAGES_FILE = "_messages.md"
# These stand in one bubble with something else: the choices, or the end of an answer.
_PART_OF_A_BUBBLE = ("clarify", "waiting_footer")
PART_UNITS_MAX = 1000

_MESSAGES: tuple[str, ...] = get_args(MessageName)
_HEADING = re.compile(r"\s{0,3}([#＃]{2}|[#＃](?=\s))(?![#＃])\s*(.*?)\s*[#＃]*\s*$")
_BUBBLE_BREAK = re.compile(r"\s*-{3,}\s*$")


class MessagesFile(NamedTuple):
    """`_messages.md` as read: the texts (None when there is an error), the problems, the line of each text."""

    texts: Texts | None
    problems: tuple[Problem, ...]
    lines: dict[str, int]


def read_messages(text: str, file: str = MESSAGES_FILE) -> MessagesFile:
    """Read the file. Never fails: what is wrong with it stands in `problems`."""
    reader = _Reader(file)
    rows, _ = read_rows(text)
    own = reader.read([Line(row.number, row.text) for row in rows if not row.is_comment])
    is_good = all(problem.severity == "warning" for problem in reader.problems)
    problems = sorted(reader.problems, key=lambda problem: (problem.line, problem.en))
    return MessagesFile(Texts(own) if is_good else None, tuple(problems), reader.lines)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []

    def error(self, line: int, ja: str, en: str) -> None:
        self.problems.append(Problem(file=self.file, line=line, severity="error", ja=ja, en=en))

    def read(self, lines: Sequence[Line]) -> dict[str, tuple[str, ...]]:
        own: dict[str, tuple[str, ...]] = {}
        heading: Line | None = None
        body: list[Line] = []
        lost = False
        for line in [*lines, Line(0, "## ")]:  # one more heading ends the last text
            found = _HEADING.match(line.text)
            if not found:
                body.append(line)
                continue
            if heading and (key := self.key(heading)):
                own[key] = self.bubbles(key, body)
            elif not heading and not lost and (stray := next((each for each in body if each.text.strip()), None)):
                lost = True
                ja = "この文章はどの見出しにも属していません。「## handoff_open」のような見出しの下に書いてください。"
                self.error(stray.number, ja, "This text is under no heading. Put it under one like `## handoff_open`.")
            heading = Line(line.number, found[2]) if len(found[1]) == 2 and line.number else None
            body = []
        return own

    def key(self, heading: Line) -> str | None:
        """Read a heading as `name.lang`."""
        name, _, lang = heading.text.casefold().partition(".")
        name, lang = name.strip(), lang.strip() or "ja"
        if name not in _MESSAGES:
            ja, en = advice(name, _MESSAGES)
            ja = f"「{heading.text}」という文章はありません。{ja}"
            self.error(heading.number, ja, f'There is no text "{heading.text}". {en}')
        elif lang not in LANGS:
            ja = f"「.{lang}」という言語はありません。日本語は「## {name}」、英語は「## {name}.en」です。"
            self.error(heading.number, ja, f'There is no language ".{lang}". English is `## {name}.en`.')
        elif (key := f"{name}.{lang}") in self.lines:
            ja = f"「{heading.text}」が二度書かれています（{self.lines[key]}行目にもあります）。"
            self.error(heading.number, ja, f'"{heading.text}" is written twice (also in line {self.lines[key]}).')
        else:
            self.lines[key] = heading.number
            return key
        return None

    def bubbles(self, key: str, body: Sequence[Line]) -> tuple[str, ...]:
        name, line = key.partition(".")[0], self.lines[key]
        parts: list[list[Line]] = [[]]
        for each in body:
            if _BUBBLE_BREAK.match(each.text):
                parts.append([])
            else:
                parts[-1].append(each)
        bubbles = tuple(filter(None, (self.sendable(part) for part in parts)))
        most, units = (1, PART_UNITS_MAX) if name in _PART_OF_A_BUBBLE else (MAX_BUBBLES, MAX_UNITS)
        if len(bubbles) > most:
            ja = f"「{name}」の吹き出しは{most}つまでです（「---」で{len(bubbles)}つに分かれています）。"
            self.error(line, ja, f'"{name}" has at most {most} bubbles; the --- lines make {len(bubbles)}.')
        if any(len(bubble.encode("utf-16-le", "surrogatepass")) // 2 > units for bubble in bubbles):
            ja = f"「{name}」の吹き出しひとつは{units:,}文字までです。"
            self.error(line, ja, f'A bubble of "{name}" holds at most {units:,} characters.')
        allowed = (*NAMES, ASK) if name == "handoff_booking" else NAMES
        for unknown in (each for bubble in bubbles for each in placeholders_in(bubble) if each not in allowed):
            ja, en = advice(unknown, allowed)
            ja = f"「{{{unknown}}}」は「{name}」では使えません。{ja}"
            self.error(line, ja, f'"{{{unknown}}}" cannot be used in "{name}". {en}')
        return bubbles

    def sendable(self, lines: Sequence[Line]) -> str:
        for line in lines:
            if "<!--" in line.text:
                ja = "コメント <!-- が --> で閉じられていません。"
                self.error(line.number, ja, "The comment <!-- is never closed by -->.")
        result = to_line_text(lines)
        for number, _, markup in result.findings:
            ja = f"{markup} は LINE では表示できません。その部分を消してください。"
            self.error(number, ja, f"LINE cannot show {markup}. Remove that part.")
        return result.text
