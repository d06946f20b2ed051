"""The settings on top of a FAQ file as they were meant: other dashes, forgotten borders, full-width marks."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from service.core.characters import Row
from service.core.frontmatter import ACTIONS, FLAGS, KEYS, KINDS, LANGUAGES, MATCHES, Kind
from service.core.oddities import Oddity, OddKind

BORDER = "---"
# What people type for a hyphen: on a Japanese keyboard the long vowel mark lies on the same key.
DASHES = r"\-‐‑‒–—―−ー─ｰ－"
_BORDER_LIKE = re.compile(rf"\s*[{DASHES}]{{3,}}\s*$")
_ENTRY_OR_QUOTE = re.compile(r"\s{0,3}(?:[#＃]{2}(?![#＃])|[>＞])")
_TITLE = re.compile(r"\s{0,3}[#＃]")
_SETTING = re.compile(r"\s*(?:[-*・]\s+)?([^:：]+?)\s*[:：]\s*(.*?)\s*$")
_COMMA = re.compile(r"[，､,]")
_QUOTES = "\"'“”‘’「」"
_CHOICES: Mapping[Kind, Mapping[str, object]] = {
    "action": ACTIONS,
    "match": MATCHES,
    "flag": FLAGS,
    "lang": LANGUAGES,
    "list": {},
    "date": {},
}
_FLAG_WORDS: Mapping[str, str] = {
    "true": "yes",
    "on": "yes",
    "○": "はい",
    "する": "はい",
    "false": "no",
    "off": "no",
    "×": "いいえ",
    "しない": "いいえ",
}


def mend_settings(rows: Sequence[Row]) -> tuple[list[Row], Sequence[Row], list[Oddity]]:
    """Return the rows of the settings as they were meant, those below them, and what was odd."""
    lines = [position for position, row in enumerate(rows) if row.text.strip() and not row.is_comment]
    if not lines:
        return [], rows, []
    first = lines[0]
    oddities: list[Oddity] = []
    if _BORDER_LIKE.match(rows[first].text):
        begin, (end, is_closed) = first + 1, _closing(rows, first + 1)
        mended = [*rows[:first], _mended(rows[first], BORDER, "border", oddities)]
    elif _is_known(rows[first].text):
        begin, (end, is_closed) = first, _end_of_known(rows, first)
        mended = [*rows[:first], Row(rows[first].number, BORDER)]
        oddities.append(Oddity(rows[first].number, "no_opening"))
    else:
        return [], rows, []
    for row in rows[begin:end]:
        mended.append(row if row.is_comment else _mended(row, _setting(row.text), "setting", oddities))
    if is_closed:
        mended.append(_mended(rows[end], BORDER, "border", oddities))
        return mended, rows[end + 1 :], oddities
    number = rows[max(end - 1, first)].number
    mended.append(Row(number, BORDER))
    oddities.append(Oddity(number, "no_closing"))
    return mended, rows[end:], oddities


def _mended(row: Row, text: str, kind: OddKind, oddities: list[Oddity]) -> Row:
    if row.text.rstrip() == text.rstrip():
        return row
    oddities.append(Oddity(row.number, kind))
    return row._replace(text=text)


def _closing(rows: Sequence[Row], begin: int) -> tuple[int, bool]:
    """Where the settings end, and whether a border stands there. A title among them is a remark, if one does."""
    end = len(rows)
    for position in range(begin, len(rows)):
        text = rows[position].text
        if _BORDER_LIKE.match(text):
            return position, True
        if _ENTRY_OR_QUOTE.match(text):
            end = position
            break
    title = next((position for position in range(begin, end) if _TITLE.match(rows[position].text)), end)
    return _without_blanks(rows, begin, title), False


def _end_of_known(rows: Sequence[Row], begin: int) -> tuple[int, bool]:
    """As `_closing`, for settings without a border above them: the first line that is none ends them."""
    for position in range(begin, len(rows)):
        row = rows[position]
        if _BORDER_LIKE.match(row.text):
            return position, True
        if not row.is_comment and row.text.strip() and not _is_known(row.text):
            return _without_blanks(rows, begin, position), False
    return _without_blanks(rows, begin, len(rows)), False


def _without_blanks(rows: Sequence[Row], begin: int, end: int) -> int:
    while end > begin and not rows[end - 1].written.strip():
        end -= 1
    return end


def _is_known(text: str) -> bool:
    found = _SETTING.match(text)
    return found is not None and _folded(found[1]) in KEYS


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _setting(text: str) -> str:
    """A setting's line as it was meant; what is not understood stays as it stands."""
    found = _SETTING.match(text)
    if found is None:
        return text
    key, value = found[1], found[2]
    if _folded(key) not in KEYS:
        return text
    key = _folded(key)
    kind = KINDS[KEYS[key]]
    if kind == "list":
        mended = _COMMA.sub(lambda comma: "," if comma[0] == "," else "、", value)
        if mended.startswith(("[", "［")) and mended.endswith(("]", "］")):
            mended = "、".join(part.strip().strip(_QUOTES) for part in re.split(r"[、,]", mended[1:-1]))
    else:
        mended = unicodedata.normalize("NFKC", value).strip().strip(_QUOTES).strip()
        folded = mended.casefold()
        folded = _FLAG_WORDS.get(folded, folded) if kind == "flag" else folded
        mended = folded if folded in _CHOICES[kind] else mended
    # How much space stands around the colon is nobody's mistake.
    is_fine = found[1] == key and found[2] == mended and re.match(r"[^:：]+:", text) and text[0] == key[0]
    return text if is_fine else f"{key}: {mended}".rstrip()
