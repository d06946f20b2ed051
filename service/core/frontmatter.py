"""The settings on top of a FAQ file: flat `key: value` lines between two `---` lines, for every entry of the file.

This is no YAML: no quotes, no nesting, nothing that turns `no` into False. Keys and values may be Japanese.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import msgspec

from service.core.entries import Action, Match
from service.core.linetext import Line

Value = TypeVar("Value", Action, Match)
Report = Callable[[int, str, str], None]

_BORDER = re.compile(r"\s*-{3,}\s*$")
_ENTRY = re.compile(r"\s{0,3}[#＃]{2}")
_SEPARATOR = re.compile(r"[、,]")

_KEYS: Mapping[str, str] = MappingProxyType(
    {"tags": "tags", "タグ": "tags", "action": "action", "扱い": "action", "match": "match", "一致": "match"}
)
_ACTIONS: Mapping[str, Action] = MappingProxyType(
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
_MATCHES: Mapping[str, Match] = MappingProxyType(
    {"meaning": "meaning", "意味": "meaning", "keyword": "keyword", "キーワード": "keyword"}
)


class Settings(msgspec.Struct):
    """What the front matter says; without one, these defaults hold."""

    tags: tuple[str, ...] = ()
    action: Action = "answer"
    match: Match = "meaning"


def read_settings(lines: Sequence[Line], error: Report) -> tuple[Settings, Sequence[Line]]:
    """Return the settings and the lines below them. `error(line, ja, en)` is called for each problem."""
    settings = Settings()
    start = next((position for position, line in enumerate(lines) if line.text.strip()), len(lines))
    if start == len(lines) or not _BORDER.match(lines[start].text):
        return settings, lines
    given: set[str] = set()
    for position, line in enumerate(lines[start + 1 :], start + 1):
        if _BORDER.match(line.text):
            return settings, lines[position + 1 :]
        if _ENTRY.match(line.text):
            break
        if line.text.strip():
            _read_setting(line, settings, given, error)
    else:
        position = len(lines)
    ja = "ファイルの先頭の設定が「---」で閉じられていません。"
    error(lines[start].number, ja, "The settings on top of the file are not closed by a --- line.")
    return settings, lines[position:]


def _read_setting(line: Line, settings: Settings, given: set[str], error: Report) -> None:
    written, colon, value = (part.strip() for part in unicodedata.normalize("NFKC", line.text).partition(":"))
    key = _KEYS.get(written.casefold())
    if not colon:
        error(line.number, "設定は「タグ: 営業案内」のように書きます。", "A setting is written like `tags: hours`.")
    elif key is None:
        ja = f"「{written}」という設定はありません。使えるのは {_named(_KEYS)} です。"
        error(line.number, ja, f'There is no setting "{written}". Allowed are {_named(_KEYS)}.')
    elif key in given:
        error(line.number, f"「{written}」が二度書かれています。", f'"{written}" is set twice.')
    elif key == "tags":
        settings.tags = tuple(filter(None, (tag.strip() for tag in _SEPARATOR.split(value))))
    elif key == "action":
        settings.action = _chosen(_ACTIONS, written, value, line, error) or settings.action
    else:
        settings.match = _chosen(_MATCHES, written, value, line, error) or settings.match
    given.add(key or "")


def _chosen(allowed: Mapping[str, Value], key: str, value: str, line: Line, error: Report) -> Value | None:
    chosen = allowed.get(value.casefold())
    if chosen is None:
        ja = f"「{key}」に「{value}」は使えません。使えるのは {_named(allowed)} です。"
        error(line.number, ja, f'"{key}" cannot be "{value}". Allowed are {_named(allowed)}.')
    return chosen


def _named(allowed: Mapping[str, str]) -> str:
    """List what may be written, each word with its Japanese form: `tags / タグ, action / 扱い`."""
    forms: dict[str, list[str]] = {}
    for form, word in allowed.items():
        forms.setdefault(word, []).append(form)
    return ", ".join(" / ".join(same) for same in forms.values())
