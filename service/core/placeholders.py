"""`{phone}`, `{today_hours}` and the others: filled from `_shop.yaml` in answers and in the bot's own texts.

A sentence that asks for something the shop does not give is left out rather than sent with a hole.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from service.core.hourwords import next_opening, promise, today_hours, week_hours
from service.core.shop import Shop, TodayHours
from service.core.texts import Lang, MessageName, Texts

# Fields of the shop, each also the key of `_shop.yaml`.
_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "phone": "phone",
        "address": "address",
        "map_url": "map_url",
        "booking_url": "booking_url",
        "shop": "name",
        "privacy_url": "privacy_url",
    }
)
_TIMES: Mapping[str, Callable[[Shop, datetime, Lang, TodayHours | None], str | None]] = MappingProxyType(
    {"today_hours": today_hours, "next_open": next_opening, "when": promise}
)
NAMES = ("week_hours", *_TIMES, *_FIELDS)
"""What may stand in any text."""
ASK = "ask"
"""What a booking must tell: only `handoff_booking` has it, from the entry."""

_PLACEHOLDER = re.compile(r"[{｛]([a-z_]+)[}｝]")
_AFTER_SENTENCE = re.compile(r"(?<=[。！？])(?![」』）)])|(?<=[。！？][）)])|(?<=[.!?])(?=\s)")


def fill(text: str, shop: Shop, now: datetime, lang: Lang, today: TodayHours | None = None, **more: str) -> str:
    """Fill a text's placeholders; `more` are values that only the caller knows.

    Sentences with one that has no value are left out, so the result may be empty. Words in braces that are no
    placeholder stay as they are.
    """
    names = placeholders_in(text)
    values = {name: _value(name, shop, now, lang, today) for name in names if name in NAMES} | more
    filled = {name: value for name, value in values.items() if value}
    holes = {name for name in names if name in (*NAMES, ASK) and name not in filled}
    whole = "\n".join(_without(holes, text.split("\n"))) if holes else text
    return _PLACEHOLDER.sub(lambda found: filled.get(found[1], found[0]), whole).strip("\n")


def _value(name: str, shop: Shop, now: datetime, lang: Lang, today: TodayHours | None) -> str | None:
    if name == "week_hours":
        return week_hours(shop, lang)
    return _TIMES[name](shop, now, lang, today) if name in _TIMES else str(getattr(shop, _FIELDS[name]))


def say(
    texts: Texts,
    name: MessageName,
    lang: Lang,
    *,
    shop: Shop,
    now: datetime,
    today: TodayHours | None = None,
    **more: str,
) -> tuple[str, ...]:
    """Give one of the bot's own texts as bubbles, filled; none when the shop does not want it sent."""
    filled = (fill(bubble, shop, now, lang, today, **more) for bubble in texts.bubbles(name, lang))
    return tuple(filter(None, filled))


def placeholders_in(text: str) -> tuple[str, ...]:
    """List the words in braces of a text, each once."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def missing_keys(text: str, shop: Shop) -> tuple[str, ...]:
    """List the keys of `_shop.yaml` that a text needs and that are not given."""
    names = [name for name in placeholders_in(text) if name in NAMES and name != "when"]
    keys = dict.fromkeys(_FIELDS.get(name, "hours") for name in names)
    return tuple(key for key in keys if not (shop.week if key == "hours" else getattr(shop, key)))


def _without(holes: set[str], lines: list[str]) -> list[str]:
    """Leave the sentences out that would have a hole, and the lines of which nothing is left."""
    kept: list[str] = []
    for line in lines:
        sentences = _AFTER_SENTENCE.split(line)
        whole = [sentence for sentence in sentences if not holes & set(placeholders_in(sentence))]
        if len(whole) == len(sentences):
            kept.append(line)
        elif said := "".join(whole).strip():
            kept.append(said)
    return kept
