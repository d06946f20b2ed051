"""What follows when staff change a handoff: state, timers, records."""

from datetime import timedelta

import msgspec

from service.core import handoffs
from service.core.actions import Portrait, act_on, portray, return_later
from service.core.alerting import STOPPED
from service.core.decisions import Handoff
from service.core.handoffs import open_handoff
from tests.support.shop import CUSTOMER, DUE, NOON, NOON_MS, turn
from tests.support.stand_ins import STAFF

WAITING = open_handoff(
    "h1", Handoff("asked"), turn("予約したい"), customer=CUSTOMER, knowledge="v1", now=NOON, due_at=DUE
)
HELD = handoffs.claim(WAITING, "佐藤", take_over=False)
DONE = handoffs.finish(HELD, NOON)


def test_nothing_follows_where_nothing_changes() -> None:
    assert act_on("claim", HELD, HELD) is None
    assert return_later(None, NOON) is None


def test_who_holds_a_handoff_owns_the_conversation() -> None:
    plan = act_on("claim", WAITING, HELD)
    assert plan is not None
    assert plan.fields == {"state": "human", "handoff": "h1", "assignee": "佐藤"}
    assert (plan.handoff, plan.timers, plan.items) == (HELD, {}, ())


def test_a_reply_is_written_even_where_the_handoff_stays_as_it_is() -> None:
    plan = act_on("reply", HELD, HELD, STAFF)
    assert plan is not None
    assert (plan.out, plan.items) == (STAFF, STAFF.bubbles)


def test_after_a_reply_nobody_is_reminded_and_the_bot_comes_back_later() -> None:
    plan = return_later(act_on("reply", HELD, handoffs.reply(HELD, "佐藤", NOON), STAFF), NOON + timedelta(hours=2))
    assert plan is not None
    assert plan.timers == {**STOPPED, "return": NOON_MS + 7_200_000}


def test_done_gives_the_conversation_back() -> None:
    plan = act_on("done", HELD, DONE)
    assert plan is not None
    assert plan.fields == {"state": "bot", "handoff": "", "assignee": "", "last_handoff": "h1"}
    assert plan.timers == {**STOPPED, "return": 0}


def test_a_note_on_what_is_done_leaves_the_conversation_alone() -> None:
    plan = act_on("note", DONE, handoffs.annotate(DONE, "佐藤", "メモ", NOON))
    assert plan is not None
    assert (plan.fields, plan.timers) == ({}, {})


def test_only_what_is_said_about_a_customer_is_changed() -> None:
    assert portray(Portrait(), None).fields == {}
    plan = portray(Portrait(nickname="はるかさん", tags=("VIP", "VIP"), note="アレルギーあり"), HELD)
    assert plan.fields == {"nickname": "はるかさん", "tags": '["VIP"]', "note": "アレルギーあり"}
    assert plan.handoff == msgspec.structs.replace(HELD, nickname="はるかさん")


def test_what_was_said_about_a_customer_is_taken_away() -> None:
    named = msgspec.structs.replace(HELD, nickname="はるかさん")
    plan = portray(Portrait(nickname="", tags=(), note=""), named)
    assert plan.fields == {"nickname": "", "tags": "", "note": ""}
    assert plan.handoff == HELD
