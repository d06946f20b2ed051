"""The whole story of one action of the staff: read the handoff, change it, write it unless somebody was faster.

Every action goes through one fenced step. When the conversation changed between reading and writing, it is read again
and the rules are asked again: two people never both win, and a customer's message never undoes an action.
"""

import secrets
from collections.abc import Callable
from datetime import datetime

import structlog

from service.adapters.archive import Archive
from service.adapters.mailbox import Mailbox
from service.core import handoffs
from service.core.alerting import STOPPED
from service.core.plan import Outgoing, Plan, closing_fields, reply_by_staff
from service.core.records import HandoffRecord
from service.errors import Conflict

log = structlog.get_logger()
ATTEMPTS = 8
RETURN_TO_BOT_AFTER_MS = 24 * 3600 * 1000
Change = Callable[[HandoffRecord], HandoffRecord]


class Desk:
    """What a member of the staff can do. Raises NotFound, Conflict, or StoreUnavailable."""

    def __init__(self, archive: Archive, mailbox: Mailbox) -> None:
        self._archive = archive
        self._mailbox = mailbox

    async def claim(self, handoff_id: str, staff: str, *, take_over: bool) -> HandoffRecord:
        """Hold a handoff: from now on the bot says nothing in this conversation."""
        record = await self._archive.handoff(handoff_id)
        return await self._act(
            "claim", record, staff, lambda record: handoffs.claim(record, staff, take_over=take_over)
        )

    async def reply(self, handoff_id: str, staff: str, words: str, now: datetime) -> str:
        """Put a reply into the outbox, claiming the handoff if nobody has. Returns the id of its first bubble."""
        record = await self._archive.handoff(handoff_id)
        action = secrets.token_hex(12)
        out = reply_by_staff(words, action=action, customer=record.customer, staff=staff, now=now)
        await self._act("reply", record, staff, lambda record: handoffs.reply(record, staff, now), out)
        return out.bubbles[0].id

    async def finish(self, handoff_id: str, staff: str, now: datetime) -> HandoffRecord:
        """Close a handoff: the bot answers again. Closing it twice is no error."""
        record = await self._archive.handoff(handoff_id)
        return await self._act("done", record, staff, lambda record: handoffs.finish(record, now))

    async def _act(
        self, what: str, record: HandoffRecord, staff: str, change: Change, out: Outgoing | None = None
    ) -> HandoffRecord:
        action = out.id if out else secrets.token_hex(12)
        for _ in range(ATTEMPTS):
            # The conversation first: its rev then fences whatever happens to the handoff after this line.
            conversation = await self._archive.conversation(record.customer)
            before = await self._archive.handoff(record.id)
            after = change(before)
            if after == before and out is None:
                return before
            closed = after.status == "done"
            fields = closing_fields(after) if closed else {"state": "human", "assignee": staff}
            timers = {"return": out.said_at + RETURN_TO_BOT_AFTER_MS} if out else {"return": 0} if closed else {}
            if out or closed:
                timers |= STOPPED
            bubbles = out.bubbles if out else ()
            plan = Plan(what=what, fields=fields, items=bubbles, handoff=after, out=out, timers=timers)
            if await self._mailbox.act(conversation, action, plan):
                log.info("staff", what=what, handoff=record.id, staff=staff)
                return after
        raise Conflict("the conversation kept changing; try again")
