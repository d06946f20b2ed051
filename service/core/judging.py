"""Judging answers: questions with known right entries, what was decided about each, and what that says of the promise.

All shares are 0 to 1. Intervals are 95 % percentile intervals by bootstrap over the questions.
Source: Efron & Tibshirani 1993, chapter 13; reliability: Guo et al. 2017 (arXiv:1706.04599).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from service.core.decisions import Candidate
from service.core.features import Floats

Outcome = Literal["answer", "clarify", "handoff"]
Interval = tuple[float, float]
_DRAWS = 1000
_BINS = 10


class Question(msgspec.Struct, frozen=True):
    """A question and the entries that answer it; none: a person should answer."""

    text: str
    entries: tuple[str, ...]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about a question.

    `entry` is what was answered, else the best candidate; `probability` is that of its being right.
    """

    text: str
    entries: tuple[str, ...]
    outcome: Outcome
    reason: str
    entry: str | None
    probability: float
    candidates: tuple[Candidate, ...]
    choices: tuple[str, ...] = ()

    @property
    def best_probability(self) -> float:
        """The probability of the ranking's best candidate, answered with or not."""
        return self.candidates[0].probability if self.candidates else 0.0

    @property
    def best_is_right(self) -> bool:
        """Tell whether the ranking's best candidate is one of the right entries."""
        return any(best.entry in self.entries for best in self.candidates[:1])

    @property
    def right(self) -> bool:
        """Tell whether it was answered, and rightly."""
        return self.outcome == "answer" and self.entry in self.entries

    @property
    def near(self) -> bool:
        """Tell whether it was answered rightly or the customer could choose the right entry."""
        return self.right or bool(set(self.choices) & set(self.entries))


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all questions.

    Shares of all questions: `answered`, `clarified`, `handed_over`, `unanswerable`. Of the answerable ones: `right`,
    answered rightly; `near`, that or the right entry among the choices. Of the unanswerable ones: `distracted`, those
    that got choices. Of the answers: `kept`, the right ones (None without answers); `kept_at_share`, the same with the
    unanswerable questions brought to `share` of all. `calibration_error` is the expected calibration error of the best
    candidates' probabilities at that share, in ten bins. The promise is kept as long as these questions do not refute
    it: the interval's upper end reaches 1 - `promise`.
    """

    questions: int
    answered: float
    answered_interval: Interval
    right: float
    right_interval: Interval
    kept: float | None
    kept_interval: Interval | None
    kept_at_share: float | None
    kept_at_share_interval: Interval | None
    share: float
    share_interval: Interval
    unanswerable: float
    clarified: float
    near: float
    near_interval: Interval
    distracted: float
    handed_over: float
    right_answers: int
    wrong_answers: int
    out_of_scope_answers: int
    calibration_error: float
    promise: float
    promise_kept: bool
    promise_kept_as_it_stands: bool
    promises_anything: bool


class Curve(NamedTuple):
    """Two columns of a plot."""

    x: Floats
    y: Floats


def summarize(judged: Sequence[Judged], *, promise: float, share: float, promises_anything: bool = True) -> Summary:
    """Add everything up. At least one question."""
    answerable = np.array([bool(each.entries) for each in judged])
    answered = np.array([each.outcome == "answer" for each in judged])
    right = np.array([each.right for each in judged])
    near = np.array([each.near for each in judged])
    clarified = np.array([each.outcome == "clarify" for each in judged])
    draws = _draws(len(judged))
    weights = _at_share(answerable, share, np.ones((1, len(judged))))
    at_share = _at_share(answerable, share, draws)
    kept, kept_interval = _ratio(right, answered, np.ones((1, len(judged))), draws)
    kept_at, kept_at_interval = _ratio(right, answered, weights, at_share)
    answered_share, answered_interval = _ratio(answered, np.ones_like(answered), np.ones((1, len(judged))), draws)
    right_share, right_interval = _ratio(right, answerable, np.ones((1, len(judged))), draws)
    near_share, near_interval = _ratio(near & answerable, answerable, np.ones((1, len(judged))), draws)
    return Summary(
        questions=len(judged),
        answered=answered_share or 0.0,
        answered_interval=answered_interval or (0.0, 0.0),
        right=right_share or 0.0,
        right_interval=right_interval or (0.0, 0.0),
        kept=kept,
        kept_interval=kept_interval,
        kept_at_share=kept_at,
        kept_at_share_interval=kept_at_interval,
        share=share,
        share_interval=(share, share),
        unanswerable=float((~answerable).mean()),
        clarified=float(clarified.mean()),
        near=near_share or 0.0,
        near_interval=near_interval or (0.0, 0.0),
        distracted=float((clarified & ~answerable).sum() / max(1, (~answerable).sum())),
        handed_over=float((~answered & ~clarified).mean()),
        right_answers=int(right.sum()),
        wrong_answers=int((answered & answerable & ~right).sum()),
        out_of_scope_answers=int((answered & ~answerable).sum()),
        calibration_error=_calibration_error(judged, weights[0]),
        promise=promise,
        promise_kept=kept_at_interval is None or kept_at_interval[1] >= 1 - promise,
        promise_kept_as_it_stands=kept_interval is None or kept_interval[1] >= 1 - promise,
        promises_anything=promises_anything,
    )


def reliability(judged: Sequence[Judged], share: float) -> Curve:
    """The mean probability of the best candidates in ten bins, and how many of each bin were right."""
    said, right, weights = _probabilities(judged, share)
    bins = _bins(said)
    filled = [number for number in range(_BINS) if weights[bins == number].sum() > 0]
    said_means = [np.average(said[bins == number], weights=weights[bins == number]) for number in filled]
    right_means = [np.average(right[bins == number], weights=weights[bins == number]) for number in filled]
    return Curve(np.array(said_means), np.array(right_means))


def risk_coverage(judged: Sequence[Judged], share: float) -> Curve:
    """For every threshold: the share of messages that would be answered, and the share of these that is wrong."""
    said, right, weights = _probabilities(judged, share)
    order = np.argsort(-said, kind="stable")
    covered = np.cumsum(weights[order])
    return Curve(covered / covered[-1], 1 - np.cumsum((weights * right)[order]) / covered)


def _draws(count: int) -> Floats:
    """How often each question occurs in each draw; always the same draws."""
    return np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=_DRAWS).astype(np.float64)


def _at_share(answerable: npt.NDArray[np.bool_], share: float, counts: Floats) -> Floats:
    """Bring the unanswerable questions of each draw to a share of all (where a draw has both kinds)."""
    yes, no = counts @ answerable, counts @ ~answerable
    scale = np.where(answerable, ((1 - share) / np.maximum(yes, 1))[:, None], (share / np.maximum(no, 1))[:, None])
    return np.where(((yes > 0) & (no > 0))[:, None], counts * scale, counts / len(answerable))


def _ratio(
    part: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_], counts: Floats, draws: Floats
) -> tuple[float | None, Interval | None]:
    total = float((counts @ whole)[0])
    if not total:
        return None, None
    wholes = draws @ whole
    shares = (draws @ part)[wholes > 0] / wholes[wholes > 0]
    low, high = np.quantile(shares, [0.025, 0.975])
    return float((counts @ part)[0] / total), (float(low), float(high))


def _probabilities(judged: Sequence[Judged], share: float) -> tuple[Floats, Floats, Floats]:
    answerable = np.array([bool(each.entries) for each in judged])
    weights = _at_share(answerable, share, np.ones((1, len(judged))))[0]
    said = np.array([each.best_probability for each in judged])
    return said, np.array([each.best_is_right for each in judged], np.float64), weights


def _bins(said: Floats) -> npt.NDArray[np.int64]:
    return np.minimum((said * _BINS).astype(np.int64), _BINS - 1)


def _calibration_error(judged: Sequence[Judged], weights: Floats) -> float:
    said = np.array([each.best_probability for each in judged])
    right = np.array([each.best_is_right for each in judged], np.float64)
    off = np.bincount(_bins(said), weights * (said - right), _BINS)
    return float(np.abs(off).sum() / weights.sum())
