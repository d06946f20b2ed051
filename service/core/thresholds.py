"""Thresholds: from which probability on the promise holds, for an assumed share of unanswerable messages.

The evidence is what the weights said of trials; what the shop's traffic has taught lifts or moves them. Nothing is
fitted here: a new promise or a new share takes milliseconds.
"""

from collections.abc import Sequence
from typing import cast

import msgspec
import numpy as np
import numpy.typing as npt

from service.core.calibration import EXACT, FEW_ENTRIES, SHARE, Calibration, Weights, insides, odds_moved, shares
from service.core.features import Floats, Ints
from service.core.trials import Trials

MOST_CHOICES = 4
# So many of the trials without an answer get buttons, for a third of the messages that have none.
_BUTTONS = 0.34
_BUTTONS_FEW_ENTRIES = 0.5
# How much a question's vote is whether its best entry was right; the rest is its probability.
_COUNTED = 0.85
# However easy the trials were: of two entries that say the same none may be sure.
_LEAST = 0.6
# So many imagined messages hold the assumed share in place.
_IMAGINED = 50
_SHARE_RANGE = (0.1, 0.8)
_BINS = 12
_SUREST_BINS = 2
# So many standard deviations.
_SURPRISING = 3.0


class Learned(msgspec.Struct, frozen=True):
    """What the shop's own traffic has taught, beside the folder.

    `share` is the estimated share of unanswerable messages and `clarify` the level for choices, None until enough
    `messages` were seen. `at_least` is the probability that staff's checks have shown to be needed for an answer.
    """

    share: float | None = None
    clarify: float | None = None
    messages: int = 0
    at_least: float = 0.0


NOTHING_LEARNED = Learned()


class Outcomes(msgspec.Struct, frozen=True):
    """What weights say of questions, a row for each.

    P(in) at the share that the weights were fitted for, the best entry's share and the best four's, whether the best
    one is right, and whether any is. `owner` is the right entry's position in the index, -1 where there is none or
    it does not matter.
    """

    inside: Floats
    best: Floats
    four: Floats
    right: npt.NDArray[np.bool_]
    answerable: npt.NDArray[np.bool_]
    owner: Ints

    def chances(self, share: float) -> Floats:
        """The best entry's probability, at a share of unanswerable messages."""
        return odds_moved(self.inside, share) * self.best

    def masses(self, share: float) -> Floats:
        """The joint probability of the best four."""
        return odds_moved(self.inside, share) * self.four


def judge(trials: Trials, weights: Weights) -> Outcomes:
    """Apply weights to trials, or to messages of customers that were asked and labelled like trials."""
    parts = shares(trials.gaps, weights)
    right = (trials.right == 0) & trials.answerable
    four = parts[:, :MOST_CHOICES].sum(axis=1)
    return Outcomes(insides(trials.signals, weights), parts[:, 0], four, right, trials.answerable, trials.owner)


def pack(outcomes: Outcomes) -> bytes:
    """Write outcomes down as the evidence of a calibration: 7 digits are plenty."""
    columns = (outcomes.inside, outcomes.best, outcomes.four, outcomes.right, outcomes.answerable, outcomes.owner)
    return np.stack(columns).astype("<f4").tobytes()


def unpack(evidence: bytes) -> Outcomes:
    """Read what `pack` wrote."""
    columns = np.frombuffer(evidence, "<f4").reshape(6, -1).astype(np.float64)
    owners = columns[5].astype(np.int64)
    return Outcomes(columns[0], columns[1], columns[2], columns[3] > 0, columns[4] > 0, owners)


def with_thresholds(
    calibration: Calibration,
    *,
    promise: float,
    share: float,
    learned: Learned = NOTHING_LEARNED,
) -> Calibration:
    """Choose the thresholds for a promise (share of wrong answers) and a share of unanswerable messages.

    `learned` lifts the thresholds for answers, and sets that for choices.
    """
    if not calibration.evidence:
        surest = max(learned.at_least, EXACT if promise >= 1 - EXACT else 1.0)
        return msgspec.structs.replace(calibration, promise=promise, share=share, sure=surest, surer=surest)
    calibration = msgspec.structs.replace(calibration, promise=promise, share=share)
    near = calibration.near_share
    outcomes = unpack(calibration.evidence)
    weights = _mixed(outcomes.answerable, near)
    buttons = _BUTTONS_FEW_ENTRIES if calibration.entries < FEW_ENTRIES else _BUTTONS
    hopeless = outcomes.masses(near)[~outcomes.answerable]
    chances = outcomes.chances(near)
    return msgspec.structs.replace(
        calibration,
        sure=max(learned.at_least, loosest(chances, outcomes.right, weights, promise)),
        surer=max(learned.at_least, loosest(chances, outcomes.right, weights, promise / 2)),
        clarify=float(np.quantile(hopeless, 1 - buttons)) if learned.clarify is None else learned.clarify,
    )


