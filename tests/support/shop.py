"""A small shop to test with: entries, knowledge, and turns, made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from service.core.alerting import Alerting
from service.core.conversation import Conversation, Turn
from service.core.entries import Action, Bubble, Entry, Match
from service.core.events import Event, MessageKind, Said
from service.core.knowledge import Knowledge, build_knowledge
from service.core.plan import Circumstances
from service.core.records import HandoffRecord

CUSTOMER = "U" + "1" * 32
KEY = b"the shop's key for buttons"
NOON_MS = 1_764_000_000_000
NOBODY = Alerting()
NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)
DUE = NOON + timedelta(hours=1)


def entry(
    entry_id: str,
    question: str,
    *phrasings: str,
    answer: tuple[Bubble, ...] | None = None,
    match: Match = "meaning",
    action: Action = "answer",
    **more: Any,
) -> Entry:
    """Make an entry whose answer names it; `more` are further fields of it."""
    bubbles: tuple[Bubble, ...] = (f"{question}の答えです。",) if answer is None else answer
    return Entry(
        id=entry_id,
        question=question,
        phrasings=phrasings,
        bubbles=bubbles,
        match=match,
        action=action,
        file="test.md",
        line=1,
        **more,
    )


ENTRIES = (
    entry("hours", "営業時間を教えてください", "何時まで開いていますか", "今日やってる?", "日曜も営業していますか"),
    entry("parking", "駐車場はありますか", "車で行けますか", "車停められる?", "パーキングありますか"),
    entry("cut", "カットの料金はいくらですか", "カットいくら?", "髪を切る値段を知りたい", "カット料金"),
    entry("color", "カラーの料金はいくらですか", "カラーいくら?", "髪を染める値段を知りたい", "カラー料金"),
    entry(
        "complaint", "仕上がりに不満があります", "髪型が気に入らない", "やり直してほしい", action="handoff", answer=()
    ),
    entry("coupon", "クーポン", "coupon", match="keyword"),
)


def make_shop() -> Knowledge:
    """Build the knowledge of the small shop."""
    return build_knowledge(ENTRIES)


def turn(*lines: str, turn_id: str = "01TURN", at: int = NOON_MS) -> Turn:
    """Make a turn of text messages."""
    events = tuple(f"{turn_id}{number}" for number in range(len(lines)))
    return Turn(id=turn_id, at=at, events=events, messages=events, lines=lines)


def message(text: str = "", *, number: int = 1, kind: MessageKind = "text", at: int = NOON_MS) -> Said:
    """Make a message of the customer's, as it is read from the mailbox."""
    return Said(event=f"01E{number}", at=at, message=f"m{number}", kind=kind, text=text)


def circumstances(
    *events: Event,
    knowledge: Knowledge,
    conversation: Conversation | None = None,
    handoff: HandoffRecord | None = None,
    closed: HandoffRecord | None = None,
    now: datetime = NOON,
    alerting: Alerting = NOBODY,
    public_url: str | None = None,
) -> Circumstances:
    """Make what `carry_out` must know besides the decision."""
    return Circumstances(
        conversation=conversation or Conversation(customer=CUSTOMER),
        handoff=handoff,
        closed=closed,
        events=events,
        knowledge=knowledge,
        key=KEY,
        now=now,
        model=None,
        took_ms=1.0,
        alerting=alerting,
        public_url=public_url,
    )
