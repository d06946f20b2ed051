"""The whole story of one turn.

`handle` gets a leased conversation and does what is due there: first what is left in its outbox, so that nothing is
said out of order, else the next turn. Deciding happens in service/core (triage, settle, carry_out), the single step
that writes a decision in service/adapters/mailbox.py.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec
import structlog

from service.adapters.line import Line
from service.adapters.mailbox import Committed, Head, Lease, Mailbox
from service.core.choices import read_button
from service.core.conversation import Conversation, Tap, Turn, first_turn, make_turn, unsent_turn
from service.core.decisions import AskModel, Decision, Silent
from service.core.events import Event, Said, Tapped, read_event
from service.core.knowledge import Knowledge
from service.core.plan import Circumstances, Plan, carry_out, decision_name
from service.core.records import BubbleItem, ModelTrace, utc
from service.core.sending import Again, Done, MakePush, Outcome, after_sending, before_sending
from service.core.texts import text
from service.core.triage import settle, triage
from service.errors import ModelUnavailable, StoreUnavailable
from service.ports import Adjudicator

log = structlog.get_logger()
_T = TypeVar("_T")
INSIST_DELAYS_S = (0.1, 0.2, 0.5, 1, 2, 4, 8)


class Parts:
    """What the story needs.

    `knowledge` returns the snapshot that is current when a turn begins. `insist_delays_s` are the pauses between the
    repetitions of a step that Redis did not confirm.
    """

    def __init__(
        self,
        *,
        mailbox: Mailbox,
        line: Line,
        knowledge: Callable[[], Knowledge],
        model: Adjudicator | None,
        signing_key: bytes,
        insist_delays_s: Sequence[float] = INSIST_DELAYS_S,
    ) -> None:
        self.mailbox = mailbox
        self.line = line
        self.knowledge = knowledge
        self.model = model
        self.signing_key = signing_key
        self.insist_delays_s = insist_delays_s


async def handle(lease: Lease, parts: Parts) -> None:
    """Do what is due in a leased conversation, and give the lease back.

    Raises StoreUnavailable or LeaseLost when it cannot be finished; somebody takes the conversation again later.
    """
    if lease.head:
        await deliver(lease, lease.head, parts)
    elif lease.box:
        await reply_to(first_turn([read_event(waiting.id, waiting.raw) for waiting in lease.box]), lease, parts)
    else:
        await parts.mailbox.park(lease, 0)


async def reply_to(events: tuple[Event, ...], lease: Lease, parts: Parts) -> None:
    """Decide about the next turn, write the decision and all that follows in one step, then send it."""
    started = time.perf_counter()
    knowledge = parts.knowledge()
    turn = read_turn(events, lease, knowledge, parts.signing_key)
    decision, model = await decide(turn, lease.conversation, knowledge, parts.model)
    took_ms = (time.perf_counter() - started) * 1000
    given = Circumstances(
        conversation=lease.conversation,
        handoff=lease.handoff,
        events=events,
        knowledge=knowledge,
        key=parts.signing_key,
        now=utc(lease.now),
        model=model,
        took_ms=took_ms,
    )
    if await conclude(decision, turn, lease, given, parts) == "unsent":
        await forget(events, lease, given, parts)


async def conclude(decision: Decision, turn: Turn, lease: Lease, given: Circumstances, parts: Parts) -> Committed:
    """Write a decision with all that follows, and send what it says; or give the conversation back undecided."""
    plan = carry_out(decision, turn, given)
    status, head = await insist(lambda: parts.mailbox.commit(lease, turn, plan), parts.insist_delays_s)
    _log_turn(status, decision, turn, lease, given)
    if status in {"changed", "newer"}:
        await parts.mailbox.park(lease, 0)
    elif head:
        await deliver(lease, head, parts)
    return status


def read_turn(events: tuple[Event, ...], lease: Lease, knowledge: Knowledge, key: bytes) -> Turn:
    """Make the turn of its events, with a tapped button read as the choice it stood for."""
    first = events[0]
    tap = read_button(key, lease.conversation.customer, first.data) if isinstance(first, Tapped) else None
    return make_turn(events, tap, _label(tap, knowledge) if tap else "")


def _label(tap: Tap, knowledge: Knowledge) -> str:
    entry = knowledge.entries.get(tap.entry or "")
    return entry.question if entry else text("ask_staff", "ja")


async def decide(
    turn: Turn, conversation: Conversation, knowledge: Knowledge, model: Adjudicator | None
) -> tuple[Decision, ModelTrace | None]:
    """Decide about a turn, with the language model's help where there is one and the turn needs it."""
    step = triage(turn, knowledge, conversation)
    if not isinstance(step, AskModel):
        return step, None
    if model is None:
        return settle(step, knowledge, None), None
    started = time.perf_counter()
    candidates = [knowledge.entries[candidate.entry] for candidate in step.candidates]
    try:
        verdict = await model.adjudicate(step.text, candidates)
        said = msgspec.json.encode(verdict).decode()
    except ModelUnavailable as error:
        verdict, said = None, str(error)
    trace = ModelTrace(model.name, model.prompt_id, said, round((time.perf_counter() - started) * 1000, 1))
    return settle(step, knowledge, verdict), trace


