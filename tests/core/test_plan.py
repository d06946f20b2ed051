"""What follows from a decision: the state, the handoff, the talk's items, and what is sent."""

import json
import uuid
from datetime import timedelta

import msgspec
import pytest

from service.core import handoffs
from service.core.bubbles import split_text, utf16_units
from service.core.choices import read_button
from service.core.conversation import Conversation, Tap, Turn, make_turn, unsent_turn
from service.core.decisions import Answer, Candidate, Clarify, Decision, Greet, Handoff, HandoffReason, Silent
from service.core.entries import Action, ImageBubble
from service.core.events import Event, Other, Tapped
from service.core.handoffs import open_handoff
from service.core.knowledge import Knowledge, build_knowledge
from service.core.plan import Plan, carry_out, reply_by_staff, retry_key
from service.core.records import BubbleItem, HandoffRecord, MessageItem, ModelTrace, TraceItem, utc
from tests.support.shop import (
    CUSTOMER,
    DUE,
    ENTRIES,
    KEY,
    NOON,
    NOON_MS,
    circumstances,
    entry,
    make_shop,
    message,
    turn,
)

SHOP = make_shop()
LATER = NOON + timedelta(seconds=2)
QUESTION = message("駐車場はありますか")
CANDIDATES = (Candidate("parking", 0.99), Candidate("cut", 0.01))
SURE = Answer("parking", "sure", CANDIDATES)
UNSURE = Clarify(("cut", "color"), "unsure", CANDIDATES)
NO_ENTRY = Handoff("no_entry", candidates=CANDIDATES)
COURTESY = Silent("courtesy")
ALL: list[Decision] = [SURE, UNSURE, NO_ENTRY, COURTESY]


def plan(
    decision: Decision,
    *events: Event,
    conversation: Conversation | None = None,
    handoff: HandoffRecord | None = None,
    closed: HandoffRecord | None = None,
    knowledge: Knowledge = SHOP,
) -> Plan:
    said = events or (QUESTION,)
    given = circumstances(
        *said, knowledge=knowledge, conversation=conversation, handoff=handoff, closed=closed, now=LATER
    )
    return carry_out(decision, make_turn(said), given)


def waiting_handoff() -> HandoffRecord:
    first = make_turn((message("スタッフと話したい", number=9),))
    return open_handoff("h1", Handoff("asked"), first, customer=CUSTOMER, knowledge="v1", now=NOON, due_at=DUE)


def texts(written: Plan) -> list[str]:
    return [sent["text"] for sent in written.out.messages] if written.out else []


def test_an_answer_is_sent_word_for_word_one_bubble_each() -> None:
    shop = build_knowledge((*ENTRIES, entry("two", "二つ", answer=("一つ目\n です。", "二つ目です。"))))
    written = plan(Answer("two", "sure"), knowledge=shop)
    assert written.out is not None
    assert texts(written) == ["一つ目\n です。", "二つ目です。"]
    assert (written.out.kind, written.out.who, written.out.said_at) == ("answer", "bot", NOON_MS)
    assert [sent["sender"]["name"] for sent in written.out.messages] == ["自動応答"] * 2
    assert (written.what, written.handoff, written.fields) == ("answer", None, {"state": "bot", "choices": ""})


MAP = ImageBubble(name="a1.png", preview="a1-small.jpg", path="img/map.png", alt="店の前の地図")


def with_picture(public_url: str, *, action: Action = "answer") -> Plan:
    shop = build_knowledge((*ENTRIES, entry("map", "地図", answer=("こちらです。", MAP), action=action)))
    decision = Answer("map", "sure") if action == "answer" else Handoff("topic", "map")
    given = circumstances(QUESTION, knowledge=shop, now=LATER, public_url=public_url)
    return carry_out(decision, make_turn((QUESTION,)), given)


