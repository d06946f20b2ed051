"""Hours in words, as customers read them."""

import pytest

from service.core.hourwords import next_opening, promise, today_hours, week_hours
from service.core.shop import CLOSED, Interval, Shop, TodayHours
from tests.support.salon import SALON, read_salon, wall

BAR = read_salon('hours: {fri+sat: "18:00-26:00", sun-thu: closed}\n')
AWAY = read_salon('hours: {daily: "10-19"}\nclosed: [2026-11-01..2027-03-31]\n')


@pytest.mark.parametrize(
    ("hours", "ja", "en"),
    [
        (
            'tue-fri: "10:00-13:00, 14:00-20:00", sat+sun+holidays: "9:00-19:00", mon: closed',
            "火〜金 10:00〜13:00、14:00〜20:00／土日祝 9:00〜19:00／月曜定休",
            "Tue–Fri 10:00–13:00, 14:00–20:00; Sat, Sun and holidays 9:00–19:00; closed Mon",
        ),
        ('daily: "9:30-19:00"', "毎日 9:30〜19:00", "every day 9:30–19:00"),
        ('daily: "9-19", holidays: "9-19"', "毎日 9:00〜19:00", "every day 9:00–19:00"),
        (
            'daily: "9-19", holidays: "10-17"',
            "月〜日 9:00〜19:00／祝 10:00〜17:00",
            "Mon–Sun 9:00–19:00; holidays 10:00–17:00",
        ),
        (
            'mon-fri: "9-19", sat+sun+holidays: closed',
            "月〜金 9:00〜19:00／土・日曜・祝日定休",
            "Mon–Fri 9:00–19:00; closed Sat, Sun and holidays",
        ),
        (
            'mon+wed+fri: "9-12", tue+thu: "13-18", sat+sun: closed',
            "月水金 9:00〜12:00／火木 13:00〜18:00／土・日曜定休",
            "Mon, Wed and Fri 9:00–12:00; Tue and Thu 13:00–18:00; closed Sat and Sun",
        ),
        (
            'mon+wed-fri+holidays: "9-12", tue+sat+sun: closed',
            "月・水〜金・祝 9:00〜12:00／火・土・日曜定休",
            "Mon, Wed–Fri and holidays 9:00–12:00; closed Tue, Sat and Sun",
        ),
        ('daily: "18:00-26:00"', "毎日 18:00〜翌2:00", "every day 18:00–2:00"),
        ('daily: "0:00-24:00"', "毎日 24時間", "every day 24 hours"),
        ('daily: "10:00-24:00"', "毎日 10:00〜24:00", "every day 10:00–24:00"),
        ("daily: closed", "月・火・水・木・金・土・日曜定休", "closed Mon, Tue, Wed, Thu, Fri, Sat and Sun"),
    ],
)
def test_the_week_groups_days_with_the_same_hours(hours: str, ja: str, en: str) -> None:
    shop = read_salon(f"hours: {{{hours}}}\n")
    assert week_hours(shop, "ja") == ja
    assert week_hours(shop, "en") == en


def test_regular_days_off_of_the_month_belong_to_the_week() -> None:
    assert str(week_hours(SALON, "ja")).endswith("／月曜・第3火曜定休")
    assert str(week_hours(SALON, "en")).endswith("; closed Mon and every 3rd Tue")
    shop = read_salon('hours: {daily: "9-19"}\nclosed: [第1・第3火曜, 2026-12-31, 2nd thu]\n')
    assert week_hours(shop, "ja") == "毎日 9:00〜19:00／第1・第3火曜・第2木曜定休"
    assert week_hours(shop, "en") == "every day 9:00–19:00; closed every 1st and 3rd Tue and every 2nd Thu"


def test_a_day_off_every_week_is_not_also_named_by_its_number() -> None:
    shop = read_salon('hours: {tue-sun: "9-19", mon: closed}\nclosed: [1st mon]\n')
    assert week_hours(shop, "ja") == "火〜日 9:00〜19:00／月曜定休"


