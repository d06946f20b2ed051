"""The life of a handoff: opened, joined, claimed, replied to, annotated, done, reopened."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core import handoffs
from service.core.conversation import Conversation, Turn
from service.core.decisions import Candidate, Handoff
from service.core.events import MessageKind
from service.core.records import HandoffRecord, MessageItem, Note, TurnRecord, utc
from service.errors import Conflict
from tests.support.shop import CUSTOMER, DUE, NOON, NOON_MS, turn

LATER = NOON + timedelta(minutes=5)
CANDIDATES = (Candidate("cut", 0.1),)


def opened(said: Turn | None = None) -> HandoffRecord:
    decision = Handoff("no_entry", candidates=CANDIDATES)
    return handoffs.open_handoff(
        "h1", decision, said or turn("予約したい"), customer=CUSTOMER, knowledge="v1", now=NOON, due_at=DUE
    )


def done() -> HandoffRecord:
    return handoffs.finish(opened(), LATER)


def test_an_opened_handoff_waits_with_what_the_customer_said() -> None:
    assert opened() == HandoffRecord(
        id="h1",
        customer=CUSTOMER,
        status="waiting",
        reason="no_entry",
        summary="予約したい",
        turns=(TurnRecord(id="01TURN", at=utc(NOON_MS), text="予約したい"),),
        candidates=CANDIDATES,
        created_at=NOON,
        due_at=NOON + timedelta(hours=1),
        unreplied_since=NOON,
        knowledge="v1",
    )


def test_the_summary_is_one_short_line() -> None:
    record = opened(turn("一行目", "二行目\n三行目", "あ" * 100))
    assert record.summary == "一行目 二行目 三行目 " + "あ" * 67 + "…"
    assert len(record.summary) == handoffs.SUMMARY_CHARACTERS
    assert record.turns[0].text.endswith("あ" * 100), "the whole text stands in the turn"


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("sticker", "[スタンプ]"),
        ("image", "[写真]"),
        ("video", "[動画]"),
        ("audio", "[音声]"),
        ("file", "[ファイル]"),
        ("location", "[位置情報]"),
        ("unknown", "[その他]"),
    ],
)
def test_the_summary_names_what_is_not_text(kind: MessageKind, word: str) -> None:
    media = Turn(id="01M", at=NOON_MS, events=("01M",), media=(kind, kind))
    assert opened(media).summary == f"{word} {word}"
    assert opened(msgspec.structs.replace(media, lines=("これ",))).summary == f"これ {word} {word}"
    assert opened(media).turns[0].media == (kind, kind)


@pytest.mark.parametrize(
    ("kind", "caption", "summary"),
    [
        ("file", "見積書.pdf", "[ファイル：見積書.pdf]"),
        ("location", "店 東京都千代田区1-1", "[位置情報：店 東京都千代田区1-1]"),
        ("sticker", "おつかれさま", "[スタンプ：おつかれさま]"),
        ("file", "あ" * 100, "[ファイル：" + "あ" * 73 + "…"),
    ],
)
def test_the_summary_shows_what_can_be_read_on_it(kind: MessageKind, caption: str, summary: str) -> None:
    media = Turn(id="01M", at=NOON_MS, events=("01M",), media=("image", kind), captions=("", caption))
    assert opened(media).turns[0].captions == ("", caption)
    assert opened(msgspec.structs.replace(media, media=(kind,), captions=(caption,))).summary == summary
    assert opened(media).summary.startswith("[写真] [")


def test_a_turn_written_before_there_were_captions_is_summed_up_all_the_same() -> None:
    assert (
        handoffs.summarize(TurnRecord(id="t", at=NOON, text="これ", media=("file", "image")))
        == "これ [ファイル] [写真]"
    )


def test_a_further_turn_joins_and_keeps_the_time_since_when_the_customer_waits() -> None:
    joined = handoffs.join(opened(), turn("まだですか", turn_id="01NEXT"), LATER)
    assert [said.text for said in joined.turns] == ["予約したい", "まだですか"]
    assert joined.unreplied_since == NOON


def test_a_turn_after_a_reply_makes_the_customer_wait_anew() -> None:
    replied = handoffs.reply(opened(), "佐藤", LATER)
    joined = handoffs.join(replied, turn("ありがとう"), LATER)
    assert joined.unreplied_since == LATER
    assert (joined.status, joined.assignee) == ("active", "佐藤")


def test_whoever_claims_holds_it() -> None:
    claimed = handoffs.claim(opened(), "佐藤", take_over=False)
    assert (claimed.status, claimed.assignee, claimed.unreplied_since) == ("active", "佐藤", NOON)
    assert handoffs.claim(claimed, "佐藤", take_over=False) == claimed, "claiming twice changes nothing"


def test_what_somebody_holds_is_only_taken_over_on_purpose() -> None:
    claimed = handoffs.claim(opened(), "佐藤", take_over=False)
    with pytest.raises(Conflict, match="佐藤"):
        handoffs.claim(claimed, "鈴木", take_over=False)
    with pytest.raises(Conflict, match="佐藤"):
        handoffs.reply(claimed, "鈴木", LATER)
    assert handoffs.claim(claimed, "鈴木", take_over=True).assignee == "鈴木"


def test_whoever_replies_first_holds_it() -> None:
    replied = handoffs.reply(opened(), "佐藤", LATER)
    assert (replied.status, replied.assignee) == ("active", "佐藤")
    assert (replied.first_reply_at, replied.unreplied_since) == (LATER, None)


def test_the_first_reply_keeps_its_time() -> None:
    first = handoffs.reply(opened(), "佐藤", NOON)
    assert handoffs.reply(first, "佐藤", LATER).first_reply_at == NOON


def test_what_is_done_is_neither_claimed_nor_replied_to() -> None:
    with pytest.raises(Conflict, match="done"):
        handoffs.claim(done(), "佐藤", take_over=False)
    with pytest.raises(Conflict, match="done"):
        handoffs.claim(done(), "佐藤", take_over=True)
    with pytest.raises(Conflict, match="done"):
        handoffs.reply(done(), "佐藤", LATER)


def test_done_is_noted_once() -> None:
    record = done()
    assert (record.status, record.done_at, record.unreplied_since) == ("done", LATER, None)
    assert handoffs.finish(record, LATER + timedelta(days=1)) == record


def test_what_is_done_is_taken_up_again_by_whoever_reopens_it() -> None:
    record = handoffs.reopen(done(), "鈴木", None)
    assert (record.status, record.assignee, record.done_at) == ("active", "鈴木", None)
    assert handoffs.reopen(record, "佐藤", record.id) == record, "what is open already stays as it is"


def test_what_is_done_stays_so_when_there_is_a_newer_one() -> None:
    with pytest.raises(Conflict, match="h2"):
        handoffs.reopen(done(), "佐藤", "h2")


def test_notes_are_kept_in_order_with_who_wrote_them_and_when() -> None:
    record = handoffs.annotate(opened(), "佐藤", "電話済み", NOON)
    record = handoffs.annotate(record, "鈴木", "折り返し待ち", LATER)
    assert record.notes == (Note(NOON, "佐藤", "電話済み"), Note(LATER, "鈴木", "折り返し待ち"))


def test_there_is_an_end_to_notes() -> None:
    full = msgspec.structs.replace(opened(), notes=(Note(NOON, "佐藤", "."),) * handoffs.MOST_NOTES)
    with pytest.raises(Conflict, match="notes already"):
        handoffs.annotate(full, "佐藤", "もう一つ", NOON)


def test_tags_are_set_whole_and_each_once() -> None:
    tagged = handoffs.tag(opened(), ["予約", "VIP", "予約"])
    assert tagged.tags == ("予約", "VIP")
    assert handoffs.tag(tagged, []).tags == ()


@pytest.mark.parametrize(("hours", "again"), [(0, True), (72, True), (72.01, False)])
def test_for_72_hours_a_turn_reopens_what_was_done(hours: float, *, again: bool) -> None:
    assert handoffs.may_rejoin(done(), LATER + timedelta(hours=hours)) == again


def test_what_is_open_is_not_reopened_by_a_turn() -> None:
    assert not handoffs.may_rejoin(opened(), LATER)


def test_a_turn_that_reopens_makes_it_wait_anew_for_whoever_held_it() -> None:
    closed = handoffs.finish(handoffs.reply(opened(), "佐藤", NOON), NOON)
    record = handoffs.rejoin(closed, turn("もう一つ質問です"), LATER, LATER + timedelta(hours=2))
    assert (record.status, record.assignee, record.done_at) == ("waiting", "佐藤", None)
    assert (record.unreplied_since, record.due_at) == (LATER, LATER + timedelta(hours=2))
    assert [said.text for said in record.turns] == ["予約したい", "もう一つ質問です"]
    assert record.first_reply_at == NOON


def said(number: int, text: str, *, turn_id: str = "01T") -> MessageItem:
    return MessageItem(id=f"e{number}", turn=turn_id, at=NOON, type="text", text=text, message=f"m{number}")


def test_staff_may_write_first() -> None:
    conversation = Conversation(customer=CUSTOMER, display_name="田中 はるか", nickname="はるかさん")
    photo = msgspec.structs.replace(said(2, ""), type="image")
    record = handoffs.open_by_staff("h1", conversation, [said(1, "ありがとう"), photo], "佐藤", NOON)
    assert (record.status, record.reason, record.assignee) == ("active", "staff", "佐藤")
    assert (record.display_name, record.nickname, record.unreplied_since) == ("田中 はるか", "はるかさん", None)
    assert record.turns == (TurnRecord(id="01T", at=NOON, text="ありがとう", media=("image",), captions=("",)),)
    assert record.summary == "ありがとう [写真]"
    taken_back = msgspec.structs.replace(said(1, ""), unsent=True)
    for nothing in ([], [taken_back]):
        record = handoffs.open_by_staff("h1", conversation, nothing, "佐藤", NOON)
        assert (record.summary, record.turns) == ("", ())


# Any order of actions

Step = Callable[[HandoffRecord, str, datetime], HandoffRecord]
STEPS: dict[str, Step] = {
    "claim": lambda record, staff, _: handoffs.claim(record, staff, take_over=False),
    "take_over": lambda record, staff, _: handoffs.claim(record, staff, take_over=True),
    "reply": handoffs.reply,
    "done": lambda record, _, now: handoffs.finish(record, now),
    "reopen": lambda record, staff, _: handoffs.reopen(record, staff, None),
    "note": lambda record, staff, now: handoffs.annotate(record, staff, "メモ", now),
    "tags": lambda record, staff, _: handoffs.tag(record, [staff]),
    "turn": lambda record, _, now: (
        handoffs.rejoin(record, turn("もしもし"), now, now)
        if handoffs.may_rejoin(record, now)
        else handoffs.join(record, turn("もしもし"), now)
        if record.status != "done"
        else record
    ),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(["佐藤", "鈴木"])), max_size=30))
def test_any_order_of_actions_leaves_a_record_that_makes_sense(steps: list[tuple[str, str]]) -> None:
    record, now = opened(), NOON
    for what, staff in steps:
        now += timedelta(minutes=1)
        before = record
        try:
            record = STEPS[what](before, staff, now)
        except Conflict:
            assert what in {"claim", "take_over", "reply"}
            assert before.status == "done" or (what != "take_over" and before.assignee not in (None, staff))
            continue
        assert (record.status == "done") == (record.done_at is not None)
        assert record.status != "active" or record.assignee is not None
        assert record.status != "waiting" or record.unreplied_since is not None
        if before.assignee not in (None, staff) and what in {"claim", "reply"}:
            assert record.assignee == before.assignee, "nobody loses a handoff unseen"
        if what == "reply":
            assert (record.assignee, record.unreplied_since) == (staff, None)
        if what in {"note", "tags"}:
            assert (record.status, record.assignee, record.turns) == (before.status, before.assignee, before.turns)
        assert len(record.turns) >= len(before.turns)
        assert len(record.notes) >= len(before.notes)
        assert record.created_at == before.created_at
        assert before.first_reply_at in (None, record.first_reply_at)


def test_after_a_reply_that_did_not_go_out_the_customer_waits_as_before() -> None:
    waits = opened()
    replied = handoffs.reply(waits, "佐藤", NOON)
    back = handoffs.take_back_reply(replied)
    assert (back.status, back.assignee, back.unreplied_since) == ("active", "佐藤", waits.turns[-1].at)
    assert handoffs.take_back_reply(back) == back
    done = handoffs.finish(replied, NOON)
    assert handoffs.take_back_reply(done) == done
