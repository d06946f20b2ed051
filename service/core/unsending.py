"""What is left of a message that the customer has taken back: nothing that anybody could read.

LINE asks for it (Messaging API reference, Unsend event): the message must be neither seen nor used any more.
"""

import msgspec

from service.core.handoffs import summarize
from service.core.media import caption
from service.core.records import HandoffRecord, Item, MessageItem, TurnRecord


def blank_items(message: str, talk: list[Item]) -> list[MessageItem]:
    """The items of a talk that hold this message (LINE's id), without their words."""
    return [
        msgspec.structs.replace(item, text="", media=None, quoted="", unsent=True)
        for item in talk
        if isinstance(item, MessageItem) and item.message == message and not item.unsent
    ]


def blank_handoff(handoff: HandoffRecord, blanked: list[MessageItem], talk: list[Item]) -> HandoffRecord:
    """The handoff without the words of the blanked items: its turns are put together again from what is left."""
    gone = {item.id for item in blanked}
    turns = {item.turn for item in blanked}
    left = [item for item in talk if isinstance(item, MessageItem) and item.id not in gone and not item.unsent]
    records = tuple(_without(turn, left) if turn.id in turns else turn for turn in handoff.turns)
    if records == handoff.turns:
        return handoff
    return msgspec.structs.replace(handoff, turns=records, summary=summarize(records[0]), draft=None, drafted_by=None)


def _without(turn: TurnRecord, left: list[MessageItem]) -> TurnRecord:
    said = [item for item in left if item.turn == turn.id]
    return msgspec.structs.replace(
        turn,
        text="\n".join(item.text for item in said if item.type == "text"),
        media=tuple(item.type for item in said if item.type != "text"),
        captions=tuple(caption(item.media) for item in said if item.type != "text"),
    )
