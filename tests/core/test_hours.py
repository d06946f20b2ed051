"""When the shop is open: golden weeks of a Japanese salon, and properties that hold for any shop."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.core import hours
from service.core.hours import HORIZON, hours_on, is_open
from service.core.shop import CLOSED, DAY_MINUTES, Dates, Hours, Interval, NthWeekday, Shop, TodayHours
from tests.support.salon import SALON, read_salon, wall

WEEKDAY = (Interval(600, 780), Interval(840, 1200))
WEEKEND = (Interval(540, 1140),)
SHORT = (Interval(600, 900),)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def week(first: str, shop: Shop = SALON) -> list[Hours]:
    """The hours of seven days."""
    return [hours_on(shop, date.fromisoformat(first) + timedelta(number)) for number in range(7)]


# Golden weeks. 2026-11-16 is a Monday.


def test_an_ordinary_week() -> None:
    assert week("2026-11-09") == [CLOSED, WEEKDAY, WEEKDAY, WEEKDAY, WEEKDAY, WEEKEND, WEEKEND]


def test_the_third_tuesday_is_off_and_the_others_are_not() -> None:
    assert week("2026-11-16")[1] == CLOSED
    assert [hours_on(SALON, date(2026, 11, day)) for day in (3, 10, 24)] == [WEEKEND, WEEKDAY, CLOSED]
    assert hours_on(SALON, date(2026, 6, 16)) == CLOSED
    assert hours_on(SALON, date(2026, 6, 9)) == WEEKDAY


def test_a_monday_that_is_a_holiday_is_worked_and_the_day_after_is_off() -> None:
    """勤労感謝の日 2026 is a Monday."""
    assert week("2026-11-23") == [WEEKEND, CLOSED, WEEKDAY, WEEKDAY, WEEKDAY, WEEKEND, WEEKEND]


def test_a_substitute_holiday_is_a_holiday() -> None:
    """振替休日: 2027-03-21 (春分の日) is a Sunday, so Monday the 22nd is off work, and this shop open."""
    assert week("2027-03-22")[:3] == [WEEKEND, CLOSED, WEEKDAY]


def test_a_bridge_day_is_a_holiday() -> None:
    """国民の休日: 2026-09-22 lies between two holidays; the day after the open Monday is off all the same."""
    assert week("2026-09-21") == [WEEKEND, CLOSED, WEEKEND, WEEKDAY, WEEKDAY, WEEKEND, WEEKEND]


def test_a_holiday_on_a_weekday_has_the_hours_of_holidays() -> None:
    """文化の日 2026 is a Tuesday, 憲法記念日's substitute in May a Wednesday."""
    assert hours_on(SALON, date(2026, 11, 3)) == WEEKEND
    assert hours_on(SALON, date(2026, 5, 6)) == WEEKEND


def test_the_turn_of_the_year() -> None:
    assert week("2026-12-28") == [CLOSED, WEEKDAY, SHORT, CLOSED, CLOSED, CLOSED, CLOSED]
    assert week("2027-01-04") == [CLOSED, WEEKDAY, WEEKDAY, WEEKDAY, WEEKDAY, WEEKEND, WEEKEND]


def test_a_holiday_that_was_not_worked_takes_no_day_off_after_it() -> None:
    shop = read_salon(
        'hours: {mon: closed, tue-sun: "10-19", holidays: "9-17"}\nclosed: [2026-11-23]\n'
        "if_holiday: {mon: open, next day: closed}\n"
    )
    assert week("2026-11-23", shop)[:2] == [CLOSED, (Interval(600, 1140),)]


def test_a_weekday_may_stay_closed_on_a_holiday() -> None:
    shop = read_salon('hours: {mon: closed, tue-sun: "10-19", holidays: "9-17"}\nif_holiday: {mon: closed}\n')
    assert week("2026-11-23", shop)[0] == CLOSED
    assert hours_on(shop, date(2026, 11, 3)) == (Interval(540, 1020),)


def test_without_hours_for_holidays_a_holiday_is_a_weekday() -> None:
    shop = read_salon('hours: {mon-fri: "10-19", sat+sun: closed}\n')
    assert hours_on(shop, date(2026, 11, 23)) == (Interval(600, 1140),)