async def forget(events: tuple[Event, ...], lease: Lease, given: Circumstances, parts: Parts) -> None:
    """Pass over what was unsent before it could be answered; whatever else waits is taken again."""
    messages = [event.message for event in events if isinstance(event, Said)]
    gone = await parts.mailbox.unsent(messages)
    turn = unsent_turn(tuple(event for event in events if isinstance(event, Said) and event.message in gone))
    await conclude(Silent("unsent"), turn, lease, given, parts)


async def deliver(lease: Lease, head: Head | None, parts: Parts) -> None:
    """Send what stands in the outbox, in order, and say after each item what became of it."""
    while head:
        head = await _deliver_one(head, lease, parts)


async def _deliver_one(head: Head, lease: Lease, parts: Parts) -> Head | None:
    """Send one item; gives what is to be sent next, None when the lease was given back."""
    attempt, mailbox = head.attempt, parts.mailbox
    verdict = before_sending(attempt, lease.conversation.state)
    verdict = verdict or after_sending(attempt, await _send(head, lease, parts))
    log.info("send", item=head.item.id, mode=attempt.mode, tries=attempt.tries, next=repr(verdict))
    match verdict:
        case Done():
            records, fallback = _finished(head.item.bubbles, verdict), _fallback(head, verdict)
            step = partial(mailbox.sent, lease, head, "done", items=records, fallback=fallback)
        case MakePush():
            step = partial(mailbox.sent, lease, head, "push")
        case Again(delay_ms, untried):
            # Not repeated: run twice it finds the lease given back already.
            return await mailbox.sent(lease, head, "untried" if untried else "again", delay_ms=delay_ms)
    return await insist(step, parts.insist_delays_s)


async def _send(head: Head, lease: Lease, parts: Parts) -> Outcome:
    """Ask LINE, inside our lease. An answer that comes after its end means nothing: another may have sent meanwhile."""
    lease.check()
    if head.attempt.mode == "reply":
        outcome = await parts.line.reply(head.token, head.item.messages)
    else:
        outcome = await parts.line.push(lease.conversation.customer, head.item.messages, head.item.key)
    lease.check()
    return outcome


def _finished(bubbles: Sequence[BubbleItem], done: Done) -> list[BubbleItem]:
    """A request is billed once, however many bubbles it has: the first one carries the mark."""
    return [
        msgspec.structs.replace(bubble, delivery=done.delivery, billed=done.billed and number == 0)
        for number, bubble in enumerate(bubbles)
    ]


def _fallback(head: Head, done: Done) -> Plan | None:
    """An answer that could not be sent becomes a handoff; a notice or a person's reply does not."""
    if head.item.fallback is None or done.delivery == "sent" or done.why == "staff":
        return None
    record = msgspec.structs.replace(head.item.fallback, reason="late" if done.why == "late" else "error")
    fields = {"state": "waiting", "handoff": record.id, "choices": ""}
    return Plan(what="handoff", fields=fields, handoff=record)


async def insist(call: Callable[[], Awaitable[_T]], delays_s: Sequence[float]) -> _T:
    """Repeat a step whose answer was lost; each step given here has the same result when run twice."""
    for delay in delays_s:
        try:
            return await call()
        except StoreUnavailable as error:
            log.warning("redis_away", error=str(error), again_in_s=delay)
            await asyncio.sleep(delay)
    return await call()


def _log_turn(status: Committed, decision: Decision, turn: Turn, lease: Lease, given: Circumstances) -> None:
    log.info(
        "turn",
        turn=turn.id,
        status=status,
        decision=decision_name(decision),
        reason=decision.reason,
        knowledge=given.knowledge.version,
        events=len(turn.events),
        waited_ms=lease.now - lease.box[0].arrived,
        took_ms=round(given.took_ms, 2),
    )
