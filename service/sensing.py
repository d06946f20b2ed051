"""The vector of what a customer wrote, where it would make a difference and comes in time.

A decision never waits long for it: late, away or broken, and the decision is made by the words alone, by what was
fitted for words alone.
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from service.core.calibration import EXACT
from service.core.conversation import Conversation, Turn
from service.core.decisions import Answer, AskModel, Decision, Handoff
from service.core.knowledge import Knowledge
from service.core.triage import triage
from service.core.vectors import Vector
from service.errors import ModelUnavailable
from service.ports import Embedder

log = structlog.get_logger()
BUDGET_S = 1.0
_REMEMBERED = 1000
_FAILURES = 3
_SHUT_S = 30.0


class Sense:
    """Asks an embedding model for one text at a time, and remembers the last 1,000 by hashes of them.

    After three failures in a row the model is left alone for half a minute, so that nobody waits in vain. `clock` is in
    seconds, of any origin.
    """

    def __init__(
        self, embedder: Embedder, budget_s: float = BUDGET_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._embedder = embedder
        self._budget_s = budget_s
        self._clock = clock
        self._known: OrderedDict[bytes, Vector] = OrderedDict()
        self._failures = 0
        self._shut_until = -math.inf

    async def vector_of(self, text: str, names: Sequence[str | None] = ()) -> Vector | None:
        """Give a text's vector, or None when there is none in time. `names` are what the customer is called."""
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        if self._clock() < self._shut_until:
            return None
        try:
            vector = await self._embedder.embed(text, names, self._budget_s)
        except ModelUnavailable as error:
            log.warning("no_vector", reason=str(error))
            self._failures += 1
            if self._failures >= _FAILURES:
                self._shut_until = self._clock() + _SHUT_S
            return None
        self._failures = 0
        self._known[key] = vector
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return vector


async def judge(
    turn: Turn, knowledge: Knowledge, conversation: Conversation, now: datetime, sense: Sense | None
) -> tuple[Decision | AskModel, Knowledge]:
    """Triage a turn, by its vector too where it is judged by its meaning.

    Gives the knowledge that was used: the same snapshot, for this one text.
    """
    step = triage(turn, knowledge, conversation, now)
    if sense is None or not knowledge.uses_vectors or not _rests_on_meaning(step):
        return step, knowledge
    vector = await sense.vector_of(turn.text, (conversation.display_name, conversation.nickname))
    seeing = knowledge.with_vector(turn.text, vector)
    return (step, knowledge) if seeing is knowledge else (triage(turn, seeing, conversation, now), seeing)


def _rests_on_meaning(step: Decision | AskModel) -> bool:
    """Tell whether another reading of the text could decide otherwise. A phrasing to the letter needs none."""
    match step:
        case AskModel():
            return True
        case Answer(candidates=candidates) | Handoff(candidates=candidates) if candidates:
            return candidates[0].probability < EXACT
        case Handoff(reason="no_entry", entry=None):
            return True
        case _:
            return False
