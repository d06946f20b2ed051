"""The whole story of the outbox: send what stands in it, in order, and write down what became of each item.

What LINE's answers mean is decided in service/core/sending.py, what those to alerts mean in service/core/alerting.py;
each answer is written in one fenced step (SENT).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import msgspec
import structlog

from service.adapters.archive import Archive
from service.adapters.lease import Head, Lease
from service.adapters.line import Line
from service.adapters.mailbox import Mailbox
from service.core.alerting import (
    ALERT_CONVERSATION,
    BROWSER_CONVERSATION,
    Alert,
    Alerting,
    Told,
    after_alerting,
    alerting_at,
    enter_waiting,
    is_wanted,
)
from service.core.counting import count_alert, count_replaced, count_send
from service.core.handoffs import take_back_reply
from service.core.plan import Plan, with_alerts
from service.core.records import BubbleItem, HandoffRecord
from service.core.sending import Again, Attempt, Done, MakePush, Outcome, after_sending, before_sending
from service.core.shop import DEFAULT_SHOP, Shop
from service.errors import NotFound, StoreUnavailable

if TYPE_CHECKING:  # Apprise takes 40 MB: it is loaded only where an address is set
    from service.adapters.notify import Notifier
    from service.adapters.pushing import Pusher

log = structlog.get_logger()
_T = TypeVar("_T")
INSIST_DELAYS_S = (0.1, 0.2, 0.5, 1, 2, 4, 8)
NOBODY_TO_TELL = Alerting()


class Wires:
    """What sending needs.

    `notifier` tells the staff as `alerting` says, `pusher` their browsers; None when nobody is to be told. `shop` gives
    the shop as it is now. `insist_delays_s` are the pauses between repetitions of a step that Redis did not confirm.
    """

    def __init__(
        self,
        *,
        mailbox: Mailbox,
        archive: Archive,
        line: Line,
        notifier: "Notifier | None" = None,
        pusher: "Pusher | None" = None,
        alerting: Alerting = NOBODY_TO_TELL,
        shop: Callable[[], Shop] = lambda: DEFAULT_SHOP,
        insist_delays_s: Sequence[float] = INSIST_DELAYS_S,
    ) -> None:
        self.mailbox = mailbox
        self.archive = archive
        self.line = line
        self.notifier = notifier
        self.pusher = pusher
        self.alerting = alerting
        self.shop = shop
        self.insist_delays_s = insist_delays_s

    def alerting_for(self, lease: Lease) -> Alerting:
        """How staff are alerted at the time of a lease."""
        return alerting_at(self.alerting, self.shop(), lease.shop_now, lease.conversation.today, lease.browsers)


async def deliver(lease: Lease, head: Head | None, wires: Wires) -> None:
    """Send what stands in the outbox, in order, and say after each item what became of it."""
    while head:
        head = await _deliver_one(head, lease, wires)


async def _deliver_one(head: Head, lease: Lease, wires: Wires) -> Head | None:
    """Send one item; gives what is to be sent next, None when the lease was given back."""
    if head.item.alert:
        return await _deliver_alert(head, head.item.alert, lease, wires)
    attempt, mailbox = head.attempt, wires.mailbox
    verdict = _given_up(lease, attempt) or before_sending(attempt, lease.conversation.state)
    verdict = verdict or after_sending(attempt, await _send(head, lease, wires.line))
    log.info("send", item=head.item.id, mode=attempt.mode, tries=attempt.tries, next=repr(verdict))
    match verdict:
        case Done():
            records, fallback = _finished(head.item.bubbles, verdict), _fallback(head, verdict, lease, wires)
            told = {
                "dead": "poison" if verdict.why == "poison" else None,
                "over_quota": verdict.why == "quota",
                "unreplied": _unreplied(head, verdict, lease),
            }
            counts = count_send(head.item.kind, attempt.mode, verdict)
            step = partial(mailbox.sent, lease, head, "done", items=records, counts=counts, fallback=fallback, **told)
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


def _unreplied(head: Head, done: Done, lease: Lease) -> HandoffRecord | None:
    """A person's reply that surely did not go out was none: the customer still waits."""
    if head.item.kind != "reply" or done.delivery != "failed" or lease.handoff is None:
        return None
    return take_back_reply(lease.handoff)


