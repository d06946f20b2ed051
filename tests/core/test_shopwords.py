"""The words of `_shop.yaml`, as people type them."""

from datetime import date, timedelta

import pytest

from service.core.shop import ALL_DAY, CLOSED, Dates, Hours, Interval, NthWeekday
from service.core.shopwords import (
    HOLIDAYS,
    Misread,
    read_closed,
    read_dates,
    read_days,
    read_duration,
    read_hours,
    read_open_or_closed,
    read_share,
)

LUNCH = (Interval(600, 780), Interval(840, 1200))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon", [0]),
        ("Monday", [0]),
        ("tue-fri", [1, 2, 3, 4]),
        ("Tue – Fri", [1, 2, 3, 4]),
        ("fri-mon", [4, 5, 6, 0]),
        ("sat+sun+holidays", [5, 6, HOLIDAYS]),
        ("mon, wed and fri", [0, 2, 4]),
        ("daily", [0, 1, 2, 3, 4, 5, 6]),
        ("月", [0]),
        ("月曜", [0]),
        ("月曜日", [0]),
        ("月〜金", [0, 1, 2, 3, 4]),
        ("月曜日～金曜日", [0, 1, 2, 3, 4]),
        ("火ー金", [1, 2, 3, 4]),
        ("土日祝", [5, 6, HOLIDAYS]),
        ("土・日・祝日", [5, 6, HOLIDAYS]),
        ("土日祝日", [5, 6, HOLIDAYS]),
        ("日祝", [6, HOLIDAYS]),
        ("月水金", [0, 2, 4]),
        ("月、水〜金", [0, 2, 3, 4]),
        ("平日", [0, 1, 2, 3, 4]),
        ("毎日", [0, 1, 2, 3, 4, 5, 6]),
        ("ｍｏｎ", [0]),
    ],
)
def test_days_are_read_in_english_and_japanese(text: str, days: list[int]) -> None:
    assert read_days(text) == tuple(days)


@pytest.mark.parametrize("text", ["", "foo", "mon-foo", "mon-wed-fri", "月〜祝", "土日〜月", "10:00-19:00", "曜日"])
def test_what_names_no_days_is_said_to(text: str) -> None:
    assert isinstance(read_days(text), Misread)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("10:00-13:00, 14:00-20:00", LUNCH),
        ("10:00〜13:00、14:00～20:00", LUNCH),
        ("１０：００−１３：００，１４：００ー２０：００", LUNCH),
        ("14:00–20:00 / 10:00–13:00", LUNCH),
        ("10時〜13時、14時〜20時", LUNCH),
        ("10時から13時まで、14時から20時まで", LUNCH),
        ("9:30-19:00", (Interval(570, 1140),)),
        ("9時半〜19時15分", (Interval(570, 1155),)),
        ("9-19", (Interval(540, 1140),)),
        ("18:00-26:00", (Interval(1080, 1560),)),
        ("0:00-24:00", ALL_DAY),
        ("24時間", ALL_DAY),
        ("closed", CLOSED),
        ("Closed", CLOSED),
        ("休み", CLOSED),
        ("定休日", CLOSED),
    ],
)
def test_hours_are_read_as_people_type_them(text: str, hours: Hours) -> None:
    assert read_hours(text) == hours


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is no time"),
        ("ten to seven", "is no time"),
        ("10:00", "is no time"),
        ("9am-5pm", "is no time"),
        ("10:00-13:00-20:00", "is no time"),
        ("10:60-19:00", "cannot be"),
        ("25:00-26:00", "cannot be"),
        ("10:00-99:00", "cannot be"),
        ("20:00-8:00", "Past midnight is written 20:00-32:00"),
        ("10:00-10:00", "closes before it opens"),
        ("10:00-14:00, 13:00-20:00", "overlap"),
    ],
)
def test_what_is_no_time_is_told_with_an_example(text: str, part: str) -> None:
    misread = read_hours(text)
    assert isinstance(misread, Misread)
    assert part in misread.en


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("3rd tue", (NthWeekday(3, 1),)),
        ("1st+3rd mon", (NthWeekday(1, 0), NthWeekday(3, 0))),
        ("4th thu", (NthWeekday(4, 3),)),
        ("4thu", (NthWeekday(4, 3),)),
        ("第3火曜", (NthWeekday(3, 1),)),
        ("第１・第３月曜日", (NthWeekday(1, 0), NthWeekday(3, 0))),
        ("第1・3月曜", (NthWeekday(1, 0), NthWeekday(3, 0))),
        ("2026-12-31", (Dates(date(2026, 12, 31), date(2026, 12, 31)),)),
        ("2026-12-31..2027-01-03", (Dates(date(2026, 12, 31), date(2027, 1, 3)),)),
        ("2026/12/31〜2027/1/3", (Dates(date(2026, 12, 31), date(2027, 1, 3)),)),
        ("2026年12月31日から2027年1月3日まで", (Dates(date(2026, 12, 31), date(2027, 1, 3)),)),
    ],
)
def test_days_off_are_read(text: str, rules: tuple[object, ...]) -> None:
    assert read_closed(text) == rules


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("tue", "is no day off"),
        ("6th tue", "is no day off"),
        ("3rd holidays", "is no day off"),
        ("12-31", "is no day off"),
        ("2026-02-30", "no such day"),
        ("2027-01-03..2026-12-31", "ends before it begins"),
        ("2026-01-01..2027-06-01", "longer than a year"),
    ],
)
def test_what_is_no_day_off_is_told(text: str, part: str) -> None:
    misread = read_closed(text)
    assert isinstance(misread, Misread)
    assert part in misread.en


def test_a_date_is_written_from_the_year() -> None:
    misread = read_dates("12/31")
    assert isinstance(misread, Misread)
    assert "年から" in misread.ja


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1h", 60),
        ("90m", 90),
        ("1h30m", 90),
        ("1 hour", 60),
        ("1時間", 60),
        ("１時間３０分", 90),
        ("2d", 2880),
        ("2日", 2880),
    ],
)
def test_lengths_of_time_are_read(text: str, minutes: int) -> None:
    assert read_duration(text, timedelta(minutes=5), timedelta(days=7)) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "1", "h", "1x", "1h foo", "-1h", "1.5h", "4m", "8d", "99999d"])
def test_what_is_no_length_or_out_of_range_is_told(text: str) -> None:
    misread = read_duration(text, timedelta(minutes=5), timedelta(days=7))
    assert isinstance(misread, Misread)


def test_a_length_out_of_range_names_the_range_in_the_readers_words() -> None:
    misread = read_duration("1m", timedelta(minutes=5), timedelta(days=7))
    assert misread == Misread("「1m」は使えません。5分から7日までです。", '"1m" must be from 5m to 7d.')


@pytest.mark.parametrize(
    ("text", "share"), [("5%", 0.05), ("５％", 0.05), ("2.5 %", 0.025), ("30%", 0.3), ("1%", 0.01)]
)
def test_percentages_are_read_as_shares(text: str, share: float) -> None:
    assert read_share(text, 1, 30) == share


@pytest.mark.parametrize("text", ["", "5", "0.05", "-5%", "0%", "31%", "five%", "1000%"])
def test_what_is_no_percentage_or_out_of_range_is_told(text: str) -> None:
    assert isinstance(read_share(text, 1, 30), Misread)


@pytest.mark.parametrize(("text", "is_open"), [("open", True), ("営業", True), ("closed", False), ("お休み", False)])
def test_open_and_closed_are_read(text: str, *, is_open: bool) -> None:
    assert read_open_or_closed(text) == is_open
    assert isinstance(read_open_or_closed("10:00-19:00"), Misread)