def test_special_wins_over_the_day_after_a_holiday_and_over_a_holiday() -> None:
    shop = read_salon(
        'hours: {daily: "10-19", holidays: "9-17"}\nif_holiday: {mon: open, next day: closed}\n'
        'special: {2026-11-23: "12-15", 2026-11-24: "13-16"}\n'
    )
    assert week("2026-11-23", shop)[:2] == [(Interval(720, 900),), (Interval(780, 960),)]


def test_closed_wins_over_everything_but_what_staff_set_for_today() -> None:
    day = date(2026, 12, 31)
    assert hours_on(SALON, day) == CLOSED
    assert hours_on(SALON, day, TodayHours(day, SHORT)) == SHORT
    assert hours_on(SALON, date(2026, 12, 29), TodayHours(day, SHORT)) == WEEKDAY, "only on that day"


def test_japanese_holidays_are_none_elsewhere() -> None:
    shop = read_salon('timezone: Europe/Berlin\nhours: {daily: "10-19"}\n')
    assert not hours.is_holiday(shop, date(2026, 11, 23))
    assert hours.is_holiday(SALON, date(2026, 11, 23))


# Instants


def test_open_and_closed_within_a_day() -> None:
    for clock, expected in (("09:59", 0), ("10:00", 1), ("12:59", 1), ("13:00", 0), ("14:00", 1), ("20:00", 0)):
        assert is_open(SALON, wall(f"2026-11-25 {clock}")) == bool(expected), clock


def test_the_next_opening_and_the_closing() -> None:
    assert hours.next_open(SALON, wall("2026-11-25 11:00")) == wall("2026-11-25 14:00")
    assert hours.closes_at(SALON, wall("2026-11-25 11:00")) == wall("2026-11-25 13:00")
    assert hours.next_open(SALON, wall("2026-12-30 15:00")) == wall("2027-01-05 10:00")
    assert hours.closes_at(SALON, wall("2026-12-30 15:00")) is None


def test_late_hours_belong_to_the_day_they_began_on() -> None:
    bar = read_salon('hours: {fri+sat: "18:00-26:00", sun-thu: closed}\n')
    saturday_night = wall("2026-11-29 01:30")  # a Sunday on the calendar
    assert is_open(bar, saturday_night)
    assert hours.business_day(bar, saturday_night) == date(2026, 11, 28)
    assert hours.business_day(bar, wall("2026-11-29 02:00")) == date(2026, 11, 29)
    assert hours.closes_at(bar, saturday_night) == wall("2026-11-29 02:00")
    assert is_open(bar, wall("2026-11-28 01:30")), "Friday's late hours"
    closed_today = TodayHours(date(2026, 11, 28), CLOSED)
    assert not is_open(bar, saturday_night, closed_today), "the night goes with its day"
    assert is_open(bar, wall("2026-11-28 01:30"), closed_today)


def test_closing_today_or_closing_early_is_in_force_until_midnight() -> None:
    day = date(2026, 11, 25)
    noon = wall("2026-11-25 12:00")
    assert not is_open(SALON, noon, TodayHours(day, CLOSED))
    assert hours.next_open(SALON, noon, TodayHours(day, CLOSED)) == wall("2026-11-26 10:00")
    assert hours.closes_at(SALON, noon, TodayHours(day, (Interval(600, 750),))) == wall("2026-11-25 12:30")
    assert is_open(SALON, wall("2026-11-26 12:00"), TodayHours(day, CLOSED))


def test_a_shop_without_hours_is_always_open() -> None:
    now = wall("2026-11-25 03:00")
    assert is_open(Shop(), now)
    assert hours.next_open(Shop(), now) is None
    assert hours.closes_at(Shop(), now) is None
    assert hours.due_at(Shop(), now) == now + HOUR