def level_for_choices(masses: Floats, outside: Floats) -> float:
    """Find from which joint probability of the best four on a third of the unanswerable messages gets choices.

    `outside` says how probably each message is one of these. On six public sets the level from their own messages is
    nearer to a third of what the FAQ does not answer than that from trials (docs/answering.md).
    """
    order = np.argsort(-masses, kind="stable")
    shown = np.cumsum(outside[order]) / max(outside.sum(), 1e-300)
    return float(masses[order][min(np.searchsorted(shown, 1 / 3), len(masses) - 1)])


def expected_wrong(calibration: Calibration) -> float | None:
    """Estimate the share of wrong answers, on the trials. None where only exact phrasings are answered."""
    if not calibration.evidence or not calibration.promises:
        return None
    outcomes = unpack(calibration.evidence)
    answered = outcomes.chances(calibration.near_share) >= calibration.sure
    weights = _mixed(outcomes.answerable, calibration.near_share)[answered]
    return float((weights * ~outcomes.right[answered]).sum() / weights.sum()) if answered.any() else None


def loosest(chances: Floats, right: npt.NDArray[np.bool_], weights: Floats, promise: float) -> float:
    """Find the lowest probability from which on at most `promise` of the answers are wrong.

    A question's vote is mostly whether its best entry was right and partly its probability, which steadies small
    numbers of questions. What is a phrasing to the letter is answered even where nothing else can be.
    """
    lowest = lowest_kept(chances, _COUNTED * right + (1 - _COUNTED) * chances, weights, promise)
    cap = EXACT if promise >= 1 - EXACT else 1.0
    return cap if lowest is None else min(cap, max(_LEAST, lowest))


def lowest_kept(chances: Floats, votes: Floats, weights: Floats, promise: float) -> float | None:
    """Find the lowest chance from which on the weighted mean of the votes is at least 1 - `promise`, if any."""
    order = np.argsort(-chances, kind="stable")
    kept = np.cumsum((weights * votes)[order]) / np.cumsum(weights[order])
    # Of equal chances either all are answered or none.
    is_last = np.diff(chances[order], append=-1.0) < 0
    good = np.flatnonzero((kept >= 1 - promise) & is_last)
    return float(chances[order][good[-1]]) if len(good) else None


def estimate_share(calibration: Calibration, chances: Floats, assumed: float = SHARE) -> float:
    """Estimate the share of unanswerable messages from unlabelled ones, by their best entries' probabilities.

    Expectation maximisation on the share alone: trials with and without an answer, in bins by probability, say how
    each kind looks. `chances` are probabilities by this very calibration. 50 imagined messages at the assumed share
    steady small numbers; from about 200 messages on the estimate is better than the assumption. Without evidence the
    assumption stays.

    Where clearly more messages are sure than such a mixture of trials ever has, the trials were harder than the
    messages are (hiding one of four phrasings takes much away), and what is really unanswerable looks like one of them:
    the estimate is too low, so it counts only above the assumption.
    """
    if not calibration.evidence:
        return assumed
    outcomes = unpack(calibration.evidence)
    seen = outcomes.chances(calibration.near_share)
    edges = np.unique(np.quantile(seen, np.arange(1, _BINS) / _BINS))
    kinds = [
        np.bincount(np.searchsorted(edges, part, side="right"), minlength=len(edges) + 1) + 0.5
        for part in (seen[outcomes.answerable], seen[~outcomes.answerable])
    ]
    inside, outside = (kind / kind.sum() for kind in kinds)
    counts = np.bincount(np.searchsorted(edges, chances, side="right"), minlength=len(edges) + 1)
    share = assumed
    for _ in range(200):
        belief = share * outside / (share * outside + (1 - share) * inside)
        share = float((counts @ belief + _IMAGINED * assumed) / (counts.sum() + _IMAGINED))
    expected = counts.sum() * (share * outside + (1 - share) * inside)[-_SUREST_BINS:].sum()
    surprise = counts[-_SUREST_BINS:].sum() - expected
    if surprise > _SURPRISING * np.sqrt(max(1.0, expected)):
        share = max(share, assumed)
    return float(np.clip(share, *_SHARE_RANGE))


def never_sure(calibration: Calibration, ids: Sequence[str]) -> tuple[str, ...]:
    """Name the entries of an index that nothing but their own phrasings to the letter would be answered with.

    None of their phrasings, hidden in the trials and asked, was answered rightly: they have too few, or others are too
    much like them. Without evidence that is every entry.
    """
    if not calibration.evidence:
        return tuple(ids)
    outcomes = unpack(calibration.evidence)
    answered = outcomes.right & (outcomes.chances(calibration.near_share) >= calibration.sure)
    reached = set(cast("list[int]", outcomes.owner[answered].tolist()))
    return tuple(entry for place, entry in enumerate(ids) if place not in reached)


def _mixed(answerable: npt.NDArray[np.bool_], share: float) -> Floats:
    """Weights that bring the unanswerable ones to a share of all."""
    yes, no = max(1, int(answerable.sum())), max(1, int((~answerable).sum()))
    return np.where(answerable, (1 - share) / yes, share / no)
