"""Probes: trials that the language model is tried on, since their right answer is known and costs nobody a label.

They are taken from those trials that fall to the model: not answered by the ranking and not hopeless. Half of them show
it the right entry among the candidates, half come from a topic that was hidden whole, so that none is right.
"""

import msgspec
import numpy as np

from service.core.calibration import ASKED_FROM, SHOWN, Calibration, insides, odds_moved, shares
from service.core.decisions import Candidate
from service.core.features import Floats, Ints
from service.core.ranking import Phrasings
from service.core.trials import Trials

# Of each kind.
_MOST_PROBES = 100


class Probe(msgspec.Struct, frozen=True):
    """One phrasing, and what an index that has never seen it says of it.

    `owner` is the entry it was taken from, `entries` are the best (at most `SHOWN`), best first, and `parts` their
    shares; `inside` is P(in) at the share of unanswerable messages that the weights were fitted for.
    """

    text: str
    owner: str
    entries: tuple[str, ...]
    parts: tuple[float, ...]
    inside: float

    def candidates(self, share: float) -> tuple[Candidate, ...]:
        """The entries with their probabilities, at a share of unanswerable messages."""
        inside = float(odds_moved(np.array([self.inside]), share)[0])
        return tuple(
            Candidate(*pair) for pair in zip(self.entries, (inside * part for part in self.parts), strict=True)
        )


class Probes(msgspec.Struct, frozen=True):
    """Probes, and how many messages they stand for.

    `shown` and `missed` are the shares of all trials with an answer that fall to the model with the right entry among
    the candidates, and without it; `strange` is the share of all trials without an answer that fall to the model.
    """

    questions: tuple[Probe, ...] = ()
    shown: float = 0.0
    missed: float = 0.0
    strange: float = 0.0


def choose_probes(phrasings: Phrasings, trials: Trials, calibration: Calibration) -> bytes:
    """Take evenly of the trials that fall to the model, and write them down as a calibration keeps them."""
    parts = shares(trials.gaps, calibration.weights)[:, :SHOWN]
    inside = insides(trials.signals, calibration.weights)
    moved = odds_moved(inside, calibration.near_share)
    asked = (moved * parts[:, 0] < calibration.sure) & (moved * parts.sum(axis=1) >= ASKED_FROM)
    owners = phrasings.owners[trials.rows]
    asked &= np.array([phrasings.texts[row] is not None for row in trials.rows], np.bool_)
    shown = trials.answerable & (trials.nearest == owners[:, None]).any(axis=1)
    kinds = (asked & shown, asked & trials.answerable & ~shown, asked & ~trials.answerable)
    yes, no = max(1, int(trials.answerable.sum())), max(1, int((~trials.answerable).sum()))
    chosen = [_evenly(np.flatnonzero(kinds[0])), _evenly(np.flatnonzero(kinds[2]))]
    probes = Probes(
        tuple(_probe(phrasings, trials, int(trial), parts, inside) for trial in np.concatenate(chosen)),
        float(kinds[0].sum() / yes),
        float(kinds[1].sum() / yes),
        float(kinds[2].sum() / no),
    )
    return msgspec.msgpack.encode(probes)


def read_probes(calibration: Calibration) -> Probes:
    """Read what `choose_probes` wrote; a calibration that nothing was fitted for has none."""
    return msgspec.msgpack.decode(calibration.probes, type=Probes) if calibration.probes else Probes()


def _evenly(trials: Ints) -> Ints:
    """Trials stand in the order of their entries, fold by fold, so every nth of them is spread over all entries."""
    return trials[np.linspace(0, len(trials) - 1, min(len(trials), _MOST_PROBES)).astype(np.int64)]


def _probe(phrasings: Phrasings, trials: Trials, trial: int, parts: Floats, inside: Floats) -> Probe:
    row = int(trials.rows[trial])
    nearest = trials.nearest[trial]
    return Probe(
        text=phrasings.texts[row] or "",
        owner=phrasings.ids[int(phrasings.owners[row])],
        entries=tuple(phrasings.ids[int(entry)] for entry in nearest[nearest >= 0]),
        parts=tuple(round(float(part), 6) for part in parts[trial][nearest >= 0]),
        inside=round(float(inside[trial]), 6),
    )
