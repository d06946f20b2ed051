"""Alerts: when staff are told that a customer waits, in which words, and what becomes of a try to tell them.

An alert passes through other people's servers (Slack's, a mail provider's, the one that a browser gets its
notifications from). So it says why somebody is asked for, since when, and where to look, and never who the customer is
or a word that the customer wrote.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from service.core.decisions import HandoffReason
from service.core.hours import is_open, next_open
from service.core.records import HandoffRecord, ms
from service.core.sending import Again, Attempt, Done, backoff
from service.core.shop import Shop, TodayHours

# Whoever is told has an outbox of their own: an Apprise URL that of the conversation with this name and the URL's place
# in the list, a browser that of the other name and the browser's id.
ALERT_CONVERSATION = "@alert:"
BROWSER_CONVERSATION = "@push:"
# Long enough for a night without network. What a person has replied to meanwhile is not sent in any case.
GIVE_UP_AFTER_MS = 12 * 3600 * 1000
_JAPAN = timezone(timedelta(hours=9))
_REMIND_BEFORE = timedelta(minutes=10)
_WEEKDAYS = "月火水木金土日"
REASONS: Mapping[HandoffReason, str] = MappingProxyType(
    {
        "asked": "スタッフ希望",
        "no_entry": "該当FAQなし",
        "unsure": "確信が持てない",
        "topic": "スタッフ対応の話題",
        "media": "写真・動画",
        "staff_first": "スタッフ優先の時間帯",
        "after_hours": "営業時間外のご連絡",
        "paused": "自動応答オフ",
        "late": "自動応答の時間切れ",
        "overflow": "メッセージ多数",
        "error": "システムエラー",
        "staff": "スタッフから連絡",
    }
)
AlertKind = Literal["alert", "remind"]
# What became of a try: `gone` is who cannot be told at this place any more.
Told = Literal["accepted", "refused", "gone"]
# What runs out while a customer waits; to be stopped when a person has replied or the handoff is done.
STOPPED: Mapping[str, int] = MappingProxyType({"alert": 0, "remind": 0})


class Alerting(msgspec.Struct, frozen=True, kw_only=True):
    """How staff are alerted.

    `targets` is the number of Apprise URLs, `browsers` are the ids of those that asked for notifications, `public_url`
    the service's address as staff reach it. `shop` is the shop's name, `zone` its time zone, `next_open` when it opens
    next: None while it is open, and where no hours are known.
    """

    targets: int = 0
    browsers: tuple[str, ...] = ()
    public_url: str | None = None
    shop: str = ""
    zone: tzinfo = _JAPAN
    next_open: datetime | None = None

    @property
    def outboxes(self) -> tuple[str, ...]:
        """The conversations in whose outboxes an alert is put."""
        urls = (f"{ALERT_CONVERSATION}{number}" for number in range(self.targets))
        return (*urls, *(f"{BROWSER_CONVERSATION}{browser}" for browser in self.browsers))


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert as it is sent to one URL or browser: about which handoff, written when (ms).

    `to` is the conversation in whose outbox it stands, `link` the handoff's address, "" where it is not known.
    """

    id: str
    to: str = ""
    handoff: str
    title: str
    text: str
    link: str = ""
    urgent: bool = False
    at: int


class Announced(msgspec.Struct, frozen=True):
    """What to write: an alert for each outbox, and timers by name with the time they run out (ms)."""

    alerts: tuple[Alert, ...] = ()
    timers: dict[str, int] = {}


def alerting_at(
    alerting: Alerting, shop: Shop, now: datetime, today: TodayHours | None = None, browsers: tuple[str, ...] = ()
) -> Alerting:
    """Add what is known of the shop and its staff's browsers at this hour."""
    opens = None if is_open(shop, now, today) else next_open(shop, now, today)
    zone = ZoneInfo(shop.timezone)
    return msgspec.structs.replace(alerting, shop=shop.name, zone=zone, next_open=opens, browsers=browsers)


def enter_waiting(handoff: HandoffRecord, step: str, now: datetime, alerting: Alerting) -> Announced:
    """Say that a customer has begun to wait: one alert, and a reminder for later. `step` is what began it (an id)."""
    if not alerting.outboxes:
        return Announced()
    announced = announce("alert", handoff, step, now, alerting)
    remind = handoff.due_at - min(_REMIND_BEFORE, (handoff.due_at - now) / 4)
    timers = {"remind": ms(remind)} if remind > now else {}
    return Announced(announced.alerts, announced.timers | timers)


def announce(kind: AlertKind, handoff: HandoffRecord, step: str, now: datetime, alerting: Alerting) -> Announced:
    """Alert now or, while the shop is closed, set the timer that does it later. Nothing when nobody waits any more."""
    if not is_wanted(handoff):
        return Announced()
    due = alert_at(now, alerting.next_open, urgent=handoff.urgent)
    if due > now:
        return Announced(timers={kind: ms(due)})
    alert = Alert(
        id=f"{handoff.id}.{step}",
        handoff=handoff.id,
        title=_title(kind, handoff, now, alerting.shop),
        text=_text(kind, handoff, alerting),
        link=f"{alerting.public_url}/inbox/{handoff.id}" if alerting.public_url else "",
        urgent=handoff.urgent,
        at=ms(now),
    )
    return Announced(tuple(msgspec.structs.replace(alert, to=outbox) for outbox in alerting.outboxes))


def alert_at(now: datetime, next_open: datetime | None, *, urgent: bool) -> datetime:
    """Say when an alert is due: at once, unless the shop is closed and it can wait until it opens."""
    return now if urgent or next_open is None else max(now, next_open)


def is_wanted(handoff: HandoffRecord) -> bool:
    """Whether the customer still waits for a person's reply."""
    return handoff.status != "done" and handoff.unreplied_since is not None


def after_alerting(attempt: Attempt, told: Told) -> Done | Again:
    """Say what to do with an alert after a try: it is repeated until it was accepted, or is too old."""
    if told == "accepted":
        return Done("sent")
    if told == "gone":
        return Done("superseded", why="staff")
    if attempt.now - attempt.said_at > GIVE_UP_AFTER_MS:
        return Done("unconfirmed", why="alert")
    return Again(backoff(attempt), untried=False)


def _title(kind: AlertKind, handoff: HandoffRecord, now: datetime, shop: str) -> str:
    reason = "予約" if handoff.ask else REASONS[handoff.reason]
    name = f"【{shop}】" if shop else ""
    if handoff.urgent:
        name += "至急・"
    if kind == "alert":
        return f"{name}要対応：{reason}"
    state = "まもなくお返事の期限です" if now < handoff.due_at else "お返事の期限を過ぎました"
    return f"{name}{state}（要対応：{reason}）"


def _text(kind: AlertKind, handoff: HandoffRecord, alerting: Alerting) -> str:
    since = _time(handoff.unreplied_since or handoff.created_at, alerting.zone)
    lines = [f"{since}からお客様がお待ちです。"]
    if kind == "remind":
        lines.append(f"お返事の期限は{_time(handoff.due_at, alerting.zone)}です。")
    return "\n".join(lines)


def _time(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local.month}月{local.day}日({_WEEKDAYS[local.weekday()]}) {local:%H:%M}"
