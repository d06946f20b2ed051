"""The whole story of the outbox: send what stands in it, in order, and write down what became of each item.

What LINE's answers mean is decided in service/core/sending.py; each answer is written in one fenced step (SENT).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec
import structlog

from service.adapters.lease import Head, Lease
from service.adapters.line import Line
from service.adapters.mailbox import Mailbox
from service.core.plan import Plan
from service.core.records import BubbleItem
from service.core.sending import Again, Attempt, Done, MakePush, Outcome, after_sending, before_sending
from service.errors import StoreUnavailable

log = structlog.get_logger()
_T = TypeVar("_T")
INSIST_DELAYS_S = (0.1, 0.2, 0.5, 1, 2, 4, 8)


class Wires:
    """What sending needs.

    `insist_delays_s` are the pauses between the repetitions of a step that Redis did not confirm.
    """

    def __init__(self, *, mailbox: Mailbox, line: Line, insist_delays_s: Sequence[float] = INSIST_DELAYS_S) -> None:
        self.mailbox = mailbox
        self.line = line
        self.insist_delays_s = insist_delays_s


async def deliver(lease: Lease, head: Head | None, wires: Wires) -> None:
    """Send what stands in the outbox, in order, and say after each item what became of it."""
    while head:
        head = await _deliver_one(head, lease, wires)


async def _deliver_one(head: Head, lease: Lease, wires: Wires) -> Head | None:
    """Send one item; gives what is to be sent next, None when the lease was given back."""
    attempt, mailbox = head.attempt, wires.mailbox
    verdict = _given_up(lease, attempt) or before_sending(attempt, lease.conversation.state)
    verdict = verdict or after_sending(attempt, await _send(head, lease, wires.line))
    log.info("send", item=head.item.id, mode=attempt.mode, tries=attempt.tries, next=repr(verdict))
    match verdict:
        case Done():
            records, fallback = _finished(head.item.bubbles, verdict), _fallback(head, verdict)
            dead = "poison" if verdict.why == "poison" else None
            step = partial(mailbox.sent, lease, head, "done", items=records, fallback=fallback, dead=dead)
        case MakePush():
            step = partial(mailbox.sent, lease, head, "push")
        case Again(delay_ms, untried):
            # Not repeated: run twice it finds the lease given back already.
            return await mailbox.sent(lease, head, "untried" if untried else "again", delay_ms=delay_ms)
    following = await insist(step, wires.insist_delays_s)
    if isinstance(verdict, Done) and verdict.delivery == "sent" and head.item.read_token:
        await wires.line.account.mark_as_read(head.item.read_token)
    return following


def _given_up(lease: Lease, attempt: Attempt) -> Done | None:
    """What is brought back from the past may have been sent then; what makes us fail is not tried for ever."""
    match lease.trouble:
        case "restored":
            return Done("unconfirmed", why="unconfirmed")
        case "poison":
            return Done("unconfirmed" if attempt.tries else "failed", why="poison")
        case _:
            return None


async def _send(head: Head, lease: Lease, line: Line) -> Outcome:
    """Ask LINE, inside our lease. An answer that comes after its end means nothing: another may have sent meanwhile."""
    lease.check()
    if head.attempt.mode == "reply":
        outcome = await line.reply(head.token, head.item.messages)
    else:
        outcome = await line.push(lease.conversation.customer, head.item.messages, head.item.key)
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
