"""What the inbox shows, made of records: rows of the list, bubbles of a talk, the way a shop stands. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from service.core.handoffs import summarize
from service.core.hours import add_open_time, closes_at, is_open, next_open, open_time_between
from service.core.photos import Why
from service.core.records import BubbleItem, HandoffRecord, Item, MessageItem, TraceItem
from service.core.shop import Shop, TodayHours
from service.core.switches import Switches, in_force
from service.web.pages import inbox_words
from service.web.pages.inbox_words import Lang, words

STAFF = "staff:"
_DAY = timedelta(days=1)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One handoff in the list. `waits` is how long, in open hours or in days; empty where nobody waits for a reply.

    `overdue`: for longer than the shop wants to let anybody wait. `paused`: automatic answers are off for the customer.
    """

    id: str
    customer: str
    name: str
    waits: str
    overdue: bool
    reason: str
    state: str
    said: str
    tags: tuple[str, ...]
    assignee: str
    active: bool
    urgent: bool
    paused: bool


class Bubble(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a talk, whoever wrote it. `photo` is why a photo cannot be seen, empty where it can."""

    id: str
    side: Literal["customer", "bot", "staff"]
    who: str
    at: str
    day: str
    item: MessageItem | BubbleItem
    photo: Why | Literal[""] = ""
    delivery: str = ""
    first_unreplied: bool = False


class Front(msgspec.Struct, frozen=True):
    """The line on top: the shop's name, whether it is open, and whether the bot answers.

    `set_today`: these hours are today's only. `paused`: automatic answers are off.
    """

    shop: str
    hours: str
    auto: str
    auto_on: bool
    set_today: bool
    paused: bool


def name_of(handoff: HandoffRecord, lang: Lang) -> str:
    """What staff call the customer."""
    return handoff.nickname or handoff.display_name or words(lang)["customer"]


def row(
    handoff: HandoffRecord, shop: Shop, today: TodayHours | None, now: datetime, lang: Lang, *, paused: bool = False
) -> Row:
    """Show a handoff in the list."""
    since = handoff.unreplied_since
    due = add_open_time(shop, since, shop.first_reply_target, today) if since else None
    return Row(
        id=handoff.id,
        customer=handoff.customer,
        name=name_of(handoff, lang),
        waits=_waits(shop, since, now, today, lang) if since else "",
        overdue=due is not None and due < now,
        reason=inbox_words.reason(handoff, lang),
        state=inbox_words.state(handoff, lang),
        said=summarize(handoff.turns[-1]) if handoff.turns else handoff.summary,
        tags=handoff.tags,
        assignee=handoff.assignee or "",
        active=handoff.status == "active",
        urgent=handoff.urgent and handoff.status != "done",
        paused=paused,
    )


def _waits(shop: Shop, since: datetime, now: datetime, today: TodayHours | None, lang: Lang) -> str:
    """From a day on it is days. Before that only open hours count: at night nobody lets a customer wait."""
    said = words(lang)
    waited = now - since
    if waited < _DAY:
        waited = open_time_between(shop, since, now, today)
    return said["waits"].format(time=inbox_words.length(waited, lang)) if waited else said["after_hours_row"]


def bubbles(
    items: Sequence[Item], handoff: HandoffRecord, photos: Mapping[str, Why | None], zone: tzinfo, lang: Lang
) -> list[Bubble]:
    """Show a talk, oldest first."""
    first = first_unreplied(items, handoff)
    shown: list[Bubble] = []
    last_day = ""
    for item in items:
        if isinstance(item, TraceItem):
            continue
        day = inbox_words.day(item.at, zone, lang)
        side, who = _speaker(item, lang)
        shown.append(
            Bubble(
                id=item.id,
                side=side,
                who=who,
                at=inbox_words.clock(item.at, zone),
                day=day if day != last_day else "",
                item=item,
                photo=(photos.get(item.message) or "") if isinstance(item, MessageItem) else "",
                delivery=inbox_words.delivery(item.delivery, lang) if isinstance(item, BubbleItem) else "",
                first_unreplied=item.id == first,
            )
        )
        last_day = day
    return shown


def _speaker(item: MessageItem | BubbleItem, lang: Lang) -> tuple[Literal["customer", "bot", "staff"], str]:
    match item:
        case MessageItem():
            return "customer", ""
        case BubbleItem(who=who) if who.startswith(STAFF):
            return "staff", words(lang)["staff"].format(who=who.removeprefix(STAFF))
        case BubbleItem():
            return "bot", words(lang)["bot"]


def first_unreplied(items: Sequence[Item], handoff: HandoffRecord) -> str:
    """Find the first message that no person has replied to; empty when there is none among these."""
    if handoff.unreplied_since is None:
        return ""
    turns = {turn.id for turn in handoff.turns}
    first = ""
    for item in items:
        if isinstance(item, BubbleItem) and item.who.startswith(STAFF) and item.delivery != "failed":
            first = ""
        elif isinstance(item, MessageItem) and item.turn in turns and not item.unsent:
            first = first or item.id
    return first


def newest_seen(items: Sequence[Item], handoff: HandoffRecord) -> str:
    """Name the newest message of the customer's that stands on the page, as `seen` wants it."""
    said = [item.id for item in items if isinstance(item, MessageItem)]
    return said[-1] if said else handoff.turns[-1].id if handoff.turns else ""


def last_trace(items: Sequence[Item], handoff: HandoffRecord) -> TraceItem | None:
    """Find why the bot handed over: the trace of the first turn of this handoff."""
    traces = [item for item in items if isinstance(item, TraceItem)]
    turn = handoff.turns[0].id if handoff.turns else ""
    return next((trace for trace in traces if trace.turn == turn), None)


def front(shop: Shop, switches: Switches, now: datetime, *, working: bool, lang: Lang) -> Front:
    """Show how the shop stands."""
    said = words(lang)
    zone = ZoneInfo(shop.timezone)
    if shop.week is None and switches.today is None:
        hours = ""
    elif is_open(shop, now, switches.today):
        closes = closes_at(shop, now, switches.today)
        hours = said["open_until"].format(at=inbox_words.clock(closes, zone)) if closes else said["open"]
    else:
        opens = next_open(shop, now, switches.today)
        hours = said["opens_at"].format(at=_when(opens, now, zone, lang)) if opens else said["closed"]
    auto = "auto_off" if switches.paused else "auto_on" if working else "auto_away"
    is_set = in_force(switches.today, shop, now) is not None
    return Front(shop.name, hours, said[auto], auto == "auto_on", is_set, switches.paused)


def clock_of(minutes: int) -> str:
    """Write minutes since midnight as a field for times takes them."""
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def _when(at: datetime, now: datetime, zone: tzinfo, lang: Lang) -> str:
    clock = inbox_words.clock(at, zone)
    if at.astimezone(zone).date() == now.astimezone(zone).date():
        return clock
    return f"{inbox_words.day(at, zone, lang)} {clock}"
