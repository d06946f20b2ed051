"""What staff set for the whole shop from the inbox: automatic answers on or off, and other hours for one day. Pure."""

import re
from datetime import datetime
from typing import Literal

import msgspec

from service.core.hours import business_day
from service.core.shop import CLOSED, DAY_MINUTES, Hours, Interval, Shop, TodayHours

TodayChoice = Literal["usual", "closed", "short"]
HoursProblem = Literal["no_time", "wrong_order"]
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


class Switches(msgspec.Struct, frozen=True):
    """`paused`: automatic answers are off for everybody. `today` are the hours of one day, whichever that was."""

    paused: bool
    today: TodayHours | None


def in_force(today: TodayHours | None, shop: Shop, now: datetime) -> TodayHours | None:
    """Give the hours that were set, while their day lasts: until midnight, or until its late hours are over."""
    days = {business_day(shop, now), business_day(shop, now, today)}
    return today if today and today.day in days else None


def choose_today(
    choice: TodayChoice, opens: str, closes: str, shop: Shop, now: datetime
) -> TodayHours | HoursProblem | None:
    """Read what was chosen for today, `10:00` and `15:00` for other hours; None for the usual ones."""
    day = business_day(shop, now)
    match choice:
        case "usual":
            return None
        case "closed":
            return TodayHours(day, CLOSED)
        case "short":
            interval = _interval(opens, closes, shop)
            return TodayHours(day, (interval,)) if isinstance(interval, Interval) else interval


def choice_of(today: TodayHours | None) -> TodayChoice:
    """Name what was chosen."""
    if today is None:
        return "usual"
    return "closed" if today.hours == CLOSED else "short"


def _interval(opens: str, closes: str, shop: Shop) -> Interval | HoursProblem:
    """Midnight is the end of a day; an end before the beginning is the next morning, in a shop that is open then."""
    first, last = _minutes(opens), _minutes(closes)
    if first is None or last is None:
        return "no_time"
    last = last or DAY_MINUTES
    if last <= first and _is_open_at_night(shop):
        last += DAY_MINUTES
    return Interval(first, last) if first < last <= first + DAY_MINUTES else "wrong_order"


def _minutes(clock: str) -> int | None:
    found = _CLOCK.fullmatch(clock.strip())
    return int(found[1]) * 60 + int(found[2]) if found else None


def _is_open_at_night(shop: Shop) -> bool:
    days: tuple[Hours, ...] = (*(shop.week or ()), shop.holidays or (), *shop.special.values())
    return any(interval.closes > DAY_MINUTES for hours in days for interval in hours)
