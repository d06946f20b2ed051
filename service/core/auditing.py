"""Checks of automatic answers by staff: a random sample, one tap each, and what the taps say about the promise.

An answer's place in the sample is a hash of its turn's id, so nobody chooses it and every worker gives it the same one:
those with the lowest places of each week are a random sample of that week's answers.
Labels from below the threshold (taps on choices, corrections) never count: they say nothing about what was answered.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from statistics import NormalDist

import msgspec

from service.core.traffic import Heard

# So many checked answers make an estimate a measurement.
ENOUGH_CHECKED = 100
CHECKS_A_WEEK = 10
# Older checks were of another FAQ. A threshold that they lifted comes down when so many newer ones are good.
CHECKS_THAT_COUNT = 200
# How sure it must be that the promise is broken before anything changes.
_SURELY = 0.8


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody of the staff said of one automatic answer: of turn `turn`, with `entry`, said at `at` (ms)."""

    turn: str
    entry: str
    reason: str
    probability: float
    right: bool
    by: str
    at: int


class Measured(msgspec.Struct, frozen=True):
    """How many answers were checked, how many were wrong, and the 95 % interval of their share."""

    checked: int
    wrong: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share of wrong ones."""
        return self.wrong / self.checked if self.checked else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether it is a measurement already, not an estimate."""
        return self.checked >= ENOUGH_CHECKED


def place_in_sample(turn: str) -> float:
    """Where a turn stands in the random order of its week, 0 to 1."""
    return int(hashlib.sha256(turn.encode("utf-8", "surrogatepass")).hexdigest()[:13], 16) / 16**13


def week_of(day: date) -> str:
    """Name a day's week, as 2026-W48."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def measure(labels: Sequence[Label]) -> Measured:
    """Add up the newest checks."""
    counted = labels[:CHECKS_THAT_COUNT]
    wrong = sum(not label.right for label in counted)
    low, high = _between(wrong, len(counted), NormalDist().inv_cdf(0.975))
    return Measured(len(counted), wrong, low, high)


def needed(labels: Sequence[Label], promise: float) -> float:
    """Say which probability an answer needs at least, by the newest checks of answers that were sure.

    0 as long as the checks do not refute the promise, with a certainty of 80 % that more are wrong than it allows. Else
    the lowest probability from which on the checked answers keep it, more than 1 where none does.
    """
    counted = [label for label in labels[:CHECKS_THAT_COUNT] if label.reason == "sure"]
    wrong = sum(not label.right for label in counted)
    low, _ = _between(wrong, len(counted), NormalDist().inv_cdf(_SURELY))
    if low <= promise:
        return 0.0
    levels = sorted({label.probability for label in counted})
    return next((level for level in levels if _keeps(level, counted, promise)), 1.01)


def to_check(weeks: Iterable[Sequence[Heard]], checked: Iterable[str], measured: Measured) -> list[Heard]:
    """Pick what staff are asked to check, of some weeks' answers in the order of the sample: all until enough were
    checked, then a few of each week. `checked` are the turns that were.
    """
    done = set(checked)
    chosen = (week[:CHECKS_A_WEEK] if measured.is_enough else week for week in weeks)
    return [heard for week in chosen for heard in week if heard.turn not in done]


def _keeps(level: float, labels: Sequence[Label], promise: float) -> bool:
    above = [label.right for label in labels if label.probability >= level]
    return above.count(False) <= promise * len(above)


def _between(wrong: int, count: int, z: float) -> tuple[float, float]:
    """The interval of a share by Wilson 1927 (doi:10.2307/2276774), z standard deviations to each side."""
    if not count:
        return 0.0, 1.0
    share, more = wrong / count, z * z / count
    middle = share + more / 2
    width = z * (share * (1 - share) / count + more / 4 / count) ** 0.5
    return max(0.0, (middle - width) / (1 + more)), min(1.0, (middle + width) / (1 + more))
