"""The whole story of one turn.

`handle` gets a leased conversation and does what is due there: first what is left in its outbox, so that nothing is
said out of order, else the next turn. Deciding happens in service/core (triage, settle, carry_out), the single step
that writes a decision in service/adapters/mailbox.py.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, cast

import msgspec
import structlog

from service.adapters.archive import Archive
from service.adapters.lease import Lease
from service.adapters.line import Line
from service.adapters.mailbox import Committed, Mailbox
from service.advising import Advisor, Talk
from service.core.alerting import Alerting, announce
from service.core.choices import read_button, read_number
from service.core.conversation import Conversation, State, Tap, Turn, first_turn, make_turn, unsent_turn
from service.core.decisions import AskModel, Decision, Handoff, Silent
from service.core.events import Event, Said, TakenBack, Tapped, Timer, read_event
from service.core.history import LOOK_BACK
from service.core.knowledge import Knowledge
from service.core.plan import Circumstances, Plan, carry_out, decision_name, return_to_bot, with_alerts
from service.core.records import HandoffRecord, Item, ModelTrace
from service.core.texts import text
from service.core.timing import BURST_MS, Moment, if_in_time, wait_for_more
from service.core.triage import settle
from service.core.unsending import blank_handoff, blank_items
from service.delivering import INSIST_DELAYS_S, NOBODY_TO_TELL, Wires, deliver, insist
from service.errors import NotFound
from service.sensing import Sense, judge

if TYPE_CHECKING:
    from service.adapters.notify import Notifier
    from service.adapters.pushing import Pusher

log = structlog.get_logger()


class Parts(Wires):
    """What the story needs.

    `knowledge` returns the snapshot that is current when a turn begins, `burst_ms` is how long an unsure turn waits for
    more messages, `public_url` where LINE fetches pictures from (None for nowhere).
    """

    def __init__(
        self,
        *,
        mailbox: Mailbox,
        archive: Archive,
        line: Line,
        knowledge: Callable[[], Knowledge],
        advisor: Advisor | None,
        sense: Sense | None = None,
        signing_key: bytes,
        notifier: "Notifier | None" = None,
        pusher: "Pusher | None" = None,
        alerting: Alerting = NOBODY_TO_TELL,
        insist_delays_s: Sequence[float] = INSIST_DELAYS_S,
        burst_ms: int = BURST_MS,
        public_url: str | None = None,
    ) -> None:
        super().__init__(
            mailbox=mailbox,
            archive=archive,
            line=line,
            notifier=notifier,
            pusher=pusher,
            alerting=alerting,
            shop=lambda: knowledge().shop,
            insist_delays_s=insist_delays_s,
        )
        self.knowledge = knowledge
        self.advisor = advisor
        self.sense = sense
        self.signing_key = signing_key
        self.burst_ms = burst_ms
        self.public_url = public_url


async def handle(lease: Lease, parts: Parts) -> None:
    """Do what is due in a leased conversation, and give the lease back.

    Raises StoreUnavailable or LeaseLost when it cannot be finished; somebody takes the conversation again later.
    """
    if lease.head:
        await deliver(lease, lease.head, parts)
    elif lease.box and lease.trouble == "poison":
        await bury(lease, parts)
    elif lease.box:
        await reply_to(first_turn([read_event(waiting.id, waiting.raw) for waiting in lease.box]), lease, parts)
    else:
        await parts.mailbox.park(lease, 0)


async def reply_to(events: tuple[Event, ...], lease: Lease, parts: Parts) -> None:
    """Decide about the next turn, write the decision and all that follows in one step, then send it."""
    started = time.perf_counter()
    knowledge = parts.knowledge()
    turn = read_turn(events, lease, knowledge, parts.signing_key)
    moment = _moment(turn, lease)
    sense = None if lease.trouble else parts.sense
    step, knowledge = await judge(turn, knowledge, lease.conversation, lease.shop_now, sense)
    step = _despite_trouble(step, lease)
    if wait_ms := wait_for_more(step, moment, parts.burst_ms):
        await parts.mailbox.park(lease, wait_ms)
        await parts.line.account.show_loading(lease.conversation.customer)
        return
    decision, model = await resolve(
        step, knowledge, parts.advisor, lambda: _talk(lease.conversation.customer, parts), lease.shop_now
    )
    decision = if_in_time(decision, moment)
    given = Circumstances(
        conversation=await _introduced(decision, lease, parts),
        handoff=lease.handoff,
        closed=await _closed_last(decision, lease, parts),
        events=events,
        knowledge=knowledge,
        key=parts.signing_key,
        now=lease.shop_now,
        model=model,
        took_ms=(time.perf_counter() - started) * 1000,
        public_url=parts.public_url,
        alerting=parts.alerting_for(lease),
    )
    plan = await _follow_up(carry_out(decision, turn, given), events[0], lease, parts)
    if await conclude(plan, decision, turn, lease=lease, given=given, parts=parts) == "unsent":
        await forget(events, lease, given, parts)


async def _follow_up(plan: Plan, event: Event, lease: Lease, parts: Parts) -> Plan:
    """Add what an event does that is no message."""
    match event:
        case TakenBack(message=message):
            return await _blank(message, plan, lease, parts)
        case Timer(name="return") if lease.handoff and lease.conversation.state == "human":
            return return_to_bot(plan, lease.handoff, lease.shop_now)
        case Timer(name="alert" | "remind" as kind, event=step) if lease.handoff:
            return with_alerts(plan, announce(kind, lease.handoff, step, lease.shop_now, parts.alerting_for(lease)))
        case _:
            return plan


async def conclude(
    plan: Plan,
    decision: Decision,
    turn: Turn,
    *,
    lease: Lease,
    given: Circumstances,
    parts: Parts,
    dead: str | None = None,
) -> Committed:
    """Write a decision with all that follows, and send what it says; or give the conversation back undecided."""
    status, head = await insist(lambda: parts.mailbox.commit(lease, turn, plan, dead=dead), parts.insist_delays_s)
    _log_turn(status, decision, turn, lease, given)
    if status in {"changed", "newer"}:
        await parts.mailbox.park(lease, 0)
    elif head:
        # What was so before the decision is over: what follows from it is sent as usual.
        lease.trouble = None
        state = cast("State", plan.fields.get("state", lease.conversation.state))
        lease.conversation = msgspec.structs.replace(lease.conversation, state=state)
        await deliver(lease, head, parts)
    return status


def read_turn(events: tuple[Event, ...], lease: Lease, knowledge: Knowledge, key: bytes) -> Turn:
    """Make the turn of its events, with a tapped button or a typed number read as the choice it stands for."""
    tap = _read_tap(events, lease.conversation, key)
    return make_turn(events, tap, _label(tap, knowledge) if tap else "")


def _read_tap(events: tuple[Event, ...], conversation: Conversation, key: bytes) -> Tap | None:
    if isinstance(events[0], Tapped):
        return read_button(key, conversation.customer, events[0].data)
    said = [event.text for event in events if isinstance(event, Said) and event.kind == "text"]
    return read_number("\n".join(said), conversation.choices)


def _label(tap: Tap, knowledge: Knowledge) -> str:
    entry = knowledge.entries.get(tap.entry or "")
    return entry.question if entry else text("ask_staff", "ja")


async def resolve(
    step: Decision | AskModel, knowledge: Knowledge, advisor: Advisor | None, talk: Talk, at: datetime
) -> tuple[Decision, ModelTrace | None]:
    """Come to a decision, with the language model's help where there is one and it is needed."""
    if not isinstance(step, AskModel):
        return step, None
    if advisor is None:
        return settle(step, knowledge, None), None
    return await advisor.decide(step, knowledge, talk, at)


