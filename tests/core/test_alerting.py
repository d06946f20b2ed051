"""When staff are alerted, in which words, and what becomes of a try."""

from datetime import datetime, timedelta
from typing import get_args

import msgspec
import pytest

from service.core import handoffs
from service.core.alerting import (
    GIVE_UP_AFTER_MS,
    REASONS,
    Alerting,
    AlertKind,
    Announced,
    after_alerting,
    alert_at,
    alerting_at,
    announce,
    enter_waiting,
    is_wanted,
)
from service.core.decisions import Handoff, HandoffReason
from service.core.records import HandoffRecord
from service.core.sending import Again, Attempt, Done
from service.core.shop import DEFAULT_SHOP
from tests.support.shop import CUSTOMER, DUE, NOON, NOON_MS, turn

MINUTE = timedelta(minutes=1)
WORDS, NAME = "髪質改善はできますか", "田中 はるか"
TWO = Alerting(targets=2, public_url="https://henji.example")


def handoff(reason: HandoffReason = "asked", due: datetime | None = None) -> HandoffRecord:
    record = handoffs.open_handoff(
        "h1", Handoff(reason), turn(WORDS), customer=CUSTOMER, display_name=NAME, knowledge="v1", now=NOON, due_at=DUE
    )
    return msgspec.structs.replace(record, due_at=due) if due else record


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def test_entering_waiting_alerts_at_every_address_and_sets_a_reminder() -> None:
    announced = enter_waiting(handoff(), "01TURN", NOON, TWO)
    assert len(announced.alerts) == 2
    assert len({alert.id for alert in announced.alerts}) == 1
    assert announced.timers == {"remind": ms(NOON + 50 * MINUTE)}


def test_without_an_address_nothing_is_written() -> None:
    assert enter_waiting(handoff(), "01TURN", NOON, Alerting()) == Announced()


def test_an_alert_names_the_reason_the_time_and_the_link() -> None:
    (alert, _) = enter_waiting(handoff(), "01TURN", NOON, TWO).alerts
    assert alert.title == "要対応：スタッフ希望"
    assert alert.text == "11月25日(火) 01:00からお客様がお待ちです。"
    assert alert.link == "https://henji.example/inbox/h1"


def test_the_shop_is_named_where_its_name_is_known() -> None:
    (alert,) = enter_waiting(handoff(), "01TURN", NOON, Alerting(targets=1, shop="ヘアサロン すみれ")).alerts
    assert alert.title == "【ヘアサロン すみれ】要対応：スタッフ希望"
    assert alert.text == "11月25日(火) 01:00からお客様がお待ちです。", "no address, no link"


@pytest.mark.parametrize("kind", get_args(AlertKind))
def test_neither_the_customer_nor_their_words_are_in_an_alert(kind: AlertKind) -> None:
    for alert in announce(kind, handoff(), "01TURN", NOON, TWO).alerts:
        written = msgspec.json.encode(alert).decode()
        assert not any(secret in written for secret in (CUSTOMER, NAME, "田中", WORDS, "髪質"))


@pytest.mark.parametrize("reason", get_args(HandoffReason))
def test_every_reason_has_words(reason: HandoffReason) -> None:
    assert announce("alert", handoff(reason), "01TURN", NOON, TWO).alerts[0].title == f"要対応：{REASONS[reason]}"


def test_a_reminder_says_until_when_and_a_late_one_that_it_is_over() -> None:
    record = handoff()
    (soon, _) = announce("remind", record, "t", NOON + 50 * MINUTE, TWO).alerts
    (late, _) = announce("remind", record, "t", NOON + 90 * MINUTE, TWO).alerts
    assert soon.title == "まもなくお返事の期限です（要対応：スタッフ希望）"
    assert late.title == "お返事の期限を過ぎました（要対応：スタッフ希望）"
    assert soon.text.splitlines()[:2] == [
        "11月25日(火) 01:00からお客様がお待ちです。",
        "お返事の期限は11月25日(火) 02:00です。",
    ]


@pytest.mark.parametrize(
    ("due_in", "before"), [(60 * MINUTE, 10 * MINUTE), (20 * MINUTE, 5 * MINUTE), (600 * MINUTE, 10 * MINUTE)]
)
def test_a_reminder_comes_ten_minutes_before_the_promised_time_or_a_quarter_of_a_short_one(
    due_in: timedelta, before: timedelta
) -> None:
    announced = enter_waiting(handoff(due=NOON + due_in), "t", NOON, TWO)
    assert announced.timers == {"remind": ms(NOON + due_in - before)}


