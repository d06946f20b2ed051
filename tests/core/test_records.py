"""The records that other systems read: their JSON is a promise."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.decisions import Answer, Candidate, Clarify, Decision, Handoff, Silent
from service.core.records import BubbleItem, HandoffRecord, Item, MessageItem, Thresholds, TraceItem, utc
from tests.support.shop import NOON


@pytest.mark.parametrize(
    ("ms", "time"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1_764_000_000_123, datetime(2025, 11, 24, 16, 0, 0, 123_000, tzinfo=UTC)),
        (-5, datetime(1970, 1, 1, tzinfo=UTC)),
        (10**30, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_milliseconds_become_a_time_in_utc(ms: int, time: datetime) -> None:
    assert utc(ms) == time
    assert utc(ms).tzinfo is UTC


@given(st.integers())
def test_every_number_of_milliseconds_is_some_time(ms: int) -> None:
    assert msgspec.json.decode(msgspec.json.encode(utc(ms)), type=datetime) == utc(ms)


def test_a_handoff_holds_the_fields_that_are_documented() -> None:
    assert HandoffRecord.__struct_fields__ == (
        "id",
        "customer",
        "display_name",
        "nickname",
        "status",
        "reason",
        "urgent",
        "summary",
        "turns",
        "candidates",
        "draft",
        "drafted_by",
        "ask",
        "filled",
        "tags",
        "notes",
        "assignee",
        "created_at",
        "due_at",
        "unreplied_since",
        "first_reply_at",
        "done_at",
        "knowledge",
    )


DECISIONS: list[tuple[Decision, str]] = [
    (Answer("cut", "sure", (Candidate("cut", 0.99),)), "answer"),
    (Clarify(("cut", "color"), "unsure"), "clarify"),
    (Handoff("topic", "complaint"), "handoff"),
    (Silent("courtesy"), "silent"),
]


@pytest.mark.parametrize(("decision", "name"), DECISIONS)
def test_a_trace_is_read_back_as_it_was_written(decision: Decision, name: str) -> None:
    trace = TraceItem(
        id="t.trace",
        turn="t",
        at=NOON,
        decision=decision,
        questions={"cut": "カット"},
        thresholds=Thresholds(sure=0.9, clarify=0.2),
        knowledge="v1",
        took_ms=1.5,
    )
    written = msgspec.json.encode(trace)
    assert msgspec.json.decode(written, type=Item) == trace
    plain = msgspec.json.decode(written)
    assert (plain["kind"], plain["decision"]["type"], plain["decision"]["reason"]) == ("trace", name, decision.reason)


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (MessageItem(id="m", turn="t", at=NOON, type="text", text="x", message="1"), "message"),
        (BubbleItem(id="b", turn="t", at=NOON, who="bot", text="x"), "bubble"),
    ],
)
def test_items_of_a_talk_are_told_apart_by_their_kind(item: Item, kind: str) -> None:
    written = msgspec.json.encode(item)
    assert msgspec.json.decode(written)["kind"] == kind
    assert msgspec.json.decode(written, type=Item) == item
