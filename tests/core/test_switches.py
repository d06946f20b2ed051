"""What staff set for today, read as they type it; and how long it holds."""

import pytest

from service.core.shop import CLOSED, Interval, TodayHours
from service.core.switches import choice_of, choose_today, in_force
from tests.support.salon import SALON, read_salon, wall

BAR = read_salon('name: 夜カフェ\nhours: {daily: "18:00-26:00"}\n')
NOON = wall("2026-11-25 12:00")
TODAY = NOON.date()


def test_as_usual_closed_and_other_hours_are_told_apart() -> None:
    chosen = [choose_today(choice, "10:00", "15:30", SALON, NOON) for choice in ("usual", "closed", "short")]
    assert chosen == [None, TodayHours(TODAY, CLOSED), TodayHours(TODAY, (Interval(600, 930),))]
    assert [choice_of(each) for each in chosen if not isinstance(each, str)] == ["usual", "closed", "short"]


@pytest.mark.parametrize(
    ("opens", "closes", "problem"),
    [
        ("", "15:00", "no_time"),
        ("10:00", "", "no_time"),
        ("25:00", "26:00", "no_time"),
        ("10:60", "12:00", "no_time"),
        ("じゅうじ", "12:00", "no_time"),
        ("١٠:00", "12:00", "no_time"),
        ("15:00", "10:00", "wrong_order"),
        ("15:00", "15:00", "wrong_order"),
    ],
)
def test_times_that_make_no_sense_are_refused(opens: str, closes: str, problem: str) -> None:
    assert choose_today("short", opens, closes, SALON, NOON) == problem


def test_midnight_ends_a_day_and_a_bar_may_close_the_next_morning() -> None:
    assert choose_today("short", "18:00", "0:00", SALON, NOON) == TodayHours(TODAY, (Interval(1080, 1440),))
    assert choose_today("short", "20:00", "1:30", BAR, NOON) == TodayHours(TODAY, (Interval(1200, 1530),))


def test_it_holds_until_midnight_and_a_night_belongs_to_the_day_it_began_on() -> None:
    closed = TodayHours(TODAY, CLOSED)
    assert in_force(closed, SALON, wall("2026-11-25 23:59")) == closed
    assert in_force(closed, SALON, wall("2026-11-26 00:00")) is None
    assert in_force(None, SALON, NOON) is None
    late = wall("2026-11-26 01:00")
    assert choose_today("closed", "", "", BAR, late) == closed
    assert in_force(closed, BAR, late) == closed
    longer = TodayHours(TODAY, (Interval(1080, 1620),))
    assert in_force(longer, BAR, wall("2026-11-26 02:30")) == longer
