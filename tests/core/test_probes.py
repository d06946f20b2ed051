"""Probes are chosen from the trials that fall to the language model, spread over all entries, always the same."""

from collections import Counter

import msgspec
import pytest

from service.core.calibration import ASKED_FROM, SHOWN
from service.core.features import Wording
from service.core.fitting import calibrate, shipped
from service.core.probes import read_probes
from service.core.ranking import build_index, read_phrasings
from tests.support.catalogue import CATALOGUE, learnt
from tests.support.shop import ENTRIES

PHRASINGS = {text: entry.id for entry in CATALOGUE for text in entry.phrasings}


def test_half_are_shown_their_entry_and_half_come_from_a_hidden_topic() -> None:
    probes = read_probes(learnt().calibration).questions
    shown = [probe for probe in probes if probe.owner in probe.entries]
    assert (len(shown), len(probes)) == (100, 200)


def test_each_probe_is_a_phrasing_of_its_entry_as_it_was_written() -> None:
    for probe in read_probes(learnt().calibration).questions:
        assert PHRASINGS[probe.text] == probe.owner


def test_each_probe_falls_to_the_model() -> None:
    calibration = learnt().calibration
    for probe in read_probes(calibration).questions:
        chances = [candidate.probability for candidate in probe.candidates(calibration.near_share)]
        assert chances == sorted(chances, reverse=True)
        assert len(chances) <= SHOWN
        assert ASKED_FROM - 1e-5 <= sum(chances) <= 1
        assert chances[0] < calibration.sure + 1e-5


def test_probes_are_spread_over_all_entries() -> None:
    owners = Counter(probe.owner for probe in read_probes(learnt().calibration).questions)
    assert owners.keys() == {entry.id for entry in CATALOGUE}
    assert max(owners.values()) <= 10, "no entry has more than its phrasings, each once of each kind"


def test_the_same_folder_gives_the_same_probes() -> None:
    again = calibrate(CATALOGUE[::-1], Wording())
    assert again.probes == learnt().calibration.probes
    assert again.id == learnt().calibration.id


def test_probes_say_how_many_messages_they_stand_for() -> None:
    probes = read_probes(learnt().calibration)
    assert 0 < probes.shown <= 1
    assert 0 <= probes.missed <= 1 - probes.shown
    assert 0 < probes.strange <= 1


@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
def test_more_unanswerable_messages_make_every_candidate_less_probable(share: float) -> None:
    probe = read_probes(learnt().calibration).questions[0]
    few, many = probe.candidates(share), probe.candidates(share + 0.1)
    assert all(a.probability > b.probability for a, b in zip(few, many, strict=True))


def test_a_calibration_that_nothing_was_fitted_for_has_no_probes() -> None:
    assert read_probes(shipped(build_index(ENTRIES))).questions == ()
    assert read_probes(msgspec.structs.replace(learnt().calibration, probes=b"")).questions == ()


def test_a_phrasing_that_stands_there_twice_is_kept_as_it_was_written_first() -> None:
    phrasings = read_phrasings(CATALOGUE, Wording())
    assert set(phrasings.texts) == {text for entry in CATALOGUE for text in (entry.question, *entry.phrasings)}
