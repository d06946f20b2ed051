"""What is noted of a turn, which turns stand for the traffic, and what is learnt from their words."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import numpy as np
import pytest

from service.adapters.faqfiles import read_sources
from service.adapters.tokenizing import open_tokenizer
from service.core.calibration import SHARE
from service.core.contents import read_contents
from service.core.conversation import Conversation, Tap
from service.core.decisions import Answer, Candidate, Clarify, Decision, Greet, Handoff, Silent
from service.core.entries import Entry
from service.core.features import Wording
from service.core.fitting import calibrate
from service.core.handoffs import open_handoff, reply
from service.core.knowledge import Knowledge, build_knowledge
from service.core.shop import DEFAULT_SHOP
from service.core.tally import tally_reply, tally_turn
from service.core.thresholds import NOTHING_LEARNED, Learned, level_for_choices
from service.core.traffic import ENOUGH_MESSAGES, Heard, chosen_after, hear, learn_from, traffic
from service.settings import ROOT
from service.tools.evaluating import read_questions
from tests.support.shop import CUSTOMER, make_shop, turn

NEAR = (Candidate("cut", 0.61239), Candidate("color", 0.2))
BOT = Conversation(customer=CUSTOMER)


QUESTIONS = ROOT / "tests/data/questions.jsonl"


def whole() -> tuple[Entry, ...]:
    return read_contents(read_sources(ROOT / "faq")).faq.entries


@pytest.fixture(scope="module")
def salon() -> Knowledge:
    """The sample shop without each entry's last phrasing."""
    tokenizer = open_tokenizer()
    entries = [msgspec.structs.replace(entry, phrasings=entry.phrasings[:-1]) for entry in whole()]
    return build_knowledge(
        entries, tokenizer=tokenizer, calibration=calibrate(entries, Wording(tokenizer)), shop=DEFAULT_SHOP
    )


def heard(number: int, *, again: bool = False, reason: str = "unsure") -> Heard:
    return Heard(turn=f"t{number}", at=number, events=(f"e{number}",), decision="clarify", reason=reason, again=again)


@pytest.mark.parametrize(
    ("decision", "entry"),
    [
        (Answer("cut", "sure", NEAR), "cut"),
        (Answer("color", "model", NEAR), "color"),
        (Clarify(("cut", "color"), "unsure", NEAR), "cut"),
        (Handoff("no_entry", candidates=NEAR), "cut"),
        (Handoff("no_entry"), None),
        (Handoff("topic", "cut", NEAR), "cut"),
    ],
)
def test_a_turn_decided_by_its_meaning_is_noted_without_its_words(decision: Decision, entry: str | None) -> None:
    found = hear(decision, turn("カットのこと"), BOT)
    assert found is not None
    assert (found.entry, found.by_meaning, found.again) == (entry, True, False)
    assert "カット" not in str(found)
    assert found.probability in {0.6124, 0.0}


@pytest.mark.parametrize(
    "decision",
    [Answer("cut", "keyword"), Greet("greeting"), Silent("courtesy"), Handoff("asked"), Handoff("topic", "cut")],
)
def test_what_no_meaning_decided_is_not_noted(decision: Decision) -> None:
    assert hear(decision, turn("カット"), BOT) is None


def test_a_tap_is_noted_as_a_choice_and_no_traffic() -> None:
    tapped = msgspec.structs.replace(turn("カット"), tap=Tap("cut"))
    found = hear(Answer("cut", "choice"), tapped, msgspec.structs.replace(BOT, choices=("cut", "color")))
    assert found is not None
    assert (found.by_meaning, found.automatic, found.again) == (False, False, True)
    assert hear(Handoff("no_entry"), tapped, BOT) is None, "a button whose entry is gone"


def test_an_answer_while_staff_are_asked_is_automatic_but_no_traffic() -> None:
    found = hear(Answer("cut", "sure", NEAR), turn("カット"), msgspec.structs.replace(BOT, state="waiting"))
    assert found is not None
    assert (found.automatic, found.again) == (True, True)


def test_what_is_said_once_more_after_a_question_back_is_no_traffic_and_one_customer_is_not_everybody() -> None:
    found = [("U1", heard(number)) for number in range(50)]
    found += [("U2", heard(51, again=True)), ("U2", heard(52)), ("U3", heard(53, reason="choice"))]
    assert [one.turn for one in traffic(found)] == ["t0", "t1", "t2", "t3", "t4", "t52"]


def test_what_was_written_before_a_choice_or_a_reply_with_an_entry_means_that_entry() -> None:
    asked = msgspec.structs.replace(heard(1), choices=("cut", "color"))
    tapped = msgspec.structs.replace(heard(2, again=True, reason="choice"), decision="answer", entry="color")
    helped = msgspec.structs.replace(heard(3, reason="staff"), decision="staff", entry="hours")
    assert chosen_after([("U2", helped), ("U1", tapped), ("U1", asked)]) == [(helped, "hours"), (asked, "color")]
    assert chosen_after([("U2", tapped), ("U1", asked)]) == [], "somebody else's tap"
    assert chosen_after([("U1", tapped), ("U1", heard(4)), ("U1", asked)]) == [], "another question came between"


def test_an_automatic_answer_is_counted_by_the_day_with_its_entry_and_may_be_checked() -> None:
    tally = tally_turn("answer", Answer("cut", "sure", NEAR), turn("カット"), BOT, date(2026, 11, 25))
    assert (tally.counts, tally.week) == (("turn answer sure", "entry cut"), "2026-W48")
    asked = tally_turn("clarify", Clarify(("cut",), "unsure", NEAR), turn("カット"), BOT, date(2026, 11, 25))
    assert (asked.counts, asked.week) == (("turn clarify unsure",), None)


