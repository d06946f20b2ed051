"""The characters of a FAQ file as they were meant: what editors, phones and the web leave in a text unseen.

The first step of reading a file (`mending` does the rest). Comments stay where they are; what they hide is hidden here.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from service.core.oddities import Oddity, OddKind

# Half of a surrogate pair is no character at all.
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_SEPARATOR = re.compile(r"[\x0b\x0c\x85\u2028\u2029]")
# Phones copy numbers out of their contacts with marks of writing direction around them.
_INVISIBLE = re.compile(r"[\u00ad\u200b\u2060\u2066-\u2069\u202a-\u202e\ufeff]")
_DIRECTION = re.compile(r"[\u200e\u200f]")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Joiners hold emoji and some scripts together; beside these characters they do nothing.
_UNJOINED = r"[\s\0-~\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]"
_JOINER = re.compile(rf"(?:(?<=^)|(?<={_UNJOINED}))[\u200c\u200d]+|[\u200c\u200d]+(?={_UNJOINED}|$)")
_SPACE = re.compile(r"[\xa0\u1680\u2000-\u200a\u202f\u205f]")
_APART = re.compile(r"[ぁ-ヿ][\u3099\u309a]")
# What any of the above may match: most lines hold nothing of it.
_ODD = re.compile(r"[\0-\x1f\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2069\u3099\u309a\ufeff\ud800-\udfff]")
_TAB_STOP = 4

# Stands for a comment while lines are looked at; as a control character it is in no cleaned text.
_HOLE = "\0"
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Row(NamedTuple):
    """A line on its way through mending.

    `number` is that of its line in the file. `text` is how it reads, without comments. `raw` is the line as it stands
    where it holds (a part of) a comment: such a line is read as mended, and never rewritten.
    """

    number: int
    text: str
    raw: str | None = None

    @property
    def is_comment(self) -> bool:
        """Whether it holds nothing but comment: it is no line of the text at all."""
        return self.raw is not None and not self.text.strip()

    @property
    def written(self) -> str:
        """The line as it is to stand in the file."""
        return self.text if self.raw is None else self.raw


def read_rows(text: str) -> tuple[list[Row], list[Oddity]]:
    """Part a file into its lines, each with its characters as meant; any line ending will do."""
    oddities: list[Oddity] = []
    if text.startswith("\ufeff"):
        oddities.append(Oddity(1, "bom"))
    if "\r" in text:
        oddities.append(Oddity(1, "line_ends"))
    numbers: list[int] = []
    lines: list[str] = []
    for number, line in enumerate(split_lines(text.lstrip("\ufeff")), start=1):
        for part in _clean(number, line, oddities):
            numbers.append(number)
            lines.append(part)
    return list(_without_comments(numbers, lines)), oddities


def split_lines(text: str) -> list[str]:
    """Part a text into lines, whatever ends them."""
    return re.split(r"\r+\n|\r|\n", text)


def _clean(number: int, line: str, oddities: list[Oddity]) -> list[str]:
    if not _ODD.search(line):
        return [line]

    def replace(kind: OddKind, pattern: re.Pattern[str], by: str, text: str) -> str:
        changed = pattern.sub(by, text)
        if changed != text:
            oddities.append(Oddity(number, kind))
        return changed

    line = replace("control", _CONTROL, "", line)
    line = replace("separator", _SEPARATOR, "\n", line)
    line = replace("invisible", _INVISIBLE, "", line)
    if not _RIGHT_TO_LEFT.search(line):
        line = replace("invisible", _DIRECTION, "", line)
    line = replace("invisible", _JOINER, "", line)
    line = replace("space", _SPACE, " ", line)
    if "\t" in line:
        oddities.append(Oddity(number, "tab"))
        line = "\n".join(map(_without_tabs, line.split("\n")))
    if _APART.search(line):
        composed = _APART.sub(lambda pair: unicodedata.normalize("NFC", pair[0]), line)
        if composed != line:
            oddities.append(Oddity(number, "decomposed"))
        line = composed
    return line.split("\n")


def _without_tabs(line: str) -> str:
    """Tabs before the first word count as indentation, others part words."""
    words = line.lstrip()
    indentation = line[: len(line) - len(words)].expandtabs(_TAB_STOP)
    return indentation + words.rstrip("\t").replace("\t", " ")


def _without_comments(numbers: list[int], lines: list[str]) -> Iterator[Row]:
    text = "\n".join(lines)
    if "<!--" not in text:
        yield from map(Row, numbers, lines)
        return
    # Up to the last end of a comment only: looking for an end that is not there takes long, many times over.
    end = text.rfind("-->") + len("-->")
    punched = _COMMENT.sub(lambda comment: _HOLE + f"\n{_HOLE}" * comment[0].count("\n"), text[:end]) + text[end:]
    holes = punched.split("\n")
    for number, line, hole in zip(numbers, lines, holes, strict=True):
        yield Row(number, hole.replace(_HOLE, ""), line if _HOLE in hole else None)
