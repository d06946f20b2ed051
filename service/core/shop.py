"""How the shop works, as `_shop.yaml` says it: hours, modes, promises, contact. Without the file the defaults hold.

`service/core/shopfile.py` reads the file, `service/core/hours.py` answers questions about time.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

import msgspec

Mode = Literal["bot_first", "staff_first"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
JAPAN = "Asia/Tokyo"
DAY_MINUTES = 24 * 60


class Interval(msgspec.Struct, frozen=True, order=True):
    """From `opens` up to `closes`, in minutes of the wall clock since midnight of the day it belongs to.

    `opens` is below 1,440; `closes` is above it when the shop closes past midnight.
    """

    opens: int
    closes: int


Hours = tuple[Interval, ...]
"""The hours of one day, in order and apart; empty when the shop is closed."""

CLOSED: Hours = ()
ALL_DAY: Hours = (Interval(0, DAY_MINUTES),)


class NthWeekday(msgspec.Struct, frozen=True, tag="nth_weekday"):
    """The 1st to 5th Monday (0) to Sunday (6) of every month."""

    nth: int
    weekday: int


class Dates(msgspec.Struct, frozen=True, tag="dates"):
    """All days from `first` to `last`, both included."""

    first: date
    last: date


class TodayHours(msgspec.Struct, frozen=True):
    """What staff set for one day, over everything else: closed, or other hours."""

    day: date
    hours: Hours


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `_shop.yaml` can say; a text that is not given is empty.

    `week` are the hours of Monday to Sunday; None: no hours are given and the shop counts as always open.
    `holidays` are a public holiday's hours; None: as the weekday's. `if_holiday` says of weekdays whether they are open
    on a holiday, `closed_after_holiday` whether the day after such an open holiday is closed instead.
    `max_wrong_answers` and `unanswerable` are shares from 0 to 1; `unanswerable` None: to be estimated.
    `first_reply_target` is open time. `person` and `courtesy` are the shop's own phrases, normalised.
    """

    name: str = ""
    timezone: str = JAPAN
    week: tuple[Hours, ...] | None = None
    holidays: Hours | None = None
    closed: tuple[NthWeekday | Dates, ...] = ()
    special: Mapping[date, Hours] = {}
    if_holiday: Mapping[int, bool] = {}
    closed_after_holiday: bool = False
    when_open: Mode = "bot_first"
    when_closed: Mode = "bot_first"
    max_wrong_answers: float = 0.05
    unanswerable: float | None = None
    first_reply_target: timedelta = timedelta(hours=1)
    return_to_bot_after: timedelta = timedelta(hours=24)
    phone: str = ""
    address: str = ""
    map_url: str = ""
    booking_url: str = ""
    privacy_url: str = ""
    synonyms: tuple[tuple[str, ...], ...] = ()
    starters: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    courtesy: tuple[str, ...] = ()


DEFAULT_SHOP = Shop()
