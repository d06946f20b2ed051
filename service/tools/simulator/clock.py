"""Where the simulator's clock can be moved to: always ahead, since what was said stays said."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from itertools import count
from types import MappingProxyType

import jpholiday

Move = Callable[[datetime], datetime]
_ONE_DAY = timedelta(days=1)


def one_hour_later(now: datetime) -> datetime:
    """Move on by an hour."""
    return now + timedelta(hours=1)


def next_night(now: datetime) -> datetime:
    """Move to 22:00, when a shop is closed."""
    tonight = _at(now.date(), now, 22)
    return tonight if tonight > now else _at(now.date() + _ONE_DAY, now, 22)


def next_morning(now: datetime) -> datetime:
    """Move to 10:30 of tomorrow, when a shop has just opened."""
    return _at(now.date() + _ONE_DAY, now, 10, 30)


def next_holiday(now: datetime) -> datetime:
    """Move to noon of the next public holiday in Japan."""
    days = (now.date() + _ONE_DAY * number for number in count(1))
    return _at(next(day for day in days if jpholiday.is_holiday(day)), now, 12)


MOVES: Mapping[str, Move] = MappingProxyType(
    {"hour": one_hour_later, "night": next_night, "morning": next_morning, "holiday": next_holiday}
)


def _at(day: date, now: datetime, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), now.tzinfo)
