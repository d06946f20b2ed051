"""What follows from a decision: the records, the state, the handoff and the bubbles, all written in one step.

Pure: it only says what shall be written (a `Plan`); the mailbox writes it, or writes nothing.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from service.core import handoffs
from service.core.alerting import Alert, Alerting, Announced, enter_waiting
from service.core.conversation import Conversation, Turn
from service.core.counting import count_turn
from service.core.decisions import Answer, Clarify, Decision, Greet, Handoff
from service.core.entries import Bubble, words_of
from service.core.events import Event, Said
from service.core.hours import business_day, due_at
from service.core.knowledge import Knowledge
from service.core.records import (
    BubbleItem,
    HandoffRecord,
    Item,
    MessageItem,
    ModelTrace,
    Thresholds,
    TraceItem,
    ms,
    utc,
)
from service.core.tally import Tally, tally_turn
from service.core.texts import language_of, text
from service.core.wording import Speech, SpeechKind, Voice, as_message, speak

_NAMESPACE = uuid.UUID("5e0d9b4e-7c8e-4a57-9a6e-0d6f5c0b7a11")
# What a customer's blocking and unblocking of the shop's account leaves in the conversation.
_BLOCKING: Mapping[str, str] = MappingProxyType({"unfollow": "1", "follow": ""})
OutKind = Literal[SpeechKind, "reply", "alert"]


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
    runs out (Redis' ms), 0 to stop it. `alerts` are for whoever is told. `counts` names what is counted with it
    (service/core/counting.py), `tally` what the shop's owner is shown of it.
    """

    what: str
    fields: dict[str, str]
    items: tuple[Item, ...] = ()
    handoff: HandoffRecord | None = None
    out: Outgoing | None = None
    timers: dict[str, int] = {}
    alerts: tuple[Alert, ...] = ()
    counts: tuple[str, ...] = ()
    tally: Tally | None = None


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What `carry_out` must know besides the decision.

    `handoff` is the open one, `closed` the one that was closed last, if there is no open one. `events` are the turn's
    own, `key` signs buttons, and `public_url` is where LINE fetches pictures: without one they are sent in words.
    """

    conversation: Conversation
    handoff: HandoffRecord | None
    closed: HandoffRecord | None = None
    events: tuple[Event, ...]
    knowledge: Knowledge
    key: bytes
    now: datetime
    model: ModelTrace | None
    took_ms: float
    public_url: str | None = None
    alerting: Alerting = Alerting()


def carry_out(decision: Decision, turn: Turn, given: Circumstances) -> Plan:
    """Say all that follows from the decision about a turn."""
    speech = _speak(decision, turn, given)
    if isinstance(decision, Answer) and speech is None:
        # All its sentences ask for facts that the shop does not give (service/core/placeholders.py).
        return carry_out(Handoff("error", candidates=decision.candidates), turn, given)
    out = _outgoing(speech, turn, given) if speech else None
    opened = _handoff(decision, turn, given)
    fields = _fields(decision, turn, opened, given)
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
        timers=announced.timers | ({"return": 0} if begins_to_wait else {}),
        alerts=announced.alerts,
        counts=(count_turn(name, decision.reason),),
        tally=tally_turn(name, decision, turn, given.conversation, business_day(given.knowledge.shop, given.now)),
    )


def _fields(decision: Decision, turn: Turn, opened: HandoffRecord | None, given: Circumstances) -> dict[str, str]:
    """The conversation's fields that change."""
    fields = {"state": given.conversation.state}
    if not turn.other:
        # Choices hold for the customer's next turn; what is no message does not take them away.
        fields["choices"] = ""
    if isinstance(decision, Clarify):
        fields["choices"] = msgspec.json.encode(decision.choices).decode()
    if isinstance(decision, Handoff) and opened:
        fields |= {"state": "waiting", "handoff": opened.id, "assignee": opened.assignee or ""}
    if isinstance(decision, Greet) and decision.reason == "group":
        fields["group_at"] = str(ms(given.now))
    if turn.other is not None and turn.other in _BLOCKING:
        fields["blocked"] = _BLOCKING[turn.other]
    if given.conversation.display_name:
        fields["display_name"] = given.conversation.display_name
    return fields


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