@pytest.mark.parametrize(("waited", "counted"), [(5, 1), (61, 2), (600, 10), (7_400, 130), (90_000, 1500)])
def test_the_first_reply_is_counted_in_minutes_of_two_digits(waited: int, counted: int) -> None:
    at = datetime(2026, 11, 25, 3, tzinfo=UTC)
    opened = open_handoff("h", Handoff("asked"), turn("人"), customer="U", knowledge="k", now=at, due_at=at)
    replied = reply(opened, "佐藤", at + timedelta(seconds=waited))
    tally = tally_reply(opened, replied, at.date())
    assert tally is not None
    assert tally.counts == (f"replied {counted}",)
    assert tally_reply(replied, reply(replied, "佐藤", at), at.date()) is None, "only the first one"
    assert tally_reply(None, replied, at.date(), "cut") is None, "a person wrote first"
    helped = tally_reply(replied, reply(replied, "佐藤", at), at.date(), "cut")
    assert helped is not None
    assert helped.heard is not None
    assert (helped.counts, helped.heard.entry, helped.heard.by_meaning, helped.week) == ((), "cut", False, None)
    more = msgspec.structs.replace(replied, turns=replied.turns * 2)
    assert tally_reply(more, reply(more, "佐藤", at), at.date(), "cut") is None, "which of the two it answers is open"


def mixed(share: float, salon: Knowledge, count: int = 400) -> list[str]:
    """Phrasings that the salon has not seen, and so many of the messages that it does not answer."""
    without = [question.text for question in read_questions(QUESTIONS) if not question.entries]
    dice = np.random.default_rng(3)
    kinds = [[entry.phrasings[-1] for entry in whole() if entry.phrasings], without]
    return [str(dice.choice(kinds[int(dice.random() < share)])) for _ in range(count)]


def test_the_share_follows_the_traffic_and_moves_the_calibration(salon: Knowledge) -> None:
    few, many = (learn_from(mixed(share, salon), salon, NOTHING_LEARNED) for share in (0.15, 0.7))
    assert few.share is not None
    assert many.share is not None
    assert few.share < SHARE < many.share
    easy, hard = salon.taught(few), salon.taught(many)
    assert len({salon.calibration.id, easy.calibration.id, hard.calibration.id}) == 3
    assert easy.calibration.share == few.share
    text = "カラーの値段"
    assert easy.rank(text).inside > salon.rank(text).inside > hard.rank(text).inside
    assert easy.calibration.clarify == few.clarify


def test_customers_who_are_surer_than_the_trials_make_nothing_of_an_estimate_that_is_too_low(salon: Knowledge) -> None:
    headings = [entry.question for entry in salon.entries.values()] * 6
    assert learn_from(headings, salon, NOTHING_LEARNED).share == SHARE


def test_the_same_traffic_teaches_the_same_whatever_was_known_before(salon: Knowledge) -> None:
    texts = mixed(0.3, salon)
    first = learn_from(texts, salon, NOTHING_LEARNED)
    assert learn_from(texts, salon.taught(first), first) == first
    assert learn_from(texts[::-1], salon.taught(Learned(share=0.8)), Learned(share=0.8)) == first


def test_a_third_of_what_the_faq_does_not_answer_gets_choices_after_learning(salon: Knowledge) -> None:
    questions = read_questions(QUESTIONS)
    knowledge = salon.taught(learn_from([question.text for question in questions], salon, NOTHING_LEARNED))
    hopeless = [knowledge.rank(question.text).candidates for question in questions if not question.entries]
    shown = [sum(found.probability for found in four[:4]) >= knowledge.calibration.clarify for four in hopeless]
    assert np.mean(shown) == pytest.approx(1 / 3, abs=0.05)


def test_too_little_traffic_leaves_the_assumption(salon: Knowledge) -> None:
    learned = learn_from(mixed(0.9, salon, ENOUGH_MESSAGES - 1), salon, Learned(share=0.2))
    assert learned == Learned(messages=ENOUGH_MESSAGES - 1)
    assert salon.taught(learned).calibration.share == SHARE


def test_an_owner_who_sets_the_share_keeps_it(salon: Knowledge) -> None:
    own = replace(salon, shop=msgspec.structs.replace(salon.shop, unanswerable=0.5))
    learned = learn_from(mixed(0.1, salon), own, NOTHING_LEARNED)
    assert own.taught(learned).calibration.share == 0.5


def test_while_the_folder_is_not_fitted_what_was_known_stays() -> None:
    known = Learned(share=0.3, clarify=0.4, messages=500)
    assert learn_from(["カット"] * 300, make_shop(), known) == known


def test_what_was_taught_goes_on_into_the_next_version(salon: Knowledge) -> None:
    taught = salon.taught(Learned(share=0.2, messages=300))
    again = build_knowledge(tuple(taught.entries.values()), taught.shop, before=taught, tokenizer=open_tokenizer())
    assert again.calibration.share == 0.2


def test_checks_that_lift_the_threshold_lift_it(salon: Knowledge) -> None:
    lifted = salon.taught(Learned(at_least=0.97))
    assert lifted.calibration.sure == 0.97
    assert salon.taught(Learned(at_least=0.1)).calibration.sure == salon.calibration.sure
    assert make_shop().taught(Learned(at_least=1.01)).calibration.sure == 1.01


def test_the_level_for_choices_is_where_a_third_of_what_is_outside_is_above() -> None:
    masses, outside = np.linspace(0, 1, 101), np.ones(101)
    assert level_for_choices(masses, outside) == pytest.approx(2 / 3, abs=0.02)
    assert level_for_choices(masses, (masses > 0.5).astype(float)) == pytest.approx(5 / 6, abs=0.02)
    assert level_for_choices(np.array([0.5]), np.zeros(1)) == 0.5
