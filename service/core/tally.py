"""What the owner's numbers are made of, written with each decision."""

from datetime import date

import msgspec

from service.core.auditing import week_of
from service.core.conversation import Conversation, Turn
from service.core.counting import count_entry, count_first_reply, count_turn
from service.core.decisions import Answer, Decision
from service.core.records import HandoffRecord, ms
from service.core.traffic import Heard, hear


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Names counted for the shop's day (service/core/counting.py), and the turn as it was heard."""

    day: date
    counts: tuple[str, ...]
    heard: Heard | None = None

    @property
    def week(self) -> str | None:
        """The week of whose sample an automatic answer may be part."""
        return week_of(self.day) if self.heard and self.heard.automatic else None


def tally_turn(name: str, decision: Decision, turn: Turn, conversation: Conversation, day: date) -> Tally:
    """Count a decided turn; `name` is the decision's kind."""
    counts = (count_turn(name, decision.reason),)
    if isinstance(decision, Answer):
        counts = (*counts, count_entry(decision.entry))
    return Tally(day=day, counts=counts, heard=hear(decision, turn, conversation))


def tally_reply(before: HandoffRecord | None, after: HandoffRecord, day: date, entry: str = "") -> Tally | None:
    """Count a person's reply: how long the customer waited for the first one, and which `entry` was the answer.

    None where there is nothing to count: a person wrote first, or once more in words of their own. An entry counts
    where the customer has said one thing: then it is the answer to that.
    """
    if not before:
        return None
    counts: tuple[str, ...] = ()
    if after.first_reply_at and not before.first_reply_at:
        minutes = (after.first_reply_at - before.created_at).total_seconds() / 60
        counts = (count_first_reply(_round(minutes)),)
    heard = None
    if entry and len(before.turns) == 1:
        (said,) = before.turns
        heard = Heard(turn=said.id, at=ms(said.at), events=(said.id,), decision="staff", reason="staff", entry=entry)
    return Tally(day=day, counts=counts, heard=heard) if counts or heard else None


def _round(minutes: float) -> int:
    """Round to two digits, up: so many kinds of waiting are enough."""
    whole = max(1, -int(-minutes // 1))
    step = 10 ** max(0, len(str(whole)) - 2)
    return -(-whole // step) * step
