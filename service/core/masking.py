"""Personal data in people's words, taken out before they leave for a language model's server.

Rules, not understanding: what has the form of a telephone number, an address or a self-introduction goes, prices,
times, dates and counts stay, since the answer hangs on them. What a rule does not know gets through. The same words
always give the same result, and the result changes no more when it is masked again.

Rules look at a shadow of the text, as long as the text itself: full-width letters, odd dashes, invisible signs and
kanji digits look there as their plain brothers, so that no spelling of a number slips by.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from service.core.surnames import SURNAMES

Words = str | Sequence["Words"] | Mapping[str, "Words"]
"""What people said, in whatever a prompt needs it: texts, lists of them, mappings."""

PHONE, MAIL, URL, ID = "［電話番号］", "［メール］", "［URL］", "［ID］"
CARD, NUMBER, POSTCODE, ADDRESS = "［カード番号］", "［番号］", "［郵便番号］", "［住所］"
NAME, BIRTHDAY = "［名前］", "［生年月日］"
PLACEHOLDERS = (PHONE, MAIL, URL, ID, CARD, NUMBER, POSTCODE, ADDRESS, NAME, BIRTHDAY)
_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))

_DASHES = frozenset("‐‑‒–—―−─━~〜～")
_KANJI_DIGITS = {"ー": "-", "〇": "0", "零": "0"} | {
    digit: str(value) for value, digit in enumerate("一二三四五六七八九", 1)
}
_CARD_DIGITS = range(13, 20)

_SEP = r"[\s\-.()/・]{0,4}"
_KANJI = r"\u4e00-\u9fff々〆ヶケ"
_HIRAGANA = r"ぁ-ゖ"
_KATAKANA = r"ァ-ヺー"


def _digits(count: str) -> str:
    return rf"(?:{_SEP}[0-9]){{{count}}}(?![0-9])"


def _patterns(*pairs: tuple[str, str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((placeholder, re.compile(pattern, re.IGNORECASE)) for placeholder, pattern in pairs)


# Read on the shadow in which kanji digits are digits and every long dash is a dash.
_NUMBERS = _patterns(
    (NUMBER, r"(?<![0-9])[0-9]{4}[ \-]?(?:[0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{1,7}|[0-9]{6}[ \-]?[0-9]{5})(?![0-9])"),
    (PHONE, rf"\({{0,1}}\+{_SEP}[0-9]{_digits('7,14')}"),
    (PHONE, rf"(?<![0-9])(?:00|010{_SEP})[1-9]{_digits('8,13')}"),
    (PHONE, rf"(?<![0-9])\({{0,1}}0{_SEP}[25-9]{_SEP}0{_digits('8')}"),
    (PHONE, rf"(?<![0-9])0{_SEP}8{_SEP}0{_SEP}0{_digits('7')}"),
    (PHONE, rf"(?<![0-9])\({{0,1}}0{_SEP}[1-9]{_digits('8')}"),
    (PHONE, rf"(?<![0-9])81{_SEP}[1-9]{_digits('8,9')}"),
    (PHONE, r"(?<![0-9])\([0-9]{2,4}\)[ \-.]{0,3}[0-9]{3,4}[ \-.]{1,2}[0-9]{4}(?![0-9])"),
    (PHONE, r"(?<![0-9])[0-9]{3}[ \-.][0-9]{3}[ \-.][0-9]{4}(?![0-9])"),
    (PHONE, r"(?<![0-9])(?!0[0-9]-[0-9]{2}-20[0-9]{2})0[0-9]{1,4}[ \-.][0-9]{2,4}[ \-.][0-9]{3,4}(?![0-9\-])"),
    (NUMBER, r"(?<![0-9])[0-9]{9,}"),
)
_NUMBER_WORDS = "会員|診察券|口座|予約|注文|受付|保険証|マイナンバー|membership|account|order|booking"
_CODE = r"([a-z]{0,4}-?[0-9][0-9\-]{3,})"
_DATE = r"[0-9]{1,4}\s?[年/.\-]\s?[0-9]{1,2}\s?[月/.\-]\s?[0-9]{1,4}日?"
# As above; what the group holds goes, the word that says what it is stays.
_TOLD = _patterns(
    (
        PHONE,
        rf"(?:電話|でんわ|携帯|ケータイ|tel|phone|mobile|call me (?:at|on))[^0-9\n円]{{0,8}}?([0-9]{_digits('5,14')})",
    ),
    (POSTCODE, rf"(?:〒|郵便番号)[^0-9\n]{{0,3}}([0-9]{_SEP}[0-9]{_SEP}[0-9]{_digits('4')})"),
    (
        NUMBER,
        rf"(?:{_NUMBER_WORDS})\s?(?:番号|no\.?|number|id|#)?[\s:はがisの]{{0,4}}{_CODE}(?![0-9円年月日時分人名/:\-])",
    ),
    (BIRTHDAY, rf"(?:生年月日|birth ?day|date of birth)[\s:はがis]{{0,5}}({_DATE}|[0-9]{{6,8}}(?![0-9]))"),
    (BIRTHDAY, rf"(?<![0-9])({_DATE})(?:生まれ|うまれ)"),
)
_ID_WORDS = r"(?<![a-z])id(?![a-z])|アカウント名?|ユーザー名"
_LOCAL = r"(?<![a-z0-9._%+\-])[a-z0-9._%+\-]++"
# Read on the shadow in which kanji are kanji.
_NET = _patterns(
    (URL, r"(?:https?://|www\.)[a-z0-9_\-.~:/?#\[\]@!$&'()*+,;=%]+"),
    (MAIL, rf"{_LOCAL}\s?@\s?[a-z0-9\-]++(?:\.[a-z0-9\-]++)+"),
    (MAIL, rf"{_LOCAL}@[a-z][a-z0-9\-]{{2,}}"),
    (ID, r"(?<![a-z0-9])u[0-9a-f]{32}(?![0-9a-f])"),
    (ID, r"(?<![a-z0-9@])@[a-z][a-z0-9._\-]{3,}"),
    # "my account is locked" tells nothing of whose it is: without a sign before it an id has a digit in it.
    (ID, rf"(?:{_ID_WORDS}|account)\s?(?:[:=はが]|is\s)?\s?((?=[a-z._\-]*[0-9_])[a-z0-9][a-z0-9._\-]{{2,}})"),
    (ID, rf"(?:{_ID_WORDS})\s?[:=は]\s?([a-z0-9][a-z0-9._\-]{{2,}})"),
)

_KANA_CITIES = (
    "さいたま|つくばみらい|つくば|いわき|みどり|うきは|えびの|かほく|ひたちなか|あま|みよし|にかほ|みやま|うるま|たつの"
    "|かすみがうら|いすみ|あきる野|いちき串木野|むつ|つがる|あわら|さくら|ふじみ野|おいらせ|まんのう"
)
_PREFECTURE = rf"(?:(?:東京都|北海道|(?:大阪|京都)府|[{_KANJI}]{{2,3}}県)\s?)"
_CITY = rf"(?:(?:[{_KANJI}0-9]{{1,6}}?|{_KANA_CITIES})[市区町村郡]\s?)"
_TOWN = rf"(?:大字|字)?[{_KANJI}{_HIRAGANA}{_KATAKANA}]{{0,12}}?\s?"
_BUILDING = rf"(?:[ \t]?[{_KANJI}{_KATAKANA}a-z]{{2,20}}\s?[0-9]{{2,4}}(?:号室)?)"
_ONE = "[0-9〇一二三四五六七八九十百]"
# Looked for first: a long row of kanji without a number would cost seconds otherwise.
_NEAR = rf"(?=[^\n]{{0,60}}?{_ONE}\s?(?:丁目|番|の|-)\s?{_ONE})"
_MORE = rf"(?:\s?(?:番地?|号|の|-)\s?{_ONE}{{0,4}})*(?:号室?)?"
# A town's name and two numbers at least: 「神南3丁目のお店」 asks for the shop, 「神南3-1-2」 is where somebody lives.
_ADDRESSES = _patterns(
    (
        ADDRESS,
        rf"{_NEAR}{_PREFECTURE}?{_CITY}{{1,3}}{_TOWN}{_ONE}{{1,4}}\s?(?:丁目|番地?|の|-)\s?{_ONE}{{1,4}}{_MORE}{_BUILDING}?",
    ),
    (ADDRESS, rf"[{_KANJI}]{{1,8}}{_ONE}{{1,3}}丁目\s?{_ONE}{{1,4}}{_MORE}"),
)

_EDGE = r"(?:^|(?<=[\s、。,.!?！？「（(:]))"
_GIVEN = rf"[{_KANJI}{_HIRAGANA}]"
_PERSON = rf"(?:[{_KANJI}]{{1,4}}(?:\s?{_GIVEN}{{1,4}})?|[{_KATAKANA}]{{2,10}}(?:[\s・][{_KATAKANA}]{{2,10}})?)"
_KNOWN = (
    rf"(?:{'|'.join(sorted(SURNAMES, key=len, reverse=True))})"
    rf"(?:\s?(?!さん|様|くん|君|ちゃん|先生|店)(?:[{_KANJI}]{{1,3}}|(?![のはがもとにで])[{_HIRAGANA}]{{2,4}}?))?"
)
# 「何と言いますか」 asks for a word.
_SAYS = r"(?:と(?:申|もう)し(?:ます|まして)|と(?:言|い)います|と(?:申|もう)す者)(?!か)"
_IS = r"(?:です(?!か)|でございます|だよ|だけど)"
_NAMES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"({_PERSON})\s?{_SAYS}",
        rf"{_EDGE}([{_HIRAGANA}]{{2,10}}?)\s?{_SAYS}",
        rf"(?:{_EDGE}|(?<=[たのはが]))({_KNOWN})\s?{_IS}",
        r"(?:名前|氏名|予約名|フリガナ|ふりがな)\s?:\s?([^\s:、。,][^\n:、。,]{0,20}?)(?=\s*(?:$|[\n、。,]|です|様))",
        rf"(?:名前|氏名)は\s?({_PERSON}|{_KNOWN}|[A-Za-z]+(?: [A-Za-z]+)?)\s?{_IS}",
        r"(?i:my name(?:'s| is)|name ?:|(?:i am|i'm) called) ([A-Za-z][A-Za-z'\-]+(?: [A-Z][A-Za-z'\-]+){0,2})",
        r"(?:I'm|I am|[Tt]his is) ([A-Z][a-z'\-]+ [A-Z][a-z'\-]+)",
    )
)


def mask(text: str, names: Iterable[str | None] = ()) -> str:
    """Put readable placeholders, `［電話番号］`, in the place of personal data.

    `names` are what the person is called (the name on LINE, a nickname): they go wherever they stand. Half of a
    surrogate pair can arrive from a phone and cannot be sent on: it becomes `?`.
    """
    text = text.encode(errors="replace").decode()
    found = _spans(text, tuple(filter(None, names)))
    parts: list[str] = []
    done = 0
    for start, end, placeholder in sorted(found, key=lambda span: (span[0], -span[1])):
        if start < done:
            continue
        parts += [text[done:start], placeholder]
        done = end
    return "".join((*parts, text[done:]))


def mask_all(value: Words, names: Sequence[str | None] = ()) -> Words:
    """Mask every text in a value made of mappings and sequences; keys are ours and stay."""
    if isinstance(value, str):
        return mask(value, names)
    if isinstance(value, Mapping):
        return {key: mask_all(each, names) for key, each in value.items()}
    return [mask_all(each, names) for each in value]


def _spans(text: str, names: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """What is to go, from where to where: some of it found by several rules."""
    shadow = "".join(map(_plain, text))
    digits = "".join(_KANJI_DIGITS.get(char, char) for char in shadow)
    for found in _PLACEHOLDER.finditer(text):
        yield (*found.span(), found[0])
    for rules, read in ((_NET, shadow), (_ADDRESSES, shadow), (_TOLD, digits), (_NUMBERS, digits)):
        for placeholder, pattern in rules:
            for found in pattern.finditer(read):
                what = CARD if placeholder == NUMBER and _is_card(found[0]) else placeholder
                yield (*found.span(pattern.groups), what)
    called = [re.compile(_bounded(form)) for form in _forms(names)]
    for pattern, read in (*((each, shadow) for each in _NAMES), *((each, _folded(shadow)) for each in called)):
        yield from ((*found.span(pattern.groups), NAME) for found in pattern.finditer(read))


@cache
def _plain(char: str) -> str:
    """One character in its plainest form, which is one character, too."""
    if char in _DASHES:
        return "-"
    if unicodedata.category(char) in {"Cf", "Mn", "Me", "Zs", "Cs"}:
        return " "
    form = unicodedata.normalize("NFKC", char)
    return form if len(form) == 1 and len(form.casefold()) == 1 else char


def _is_card(digits: str) -> bool:
    """Luhn's sum, which the numbers of all cards satisfy (ISO/IEC 7812-1)."""
    numbers = [int(char) for char in digits if char.isdecimal()]
    doubled = [sum(divmod(2 * number, 10)) for number in numbers[-2::-2]]
    return len(numbers) in _CARD_DIGITS and (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0


def _forms(names: Sequence[str]) -> list[str]:
    """The names whole, without spaces, and their parts: those that are long enough to be no other word."""
    forms: dict[str, None] = {}
    for name in names:
        plain = "".join(map(_plain, name)).casefold()
        parts = re.findall(r"[^\W\d_]+", plain)
        for form in (" ".join(parts), "".join(parts), *parts):
            if len(form) >= (2 if re.search(f"[{_KANJI}]", form) else 3):
                forms[form] = None
    return sorted(forms, key=len, reverse=True)


def _bounded(name: str) -> str:
    return rf"(?<![a-z]){re.escape(name)}(?![a-z])" if name.isascii() else re.escape(name)


def _folded(shadow: str) -> str:
    return "".join(low if len(low := char.casefold()) == 1 else char for char in shadow)