def _finished(bubbles: Sequence[BubbleItem], done: Done) -> list[BubbleItem]:
    """A request is billed once, however many bubbles it has: the first one carries the mark."""
    return [
        msgspec.structs.replace(bubble, delivery=done.delivery, billed=done.billed and number == 0)
        for number, bubble in enumerate(bubbles)
    ]


def _fallback(head: Head, done: Done, lease: Lease, wires: Wires) -> Plan | None:
    """An answer that could not be sent becomes a handoff; a notice or a person's reply does not."""
    if head.item.fallback is None or done.delivery == "sent" or done.why == "staff":
        return None
    record = msgspec.structs.replace(head.item.fallback, reason="late" if done.why == "late" else "error")
    fields = {"state": "waiting", "handoff": record.id, "choices": ""}
    plan = Plan(what="handoff", fields=fields, handoff=record, counts=(count_replaced(record.reason),))
    return with_alerts(plan, enter_waiting(record, head.item.id, lease.shop_now, wires.alerting_for(lease)))


async def _deliver_alert(head: Head, alert: Alert, lease: Lease, wires: Wires) -> Head | None:
    """Tell the staff at one place. An alert that cannot be delivered becomes a dead letter, never a handoff."""
    verdict = await _try_alert(head, alert, lease, wires)
    log.info("alert", item=alert.id, to=lease.conversation.customer, tries=head.attempt.tries, next=repr(verdict))
    if isinstance(verdict, Again):
        return await wires.mailbox.sent(lease, head, "again", delay_ms=verdict.delay_ms)
    dead = verdict.why if verdict.why in {"alert", "poison"} else None
    step = partial(wires.mailbox.sent, lease, head, "done", counts=(count_alert(verdict),), dead=dead)
    return await insist(step, wires.insist_delays_s)


async def _try_alert(head: Head, alert: Alert, lease: Lease, wires: Wires) -> Done | Again:
    """Send it, unless it makes us fail, its address has left the settings, or a person has replied meanwhile.

    What comes back from the past is sent as well: an alert too many is better than a customer whom nobody sees.
    """
    if lease.trouble == "poison":
        return Done("unconfirmed", why="poison")
    if (tell := _way_to(lease.conversation.customer, alert, wires)) is None:
        return Done("failed", why="alert")
    if not await _still_waits(alert.handoff, wires.archive):
        return Done("superseded", why="staff")
    lease.check()
    told = await tell()
    lease.check()
    return after_alerting(head.attempt, told)


def _way_to(outbox: str, alert: Alert, wires: Wires) -> Callable[[], Awaitable[Told]] | None:
    """How an alert gets to whoever this outbox is for; None where there is no way."""
    if outbox.startswith(BROWSER_CONVERSATION):
        browser = outbox.removeprefix(BROWSER_CONVERSATION)
        return partial(wires.pusher.send, browser, alert) if wires.pusher else None
    number = int(outbox.removeprefix(ALERT_CONVERSATION))
    if wires.notifier is None or number >= wires.alerting.targets:
        return None
    return partial(wires.notifier.send, number, alert.title, f"{alert.text}\n{alert.link}".rstrip())


async def _still_waits(handoff: str, archive: Archive) -> bool:
    try:
        return is_wanted(await archive.handoff(handoff))
    except NotFound:  # erased, or its retention has ended
        return False


async def insist(call: Callable[[], Awaitable[_T]], delays_s: Sequence[float]) -> _T:
    """Repeat a step whose answer was lost; each step given here has the same result when run twice."""
    for delay in delays_s:
        try:
            return await call()
        except StoreUnavailable as error:
            log.warning("redis_away", error=str(error), again_in_s=delay)
            await asyncio.sleep(delay)
    return await call()
