"""What follows from a decision: the records, the state, the handoff and the bubbles, all written in one step.

Pure: it only says what shall be written (a `Plan`); the mailbox writes it, or writes nothing.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from service.core import handoffs
from service.core.alerting import Alert, Alerting, Announced, enter_waiting
from service.core.bubbles import MAX_DISPLAY, cut, image_message, split_text, text_message, with_buttons
from service.core.choices import button_data
from service.core.conversation import Conversation, Turn
from service.core.counting import count_turn
from service.core.decisions import Answer, Clarify, Decision, Handoff, HandoffReason, Silent
from service.core.entries import Bubble, ImageBubble, words_of
from service.core.events import Event, Said
from service.core.knowledge import Knowledge
from service.core.ranking import POSSIBLE, SURE
from service.core.records import (
    BubbleItem,
    HandoffRecord,
    Item,
    MessageItem,
    ModelTrace,
    Thresholds,
    TraceItem,
    utc,
)
from service.core.texts import Lang, TextName, language_of, text

_NAMESPACE = uuid.UUID("5e0d9b4e-7c8e-4a57-9a6e-0d6f5c0b7a11")
_NOTICES: Mapping[HandoffReason, TextName] = MappingProxyType(
    {"asked": "handoff_asked", "media": "media", "error": "error"}
)
# What a customer's blocking and unblocking of the shop's account leaves in the conversation.
_BLOCKING: Mapping[str, str] = MappingProxyType({"unfollow": "1", "follow": ""})
# A message too many is not answered with one more.
_WITHOUT_NOTICE: frozenset[HandoffReason] = frozenset({"overflow"})
OutKind = Literal["answer", "clarify", "notice", "reply", "alert"]


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One LINE request to be sent: at most five message objects, and the records of the bubbles they make. Or an alert.

    `key` is the retry key. `said_at` is when the customer wrote (ms): a late answer is not sent. `fallback` is the
    handoff that takes the place of an answer which could not be sent. `read_token` marks the customer's messages as
    read once it was sent; empty while staff are to see them as unread.
    """

    id: str
    who: str
    key: str
    kind: OutKind
    messages: tuple[dict[str, Any], ...]
    bubbles: tuple[BubbleItem, ...]
    said_at: int
    fallback: HandoffRecord | None = None
    read_token: str = ""
    alert: Alert | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one step writes about a conversation.

    `fields` are the conversation's changed fields ("" deletes one), `items` the new items of the talk, oldest first,
    `what` names the step for whoever watches. `timers` are the conversation's timers by name, each with the time it
    runs out (Redis' ms), 0 to stop it. `alerts` are for the Apprise URLs, in their order. `counts` names what is
    counted with it (service/core/counting.py).
    """

    what: str
    fields: dict[str, str]
    items: tuple[Item, ...] = ()
    handoff: HandoffRecord | None = None
    out: Outgoing | None = None
    timers: dict[str, int] = {}
    alerts: tuple[Alert, ...] = ()
    counts: tuple[str, ...] = ()


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What `carry_out` must know besides the decision. `key` signs buttons; `events` are the turn's own.

    `public_url` is where LINE fetches pictures; without one they are sent in words.
    """

    conversation: Conversation
    handoff: HandoffRecord | None
    events: tuple[Event, ...]
    knowledge: Knowledge
    key: bytes
    now: datetime
    model: ModelTrace | None
    took_ms: float
    alerting: Alerting = Alerting()
    public_url: str | None = None


def carry_out(decision: Decision, turn: Turn, given: Circumstances) -> Plan:
    """Say all that follows from the decision about a turn."""
    out = _outgoing(decision, turn, given)
    opened = _handoff(decision, turn, given)
    fields = {"state": given.conversation.state}
    if not turn.other:
        # Choices hold for the customer's next turn; what is no message does not take them away.
        fields["choices"] = ""
    if isinstance(decision, Clarify):
        fields["choices"] = msgspec.json.encode(decision.choices).decode()
    if isinstance(decision, Handoff) and opened:
        fields |= {"state": "waiting", "handoff": opened.id}
    if turn.other is not None and turn.other in _BLOCKING:
        fields["blocked"] = _BLOCKING[turn.other]
    if given.conversation.display_name:
        fields["display_name"] = given.conversation.display_name
    kept = () if turn.other else given.events
    messages = tuple(_message_item(event, turn) for event in kept)
    bubbles = out.bubbles if out else ()
    trace = _trace(decision, turn, given)
    begins_to_wait = fields["state"] == "waiting" and given.conversation.state != "waiting"
    announced = enter_waiting(opened, turn.id, given.now, given.alerting) if opened and begins_to_wait else Announced()
    name = decision_name(decision)
    return Plan(
        what=name,
        fields=fields,
        items=(*messages, *bubbles, trace),
        handoff=opened,
        out=out,
        timers=announced.timers,
        alerts=announced.alerts,
        counts=(count_turn(name, decision.reason),),
    )


def with_alerts(plan: Plan, announced: Announced) -> Plan:
    """Add alerts and their timers to what shall be written."""
    return msgspec.structs.replace(plan, alerts=announced.alerts, timers=plan.timers | announced.timers)


def decision_name(decision: Decision) -> str:
    """Name the kind of a decision: answer, clarify, handoff or silent."""
    return str(type(decision).__struct_config__.tag)


def closing_fields(handoff: HandoffRecord) -> dict[str, str]:
    """The fields of a conversation whose handoff is closed: the bot answers again."""
    return {"state": "bot", "handoff": "", "assignee": "", "last_handoff": handoff.id}


def return_to_bot(plan: Plan, handoff: HandoffRecord, now: datetime) -> Plan:
    """Close a handoff that nobody has anything to add to; one in which the customer spoke last stays open."""
    if handoff.unreplied_since:
        return plan
    closed = handoffs.finish(handoff, now)
    return msgspec.structs.replace(plan, fields=plan.fields | closing_fields(closed), handoff=closed)


def reply_by_staff(words: str, *, action: str, customer: str, staff: str, now: datetime) -> Outgoing:
    """Make the request for a person's reply. `action` is a random id of this very reply."""
    sender = text("staff", "ja", name=staff)
    parts = split_text(words)
    return Outgoing(
        id=action,
        who="staff",
        key=retry_key(customer, action),
        kind="reply",
        messages=tuple(text_message(part, sender) for part in parts),
        bubbles=tuple(
            BubbleItem(id=f"{action}.{number}", turn="", at=now, who=f"staff:{staff}", text=part)
            for number, part in enumerate(parts)
        ),
        said_at=int(now.timestamp() * 1000),
    )


def retry_key(*parts: str) -> str:
    """Make the retry key of a request: always the same for the same request, so that a repetition is recognised."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(parts)))


def _handoff(decision: Decision, turn: Turn, given: Circumstances) -> HandoffRecord | None:
    """The handoff to write: opened by a Handoff, joined by whatever the customer says while it is open."""
    if given.handoff:
        return None if turn.other else handoffs.join(given.handoff, turn, given.now)
    return _open(decision, turn, given) if isinstance(decision, Handoff) else None


def _open(decision: Handoff, turn: Turn, given: Circumstances) -> HandoffRecord:
    handoff_id = retry_key("handoff", turn.id).replace("-", "")[:16]
    return handoffs.open_handoff(
        handoff_id,
        decision,
        turn,
        customer=given.conversation.customer,
        display_name=given.conversation.display_name,
        nickname=given.conversation.nickname,
        knowledge=given.knowledge.version,
        now=given.now,
    )


def _outgoing(decision: Decision, turn: Turn, given: Circumstances) -> Outgoing | None:
    lang = language_of(turn.text)
    sender = text("bot", lang)
    match decision:
        case Answer(entry):
            kind, said = "answer", given.knowledge.entries[entry].bubbles
            messages = tuple(_message(bubble, sender, given) for bubble in said)
        case Clarify(choices):
            kind, messages = "clarify", (_clarify_message(choices, sender, lang, given),)
            said = (messages[0]["text"],)
        case Handoff():
            kind, said = "notice", _notice(decision, lang, given)
            messages = tuple(_message(bubble, sender, given) for bubble in said)
        case Silent():
            return None
    waits_already = kind == "notice" and given.conversation.state == "waiting"
    if waits_already or not messages:
        return None
    fallback = _open(Handoff("late"), turn, given) if kind in ("answer", "clarify") and not given.handoff else None
    return Outgoing(
        id=f"{turn.id}.out",
        who="bot",
        key=retry_key(turn.id, "0"),
        kind=kind,
        messages=messages,
        bubbles=tuple(
            BubbleItem(id=f"{turn.id}.{number}", turn=turn.id, at=given.now, who="bot", text=words_of(bubble))
            for number, bubble in enumerate(said)
        ),
        said_at=turn.at,
        fallback=fallback,
        read_token=_read_token(given) if kind != "notice" and not given.handoff else "",
    )


def _message(bubble: Bubble, sender: str, given: Circumstances) -> dict[str, Any]:
    if isinstance(bubble, ImageBubble) and given.public_url:
        base = f"{given.public_url}/img"
        return image_message(f"{base}/{bubble.name}", f"{base}/{bubble.preview}", sender)
    return text_message(words_of(bubble), sender)


def _read_token(given: Circumstances) -> str:
    """LINE marks everything up to this message as read: so the last one's token, and only what the bot has handled."""
    tokens = [event.read_token for event in given.events if isinstance(event, Said) and event.read_token]
    return tokens[-1] if tokens else ""


def _clarify_message(choices: tuple[str, ...], sender: str, lang: Lang, given: Circumstances) -> dict[str, Any]:
    customer, entries = given.conversation.customer, given.knowledge.entries
    labels = [cut(entries[choice].question, MAX_DISPLAY) for choice in choices] + [text("ask_staff", lang)]
    data = [button_data(given.key, customer, choice) for choice in (*choices, None)]
    numbered = "\n".join(f"{number}. {label}" for number, label in enumerate(labels, 1))
    message = text_message(f"{text('clarify', lang)}\n\n{numbered}", sender)
    return with_buttons(message, list(zip(labels, data, strict=True)))


def _notice(decision: Handoff, lang: Lang, given: Circumstances) -> tuple[Bubble, ...]:
    """Tell the customer that a person will reply: in the entry's own words where it has some."""
    if decision.reason in _WITHOUT_NOTICE:
        return ()
    if decision.entry and given.knowledge.entries[decision.entry].bubbles:
        return given.knowledge.entries[decision.entry].bubbles
    return (text(_NOTICES.get(decision.reason, "handoff_open"), lang),)


def _message_item(event: Event, turn: Turn) -> MessageItem:
    if isinstance(event, Said):
        return MessageItem(
            id=event.event,
            turn=turn.id,
            at=utc(event.at),
            type=event.kind,
            text=event.text,
            message=event.message,
            media=event.media,
            quoted=event.quoted,
        )
    return MessageItem(id=event.event, turn=turn.id, at=utc(event.at), type="text", text=turn.text, message="")


def _trace(decision: Decision, turn: Turn, given: Circumstances) -> TraceItem:
    entries = given.knowledge.entries
    named = {candidate.entry for candidate in getattr(decision, "candidates", ())}
    named |= set(getattr(decision, "choices", ())) | {getattr(decision, "entry", None)}
    return TraceItem(
        id=f"{turn.id}.trace",
        turn=turn.id,
        at=given.now,
        decision=decision,
        questions={entry: entries[entry].question for entry in named if entry in entries},
        thresholds=Thresholds(sure=SURE, possible=POSSIBLE),
        knowledge=given.knowledge.version,
        model=given.model,
        took_ms=round(given.took_ms, 2),
    )
