"""Reads `_shop.yaml`. Every value is checked, and every problem told with its line, all of them at once."""

import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from service.core.entries import Problem
from service.core.hours import is_day_off
from service.core.normalize import normalize
from service.core.shop import CLOSED, JAPAN, WEEKDAYS, Hours, Shop
from service.core.shopreader import Reader
from service.core.shopwords import (
    HOLIDAYS,
    Misread,
    plain,
    read_closed,
    read_dates,
    read_days,
    read_duration,
    read_hours,
    read_open_or_closed,
    read_share,
)
from service.core.spelling import advice, nearest
from service.core.yamltext import Items, Pairs, Scalar, Value, read_yaml

SHOP_FILE = "_shop.yaml"
# LINE shows up to 13 quick replies; one of them is スタッフに聞く.
STARTERS_MAX = 12

_MODES = ("bot_first", "staff_first")
_NEXT_DAY = ("nextday", "翌日")
_DAYS_JA = "月火水木金土日祝"
_DASHES = re.compile("[‐‑‒–—―−ー]")  # what an input method makes of the key beside 0
_PHONE = re.compile(r"\+?\(?\d[\d ()/-]{4,24}")
_URL = re.compile(r"https?://[^\s/<>\"「」]+\.[^\s<>\"「」]+")
_ENTRY_ID = re.compile(r"[a-z0-9_-]{1,60}")

Changes = Mapping[str, object]
"""Fields of a Shop by name."""
_NOTHING: Changes = MappingProxyType({})


class ShopFile(NamedTuple):
    """`_shop.yaml` as read: the shop (None when there is an error), the problems, and the line of each key."""

    shop: Shop | None
    problems: tuple[Problem, ...]
    lines: Mapping[str, int]


def read_shop(text: str, file: str = SHOP_FILE) -> ShopFile:
    """Read the file. Never fails: what is wrong with it stands in `problems`."""
    reader, shop, lines = Reader(file), Shop(), dict[str, int]()
    tree = read_yaml(text.removeprefix("\ufeff"), reader.error)
    if isinstance(tree, Pairs):
        for key, value in tree.pairs:
            lines[key.text] = key.line
            if key.text not in _KEYS:
                reader.unknown(key, _KEYS)
            elif value != Scalar(value.line, ""):  # `phone:` with nothing behind it says nothing
                shop = msgspec.structs.replace(shop, **_KEYS[key.text](reader, key.text, value))
        _check_together(reader, shop, lines)
    elif tree and tree != Scalar(tree.line, ""):
        ja = "「name: お店の名前」のように、半角の「:」と空白を使って書いてください。"
        reader.error(tree.line, ja, "Write lines like `name: My shop`, with a colon and a space.")
    is_good = all(problem.severity == "warning" for problem in reader.problems)
    problems = sorted(reader.problems, key=lambda problem: (problem.line, problem.en))
    return ShopFile(shop if is_good else None, tuple(problems), lines)


def _check_together(reader: Reader, shop: Shop, lines: Mapping[str, int]) -> None:
    """What a single value cannot tell: days off that hide special hours, holidays without hours or country."""
    for day in filter(lambda day: is_day_off(shop, day), shop.special):
        ja = f"{day} は closed にも当てはまるので、special の時間は使われません。"
        reader.warn(lines["special"], ja, f"{day} is closed by `closed` too, so its special hours are not used.")
    line = lines.get("if_holiday", lines.get("hours", 1))
    if shop.timezone != JAPAN and (shop.holidays is not None or shop.if_holiday):
        ja = "祝日がわかるのは日本（Asia/Tokyo）だけです。ほかの国の祝日は special に日付で書いてください。"
        reader.error(line, ja, "Only Japan's holidays (Asia/Tokyo) are known. Write other ones into `special` by date.")
    if any(shop.if_holiday.values()) and not shop.holidays:
        ja = "祝日に営業する時間がありません。hours に holidays（祝）の時間を書いてください。"
        reader.error(line, ja, "There are no hours for holidays: add `holidays` to `hours`.")


def _line_of_text(reader: Reader, key: str, value: Value) -> Changes:
    text = reader.text(key, value)
    return {key: text} if text else _NOTHING


