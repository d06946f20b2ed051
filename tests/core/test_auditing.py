"""The random sample of automatic answers, and what checks of it say about the promise."""

import statistics
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.auditing import ENOUGH_CHECKED, Label, measure, needed, place_in_sample, to_check, week_of
from service.core.traffic import Heard


def label(number: int, *, right: bool = True, probability: float = 0.95, reason: str = "sure") -> Label:
    return Label(
        turn=f"t{number}", entry="cut", reason=reason, probability=probability, right=right, by="佐藤", at=number
    )


def heard(number: int) -> Heard:
    return Heard(turn=f"t{number}", at=number, events=("e",), decision="answer", reason="sure", entry="cut")


def test_places_are_spread_evenly_and_always_the_same() -> None:
    places = [place_in_sample(f"01TURN{number}") for number in range(2000)]
    assert all(0 <= place < 1 for place in places)
    assert statistics.mean(places) == pytest.approx(0.5, abs=0.03)
    assert statistics.stdev(places) == pytest.approx(0.2887, abs=0.02)
    assert place_in_sample("01TURN7") == places[7]


def test_weeks_begin_on_monday_and_may_belong_to_another_year() -> None:
    assert week_of(date(2026, 11, 22)) != week_of(date(2026, 11, 23)) == week_of(date(2026, 11, 29)) == "2026-W48"
    assert week_of(date(2027, 1, 1)) == "2026-W53"


def test_the_interval_is_wilsons() -> None:
    found = measure([label(number, right=number >= 3) for number in range(100)])
    assert (found.checked, found.wrong, found.share, found.is_enough) == (100, 3, 0.03, True)
    assert (found.low, found.high) == (pytest.approx(0.0103, abs=1e-4), pytest.approx(0.0845, abs=1e-4))
    none = measure([])
    assert (none.low, none.high, none.share, none.is_enough) == (0.0, 1.0, 0.0, False)


@given(st.lists(st.booleans(), max_size=250))
def test_the_interval_holds_the_share(rights: list[bool]) -> None:
    found = measure([label(number, right=right) for number, right in enumerate(rights)])
    assert found.low - 1e-9 <= found.share <= found.high + 1e-9 or not found.checked
    assert found.checked <= 200


def test_checks_within_the_promise_change_nothing() -> None:
    assert needed([], 0.05) == 0.0
    assert needed([label(number, right=number >= 5) for number in range(100)], 0.05) == 0.0
    assert needed([label(0, right=False), *(label(number) for number in range(1, 12))], 0.05) == 0.0, (
        "one proves little"
    )


def test_a_broken_promise_lifts_the_threshold_to_where_the_checked_answers_keep_it() -> None:
    low = [label(number, right=number % 3 > 0, probability=0.7 + number / 1000) for number in range(60)]
    high = [label(number, probability=0.9 + number / 1000) for number in range(60)]
    level = needed([*low, *high], 0.05)
    assert 0.73 < level <= 0.9
    above = [one.right for one in (*low, *high) if one.probability >= level]
    assert above.count(False) <= 0.05 * len(above)
    below = [one.right for one in (*low, *high) if one.probability >= level - 0.002]
    assert below.count(False) > 0.05 * len(below)


def test_where_no_checked_answer_was_right_nothing_is_sure_enough() -> None:
    assert needed([label(number, right=False) for number in range(10)], 0.05) > 1


def test_what_the_model_picked_says_nothing_about_the_threshold() -> None:
    assert needed([label(number, right=False, reason="model") for number in range(100)], 0.05) == 0.0


def test_a_threshold_comes_down_when_the_newest_checks_are_good() -> None:
    old = [label(number, right=False, probability=0.7) for number in range(100)]
    assert needed(old, 0.05) > 0
    assert needed([*(label(number) for number in range(200)), *old], 0.05) == 0.0


def test_all_are_to_be_checked_at_first_and_ten_a_week_once_enough_were() -> None:
    weeks = [[heard(number) for number in range(40)], [heard(number) for number in range(100, 130)]]
    few = measure([label(number) for number in range(ENOUGH_CHECKED - 1)])
    many = measure([label(number) for number in range(ENOUGH_CHECKED)])
    assert len(to_check(weeks, [], few)) == 70
    assert [one.turn for one in to_check(weeks, ["t0", "t5"], many)][:8] == [f"t{n}" for n in (1, 2, 3, 4, 6, 7, 8, 9)]
    assert len(to_check(weeks, ["t0", "t5"], many)) == 18
