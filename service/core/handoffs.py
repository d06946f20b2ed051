"""What may happen to a handoff: opened, joined by further turns, claimed, replied to, done.

Each function takes the record as it is and returns the record as it shall be; whether it is still so when it is
written is the store's business.
"""

from datetime import datetime, timedelta
from itertools import zip_longest

import msgspec

from service.core.bubbles import cut
from service.core.conversation import Turn
from service.core.decisions import Handoff
from service.core.records import HandoffRecord, TurnRecord, utc
from service.errors import Conflict

FIRST_REPLY_TARGET = timedelta(hours=1)
SUMMARY_CHARACTERS = 80
_MEDIA_WORDS = {
    "sticker": "スタンプ",
    "image": "写真",
    "video": "動画",
    "audio": "音声",
    "file": "ファイル",
    "location": "位置情報",
}


def open_handoff(
    handoff_id: str,
    decision: Handoff,
    turn: Turn,
    *,
    customer: str,
    display_name: str | None = None,
    knowledge: str,
    now: datetime,
) -> HandoffRecord:
    """Open a handoff that waits for staff. `knowledge` is the version of the FAQ that was asked."""
    return HandoffRecord(
        id=handoff_id,
        customer=customer,
        display_name=display_name,
        status="waiting",
        reason=decision.reason,
        summary=summarize(_record(turn)),
        turns=(_record(turn),),
        candidates=decision.candidates,
        created_at=now,
        due_at=now + FIRST_REPLY_TARGET,
        unreplied_since=now,
        knowledge=knowledge,
    )


def join(handoff: HandoffRecord, turn: Turn, now: datetime) -> HandoffRecord:
    """Add a further turn of the customer to an open handoff."""
    return msgspec.structs.replace(
        handoff, turns=(*handoff.turns, _record(turn)), unreplied_since=handoff.unreplied_since or now
    )


def claim(handoff: HandoffRecord, staff: str, *, take_over: bool) -> HandoffRecord:
    """Make `staff` the one who replies.

    Raises Conflict when it is done, or when somebody else holds it and `take_over` is not said.
    """
    if handoff.status == "done":
        raise Conflict("this handoff is done")
    if handoff.assignee not in (None, staff) and not take_over:
        raise Conflict(f"{handoff.assignee} holds this handoff")
    return msgspec.structs.replace(handoff, status="active", assignee=staff)


def reply(handoff: HandoffRecord, staff: str, now: datetime) -> HandoffRecord:
    """Note a reply; whoever replies first holds the handoff. Raises Conflict as `claim` does."""
    held = claim(handoff, staff, take_over=False)
    return msgspec.structs.replace(held, unreplied_since=None, first_reply_at=held.first_reply_at or now)


def finish(handoff: HandoffRecord, now: datetime) -> HandoffRecord:
    """Close it: the bot starts fresh. Closing it twice changes nothing."""
    if handoff.status == "done":
        return handoff
    return msgspec.structs.replace(handoff, status="done", done_at=now, unreplied_since=None)


def _record(turn: Turn) -> TurnRecord:
    return TurnRecord(id=turn.id, at=utc(turn.at), text=turn.text, media=turn.media, captions=turn.captions)


def summarize(turn: TurnRecord) -> str:
    """Say in one line of a list what a turn is about."""
    media = (_name(kind, words) for kind, words in zip_longest(turn.media, turn.captions, fillvalue=""))
    said = " ".join(part for part in (turn.text.replace("\n", " "), *media) if part)
    return cut(said, SUMMARY_CHARACTERS)


def _name(kind: str, words: str) -> str:
    name = _MEDIA_WORDS.get(kind, "その他")
    return f"[{name}：{words}]" if words else f"[{name}]"