def _timezone(reader: Reader, key: str, value: Value) -> Changes:
    if not (text := reader.text(key, value)):
        return _NOTHING
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        names = {name.casefold(): name for name in zoneinfo.available_timezones()}
        near = names.get(nearest(text, names) or "", JAPAN)
        ja = f"「{text}」という時間帯はありません。{near} のように書きます。"
        reader.error(value.line, ja, f'There is no time zone "{text}". Write it like {near}.')
        return _NOTHING
    return {key: text}


def _hours(reader: Reader, key: str, value: Value) -> Changes:
    found: dict[int, Hours] = {}
    written: dict[int, str] = {}
    for days_text, hours_text in reader.pairs(key, value, 'tue-fri: "10:00-20:00"'):
        days = reader.take(days_text.line, read_days(days_text.text))
        hours = reader.take(hours_text.line, read_hours(hours_text.text))
        for day in days or ():
            if day in written:
                ja = f"「{_DAYS_JA[day]}」が「{written[day]}」と「{days_text.text}」に重なっています。"
                en = f'"{written[day]}" and "{days_text.text}" both name {(*WEEKDAYS, "holidays")[day]}.'
                reader.error(days_text.line, ja, en)
            written[day] = days_text.text
            found[day] = hours or CLOSED
    missing = [day for day in range(7) if day not in written]
    if missing and written:
        ja = f"{'・'.join(_DAYS_JA[day] for day in missing)}曜の時間がないので、休みとして扱います。"
        en = f"No hours for {', '.join(WEEKDAYS[day] for day in missing)}: taken as closed."
        reader.warn(value.line, ja, en)
    return {"week": tuple(found.get(day, CLOSED) for day in range(7)), "holidays": found.get(HOLIDAYS)}


def _closed(reader: Reader, key: str, value: Value) -> Changes:
    rules = [reader.take(each.line, read_closed(each.text)) or () for each in reader.texts(key, value)]
    return {key: tuple(rule for found in rules for rule in found)}


def _special(reader: Reader, key: str, value: Value) -> Changes:
    found: dict[date, Hours] = {}
    for dates_text, hours_text in reader.pairs(key, value, '2026-12-30: "10:00-15:00"'):
        dates = reader.take(dates_text.line, read_dates(dates_text.text))
        hours = reader.take(hours_text.line, read_hours(hours_text.text))
        if dates is None or hours is None:
            continue
        for number in range((dates.last - dates.first).days + 1):
            day = dates.first + timedelta(number)
            if day in found:
                reader.error(dates_text.line, f"{day} が二度書かれています。", f"{day} is written twice.")
            found[day] = hours
    return {key: dict(sorted(found.items()))}


def _if_holiday(reader: Reader, key: str, value: Value) -> Changes:
    found: dict[int, bool] = {}
    next_day: int | None = None
    for name, said in reader.pairs(key, value, "{mon: open, next day: closed}"):
        is_open = reader.take(said.line, read_open_or_closed(said.text))
        if plain(name.text) in _NEXT_DAY:
            next_day = name.line
            if is_open:
                ja, en = "「翌日」に書けるのは closed（休み）だけです。", '"next day" can only be closed.'
                reader.error(said.line, ja, en)
            continue
        days = reader.take(name.line, read_days(name.text)) or ()
        for day in days:
            if day == HOLIDAYS or day in found:
                ja = f"「{name.text}」には、まだ書いていない曜日か next day（翌日）を書きます。"
                reader.error(name.line, ja, f'"{name.text}" must be a weekday not named yet, or "next day".')
            found[day] = bool(is_open)
    if next_day and not any(found.values()):
        ja = "翌日を休みにするのは、どの曜日が祝日で営業したときですか。mon: open のように書き足してください。"
        reader.error(next_day, ja, "Closed after which open holiday? Add its weekday, like mon: open.")
    return {key: found, "closed_after_holiday": next_day is not None}


