"""What the customers' messages tell about the shop, beyond each one's own answer.

`Heard` is one turn that was decided by its meaning, or by a tap on a choice. It says where the turn's words are kept
and what became of it, and holds none of them: what is erased, taken back or past its retention is forgotten here too.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from service.core.calibration import SHARE
from service.core.conversation import Conversation, Turn
from service.core.decisions import BY_MEANING, Answer, Candidate, Clarify, Decision, Handoff
from service.core.knowledge import Knowledge
from service.core.thresholds import Learned, estimate_share, level_for_choices

# So many messages tell more than the assumption does.
ENOUGH_MESSAGES = 200
# Of one customer only so many count: who writes all day is one customer, not the traffic.
_MOST_OF_ONE = 5
_DIGITS = 2


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A turn, decided by its meaning or by a tap; or answered by staff with an entry (`staff`).

    `events` are the items of the talk that hold its words, `at` is when it was said (ms). `entry` is what was answered
    with, else the nearest one, if any; `choices` were offered. `again`: it came right after a question back, and says
    the same once more in other words, or taps.
    """

    turn: str
    at: int
    events: tuple[str, ...]
    decision: str
    reason: str
    entry: str | None = None
    probability: float = 0.0
    choices: tuple[str, ...] = ()
    again: bool = False

    @property
    def by_meaning(self) -> bool:
        """Whether the meaning of the words decided, not a tap."""
        return self.reason in BY_MEANING

    @property
    def automatic(self) -> bool:
        """Whether the bot answered by itself: what the promise is about."""
        return self.reason in {"sure", "model"}


def hear(decision: Decision, turn: Turn, conversation: Conversation) -> Heard | None:
    """Note a decided turn, or None where neither its meaning nor a choice decided.

    While staff are asked already (`waiting`) only what is sure is answered, so what is said there counts as an
    automatic answer but not as traffic: it comes with `again`.
    """
    if not isinstance(decision, Answer | Clarify | Handoff) or turn.other:
        return None
    candidates: tuple[Candidate, ...] = decision.candidates
    match decision.reason:
        case "choice":
            pass
        case "topic" if not candidates:
            return None
        case reason if reason in BY_MEANING and turn.tap is None and turn.text:
            pass
        case _:
            return None
    best = candidates[0] if candidates else None
    return Heard(
        turn=turn.id,
        at=turn.at,
        events=turn.events,
        decision=str(type(decision).__struct_config__.tag),
        reason=decision.reason,
        entry=decision.entry if isinstance(decision, Answer) else best.entry if best else None,
        probability=round(best.probability, 4) if best else 0.0,
        choices=decision.choices if isinstance(decision, Clarify) else (),
        again=bool(conversation.choices) or conversation.state != "bot",
    )


def traffic(heard: Iterable[tuple[str, Heard]]) -> list[Heard]:
    """Pick, of turns with their customers, newest first, those that stand for the messages that come in.

    Not what says the same once more after a question back, and of each customer only the newest few.
    """
    seen: Counter[str] = Counter()
    chosen: list[Heard] = []
    for customer, one in heard:
        if one.by_meaning and not one.again and seen[customer] < _MOST_OF_ONE:
            seen[customer] += 1
            chosen.append(one)
    return chosen


def chosen_after(heard: Iterable[tuple[str, Heard]]) -> list[tuple[Heard, str]]:
    """Pair what customers wrote with the entry that they then tapped, or that staff replied with, newest first.

    It says which entry a text means, of those that the bot was not sure of: a phrasing that somebody may add.
    `heard` is newest first, with the customers.
    """
    asked: dict[str, Heard] = {}
    pairs: list[tuple[Heard, str]] = []
    for customer, one in reversed(list(heard)):
        before = asked.pop(customer, None)
        if one.reason == "choice" and before and one.entry in before.choices:
            pairs.append((before, one.entry or ""))
        elif one.reason == "staff" and one.entry:
            pairs.append((one, one.entry))
        elif one.decision == "clarify" and one.by_meaning:
            asked[customer] = one
    return pairs[::-1]


def learn_from(texts: Sequence[str], knowledge: Knowledge, before: Learned) -> Learned:
    """Estimate the share of unanswerable messages, and from which level on a third of them gets choices.

    `texts` are the traffic's words; each is ranked anew by the current index and calibration, so the same texts and the
    same files give the same numbers whatever was decided about them then. The share is rounded to a hundredth: it moves
    in steps. Takes a second for a thousand texts. While the calibration is not this index's own, what was known stays.
    """
    calibration = msgspec.structs.replace(knowledge.calibration, share=SHARE)
    if knowledge.stale or not calibration.evidence:
        return before
    if len(texts) < ENOUGH_MESSAGES:
        return msgspec.structs.replace(before, share=None, clarify=None, messages=len(texts))
    chances = [knowledge.rank(text, calibration).candidates[:1] for text in texts]
    best = np.array([found[0].probability if found else 0.0 for found in chances])
    share = round(estimate_share(calibration, best), _DIGITS)
    # Where the owner says what the share is, choices go by that one, too.
    calibration = msgspec.structs.replace(calibration, share=knowledge.shop.unanswerable or share)
    rankings = [knowledge.rank(text, calibration) for text in texts]
    masses = np.array([sum(found.probability for found in ranking.candidates[:4]) for ranking in rankings])
    outside = np.array([1.0 - ranking.inside for ranking in rankings])
    clarify = round(level_for_choices(masses, outside), _DIGITS)
    return msgspec.structs.replace(before, share=share, clarify=clarify, messages=len(texts))
