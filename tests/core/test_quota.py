"""How long the month's messages last."""

from datetime import UTC, date, datetime, timedelta

import pytest

from service.core.counting import Day, sum_up
from service.core.quota import Quota, is_short, left_of, of_month, runs_out_on

# Noon of the 19th in Japan.
AT = datetime(2026, 11, 19, 3, tzinfo=UTC)


def test_the_day_on_which_it_runs_out_is_named_only_where_it_does() -> None:
    assert runs_out_on(Quota(200, 142, AT)) == date(2026, 11, 27)
    assert runs_out_on(Quota(200, 100, AT)) is None
    assert runs_out_on(Quota(None, 142, AT)) is None
    assert runs_out_on(Quota(200, 0, AT)) is None
    assert runs_out_on(Quota(200, 142)) is None


def test_the_first_three_days_say_too_little() -> None:
    assert runs_out_on(Quota(200, 60, datetime(2026, 11, 3, 14, tzinfo=UTC))) is None
    assert runs_out_on(Quota(200, 60, datetime(2026, 11, 3, 15, tzinfo=UTC))) == date(2026, 11, 11)


@pytest.mark.parametrize(
    ("quota", "left", "short"),
    [
        (Quota(200, 159, AT), 41, False),
        (Quota(200, 160, AT), 40, True),
        (Quota(200, 230, AT), 0, True),
        (Quota(None, 900, AT), None, False),
        (Quota(), None, False),
        (Quota(200, 10, AT, AT + timedelta(minutes=1)), 0, True),
        (Quota(200, 10, AT, AT - timedelta(minutes=1)), 190, False),
        (Quota(refused_at=AT), 0, True),
    ],
)
def test_few_are_left_below_a_fifth_or_after_a_refusal(quota: Quota, left: int | None, *, short: bool) -> None:
    assert (left_of(quota), is_short(quota)) == (left, short)


def test_what_was_said_last_month_is_forgotten() -> None:
    quota = Quota(200, 200, AT, AT)
    assert of_month(quota, datetime(2026, 11, 30, 14, 59, tzinfo=UTC)) == quota
    assert of_month(quota, datetime(2026, 11, 30, 15, tzinfo=UTC)) == Quota()


def test_a_day_is_summed_up_by_what_customers_met() -> None:
    counts = {
        "turn answer sure": 5,
        "turn answer choice": 2,
        "turn greet greeting": 1,
        "turn greet welcome": 9,
        "turn clarify unsure": 2,
        "turn handoff asked": 3,
        "turn silent courtesy": 4,
        "turn silent not_a_message": 7,
        "replaced late": 1,
    }
    assert sum_up(counts) == Day(received=17, answered=7, handed_over=4)
    assert sum_up({}) == Day(0, 0, 0)