def test_a_shop_without_hours_still_has_its_days_off() -> None:
    shop = read_salon("closed: [2026-12-31..2027-01-03]\n")
    assert not is_open(shop, wall("2026-12-31 12:00"))
    assert hours.closes_at(shop, wall("2026-12-30 12:00")) == wall("2026-12-31 00:00")
    assert hours.next_open(shop, wall("2026-12-31 12:00")) == wall("2027-01-04 00:00")


def test_a_shop_that_stays_closed_for_months_has_no_next_opening() -> None:
    shop = read_salon('hours: {daily: "10-19"}\nclosed: [2026-11-01..2027-03-31]\n')
    now = wall("2026-11-25 12:00")
    assert hours.next_open(shop, now) is None
    assert hours.add_open_time(shop, now, HOUR) is None
    assert hours.due_at(shop, now) == now + HORIZON
    assert hours.next_open(shop, wall("2027-03-20 12:00")) == wall("2027-04-01 10:00")


def test_the_staffs_clock_runs_only_in_open_hours() -> None:
    assert hours.due_at(SALON, wall("2026-11-25 11:00")) == wall("2026-11-25 12:00")
    assert hours.due_at(SALON, wall("2026-11-25 12:30")) == wall("2026-11-25 14:30"), "the lunch break does not count"
    assert hours.due_at(SALON, wall("2026-12-30 14:30")) == wall("2027-01-05 10:30")
    assert hours.open_time_between(SALON, wall("2026-12-30 00:00"), wall("2027-01-05 11:00")) == timedelta(hours=6)


def test_who_answers_first_depends_on_the_hour() -> None:
    shop = read_salon('hours: {daily: "10-19"}\nwhen_open: staff_first\nwhen_closed: bot_first\n')
    assert hours.mode_at(shop, wall("2026-11-25 12:00")) == "staff_first"
    assert hours.mode_at(shop, wall("2026-11-25 22:00")) == "bot_first"


# Summer time. In New York the clocks go forward at 2:00 on 2026-03-08 and back at 2:00 on 2026-11-01.

BAR = read_salon('timezone: America/New_York\nhours: {daily: "18:00-27:00"}\n')
NEW_YORK = "America/New_York"


def test_a_night_with_a_change_of_summer_time_is_an_hour_shorter_or_longer() -> None:
    def length(day: str, after: str) -> timedelta:
        return hours.open_time_between(BAR, wall(f"{day} 12:00", NEW_YORK), wall(f"{after} 12:00", NEW_YORK))

    assert length("2026-03-07", "2026-03-08") == timedelta(hours=8)
    assert length("2026-10-31", "2026-11-01") == timedelta(hours=10)
    assert length("2026-11-10", "2026-11-11") == timedelta(hours=9)


def test_hours_that_a_change_of_summer_time_swallows_do_not_exist() -> None:
    night = wall("2026-03-08 00:00", NEW_YORK)
    shop = read_salon('timezone: America/New_York\nhours: {daily: "2:15-3:00"}\n')
    assert hours.next_open(shop, night) == wall("2026-03-09 02:15", NEW_YORK)


# Properties, for any shop

ZONES = ("Asia/Tokyo", "America/New_York", "Australia/Lord_Howe", "UTC")


@st.composite
def some_hours(draw: st.DrawFn) -> Hours:
    found: list[Interval] = []
    for opens in sorted(draw(st.sets(st.integers(0, 95), max_size=3))):
        closes = opens + draw(st.integers(1, 96))
        if not found or found[-1].closes <= opens * 15:
            found.append(Interval(opens * 15, closes * 15))
    return tuple(found)


START = date(2026, 10, 30)
days = st.integers(0, 10).map(lambda number: START + timedelta(number))


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    rules = st.builds(NthWeekday, st.integers(1, 5), st.integers(0, 6)) | days.map(lambda day: Dates(day, day))
    is_furikae = draw(st.booleans())
    return Shop(
        timezone=draw(st.sampled_from(ZONES)),
        week=draw(st.none() | st.tuples(*[some_hours()] * 7)),
        holidays=draw(st.none() | some_hours()),
        closed=tuple(draw(st.lists(rules, max_size=3))),
        special=draw(st.dictionaries(days, some_hours(), max_size=3)),
        if_holiday=draw(st.dictionaries(st.integers(0, 6), st.booleans(), max_size=3)),
        closed_after_holiday=is_furikae,
    )


