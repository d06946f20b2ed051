"""What the language model's pick is worth: how often it is right is counted on probes, never taken on trust.

    rates: of the messages whose right entry it is shown it picks that one (`right`) or another (`wrong`); of those
    whose right entry it is not shown it picks one all the same (`astray`)
    posterior of a pick k = a / (a + b), a = p_k * right, b = ((P - p_k) * wrong + (1 - P) * astray) * g_k

p_k is the ranking's probability of k, P that of all entries shown together, g_k how likely a wrong pick hits k: mostly
where the ranking errs, too. A pick is answered from the posterior on at which the promise holds on the probes.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from service.core.decisions import Candidate
from service.core.entries import Entry, words_of
from service.core.features import Floats
from service.core.probes import Probe, Probes
from service.core.thresholds import lowest_kept

# What is assumed of a model that nothing is known of, and how many probes that counts for.
_RIGHT, _WRONG, _ASTRAY, _COUNTS_FOR = 0.85, 0.10, 0.35, 4
# A wrong pick follows the ranking so far, the rest falls anywhere.
_FOLLOWS = 0.6
# How much a probe's vote is whether its pick was right; the rest is the posterior.
_COUNTED = 0.5
# What is more likely wrong than right is never answered.
_LEAST = 0.5
# Fewer probes of a kind than this say too little.
FEWEST_PROBES = 20
_MOST_CHANGED = 0.1


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How a model errs, and the posterior that a pick of its needs to be answered: None until probes have said so.

    `id` names the probes and the promise behind them.
    """

    right: float = _RIGHT
    wrong: float = _WRONG
    astray: float = _ASTRAY
    threshold: float | None = None
    id: str = ""

    def posterior(self, picked: str, shown: Sequence[Candidate]) -> float:
        """The probability that the picked one of the entries shown is right; 0 for one that was not shown."""
        chance = next((candidate.probability for candidate in shown if candidate.entry == picked), None)
        mass = min(1.0, sum(candidate.probability for candidate in shown))
        if not chance:
            return 0.0
        hit = _FOLLOWS * chance / mass + (1 - _FOLLOWS) / len(shown)
        good = chance * self.right
        return good / (good + (max(0.0, mass - chance) * self.wrong + (1.0 - mass) * self.astray) * hit)


UNPROBED = Rates()


class Probed(msgspec.Struct, frozen=True):
    """A probe that was asked: the entries the model was shown, and the one it picked, if any."""

    probe: Probe
    shown: tuple[str, ...]
    picked: str | None

    def candidates(self, share: float) -> tuple[Candidate, ...]:
        """What it was shown, with probabilities at a share of unanswerable messages."""
        return tuple(each for each in self.probe.candidates(share) if each.entry in self.shown)


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """All probes of one model with one prompt about one state of the entries.

    `entries` has a hash of what each entry says to the model. `shown`, `missed` and `strange` as in `Probes`.
    """

    entries: dict[str, str]
    probed: tuple[Probed, ...]
    shown: float
    missed: float
    strange: float

    @property
    def id(self) -> str:
        """12 hex digits that stand for all of it."""
        return hashlib.sha256(msgspec.msgpack.encode(self)).hexdigest()[:12]


def find(probes: Probes, probed: Sequence[Probed], entries: Mapping[str, str]) -> Findings:
    """Put together what came of probes. `entries` has the hashes of when they were made."""
    return Findings(
        entries=dict(entries),
        probed=tuple(probed),
        shown=probes.shown,
        missed=probes.missed,
        strange=probes.strange,
    )


def measure(findings: Findings, *, promise: float, share: float) -> Rates:
    """Count the rates, and choose the loosest threshold at which the promise holds.

    `share` is that of messages without an answer that are as near as trials are (`Calibration.near_share`). With too
    few probes of a kind nothing is known.
    """
    there = np.array([each.probe.owner in each.shown for each in findings.probed], np.bool_)
    picked = np.array([each.picked is not None for each in findings.probed], np.bool_)
    right = np.array([each.picked == each.probe.owner for each in findings.probed], np.bool_) & there
    yes, no = int(there.sum()), int((~there).sum())
    if min(yes, no) < FEWEST_PROBES:
        return UNPROBED
    rates = Rates(
        right=_steadied(int(right.sum()), yes, _RIGHT),
        wrong=_steadied(int((picked & there & ~right).sum()), yes, _WRONG),
        astray=_steadied(int((picked & ~there).sum()), no, _ASTRAY),
    )
    # Each probe stands for its part of the messages that fall to the model.
    answerable, strange = (1 - share) * findings.shown, (1 - share) * findings.missed + share * findings.strange
    weights = np.where(there, answerable / yes, strange / no)[picked]
    worth = np.array([rates.posterior(each.picked, each.candidates(share)) for each in findings.probed if each.picked])
    votes = _COUNTED * right[picked] + (1 - _COUNTED) * worth
    name = f"{findings.id} {promise} {share}"
    return msgspec.structs.replace(
        rates,
        threshold=_loosest(worth, votes, weights, promise),
        id=hashlib.sha256(name.encode()).hexdigest()[:12],
    )


def _loosest(worth: Floats, votes: Floats, weights: Floats, promise: float) -> float:
    lowest = lowest_kept(worth, votes, weights, promise)
    if lowest is None:
        return 1.0
    # Where all picks may be answered, nothing speaks against the few that are worth less than any of these.
    return _LEAST if lowest <= worth.min() else max(_LEAST, lowest)


def fingerprints(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Hash what each entry may say to a model."""
    return {
        entry.id: hashlib.sha256(repr(_told(entry)).encode("utf-8", "surrogatepass")).hexdigest()[:8]
        for entry in entries.values()
        if not entry.private
    }


def _told(entry: Entry) -> tuple[object, ...]:
    return entry.question, entry.phrasings, tuple(map(words_of, entry.bubbles)), entry.action


def still_hold(before: Mapping[str, str], entries: Mapping[str, Entry]) -> bool:
    """Tell whether at most a tenth of the entries has changed, come or gone, by the hashes of then."""
    now = fingerprints(entries)
    changed = sum(before.get(entry) != now.get(entry) for entry in before.keys() | now.keys())
    return changed <= _MOST_CHANGED * max(len(before), len(now))


def _steadied(count: int, of: int, assumed: float) -> float:
    return (count + _COUNTS_FOR * assumed) / (of + _COUNTS_FOR)
