r"""The answer as staff write it, Markdown, turned into the plain text LINE shows.

LINE knows no markup, so marks that only make sense on paper have to go or become words. This is no CommonMark
parser, and deliberately so: CommonMark joins lines into paragraphs, where here a newline in the file is a newline on
LINE; it leaves `**「カット」**です` as it is, because its rule for emphasis needs spaces that Japanese does not write;
it takes the backslash of `\(^o^)/` away and the stars out of `(*^^*)`. Each line is read by itself (only tables look
one line ahead), and whatever is not clearly markup is sent as it stands.
"""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

FindingKind = Literal["html", "strike", "image"]


class Line(NamedTuple):
    """A line of a file, with the number it has there (from 1)."""

    number: int
    text: str


class Finding(NamedTuple):
    """Markup that LINE cannot show, as it stands in the file."""

    line: int
    kind: FindingKind
    markup: str


class LineText(NamedTuple):
    """What the customer will read, and what could not be turned into it."""

    text: str
    findings: tuple[Finding, ...]


CodeRole = Literal["", "fence", "code"]

# What begins an entry, as sloppily as it may be typed.
ENTRY_LIKE = re.compile(r"\s{0,3}[#＃]{2}(?![#＃])")
_FENCE = re.compile(r"\s{0,3}(`{3,})\s*([^`]*?)\s*$")
_HEADING = re.compile(r"#{3,} ")
_BULLET = re.compile(r"^(\s*)[-*+]\s+(?=\S)")
_TABLE_RULE = re.compile(r"\s*(?=.*\|)\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")

# Names of elements, not everything in angle brackets: 「<NEW>」 and 「<お知らせ>」 are words of the shop.
_TAG = r"""</?(?:[abipsu]|(?i:abbr|blockquote|body|br|button|center|code|del|details|div|em|font|form|h[1-6]|head|hr|
    html|iframe|img|input|ins|kbd|li|link|mark|meta|ol|pre|ruby|script|small|span|strike|strong|style|sub|summary|sup|
    svg|table|tbody|td|th|thead|tr|ul|video))(?=[\s/>])[^<>]*>?"""
_TOKEN = re.compile(
    # Of all the escapes of Markdown only those of its marks: `\1,000` is a price and `\(` the arm of a kaomoji.
    r"""\\(?P<escaped>[\\`*_{}\[\]<>\#+\-.!|~])
    |(?P<ticks>`+)(?P<code>[^`]+)(?P=ticks)
    |!\[(?P<alt>[^\[\]]*)\]\([^()]*\)
    |\[(?P<label>(?:\\.|[^\[\]])+)\]\(\s*<?(?P<target>[^\s()<>]+(?:\([^\s()]*\)[^\s()<>]*)*)>?(?:\s+["'][^"']*["'])?\s*\)
    |<(?P<address>(?:https?://|mailto:|tel:)[^\s<>]+|[\w.+-]+@[\w.-]+)>
    |(?P<url>https?://[^\s<>*「」『』（）【】、。！？]+)
    |(?P<entity>&\#?\w+;)
    |(?P<tag>"""
    + _TAG
    + ")",
    re.VERBOSE,
)
_PHONE_DIGITS_MIN = 9

# Japanese has no spaces to tell `**「カット」**` from anything else, so a pair is enough. Single marks also draw faces,
# (*^^*) and m(__)m: they need a space, Japanese or the line's end outside.
_STRONG = re.compile(r"(\*{2,3})(?=[^\s*])(.+?)\1")
_JAPANESE = r"\u3000-\u9fff\uff01-\uff07\uff09-\uffef"
_EMPHASIS = re.compile(
    rf"""(?<![^\s{_JAPANESE}"'])([*_]{{1,3}})(?=[^\s*_])(.+?)(?<=\S)\1(?![^\s{_JAPANESE}"',.;:!?])"""
)
_STRIKE = re.compile(r"(?<!\d)~~(?=\S)[^~]+~~(?!\d)")

# Marks inside links, code and escapes are no emphasis: they sit out that step as control characters.
_HIDE = str.maketrans("*_~", "\1\2\3")
_SHOW = str.maketrans("\1\2\3", "*_~")
# LINE would take words that follow an address for a part of it.
_LINK_END = "\x04"
_WORD_AFTER_LINK = re.compile(r"(?<=[!-~])\x04(?=\w)")


def code_roles(texts: Sequence[str]) -> list[CodeRole]:
    """Say of each line whether it is code, or the ``` line above or below it, or neither.

    A block that is not closed before the next entry is none: it would swallow that entry.
    """
    roles: list[CodeRole] = [""] * len(texts)
    position, unclosed_until = 0, 0
    if not any("```" in text for text in texts):
        return roles
    while position < len(texts):
        fence = _FENCE.match(texts[position])
        if fence and position >= unclosed_until:
            end = _fence_end(texts, position + 1, len(fence[1]))
            if end < len(texts) and not ENTRY_LIKE.match(texts[end]):
                roles[position + 1 : end] = ["code" for _ in range(position + 1, end)]
                roles[position] = roles[end] = "fence"
                position = end
            else:
                unclosed_until = end
        position += 1
    return roles


