"""Hours in words, for customers: 「火〜金 10:00〜13:00、14:00〜20:00／土日祝 9:00〜19:00／月曜定休」."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from service.core.hours import business_day, hours_on, is_open, local_time, next_open
from service.core.shop import CLOSED, DAY_MINUTES, Hours, Interval, NthWeekday, Shop, TodayHours
from service.core.shopwords import HOLIDAYS
from service.core.texts import Lang

_DAYS: Mapping[Lang, Sequence[str]] = MappingProxyType(
    {"ja": "月火水木金土日祝", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "holidays")}
)
_FULL_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_ORDINALS = ("1st", "2nd", "3rd", "4th", "5th")


def today_hours(shop: Shop, now: datetime, lang: Lang, today: TodayHours | None = None) -> str | None:
    """Say today's hours: 「10:00〜13:00、14:00〜20:00」 or 「お休み」. None when the shop gives no hours."""
    if shop.week is None and not today:
        return None
    hours = hours_on(shop, business_day(shop, now, today), today)
    if hours == CLOSED:
        return "お休み" if lang == "ja" else "closed"
    return _hours(hours, lang)


def week_hours(shop: Shop, lang: Lang) -> str | None:
    """Say the usual week, days with the same hours together, days off last. None when the shop gives no hours."""
    if shop.week is None:
        return None
    by_hours: dict[Hours, list[int]] = {}
    for day, hours in enumerate(shop.week if shop.holidays is None else (*shop.week, shop.holidays)):
        by_hours.setdefault(hours, []).append(day)
    off = by_hours.pop(CLOSED, [])
    is_every_day = len(by_hours) == 1 and not off  # public holidays, too
    every_day = "毎日" if lang == "ja" else "every day"
    parts = [
        f"{every_day if is_every_day else _days(days, lang)} {_hours(hours, lang)}" for hours, days in by_hours.items()
    ]
    monthly = [rule for rule in shop.closed if isinstance(rule, NthWeekday)]
    return ("／" if lang == "ja" else "; ").join([*parts, *_days_off(off, monthly, lang)])


def next_opening(shop: Shop, now: datetime, lang: Lang, today: TodayHours | None = None) -> str | None:
    """Say when the shop opens next: 「明日10:00」. None when it never closes, or does not open within the horizon."""
    opens = next_open(shop, now, today)
    if opens is None:
        return None
    day, clock = _day_and_clock(shop, now, opens, lang)
    return f"{day}{clock}" if lang == "ja" else f"{day} at {clock}"


def promise(shop: Shop, now: datetime, lang: Lang, today: TodayHours | None = None) -> str:
    """Say when staff will reply, to stand in 「スタッフが…お返事します」."""
    if is_open(shop, now, today):
        return "できるだけ早く" if lang == "ja" else "as soon as we can"
    opens = next_open(shop, now, today)
    if opens is None:
        return "営業を再開してから" if lang == "ja" else "once we are open again"
    day, clock = _day_and_clock(shop, now, opens, lang)
    if lang == "ja":
        return f"{day}{clock}以降に"
    return f"after {clock} {day}"


def _day_and_clock(shop: Shop, now: datetime, at: datetime, lang: Lang) -> tuple[str, str]:
    """「本日」「明日」「11月25日(火)」, and the time of day."""
    then = local_time(shop, at)
    clock = f"{then.hour}:{then.minute:02}"
    days = (then.date() - local_time(shop, now).date()).days
    if days < 2:
        return (("本日", "明日") if lang == "ja" else ("today", "tomorrow"))[days], clock
    if lang == "ja":
        return f"{then.month}月{then.day}日({_DAYS['ja'][then.weekday()]})", clock
    return f"on {_FULL_DAYS[then.weekday()]}, {then.day} {_MONTHS[then.month - 1]}", clock


def _hours(hours: Hours, lang: Lang) -> str:
    return ("、" if lang == "ja" else ", ").join(_interval(each, lang) for each in hours)


def _interval(interval: Interval, lang: Lang) -> str:
    if interval.closes - interval.opens == DAY_MINUTES:
        return "24時間" if lang == "ja" else "24 hours"
    past = interval.closes > DAY_MINUTES
    closes = _clock(interval.closes - DAY_MINUTES if past else interval.closes)
    if lang == "ja":
        return f"{_clock(interval.opens)}〜{'翌' if past else ''}{closes}"
    return f"{_clock(interval.opens)}–{closes}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def _days(days: Sequence[int], lang: Lang) -> str:
    """Name days, three or more in a row as a range: 火〜金, 土日祝, 月・水〜金."""
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1 and day != HOLIDAYS:
            runs[-1].append(day)
        else:
            runs.append([day])
    names = _DAYS[lang]
    if lang == "en":
        return _listed(name for run in runs for name in _run(run, names, "–"))
    parts = [name for run in runs for name in _run(run, names, "〜")]
    return ("" if all(len(part) == 1 for part in parts) else "・").join(parts)


def _run(run: Sequence[int], names: Sequence[str], dash: str) -> list[str]:
    return [f"{names[run[0]]}{dash}{names[run[-1]]}"] if len(run) > 2 else [names[day] for day in run]


def _days_off(days: Sequence[int], monthly: Iterable[NthWeekday], lang: Lang) -> list[str]:
    """「月曜・第3火曜定休」, or nothing."""
    nths: dict[int, list[int]] = {}
    for rule in sorted(monthly, key=lambda rule: (rule.weekday, rule.nth)):
        if rule.weekday not in days:
            nths.setdefault(rule.weekday, []).append(rule.nth)
    if lang == "en":
        every = [
            f"every {_listed(_ORDINALS[nth - 1] for nth in nth_)} {_DAYS['en'][day]}" for day, nth_ in nths.items()
        ]
        off = [_DAYS["en"][day] for day in days] + every
        return [f"closed {_listed(off)}"] if off else []
    weekdays = "・".join(_DAYS["ja"][day] for day in days if day != HOLIDAYS)
    off = [f"{weekdays}曜"] if weekdays else []
    off += ["祝日"] if HOLIDAYS in days else []
    off += [f"{'・'.join(f'第{nth}' for nth in nth_)}{_DAYS['ja'][day]}曜" for day, nth_ in nths.items()]
    return [f"{'・'.join(off)}定休"] if off else []


def _listed(words: Iterable[str]) -> str:
    """Join English words: Sat, Sun and holidays."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
