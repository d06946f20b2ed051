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


# Stands for a comment while lines are counted; no text file holds it.
_HOLE = "\0"
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)

_HEADING = re.compile(r"\s{0,3}[#＃]{3,}\s*(.*?)(?:\s+[#＃]+)?\s*$")
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


def numbered_lines(text: str) -> list[Line]:
    """Return the lines of a file without its HTML comments; a line that holds nothing else is gone altogether.

    Any line ending will do. A comment that is never closed stays in the text.
    """
    text = re.sub(r"\r\n?", "\n", text.replace(_HOLE, ""))
    text = _COMMENT.sub(lambda comment: _HOLE + f"\n{_HOLE}" * comment[0].count("\n"), text)
    lines = [Line(number, line) for number, line in enumerate(text.split("\n"), start=1)]
    return [
        Line(number, line.replace(_HOLE, ""))
        for number, line in lines
        if _HOLE not in line or line.replace(_HOLE, "").strip()
    ]


def to_line_text(lines: Sequence[Line]) -> LineText:
    """Return the lines of an answer (or any text of an entry) as LINE shows them best.

    Blank lines at both ends go, several in a row become one. Findings name HTML and struck-out text, which are left
    as they are and should keep the text from being sent, and images, of which only the description is left.
    """
    findings: list[Finding] = []
    shown: list[str] = []
    for line in _without_blocks(lines):
        text = _plain(line, findings).rstrip()
        if text or (shown and shown[-1]):
            shown.append(text)
    return LineText("\n".join(shown).rstrip("\n"), tuple(findings))


def _without_blocks(lines: Sequence[Line]) -> Iterator[Line]:
    """Headings, bullets and tables become ordinary lines; marks inside a line stay."""
    header: list[str] = []
    for position, (number, text) in enumerate(lines):
        following = lines[position + 1].text if position + 1 < len(lines) else ""
        if "|" not in text:
            header = []
            yield Line(number, _without_line_mark(text))
        elif not header and _TABLE_RULE.match(following):
            header = _cells(text)
        elif not header:
            yield Line(number, _without_line_mark(text))
        elif not _TABLE_RULE.match(text):
            yield Line(number, _table_row(header, _cells(text)))


def _without_line_mark(text: str) -> str:
    if heading := _HEADING.match(text):
        return heading[1]
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
        return _token_text(token, lambda label: _plain(Line(line.number, label), findings)).translate(_HIDE)

    text = _TOKEN.sub(replace, line.text)
    findings.extend(Finding(line.number, "strike", struck[0]) for struck in _STRIKE.finditer(text))
    return _EMPHASIS.sub(r"\2", _STRONG.sub(r"\2", text)).translate(_SHOW)


def _token_text(token: re.Match[str], plain: Callable[[str], str]) -> str:
    kind = token.lastgroup or ""
    if kind == "target":
        return _link_text(plain(token["label"]), token["target"])
    if kind == "entity":
        return html.unescape(token["entity"])
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
