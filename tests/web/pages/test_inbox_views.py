"""Rows, bubbles and words of the inbox, made of records."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest

from service.core.decisions import Candidate, Handoff, HandoffReason
from service.core.handoffs import claim, finish, open_handoff, reply
from service.core.records import BubbleItem, Delivery, HandoffRecord, MessageItem, ModelTrace, Thresholds, TraceItem
from service.core.shop import DEFAULT_SHOP, Interval, Shop, TodayHours
from service.core.switches import Switches
from service.web.pages import inbox_card, inbox_views, inbox_why, inbox_words
from service.web.pages.inbox_actions import split_tags
from tests.support.salon import SALON, wall
from tests.support.shop import CUSTOMER, NOON, entry, turn

NO_SWITCH = Switches(paused=False, today=None)


def waiting(nickname: str | None = None) -> HandoffRecord:
    near = (Candidate("cut", 0.6), Candidate("color", 0.3), Candidate("gone", 0.2), Candidate("thanks", 0.01))
    return open_handoff(
        "h1",
        Handoff("unsure", candidates=near),
        turn("カットとカラー"),
        customer=CUSTOMER,
        display_name="田中",
        nickname=nickname,
        knowledge="k",
        now=NOON,
        due_at=NOON + timedelta(hours=1),
    )


def message(number: int, turn_id: str, *, unsent: bool = False) -> MessageItem:
    at = NOON + timedelta(minutes=number)
    return MessageItem(
        id=f"i{number}", turn=turn_id, at=at, type="text", text="文", message=f"m{number}", unsent=unsent
    )


def by_staff(number: int, delivery: Delivery = "sent") -> BubbleItem:
    at = NOON + timedelta(minutes=number)
    return BubbleItem(id=f"i{number}", turn="", at=at, who="staff:佐藤", text="はい", delivery=delivery)


def row(record: HandoffRecord, now: datetime, shop: Shop = DEFAULT_SHOP) -> inbox_views.Row:
    return inbox_views.row(record, shop, None, now, "ja")


def test_a_row_says_who_waits_for_how_long_and_why() -> None:
    shown = row(waiting("はるちゃん"), NOON + timedelta(minutes=12))
    assert (shown.name, shown.waits, shown.overdue, shown.reason) == ("はるちゃん", "12分待ち", False, "確信が持てない")
    assert shown.said == "カットとカラー"


def test_a_row_is_overdue_after_what_the_shop_wants_and_only_while_somebody_waits() -> None:
    late = NOON + timedelta(hours=3)
    assert row(waiting(), late).overdue
    patient = msgspec.structs.replace(DEFAULT_SHOP, first_reply_target=timedelta(hours=4))
    assert not row(waiting(), late, patient).overdue
    answered = row(reply(waiting(), "佐藤", NOON), late)
    assert (answered.overdue, answered.waits, answered.state) == (False, "", "対応中・お客様の返信待ち")


@pytest.mark.parametrize(
    ("since", "now", "waits", "overdue"),
    [
        ("2026-11-25 19:30", "2026-11-26 09:59", "30分待ち", False),
        ("2026-11-25 19:30", "2026-11-26 10:31", "1時間待ち", True),
        ("2026-11-25 22:00", "2026-11-26 08:00", "営業時間外に受信", False),
        ("2026-11-25 12:50", "2026-11-25 14:05", "15分待ち", False),
        ("2026-11-28 22:00", "2026-12-01 09:00", "2日待ち", True),
        ("2026-11-29 22:00", "2026-12-01 09:00", "1日待ち", False),
    ],
)
def test_waiting_counts_while_the_shop_is_open(since: str, now: str, waits: str, *, overdue: bool) -> None:
    shown = row(msgspec.structs.replace(waiting(), unreplied_since=wall(since)), wall(now), SALON)
    assert (shown.waits, shown.overdue) == (waits, overdue)


@pytest.mark.parametrize("reason", get_args(HandoffReason))
@pytest.mark.parametrize("lang", get_args(inbox_words.Lang))
def test_every_reason_has_a_word_and_a_sentence(reason: HandoffReason, lang: inbox_words.Lang) -> None:
    record = msgspec.structs.replace(waiting(), reason=reason)
    assert inbox_words.reason(record, lang)
    assert inbox_words.explanation(record, lang)


@pytest.mark.parametrize(
    ("minutes", "ja", "en"),
    [(0, "1分", "1m"), (59, "59分", "59m"), (60, "1時間", "1h"), (1439, "23時間", "23h"), (2880, "2日", "2d")],
)
def test_waiting_is_told_in_one_unit(minutes: int, ja: str, en: str) -> None:
    time = timedelta(minutes=minutes)
    assert (inbox_words.length(time, "ja"), inbox_words.length(time, "en")) == (ja, en)


def test_states_are_named_as_in_the_rest_of_the_product() -> None:
    held = claim(waiting(), "佐藤", take_over=False)
    states = [
        inbox_words.state(each, "ja") for each in (waiting(), held, reply(held, "佐藤", NOON), finish(held, NOON))
    ]
    assert states == ["要対応", "対応中", "対応中・お客様の返信待ち", "対応済み"]


def test_a_talk_opens_at_the_first_message_nobody_has_replied_to() -> None:
    mine = waiting().turns[0].id
    first, second = message(2, mine), message(3, mine)
    assert inbox_views.first_unreplied([message(1, "earlier"), first, second], waiting()) == "i2"
    assert inbox_views.first_unreplied([first, by_staff(3), message(4, mine)], waiting()) == "i4"
    assert inbox_views.first_unreplied([first, by_staff(3, "failed")], waiting()) == "i2", "a failed reply is none"
    assert inbox_views.first_unreplied([message(2, mine, unsent=True), second], waiting()) == "i3"
    assert not inbox_views.first_unreplied([first], reply(waiting(), "佐藤", NOON))


def test_what_was_seen_is_the_newest_message_or_turn() -> None:
    assert inbox_views.newest_seen([message(1, "t"), by_staff(2)], waiting()) == "i1"
    assert inbox_views.newest_seen([], waiting()) == waiting().turns[-1].id


def test_each_day_is_named_once_and_speakers_are_told_apart() -> None:
    bot = BubbleItem(id="b", turn="t", at=NOON, who="bot", text="受け取りました")
    late = msgspec.structs.replace(by_staff(1), at=NOON + timedelta(days=1))
    shown = inbox_views.bubbles([message(0, "t"), bot, late], waiting(), {}, UTC, "ja")
    assert [bool(bubble.day) for bubble in shown] == [True, False, True]
    assert [(bubble.side, bubble.who) for bubble in shown] == [
        ("customer", ""),
        ("bot", "自動応答"),
        ("staff", "スタッフ 佐藤"),
    ]


@pytest.mark.parametrize(
    ("at", "hours"),
    [
        ("2026-11-25 11:00", "営業中〜13:00"),
        ("2026-11-25 13:30", "営業時間外・14:00から"),
        ("2026-11-25 21:00", "営業時間外・11月26日(木) 10:00から"),
    ],
)
def test_the_top_line_says_whether_the_shop_is_open(at: str, hours: str) -> None:
    front = inbox_views.front(SALON, NO_SWITCH, wall(at), working=True, lang="ja")
    assert (front.shop, front.hours, front.auto) == ("ヘアサロン すみれ", hours, "自動応答ON")


def test_the_top_line_does_not_promise_what_nobody_does() -> None:
    front = inbox_views.front(DEFAULT_SHOP, NO_SWITCH, NOON, working=False, lang="ja")
    assert (front.hours, front.auto, front.auto_on) == ("", "自動応答が止まっています", False)
    today = TodayHours(wall("2026-11-25 11:00").date(), (Interval(600, 900),))
    switched = inbox_views.front(SALON, Switches(True, today), wall("2026-11-25 11:00"), working=True, lang="ja")
    assert (switched.hours, switched.auto, switched.auto_on) == ("営業中〜15:00", "自動応答オフ", False)


ENTRIES = {
    each.id: each
    for each in (
        entry("cut", "カットの料金", answer=("4,400円です。", "電話は{phone}です。")),
        entry("color", "カラーの料金", answer=()),
        entry("thanks", "お礼", answer=("ありがとうございます。",), action="suggest"),
        entry("booked", "予約の確定", answer=("〇〇様、承りました。",), action="suggest"),
    )
}


TELLER = inbox_card.Teller(SALON, None, NOON, "ja")


def trace(record: HandoffRecord) -> TraceItem:
    turn_id = record.turns[0].id
    return TraceItem(
        id=f"{turn_id}.trace",
        turn=turn_id,
        at=NOON,
        decision=Handoff("unsure"),
        questions={},
        thresholds=Thresholds(sure=0.925, clarify=0.1),
        knowledge="k",
        took_ms=1,
    )


def test_near_entries_that_still_have_an_answer_are_offered_as_they_would_be_sent() -> None:
    (only,) = inbox_card.candidates(waiting(), trace(waiting()), ENTRIES, TELLER, "ja")
    assert (only.id, only.percent, only.answer) == ("cut", 60, "4,400円です。\n\n電話は03-1234-5678です。")
    assert only.bubbles == ("4,400円です。", "電話は03-1234-5678です。")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, "自動で送る基準（93%）に届かなかったため、送っていません。"),
        ({"reason": "asked"}, "お客様がスタッフとの会話を希望しました。"),
        ({"reason": "paused"}, "自動応答がオフになっています。"),
        (
            {"candidates": (Candidate("cut", 0.95),)},
            "確率は基準に届いていましたが、自動応答はこの回答を選びませんでした。",
        ),
        (
            {"candidates": (Candidate("thanks", 0.95),), "reason": "asked"},
            "スタッフ用の下書きのため、自動では送りません。",
        ),
    ],
)
def test_every_near_entry_says_in_plain_words_why_it_was_not_sent(changed: dict[str, Any], why: str) -> None:
    record = msgspec.structs.replace(waiting(), **changed)
    (only,) = inbox_card.candidates(record, trace(record), ENTRIES, TELLER, "ja")
    assert only.why == why


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ('{"type":"pick","entry":"cut"}', "言語モデルは「カットの料金」を選びました。"),
        ('{"type":"none"}', "言語モデルは、どのFAQも合わないと判断しました。"),
        ('{"type":"unclear","entries":["cut","color"]}', "言語モデルは、どのFAQか決められませんでした。"),
        ("timeout", "言語モデルの返事は使えませんでした。"),
    ],
)
def test_the_menu_tells_what_the_language_model_said(verdict: str, says: str) -> None:
    model = ModelTrace(name="m", prompt="p", verdict=verdict, ms=1)
    told = msgspec.structs.replace(trace(waiting()), model=model, questions={"cut": "カットの料金"})
    why = inbox_why.explain([told], waiting(), "ja")
    assert why.model == says
    assert why.near[:2] == (("カットの料金", 60), ("color", 30))
    assert inbox_why.explain([], waiting(), "ja").model == ""


def test_an_answer_is_told_in_the_customer_s_language_with_today_s_hours() -> None:
    hours = {"hours": entry("hours", "営業時間", answer=("Today: {today_hours}",))}
    today = TodayHours(wall("2026-11-25 11:00").date(), (Interval(600, 900),))
    english = inbox_card.Teller(SALON, today, wall("2026-11-25 11:00"), "en")
    assert inbox_card.in_words(english.tell(hours["hours"])) == "Today: 10:00–15:00"
    record = waiting()
    assert inbox_card.customer_language(record) == "ja"
    said = msgspec.structs.replace(record.turns[0], text="How much is a cut?")
    assert inbox_card.customer_language(msgspec.structs.replace(record, turns=(said,))) == "en"


@pytest.mark.parametrize(
    ("words", "found"),
    [("", ["thanks", "booked"]), ("アリガトウ", ["thanks"]), ("予約 承りました", ["booked"]), ("ない言葉", [])],
)
def test_drafts_are_found_by_words_in_any_spelling(words: str, found: list[str]) -> None:
    assert [draft.id for draft in inbox_card.templates(ENTRIES, words, TELLER)] == found


@pytest.mark.parametrize(
    ("text", "hole"),
    [
        ("〇〇様", "〇〇"),
        ("○○日に", "○○"),
        ("◯◯◯円", "◯◯◯"),
        ("{phone}まで", "{phone}"),
        ("〇です", ""),
        ("{笑}", ""),
        ("［名前］様", "［名前］"),
    ],
)
def test_what_is_not_filled_in_is_found(text: str, hole: str) -> None:
    assert inbox_card.hole_in(text) == hole


def test_tags_are_read_as_people_type_them() -> None:
    assert split_tags(" 予約、至急 , VIP　様，予約 ") == ("予約", "至急", "VIP 様")
    assert split_tags("") == ()
    assert split_tags("、".join(map(str, range(21)))) is None
    assert split_tags("長" * 41) is None


def test_every_word_exists_in_both_languages() -> None:
    assert all(inbox_words.words("ja").values())
    assert all(text.isascii() for text in inbox_words.words("en").values())