@pytest.mark.parametrize(
    ("now", "ja", "en"),
    [
        ("2026-11-25 07:00", "10:00〜13:00、14:00〜20:00", "10:00–13:00, 14:00–20:00"),
        ("2026-11-23 12:00", "9:00〜19:00", "9:00–19:00"),
        ("2026-11-24 12:00", "お休み", "closed"),
        ("2026-12-30 20:00", "10:00〜15:00", "10:00–15:00"),
    ],
)
def test_todays_hours(now: str, ja: str, en: str) -> None:
    assert today_hours(SALON, wall(now), "ja") == ja
    assert today_hours(SALON, wall(now), "en") == en


def test_after_midnight_today_is_the_night_that_goes_on() -> None:
    assert today_hours(BAR, wall("2026-11-29 01:00"), "ja") == "18:00〜翌2:00"
    assert today_hours(BAR, wall("2026-11-29 03:00"), "ja") == "お休み"


def test_what_staff_set_for_today_is_said() -> None:
    now = wall("2026-11-25 12:00")
    day = now.date()
    assert today_hours(SALON, now, "ja", TodayHours(day, CLOSED)) == "お休み"
    assert today_hours(SALON, now, "ja", TodayHours(day, (Interval(600, 900),))) == "10:00〜15:00"
    assert promise(SALON, now, "ja", TodayHours(day, CLOSED)) == "明日10:00以降に"


@pytest.mark.parametrize(
    ("now", "ja", "en"),
    [
        ("2026-11-25 11:00", "できるだけ早く", "as soon as we can"),
        ("2026-11-25 07:00", "本日10:00以降に", "after 10:00 today"),
        ("2026-11-25 13:30", "本日14:00以降に", "after 14:00 today"),
        ("2026-11-25 22:00", "明日10:00以降に", "after 10:00 tomorrow"),
        ("2026-11-26 00:30", "本日10:00以降に", "after 10:00 today"),
        ("2026-11-22 20:00", "明日9:00以降に", "after 9:00 tomorrow"),
        ("2026-11-23 20:00", "11月25日(水)10:00以降に", "after 10:00 on Wednesday, 25 November"),
        ("2026-12-30 16:00", "1月5日(火)10:00以降に", "after 10:00 on Tuesday, 5 January"),
    ],
)
def test_the_promise_is_the_next_time_somebody_is_there(now: str, ja: str, en: str) -> None:
    assert promise(SALON, wall(now), "ja") == ja
    assert promise(SALON, wall(now), "en") == en


@pytest.mark.parametrize(
    ("now", "ja", "en"),
    [
        ("2026-11-25 11:00", "本日14:00", "today at 14:00"),
        ("2026-11-25 22:00", "明日10:00", "tomorrow at 10:00"),
        ("2026-11-23 20:00", "11月25日(水)10:00", "on Wednesday, 25 November at 10:00"),
    ],
)
def test_the_next_opening(now: str, ja: str, en: str) -> None:
    assert next_opening(SALON, wall(now), "ja") == ja
    assert next_opening(SALON, wall(now), "en") == en


def test_a_shop_that_is_closed_for_months_promises_no_day() -> None:
    now = wall("2026-11-25 11:00")
    assert next_opening(AWAY, now, "ja") is None
    assert promise(AWAY, now, "ja") == "営業を再開してから"
    assert promise(AWAY, now, "en") == "once we are open again"


def test_a_shop_without_hours_says_none_and_replies_as_soon_as_it_can() -> None:
    now = wall("2026-11-25 03:00")
    assert (today_hours(Shop(), now, "ja"), week_hours(Shop(), "ja"), next_opening(Shop(), now, "ja")) == (None,) * 3
    assert promise(Shop(), now, "ja") == "できるだけ早く"