@pytest.mark.parametrize("action", ["answer", "handoff"])
def test_a_picture_is_sent_from_the_public_address(action: Action) -> None:
    written = with_picture("https://bot.example", action=action)
    assert written.out is not None
    assert written.out.messages[1] == {
        "type": "image",
        "originalContentUrl": "https://bot.example/img/a1.png",
        "previewImageUrl": "https://bot.example/img/a1-small.jpg",
        "sender": {"name": "自動応答"},
    }
    assert [bubble.text for bubble in written.out.bubbles] == ["こちらです。", "店の前の地図"]


def test_without_a_public_address_a_picture_is_sent_in_words() -> None:
    assert texts(with_picture("")) == ["こちらです。", "店の前の地図"]


def test_each_bubble_that_is_sent_is_an_item_of_the_talk() -> None:
    written = plan(SURE)
    assert written.out is not None
    assert written.out.bubbles == (
        BubbleItem(id="01E1.0", turn="01E1", at=LATER, who="bot", text="駐車場はありますかの答えです。"),
    )
    assert written.items[0] == MessageItem(
        id="01E1", turn="01E1", at=NOON, type="text", text="駐車場はありますか", message="m1"
    )
    assert written.items[1:-1] == written.out.bubbles


def test_the_trace_says_why() -> None:
    trace = plan(SURE).items[-1]
    assert isinstance(trace, TraceItem)
    assert (trace.id, trace.turn, trace.at, trace.decision) == ("01E1.trace", "01E1", LATER, SURE)
    assert trace.questions == {"parking": "駐車場はありますか", "cut": "カットの料金はいくらですか"}
    assert (trace.knowledge, trace.took_ms, trace.model) == (SHOP.version, 1.0, None)
    assert trace.thresholds.sure > trace.thresholds.clarify > 0


def test_the_trace_holds_what_the_model_said() -> None:
    said = ModelTrace("small", "abc", "pick", 12.0)
    given = msgspec.structs.replace(circumstances(QUESTION, knowledge=SHOP), model=said)
    trace = carry_out(SURE, make_turn((QUESTION,)), given).items[-1]
    assert isinstance(trace, TraceItem)
    assert trace.model == said


def test_the_trace_of_an_entry_that_is_gone_leaves_its_heading_out() -> None:
    trace = plan(Handoff("no_entry", candidates=(Candidate("old", 0.9),))).items[-1]
    assert isinstance(trace, TraceItem)
    assert trace.questions == {}


@pytest.mark.parametrize("decision", ALL, ids=repr)
def test_everything_written_has_the_same_name_when_it_is_planned_again(decision: Decision) -> None:
    """A turn that is decided twice because nothing was written overwrites itself instead of doubling."""
    first, second = plan(decision), plan(decision)
    assert first == second
    ids = [item.id for item in first.items]
    assert len(ids) == len(set(ids))


def test_a_clarify_offers_its_choices_numbered_and_as_buttons() -> None:
    written = plan(UNSURE)
    assert written.out is not None
    (sent,) = written.out.messages
    assert sent["text"] == (
        "どちらの内容でしょうか。番号でもお選びいただけます。\n\n"
        "1. カットの料金はいくらですか\n2. カラーの料金はいくらですか\n3. スタッフに聞く"
    )
    actions = [item["action"] for item in sent["quickReply"]["items"]]
    assert [action["label"] for action in actions] == [
        "カットの料金はいくらですか",
        "カラーの料金はいくらですか",
        "スタッフに聞く",
    ]
    taps = [read_button(KEY, CUSTOMER, action["data"]) for action in actions]
    assert taps == [Tap("cut"), Tap("color"), Tap(None)]
    assert json.loads(written.fields["choices"]) == ["cut", "color"]
    assert written.out.kind == "clarify"


def test_a_clarify_of_very_long_questions_fits_into_one_bubble() -> None:
    shop = build_knowledge([entry(name, name * 3000) for name in "abcd"])
    (sent,) = texts(plan(Clarify(tuple("abcd"), "unsure"), knowledge=shop))
    assert utf16_units(sent) < 5000