def _fence_end(texts: Sequence[str], begin: int, length: int) -> int:
    """Where a block of code ends: at its closing ```, else at the next entry or the end."""
    for position in range(begin, len(texts)):
        closing = _FENCE.match(texts[position])
        if ENTRY_LIKE.match(texts[position]) or (closing and len(closing[1]) >= length and not closing[2]):
            return position
    return len(texts)


def is_open_fence(text: str) -> bool:
    """Whether a line would begin a block of code, were that closed."""
    return _FENCE.match(text) is not None


def to_line_text(lines: Sequence[Line]) -> LineText:
    """Return the lines of an answer (or any text of an entry) as LINE shows them best.

    Blank lines at both ends go, several in a row become one. Findings name HTML and struck-out text, which are left
    as they are and should keep the text from being sent, and images, of which only the description is left.
    """
    findings: list[Finding] = []
    shown: list[str] = []
    for line, is_code in _without_blocks(lines):
        text = (line.text if is_code else _plain(line, findings)).rstrip()
        if text or (shown and shown[-1]):
            shown.append(text)
    return LineText("\n".join(shown).rstrip("\n"), tuple(findings))


def _without_blocks(lines: Sequence[Line]) -> Iterator[tuple[Line, bool]]:
    """Headings, bullets and tables become ordinary lines, code is told apart; marks inside a line stay."""
    header: list[str] = []
    roles = code_roles([line.text for line in lines])
    for position, (number, text) in enumerate(lines):
        following = lines[position + 1].text if position + 1 < len(lines) else ""
        if roles[position]:
            header = []
            if roles[position] == "code":
                yield Line(number, text), True
        elif "|" not in text:
            header = []
            yield Line(number, _without_line_mark(text)), False
        elif not header and _TABLE_RULE.match(following):
            header = _cells(text)
        elif not header:
            yield Line(number, _without_line_mark(text)), False
        elif not _TABLE_RULE.match(text):
            yield Line(number, _table_row(header, _cells(text))), False


def _without_line_mark(text: str) -> str:
    if heading := _HEADING.match(text):
        return text[heading.end() :]
    return _BULLET.sub(lambda bullet: "　" * (len(bullet[1].expandtabs(4)) // 2) + "・", text, count=1)


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in _CELL_BORDER.split(row.strip().removeprefix("|").removesuffix("|"))]


def _table_row(header: list[str], cells: list[str]) -> str:
    """「カット：4,400円」 when there are two columns, else 「カット　料金 4,400円／時間 60分」."""
    first, rest = cells[0], cells[1:]
    if len(header) <= 2:
        return "：".join(cell for cell in cells if cell)
    labels = header[1:] + [""] * len(rest)
    values = "／".join(f"{label} {cell}".strip() for label, cell in zip(labels, rest, strict=False) if cell)
    return f"{first}　{values}".strip()


def _plain(line: Line, findings: list[Finding]) -> str:
    """One line without its marks; what it holds that LINE cannot show is added to `findings`."""

    def replace(token: re.Match[str]) -> str:
        if token["tag"]:
            findings.append(Finding(line.number, "html", token[0]))
        elif token["alt"] is not None:
            findings.append(Finding(line.number, "image", token[0]))
        text = _token_text(token, lambda label: _plain(Line(line.number, label), findings)).translate(_HIDE)
        address = token["target"] or token["address"] or "tel:"
        return text if address.startswith("tel:") else text + _LINK_END

    text = _TOKEN.sub(replace, line.text)
    findings.extend(Finding(line.number, "strike", struck[0]) for struck in _STRIKE.finditer(text))
    text = _EMPHASIS.sub(r"\2", _STRONG.sub(r"\2", text)).translate(_SHOW)
    return _WORD_AFTER_LINK.sub(" ", text).replace(_LINK_END, "")


def _token_text(token: re.Match[str], plain: Callable[[str], str]) -> str:
    kind = token.lastgroup or ""
    if kind == "target":
        return _link_text(plain(token["label"]), token["target"])
    if kind == "entity":
        return html.unescape(token["entity"]).replace("\xa0", " ")
    if kind == "address":
        return _without_scheme(token["address"])
    return token[kind].strip() if kind in {"escaped", "code", "alt"} else token[0]


def _link_text(label: str, target: str) -> str:
    """「予約 https://…」; a phone number stands alone, because LINE makes it a link by itself."""
    address = _without_scheme(target)
    if target.startswith("tel:"):
        return label if sum(map(str.isdigit, label)) >= _PHONE_DIGITS_MIN else address
    return address if label in {address, target} else f"{label} {address}"


def _without_scheme(target: str) -> str:
    return target.removeprefix("tel:").removeprefix("mailto:")
