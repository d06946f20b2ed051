"""The words of `_shop.yaml`: weekdays, times, dates, durations and shares, in English and Japanese.

Each function returns what a text says, or a `Misread` with the sentence for its writer. Full-width letters and digits,
`〜` and the other dashes are as good as the plain ones.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from types import MappingProxyType

import msgspec

from service.core.shop import ALL_DAY, CLOSED, DAY_MINUTES, WEEKDAYS, Dates, Hours, Interval, NthWeekday

HOLIDAYS = 7
"""Stands beside the weekdays 0 to 6 for public holidays."""
LONGEST_DAYS = 366
"""How long a range of dates may be: a longer one is a slip of the year."""

_DASH = "[-‐‑‒–—―−ー~〜]"  # what people type between two times
_JAPANESE_DAYS = "月火水木金土日祝"
_ENGLISH_DAYS: Mapping[str, int] = MappingProxyType(
    {
        **{name: number for number, name in enumerate(WEEKDAYS)},
        **{name: number for number, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday"))},
        "saturday": 5,
        "sunday": 6,
        "tues": 1,
        "weds": 2,
        "thur": 3,
        "thurs": 3,
        "holiday": HOLIDAYS,
        "holidays": HOLIDAYS,
    }
)
_SEVERAL_DAYS: Mapping[str, range] = MappingProxyType(
    {"daily": range(7), "毎日": range(7), "weekdays": range(5), "平日": range(5), "weekends": range(5, 7)}
)
_CLOSED_WORDS = frozenset({"closed", "close", "休み", "お休み", "定休", "定休日", "休業", "休", "休業日"})
_OPEN_WORDS = frozenset({"open", "営業", "開店", "営業する"})

_TIME = r"(\d{1,2})(?::(\d{2})|時(?:(\d{1,2})分|(半))?)?"
_INTERVAL = re.compile(rf"{_TIME}(?:{_DASH}|から){_TIME}(?:まで)?")
_DATE = r"(\d{4})(?:-|/|年)(\d{1,2})(?:-|/|月)(\d{1,2})日?"
_DATES = re.compile(rf"{_DATE}(?:(?:\.\.+|…|〜|~|から){_DATE}(?:まで)?)?")
_NTH = re.compile(r"((?:第?[1-5](?:st|nd|rd|th(?!u))?(?:[・+&/]|and)?)+)(.+)")
_UNITS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分"), 1),
        **dict.fromkeys(("h", "hour", "hours", "時間"), 60),
        **dict.fromkeys(("d", "day", "days", "日"), DAY_MINUTES),
    }
)
_DURATION_PART = re.compile(r"(\d{1,5})(\D+)")


class Misread(msgspec.Struct, frozen=True):
    """Why a text could not be read, as a sentence for whoever wrote it."""

    ja: str
    en: str


def plain(text: str) -> str:
    """Fold width and case, drop spaces: how words of the file are compared."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def read_days(text: str) -> tuple[int, ...] | Misread:
    """Read `tue-fri`, `sat+sun+holidays`, 月〜金 or 土日祝 as weekdays 0 to 6 and HOLIDAYS."""
    days: list[int] = []
    for part in re.split(r"[+,、・/&]|(?<=[a-z])and(?=[a-z])", plain(text)):
        found = _read_day_range(part)
        if found is None:
            ja = f"「{text}」を曜日として読めません。tue-fri、sat+sun+holidays、月〜金、土日祝 のように書きます。"
            return Misread(ja, f'"{text}" names no days. Write them like tue-fri, sat+sun+holidays or mon.')
        days += found
    return tuple(dict.fromkeys(days))


def _read_day_range(part: str) -> list[int] | None:
    if part in _SEVERAL_DAYS:
        return list(_SEVERAL_DAYS[part])
    ends = [_read_day_names(end) for end in re.split(_DASH, part)]
    if len(ends) == 1:
        return ends[0]
    if len(ends) != 2 or not all(end and len(end) == 1 and end[0] != HOLIDAYS for end in ends):
        return None
    (first,), (last,) = (end or [0] for end in ends)
    return [day % 7 for day in range(first, last + 1 if last >= first else last + 8)]


def _read_day_names(name: str) -> list[int] | None:
    if name in _ENGLISH_DAYS:
        return [_ENGLISH_DAYS[name]]
    signs = re.sub(r"祝祭日|祭日|祝日", "祝", re.sub(r"(?<=[月火水木金土日])曜日?", "", name))
    return [_JAPANESE_DAYS.index(sign) for sign in signs] if signs and set(signs) <= set(_JAPANESE_DAYS) else None


def read_hours(text: str) -> Hours | Misread:
    """Read `10:00-13:00, 14:00-20:00`, `18:00-26:00`, 10時〜20時, `closed` or 休み."""
    words = plain(text)
    if words in _CLOSED_WORDS:
        return CLOSED
    if words in {"24h", "24時間", "24hours", "24時間営業"}:
        return ALL_DAY
    intervals: list[Interval] = []
    for part in re.split(r"[,、/&+・]", words):
        interval = _read_interval(part)
        if isinstance(interval, Misread):
            return interval
        intervals.append(interval)
    intervals.sort()
    if any(later.opens < earlier.closes for earlier, later in pairwise(intervals)):
        return Misread(f"「{text}」の時間が重なっています。", f'The times in "{text}" overlap.')
    return tuple(intervals)


