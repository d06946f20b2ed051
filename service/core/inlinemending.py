"""What is odd inside a line of an answer or a heading, as it was meant. Code and addresses are left as they stand."""

import re
import unicodedata
from collections.abc import Callable, Mapping

from service.core.oddities import OddKind
from service.core.placeholders import NAMES

Note = Callable[[OddKind], None]

# What any of the oddities below begins with: most lines hold none.
_ODD = re.compile(r"[\\＼{｛ｈ\[［]|http", re.IGNORECASE)
_CODE = r"(?P<ticks>`+)[^`]+(?P=ticks)"
_LITERAL = re.compile(rf"{_CODE}|https?://[!-~]+")
_YEN = re.compile(r"(?<![\\A-Za-z0-9:])[\\＼](?=\d)")
_BRACES = re.compile(r"(?<!\\)[{｛]\s*([\w-]+)\s*[}｝]")
_WIDE_URL = re.compile(r"ｈｔｔｐｓ?[：:][／/]{2}[！-～!-~]+")
# Hiragana goes on with the sentence; kanji may belong to the address.
_URL_BEFORE_WORDS = re.compile(r"(https?://[!-~]*[A-Za-z0-9/=#?&%+-])(?=[ぁ-ゖ])")
_TARGET = r"(?:https?://|tel:|mailto:)[^\s（）()]+|[^\s（）()：:]+\.(?:jpe?g|png)"
_LINK = re.compile(
    rf"""(?P<bang>[!！]?)[\[［](?P<text>[^\[\]［］]+)[\]］]\s?[(（]\s*(?P<target>{_TARGET})
    (?:\s+["'“”][^"'“”]*["'“”])?\s*[)）]""",
    re.VERBOSE | re.IGNORECASE,
)
_REFERENCE = re.compile(r"(?<![\]!！])\[([^\[\]]+)\](?:\[([^\[\]]*)\])?(?![\[(:：])")
_DEFINITION = re.compile(r"\s{0,3}\[([^\[\]]+)\][:：]\s*<?((?:https?://|tel:|mailto:)[^\s<>]+)>?(?:\s+[\"'“”(].*)?\s*$")
_BREAK = re.compile(r"</?br\s*/?>", re.IGNORECASE)


def mend_inline(text: str, note: Note) -> str:
    """Return the text of a line as it was meant; `note` is told each kind of oddity."""
    if not _ODD.search(text):
        return text
    text = _replace(_WIDE_URL, lambda url: unicodedata.normalize("NFKC", url[0]), text, "url", note)
    text = _outside_code(text, lambda part: _replace(_LINK, _link, part, "link", note))
    text = _outside_code(
        text, lambda part: _replace(_URL_BEFORE_WORDS, lambda url: f"{url[0]} ", part, "url_end", note)
    )
    return _outside(_LITERAL, text, lambda part: _mend_words(part, note))


def _mend_words(text: str, note: Note) -> str:
    text = _replace(_YEN, lambda _: "¥", text, "yen", note)
    return _replace(_BRACES, _placeholder, text, "placeholder", note)


def _placeholder(braces: re.Match[str]) -> str:
    name = unicodedata.normalize("NFKC", braces[1]).lower().replace("-", "_")
    return f"{{{name}}}" if name in NAMES else braces[0]


def _link(link: re.Match[str]) -> str:
    if not link["bang"] and not re.match(r"https?:|tel:|mailto:", link["target"], re.IGNORECASE):
        return link[0]
    is_odd = set(link[0]) & set("！［］（）“”") or "] (" in link[0] or (link["bang"] and "\\" in link["target"])
    if not is_odd:
        return link[0]
    return (
        f"![{link['text']}]({link['target']})".replace("\\", "/")
        if link["bang"]
        else f"[{link['text']}]({link['target']})"
    )


def find_definition(text: str) -> tuple[str, str] | None:
    """Read a line `[name]: https://...`, the address of links elsewhere: its name and the address."""
    found = _DEFINITION.match(text)
    return (found[1].casefold(), found[2]) if found else None


def resolve_references(text: str, addresses: Mapping[str, str], used: set[str]) -> str:
    """Write the address into each link that names one of `addresses`, whose name then is in `used`."""

    def resolve(reference: re.Match[str]) -> str:
        name = (reference[2] or reference[1]).casefold()
        if name not in addresses:
            return reference[0]
        used.add(name)
        return f"[{reference[1]}]({addresses[name]})"

    return _outside_code(text, lambda part: _REFERENCE.sub(resolve, part))


def part_at_breaks(text: str) -> list[str]:
    """Part a line at its `<br>`; inside a table's row, which must stay one line, they become spaces."""
    if "|" in text or "｜" in text:
        return [_outside_code(text, lambda part: _BREAK.sub(" ", part))]
    return _outside_code(text, lambda part: _BREAK.sub("\n", part)).removesuffix("\n").split("\n")


def _replace(pattern: re.Pattern[str], by: Callable[[re.Match[str]], str], text: str, kind: OddKind, note: Note) -> str:
    changed = pattern.sub(by, text)
    if changed != text:
        note(kind)
    return changed


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    return _outside(re.compile(_CODE), text, change) if "`" in text else change(text)


def _outside(literal: re.Pattern[str], text: str, change: Callable[[str], str]) -> str:
    """Change what stands between the literal parts of a text."""
    changed: list[str] = []
    end = 0
    for part in literal.finditer(text):
        changed += [change(text[end : part.start()]), part[0]]
        end = part.end()
    return "".join([*changed, change(text[end:])])
