"""What a model's pick is worth: rates counted on probes, the posterior, the threshold, and when to probe anew."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.decisions import Answer, AskModel, Candidate, Clarify, Handoff, NoneFits, Pick, Unclear
from service.core.entries import Entry
from service.core.knowledge import build_knowledge
from service.core.probes import Probe
from service.core.triage import is_worth_asking, settle, shown
from service.core.verdicts import (
    UNPROBED,
    Findings,
    Probed,
    Rates,
    fingerprints,
    measure,
    still_hold,
)
from tests.support.shop import ENTRIES, entry, make_shop

SHOP = make_shop()
NAMES = ("a", "b", "c", "d")


def probed(
    owner: str, picked: str | None, *, inside: float = 0.6, parts: tuple[float, ...] = (0.7, 0.2, 0.1)
) -> Probed:
    """A probe that was shown a, b and c."""
    return Probed(Probe("?", owner, NAMES[:3], parts, inside), NAMES[:3], picked)


def findings(*rows: Probed, shown_share: float = 0.4, missed: float = 0.0, strange: float = 0.6) -> Findings:
    return Findings(entries={}, probed=rows, shown=shown_share, missed=missed, strange=strange)


def mixture(right: int, wrong: int, none: int, astray: int, kept_out: int) -> Findings:
    """So many probes with the right entry shown (right, wrong, no pick) and without it (a pick, none)."""
    return findings(
        *[probed("a", "a")] * right,
        *[probed("a", "b")] * wrong,
        *[probed("a", None)] * none,
        *[probed("d", "a")] * astray,
        *[probed("d", None)] * kept_out,
    )


def rates_of(found: Findings, promise: float = 0.05, share: float = 1 / 3) -> Rates:
    return measure(found, promise=promise, share=share)


def test_rates_are_counted_with_four_imagined_probes_each() -> None:
    rates = rates_of(mixture(80, 15, 5, 30, 70))
    assert rates.right == pytest.approx((80 + 4 * 0.85) / 104)
    assert rates.wrong == pytest.approx((15 + 4 * 0.10) / 104)
    assert rates.astray == pytest.approx((30 + 4 * 0.35) / 104)


def test_the_posterior_is_the_share_of_right_picks_among_all_of_that_entry() -> None:
    seen = (Candidate("a", 0.4), Candidate("b", 0.2), Candidate("c", 0.1))
    rates = Rates(right=0.9, wrong=0.05, astray=0.2)
    hit = 0.6 * 0.2 / 0.7 + 0.4 / 3
    good, bad = 0.2 * 0.9, (0.5 * 0.05 + 0.3 * 0.2) * hit
    assert rates.posterior("b", seen) == pytest.approx(good / (good + bad))


def test_what_was_not_shown_is_worth_nothing() -> None:
    assert UNPROBED.posterior("z", (Candidate("a", 0.4),)) == 0.0
    assert UNPROBED.posterior("a", ()) == 0.0


chances = st.lists(st.floats(0, 0.1), min_size=1, max_size=10)
a_rate = st.floats(0.001, 1)


@given(chances, a_rate, a_rate, a_rate)
def test_a_posterior_is_a_probability_and_follows_the_ranking(
    given_: list[float], right: float, wrong: float, astray: float
) -> None:
    seen = [Candidate(str(number), chance) for number, chance in enumerate(sorted(given_, reverse=True))]
    worth = [Rates(right=right, wrong=wrong, astray=astray).posterior(each.entry, seen) for each in seen]
    assert all(0 <= value <= 1 for value in worth)


def test_a_model_that_is_always_right_is_believed_wherever_it_is_likelier_right_than_wrong() -> None:
    assert rates_of(mixture(100, 0, 0, 0, 100)).threshold == 0.5


def test_a_model_that_is_no_better_than_chance_is_not_believed() -> None:
    assert rates_of(mixture(34, 66, 0, 100, 0)).threshold == 1.0


def test_what_is_believed_keeps_the_promise_on_the_probes() -> None:
    """Sure candidates are picked rightly, doubtful ones often wrongly: the threshold lies between."""
    sharp, flat = (0.95, 0.03, 0.02), (0.4, 0.3, 0.3)
    rows = [
        *[probed("a", "a", inside=0.9, parts=sharp)] * 60,
        *[probed("a", "a", inside=0.3, parts=flat)] * 20,
        *[probed("a", "b", inside=0.3, parts=flat)] * 20,
        *[probed("d", "a", inside=0.2, parts=flat)] * 30,
        *[probed("d", None, inside=0.2, parts=flat)] * 70,
    ]
    rates = rates_of(findings(*rows))
    near = 1 / 3
    worth = [rates.posterior("a", row.candidates(near)) for row in (rows[0], rows[60], rows[100])]
    assert rates.threshold is not None
    assert worth[0] >= rates.threshold > max(worth[1:])


def test_a_stricter_promise_is_a_higher_threshold() -> None:
    found = mixture(90, 7, 3, 10, 90)
    thresholds = [rates_of(found, promise).threshold or 0 for promise in (0.3, 0.1, 0.05, 0.01)]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] < thresholds[-1]


def test_more_unanswerable_messages_are_a_higher_threshold() -> None:
    found = mixture(97, 0, 3, 20, 80)
    assert (rates_of(found, share=0.1).threshold or 0) < (rates_of(found, share=0.7).threshold or 0)


@pytest.mark.parametrize("found", [mixture(19, 0, 0, 0, 100), mixture(100, 0, 0, 0, 19), findings()])
def test_too_few_probes_of_a_kind_say_nothing(found: Findings) -> None:
    assert rates_of(found) == UNPROBED


def test_rates_are_named_by_all_that_they_depend_on() -> None:
    found = mixture(90, 5, 5, 10, 90)
    names = {rates_of(found).id, rates_of(found, 0.02).id, rates_of(found, share=0.5).id, rates_of(found).id}
    assert len(names) == 3
    assert rates_of(mixture(91, 4, 5, 10, 90)).id not in names


def test_a_candidate_that_was_not_shown_does_not_count_in_the_posterior() -> None:
    whole = probed("a", "a")
    less = msgspec.structs.replace(whole, shown=("a", "c"))
    assert [each.entry for each in less.candidates(0.4)] == ["a", "c"]


# Probes hold as long as the entries do.


MANY = {f"e{number}": entry(f"e{number}", f"質問{number}", "言い方") for number in range(20)}


def changed(count: int) -> dict[str, Entry]:
    return MANY | {f"e{number}": entry(f"e{number}", "別の質問", "言い方") for number in range(count)}


def test_probes_hold_until_more_than_a_tenth_of_the_entries_has_changed() -> None:
    before = fingerprints(MANY)
    assert still_hold(before, changed(2))
    assert not still_hold(before, changed(3))


def test_entries_that_come_and_go_count_as_changed() -> None:
    before = fingerprints(MANY)
    assert not still_hold(before, dict(list(MANY.items())[3:]))
    assert not still_hold(before, MANY | {f"n{number}": entry(f"n{number}", "新しい") for number in range(3)})


@pytest.mark.parametrize(
    "other",
    [
        entry("e1", "質問1", "別の言い方"),
        entry("e1", "質問1", "言い方", answer=("別の答え",)),
        entry("e1", "質問1", "言い方", action="handoff"),
        entry("e1", "質問1", "言い方", private=True),
    ],
)
def test_whatever_the_model_is_told_of_an_entry_counts(other: Entry) -> None:
    one = {"e1": entry("e1", "質問1", "言い方")}
    assert not still_hold(fingerprints(one), {"e1": other})


def test_where_an_entry_stands_does_not_count() -> None:
    one = entry("e1", "質問1", "言い方")
    moved = msgspec.structs.replace(one, file="other.md", line=9, urgent=True)
    assert still_hold(fingerprints({"e1": one}), {"e1": moved})


# What is decided with rates.

GOOD = Rates(right=0.98, wrong=0.01, astray=0.02, threshold=0.7)
POOR = Rates(right=0.6, wrong=0.3, astray=0.6, threshold=0.97)


def question(*pairs: tuple[str, float], may_clarify: bool = True) -> AskModel:
    return AskModel("料金いくら?", tuple(Candidate(*pair) for pair in pairs), may_clarify)


CLOSE = question(("cut", 0.4), ("color", 0.3), ("hours", 0.05))
FAR = question(("cut", 0.06), ("color", 0.03), ("hours", 0.01))


def test_a_pick_that_is_worth_enough_is_answered_though_the_ranking_had_another_first() -> None:
    assert settle(CLOSE, SHOP, Pick("color"), GOOD) == Answer("color", "model", CLOSE.candidates)


def test_a_good_model_finds_what_the_ranking_held_for_hopeless() -> None:
    assert settle(FAR, SHOP, Pick("cut"), GOOD) == Answer("cut", "model", FAR.candidates)


def test_a_pick_that_is_not_worth_enough_comes_first_among_the_choices() -> None:
    assert settle(CLOSE, SHOP, Pick("color"), POOR) == Clarify(("color", "cut", "hours"), "unsure", CLOSE.candidates)


def test_a_poor_models_pick_makes_no_choices_of_what_is_hopeless() -> None:
    assert settle(FAR, SHOP, Pick("color"), POOR) == Handoff("no_entry", candidates=FAR.candidates)


def test_a_pick_worth_choices_but_no_answer_is_offered_though_the_ranking_held_it_for_hopeless() -> None:
    doubtful = msgspec.structs.replace(GOOD, threshold=0.99)
    assert settle(FAR, SHOP, Pick("cut"), doubtful) == Clarify(("cut", "color", "hours"), "unsure", FAR.candidates)


def test_right_after_a_clarify_a_doubtful_pick_goes_to_the_staff() -> None:
    asked = msgspec.structs.replace(CLOSE, may_clarify=False)
    assert settle(asked, SHOP, Pick("color"), POOR) == Handoff("unsure", candidates=asked.candidates)


@pytest.mark.parametrize("rates", [UNPROBED, GOOD, POOR])
def test_without_a_verdict_the_rates_change_nothing(rates: Rates) -> None:
    assert settle(CLOSE, SHOP, None, rates) == Clarify(("cut", "color", "hours"), "unsure", CLOSE.candidates)
    assert settle(FAR, SHOP, None, rates) == Handoff("no_entry", candidates=FAR.candidates)
    assert settle(CLOSE, SHOP, NoneFits(), rates) == Handoff("no_entry", candidates=CLOSE.candidates)
    assert settle(FAR, SHOP, Unclear(("hours", "cut")), rates) == Clarify(
        ("hours", "cut"), "model_unclear", FAR.candidates
    )


PRIVATE = build_knowledge(
    [msgspec.structs.replace(each, private=each.id == "cut") for each in ENTRIES], calibration=SHOP.calibration
)


def test_what_is_private_is_not_shown_and_a_pick_of_it_is_not_answered() -> None:
    assert [candidate.entry for candidate in shown(CLOSE, PRIVATE)] == ["color", "hours"]
    for rates in (UNPROBED, GOOD):
        assert not isinstance(settle(question(("cut", 0.9)), PRIVATE, Pick("cut"), rates), Answer)


def test_the_posterior_counts_only_what_was_shown() -> None:
    """With its private rival left out, less stands behind the pick than the ranking says of all entries."""
    rates = msgspec.structs.replace(GOOD, astray=0.5)
    assert rates.posterior("color", shown(CLOSE, PRIVATE)) < rates.posterior("color", shown(CLOSE, SHOP))


def test_a_model_is_asked_where_the_right_entry_may_be_among_what_it_sees() -> None:
    assert is_worth_asking(FAR, SHOP)
    assert not is_worth_asking(question(("cut", 0.01), ("color", 0.005)), SHOP)
    assert not is_worth_asking(question(("cut", 0.9), ("color", 0.005)), PRIVATE)
    assert not is_worth_asking(question(), SHOP)
