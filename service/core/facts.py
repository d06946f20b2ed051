"""The facts that stand in a text, in one spelling: numbers, prices, times, dates, days, links, addresses.

「19時」, `19:00`, `7 pm` and 「午後七時」 are one fact, 「5,500円」 and `¥5500` another. A text says nothing new when
each of its facts stands in the texts it was made from.
"""

import re
import unicodedata
from collections.abc import Iterator

import msgspec


class Fact(msgspec.Struct, frozen=True):
    """One fact: its kind, and what it says in a form that is the same for every spelling.

    `unit` is what is counted, empty where it cannot be told.
    """

    kind: str
    value: str
    unit: str = ""


_KANJI_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")}
_KANJI_POWERS = {"十": 10, "百": 100, "千": 1000}
_UNITS = {
    "円": "yen", "yen": "yen", "jpy": "yen", "ドル": "dollar", "分": "minute", "min": "minute", "mins": "minute",
    "minute": "minute", "minutes": "minute", "時間": "hour", "h": "hour", "hour": "hour", "hours": "hour",
    "人": "person", "名": "person", "people": "person", "persons": "person", "guests": "person", "台": "car",
    "cars": "car", "%": "percent", "パーセント": "percent", "percent": "percent", "割": "tenth", "日間": "day",
    "日前": "day", "日後": "day", "days": "day", "週間": "week", "weeks": "week", "か月": "month", "ヶ月": "month",
    "ヵ月": "month", "months": "month", "歳": "age", "才": "age", "階": "floor", "回": "time", "点": "point",
    "個": "piece", "本": "long", "枚": "flat", "年": "year", "月": "moon", "日": "date",
}  # fmt: skip
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_WORDS = {
    word: value
    for value, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 2
    )
}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RELATIVE = {
    "本日": "today", "今日": "today", "きょう": "today", "today": "today", "tonight": "today", "今晩": "today",
    "今夜": "today", "明日": "tomorrow", "あした": "tomorrow", "あす": "tomorrow", "tomorrow": "tomorrow",
    "明後日": "after tomorrow", "あさって": "after tomorrow", "昨日": "yesterday", "yesterday": "yesterday",
    "今週": "this week", "this week": "this week", "来週": "next week", "next week": "next week", "今月": "this month",
    "来月": "next month", "next month": "next month", "土日": "weekend", "週末": "weekend", "weekend": "weekend",
    "平日": "weekday", "weekday": "weekday", "祝日": "holiday", "holiday": "holiday",
}  # fmt: skip
_RELATIVES = "|".join(sorted(_RELATIVE, key=len, reverse=True))

_HALF = r"(?P<half>午前|午後|朝|夜|夕方|am\s?|pm\s?)?\s?"
_LINK = re.compile(r"(?:https?://|www\.)[a-z0-9\-.~:/?#@!$&'*+,;=%_]+", re.ASCII)
_MAIL = re.compile(r"[a-z0-9._%+\-]+@[a-z0-9\-]+(?:\.[a-z0-9\-]+)+", re.ASCII)
_PHONE = re.compile(r"(?<![0-9])(?:\+|0)[0-9](?:[\s\-.()]{0,2}[0-9]){7,13}(?![0-9])")
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:[0-9]{4}[年/\-.]\s?)?(?<![0-9])(?P<month>1[0-2]|0?[1-9])\s?月\s?(?P<day>3[01]|[12][0-9]|0?[1-9])\s?日",
        r"(?:[0-9]{4}[/\-.])?(?<![0-9])(?P<month>1[0-2]|0?[1-9])/(?P<day>3[01]|[12][0-9]|0?[1-9])(?![0-9])",
        r"[0-9]{4}-(?P<month>[01][0-9])-(?P<day>[0-3][0-9])(?![0-9])",
        rf"\b(?P<name>{'|'.join(_MONTHS)})[a-z]*\.?\s(?P<day>3[01]|[12][0-9]|[1-9])(?:st|nd|rd|th)?\b",
    )
)
_FROM_TO = re.compile(r"(?<![0-9:])([0-9]{1,2})\s?[\-~]\s?([0-9]{1,2})\s?時(?!間)")
_TIMES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_HALF}(?<![0-9])(?P<hour>[0-2]?[0-9]):(?P<minute>[0-5][0-9])(?:\s?(?P<after>am|pm)\b)?",
        rf"{_HALF}(?<![0-9])(?P<hour>[0-2]?[0-9])\s?時(?!間)\s?(?:(?P<minute>[0-5]?[0-9])\s?分|(?P<thirty>半))?",
        r"(?<![0-9])(?P<hour>1[0-2]|[1-9])\s?(?P<after>am|pm|a\.m\.|p\.m\.)",
    )
)
_WEEKDAY = re.compile(
    rf"([月火水木金土日])(?:曜|(?=[・、/]?(?:[月火水木金土日][・、/]?)*[月火水木金土日]曜))|\(([月火水木金土日])\)"
    rf"|\b({'|'.join(_DAYS)})(?:s|day|sday|nesday|rsday|urday)?s?\b"
)
_NUMBER = re.compile(
    rf"(?P<sign>[¥$])?\s?(?P<number>[0-9]+(?:,[0-9]{{3}})*(?:\.[0-9]+)?)\s?(?P<thousand>千)?\s?(?P<unit>{_UNIT})?"
)
_ENGLISH = re.compile(rf"\b({'|'.join(_WORDS)})\b")
_MIXED = re.compile(r"([0-9]+)\s?万\s?(?:([0-9])\s?千)?([0-9]{1,4}(?![0-9]))?")
_KANJI = re.compile(rf"(?<![0-9])[〇一二三四五六七八九十百千万]+(?=\s?(?:時|{_UNIT}))")