def test_a_question_in_english_is_asked_back_in_english() -> None:
    (sent,) = texts(plan(UNSURE, message("how much is it?")))
    assert sent.startswith("Which of these")
    assert sent.endswith("3. Ask our staff")


@pytest.mark.parametrize("decision", [SURE, NO_ENTRY, COURTESY], ids=repr)
def test_the_choices_are_good_for_one_turn(decision: Decision) -> None:
    assert plan(decision, conversation=Conversation(customer=CUSTOMER, choices=("cut",))).fields["choices"] == ""


def test_what_is_no_message_leaves_the_choices_alone() -> None:
    asked = Conversation(customer=CUSTOMER, choices=("cut", "color"))
    written = plan(Silent("not_a_message"), Other("01V", NOON_MS, "videoPlayComplete"), conversation=asked)
    assert "choices" not in written.fields
    gone = unsent_turn((QUESTION,))
    given = circumstances(QUESTION, knowledge=SHOP, conversation=asked)
    assert "choices" not in carry_out(Silent("unsent"), gone, given).fields


def test_a_handoff_opens_a_record_and_tells_the_customer_once() -> None:
    written = plan(NO_ENTRY)
    assert written.handoff is not None
    assert written.fields == {"state": "waiting", "handoff": written.handoff.id, "assignee": "", "choices": ""}
    assert (written.handoff.status, written.handoff.reason, written.handoff.customer) == (
        "waiting",
        "no_entry",
        CUSTOMER,
    )
    assert (written.handoff.created_at, written.handoff.knowledge) == (LATER, SHOP.version)
    assert written.handoff.candidates == CANDIDATES
    assert texts(written)[0].startswith("お問い合わせありがとうございます。")
    assert written.out is not None
    assert (written.out.kind, written.out.fallback) == ("notice", None)


@pytest.mark.parametrize(
    ("reason", "start"),
    [
        ("asked", "スタッフが"),
        ("media", "受け取りました。"),
        ("error", "申し訳ございません。"),
        ("no_entry", "お問い合わせ"),
        ("unsure", "お問い合わせ"),
        ("late", "お問い合わせ"),
    ],
)
def test_each_reason_has_its_notice(reason: HandoffReason, start: str) -> None:
    (notice,) = texts(plan(Handoff(reason)))
    assert notice.startswith(start)


def test_an_entry_for_staff_speaks_for_itself_where_it_has_words() -> None:
    shop = build_knowledge(
        (*ENTRIES, entry("refund", "返金", action="handoff", answer=("店長が承ります。", "少々お待ちを。")))
    )
    assert texts(plan(Handoff("topic", "refund"), knowledge=shop)) == ["店長が承ります。", "少々お待ちを。"]
    assert texts(plan(Handoff("topic", "complaint")))[0].startswith("お問い合わせ")


@pytest.mark.parametrize("decision", [SURE, UNSURE], ids=repr)
def test_what_cannot_be_sent_has_a_handoff_to_fall_back_on(decision: Decision) -> None:
    written = plan(decision)
    assert written.out is not None
    assert written.out.fallback is not None
    assert written.handoff is None
    fallback = written.out.fallback
    assert (fallback.status, fallback.reason, fallback.turns[0].text) == ("waiting", "late", "駐車場はありますか")
    assert fallback == plan(Handoff("late")).handoff


def test_while_staff_are_asked_an_answer_joins_and_needs_no_fallback() -> None:
    conversation = Conversation(customer=CUSTOMER, state="waiting", handoff="h1")
    written = plan(SURE, conversation=conversation, handoff=waiting_handoff())
    assert written.out is not None
    assert written.out.fallback is None
    assert written.fields["state"] == "waiting"
    assert written.handoff is not None
    assert [said.text for said in written.handoff.turns] == ["スタッフと話したい", "駐車場はありますか"]


