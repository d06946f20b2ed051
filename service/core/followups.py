"""Follow-ups: 「じゃあ日曜は?」 means something only together with what was said before it."""

from datetime import datetime

import msgspec

from service.core.calibration import SHOWN
from service.core.decisions import AskModel, Candidate
from service.core.knowledge import Knowledge
from service.core.normalize import normalize
from service.core.situation import entry_today
from service.core.texts import language_of

# Normalised characters. A longer message says what it is about.
_SHORT = {"ja": 12, "en": 24}


def may_follow_up(question: AskModel) -> bool:
    """Tell whether a message may be the rest of an earlier one: it is short, or like nothing in the FAQ."""
    return not question.candidates or len(normalize(question.text)) <= _SHORT[language_of(question.text)]


def continued(question: AskModel, before: str, knowledge: Knowledge, now: datetime) -> AskModel:
    """Rank a message also together with the customer's one before. Nobody knows which is meant: half and half."""
    together = knowledge.rank(f"{before}\n{question.text}").candidates
    chances: dict[str, float] = {}
    for candidate in (*question.candidates, *together):
        if entry_today(candidate.entry, knowledge, now):
            chances[candidate.entry] = chances.get(candidate.entry, 0.0) + candidate.probability / 2
    ranked = sorted(chances, key=lambda entry: (-chances[entry], entry))[:SHOWN]
    return msgspec.structs.replace(question, candidates=tuple(Candidate(entry, chances[entry]) for entry in ranked))
