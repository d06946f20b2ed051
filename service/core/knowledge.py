"""Knowledge: one immutable snapshot of what the shop wrote, ready to answer from."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from service.core.calibration import SHARE, Calibration, CalibrationState, Ranking, rank
from service.core.entries import Entry
from service.core.features import Tokenizer, Wording
from service.core.fitting import shipped
from service.core.normalize import normalize
from service.core.ranking import Index, build_index
from service.core.shop import DEFAULT_SHOP, Shop
from service.core.texts import DEFAULT_TEXTS, Texts
from service.core.thresholds import NOTHING_LEARNED, Learned, never_sure, with_thresholds
from service.core.vectors import Meanings, Vector


class Heard(NamedTuple):
    """A text with its vector, and the calibration for any other text."""

    text: str
    vector: Vector
    by_words: Calibration


@dataclass(frozen=True)
class Knowledge:
    """Entries by id, keyword texts (normalised) to entry ids, the index and the calibration for everything matched by
    meaning; the shop and its own texts. `person` and `courtesy` are the shop's own phrases (normalised) for asking for
    a person, and thanks. `learned` is what traffic has taught so far.

    `version` is the hash of all that the files say: the same files give the same version on every machine. The
    calibration may be that of an earlier version until a new one is fitted. `vector_calibration` is one for texts whose
    vectors are known; `heard` is the one text that this snapshot is to judge by its vector too (`with_vector`).
    """

    version: str
    entries: Mapping[str, Entry]
    keywords: Mapping[str, str]
    index: Index
    calibration: Calibration
    shop: Shop
    texts: Texts
    person: frozenset[str]
    courtesy: frozenset[str]
    vector_calibration: Calibration | None = None
    heard: Heard | None = None
    learned: Learned = NOTHING_LEARNED

    def rank(self, text: str, calibration: Calibration | None = None) -> Ranking:
        """Say which entries a text may mean, and how probable each is; by another calibration where one is given."""
        if self.heard and text != self.heard.text:
            return rank(self.index.read(text), self.index.ids, calibration or self.heard.by_words)
        vector = self.heard.vector if self.heard else None
        return rank(self.index.read(text, vector), self.index.ids, calibration or self.calibration)

    @property
    def uses_vectors(self) -> bool:
        """Tell whether the vector of a text would make a difference: only what was fitted for it is used."""
        fitted = self.vector_calibration
        return fitted is not None and fitted.index == self.index.vector_id and bool(fitted.evidence)

    def with_vector(self, text: str, vector: Vector | None) -> "Knowledge":
        """The same for one text, whose vector is known: judged by it, and by what was fitted with vectors.

        Nothing changes without a vector, with one of another model, or where none is of use.
        """
        if vector is None or len(vector) != self.index.vector_length:
            return self
        if self.vector_calibration is None or not self.uses_vectors:
            return self
        return replace(self, calibration=self.vector_calibration, heard=Heard(text, vector, self.calibration))

    def with_vectors(self, index: Index, calibration: Calibration) -> "Knowledge":
        """The same with an index of the same entries that has their vectors, and what was fitted with these."""
        return replace(self, index=index, vector_calibration=_by_vectors(calibration, self.shop, self.learned))

    def taught(self, learned: Learned) -> "Knowledge":
        """The same, with what traffic has taught."""
        return replace(
            self,
            learned=learned,
            calibration=_by_words(self.calibration, self.shop, learned),
            vector_calibration=_by_vectors(self.vector_calibration, self.shop, learned),
        )

    @property
    def usual_calibration(self) -> Calibration:
        """What most texts are judged by: the one with vectors, where they are of use."""
        return self.vector_calibration if self.vector_calibration and self.uses_vectors else self.calibration

    @property
    def stale(self) -> bool:
        """Tell whether the calibration was made for other entries than these, or for none."""
        return self.calibration.index not in {self.index.id, self.index.vector_id}

    @property
    def calibration_state(self) -> CalibrationState:
        """Say what the calibration is worth.

        `fitted`: for just these entries; there were `too_few` phrasings to fit one. Until a new one is there: `stale`,
        that of earlier entries, or `calibrating`: there is none yet, and only exact phrasings are answered.
        """
        if self.calibration.evidence:
            return "stale" if self.stale else "fitted"
        return "calibrating" if self.stale else "too_few"

    def with_calibration(self, calibration: Calibration) -> "Knowledge":
        """The same with another calibration, at the shop's promise and with what was taught. Takes milliseconds."""
        return replace(self, calibration=_by_words(calibration, self.shop, self.learned))

    @property
    def never_sure(self) -> tuple[str, ...]:
        """The entries that are meant to be answered with, and never are but for a phrasing to the letter.

        Nobody knows while the calibration is stale.
        """
        found = () if self.stale else never_sure(self.usual_calibration, self.index.ids)
        return tuple(entry for entry in found if self.entries[entry].action == "answer")

    @property
    def starters(self) -> tuple[str, ...]:
        """The entries to offer on buttons: those of the shop's `starters` that are served."""
        entries = (self.entries.get(starter) for starter in self.shop.starters)
        return tuple(entry.id for entry in entries if entry and entry.action in {"answer", "handoff"})