@pytest.mark.parametrize("state", ["waiting", "human"])
def test_what_the_customer_says_meanwhile_joins_in_silence(state: str) -> None:
    conversation = msgspec.convert({"customer": CUSTOMER, "state": state, "handoff": "h1"}, Conversation)
    written = plan(
        Silent("waiting"), message("もしもし", number=2), conversation=conversation, handoff=waiting_handoff()
    )
    assert written.handoff is not None
    assert (written.handoff.id, len(written.handoff.turns)) == ("h1", 2)
    assert (written.out, written.fields["state"], "handoff" in written.fields) == (None, state, False)


def test_what_is_no_message_does_not_touch_the_handoff() -> None:
    written = plan(Silent("not_a_message"), Other("01F", NOON_MS, "follow"), handoff=waiting_handoff())
    assert written.handoff is None


def test_silence_is_recorded_all_the_same() -> None:
    written = plan(COURTESY)
    assert (written.what, written.out, written.handoff) == ("silent", None, None)
    assert [type(item) for item in written.items] == [MessageItem, TraceItem]


def test_of_what_is_no_message_or_was_taken_back_only_the_trace_is_kept() -> None:
    other = plan(Silent("group"), Other("01G", NOON_MS, "group"))
    assert [type(item) for item in other.items] == [TraceItem]
    given = circumstances(QUESTION, knowledge=SHOP)
    unsent = carry_out(Silent("unsent"), unsent_turn((QUESTION,)), given)
    assert "駐車場" not in msgspec.json.encode(unsent.items).decode()


def test_a_tapped_choice_is_a_message_of_its_label() -> None:
    tapped = Tapped("01T", NOON_MS, "data")
    turn = make_turn((tapped,), Tap("cut"), "カットの料金はいくらですか")
    written = carry_out(Answer("cut", "choice"), turn, circumstances(tapped, knowledge=SHOP, now=LATER))
    assert written.items[0] == MessageItem(
        id="01T", turn="01T", at=utc(NOON_MS), type="text", text="カットの料金はいくらですか", message=""
    )


def test_every_message_of_a_turn_is_an_item() -> None:
    written = plan(SURE, QUESTION, message(number=2, kind="image"))
    assert [(item.id, item.type, item.text) for item in written.items if isinstance(item, MessageItem)] == [
        ("01E1", "text", "駐車場はありますか"),
        ("01E2", "image", ""),
    ]


def test_a_retry_key_is_the_same_for_the_same_request_and_a_uuid() -> None:
    assert uuid.UUID(retry_key("a", "0")).version == 5
    assert retry_key("a", "0") == retry_key("a", "0")
    assert len({retry_key("a", "0"), retry_key("a", "1"), retry_key("a0"), retry_key("b", "0")}) == 4


def test_each_turn_has_its_own_key_item_and_handoff() -> None:
    first, second = plan(SURE).out, plan(SURE, message("駐車場はありますか", number=2)).out
    assert first is not None
    assert second is not None
    assert first.fallback is not None
    assert second.fallback is not None
    assert first.key != second.key
    assert first.id != second.id
    assert first.fallback.id != second.fallback.id


def test_a_persons_reply_is_sent_under_their_name() -> None:
    out = reply_by_staff(("はい。",), action="a1", customer=CUSTOMER, staff="佐藤", now=LATER)
    assert (out.id, out.who, out.kind, out.fallback) == ("a1", "staff", "reply", None)
    assert out.messages == ({"type": "text", "text": "はい。", "sender": {"name": "スタッフ 佐藤"}},)
    assert out.bubbles == (BubbleItem(id="a1.0", turn="", at=LATER, who="staff:佐藤", text="はい。"),)
    assert out.said_at == NOON_MS + 2000


def test_a_long_reply_is_split_into_bubbles() -> None:
    out = reply_by_staff(split_text("あ" * 5001), action="a1", customer=CUSTOMER, staff="佐藤", now=NOON)
    assert [len(sent["text"]) for sent in out.messages] == [5000, 1]
    assert [bubble.id for bubble in out.bubbles] == ["a1.0", "a1.1"]


