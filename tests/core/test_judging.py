"""What the figures of an evaluation mean, by hand-made questions."""

import pytest

from service.core.decisions import Candidate
from service.core.judging import Judged, Outcome, Summary, reliability, risk_coverage, summarize


def asked(outcome: Outcome, entry: str, *entries: str, p: float = 0.9, choices: tuple[str, ...] = ()) -> Judged:
    return Judged(
        text="?",
        entries=entries,
        outcome=outcome,
        reason="sure",
        entry=entry,
        probability=p,
        candidates=(Candidate(entry, p),),
        choices=choices,
    )


RIGHT = asked("answer", "a", "a")
WRONG = asked("answer", "b", "a")
OUT_OF_SCOPE = asked("answer", "a")
SHOWN = asked("clarify", "b", "a", p=0.5, choices=("b", "a"))
NOT_SHOWN = asked("clarify", "b", "a", p=0.5, choices=("b", "c"))
DISTRACTED = asked("clarify", "b", p=0.3, choices=("b", "c"))
HANDED_OVER = asked("handoff", "b", p=0.1)
MISSED = asked("handoff", "a", "a", p=0.1)


def summary(*judged: Judged, promise: float = 0.05, share: float = 0.4) -> Summary:
    return summarize(judged, promise=promise, share=share)


def test_shares_are_of_what_they_say() -> None:
    s = summary(RIGHT, RIGHT, RIGHT, WRONG, OUT_OF_SCOPE, SHOWN, NOT_SHOWN, MISSED, DISTRACTED, HANDED_OVER)
    assert (s.questions, s.right_answers, s.wrong_answers, s.out_of_scope_answers) == (10, 3, 1, 1)
    assert (s.answered, s.clarified, s.handed_over) == pytest.approx((0.5, 0.3, 0.2))
    assert s.right == pytest.approx(3 / 7)
    assert s.near == pytest.approx(4 / 7)
    assert s.kept == pytest.approx(3 / 5)
    assert s.unanswerable == pytest.approx(0.3)
    assert s.distracted == pytest.approx(1 / 3)


def test_any_of_several_right_entries_is_right() -> None:
    assert summary(asked("answer", "b", "a", "b")).right == 1


def test_unanswerable_questions_are_brought_to_the_assumed_share() -> None:
    s = summary(*[RIGHT] * 4, *[HANDED_OVER] * 3, OUT_OF_SCOPE, share=0.2)
    assert s.kept == pytest.approx(4 / 5)
    assert s.kept_at_share == pytest.approx(0.8 / (0.8 + 0.2 / 4))


def test_intervals_hold_the_figure_and_narrow_with_more_questions() -> None:
    few, many = summary(*[RIGHT] * 18, *[WRONG] * 2), summary(*[RIGHT] * 1800, *[WRONG] * 200)
    for each in (few, many):
        assert each.kept_interval
        assert each.kept_interval[0] <= 0.9 <= each.kept_interval[1]
    assert few.kept_interval
    assert many.kept_interval
    assert many.kept_interval[1] - many.kept_interval[0] < (few.kept_interval[1] - few.kept_interval[0]) / 3
    assert few == summary(*[RIGHT] * 18, *[WRONG] * 2), "the same questions, the same interval"


def test_a_promise_is_kept_until_the_questions_refute_it() -> None:
    assert summary(*[RIGHT] * 19, WRONG).promise_kept
    assert not summary(*[RIGHT] * 80, *[WRONG] * 20).promise_kept
    assert summary(*[RIGHT] * 80, *[WRONG] * 20, promise=0.2).promise_kept
    rare = summary(*[RIGHT] * 100, *[OUT_OF_SCOPE] * 5, share=0.8)
    assert (rare.promise_kept_as_it_stands, rare.promise_kept) == (True, False)


def test_without_answers_there_is_nothing_to_break() -> None:
    s = summary(HANDED_OVER, MISSED)
    assert (s.kept, s.kept_interval, s.kept_at_share, s.promise_kept) == (None, None, None, True)
    assert (s.answered, s.right) == (0, 0)


def test_true_probabilities_have_no_error_and_too_high_ones_have() -> None:
    honest = [asked("answer", "a", "a", p=0.8)] * 80 + [asked("answer", "b", "a", p=0.8)] * 20
    boastful = [asked("answer", "a", "a", p=0.95)] * 50 + [asked("answer", "b", "a", p=0.95)] * 50
    assert summary(*honest).calibration_error == pytest.approx(0, abs=1e-9)
    assert summary(*boastful).calibration_error == pytest.approx(0.45)


def test_curves_say_what_was_said_and_what_answering_more_costs() -> None:
    judged = [asked("answer", "a", "a", p=0.9), asked("answer", "b", "a", p=0.5), asked("handoff", "b", p=0.1)]
    said = reliability(judged, 0.4)
    assert said.x == pytest.approx([0.1, 0.5, 0.9])
    assert said.y == pytest.approx([0, 0, 1])
    risk = risk_coverage(judged, 0.4)
    assert risk.x == pytest.approx([0.3, 0.6, 1.0])
    assert risk.y == pytest.approx([0, 0.5, 0.7])
