"""Fitting: a calibration from trials alone, that is from nothing but the FAQ folder.

Few trials are held near the shipped weights, which were fitted on trials of several public question sets.
"""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import numpy as np
from scipy import optimize

from service.core.calibration import FITTED_SHARE, PROMISE, SHARE, Calibration, Weights, shares
from service.core.entries import Entry
from service.core.features import Floats, Wording
from service.core.probes import choose_probes, read_probes
from service.core.ranking import Index, Phrasings, read_phrasings
from service.core.thresholds import judge, pack, unpack, with_thresholds
from service.core.trials import Trials, ask_trials
from service.core.vectors import Meanings

SHIPPED = Weights(bias=-2.66, slopes=(4.32, 0.0, 0.0), ceiling=0.989, temperature=0.123, lapse=0.014)
# Fewer trials of a kind say too little: at a promise of 5 % one wrong answer more or less would decide everything. The
# shipped weights stay, and only exact phrasings are answered. Fitted on 20 to 28, two public sets that were cut to one
# phrasing an entry were wrong in more than a quarter of their answers.
FEWEST_TRIALS = 30
# As many trials pull as hard as the shipped weights do.
_PULL = 1.0
_CEILINGS = (0.9, 1.0)
_LAPSES = (0.0, 0.2)
_TEMPERATURES = (0.02, 1.0)
# What the sample shop, of the size that most begin with, gets from its own trials.
_SHIPPED_CLARIFY = 0.4


def calibrate(
    entries: Sequence[Entry],
    wording: Wording | None = None,
    meanings: Meanings | None = None,
    *,
    promise: float = PROMISE,
    share: float = SHARE,
) -> Calibration:
    """Fit a calibration for readings of words, or with `meanings` for readings of words and vectors.

    Takes minutes at 10,000 phrasings, so it is done in a process of its own.
    """
    phrasings = read_phrasings(entries, wording or Wording(), meanings)
    return from_trials(phrasings, ask_trials(phrasings), promise=promise, share=share)


def is_sound(calibration: Calibration, index: str) -> bool:
    """Tell whether a calibration that came from elsewhere belongs to an index, and is whole."""
    try:
        trials = len(unpack(calibration.evidence).inside)
        read_probes(calibration)
    except (ValueError, msgspec.DecodeError):
        return False
    is_fit = len(calibration.weights.slopes) == len(SHIPPED.slopes)
    return calibration.index == index and is_fit and trials == calibration.answerable + calibration.unanswerable


def shipped(index: Index | Phrasings, *, promise: float = PROMISE, share: float = SHARE) -> Calibration:
    """The calibration of a folder that nothing was fitted for."""
    unfitted = Calibration(
        index=index.id,
        entries=len(index.ids),
        weights=SHIPPED,
        promise=promise,
        share=share,
        sure=1.0,
        surer=1.0,
        clarify=_SHIPPED_CLARIFY,
    )
    return with_thresholds(unfitted, promise=promise, share=share)


def from_trials(phrasings: Phrasings, trials: Trials, *, promise: float, share: float) -> Calibration:
    """Fit a calibration to trials that were asked already."""
    plain = shipped(phrasings, promise=promise, share=share)
    plain = msgspec.structs.replace(plain, index=phrasings.vector_id or phrasings.id)
    answerable = int(trials.answerable.sum())
    if min(answerable, len(trials.answerable) - answerable) < FEWEST_TRIALS:
        return plain
    weights = fit_weights(trials)
    fitted = Calibration(
        index=plain.index,
        entries=plain.entries,
        weights=weights,
        promise=promise,
        share=share,
        sure=1.0,
        surer=1.0,
        clarify=1.0,
        answerable=answerable,
        unanswerable=len(trials.answerable) - answerable,
        evidence=pack(judge(trials, weights)),
    )
    fitted = with_thresholds(fitted, promise=promise, share=share)
    return msgspec.structs.replace(fitted, probes=choose_probes(phrasings, trials, fitted))


