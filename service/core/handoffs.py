"""What may happen to a handoff: opened, joined by further turns, claimed, replied to, annotated, done, reopened.

Each function takes the record as it is and returns the record as it shall be; whether it is still so when it is
written is the store's business.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

import msgspec

from service.core.booking import read_filled
from service.core.bubbles import cut
from service.core.conversation import Conversation, Turn
from service.core.decisions import Handoff
from service.core.entries import Entry
from service.core.media import caption
from service.core.records import HandoffRecord, MessageItem, Note, TurnRecord, utc
from service.errors import Conflict

FIRST_REPLY_TARGET = timedelta(hours=1)
REOPENS_WITHIN = timedelta(hours=72)
SUMMARY_CHARACTERS = 80
MOST_NOTES = 100
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
    nickname: str | None = None,
    entry: Entry | None = None,
    knowledge: str,
    now: datetime,
    due_at: datetime,
) -> HandoffRecord:
    """Open a handoff that waits for staff.

    `entry` is the one that decided it, if one did; `knowledge` is the version of the FAQ that was asked; `due_at` is
    when staff are to have replied.
    """
    ask = entry.ask if entry else ()
    return HandoffRecord(
        id=handoff_id,
        customer=customer,
        display_name=display_name,
        nickname=nickname,
        status="waiting",
        reason=decision.reason,
        urgent=entry is not None and entry.urgent,
        summary=summarize(_record(turn)),
        turns=(_record(turn),),
        candidates=decision.candidates,
        ask=ask,
        filled=read_filled(ask, turn.text),
        created_at=now,
        due_at=due_at,
        unreplied_since=now,
        knowledge=knowledge,
    )


def open_by_staff(
    handoff_id: str, conversation: Conversation, said: Sequence[MessageItem], staff: str, now: datetime
) -> HandoffRecord:
    """Open a handoff for a person who writes first, held by them. `said` is the customer's last turn."""
    left = [item for item in said if not item.unsent]
    turns = (_as_turn(left),) if left else ()
    return HandoffRecord(
        id=handoff_id,
        customer=conversation.customer,
        display_name=conversation.display_name,
        nickname=conversation.nickname,
        status="active",
        reason="staff",
        summary=summarize(turns[0]) if turns else "",
        turns=turns,
        assignee=staff,
        created_at=now,
        due_at=now + FIRST_REPLY_TARGET,
        knowledge="",
    )


def join(handoff: HandoffRecord, turn: Turn, now: datetime) -> HandoffRecord:
    """Add a further turn of the customer to an open handoff. What was drafted before did not know of it."""
    return msgspec.structs.replace(
        handoff,
        draft=None,
        turns=(*handoff.turns, _record(turn)),
        filled=handoff.filled | read_filled(handoff.ask, turn.text),
        unreplied_since=handoff.unreplied_since or now,
    )


def wait_again(handoff: HandoffRecord, turn: Turn, now: datetime, due_at: datetime) -> HandoffRecord:
    """Have an active handoff wait anew for whoever holds it, with a further turn of the customer."""
    return msgspec.structs.replace(join(handoff, turn, now), status="waiting", due_at=due_at)


def may_rejoin(handoff: HandoffRecord, now: datetime) -> bool:
    """Whether a turn that would be handed over reopens this one, closed not long ago, instead of a new one."""
    return handoff.done_at is not None and now - handoff.done_at <= REOPENS_WITHIN


def rejoin(handoff: HandoffRecord, turn: Turn, now: datetime, due_at: datetime) -> HandoffRecord:
    """Reopen a closed handoff with a further turn of the customer: it waits anew, for whoever held it."""
    return wait_again(msgspec.structs.replace(handoff, done_at=None), turn, now, due_at)


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


def take_back_reply(handoff: HandoffRecord) -> HandoffRecord:
    """Have the customer wait again, since the reply that was noted did not go out. One that is done stays done."""
    if handoff.status != "active" or handoff.unreplied_since or not handoff.turns:
        return handoff
    return msgspec.structs.replace(handoff, unreplied_since=handoff.turns[-1].at)


def finish(handoff: HandoffRecord, now: datetime) -> HandoffRecord:
    """Close it: the bot starts fresh. Closing it twice changes nothing."""
    if handoff.status == "done":
        return handoff
    return msgspec.structs.replace(handoff, status="done", done_at=now, unreplied_since=None)


def reopen(handoff: HandoffRecord, staff: str, open_one: str | None) -> HandoffRecord:
    """Take a closed handoff up again: `staff` holds it. Nothing is changed when it is open already.

    `open_one` is the conversation's open handoff. Raises Conflict when that is another one.
    """
    if open_one not in (None, handoff.id):
        raise Conflict(f"this customer has a newer handoff: {open_one}")
    if handoff.status != "done":
        return handoff
    return msgspec.structs.replace(handoff, status="active", assignee=staff, done_at=None)


def annotate(handoff: HandoffRecord, staff: str, words: str, now: datetime) -> HandoffRecord:
    """Add a note. Raises Conflict when there are too many."""
    if len(handoff.notes) >= MOST_NOTES:
        raise Conflict(f"this handoff has {MOST_NOTES} notes already")
    return msgspec.structs.replace(handoff, notes=(*handoff.notes, Note(now, staff, words)))


def tag(handoff: HandoffRecord, tags: Sequence[str]) -> HandoffRecord:
    """Set the tags, each once."""
    return msgspec.structs.replace(handoff, tags=tuple(dict.fromkeys(tags)))


def _as_turn(said: Sequence[MessageItem]) -> TurnRecord:
    return TurnRecord(
        id=said[0].turn,
        at=said[0].at,
        text="\n".join(item.text for item in said if item.type == "text"),
        media=tuple(item.type for item in said if item.type != "text"),
        captions=tuple(caption(item.media) for item in said if item.type != "text"),
    )


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
