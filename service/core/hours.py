"""When the shop is open: pure functions of the shop, an instant, and what staff set for today.

Instants are aware and in UTC. A day's hours are those of its wall clock, so a day with a change of summer time is an
hour longer or shorter. What is open past midnight belongs to the day it began on. Public holidays are Japan's
(`jpholiday`), and only for a shop in Japan.

Precedence: what staff set for today, `closed`, `special`, the day after an open holiday, a holiday, the weekday.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

import jpholiday

from service.core.shop import ALL_DAY, CLOSED, JAPAN, Dates, Hours, Mode, NthWeekday, Shop, TodayHours

HORIZON = timedelta(days=60)
"""How far ahead an opening is looked for: a shop that stays closed for longer has none."""
_ONE_DAY = timedelta(days=1)


class Period(NamedTuple):
    """From the instant `opens` up to the instant `closes`."""

    opens: datetime
    closes: datetime


def is_day_off(shop: Shop, day: date) -> bool:
    """Tell whether `closed` names the day."""
    for rule in shop.closed:
        match rule:
            case NthWeekday(nth, weekday):
                if day.weekday() == weekday and (day.day + 6) // 7 == nth:
                    return True
            case Dates(first, last):
                if first <= day <= last:
                    return True
    return False


def hours_on(shop: Shop, day: date, today: TodayHours | None = None) -> Hours:
    """Give the hours that hold on a day."""
    if today and today.day == day:
        return today.hours
    if is_day_off(shop, day):
        return CLOSED
    if day in shop.special:
        return shop.special[day]
    if _is_after_open_holiday(shop, day):
        return CLOSED
    return _holiday_hours(shop, day) if is_holiday(shop, day) else _weekday_hours(shop, day)


def _holiday_hours(shop: Shop, day: date) -> Hours:
    if not shop.if_holiday.get(day.weekday(), True):
        return CLOSED
    return _weekday_hours(shop, day) if shop.holidays is None else shop.holidays


def _weekday_hours(shop: Shop, day: date) -> Hours:
    return shop.week[day.weekday()] if shop.week else ALL_DAY


def is_holiday(shop: Shop, day: date) -> bool:
    """Tell whether the day is a public holiday where the shop is."""
    return shop.timezone == JAPAN and _is_japanese_holiday(day)


@cache
def _is_japanese_holiday(day: date) -> bool:
    return jpholiday.is_holiday(day)


def _is_after_open_holiday(shop: Shop, day: date) -> bool:
    """A weekday off that was worked because of a holiday is taken on the day after."""
    before = day - _ONE_DAY
    return (
        shop.closed_after_holiday
        and shop.if_holiday.get(before.weekday(), False)
        and is_holiday(shop, before)
        and hours_on(shop, before) != CLOSED
    )


def local_time(shop: Shop, now: datetime) -> datetime:
    """Give the shop's wall clock time at an instant."""
    return now.astimezone(ZoneInfo(shop.timezone))


def local_midnight(shop: Shop, now: datetime) -> datetime:
    """Give the instant at which the calendar's day began where the shop is."""
    return local_time(shop, now).replace(hour=0, minute=0, second=0, microsecond=0)


def business_day(shop: Shop, now: datetime, today: TodayHours | None = None) -> date:
    """Give the day that an instant belongs to: yesterday while yesterday's late hours go on."""
    day = local_time(shop, now).date()
    yesterday = day - _ONE_DAY
    return yesterday if any(p.opens <= now < p.closes for p in _periods_on(shop, yesterday, today)) else day


def _periods_on(shop: Shop, day: date, today: TodayHours | None) -> list[Period]:
    midnight = datetime.combine(day, time.min)
    zone = ZoneInfo(shop.timezone)

    def instant(minutes: int) -> datetime:
        return (midnight + timedelta(minutes=minutes)).replace(tzinfo=zone).astimezone(UTC)

    periods = [Period(instant(each.opens), instant(each.closes)) for each in hours_on(shop, day, today)]
    # When the clocks go forward, an hour of the wall clock and what was to be open in it do not exist.
    return sorted(period for period in periods if period.opens < period.closes)


def _periods_after(shop: Shop, start: datetime, end: datetime, today: TodayHours | None) -> Iterator[Period]:
    """Give what is open between two instants, in order; periods that touch or overlap are one, cut off at `end`."""
    day, last = local_time(shop, start).date() - _ONE_DAY * 2, local_time(shop, end).date()
    days = (day + _ONE_DAY * number for number in range((last - day).days + 1))
    periods = (period for day in days for period in _periods_on(shop, day, today))
    for period in _merged(takewhile(lambda period: period.opens < end, periods)):
        if period.closes > start:
            yield Period(period.opens, min(period.closes, end))


def _merged(periods: Iterable[Period]) -> Iterator[Period]:
    current: Period | None = None
    for period in periods:
        if current and period.opens <= current.closes:
            current = Period(current.opens, max(current.closes, period.closes))
        else:
            if current:
                yield current
            current = period
    if current:
        yield current


def is_open(shop: Shop, now: datetime, today: TodayHours | None = None) -> bool:
    """Tell whether the shop is open."""
    return any(period.opens <= now for period in _periods_after(shop, now, now + timedelta(minutes=1), today))


def mode_at(shop: Shop, now: datetime, today: TodayHours | None = None) -> Mode:
    """Say who answers first at this hour: the bot or the staff."""
    return shop.when_open if is_open(shop, now, today) else shop.when_closed


def next_open(shop: Shop, now: datetime, today: TodayHours | None = None) -> datetime | None:
    """Give the next time the shop opens after `now`; None when it does not within the horizon (or never closes)."""
    return next((p.opens for p in _periods_after(shop, now, now + HORIZON, today) if p.opens > now), None)


def closes_at(shop: Shop, now: datetime, today: TodayHours | None = None) -> datetime | None:
    """Give the time the shop closes, if it is open now and closes within the horizon."""
    end = now + HORIZON
    period = next(_periods_after(shop, now, end, today), None)
    return period.closes if period and period.opens <= now and period.closes < end else None


def open_time_between(shop: Shop, start: datetime, end: datetime, today: TodayHours | None = None) -> timedelta:
    """Measure how long the shop is open between two instants."""
    periods = _periods_after(shop, start, end, today)
    return sum((period.closes - max(period.opens, start) for period in periods), timedelta())


def add_open_time(shop: Shop, start: datetime, amount: timedelta, today: TodayHours | None = None) -> datetime | None:
    """Give the instant at which the shop has been open for `amount` since `start`; None when not within the horizon."""
    left = amount
    for period in _periods_after(shop, start, start + HORIZON, today):
        begins = max(period.opens, start)
        if left <= period.closes - begins:
            return begins + left
        left -= period.closes - begins
    return None


def due_at(shop: Shop, created: datetime, today: TodayHours | None = None) -> datetime:
    """Say by when staff should have replied: `first_reply_target` of open time later, at the latest by the horizon."""
    return add_open_time(shop, created, shop.first_reply_target, today) or created + HORIZON