def reply_by_staff(
    bubbles: Sequence[Bubble], *, action: str, customer: str, staff: str, now: datetime, public_url: str | None = None
) -> Outgoing:
    """Make the request for a person's reply: at most five bubbles. `action` is a random id of this very reply.

    `public_url` is where LINE fetches pictures.
    """
    sender = text("staff", "ja", name=staff)
    return Outgoing(
        id=action,
        who="staff",
        key=retry_key(customer, action),
        kind="reply",
        messages=tuple(as_message(bubble, sender, public_url) for bubble in bubbles),
        bubbles=tuple(
            BubbleItem(id=f"{action}.{number}", turn="", at=now, who=f"staff:{staff}", text=words_of(bubble))
            for number, bubble in enumerate(bubbles)
        ),
        said_at=ms(now),
    )


def retry_key(*parts: str) -> str:
    """Make the retry key of a request: always the same for the same request, so that a repetition is recognised."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(parts)))


def _handoff(decision: Decision, turn: Turn, given: Circumstances) -> HandoffRecord | None:
    """The handoff to write: opened or reopened by a Handoff, joined by whatever is said while it is open."""
    due = due_at(given.knowledge.shop, given.now, given.conversation.today)
    if given.handoff and turn.other:
        return None
    if given.handoff and given.conversation.state == "human" and isinstance(decision, Handoff):
        return handoffs.wait_again(given.handoff, turn, given.now, due)
    if given.handoff:
        return handoffs.join(given.handoff, turn, given.now)
    if not isinstance(decision, Handoff):
        return None
    if given.closed and handoffs.may_rejoin(given.closed, given.now):
        return handoffs.rejoin(given.closed, turn, given.now, due)
    return _open(decision, turn, given)


def _open(decision: Handoff, turn: Turn, given: Circumstances) -> HandoffRecord:
    handoff_id = retry_key("handoff", turn.id).replace("-", "")[:16]
    return handoffs.open_handoff(
        handoff_id,
        decision,
        turn,
        customer=given.conversation.customer,
        display_name=given.conversation.display_name,
        nickname=given.conversation.nickname,
        entry=given.knowledge.entries.get(decision.entry or ""),
        knowledge=given.knowledge.version,
        now=given.now,
        due_at=due_at(given.knowledge.shop, given.now, given.conversation.today),
    )


def _speak(decision: Decision, turn: Turn, given: Circumstances) -> Speech | None:
    voice = Voice(
        knowledge=given.knowledge,
        customer=given.conversation.customer,
        key=given.key,
        now=given.now,
        lang=language_of(turn.text),
        public_url=given.public_url,
        today=given.conversation.today,
        waiting=given.conversation.state == "waiting",
    )
    return speak(decision, voice)


def _outgoing(speech: Speech, turn: Turn, given: Circumstances) -> Outgoing:
    may_fail = speech.kind in ("answer", "clarify") and not given.handoff
    return Outgoing(
        id=f"{turn.id}.out",
        who="bot",
        key=retry_key(turn.id, "0"),
        kind=speech.kind,
        messages=speech.messages,
        bubbles=tuple(
            BubbleItem(id=f"{turn.id}.{number}", turn=turn.id, at=given.now, who="bot", text=words)
            for number, words in enumerate(speech.words)
        ),
        said_at=turn.at,
        fallback=_open(Handoff("late"), turn, given) if may_fail else None,
        read_token=_read_token(given) if speech.kind != "notice" and not given.handoff else "",
    )


def _read_token(given: Circumstances) -> str:
    """LINE marks everything up to this message as read: so the last one's token, and only what the bot has handled."""
    tokens = [event.read_token for event in given.events if isinstance(event, Said) and event.read_token]
    return tokens[-1] if tokens else ""


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
        thresholds=Thresholds(sure=given.knowledge.calibration.sure, clarify=given.knowledge.calibration.clarify),
        knowledge=given.knowledge.version,
        calibration=given.knowledge.calibration.id,
        model=given.model,
        took_ms=round(given.took_ms, 2),
    )
