"""LINE's monthly quota of messages: how much of it is left, and how long it will last. Pure.

The month is Japan's. What LINE counts as used is approximate; replies with a reply token are free and not in it.
"""

import calendar
from datetime import date, datetime, timedelta, timezone

import msgspec

JAPAN = timezone(timedelta(hours=9))
FORECAST_AFTER_DAYS = 3
# Less than this share of the quota left is short.
_SHORT = 0.2


class Quota(msgspec.Struct, frozen=True):
    """What LINE said last, at `at`: how many messages there may be (None: no limit), how many were sent.

    `refused_at` is when LINE refused one because the month's are used up, None for never.
    """

    limit: int | None = None
    used: int = 0
    at: datetime | None = None
    refused_at: datetime | None = None


def month_of(now: datetime) -> datetime:
    """Give the beginning of the month in Japan."""
    return now.astimezone(JAPAN).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def days_passed(now: datetime) -> float:
    """Say how much of the month has passed, in days."""
    return (now - month_of(now)) / timedelta(days=1)


def of_month(quota: Quota, now: datetime) -> Quota:
    """Forget what was said last month: then nothing is known."""
    said = quota.at is not None and quota.at >= month_of(now)
    refused = quota.refused_at is not None and quota.refused_at >= month_of(now)
    known = quota if said else Quota()
    return msgspec.structs.replace(known, refused_at=quota.refused_at if refused else None)


def left_of(quota: Quota) -> int | None:
    """Say how many are left, None where nobody knows. What LINE refused after it was asked says more than its word."""
    if quota.refused_at and (quota.at is None or quota.refused_at > quota.at):
        return 0
    return None if quota.limit is None else max(0, quota.limit - quota.used)


def is_short(quota: Quota) -> bool:
    """Whether there are so few left that another way should be taken."""
    left = left_of(quota)
    return left is not None and left <= _SHORT * (quota.limit or 0)


def use_by_end(used: int, now: datetime) -> int | None:
    """Say how many it will be at the end of the month; None in its first days, which say little."""
    if days_passed(now) < FORECAST_AFTER_DAYS:
        return None
    month = month_of(now)
    return round(used / days_passed(now) * calendar.monthrange(month.year, month.month)[1])


def runs_out_on(quota: Quota) -> date | None:
    """Name the day on which the last message is sent if the month goes on as it began; None where it will do."""
    if quota.limit is None or quota.at is None or not quota.used or days_passed(quota.at) < FORECAST_AFTER_DAYS:
        return None
    month = month_of(quota.at)
    lasts = month + timedelta(days=quota.limit / quota.used * days_passed(quota.at))
    return lasts.date() if (lasts.year, lasts.month) == (month.year, month.month) else None
