"""Calibration: what scores are worth as probabilities, and from which one on an answer keeps the shop's promise.

    P(entry k is right) = P(in) * share of k

P(in), that any entry answers the text, is a logistic of the signals with weights of at least 0 and a ceiling below 1
(some questions look exactly like ours and are not). The share is a softmax of the scores, mixed with a flatter one
(now and then the best score is far ahead and wrong). All is fitted on trials (service/core/trials.py) and then holds
for any share of unanswerable messages, because that share only shifts the odds of P(in).

Sources: softmax as confidence, Hendrycks & Gimpel 2017 (arXiv:1610.02136); temperature, Guo et al. 2017
(arXiv:1706.04599); moving the prior, Saerens, Latinne & Decaestecker 2002 (doi:10.1162/089976602753284446).
"""

import hashlib
from collections.abc import Sequence
from typing import Literal, cast

import msgspec
import numpy as np

from service.core.decisions import Candidate
from service.core.features import Floats
from service.core.ranking import Reading

CalibrationState = Literal["fitted", "too_few", "stale", "calibrating"]
# Of 150 messages in six public sets that were a phrasing to the letter, 148 meant its entry.
EXACT = 0.98
# The share of unanswerable messages that weights are fitted for; any other is reached by shifting the odds.
FITTED_SHARE = 0.4
PROMISE = 0.05
SHARE = 0.4
# Below so many entries the trials without an answer hide one entry at a time instead of a third of them.
FEW_ENTRIES = 15
# Trials without an answer are nearer to the FAQ than messages are that it does not answer. On eight public sets real
# ones passed 0 to .91 (mean .58) times as often as a hidden third and 0 to .54 times as often as single hidden entries.
_AS_NEAR = 0.75
_AS_NEAR_FEW_ENTRIES = 0.6
_FLATTER = 4.0
# Only so many best entries have a probability, in trials as in messages.
DEPTH = 40
# So many of them are candidates: what a decision names, and what a language model is shown.
SHOWN = 10
# A language model is asked where the candidates have so much together.
ASKED_FROM = 0.02


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """How a reading becomes probabilities. `slopes` belong to `Reading.signals`."""

    bias: float
    slopes: tuple[float, ...]
    ceiling: float
    temperature: float
    lapse: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that turns readings of one index into decisions: plain data, made by service/core/fitting.py.

    `index` names what it was fitted for, `entries` counts the entries of that. An answer needs a probability of `sure`;
    where the promise is to be kept twice as well, of `surer`; buttons need a joint probability of `clarify`.
    `answerable` and `unanswerable` count the trials behind it, `evidence` keeps them. Without evidence the weights are
    the shipped ones and promise nothing. `probes` are those trials that a language model may be tried on
    (service/core/probes.py).
    """

    index: str
    entries: int
    weights: Weights
    promise: float
    share: float
    sure: float
    surer: float
    clarify: float
    answerable: int = 0
    unanswerable: int = 0
    evidence: bytes = b""
    probes: bytes = b""

    @property
    def id(self) -> str:
        """12 hex digits that stand for all of it."""
        return hashlib.sha256(msgspec.msgpack.encode(self)).hexdigest()[:12]

    @property
    def near_share(self) -> float:
        """The share of messages without an answer that are as near to the FAQ as trials are, among all such."""
        near = self.share * (_AS_NEAR_FEW_ENTRIES if self.entries < FEW_ENTRIES else _AS_NEAR)
        return near / (1.0 - self.share + near)

    @property
    def promises(self) -> bool:
        """Tell whether anything but exact phrasings can be answered."""
        return self.sure < EXACT


class Ranking(msgspec.Struct, frozen=True):
    """The most probable entries, best first, and the probability that any entry answers the text."""

    candidates: tuple[Candidate, ...] = ()
    inside: float = 0.0


def rank(reading: Reading | None, ids: Sequence[str], calibration: Calibration, limit: int = SHOWN) -> Ranking:
    """Say how probable the entries are; together at most 1. `reading` None has nothing in common with any."""
    if reading is None:
        return Ranking()
    inside = float(odds_moved(insides(np.array([reading.signals]), calibration.weights), calibration.near_share)[0])
    best, gaps = front(reading.scores)
    chances = dict(zip(best, inside * shares(gaps[None], calibration.weights)[0], strict=False))
    if reading.exact is not None:
        chances = {entry: (1.0 - EXACT) * chance for entry, chance in chances.items()}
        chances[reading.exact] = EXACT + chances.get(reading.exact, 0.0)
        inside = EXACT + (1.0 - EXACT) * inside
    ranked = sorted(chances, key=lambda entry: (-chances[entry], entry))[:limit]
    return Ranking(tuple(Candidate(ids[entry], float(chances[entry])) for entry in ranked), inside)


def front(scores: Floats) -> tuple[list[int], Floats]:
    """The best entries, best first, and their scores minus the best one, -inf where there are no more entries."""
    least = np.partition(scores, -DEPTH)[-DEPTH] if len(scores) > DEPTH else -np.inf
    near = np.flatnonzero(scores >= least)
    order = near[np.argsort(-scores[near], kind="stable")[:DEPTH]]
    gaps = np.full(DEPTH, -np.inf)
    gaps[: len(order)] = scores[order] - scores[order[0]]
    return cast("list[int]", order.tolist()), gaps


def insides(signals: Floats, weights: Weights) -> Floats:
    """P(in) for rows of signals, at the share that the weights were fitted for."""
    return weights.ceiling / (1.0 + np.exp(-(weights.bias + signals @ np.array(weights.slopes))))


def shares(gaps: Floats, weights: Weights) -> Floats:
    """Share a row's probability out over its entries, by their scores minus the best one (-inf: no entry)."""
    return (1.0 - weights.lapse) * softmax(gaps, weights.temperature) + weights.lapse * softmax(
        gaps, weights.temperature * _FLATTER
    )


def softmax(gaps: Floats, temperature: float) -> Floats:
    """Softmax of rows whose highest value is 0."""
    powers = np.exp(gaps / temperature)
    return powers / np.maximum(powers.sum(axis=1, keepdims=True), 1e-300)


def odds_moved(inside: Floats, share: float) -> Floats:
    """Move P(in) from the share of unanswerable messages it was fitted for to another one."""
    factor = (1.0 - share) / share * FITTED_SHARE / (1.0 - FITTED_SHARE)
    return inside * factor / (inside * factor + 1.0 - inside)
