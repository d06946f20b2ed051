"""The settings on top of a FAQ file: flat `key: value` lines between two `---` lines, for every entry of the file.

This is no YAML: no quotes, no nesting, nothing that turns `no` into False. Keys and values may be Japanese. Lines
come here as `mending` writes them; how else they may be typed is read in `topmending`.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Literal, TypeVar

import msgspec

from service.core.entries import Action, Match
from service.core.linetext import Line
from service.core.spelling import nearest

Value = TypeVar("Value")
Report = Callable[[int, str, str], None]
Kind = Literal["list", "action", "match", "date", "lang", "flag"]

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "tags": "tags",
        "タグ": "tags",
        "action": "action",
        "扱い": "action",
        "match": "match",
        "一致": "match",
        "valid_from": "valid_from",
        "開始日": "valid_from",
        "valid_until": "valid_until",
        "期限": "valid_until",
        "review_by": "review_by",
        "見直し": "review_by",
        "lang": "lang",
        "言語": "lang",
        "ask": "ask",
        "確認": "ask",
        "urgent": "urgent",
        "緊急": "urgent",
        "quiet": "quiet",
        "控えめ": "quiet",
        "private": "private",
        "非公開": "private",
    }
)
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "tags": "list",
        "ask": "list",
        "action": "action",
        "match": "match",
        "valid_from": "date",
        "valid_until": "date",
        "review_by": "date",
        "lang": "lang",
        "urgent": "flag",
        "quiet": "flag",
        "private": "flag",
    }
)
ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        "answer": "answer",
        "回答": "answer",
        "suggest": "suggest",
        "下書き": "suggest",
        "handoff": "handoff",
        "スタッフ": "handoff",
        "off": "off",
        "停止": "off",
    }
)
MATCHES: Mapping[str, Match] = MappingProxyType(
    {"meaning": "meaning", "意味": "meaning", "keyword": "keyword", "キーワード": "keyword"}
)
FLAGS: Mapping[str, bool] = MappingProxyType({"yes": True, "はい": True, "no": False, "いいえ": False})
LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "ja": "ja",
        "日本語": "ja",
        "en": "en",
        "英語": "en",
        "zh": "zh",
        "中国語": "zh",
        "ko": "ko",
        "韓国語": "ko",
        "th": "th",
        "タイ語": "th",
        "vi": "vi",
        "ベトナム語": "vi",
        "id": "id",
        "インドネシア語": "id",
        "ne": "ne",
        "ネパール語": "ne",
        "pt": "pt",
        "ポルトガル語": "pt",
        "es": "es",
        "スペイン語": "es",
        "fr": "fr",
        "フランス語": "fr",
        "de": "de",
        "ドイツ語": "de",
        "it": "it",
        "イタリア語": "it",
        "ru": "ru",
        "ロシア語": "ru",
        "tl": "tl",
        "タガログ語": "tl",
        "my": "my",
        "ミャンマー語": "my",
    }
)

_SETTING = re.compile(r"([^:：]+)[:：]\s*(.*?)\s*$")
_DATE = re.compile(r"(?:(令和)(\d{1,2}|元)年|(\d{4})[-/.年])(\d{1,2})[-/.月](\d{1,2})日?")
_NO_YEAR = re.compile(r"(?:\d{2}[-/.年])?\d{1,2}[-/.月]\d{1,2}日?")
_REIWA_BEGAN = 2019


class Settings(msgspec.Struct, frozen=True):
    """What the settings of a file say; without any, these defaults hold. `lines` tells where each of them stands."""

    tags: tuple[str, ...] = ()
    action: Action = "answer"
    match: Match = "meaning"
    valid_from: date | None = None
    valid_until: date | None = None
    review_by: date | None = None
    lang: str = ""
    ask: tuple[str, ...] = ()
    urgent: bool = False
    quiet: bool = False
    private: bool = False
    lines: dict[str, int] = {}


def read_settings(lines: Sequence[Line], error: Report) -> tuple[Settings, Sequence[Line]]:
    """Return the settings and the lines below them. `error(line, ja, en)` is called for each problem."""
    start = next((position for position, line in enumerate(lines) if line.text.strip()), len(lines))
    if start == len(lines) or lines[start].text.strip() != "---":
        return Settings(), lines
    end = next(position for position in range(start + 1, len(lines)) if lines[position].text.strip() == "---")
    values: dict[str, object] = {}
    places: dict[str, int] = {}
    for line in lines[start + 1 : end]:
        if line.text.strip() and not line.text.lstrip().startswith(("#", "＃")):
            _read_setting(line, values, places, error)
    settings = msgspec.convert({**values, "lines": places}, Settings)
    begin, until = settings.valid_from, settings.valid_until
    if begin and until and until < begin:
        ja = f"期限（{until}）が開始日（{begin}）より前になっています。"
        error(settings.lines["valid_until"], ja, f"valid_until ({until}) is before valid_from ({begin}).")
    return settings, lines[end + 1 :]


def _read_setting(line: Line, values: dict[str, object], places: dict[str, int], error: Report) -> None:
    found = _SETTING.match(line.text)
    if found is None:
        error(line.number, "設定は「タグ: 営業案内」のように書きます。", "A setting is written like `tags: hours`.")
        return
    written, value = found[1].strip(), found[2]
    key = KEYS.get(written)
    if key is None:
        error(line.number, *_unknown(written))
        return
    if key in places:
        error(line.number, f"「{written}」が二度書かれています。", f'"{written}" is set twice.')
        return
    places[key] = line.number
    read = _value(KINDS[key], written, value, lambda ja, en: error(line.number, ja, en))
    if read is not None:
        values[key] = read


def _value(kind: Kind, key: str, value: str, refuse: Callable[[str, str], None]) -> object:
    """Read a value; None where it makes no sense, which is said."""
    match kind:
        case "list":
            return tuple(filter(None, (part.strip() for part in re.split(r"[、,]", value))))
        case "action":
            return _chosen(ACTIONS, key, value, refuse)
        case "match":
            return _chosen(MATCHES, key, value, refuse)
        case "flag":
            return _chosen(FLAGS, key, value, refuse)
        case "lang":
            return _chosen(LANGUAGES, key, value, refuse)
        case "date":
            return _date(key, value, refuse)


def _date(key: str, value: str, refuse: Callable[[str, str], None]) -> date | None:
    """Read 2026-12-31, 2026/12/31, 2026年12月31日 or 令和8年12月31日."""
    found = _DATE.fullmatch(value.replace(" ", ""))
    if found:
        era_year = 1 if found[2] == "元" else int(found[2] or 1)
        year = int(found[3]) if found[3] else _REIWA_BEGAN - 1 + era_year
        try:
            return date(year, int(found[4]), int(found[5]))
        except ValueError:
            refuse(f"「{value}」という日付はありません。", f'There is no such day as "{value}".')
    elif _NO_YEAR.fullmatch(value.replace(" ", "")):
        ja = f"「{value}」は何年でしょうか。「{key}: 2026-12-31」のように、年を西暦4桁で書いてください。"
        refuse(ja, f'Which year is "{value}"? Write it with four digits, like `{key}: 2026-12-31`.')
    else:
        ja = f"「{value}」は日付として読めません。「{key}: 2026-12-31」または「2026年12月31日」のように書きます。"
        refuse(ja, f'"{value}" is no date. It is written like `{key}: 2026-12-31`.')
    return None


def _chosen(allowed: Mapping[str, Value], key: str, value: str, refuse: Callable[[str, str], None]) -> Value | None:
    chosen = allowed.get(value)
    if chosen is None:
        ja = f"「{key}」に「{value}」は使えません。使えるのは {_named(allowed)} です。"
        refuse(ja, f'"{key}" cannot be "{value}". Allowed are {_named(allowed)}.')
    return chosen


def _unknown(written: str) -> tuple[str, str]:
    ja, en = f"「{written}」という設定はありません。", f'There is no setting "{written}".'
    if near := nearest(unicodedata.normalize("NFKC", written), KEYS):
        return f"{ja}「{near}」のことですか。", f'{en} Did you mean "{near}"?'
    return f"{ja}使えるのは {_named(KEYS)} です。", f"{en} Allowed are {_named(KEYS)}."


def _named(allowed: Mapping[str, object]) -> str:
    """List what may be written, each word with its Japanese form: `tags / タグ, action / 扱い`."""
    forms: dict[object, list[str]] = {}
    for form, word in allowed.items():
        forms.setdefault(word, []).append(form)
    return ", ".join(" / ".join(same) for same in forms.values())
