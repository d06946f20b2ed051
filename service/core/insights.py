"""How well the shop's questions are answered, in numbers for its owner."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from service.core.knowledge import Knowledge
from service.core.normalize import normalize
from service.core.thresholds import expected_wrong

ShareIs = Literal["assumed", "estimated", "set"]
# Two messages ask the same when they share so many of their pairs of letters (Dice 1945, doi:10.2307/1932409).
_ALIKE = 0.4
_MOST_NAMED = 50


class Answering(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker answers from: `promise` of at most so many wrong answers, `wrong` expected (None: only phrasings to
    the letter are answered), the share of unanswerable messages and whether the owner has set it, the id of the
    calibration, how many entries there are, and of those that are only ever offered as choices how many, and the
    questions of the first fifty. `messages` is how many the estimate rests on; `lifted`: staff's checks have made
    answers need more than the trials say.
    """

    promise: float
    wrong: float | None
    share: float
    share_is: ShareIs
    messages: int
    calibration: str
    entries: int
    never_sure: int
    named: tuple[str, ...]
    lifted: bool


def describe(knowledge: Knowledge) -> Answering:
    """Say what a knowledge answers from."""
    calibration, learned = knowledge.usual_calibration, knowledge.learned
    never = knowledge.never_sure
    return Answering(
        promise=calibration.promise,
        wrong=expected_wrong(calibration),
        share=calibration.share,
        share_is="set" if knowledge.shop.unanswerable is not None else "estimated" if learned.share else "assumed",
        messages=learned.messages,
        calibration=calibration.id,
        entries=len(knowledge.entries),
        never_sure=len(never),
        named=tuple(knowledge.entries[entry].question for entry in never[:_MOST_NAMED]),
        lifted=learned.at_least > 0,
    )


class Numbers(msgspec.Struct, frozen=True):
    """What became of some days' turns. `first_reply` is the median, in minutes, `used` entries by how often."""

    messages: int
    answered: int
    clarified: int
    handed_over: int
    replied: int
    first_reply: int | None
    used: tuple[tuple[str, int], ...]

    def share(self, part: int) -> float:
        """A part as a share of all."""
        return part / self.messages if self.messages else 0.0


def add_up(days: Iterable[Mapping[str, int]]) -> Numbers:
    """Add up days as they were counted (service/core/counting.py). What is no message of a customer's is left out."""
    total: Counter[str] = Counter()
    for day in days:
        total.update(day)
    turns: Counter[str] = Counter()
    used: Counter[str] = Counter()
    minutes: Counter[int] = Counter()
    for name, count in total.items():
        match name.split(" "):
            case ["turn", decision, reason] if reason not in {"not_a_message", "group", "unsent", "welcome"}:
                turns[decision] += count
            case ["entry", entry]:
                used[entry] += count
            case ["replied", waited]:
                minutes[int(waited)] += count
            case _:
                pass
    return Numbers(
        messages=turns.total(),
        answered=turns["answer"],
        clarified=turns["clarify"],
        handed_over=turns["handoff"],
        replied=minutes.total(),
        first_reply=_median(minutes),
        used=tuple(used.most_common(10)),
    )


def group_alike(texts: Sequence[str]) -> list[list[int]]:
    """Group texts that ask the same, by place, the biggest group first. A few hundred take a tenth of a second."""
    groups: list[tuple[set[str], list[int]]] = []
    for place, text in enumerate(texts):
        pairs = _pairs(text)
        best = max(groups, key=lambda group: _likeness(pairs, group[0]), default=None)
        if best and _likeness(pairs, best[0]) >= _ALIKE:
            best[1].append(place)
        else:
            groups.append((pairs, [place]))
    return sorted((places for _, places in groups), key=len, reverse=True)


def _pairs(text: str) -> set[str]:
    words = normalize(text)
    return {words[at : at + 2] for at in range(max(1, len(words) - 1))}


def _likeness(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


def _median(counts: Mapping[int, int]) -> int | None:
    half = (sum(counts.values()) + 1) // 2
    for value in sorted(counts):
        half -= counts[value]
        if half <= 0:
            return value
    return None
