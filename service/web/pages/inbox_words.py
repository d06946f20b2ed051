"""What the inbox says, in Japanese and English: reasons, states, times. Its plain words are in inbox_vocabulary.py."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Literal

import msgspec

from service.core.alerting import REASONS
from service.core.decisions import HandoffReason
from service.core.quota import Quota, is_short, left_of, runs_out_on
from service.core.records import Delivery, HandoffRecord
from service.web.pages.inbox_shop_words import SHOP_WORDS
from service.web.pages.inbox_vocabulary import WORDS

Lang = Literal["ja", "en"]

_REASONS: Mapping[HandoffReason, str] = MappingProxyType(
    {
        "asked": "Asked for a person",
        "no_entry": "No FAQ fits",
        "unsure": "Not sure enough",
        "topic": "A topic for staff",
        "media": "Photo or video",
        "staff_first": "Hours of the staff",
        "after_hours": "Written after hours",
        "paused": "Auto-reply off",
        "late": "Too late to answer",
        "overflow": "Too many messages",
        "error": "System error",
        "staff": "Staff wrote first",
    }
)
_WHY: Mapping[HandoffReason, tuple[str, str]] = MappingProxyType(
    {
        "asked": ("お客様がスタッフとの会話を希望しました。", "The customer asked for a person."),
        "no_entry": ("近いFAQがありませんでした。", "No FAQ entry came near."),
        "unsure": (
            "近いFAQはありましたが、自動で送れるほど確かではありませんでした。",
            "An entry came near, but not surely enough to send it.",
        ),
        "topic": ("スタッフが対応すると決めてある話題です。", "The shop wants staff to handle this topic."),
        "media": ("写真やファイルなど、文字以外のメッセージです。", "It is a photo, file or the like."),
        "staff_first": (
            "この時間帯は、はじめからスタッフが対応する設定です。",
            "At this hour staff answer everything, as the shop has set.",
        ),
        "after_hours": ("営業時間外のご連絡です。", "It was written while the shop was closed."),
        "paused": ("自動応答がオフになっています。", "Automatic answers are switched off."),
        "late": (
            "受信から時間がたっていたため、自動では送りませんでした。",
            "It was too late to answer it automatically.",
        ),
        "overflow": ("短い間に多くのメッセージが届きました。", "Too many messages arrived at once."),
        "error": ("自動応答で問題が起きました。", "Something went wrong with the automatic answer."),
        "staff": ("スタッフから先に連絡しました。", "Staff wrote first."),
    }
)
_DELIVERIES: Mapping[Delivery, tuple[str, str]] = MappingProxyType(
    {
        "sent": ("送信済み", "Sent"),
        "pending": ("送信中", "Sending"),
        "unconfirmed": ("未確認", "Unconfirmed"),
        "failed": ("失敗", "Failed"),
        "superseded": ("スタッフが返信したため送りませんでした", "Not sent: staff took over"),
    }
)


def words(lang: Lang) -> dict[str, str]:
    """All words of one language, by name."""
    return {name: _pick(both, lang) for name, both in (*WORDS.items(), *SHOP_WORDS.items())}


def _pick(both: tuple[str, str], lang: Lang) -> str:
    return both[0] if lang == "ja" else both[1]


def reason(handoff: HandoffRecord, lang: Lang) -> str:
    """Why the bot did not answer, in a word."""
    return REASONS[handoff.reason] if lang == "ja" else _REASONS[handoff.reason]


def explanation(handoff: HandoffRecord, lang: Lang) -> str:
    """Why the bot did not answer, in a sentence."""
    return _pick(_WHY[handoff.reason], lang)


def delivery(state: Delivery, lang: Lang) -> str:
    """What became of a bubble of ours."""
    return _pick(_DELIVERIES[state], lang)


def state(handoff: HandoffRecord, lang: Lang) -> str:
    """How a handoff stands."""
    match handoff.status:
        case "waiting":
            return _pick(("要対応", "Waiting"), lang)
        case "active" if handoff.unreplied_since:
            return _pick(("対応中", "Active"), lang)
        case "active":
            return _pick(("対応中・お客様の返信待ち", "Active, waiting for the customer"), lang)
        case "done":
            return _pick(("対応済み", "Done"), lang)


def length(time: timedelta, lang: Lang) -> str:
    """How long, in one unit."""
    minutes = max(0, int(time.total_seconds() // 60))
    for size, ja, en in ((1440, "日", "d"), (60, "時間", "h"), (1, "分", "m")):
        if minutes >= size:
            return f"{minutes // size}{ja if lang == 'ja' else en}"
    return "1分" if lang == "ja" else "1m"


class QuotaWords(msgspec.Struct, frozen=True):
    """What the line on top says about the month's messages; `bad` where there are too few."""

    used: str
    forecast: str
    bad: bool


def quota(quota: Quota, lang: Lang) -> QuotaWords | None:
    """Say how many of the month's messages are used and how long they last; None where LINE has not said."""
    said, left, ends = words(lang), left_of(quota), runs_out_on(quota)
    if left == 0:
        return QuotaWords(said["quota_over"], "", bad=True)
    if quota.at is None:
        return None
    if quota.limit is None:
        return QuotaWords(said["quota_no_limit"].format(used=quota.used), "", bad=False)
    forecast = said["quota_ends"].format(day=ends.day) if ends else ""
    used = said["quota_used"].format(used=quota.used, limit=quota.limit)
    return QuotaWords(used, forecast, bad=bool(ends) or is_short(quota))


def day(at: datetime, zone: tzinfo, lang: Lang) -> str:
    """A day, as it stands between the messages of two days."""
    local = at.astimezone(zone)
    if lang == "ja":
        return f"{local.month}月{local.day}日({'月火水木金土日'[local.weekday()]})"
    return f"{local:%a %b} {local.day}"


def clock(at: datetime, zone: tzinfo) -> str:
    """The time of a day."""
    local = at.astimezone(zone)
    return f"{local.hour}:{local.minute:02}"
