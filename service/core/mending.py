"""A FAQ file as it was meant: whatever is odd in it is written as it should be, line by line, and told.

Reading a file is two steps. This one turns what people type into the one way it is written, the other (`faq`) reads
only that. So what is read, what is warned about and what `faq check --fix` writes can never differ, and mending what
was mended changes nothing.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

from service.core.characters import Row, read_rows
from service.core.inlinemending import find_definition, mend_inline, part_at_breaks, resolve_references
from service.core.linetext import Line, code_roles
from service.core.oddities import Oddity, OddKind
from service.core.topmending import DASHES, mend_settings

RULE = "---"
_ROUNDS_MAX = 20
_RULE_LIKE = re.compile(rf"\s*(?:[{DASHES}]{{3,}}|(?:\*[ 　]*){{3,}}|(?:-[ 　]+){{2,}}-)\s*$")
_MARKS = re.compile(r"\s{0,3}([#＃]+)")
_QUOTE = re.compile(r"\s*([>＞]+)(\s*)")
_ITEM = re.compile(r"(?:([-*+])(\s+)|・\s*)(?=\S)")
_BULLET = re.compile(r"(\s*)([-*+])(\s+)(?=\S)")
_ID_MARK = re.compile(r"[{｛]\s*[#＃]([^{}｛｝]*)[}｝]\s*$")
_WRITTEN_ID = re.compile(r"(?:.*\S)?\s*\{#[a-z0-9_-]*\}\s*")
_PIPE = re.compile(r"[|｜]")
_TABLE_RULE = re.compile(rf"\s*[|｜]?(?:\s*[:：]?[{DASHES}]+[:：]?\s*[|｜])+(?:\s*[:：]?[{DASHES}]+[:：]?)?\s*$")
_PLACES = {"|": "|", "｜": "|", ":": ":", "：": ":", " ": " ", "　": " "}


class Mended(NamedTuple):
    """A file as it was meant, and what was odd."""

    rows: list[Row]
    oddities: list[Oddity]

    @property
    def lines(self) -> list[Line]:
        """The lines to read, with the numbers that they have in the file."""
        return [Line(row.number, row.text) for row in self.rows if not row.is_comment]

    @property
    def text(self) -> str:
        """The file as it should be written."""
        return "\n".join(row.written for row in self.rows)


def mend(text: str) -> Mended:
    """Read any text as a FAQ file was meant. Never fails; what is not understood stays as it stands.

    Mending a mended file changes nothing: what mending brings to light (a heading behind a `<br>`) is mended too.
    """
    mended = _mend_once(text)
    for _ in range(_ROUNDS_MAX):
        if not mended.oddities or (again := _mend_once(mended.text)).text == mended.text:
            break
        numbers = [row.number for row in mended.rows]
        rows = [row._replace(number=numbers[row.number - 1]) for row in again.rows]
        mended = Mended(rows, mended.oddities)
    return mended


def _mend_once(text: str) -> Mended:
    rows, oddities = read_rows(text)
    top, rest, odd_settings = mend_settings(rows)
    body = _Body()
    body.walk(_without_breaks(_with_addresses(rest, body.oddities), body.oddities))
    return Mended([*top, *body.rows], sorted({*oddities, *odd_settings, *body.oddities}))


def _is_plain(rows: Sequence[Row]) -> list[bool]:
    """Say of each row whether it may be put elsewhere or parted: code and lines with comments stay as they stand."""
    roles = code_roles([row.text for row in rows])
    return [not role and row.raw is None for row, role in zip(rows, roles, strict=True)]


def _with_addresses(rows: Sequence[Row], oddities: list[Oddity]) -> list[Row]:
    """Write the addresses that stand on lines of their own (`[name]: https://...`) into the links that name them."""
    plain = _is_plain(rows)
    found = [find_definition(row.text) if is_plain else None for row, is_plain in zip(rows, plain, strict=True)]
    addresses = dict(reversed([definition for definition in found if definition]))
    if not addresses:
        return list(rows)
    used: set[str] = set()
    resolved: list[Row] = []
    for row, is_plain, definition in zip(rows, plain, found, strict=True):
        is_link = is_plain and not definition and not _QUOTE.match(row.text)
        resolved.append(row._replace(text=resolve_references(row.text, addresses, used)) if is_link else row)
    kept: list[Row] = []
    for row, definition in zip(resolved, found, strict=True):
        if definition and definition[0] in used and addresses[definition[0]] == definition[1]:
            oddities.append(Oddity(row.number, "reference"))
        else:
            kept.append(row)
    return kept


def _without_breaks(rows: Sequence[Row], oddities: list[Oddity]) -> list[Row]:
    """Part lines at their `<br>`; headings and phrasings have but one line."""
    parted: list[Row] = []
    for row, is_plain in zip(rows, _is_plain(rows), strict=True):
        parts = part_at_breaks(row.text) if is_plain and "<" in row.text else [row.text]
        if _MARKS.match(row.text) or _QUOTE.match(row.text):
            parts = [" ".join(parts)]
        if parts != [row.text]:
            oddities.append(Oddity(row.number, "break"))
        parted += [row._replace(text=part) for part in parts]
    return parted


class _Body:
    """Walks over the lines below the settings, and keeps them as they were meant."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.oddities: list[Oddity] = []
        self.place: Literal["outside", "quotes", "answer"] = "outside"
        self.is_table = False

    def note(self, row: Row, kind: OddKind) -> None:
        self.oddities.append(Oddity(row.number, kind))

    def put(self, row: Row, text: str, kind: OddKind | None = None) -> None:
        """Keep a row as `text`; spaces at its end are nobody's mistake."""
        if text.rstrip() != row.text.rstrip():
            row = row._replace(text=text)
            if kind:
                self.note(row, kind)
        self.rows.append(row)

    def inline(self, row: Row, text: str) -> str:
        return mend_inline(text, lambda kind: self.note(row, kind))

    def walk(self, rows: Sequence[Row]) -> None:
        """Keep the rows as they were meant. A row is looked at with the next one of the text."""
        lines = [row for row in rows if not row.is_comment]
        following = iter([*(row.text for row in lines[1:]), ""])
        for row, role in zip(rows, code_roles([row.text for row in rows]), strict=True):
            if row.is_comment:
                self.rows.append(row)
            elif role:
                next(following)
                self.begin_answer(row)
                self.rows.append(row)
            else:
                self.line(row, next(following))

    def line(self, row: Row, following: str) -> None:
        marks = _MARKS.match(row.text)
        if marks and self.heading(row, marks):
            self.is_table = False
        elif self.place == "outside" or not row.text.strip():
            self.is_table = False
            self.rows.append(row)
        elif _RULE_LIKE.match(row.text):
            self.rule(row, following)
        elif self.place == "quotes" and (mark := _QUOTE.match(row.text)):
            self.quote(row, mark)
        else:
            self.begin_answer(row)
            self.answer(row, following)

    def heading(self, row: Row, marks: re.Match[str]) -> bool:
        """Keep a line that begins with #; False when it is a line like any other."""
        level, rest = len(marks[1]), row.text[marks.end() :]
        words = _without_closing_marks(rest.strip())
        if level == 2:
            self.place = "quotes"
            self.question(row, words)
        elif level == 1 and (rest[:1].isspace() or not rest or (self.place == "outside" and marks[1] == "#")):
            self.place = "outside"
            self.put(row, f"# {words}", "title")
        elif level == 1 and marks[1] == "#" and self.place != "outside":
            self.begin_answer(row)
            self.put(row, self.inline(row, f"\\{row.text.lstrip()}"), "hashtag")
        elif level > 2 and self.place != "outside" and words:
            self.begin_answer(row)
            self.note_unless(row, f"{'#' * level} {words}", "subheading")
            self.put(row, f"{'#' * level} {self.inline(row, words)}")
        else:
            return False
        return True

    def question(self, row: Row, words: str) -> None:
        self.note_unless(row, f"## {words}", "heading")
        mark = _ID_MARK.search(words)
        if mark and not _WRITTEN_ID.fullmatch(words):
            self.note(row, "id")
            words = f"{words[: mark.start()].rstrip()} {{#{_id(mark[1])}}}"
        self.put(row, f"## {self.inline(row, words).strip()}")

    def note_unless(self, row: Row, text: str, kind: OddKind) -> None:
        """Note an oddity where the row does not read as `text` yet."""
        if row.text.rstrip() != text.rstrip():
            self.note(row, kind)

    def rule(self, row: Row, following: str) -> None:
        """Part bubbles. Right under a line of text, Markdown elsewhere would take that line for a heading."""
        self.is_table = False
        self.place = "answer" if self.place == "answer" else "quotes"
        before = self.last()
        is_tight = bool(before.strip()) or (bool(following.strip()) and not _MARKS.match(following))
        if before.strip():
            self.rows.append(Row(row.number, ""))
        text = row.text.strip() if set(row.text.strip()) == {"-"} else RULE
        self.put(row, text, "rule")
        if following.strip():
            self.rows.append(Row(row.number, ""))
        if is_tight:
            self.note(row, "rule_blank")

    def last(self) -> str:
        return next((row.text for row in reversed(self.rows) if not row.is_comment), "")

    def quote(self, row: Row, mark: re.Match[str]) -> None:
        words = row.text[mark.end() :]
        item = _ITEM.match(words)
        space = " " if mark[2] and mark[2] != " " else mark[2]
        if item and (item[1] is None or item[2] != " "):
            words, space = f"{item[1] or '-'} {words[item.end() :]}", " "
        self.put(row, f">{space}{words}", "quote")

    def begin_answer(self, row: Row) -> None:
        """Leave a blank line above an answer: Markdown elsewhere would take it for a part of the quote."""
        if self.place == "quotes" and _QUOTE.match(self.last()):
            self.rows.append(Row(row.number, ""))
            self.note(row, "quote_end")
        if self.place == "quotes":
            self.place = "answer"

    def answer(self, row: Row, following: str) -> None:
        text = self.inline(row, row.text)
        if text != row.text:
            row = row._replace(text=text)
        if bullet := _BULLET.match(text):
            indent = bullet[1].replace("　", "  ")
            self.put(row, f"{indent}{bullet[2]} {text[bullet.end() :]}" if "　" in bullet[0] else text, "bullet")
        elif _PIPE.search(text):
            self.table(row, following)
        else:
            self.is_table = False
            self.rows.append(row)

    def table(self, row: Row, following: str) -> None:
        if self.is_table or _TABLE_RULE.match(following):
            is_rule = self.is_table and _TABLE_RULE.match(row.text)
            self.is_table = True
            self.put(row, _table_rule(row.text) if is_rule else _with_pipes(row.text), "table")
        elif _is_table_row(row.text) and _is_table_row(following) and not _TABLE_RULE.match(row.text):
            self.is_table = True
            text = _with_pipes(row.text)
            count = text.strip().strip("|").count("|") + 1
            for inserted in ("|" + "   |" * count, "|" + "---|" * count):
                self.rows.append(Row(row.number, inserted))
            self.note(row, "table_rule")
            self.put(row, text, "table")
        else:
            self.rows.append(row)


def _without_closing_marks(words: str) -> str:
    """Markdown allows a heading to end in #s as well."""
    rest = words.rstrip("#＃")
    return rest.rstrip() if rest != words and (not rest or rest[-1].isspace()) else words


def _id(written: str) -> str:
    """An id as it was meant; what is no letter of an id and no gap between words stays, to be told as an error."""
    folded = unicodedata.normalize("NFKC", written).strip().lower()
    return re.sub(r"[\s./:・]+", "-", folded)


def _is_table_row(text: str) -> bool:
    """Whether it can only be meant as a row of a table: two cells or more between outer pipes."""
    cells = _PIPE.split(text.strip())
    return len(cells) > 3 and not cells[0] and not cells[-1] and any(cell.strip() for cell in cells)


def _with_pipes(text: str) -> str:
    return text if "|" in text else text.replace("｜", "|")


def _table_rule(text: str) -> str:
    return "".join(_PLACES.get(char, "-") for char in text)