def _mode(reader: Reader, key: str, value: Value) -> Changes:
    if (text := reader.text(key, value)) in _MODES:
        return {key: text}
    if text is not None:
        ja, en = advice(text, _MODES)
        reader.error(value.line, f"「{key}」に「{text}」は使えません。{ja}", f'"{key}" cannot be "{text}". {en}')
    return _NOTHING


def _checked(read: Callable[[str], object | Misread]) -> "_Key":
    """Make the reader of a key whose text is turned into something else."""

    def read_key(reader: Reader, key: str, value: Value) -> Changes:
        text = reader.text(key, value)
        found = reader.take(value.line, read(text)) if text else None
        return _NOTHING if found is None else {key: found}

    return read_key


def _phone(text: str) -> str | Misread:
    number = _DASHES.sub("-", unicodedata.normalize("NFKC", text))
    if _PHONE.fullmatch(number):
        return number
    return Misread(f"「{text}」を電話番号として読めません。", f'"{text}" is no telephone number.')


def _url(text: str) -> str | Misread:
    if _URL.fullmatch(text):
        return text
    ja = f"「{text}」は https:// で始まるアドレスではありません。"
    return Misread(ja, f'"{text}" is no address that begins with https://.')


def _synonyms(reader: Reader, key: str, value: Value) -> Changes:
    groups: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for group in value.values if isinstance(value, Items) else (value,):
        words = reader.texts(key, group) if isinstance(group, Items) else ()
        if len(words) < 2:
            ja = f"「{key}」は [[カラー, 染める], [縮毛矯正, ストパー]] のように、同じ意味の言葉を2つ以上ずつ書きます。"
            reader.error(group.line, ja, f'"{key}" is a list of lists of two or more words, like [[colour, dye]].')
        for word in words:
            if (form := normalize(word.text)) in seen | {""}:
                ja = f"「{word.text}」は、二度書かれているか、文字がありません。"
                reader.error(word.line, ja, f'"{word.text}" is written twice, or holds no words.')
            seen.add(form)
        groups.append(tuple(word.text for word in words))
    return {key: tuple(groups)}


def _phrases(reader: Reader, key: str, value: Value) -> Changes:
    found = reader.texts(key, value)
    for each in found:
        if not normalize(each.text):
            ja = f"「{each.text}」には文字がないので、使えません。"
            reader.error(each.line, ja, f'"{each.text}" holds no words.')
    return {key: tuple(normalize(each.text) for each in found)}


def _starters(reader: Reader, key: str, value: Value) -> Changes:
    found = list(reader.texts(key, value))
    for each in found:
        if not _ENTRY_ID.fullmatch(each.text):
            ja = f"「{each.text}」は FAQ の ID ではありません。{{#hours}} なら hours と書きます。"
            reader.error(each.line, ja, f'"{each.text}" is no id of an entry. For {{#hours}} write hours.')
    ids = tuple(dict.fromkeys(each.text for each in found))
    if len(ids) < len(found) or len(ids) > STARTERS_MAX:
        ja = f"「{key}」は、ちがう ID を {STARTERS_MAX} 個までです。"
        reader.error(value.line, ja, f'"{key}" takes at most {STARTERS_MAX} ids, each once.')
    return {key: ids}


_Key = Callable[[Reader, str, Value], Changes]
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_KEYS: Mapping[str, _Key] = MappingProxyType(
    {
        "name": _line_of_text,
        "timezone": _timezone,
        "hours": _hours,
        "closed": _closed,
        "special": _special,
        "if_holiday": _if_holiday,
        "when_open": _mode,
        "when_closed": _mode,
        "max_wrong_answers": _checked(lambda text: read_share(text, 1, 30)),
        "unanswerable": _checked(lambda text: read_share(text, 0, 95)),
        "first_reply_target": _checked(lambda text: read_duration(text, 5 * _MINUTE, 7 * _DAY)),
        "return_to_bot_after": _checked(lambda text: read_duration(text, 10 * _MINUTE, 30 * _DAY)),
        "phone": _checked(_phone),
        "address": _line_of_text,
        "map_url": _checked(_url),
        "booking_url": _checked(_url),
        "privacy_url": _checked(_url),
        "synonyms": _synonyms,
        "starters": _starters,
        "person": _phrases,
        "courtesy": _phrases,
    }
)
