"""The life of a handoff: opened, joined, claimed, replied to, done."""

from datetime import timedelta

import msgspec
import pytest

from service.core import handoffs
from service.core.conversation import Turn
from service.core.decisions import Candidate, Handoff
from service.core.events import MessageKind
from service.core.records import HandoffRecord, TurnRecord, utc
from service.errors import Conflict
from tests.support.shop import CUSTOMER, NOON, NOON_MS, turn

LATER = NOON + timedelta(minutes=5)
CANDIDATES = (Candidate("cut", 0.1),)


def opened(said: Turn | None = None) -> HandoffRecord:
    decision = Handoff("no_entry", candidates=CANDIDATES)
    return handoffs.open_handoff(
        "h1", decision, said or turn("予約したい"), customer=CUSTOMER, knowledge="v1", now=NOON
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