def test_whoever_waits_again_after_the_promised_time_gets_no_reminder() -> None:
    assert enter_waiting(handoff(), "t", NOON + 61 * MINUTE, TWO).timers == {}


@pytest.mark.parametrize(
    ("opens_in", "urgent", "waits"), [(None, False, 0), (30, False, 30), (30, True, 0), (-5, False, 0)]
)
def test_an_alert_waits_until_the_shop_opens_unless_it_is_urgent(
    opens_in: int | None, waits: int, *, urgent: bool
) -> None:
    next_open = None if opens_in is None else NOON + opens_in * MINUTE
    assert alert_at(NOON, next_open, urgent=urgent) == NOON + waits * MINUTE


@pytest.mark.parametrize("kind", get_args(AlertKind))
def test_while_the_shop_is_closed_a_timer_stands_for_the_alert(kind: AlertKind) -> None:
    closed = Alerting(targets=2, next_open=NOON + 600 * MINUTE)
    assert announce(kind, handoff(), "t", NOON, closed) == Announced((), {kind: ms(NOON + 600 * MINUTE)})
    urgent = msgspec.structs.replace(handoff(), urgent=True)
    assert len(announce(kind, urgent, "t", NOON, closed).alerts) == 2


def test_at_night_entering_waiting_sets_both_timers() -> None:
    opens = NOON + 600 * MINUTE
    record = handoff(due=opens + 60 * MINUTE)
    announced = enter_waiting(record, "t", NOON, Alerting(targets=1, next_open=opens))
    assert announced == Announced((), {"alert": ms(opens), "remind": ms(opens + 50 * MINUTE)})


def test_an_alert_is_wanted_until_a_person_has_replied_or_it_is_done() -> None:
    record = handoff()
    claimed = handoffs.claim(record, "佐藤", take_over=False)
    assert (is_wanted(record), is_wanted(claimed)) == (True, True), "holding it is no reply"
    for over in (handoffs.reply(record, "佐藤", NOON), handoffs.finish(record, NOON)):
        assert not is_wanted(over)
        assert announce("remind", over, "t", NOON, TWO) == Announced()
    again = handoffs.join(handoffs.reply(record, "佐藤", NOON), turn("もう一つ"), NOON)
    assert is_wanted(again)


def attempt(tries: int, age_ms: int = 0) -> Attempt:
    return Attempt(
        mode="push", tries=tries, by_bot=False, said_at=NOON_MS, token_at=0, first_try=NOON_MS, now=NOON_MS + age_ms
    )


def test_an_alert_is_tried_ever_later_until_it_is_accepted_or_too_old() -> None:
    assert after_alerting(attempt(0), "accepted") == Done("sent")
    assert after_alerting(attempt(0), "refused") == Again(500, untried=False)
    assert after_alerting(attempt(3), "refused") == Again(4_000, untried=False)
    assert after_alerting(attempt(30), "refused") == Again(60_000, untried=False)
    assert after_alerting(attempt(30, GIVE_UP_AFTER_MS), "refused") == Again(60_000, untried=False)
    assert after_alerting(attempt(30, GIVE_UP_AFTER_MS + 1), "refused") == Done("unconfirmed", why="alert")
    assert after_alerting(attempt(30, GIVE_UP_AFTER_MS + 1), "accepted") == Done("sent")


def test_who_cannot_be_told_at_a_place_any_more_is_neither_tried_again_nor_a_dead_letter() -> None:
    assert after_alerting(attempt(0), "gone") == Done("superseded", why="staff")


def test_every_address_and_every_browser_has_an_outbox_of_its_own() -> None:
    both = alerting_at(Alerting(targets=1), DEFAULT_SHOP, NOON, browsers=("b1", "b2"))
    announced = enter_waiting(handoff(), "01TURN", NOON, both)
    assert [alert.to for alert in announced.alerts] == ["@alert:0", "@push:b1", "@push:b2"]
    alone = alerting_at(Alerting(), DEFAULT_SHOP, NOON, browsers=("b1",))
    assert [alert.to for alert in enter_waiting(handoff(), "01TURN", NOON, alone).alerts] == ["@push:b1"]


def test_a_booking_and_what_is_urgent_are_told_apart() -> None:
    booking = msgspec.structs.replace(handoff("topic"), ask=("ご希望の日時",))
    (alert, _) = announce("alert", booking, "t", NOON, TWO).alerts
    assert (alert.title, alert.urgent) == ("要対応：予約", False)
    urgent = msgspec.structs.replace(handoff("topic"), urgent=True)
    (alert, _) = announce("alert", urgent, "t", NOON, TWO).alerts
    assert (alert.title, alert.urgent) == ("至急・要対応：スタッフ対応の話題", True)