def _read_interval(part: str) -> Interval | Misread:
    found = _INTERVAL.fullmatch(part)
    if not found:
        ja = f"「{part}」を時間として読めません。10:00-19:00 や closed（休み）のように書きます。"
        return Misread(ja, f'"{part}" is no time. Write it like 10:00-19:00, or closed.')
    opens, closes = _minutes(*found.groups()[:4]), _minutes(*found.groups()[4:])
    if opens is None or closes is None or opens >= DAY_MINUTES or closes - opens > DAY_MINUTES:
        ja = f"「{part}」のような時刻はありません。開店は 0:00〜23:59、夜中過ぎの閉店は 26:00 のように書きます。"
        return Misread(ja, f'"{part}" cannot be: opening is 0:00 to 23:59, closing past midnight is like 26:00.')
    if closes <= opens:
        later = f"{_clock(opens)}-{_clock(closes + DAY_MINUTES)}"
        ja = f"「{part}」は閉店が開店より前です。夜中を過ぎるときは {later} と書きます。"
        return Misread(ja, f'"{part}" closes before it opens. Past midnight is written {later}.')
    return Interval(opens, closes)


def _minutes(hour: str, minute: str | None, japanese_minute: str | None, half: str | None) -> int | None:
    minutes = 30 if half else int(minute or japanese_minute or 0)
    return int(hour) * 60 + minutes if minutes < 60 else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def read_dates(text: str) -> Dates | Misread:
    """Read `2026-12-31` or `2026-12-31..2027-01-03`, also 2026/12/31 and 2026年12月31日."""
    found = _DATES.fullmatch(plain(text))
    if not found:
        ja = f"「{text}」を日付として読めません。2026-12-31 や 2026-12-31..2027-01-03 のように年から書きます。"
        return Misread(ja, f'"{text}" is no date. Write it like 2026-12-31 or 2026-12-31..2027-01-03.')
    numbers = [int(group) for group in found.groups() if group]
    try:
        first, last = date(*numbers[:3]), date(*numbers[-3:])
    except ValueError:
        return Misread(f"「{text}」という日はありません。", f'There is no such day as "{text}".')
    if not 0 <= (last - first).days < LONGEST_DAYS:
        ja = f"「{text}」は、終わりが始まりより前か、1年より長い期間です。"
        return Misread(ja, f'"{text}" ends before it begins, or is longer than a year.')
    return Dates(first, last)


def read_closed(text: str) -> tuple[NthWeekday | Dates, ...] | Misread:
    """Read one thing of `closed`: dates, or `3rd tue`, 第3火曜, 第1・第3月曜."""
    if found := _NTH.fullmatch(plain(text)):
        days = read_days(found[2])
        if not isinstance(days, Misread) and HOLIDAYS not in days:
            return tuple(NthWeekday(int(nth), day) for nth in re.findall(r"[1-5]", found[1]) for day in days)
    dates = read_dates(text)
    if isinstance(dates, Misread) and not re.match(r"\d{4}", plain(text)):
        ja = f"「{text}」を休業日として読めません。3rd tue、第3火曜、2026-12-31..2027-01-03 のように書きます。"
        return Misread(ja, f'"{text}" is no day off. Write it like 3rd tue or 2026-12-31..2027-01-03.')
    return dates if isinstance(dates, Misread) else (dates,)


def read_open_or_closed(text: str) -> bool | Misread:
    """Read `open` or `closed`, 営業 or 休み."""
    words = plain(text)
    if words in _OPEN_WORDS | _CLOSED_WORDS:
        return words in _OPEN_WORDS
    return Misread(f"「{text}」は使えません。open（営業）か closed（休み）です。", f'"{text}" must be open or closed.')


def read_duration(text: str, least: timedelta, most: timedelta) -> timedelta | Misread:
    """Read `1h`, `90m`, `1h30m`, `3d`, 1時間30分 or 3日."""
    words = plain(text)
    parts = [(int(number), _UNITS.get(unit)) for number, unit in _DURATION_PART.findall(words)]
    minutes = sum(number * (unit or 0) for number, unit in parts)
    if not parts or not all(unit for _, unit in parts) or _DURATION_PART.sub("", words):
        ja = f"「{text}」を長さとして読めません。30m（30分）、1h（1時間）、2d（2日）のように書きます。"
        return Misread(ja, f'"{text}" is no length of time. Write it like 30m, 1h or 2d.')
    if not least <= (length := timedelta(minutes=minutes)) <= most:
        ja = f"「{text}」は使えません。{_length(least, 'ja')}から{_length(most, 'ja')}までです。"
        return Misread(ja, f'"{text}" must be from {_length(least, "en")} to {_length(most, "en")}.')
    return length


def _length(length: timedelta, lang: str) -> str:
    minutes = int(length.total_seconds() // 60)
    sizes = ((DAY_MINUTES, "日", "d"), (60, "時間", "h"), (1, "分", "m"))
    size, ja, en = next(unit for unit in sizes if minutes % unit[0] == 0)
    return f"{minutes // size}{ja if lang == 'ja' else en}"


def read_share(text: str, least: int, most: int) -> float | Misread:
    """Read a percentage as a share from 0 to 1."""
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,2})?)(?:%|パーセント)", plain(text))
    if not found:
        ja = f"「{text}」を割合として読めません。5% のように書きます。"
        return Misread(ja, f'"{text}" is no percentage. Write it like 5%.')
    if not least <= float(found[1]) <= most:
        return Misread(
            f"「{text}」は使えません。{least}%から{most}%までです。", f'"{text}" must be {least}% to {most}%.'
        )
    return round(float(found[1]) / 100, 6)
