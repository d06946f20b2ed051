"""Scores become probabilities, and thresholds keep promises: on made-up scores of which the truth is known."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.calibration import DEPTH, EXACT, Calibration, Weights, odds_moved, rank, shares
from service.core.ranking import Reading
from service.core.thresholds import (
    Outcomes,
    estimate_share,
    loosest,
    never_sure,
    pack,
    unpack,
    with_thresholds,
)

WEIGHTS = Weights(bias=-2.0, slopes=(3.0, 0.5, 1.0), ceiling=0.99, temperature=0.2, lapse=0.02)
IDS = tuple(f"e{number}" for number in range(60))


def outcomes(count: int, seed: int, *, share: float = 0.4) -> Outcomes:
    """Questions, a share of them without an answer, of which the probabilities are true."""
    dice = np.random.default_rng(seed)
    inside = dice.beta(1.2, 0.8, 20 * count)
    best = dice.beta(9, 1, 20 * count)
    answerable = dice.random(20 * count) < inside
    hopeless = round(share * count)
    rows = np.concatenate([np.flatnonzero(answerable)[hopeless:count], np.flatnonzero(~answerable)[:hopeless]])
    right = answerable & (dice.random(20 * count) < best)
    four = np.minimum(1.0, best + 0.05)
    owner = np.where(answerable[rows], np.arange(len(rows)) % len(IDS), -1)
    return Outcomes(inside[rows], best[rows], four[rows], right[rows], answerable[rows], owner)


def calibration(count: int = 4000, *, entries: int = 50) -> Calibration:
    plain = Calibration(
        index="x", entries=entries, weights=WEIGHTS, promise=0.05, share=0.4, sure=1.0, surer=1.0, clarify=1.0
    )
    fitted = msgspec.structs.replace(plain, evidence=pack(outcomes(count, 1)))
    return with_thresholds(fitted, promise=0.05, share=0.4)


FITTED = calibration()
scores = st.lists(st.floats(-3, 3), min_size=1, max_size=60)


def reading(values: list[float], exact: int | None = None) -> Reading:
    return Reading(np.array(values), 0.3, 0.7, exact)


@given(scores, st.floats(0.1, 0.8))
def test_probabilities_are_sorted_and_sum_to_at_most_what_any_entry_has(values: list[float], share: float) -> None:
    ranking = rank(reading(values), IDS, msgspec.structs.replace(FITTED, share=share))
    chances = [candidate.probability for candidate in ranking.candidates]
    assert chances == sorted(chances, reverse=True)
    assert all(chance >= 0 for chance in chances)
    assert sum(chances) <= ranking.inside + 1e-9 <= 1 + 1e-9
    assert values[IDS.index(ranking.candidates[0].entry)] >= max(values) - 1e-9


@given(scores, st.data())
def test_a_phrasing_to_the_letter_is_nearly_certain_whatever_the_scores(
    values: list[float], data: st.DataObject
) -> None:
    exact = data.draw(st.integers(0, len(values) - 1))
    ranking = rank(reading(values, exact), IDS, FITTED)
    assert ranking.candidates[0].entry == IDS[exact]
    assert EXACT <= ranking.candidates[0].probability <= 1
    assert sum(candidate.probability for candidate in ranking.candidates) <= ranking.inside + 1e-9 <= 1 + 1e-9


def test_what_has_nothing_in_common_has_no_candidates() -> None:
    assert rank(None, IDS, FITTED).candidates == ()


@given(st.floats(0.001, 0.999), st.floats(0.1, 0.8), st.floats(0.1, 0.8))
def test_the_more_messages_have_no_answer_the_less_probable_each_answer(inside: float, one: float, two: float) -> None:
    few, many = sorted((one, two))
    assert odds_moved(np.array([inside]), many)[0] <= odds_moved(np.array([inside]), few)[0] + 1e-12


def test_shares_leave_out_entries_that_are_not_there() -> None:
    gaps = np.array([[0.0, -0.1, *[-np.inf] * (DEPTH - 2)]])
    parts = shares(gaps, WEIGHTS)[0]
    assert parts[:2].sum() == pytest.approx(1)
    assert not parts[2:].any()


@pytest.mark.parametrize("promise", [0.05, 0.1, 0.2])
def test_the_promise_holds_on_questions_of_the_same_kind(promise: float) -> None:
    chosen = with_thresholds(FITTED, promise=promise, share=0.4)
    fresh = outcomes(40_000, 2, share=chosen.near_share)
    answered = fresh.chances(chosen.near_share) >= chosen.sure
    assert answered.mean() > 0.01
    assert fresh.right[answered].mean() == pytest.approx(1 - promise, abs=0.35 * promise)


@given(st.lists(st.floats(0.01, 0.4), min_size=2, max_size=2))
def test_a_stricter_promise_needs_a_higher_probability(promises: list[float]) -> None:
    strict, loose = (with_thresholds(FITTED, promise=promise, share=0.4) for promise in sorted(promises))
    assert strict.sure >= loose.sure
    assert loose.surer >= loose.sure


def test_more_unanswerable_messages_mean_fewer_answers() -> None:
    known = outcomes(20_000, 3)
    few, many = (with_thresholds(FITTED, promise=0.1, share=share) for share in (0.1, 0.8))
    answered = [(known.chances(chosen.near_share) >= chosen.sure).mean() for chosen in (few, many)]
    assert answered[0] > answered[1] > 0


@pytest.mark.parametrize(("entries", "most"), [(50, 0.34), (8, 0.5)])
def test_at_most_so_many_of_the_questions_without_an_answer_get_choices(entries: int, most: float) -> None:
    chosen = calibration(entries=entries)
    known = unpack(chosen.evidence)
    shown = known.masses(chosen.near_share)[~known.answerable] >= chosen.clarify
    assert shown.mean() == pytest.approx(most, abs=0.01)


def test_where_no_threshold_keeps_the_promise_only_exact_phrasings_are_answered() -> None:
    wrong = np.zeros(50, np.bool_)
    assert loosest(np.full(50, 0.9), wrong, np.ones(50), 0.05) == EXACT
    assert loosest(np.full(50, 0.9), wrong, np.ones(50), 0.01) == 1.0, "exact phrasings are right 98 times in 100"


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_the_share_of_unanswerable_messages_is_found_without_labels(share: float) -> None:
    assumed = msgspec.structs.replace(FITTED, share=0.4)
    trials = unpack(FITTED.evidence)
    dice = np.random.default_rng(5)
    chances = trials.chances(assumed.near_share)
    far = dice.random(1000) < share * 0.25
    near = dice.random(1000) < share
    rows = np.where(
        near,
        dice.choice(np.flatnonzero(~trials.answerable), 1000),
        dice.choice(np.flatnonzero(trials.answerable), 1000),
    )
    seen = np.where(far, 0.0, chances[rows])
    true_share = float((near | far).mean())
    assert estimate_share(assumed, seen) == pytest.approx(true_share, abs=0.12)


def test_few_messages_leave_the_share_near_the_assumption() -> None:
    assert estimate_share(FITTED, np.zeros(0)) == pytest.approx(0.4)
    assert 0.4 < estimate_share(FITTED, np.zeros(5)) < 0.5


def test_without_evidence_the_share_stays_as_assumed() -> None:
    assert estimate_share(msgspec.structs.replace(FITTED, evidence=b""), np.zeros(500)) == pytest.approx(0.4)


def test_an_entry_none_of_whose_hidden_phrasings_was_answered_rightly_is_named() -> None:
    known = outcomes(4000, 1)
    hard = known.owner == 7
    spoilt = msgspec.structs.replace(known, best=np.where(hard, 0.1, known.best))
    chosen = with_thresholds(msgspec.structs.replace(FITTED, evidence=pack(spoilt)), promise=0.2, share=0.4)
    assert never_sure(chosen, IDS) == ("e7",)
    assert never_sure(msgspec.structs.replace(FITTED, evidence=b""), IDS) == IDS


def test_a_calibration_survives_being_written_down() -> None:
    for encode, decode in (
        (msgspec.json.encode, msgspec.json.decode),
        (msgspec.msgpack.encode, msgspec.msgpack.decode),
    ):
        again = decode(encode(FITTED), type=Calibration)
        assert again == FITTED
        assert again.id == FITTED.id


def test_the_id_stands_for_all_of_it() -> None:
    assert msgspec.structs.replace(FITTED, sure=FITTED.sure + 1e-6).id != FITTED.id
    assert len(FITTED.id) == 12


def test_evidence_is_compact() -> None:
    assert len(pack(outcomes(12_000, 1))) == 12_000 * 24