def fit_weights(trials: Trials, prior: Weights | None = SHIPPED) -> Weights:
    """Find the likeliest weights, near the prior if there is one."""
    bias, slopes, ceiling = _fit_inside(trials, prior)
    temperature, lapse = _fit_shares(trials, prior)
    digits = (round(slope, 4) for slope in slopes)
    return Weights(
        bias=round(bias, 4),
        slopes=tuple(digits),
        ceiling=round(ceiling, 4),
        temperature=round(temperature, 4),
        lapse=round(lapse, 4),
    )


def _fit_inside(trials: Trials, prior: Weights | None) -> tuple[float, list[float], float]:
    """A logistic with slopes of at least 0 and a ceiling, on standardised signals."""
    answerable = trials.answerable.astype(np.float64)
    yes = float(answerable.sum())
    weights: Floats = np.where(trials.answerable, (1 - FITTED_SHARE) / yes, FITTED_SHARE / (len(answerable) - yes))
    mean, deviation = trials.signals.mean(axis=0), trials.signals.std(axis=0) + 1e-9
    scaled = (trials.signals - mean) / deviation
    count = scaled.shape[1]
    start = np.concatenate([[0.0], np.ones(count), [0.99]])
    pull = 0.0
    if prior is not None:
        slopes = np.array(prior.slopes)
        start = np.concatenate([[prior.bias + slopes @ mean], slopes * deviation, [prior.ceiling]])
        pull = _PULL / len(answerable)

    # A ceiling that is a little too low keeps every promise by answering nothing: it moves for good reasons only.
    scale = np.concatenate([np.ones(count + 1), [0.02]])

    def loss(values: Floats) -> tuple[float, Floats]:
        s: Floats = 1 / (1 + np.exp(-(values[0] + scaled @ values[1:-1])))
        p: Floats = np.clip(values[-1] * s, 1e-9, 1 - 1e-9)
        away = (values - start) / scale
        surprise: Floats = -(answerable * np.log(p) + (1 - answerable) * np.log(1 - p))
        value = float(weights @ surprise) + pull * float(away @ away)
        slope: Floats = weights * ((1 - answerable) / (1 - p) - answerable / p)
        inner: Floats = slope * values[-1] * s * (1 - s)
        gradient = np.concatenate([[inner.sum()], scaled.T @ inner, [(slope * s).sum()]])
        return value, gradient + 2 * pull * away / scale

    bounds = [(None, None), *[(0.0, None)] * count, _CEILINGS]
    found = cast("Any", optimize).minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    values = cast("Floats", found.x)
    slopes = values[1:-1] / deviation
    return float(values[0] - slopes @ mean), cast("list[float]", slopes.tolist()), float(values[-1])


def _fit_shares(trials: Trials, prior: Weights | None) -> tuple[float, float]:
    """The temperature of the softmax and how much of a flatter one is mixed in."""
    asked = trials.answerable & (trials.right >= 0)
    gaps, right = trials.gaps[asked], trials.right[asked]
    rows = np.arange(len(gaps))
    start = np.array([np.log(prior.temperature), prior.lapse] if prior else [np.log(0.15), 0.02])
    pull = _PULL / max(1, len(gaps)) if prior else 0.0

    def loss(values: Floats) -> float:
        weights = Weights(
            bias=0.0, slopes=(), ceiling=1.0, temperature=float(np.exp(values[0])), lapse=float(values[1])
        )
        away = (values - start) / np.array([1.0, 0.1])
        return float(-np.log(shares(gaps, weights)[rows, right] + 1e-12).mean() + pull * (away @ away))

    bounds = [tuple(np.log(_TEMPERATURES)), _LAPSES]
    found = cast("Any", optimize).minimize(loss, start, bounds=bounds, method="Nelder-Mead")
    return float(np.exp(found.x[0])), float(found.x[1])