def facts(text: str) -> set[Fact]:
    """Read all facts of a text."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("〜", "~").replace("–", "-")
    plain = _KANJI.sub(lambda found: str(_kanji_number(found[0])), plain)
    plain = _MIXED.sub(
        lambda found: str(int(found[1]) * 10_000 + int(found[2] or 0) * 1_000 + int(found[3] or 0)), plain
    )
    return set(_read(plain))


def unfounded(facts_of_text: set[Fact], known: set[Fact]) -> set[Fact]:
    """The facts that do not stand among the known ones. A number without a unit may be any of that value."""
    values = {fact.value for fact in known if fact.kind == "number"}
    bare = {fact.value for fact in known if fact.kind == "number" and not fact.unit}
    return {
        fact
        for fact in facts_of_text - known
        if fact.kind != "number" or fact.value not in (bare if fact.unit else values)
    }


def _read(text: str) -> Iterator[Fact]:
    """Each reader takes out what it has read, so that a telephone number is not five numbers as well."""
    for kind, pattern in (("link", _LINK), ("mail", _MAIL), ("phone", _PHONE)):
        for found in pattern.finditer(text):
            digits = re.sub(r"[^0-9]", "", found[0])
            yield Fact(kind, digits if kind == "phone" else found[0].rstrip(".,/"))
        text = pattern.sub(" ", text)
    for pattern in _DATES:
        for found in pattern.finditer(text):
            named = found.groupdict()
            month = _MONTHS.index(named["name"]) + 1 if named.get("name") else int(named["month"])
            yield Fact("date", f"{month}/{int(named['day'])}")
        text = pattern.sub(" ", text)
    text = _FROM_TO.sub(r"\1時\2時", text)
    for pattern in _TIMES:
        yield from (Fact("time", str(_minutes(found))) for found in pattern.finditer(text))
        text = pattern.sub(" ", text)
    for found in _WEEKDAY.finditer(text):
        yield Fact("day", found[3] or _DAYS["月火水木金土日".index(found[1] or found[2])])
    for found in re.finditer(_RELATIVES, text):
        yield Fact("day", _RELATIVE[found[0]])
    for found in _NUMBER.finditer(text):
        value = float(found["number"].replace(",", "")) * (1000 if found["thousand"] else 1)
        sign = {"¥": "yen", "$": "dollar", None: ""}[found["sign"]]
        yield Fact(
            "number", f"{value:g}" if value < 1e5 else f"{value:.0f}", sign or _UNITS.get(found["unit"] or "", "")
        )
    yield from (Fact("number", str(_WORDS[found[0]])) for found in _ENGLISH.finditer(text))


def _minutes(found: re.Match[str]) -> int:
    named = found.groupdict()
    hour = int(named["hour"])
    half = (named.get("half") or named.get("after") or "").strip().replace(".", "")
    if half in {"午後", "夜", "夕方", "pm"} and hour < 12:
        hour += 12
    elif half in {"午前", "朝", "am"} and hour == 12:
        hour = 0
    return hour * 60 + (30 if named.get("thirty") else int(named.get("minute") or 0))


def _kanji_number(digits: str) -> int:
    """「千二百」 is 1200, 「一二」 12, 「五万」 50000."""
    total, part, digit = 0, 0, 0
    for char in digits:
        if char == "万":
            total, part, digit = (total + (part + digit or 1)) * 10_000, 0, 0
        elif char in _KANJI_POWERS:
            part, digit = part + (digit or 1) * _KANJI_POWERS[char], 0
        else:
            digit = digit * 10 + _KANJI_DIGITS[char]
    return total + part + digit
