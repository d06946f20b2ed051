"""The records other systems read in Redis and over REST: handoffs, and the items of a talk.

All of them are JSON. Times are ISO 8601 in UTC.
"""

from datetime import UTC, datetime
from typing import Literal

import msgspec

from service.core.decisions import Candidate, Decision, HandoffReason
from service.core.events import MessageKind
from service.core.media import Media

HandoffStatus = Literal["waiting", "active", "done"]
Delivery = Literal["pending", "sent", "unconfirmed", "failed", "superseded"]


class TurnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a customer inside a handoff.

    `media` are the kinds of what is not text, `captions` what can be read on each of them, often nothing.
    """

    id: str
    at: datetime
    text: str
    media: tuple[MessageKind, ...] = ()
    captions: tuple[str, ...] = ()


class Note(msgspec.Struct, frozen=True):
    """What one member of the staff tells the others about a handoff. Customers never see it."""

    at: datetime
    by: str
    text: str


class HandoffRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that needs a person, under `{henji}:handoff:<id>`.

    `unreplied_since` is when the customer wrote what nobody has replied to yet, None after a staff reply. `due_at` is
    when staff want to have replied. `candidates` are the entries that nearly fitted. `knowledge` is the version of the
    FAQ that was asked, empty where staff opened it. `nickname` is what staff call the customer. `urgent`: staff are
    alerted at any hour. `ask` is what a booking must tell, `filled` what the customer has told of it, by its label.
    `draft` is a reply for staff to check. `drafted_by` names the language model and the prompt that wrote it and the
    `summary`; None: there is no draft, and the summary is the customer's own words.
    """

    id: str
    customer: str
    display_name: str | None = None
    nickname: str | None = None
    status: HandoffStatus
    reason: HandoffReason
    urgent: bool = False
    summary: str
    turns: tuple[TurnRecord, ...]
    candidates: tuple[Candidate, ...] = ()
    draft: str | None = None
    drafted_by: str | None = None
    ask: tuple[str, ...] = ()
    filled: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    assignee: str | None = None
    created_at: datetime
    due_at: datetime
    unreplied_since: datetime | None = None
    first_reply_at: datetime | None = None
    done_at: datetime | None = None
    knowledge: str


class MessageItem(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="message"):
    """What a customer sent in a turn.

    `text` is empty for anything that is not text, and `media` tells about it; of what was `unsent` nothing is told.
    `quoted` is LINE's id of the message that it quotes.
    """

    id: str
    turn: str
    at: datetime
    type: MessageKind
    text: str
    message: str
    media: Media | None = None
    quoted: str = ""
    unsent: bool = False


class BubbleItem(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="bubble"):
    """What the customer was sent by us. `who` is "bot" or "staff:NAME"; `billed` is known once it was sent."""

    id: str
    turn: str
    at: datetime
    who: str
    text: str
    delivery: Delivery = "pending"
    billed: bool = False


class Thresholds(msgspec.Struct, frozen=True):
    """What the probabilities were held against: an answer needs `sure`, choices need `clarify` together."""

    sure: float
    clarify: float


class ModelTrace(msgspec.Struct, frozen=True):
    """How the language model was asked. `verdict` is what it said, or the reason why it said nothing usable.

    `posterior` is the probability that its pick is right, `threshold` what that is held against: None before probes
    have shown how it errs. `rates` names what they have shown.
    """

    name: str
    prompt: str
    verdict: str
    ms: float
    posterior: float | None = None
    threshold: float | None = None
    rates: str = ""


class TraceItem(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="trace"):
    """Why a decision was taken. `questions` gives the headings of the entries it names, as they were."""

    id: str
    turn: str
    at: datetime
    decision: Decision
    questions: dict[str, str]
    thresholds: Thresholds
    knowledge: str
    calibration: str = ""
    model: ModelTrace | None = None
    took_ms: float


Item = MessageItem | BubbleItem | TraceItem


def utc(milliseconds: int) -> datetime:
    """Turn Redis' or LINE's milliseconds into a time. Nonsense values become the nearest sensible one."""
    return datetime.fromtimestamp(min(max(milliseconds, 0), 253_402_300_799_000) / 1000, UTC)


def ms(at: datetime) -> int:
    """Turn a time into Redis' milliseconds."""
    return int(at.timestamp() * 1000)