def build_knowledge(
    entries: Sequence[Entry],
    shop: Shop = DEFAULT_SHOP,
    texts: Texts = DEFAULT_TEXTS,
    before: Knowledge | None = None,
    *,
    tokenizer: Tokenizer | None = None,
    calibration: Calibration | None = None,
    meanings: Meanings | None = None,
    vector_calibration: Calibration | None = None,
) -> Knowledge:
    """Build a snapshot. Takes seconds for thousands of entries: call it off the event loop.

    The index is that of `before` when nothing that it is made of has changed, so that a changed answer is quick.
    Without a calibration the one of `before` goes on, stale where the index is another, or else the shipped one; so
    does what `before` was taught. `meanings` are the vectors of the phrasings, `vector_calibration` is what was fitted
    with them.
    """
    by_id = {entry.id: entry for entry in entries}
    wording = Wording(tokenizer, shop.synonyms)
    is_indexed = (
        before is not None
        and before.index.lexicon.wording.name == wording.name
        and _indexed(before.entries.values()) == _indexed(entries)
        and (meanings is None or before.index.vector_id is not None)
    )
    index = before.index if before and is_indexed else build_index(entries, wording, meanings)
    calibration = calibration or (before.calibration if before else _unfitted(index))
    vector_calibration = vector_calibration or (before.vector_calibration if before else None)
    learned = before.learned if before else NOTHING_LEARNED
    return Knowledge(
        version=version_of(entries, shop, texts),
        entries=by_id,
        keywords={
            normalize(text): entry.id
            for entry in entries
            if entry.match == "keyword" and entry.action in {"answer", "handoff"}
            for text in (entry.question, *entry.phrasings)
        },
        index=index,
        calibration=_by_words(calibration, shop, learned),
        shop=shop,
        texts=texts,
        person=frozenset(map(normalize, shop.person)),
        courtesy=frozenset(map(normalize, shop.courtesy)),
        vector_calibration=_by_vectors(vector_calibration, shop, learned),
        learned=learned,
    )


def _unfitted(index: Index) -> Calibration:
    """The shipped calibration, for as long as nobody has tried to fit one: made for no index."""
    return msgspec.structs.replace(shipped(index), index="")


def share_of(shop: Shop, learned: Learned = NOTHING_LEARNED) -> float:
    """The share of messages that the FAQ does not answer: as the owner says, else as estimated, else as assumed."""
    return next((share for share in (shop.unanswerable, learned.share) if share is not None), SHARE)


def _by_words(calibration: Calibration, shop: Shop, learned: Learned) -> Calibration:
    promise, share = shop.max_wrong_answers, share_of(shop, learned)
    return with_thresholds(calibration, promise=promise, share=share, learned=learned)


def _by_vectors(calibration: Calibration | None, shop: Shop, learned: Learned) -> Calibration | None:
    """As by words; but traffic is read by its words, so the level for choices that it teaches is none for vectors."""
    return calibration and _by_words(calibration, shop, msgspec.structs.replace(learned, clarify=None))


def _indexed(entries: Iterable[Entry]) -> Mapping[str, tuple[object, ...]]:
    """What the index is made of, by id."""
    return {entry.id: (entry.question, entry.phrasings, entry.match, entry.action, entry.private) for entry in entries}


def version_of(entries: Sequence[Entry], shop: Shop = DEFAULT_SHOP, texts: Texts = DEFAULT_TEXTS) -> str:
    """Hash what the files say (not where it stands) into a version of 12 hex digits."""
    parts = [
        repr(msgspec.structs.replace(entry, file="", line=0)) for entry in sorted(entries, key=lambda entry: entry.id)
    ]
    own = msgspec.to_builtins((shop, texts), str_keys=True)
    parts.append(msgspec.json.encode(own, order="sorted").decode())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