STEP = 5 * MINUTE
instants = st.integers(0, 9 * 288).map(lambda number: datetime(2026, 10, 30, tzinfo=UTC) + number * STEP)
todays = st.none() | st.builds(TodayHours, days, some_hours())


def is_open_by_the_wall_clock(shop: Shop, now: datetime, today: TodayHours | None) -> bool:
    """The slow way: what does the clock show, and is that within today's hours or those of the two days before?"""
    for back in range(3):
        day = hours.local_time(shop, now).date() - timedelta(back)
        for each in hours_on(shop, day, today):
            opens, closes = (_instant(shop, day, minutes) for minutes in (each.opens, each.closes))
            if opens <= now < closes:
                return True
    return False


def _instant(shop: Shop, day: date, minutes: int) -> datetime:
    at = datetime.combine(day, datetime.min.time()) + minutes * MINUTE
    return wall(at.isoformat(), shop.timezone)


@given(shops(), instants, todays)
def test_open_is_what_the_wall_clock_says(shop: Shop, now: datetime, today: TodayHours | None) -> None:
    assert is_open(shop, now, today) == is_open_by_the_wall_clock(shop, now, today)


@given(shops(), instants, st.integers(0, 120), todays)
def test_open_time_is_what_a_walk_minute_by_minute_counts(
    shop: Shop, start: datetime, length: int, today: TodayHours | None
) -> None:
    """In steps of five minutes: all hours here begin and end at quarters."""
    walked = sum(is_open_by_the_wall_clock(shop, start + step * STEP, today) for step in range(length))
    assert hours.open_time_between(shop, start, start + length * STEP, today) == walked * STEP


@given(shops(), instants, st.integers(1, 600), todays)
def test_adding_open_time_and_measuring_it_agree(
    shop: Shop, start: datetime, amount: int, today: TodayHours | None
) -> None:
    end = hours.add_open_time(shop, start, amount * MINUTE, today)
    if end is None:
        assert hours.open_time_between(shop, start, start + HORIZON, today) < amount * MINUTE
    else:
        assert hours.open_time_between(shop, start, end, today) == amount * MINUTE
        assert is_open(shop, end - MINUTE, today)


@given(shops(), instants, todays)
def test_at_the_next_opening_the_shop_is_open_and_just_before_it_is_not(
    shop: Shop, now: datetime, today: TodayHours | None
) -> None:
    opens = hours.next_open(shop, now, today)
    assume(opens is not None)
    assert opens is not None
    assert opens > now
    assert is_open(shop, opens, today)
    assert not is_open(shop, opens - MINUTE, today)


@given(shops(), instants, todays)
def test_at_its_closing_the_shop_is_closed_and_until_then_it_is_open(
    shop: Shop, now: datetime, today: TodayHours | None
) -> None:
    closes = hours.closes_at(shop, now, today)
    if closes is None:
        assert not is_open(shop, now, today) or is_open(shop, now + HORIZON - MINUTE, today)
    else:
        assert is_open(shop, closes - MINUTE, today)
        assert not is_open(shop, closes, today)
        assert hours.open_time_between(shop, now, closes, today) == closes - now


@given(shops(), days, some_hours())
def test_precedence_holds_for_any_shop(shop: Shop, day: date, set_by_staff: Hours) -> None:
    assert hours_on(shop, day, TodayHours(day, set_by_staff)) == set_by_staff
    if hours.is_day_off(shop, day):
        assert hours_on(shop, day) == CLOSED
    elif day in shop.special:
        assert hours_on(shop, day) == shop.special[day]
    elif not hours.is_holiday(shop, day) and not hours.is_holiday(shop, day - timedelta(1)):
        assert hours_on(shop, day) == (shop.week[day.weekday()] if shop.week else (Interval(0, DAY_MINUTES),))


@pytest.mark.parametrize("year", range(2024, 2031))
def test_new_years_day_is_a_holiday_every_year(year: int) -> None:
    assert hours.is_holiday(SALON, date(year, 1, 1))
