"""A draft says what the entries say, or it is refused; what is private or taken back is never shown."""

import msgspec
import pytest

from service.core.decisions import Candidate, Handoff
from service.core.drafts import HOLE, Judged, Shown, Sketch, is_worth_asking, judge, said_in, shown_for, with_draft
from service.core.handoffs import join, open_handoff
from service.core.records import HandoffRecord, MessageItem
from service.core.unsending import blank_handoff
from tests.support.salon import SALON
from tests.support.shop import CUSTOMER, DUE, NOON, entry, turn

PRICES = Shown("料金を教えてください", "カットは5,500円、カラーは8,800円です。\n月曜はお休みです。")
ENTRIES = {
    each.id: each
    for each in (
        entry("price", "料金を教えてください", answer=("カットは5,500円です。",)),
        entry("phone", "電話番号を教えてください", answer=("お電話は{phone}です。",)),
        entry("topic", "忘れ物をしました", answer=(), action="handoff"),
        msgspec.structs.replace(entry("secret", "内緒の話", answer=("内緒です。",)), private=True),
    )
}


def waiting(text: str = "カットはいくらですか、2人です", *candidates: Candidate) -> HandoffRecord:
    decision = Handoff("unsure", candidates=candidates)
    return open_handoff("h1", decision, turn(text), customer=CUSTOMER, knowledge="v1", now=NOON, due_at=DUE)


@pytest.mark.parametrize(
    "draft",
    [
        "カットは5,500円でございます。2名様ですね、お待ちしております。",
        "カットは¥5500です。月曜日はお休みをいただいております。",
        "お問い合わせありがとうございます。スタッフが確認いたします。",
    ],
)
def test_a_draft_that_says_only_what_is_known_is_kept(draft: str) -> None:
    assert judge(Sketch("", draft), waiting(), [PRICES]) == Judged(None, draft, "kept")


@pytest.mark.parametrize(
    ("draft", "result"),
    [
        ("カットは5,000円です。", "unfounded"),
        ("明日の10時にご予約をお取りしました。", "unfounded"),
        ("詳しくは https://evil.example をご覧ください。", "unfounded"),
        ("お電話は03-0000-0000です。", "unfounded"),
        ("3名様ですね。", "unfounded"),
        ("**カット**は5,500円です。", "markup"),
        ("- カット\n- カラー です", "markup"),
        ("<b>カット</b>です", "markup"),
        ("お電話は{phone}です。", "markup"),
        ("A cut is 5,500 yen.", "language"),
        ("", "empty"),
        (" \n", "empty"),
        ("あ" * 801, "too_long"),
    ],
)
def test_a_draft_that_is_refused_says_why_in_a_word(draft: str, result: str) -> None:
    assert judge(Sketch("", draft), waiting(), [PRICES]) == Judged(None, None, result)  # type: ignore[arg-type]


def test_a_draft_is_in_the_customers_language() -> None:
    handoff = waiting("How much is a cut?")
    assert judge(Sketch("", "A cut is 5,500 yen."), handoff, [PRICES]).result == "kept"
    assert judge(Sketch("", "カットは5,500円です。"), handoff, [PRICES]).result == "language"


def test_what_was_masked_is_a_hole_to_be_filled_in() -> None:
    judged = judge(Sketch("", "［名前］様、［電話番号］にお電話いたします。"), waiting(), [PRICES])
    assert judged.draft == f"{HOLE}様、{HOLE}にお電話いたします。"


@pytest.mark.parametrize(
    ("summary", "kept"),
    [
        ("カットの料金を2名分知りたい", "カットの料金を2名分知りたい"),
        (" カットの\n料金 ", "カットの 料金"),
        ("3名で予約したい", None),
        ("**料金**", None),
        ("", None),
        ("あ" * 81, None),
    ],
)
def test_a_summary_is_one_short_line_without_facts_of_its_own(summary: str, kept: str | None) -> None:
    assert judge(Sketch(summary, ""), waiting(), [PRICES]).summary == kept


def test_the_record_says_who_wrote_and_stays_as_it_is_when_nothing_is_kept() -> None:
    handoff = waiting()
    drafted = with_draft(handoff, Judged("料金を知りたい", "5,500円です。", "kept"), "small draft@1#00000000")
    assert (drafted.summary, drafted.draft) == ("料金を知りたい", "5,500円です。")
    assert drafted.drafted_by == "small draft@1#00000000"
    assert with_draft(handoff, Judged(None, None, "unfounded"), "small") == handoff
    only_draft = with_draft(handoff, Judged(None, "はい。", "kept"), "small")
    assert (only_draft.summary, only_draft.draft) == (handoff.summary, "はい。")


def test_the_nearest_entries_are_shown_as_a_customer_would_read_them() -> None:
    handoff = waiting("?", Candidate("phone", 0.5), Candidate("topic", 0.2), Candidate("price", 0.1))
    assert shown_for(handoff, ENTRIES, SALON, NOON) == [
        Shown("電話番号を教えてください", f"お電話は{SALON.phone}です。"),
        Shown("料金を教えてください", "カットは5,500円です。"),
    ]


def test_a_private_entry_is_never_shown_and_nothing_is_where_it_is_the_nearest() -> None:
    behind = waiting("?", Candidate("price", 0.5), Candidate("secret", 0.4))
    assert [each.question for each in shown_for(behind, ENTRIES, SALON, NOON)] == ["料金を教えてください"]
    first = waiting("?", Candidate("secret", 0.5), Candidate("price", 0.4))
    assert shown_for(first, ENTRIES, SALON, NOON) == []


def test_what_is_gone_or_far_is_not_shown() -> None:
    assert shown_for(waiting("?", Candidate("old", 0.9), Candidate("price", 0.04)), ENTRIES, SALON, NOON) == []


def test_a_model_is_asked_only_where_it_can_help() -> None:
    handoff = waiting("スタッフと話したい")
    assert not is_worth_asking(handoff, [])
    assert is_worth_asking(handoff, [PRICES])
    assert is_worth_asking(waiting("昨日カラーをしてもらったのですが、" * 6), [])
    assert not is_worth_asking(msgspec.structs.replace(handoff, status="active"), [PRICES])
    assert not is_worth_asking(msgspec.structs.replace(handoff, turns=()), [PRICES])


def test_a_further_message_takes_a_draft_away_that_did_not_know_of_it() -> None:
    drafted = msgspec.structs.replace(waiting(), draft="5,500円です。", drafted_by="small")
    assert join(drafted, turn("やっぱりカラーで"), NOON).draft is None


def test_a_message_that_is_taken_back_takes_draft_and_summary_with_it() -> None:
    handoff = msgspec.structs.replace(waiting(), summary="内緒", draft="内緒です。", drafted_by="small")
    said = handoff.turns[0]
    item = MessageItem(id="01E1", turn=said.id, at=NOON, type="text", text=said.text, message="m1")
    blanked = blank_handoff(handoff, [msgspec.structs.replace(item, text="", unsent=True)], [item])
    assert (blanked.draft, blanked.drafted_by, "内緒" in blanked.summary) == (None, None, False)
    assert said_in(blanked) == []
