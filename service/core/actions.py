"""What follows from an action of the staff: the handoff as it shall be, and with it state, timers and bubbles.

Pure, as service/core/plan.py is for the customers' turns.
"""

from datetime import datetime

import msgspec

from service.core.alerting import STOPPED
from service.core.plan import Outgoing, Plan, closing_fields
from service.core.records import HandoffRecord, ms


class Portrait(msgspec.Struct, frozen=True):
    """What staff want to change of what they wrote about a customer. None leaves it, an empty one takes it away."""

    nickname: str | None = None
    tags: tuple[str, ...] | None = None
    note: str | None = None


def act_on(what: str, before: HandoffRecord | None, after: HandoffRecord, out: Outgoing | None = None) -> Plan | None:
    """Say all that follows when a handoff changes by somebody's hand; None when nothing does."""
    if before == after and out is None:
        return None
    held = after.status == "active"
    fields = {"state": "human", "handoff": after.id, "assignee": after.assignee or ""} if held else {}
    timers: dict[str, int] = {}
    if after.status == "done" and before and before.status != "done":
        fields, timers = closing_fields(after), {"return": 0}
    if fields and after.unreplied_since is None:
        timers |= STOPPED
    return Plan(what=what, fields=fields, items=out.bubbles if out else (), handoff=after, out=out, timers=timers)


def return_later(plan: Plan | None, due: datetime) -> Plan | None:
    """Have the conversation given back to the bot when staff have nothing to add until `due`."""
    return plan and msgspec.structs.replace(plan, timers=plan.timers | {"return": ms(due)})


def portray(portrait: Portrait, handoff: HandoffRecord | None) -> Plan:
    """Write down what staff say about a customer. `handoff` is the open one: it shows the nickname, too."""
    fields: dict[str, str] = {}
    if portrait.nickname is not None:
        fields["nickname"] = portrait.nickname
        if handoff:
            handoff = msgspec.structs.replace(handoff, nickname=portrait.nickname or None)
    if portrait.tags is not None:
        tags = tuple(dict.fromkeys(portrait.tags))
        fields["tags"] = msgspec.json.encode(tags).decode() if tags else ""
    if portrait.note is not None:
        fields["note"] = portrait.note
    return Plan(what="customer", fields=fields, handoff=handoff)


def pause(*, paused: bool) -> Plan:
    """Have a customer answered by nobody but staff, or by the bot again."""
    return Plan(what="pause" if paused else "unpause", fields={"paused": "1" if paused else ""})