def test_two_replies_of_the_same_words_are_two_requests() -> None:
    first, second = (
        reply_by_staff(("はい。",), action=action, customer=CUSTOMER, staff="佐藤", now=NOON) for action in ("a1", "a2")
    )
    assert first.key != second.key


def test_an_answer_of_which_no_word_is_left_is_handed_over() -> None:
    """All its sentences ask for what `_shop.yaml` does not say."""
    shop = build_knowledge((*ENTRIES, entry("empty", "空", answer=("お電話は{phone}です。",))))
    written = plan(Answer("empty", "sure"), knowledge=shop)
    assert written.handoff is not None
    assert (written.what, written.handoff.reason, written.fields["state"]) == ("handoff", "error", "waiting")
    assert texts(written)[0].startswith("申し訳ございません。")


def test_a_turn_without_text_is_answered_in_japanese() -> None:
    photo = Turn(id="01P", at=NOON_MS, events=("01P",), media=("image",))
    written = carry_out(Handoff("media"), photo, circumstances(message(kind="image"), knowledge=SHOP))
    assert texts(written)[0].startswith("受け取りました。")


def test_a_turn_after_closing_time_makes_the_handoff_wait_anew_for_whoever_held_it() -> None:
    held = handoffs.reply(waiting_handoff(), "佐藤", NOON)
    human = Conversation(customer=CUSTOMER, state="human", handoff="h1", assignee="佐藤")
    written = plan(Handoff("after_hours"), conversation=human, handoff=held)
    assert written.handoff is not None
    assert (written.handoff.id, written.handoff.status, written.handoff.assignee) == ("h1", "waiting", "佐藤")
    assert (written.fields["state"], written.fields["assignee"]) == ("waiting", "佐藤")
    assert written.timers == {"return": 0}
    assert texts(written), "it has its own notice"


def test_a_turn_that_would_be_handed_over_reopens_what_was_closed_lately() -> None:
    closed = handoffs.finish(handoffs.reply(waiting_handoff(), "佐藤", NOON), NOON)
    written = plan(NO_ENTRY, closed=closed)
    assert written.handoff is not None
    assert (written.handoff.id, written.handoff.status, written.handoff.done_at) == ("h1", "waiting", None)
    assert (written.fields["handoff"], written.fields["assignee"]) == ("h1", "佐藤")
    assert plan(Answer("parking", "sure"), closed=closed).handoff is None
    long_ago = msgspec.structs.replace(closed, done_at=NOON - timedelta(days=4))
    opened = plan(NO_ENTRY, closed=long_ago).handoff
    assert opened is not None
    assert opened.id != "h1"


def test_an_urgent_topic_makes_an_urgent_handoff_and_a_booking_is_read() -> None:
    more = (
        entry("pain", "痛い", action="handoff", urgent=True),
        entry("booking", "予約", action="handoff", ask=("お名前", "日時")),
    )
    shop = build_knowledge((*ENTRIES, *more))
    urgent = plan(Handoff("topic", "pain"), knowledge=shop).handoff
    assert urgent is not None
    assert urgent.urgent
    booking = plan(Handoff("topic", "booking"), message("お名前：田中"), knowledge=shop).handoff
    assert booking is not None
    assert (booking.urgent, booking.ask, booking.filled) == (False, ("お名前", "日時"), {"お名前": "田中"})
    joined = handoffs.join(booking, turn("日時：土曜\n名前：田中はるか"), NOON)
    assert joined.filled == {"お名前": "田中はるか", "日時": "土曜"}


def test_a_group_is_remembered_to_have_been_told() -> None:
    written = plan(Greet("group"), Other("01J", NOON_MS, "join"))
    assert written.fields["group_at"] == str(int(LATER.timestamp() * 1000))
    assert written.handoff is None
    assert texts(written) == ["1対1のトークでご利用ください。"]
