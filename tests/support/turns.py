"""Turns that a worker decides and commits one after the other, without LINE."""

import secrets
import time
from datetime import datetime

import msgspec

from service.adapters.mailbox import Mailbox
from service.core.choices import read_number
from service.core.conversation import make_turn
from service.core.decisions import AskModel
from service.core.events import Incoming, read_event
from service.core.knowledge import Knowledge
from service.core.plan import carry_out
from service.core.records import utc
from service.core.triage import settle, triage
from tests.support.shop import CUSTOMER, circumstances


async def say(
    mailbox: Mailbox, knowledge: Knowledge, *texts: str, customer: str = CUSTOMER, choices: tuple[str, ...] = ()
) -> datetime:
    """Let a customer write, and a worker decide and send, as production does. Returns when the last was decided.

    With `choices` a number that is written is one of them.
    """
    now = utc(0)
    for text in texts:
        number, at = secrets.token_hex(6), time.time_ns() // 1_000_000
        raw = {
            "type": "message",
            "timestamp": at,
            "source": {"type": "user", "userId": customer},
            "message": {"id": number, "type": "text", "text": text},
        }
        await mailbox.put([Incoming(number, customer, msgspec.json.encode(raw).decode(), at, f"token-{number}", "")])
        lease = await mailbox.take(secrets.token_hex(16))
        assert lease is not None
        events = tuple(read_event(waiting.id, waiting.raw) for waiting in lease.box)
        tap = read_number(text, choices) if choices else None
        turn, now = make_turn(events, tap, text), utc(lease.now)
        step = triage(turn, knowledge, lease.conversation, now)
        decision = settle(step, knowledge, None) if isinstance(step, AskModel) else step
        given = circumstances(
            *events, knowledge=knowledge, conversation=lease.conversation, handoff=lease.handoff, now=now
        )
        status, head = await mailbox.commit(lease, turn, carry_out(decision, turn, given))
        assert status == "done"
        while head:
            head = await mailbox.sent(lease, head, "done")
    return now