async def _talk(customer: str, parts: Parts) -> list[Item]:
    return (await parts.archive.talk_before(customer, "", LOOK_BACK))[0]


def _moment(turn: Turn, lease: Lease) -> Moment:
    arrived = min((waiting.arrived for waiting in lease.box if waiting.id in turn.events), default=lease.now)
    return Moment(said_at=turn.at, arrived=arrived, now=lease.now, reply_is_free=lease.reply_is_free)


def _despite_trouble(step: Decision | AskModel, lease: Lease) -> Decision | AskModel:
    """What came back from the past, and what has gaps, is for the staff to read."""
    if lease.trouble is None or isinstance(step, Silent):
        return step
    return Handoff("overflow" if lease.trouble == "overflow" else "late")


async def _introduced(decision: Decision, lease: Lease, parts: Parts) -> Conversation:
    """The conversation, with the customer's name on LINE when staff are going to need it."""
    conversation = lease.conversation
    if not isinstance(decision, Handoff) or conversation.display_name or lease.handoff:
        return conversation
    profile = await parts.line.account.profile(conversation.customer)
    return msgspec.structs.replace(conversation, display_name=profile.name if profile else None)


async def _closed_last(decision: Decision, lease: Lease, parts: Parts) -> HandoffRecord | None:
    """The handoff that was closed last, where it may be opened again."""
    last = lease.conversation.last_handoff
    if lease.handoff or not last or not isinstance(decision, Handoff):
        return None
    with suppress(NotFound):  # its retention may have ended
        return await parts.archive.handoff(last)
    return None


async def _blank(message: str, plan: Plan, lease: Lease, parts: Parts) -> Plan:
    """Take a message's words out of everything that staff can read. The search index and the model never kept them."""
    conversation = lease.conversation
    talk = await parts.archive.talk(conversation.customer)
    blanked = blank_items(message, talk)
    await parts.mailbox.forget_dead_letters(conversation.customer, message)
    handoff = lease.handoff
    if handoff is None and conversation.last_handoff:
        with suppress(NotFound):  # its retention may have ended
            handoff = await parts.archive.handoff(conversation.last_handoff)
    return msgspec.structs.replace(
        plan, items=(*blanked, *plan.items), handoff=blank_handoff(handoff, blanked, talk) if handoff else None
    )


async def forget(events: tuple[Event, ...], lease: Lease, given: Circumstances, parts: Parts) -> None:
    """Pass over what was unsent before it could be answered; whatever else waits is taken again."""
    messages = [event.message for event in events if isinstance(event, Said)]
    gone = await parts.mailbox.unsent(messages)
    turn = unsent_turn(tuple(event for event in events if isinstance(event, Said) and event.message in gone))
    decision = Silent("unsent")
    await conclude(carry_out(decision, turn, given), decision, turn, lease=lease, given=given, parts=parts)


async def bury(lease: Lease, parts: Parts) -> None:
    """Give up on what made us fail again and again: staff get a handoff, the events are kept as dead letters.

    Nothing of it is read here: reading it may be what fails.
    """
    turn = Turn(id=lease.box[0].id, at=lease.box[0].arrived, events=tuple(waiting.id for waiting in lease.box))
    given = Circumstances(
        conversation=lease.conversation,
        handoff=lease.handoff,
        events=(),
        knowledge=parts.knowledge(),
        key=parts.signing_key,
        now=lease.shop_now,
        model=None,
        took_ms=0,
        public_url=parts.public_url,
        alerting=parts.alerting_for(lease),
    )
    decision = Handoff("error") if lease.conversation.state == "bot" else Silent("waiting")
    plan = carry_out(decision, turn, given)
    await conclude(plan, decision, turn, lease=lease, given=given, parts=parts, dead="poison")


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
