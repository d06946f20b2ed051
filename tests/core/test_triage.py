"""What is decided about a turn: the order of the steps, the table of states, and what holds whatever is written."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.core.conversation import Conversation, State, Tap, Turn
from service.core.decisions import (
    Answer,
    AskModel,
    Candidate,
    Clarify,
    Decision,
    Greet,
    Handoff,
    NoneFits,
    Pick,
    Silent,
    Unclear,
    Verdict,
)
from service.core.events import MessageKind
from service.core.knowledge import Knowledge, build_knowledge
from service.core.shop import Interval, Shop, TodayHours
from service.core.situation import MAX_CHOICES
from service.core.triage import settle, triage
from tests.support.shop import CUSTOMER, ENTRIES, NOON, entry, turn

SHOP = build_knowledge(
    (
        *ENTRIES,
        entry("thanks", "ありがとう", match="keyword"),
        entry("staff", "スタッフ", match="keyword"),
        entry("secret", "合言葉", match="keyword", action="handoff", answer=()),
        entry("draft", "ペットのトリミング", action="suggest"),
        entry("gone", "ネイルの料金", action="off"),
    )
)
SURE = "駐車場はありますか"
ASKED = "スタッフと話したい"
UNSURE = "料金いくら?"
HOPELESS = "予約したい"
KEYWORD = "クーポン！"
TOPIC = "髪型が気に入らない"
MESSAGES = (
    SURE,
    ASKED,
    UNSURE,
    HOPELESS,
    KEYWORD,
    TOPIC,
    "ありがとう",
    "はい",
    "👍",
    "2",
    "①",
    "スタッフ",
    "合言葉",
    "",
)
STATES: tuple[State, ...] = ("bot", "waiting", "human")


def in_state(state: State = "bot", *choices: str) -> Conversation:
    return Conversation(customer=CUSTOMER, state=state, choices=choices)


def media(*kinds: MessageKind, lines: tuple[str, ...] = ()) -> Turn:
    return Turn(id="01M", at=0, events=("01M",), lines=lines, media=kinds)


def tapped(entry_id: str | None) -> Turn:
    return Turn(id="01T", at=0, events=("01T",), lines=("label",), tap=Tap(entry_id))


def strip(decision: Decision) -> Decision:
    """Leave the candidates out."""
    match decision:
        case Answer(entry_id, reason):
            return Answer(entry_id, reason)
        case Clarify(choices, reason):
            return Clarify(choices, reason)
        case Handoff(reason, entry_id):
            return Handoff(reason, entry_id)
        case Greet() | Silent():
            return decision


def decide(said: Turn, conversation: Conversation) -> Decision:
    """Decide without a model, and leave the candidates out."""
    step = triage(said, SHOP, conversation, NOON)
    decision = settle(step, SHOP, None) if isinstance(step, AskModel) else step
    return strip(decision)


TABLE: list[tuple[str, Turn, Decision, Decision]] = [
    # a turn that ...            the turn                    in BOT                       in WAITING
    ("asks for a person", turn(ASKED), Handoff("asked"), Silent("waiting")),
    ("is a tap", tapped("cut"), Answer("cut", "choice"), Answer("cut", "choice")),
    ("is a tap on staff", tapped(None), Handoff("asked"), Silent("waiting")),
    ("is a tap on an entry for staff", tapped("complaint"), Handoff("topic", "complaint"), Silent("waiting")),
    ("is a tap on an entry that is gone", tapped("old"), Handoff("no_entry"), Silent("waiting")),
    ("is a tap on an entry that is off", tapped("gone"), Handoff("no_entry"), Silent("waiting")),
    ("is a tap on a draft", tapped("draft"), Handoff("no_entry"), Silent("waiting")),
    ("is courtesy", turn("ありがとうございます！"), Silent("courtesy"), Silent("waiting")),
    ("is a sticker", media("sticker"), Silent("courtesy"), Silent("waiting")),
    ("is courtesy with a sticker", media("sticker", lines=("はい",)), Silent("courtesy"), Silent("waiting")),
    ("is a keyword", turn(KEYWORD), Answer("coupon", "keyword"), Answer("coupon", "keyword")),
    ("is a keyword for staff", turn("合言葉"), Handoff("topic", "secret"), Silent("waiting")),
    (
        "has a keyword in one line",
        turn("こんにちは", "クーポン"),
        Answer("coupon", "keyword"),
        Answer("coupon", "keyword"),
    ),
    ("is sure", turn(SURE), Answer("parking", "sure"), Silent("waiting")),
    ("is sure of an entry for staff", turn(TOPIC), Handoff("topic", "complaint"), Silent("waiting")),
    ("is unsure", turn(UNSURE), Clarify(("color", "cut"), "unsure"), Silent("waiting")),
    ("fits nothing", turn(HOPELESS), Handoff("no_entry"), Silent("waiting")),
    ("has no words", turn("……"), Handoff("no_entry"), Silent("waiting")),
    ("is a photo", media("image"), Handoff("media"), Silent("waiting")),
    ("is a voice message", media("audio"), Handoff("media"), Silent("waiting")),
    ("is of a kind nobody knows", media("unknown"), Handoff("media"), Silent("waiting")),
    ("is a sticker and a photo", media("sticker", "image"), Handoff("media"), Silent("waiting")),
    ("is a photo with thanks", media("image", lines=("ありがとう",)), Handoff("media"), Silent("waiting")),
    ("is a photo with a question", media("image", lines=(SURE,)), Answer("parking", "sure"), Silent("waiting")),
    ("is a photo with a wish for staff", media("image", lines=(ASKED,)), Handoff("asked"), Silent("waiting")),
]


@pytest.mark.parametrize(
    ("said", "decision"), [(said, as_bot) for _, said, as_bot, _ in TABLE], ids=[r[0] for r in TABLE]
)
def test_what_the_bot_does_when_a_turn(said: Turn, decision: Decision) -> None:
    assert decide(said, in_state("bot")) == decision


@pytest.mark.parametrize(
    ("said", "decision"), [(said, waiting) for _, said, _, waiting in TABLE], ids=[r[0] for r in TABLE]
)
def test_what_happens_while_staff_are_asked_when_a_turn(said: Turn, decision: Decision) -> None:
    assert decide(said, in_state("waiting")) == decision


@pytest.mark.parametrize("said", [said for _, said, _, _ in TABLE], ids=[r[0] for r in TABLE])
def test_a_person_is_never_talked_over_when_a_turn(said: Turn) -> None:
    assert decide(said, in_state("human", "cut", "color")) == Silent("staff_owns")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ("unsent", "unsent"),
        ("group", "group"),
        ("unfollow", "not_a_message"),
        ("button", "not_a_message"),
        ("standby", "not_a_message"),
    ],
)
@pytest.mark.parametrize("state", STATES)
def test_what_is_no_message_is_passed_over_with_its_reason(other: str, reason: str, state: State) -> None:
    decision = triage(Turn(id="01O", at=0, events=("01O",), other=other), SHOP, in_state(state), NOON)
    assert isinstance(decision, Silent)
    assert decision.reason == reason


@pytest.mark.parametrize("other", ["2", SURE, KEYWORD, "ありがとう", UNSURE])
def test_a_line_that_asks_for_a_person_wins_over_all_others(other: str) -> None:
    for said in (turn(other, ASKED), turn(ASKED, other)):
        assert decide(said, in_state("bot", "cut", "color")) == Handoff("asked")


def test_a_line_that_is_a_keyword_wins_over_the_meaning_of_the_whole() -> None:
    assert decide(turn(SURE, "クーポン"), in_state()) == Answer("coupon", "keyword")


def test_asking_for_a_person_comes_before_a_keyword_of_the_same_words() -> None:
    assert decide(turn("スタッフ"), in_state()) == Handoff("asked")
    assert decide(turn("スタッフ"), in_state("waiting")) == Silent("waiting")


def test_courtesy_comes_before_a_keyword_of_the_same_words() -> None:
    assert decide(turn("ありがとう"), in_state()) == Silent("courtesy")
    assert decide(turn("ありがとう"), in_state("waiting")) == Silent("waiting")


def test_a_tap_comes_before_asking_for_a_person() -> None:
    said = Turn(id="01T", at=0, events=("01T",), lines=(ASKED,), tap=Tap("cut"))
    assert decide(said, in_state()) == Answer("cut", "choice")


def test_yes_right_after_a_clarify_is_judged_by_its_meaning() -> None:
    assert decide(turn("はい"), in_state()) == Silent("courtesy")
    assert decide(turn("はい"), in_state("bot", "cut", "color")) == Handoff("no_entry")


def test_a_sticker_right_after_a_clarify_is_still_courtesy() -> None:
    assert decide(media("sticker"), in_state("bot", "cut", "color")) == Silent("courtesy")


def test_the_model_is_shown_the_words_as_written_and_the_best_candidates_first() -> None:
    step = triage(turn(UNSURE), SHOP, in_state(), NOON)
    assert isinstance(step, AskModel)
    assert step.text == UNSURE
    assert step.may_clarify
    probabilities = [candidate.probability for candidate in step.candidates]
    assert probabilities == sorted(probabilities, reverse=True)


@pytest.mark.parametrize("text", ["ペットのトリミング", "ネイルの料金", "クーポン", "合言葉"])
def test_drafts_what_is_off_and_keywords_are_never_found_by_meaning(text: str) -> None:
    found = {candidate.entry for candidate in SHOP.rank(text).candidates}
    assert found <= {"hours", "parking", "cut", "color", "complaint"}


# What holds whatever is written.

lines = st.lists(st.sampled_from(MESSAGES) | st.text(max_size=20), max_size=3).map(tuple)
kinds = st.lists(st.sampled_from(("sticker", "image", "unknown")), max_size=2).map(tuple)
taps = st.none() | st.sampled_from((*SHOP.entries, "old", None)).map(Tap)
turns = st.builds(
    Turn, id=st.just("01H"), at=st.just(0), events=st.just(("01H",)), lines=lines, media=kinds, tap=taps
).filter(lambda said: said.lines or said.media)
choice_lists = st.lists(st.sampled_from((*SHOP.entries, "old")), max_size=4).map(tuple)


@given(turns, choice_lists)
def test_with_a_person_the_bot_never_speaks(said: Turn, choices: tuple[str, ...]) -> None:
    assert triage(said, SHOP, in_state("human", *choices), NOON) == Silent("staff_owns")


@given(turns, choice_lists)
def test_while_staff_are_asked_there_is_no_question_no_model_and_no_second_handoff(
    said: Turn, choices: tuple[str, ...]
) -> None:
    decision = triage(said, SHOP, in_state("waiting", *choices), NOON)
    if isinstance(decision, Answer):
        assert SHOP.entries[decision.entry].action == "answer"
    else:
        assert decision == Silent("waiting")


@given(turns, choice_lists, st.integers(0, 3))
def test_a_request_for_a_person_is_always_handed_over(said: Turn, choices: tuple[str, ...], at: int) -> None:
    assume(said.tap is None)
    asking = Turn(id="01H", at=0, events=("01H",), lines=(*said.lines[:at], ASKED, *said.lines[at:]), media=said.media)
    assert triage(asking, SHOP, in_state("bot", *choices), NOON) == Handoff("asked")


@st.composite
def questions(draw: st.DrawFn) -> AskModel:
    """What triage may ask: entries of the knowledge, each once, best first, the probabilities at most 1 together."""
    entries = draw(st.lists(st.sampled_from(sorted(SHOP.entries)), min_size=1, max_size=10, unique=True))
    share = 1 / len(entries)
    chances = sorted((draw(st.floats(0.0, share)) for _ in entries), reverse=True)
    candidates = tuple(Candidate(name, chance) for name, chance in zip(entries, chances, strict=True))
    return AskModel(UNSURE, candidates, draw(st.booleans()))


names = st.sampled_from((*SHOP.entries, "old", ""))
verdicts = st.one_of(
    st.none(), st.just(NoneFits()), names.map(Pick), st.lists(names, max_size=6).map(lambda ids: Unclear(tuple(ids)))
)


@given(questions(), verdicts)
def test_every_verdict_leads_to_a_decision_that_can_be_carried_out(question: AskModel, verdict: Verdict | None) -> None:
    """A model that names what it was never shown, or the same twice, does no harm."""
    decision = settle(question, SHOP, verdict)
    shown = {candidate.entry for candidate in question.candidates}
    match decision:
        case Answer(entry_id, reason):
            assert reason == "model"
            assert entry_id in shown
        case Clarify(choices):
            assert question.may_clarify, "nobody is asked back twice in a row"
            assert 2 <= len(choices) == len(set(choices)) <= MAX_CHOICES
            assert set(choices) <= shown
        case Handoff(reason):
            assert reason in {"no_entry", "unsure", "topic"}
        case Greet() | Silent():
            pytest.fail("a question is never passed over")
    assert decision.candidates == question.candidates


@given(turns, choice_lists)
def test_the_bot_says_only_what_it_may_say(said: Turn, choices: tuple[str, ...]) -> None:
    decision = decide(said, in_state("bot", *choices))
    if isinstance(decision, Answer):
        assert SHOP.entries[decision.entry].action == "answer"
    if isinstance(decision, Clarify):
        assert all(SHOP.entries[choice].action in {"answer", "handoff"} for choice in decision.choices)


@given(turns, choice_lists, verdicts)
def test_after_a_clarify_there_is_no_second_one(said: Turn, choices: tuple[str, ...], verdict: Verdict | None) -> None:
    assume(choices)
    step = triage(said, SHOP, in_state("bot", *choices), NOON)
    decision = settle(step, SHOP, verdict) if isinstance(step, AskModel) else step
    assert not isinstance(decision, Clarify) or decision.reason == "stale_button"


def question(*chances: tuple[str, float], may_clarify: bool = True) -> AskModel:
    return AskModel(UNSURE, tuple(Candidate(name, chance) for name, chance in chances), may_clarify)


CLOSE = (("cut", 0.5), ("color", 0.3), ("hours", 0.05), ("parking", 0.004))


@pytest.mark.parametrize(
    ("verdict", "decision"),
    [
        (Pick("cut"), Answer("cut", "model")),
        (Pick("color"), Clarify(("color", "cut", "hours"), "unsure")),
        (Pick("parking"), Clarify(("parking", "cut", "color", "hours"), "unsure")),
        (Pick("old"), Clarify(("cut", "color", "hours"), "unsure")),
        (NoneFits(), Handoff("no_entry")),
        (Unclear(("color", "cut")), Clarify(("color", "cut"), "model_unclear")),
        (Unclear(("color", "color")), Clarify(("cut", "color", "hours"), "unsure")),
        (Unclear(("color", "old")), Clarify(("cut", "color", "hours"), "unsure")),
        (Unclear(()), Clarify(("cut", "color", "hours"), "unsure")),
        (None, Clarify(("cut", "color", "hours"), "unsure")),
    ],
    ids=repr,
)
def test_what_the_model_says_decides(verdict: Verdict | None, decision: Decision) -> None:
    asked = question(*CLOSE)
    assert strip(settle(asked, SHOP, verdict)) == decision


@pytest.mark.parametrize("verdict", [Pick("color"), Unclear(("color", "cut")), None], ids=repr)
def test_still_unclear_right_after_a_clarify_is_handed_over(verdict: Verdict | None) -> None:
    assert strip(settle(question(*CLOSE, may_clarify=False), SHOP, verdict)) == Handoff("unsure")


def test_the_models_pick_right_after_a_clarify_is_answered() -> None:
    assert strip(settle(question(*CLOSE, may_clarify=False), SHOP, Pick("cut"))) == Answer("cut", "model")


def test_the_models_pick_counts_only_where_it_agrees_with_the_ranking() -> None:
    assert strip(settle(question(("cut", 0.49), ("color", 0.4)), SHOP, Pick("cut"))) == Clarify(
        ("cut", "color"), "unsure"
    )


def test_the_models_pick_of_an_entry_for_staff_is_handed_over_as_its_topic() -> None:
    asked = question(("complaint", 0.6), ("cut", 0.1))
    assert strip(settle(asked, SHOP, Pick("complaint"))) == Handoff("topic", "complaint")


def test_at_least_two_are_offered_where_only_one_is_probable() -> None:
    assert strip(settle(question(("cut", 0.9), ("color", 0.001)), SHOP, None)) == Clarify(("cut", "color"), "unsure")


def test_a_single_candidate_is_no_choice() -> None:
    assert strip(settle(question(("cut", 0.9)), SHOP, None)) == Handoff("unsure")


def test_at_most_four_are_offered() -> None:
    chances = [(name, 0.1) for name in ("cut", "color", "hours", "parking", "complaint")]
    assert strip(settle(question(*chances), SHOP, None)) == Clarify(("cut", "color", "hours", "parking"), "unsure")


# The shop's hours, modes and words.

# Monday to Sunday 10:00-19:00; NOON is a Tuesday, 01:00 in Japan.
WEEK = ((Interval(600, 1140),),) * 7
OPEN = datetime(2025, 11, 25, 3, 0, tzinfo=UTC)
CLOSED = datetime(2025, 11, 25, 13, 0, tzinfo=UTC)
EXTRA = (
    entry("quiet", "割引はありますか", "割引してもらえますか", "安くなりますか", "学割はある?", quiet=True),
    entry("past", "年末の営業を教えてください", "大晦日はやってますか", "年末いつまで", valid_until=date(2025, 11, 24)),
    entry("future", "新年会プランはありますか", "新年会できますか", valid_from=date(2025, 11, 26)),
    entry("today", "本日限定", match="keyword", valid_from=date(2025, 11, 25), valid_until=date(2025, 11, 25)),
)


def shop(**settings: Any) -> Knowledge:
    values: dict[str, Any] = {"week": WEEK, **settings}
    return build_knowledge((*ENTRIES, *EXTRA), Shop(**values))


DAYTIME = shop(starters=("hours", "parking", "past", "old"), person=("姉さん呼んで",), courtesy=("おおきに",))


def decide_at(now: datetime, said: Turn, knowledge: Knowledge = DAYTIME, state: State = "bot", **more: Any) -> Decision:
    step = triage(said, knowledge, Conversation(customer=CUSTOMER, state=state, **more), now)
    return strip(settle(step, knowledge, None) if isinstance(step, AskModel) else step)


@pytest.mark.parametrize(
    "lines", [("こんにちは",), ("はじめまして！", "よろしくお願いします"), ("すみません", "質問です")]
)
def test_a_lone_greeting_is_greeted_with_the_starters_that_hold_today(lines: tuple[str, ...]) -> None:
    assert decide_at(OPEN, turn(*lines)) == Greet("greeting", ("hours", "parking"))


def test_a_greeting_has_at_most_twelve_buttons_and_a_stale_tap_four() -> None:
    many = build_knowledge(
        [entry(f"e{n}", f"質問その{n}番") for n in range(20)], Shop(starters=tuple(f"e{n}" for n in range(20)))
    )
    greeted = decide_at(OPEN, turn("こんにちは"), many)
    assert isinstance(greeted, Greet)
    assert len(greeted.starters) == 12
    stale = decide_at(OPEN, tapped("old"), many)
    assert isinstance(stale, Clarify)
    assert len(stale.choices) == 4


def test_a_greeting_offers_what_is_in_the_language_of_the_greeting() -> None:
    both = (entry("hours", "営業時間"), entry("hours-en", "Opening hours", lang="en"))
    shop_of_two = build_knowledge(both, Shop(starters=("hours", "hours-en")))
    assert decide_at(OPEN, turn("Hello!"), shop_of_two) == Greet("greeting", ("hours-en",))
    assert decide_at(OPEN, turn("こんにちは"), shop_of_two) == Greet("greeting", ("hours",))
    assert decide_at(OPEN, turn("Hello!")) == Greet("greeting", ("hours", "parking")), "better than none"


def test_a_greeting_with_a_question_is_a_question() -> None:
    assert decide_at(OPEN, turn("こんにちは", SURE)) == Answer("parking", "sure")


def test_a_greeting_with_a_photo_is_about_the_photo() -> None:
    assert decide_at(OPEN, media("image", lines=("こんにちは",))) != Greet("greeting", ("hours", "parking"))


def test_a_new_friend_is_welcomed_unless_a_person_is_at_it() -> None:
    follow = Turn(id="01F", at=0, events=("01F",), other="follow")
    assert decide_at(OPEN, follow) == Greet("welcome", ("hours", "parking"))
    assert decide_at(OPEN, follow, paused=True) == Silent("not_a_message")
    for state in ("waiting", "human"):
        assert decide_at(OPEN, follow, state=state) == Silent("not_a_message")


def test_a_group_is_told_once_when_the_bot_joins_and_at_most_once_a_day_when_it_is_mentioned() -> None:
    def event(other: str) -> Turn:
        return Turn(id="01G", at=0, events=("01G",), other=other)

    assert decide_at(OPEN, event("join")) == Greet("group")
    assert decide_at(OPEN, event("mention")) == Greet("group")
    assert decide_at(OPEN, event("mention"), group_at=OPEN - timedelta(hours=23)) == Silent("group")
    assert decide_at(OPEN, event("mention"), group_at=OPEN - timedelta(hours=24)) == Greet("group")
    assert decide_at(OPEN, event("group")) == Silent("group")


def test_the_shops_own_words_for_thanks_and_for_a_person_count() -> None:
    assert decide_at(OPEN, turn("おおきに！")) == Silent("courtesy")
    assert decide_at(OPEN, turn("姉さん呼んで")) == Handoff("asked")


@pytest.mark.parametrize(
    "said", [turn(SURE), turn(UNSURE), turn(HOPELESS), turn("……")], ids=["sure", "unsure", "no", "-"]
)
def test_where_staff_come_first_what_is_neither_tapped_nor_a_keyword_is_theirs(said: Turn) -> None:
    staffed = shop(when_open="staff_first", when_closed="bot_first")
    assert decide_at(OPEN, said, staffed) == Handoff("staff_first")
    assert decide_at(CLOSED, said, staffed) != Handoff("staff_first")
    assert decide_at(OPEN, turn(KEYWORD), staffed) == Answer("coupon", "keyword")
    assert decide_at(OPEN, tapped("cut"), staffed) == Answer("cut", "choice")
    assert decide_at(CLOSED, turn(SURE), shop(when_closed="staff_first")) == Handoff("staff_first")


def test_what_staff_set_for_today_counts_for_the_mode() -> None:
    staffed = shop(when_closed="staff_first")
    off = TodayHours(date(2025, 11, 25), ())
    assert decide_at(OPEN, turn(SURE), staffed, today=off) == Handoff("staff_first")


@pytest.mark.parametrize("said", [turn(SURE), tapped("cut"), turn(KEYWORD), turn("ありがとう"), media("image")])
def test_while_automatic_answers_are_off_every_turn_goes_to_the_staff(said: Turn) -> None:
    assert decide_at(OPEN, said, paused=True) == Handoff("paused")
    assert decide_at(CLOSED, said, paused=True, state="waiting") == Silent("waiting")
    assert decide_at(OPEN, said, paused=True, state="human", staff_at=OPEN) == Silent("staff_owns")


def test_a_customer_who_writes_when_the_shop_has_closed_and_staff_have_gone_waits_anew() -> None:
    gone, here = CLOSED - timedelta(minutes=30), CLOSED - timedelta(minutes=29)
    assert decide_at(CLOSED, turn(SURE), state="human", staff_at=gone) == Handoff("after_hours")
    assert decide_at(CLOSED, media("image"), state="human", staff_at=gone) == Handoff("after_hours")
    assert decide_at(CLOSED, turn(SURE), state="human", staff_at=None) == Handoff("after_hours")
    assert decide_at(CLOSED, turn(SURE), state="human", staff_at=here) == Silent("staff_owns")
    assert decide_at(OPEN, turn(SURE), state="human", staff_at=OPEN - timedelta(days=1)) == Silent("staff_owns")


def test_thanks_after_closing_time_call_nobody() -> None:
    assert decide_at(CLOSED, turn("ありがとうございます"), state="human") == Silent("staff_owns")
    assert decide_at(CLOSED, media("sticker"), state="human") == Silent("staff_owns")


DOUBLY_SURE = turn("駐車場はありますか")


def test_who_waits_while_nobody_is_there_is_helped_on_by_what_is_doubly_sure() -> None:
    assert decide_at(CLOSED, DOUBLY_SURE, state="waiting") == Answer("parking", "sure")
    assert decide_at(OPEN, DOUBLY_SURE, state="waiting") == Silent("waiting")


def test_who_waits_longer_than_promised_is_helped_on_as_well() -> None:
    assert decide_at(OPEN, DOUBLY_SURE, state="waiting", promised_at=OPEN) == Answer("parking", "sure")
    later = OPEN + timedelta(seconds=1)
    assert decide_at(OPEN, DOUBLY_SURE, state="waiting", promised_at=later) == Silent("waiting")


@pytest.mark.parametrize("text", [UNSURE, HOPELESS, TOPIC, "割引してもらえますか", "大晦日はやってますか"])
def test_who_waits_hears_nothing_unsure_quiet_past_or_for_the_staff(text: str) -> None:
    assert decide_at(CLOSED, turn(text), state="waiting") == Silent("waiting")


def test_a_quiet_entry_is_not_answered_while_a_handoff_waits_even_when_tapped() -> None:
    assert decide_at(OPEN, tapped("quiet")) == Answer("quiet", "choice")
    assert decide_at(OPEN, tapped("quiet"), state="waiting") == Silent("waiting")
    assert decide_at(CLOSED, tapped("quiet"), state="waiting") == Silent("waiting")


def test_an_entry_is_answered_from_its_first_to_its_last_day() -> None:
    assert decide_at(OPEN, turn("大晦日はやってますか")) == Handoff("no_entry")
    assert decide_at(OPEN - timedelta(days=1), turn("大晦日はやってますか")) == Answer("past", "sure")
    assert decide_at(OPEN, turn("本日限定")) == Answer("today", "keyword")
    assert decide_at(OPEN + timedelta(days=1), turn("本日限定")) == Handoff("no_entry")
    assert decide_at(OPEN, turn("新年会できますか")) == Handoff("no_entry")
    assert decide_at(OPEN + timedelta(days=1), turn("新年会できますか")) == Answer("future", "sure")


def test_a_tap_on_what_is_gone_offers_what_is_left_of_the_choices_or_the_starters() -> None:
    assert decide_at(OPEN, tapped("old"), choices=("old", "cut", "past")) == Clarify(("cut",), "stale_button")
    assert decide_at(OPEN, tapped("past")) == Clarify(("hours", "parking"), "stale_button")
    assert decide_at(OPEN, tapped("old"), shop()) == Handoff("no_entry")
    assert decide_at(OPEN, tapped("old"), state="waiting") == Silent("waiting")


states = st.sampled_from(STATES)
moments = st.sampled_from((OPEN, CLOSED))


@given(turns, states, moments, st.none() | moments, st.none() | moments)
def test_whatever_happens_while_answers_are_off_the_bot_says_nothing_of_its_own(
    said: Turn,
    state: State,
    now: datetime,
    staff_at: datetime | None,
    promised_at: datetime | None,
) -> None:
    given_ = Conversation(customer=CUSTOMER, state=state, paused=True, staff_at=staff_at, promised_at=promised_at)
    assert isinstance(triage(said, DAYTIME, given_, now), Handoff | Silent)


@given(turns, states, moments, st.none() | moments)
def test_with_a_person_the_bot_at_most_asks_for_one_again(
    said: Turn, state: State, now: datetime, staff_at: datetime | None
) -> None:
    decision = triage(said, DAYTIME, Conversation(customer=CUSTOMER, state="human", staff_at=staff_at), now)
    assert decision in (Silent("staff_owns"), Handoff("after_hours"))
    assert decision == Silent("staff_owns") or now == CLOSED
