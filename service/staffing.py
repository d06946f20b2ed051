"""The whole story of one action of the staff: read the handoff, change it, write it unless somebody was faster.

Every action goes through one fenced step. When the conversation changed between reading and writing, it is read again
and the rules are asked again: two people never both win, and a customer's message never undoes an action.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
import structlog

from service.adapters.archive import Archive
from service.adapters.mailbox import Action, Mailbox
from service.core import handoffs
from service.core.actions import Portrait, act_on, pause, portray, return_later
from service.core.bubbles import split_text
from service.core.conversation import Conversation
from service.core.entries import Bubble
from service.core.events import Said, Tapped, read_event
from service.core.hours import business_day
from service.core.plan import Plan, reply_by_staff
from service.core.records import HandoffRecord, MessageItem
from service.core.shop import Shop
from service.core.tally import tally_reply
from service.errors import Conflict, KeyReused, NotFound

log = structlog.get_logger()
ATTEMPTS = 8


class Order(msgspec.Struct, frozen=True):
    """Who wants something done. `key` and `body` tell a repetition of it: hashes of its Idempotency-Key and of what was
    asked, empty where it has none.
    """

    staff: str
    key: str = ""
    body: str = ""


class Message(msgspec.Struct, frozen=True):
    """What a person sends: at most five bubbles; `public_url` is where LINE fetches the pictures among them.

    `entry` is the one whose answer it is, word for word; empty for a person's own words.
    """

    bubbles: Sequence[Bubble]
    public_url: str | None = None
    entry: str = ""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What an action finds: the conversation, and the handoff it concerns or, where it names none, the open one.

    `said` is the customer's last turn, and `waiting` how many events wait; both only where the action needs them.
    """

    conversation: Conversation
    handoff: HandoffRecord | None
    said: tuple[MessageItem, ...] = ()
    waiting: int | None = None

    @property
    def named(self) -> HandoffRecord:
        """The handoff that the action names."""
        if self.handoff is None:
            raise NotFound("there is no such handoff")
        return self.handoff


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One action: what it is called, whose conversation and which handoff it concerns, and its rule.

    The rule says what shall be written, None when nothing is left to do, and raises Conflict where it must not be.
    `seen` is the last message that the person saw: with a newer one there, nothing is done.
    """

    what: str
    customer: str
    handoff: str = ""
    rule: Callable[[Scene], Plan | None]
    seen: str | None = None


class Desk:
    """What a member of the staff can do.

    Raises NotFound, Conflict, StoreUnavailable, or KeyReused for a key under which something else was asked.
    An order that was carried out before, under the same key, is not carried out again.
    """

    def __init__(self, archive: Archive, mailbox: Mailbox) -> None:
        self._archive = archive
        self._mailbox = mailbox

    async def claim(self, order: Order, handoff_id: str, *, take_over: bool = False) -> HandoffRecord:
        """Hold a handoff: from now on the bot says nothing in this conversation."""

        def rule(scene: Scene) -> Plan | None:
            return act_on("claim", scene.named, handoffs.claim(scene.named, order.staff, take_over=take_over))

        return await self._change("claim", order, handoff_id, rule)

    async def assign(self, order: Order, handoff_id: str, to: str) -> HandoffRecord:
        """Have somebody else hold it, whoever holds it now."""

        def rule(scene: Scene) -> Plan | None:
            return act_on("assign", scene.named, handoffs.claim(scene.named, to, take_over=True))

        return await self._change("assign", order, handoff_id, rule)

    async def reply(self, order: Order, handoff_id: str, words: str, now: datetime, seen: str | None = None) -> str:
        """Put a reply into the outbox, claiming the handoff if nobody has. Returns the id of its first bubble."""
        return await self.send(order, handoff_id, Message(split_text(words)), now, seen)

    async def send(self, order: Order, handoff_id: str, message: Message, now: datetime, seen: str | None) -> str:
        """As `reply`, with bubbles that are made already: the FAQ's own, pictures too."""
        customer = (await self._archive.handoff(handoff_id)).customer
        return await self._send(order, customer, handoff_id, message, now=now, seen=seen)

    async def write(self, order: Order, customer: str, words: str, now: datetime, seen: str | None = None) -> str:
        """As `reply`, in the customer's open handoff; where there is none, a new one is opened and held.

        Raises Conflict for somebody who never wrote.
        """
        if not customer.startswith("U"):
            raise Conflict("only a customer can be written to, no group")
        try:
            return await self._send(order, customer, "", Message(split_text(words)), now=now, seen=seen)
        except NotFound as error:
            raise Conflict("this customer has never written") from error

    async def replied_elsewhere(
        self, order: Order, handoff_id: str, now: datetime, seen: str | None = None
    ) -> HandoffRecord:
        """Count as a reply what was said in LINE itself or by telephone. Nothing is sent."""
        shop = await self._archive.shop()

        def rule(scene: Scene) -> Plan | None:
            after = handoffs.reply(scene.named, order.staff, now)
            return _replied(act_on("replied_elsewhere", scene.named, after), scene.named, after, shop, now)

        return await self._change("replied_elsewhere", order, handoff_id, rule, seen)

    async def finish(self, order: Order, handoff_id: str, now: datetime, seen: str | None = None) -> HandoffRecord:
        """Close a handoff: the bot answers again. Closing it twice is no error."""

        def rule(scene: Scene) -> Plan | None:
            return act_on("done", scene.named, handoffs.finish(scene.named, now))

        return await self._change("done", order, handoff_id, rule, seen)

    async def reopen(self, order: Order, handoff_id: str, now: datetime) -> HandoffRecord:
        """Take a closed handoff up again. The customer is told nothing."""
        shop = await self._archive.shop()

        def rule(scene: Scene) -> Plan | None:
            record = handoffs.reopen(scene.named, order.staff, scene.conversation.handoff)
            return return_later(act_on("reopen", scene.named, record), now + shop.return_to_bot_after)

        return await self._change("reopen", order, handoff_id, rule)

    async def annotate(self, order: Order, handoff_id: str, words: str, now: datetime) -> HandoffRecord:
        """Add a note for the others."""

        def rule(scene: Scene) -> Plan | None:
            return act_on("note", scene.named, handoffs.annotate(scene.named, order.staff, words, now))

        return await self._change("note", order, handoff_id, rule)

    async def tag(self, order: Order, handoff_id: str, tags: Sequence[str]) -> HandoffRecord:
        """Set the tags."""

        def rule(scene: Scene) -> Plan | None:
            return act_on("tags", scene.named, handoffs.tag(scene.named, tags))

        return await self._change("tags", order, handoff_id, rule)

    async def portray(self, order: Order, customer: str, portrait: Portrait) -> None:
        """Write down nickname, tags and pinned note of a customer."""
        task = Task(what="customer", customer=customer, rule=lambda scene: portray(portrait, scene.handoff))
        await self._do(order, task, secrets.token_hex(12))

    async def pause(self, order: Order, customer: str, *, paused: bool) -> None:
        """Switch automatic answers off for one customer, or on again."""
        plan = pause(paused=paused)
        await self._do(order, Task(what=plan.what, customer=customer, rule=lambda _: plan), secrets.token_hex(12))

    async def _change(
        self,
        what: str,
        order: Order,
        handoff_id: str,
        rule: Callable[[Scene], Plan | None],
        seen: str | None = None,
    ) -> HandoffRecord:
        customer = (await self._archive.handoff(handoff_id)).customer
        task = Task(what=what, customer=customer, handoff=handoff_id, rule=rule, seen=seen)
        _, after = await self._do(order, task, secrets.token_hex(12))
        return after or await self._archive.handoff(handoff_id)

    async def _send(
        self, order: Order, customer: str, handoff_id: str, message: Message, *, now: datetime, seen: str | None
    ) -> str:
        action = secrets.token_hex(12)
        out = reply_by_staff(
            message.bubbles,
            action=action,
            customer=customer,
            staff=order.staff,
            now=now,
            public_url=message.public_url,
        )

        shop = await self._archive.shop()

        def rule(scene: Scene) -> Plan | None:
            before = scene.named if handoff_id else scene.handoff
            if not (before or scene.said):
                raise Conflict("this customer has never written")
            opened = before or handoffs.open_by_staff(action[:16], scene.conversation, scene.said, order.staff, now)
            after = handoffs.reply(opened, order.staff, now)
            return _replied(act_on("reply", before, after, out), before, after, shop, now, entry=message.entry)

        task = Task(what="reply", customer=customer, handoff=handoff_id, rule=rule, seen=seen)
        written, _ = await self._do(order, task, action)
        return f"{written}.0"

    async def _do(self, order: Order, task: Task, action: str) -> tuple[str, HandoffRecord | None]:
        """Carry out a task once. Returns the id of the action that was written, and the handoff after this one.

        Whoever repeats an order while its first try still runs may find the rule broken by that very try.
        """
        try:
            return await self._earlier(order) or await self._try(order, task, action)
        except Conflict:
            if earlier := await self._earlier(order):
                return earlier
            raise

    async def _try(self, order: Order, task: Task, action: str) -> tuple[str, HandoffRecord | None]:
        for _ in range(ATTEMPTS):
            scene = await self._look(task)
            if scene is None:
                continue
            plan = task.rule(scene)
            if plan is None and not order.key:
                return action, scene.handoff
            plan = plan or Plan(what=task.what, fields={})
            after = plan.handoff or scene.handoff
            about = after.id if after else ""
            signed = Action(
                id=action, who=order.staff, about=about, key=order.key, body=order.body, waiting=scene.waiting
            )
            acted = await self._mailbox.act(scene.conversation, signed, plan)
            match acted.status:
                case "done":
                    log.info("staff", what=task.what, handoff=about, staff=order.staff)
                    return action, after
                case "again":
                    return _same(acted.earlier, order), None
                case "gone":
                    raise NotFound(f"no conversation with {task.customer}")
                case "changed":
                    continue
        raise Conflict("the conversation kept changing; try again")

    async def _look(self, task: Task) -> Scene | None:
        """Read all that the rule asks for. None when the open handoff went away meanwhile."""
        # The conversation first: its rev then fences whatever happens after this line.
        conversation = await self._archive.conversation(task.customer)
        handoff: HandoffRecord | None = None
        if handoff_id := task.handoff or conversation.handoff:
            try:
                handoff = await self._archive.handoff(handoff_id)
            except NotFound:
                if task.handoff:
                    raise
                return None
        said: list[MessageItem] = []
        if task.seen is not None or not handoff:
            said = await self._archive.last_turn(task.customer)
        waiting = None
        if task.seen is not None:
            waiting = await self._check_seen(task.seen, task.customer, handoff, said)
        return Scene(conversation=conversation, handoff=handoff, said=tuple(said), waiting=waiting)

    async def _earlier(self, order: Order) -> tuple[str, None] | None:
        earlier = await self._archive.carried_out(order.key) if order.key else None
        return (_same(earlier, order), None) if earlier else None

    async def _check_seen(
        self, seen: str, customer: str, handoff: HandoffRecord | None, said: Sequence[MessageItem]
    ) -> int:
        """Raise Conflict when the customer has written more than the person saw. Returns how many events wait.

        A turn is shown whole, so its own id will do for its last message's.
        """
        box = await self._archive.box(customer)
        newest = {name for item in said[-1:] for name in (item.id, item.message, item.turn)}
        newest |= {turn.id for turn in handoff.turns[-1:]} if handoff else set()
        waiting = any(isinstance(read_event(event.id, event.raw), Said | Tapped) for event in box)
        if waiting or seen not in newest:
            raise Conflict("the customer has written since: read it first")
        return len(box)


def _replied(
    plan: Plan | None,
    before: HandoffRecord | None,
    after: HandoffRecord,
    shop: Shop,
    now: datetime,
    *,
    entry: str = "",
) -> Plan | None:
    """Add what follows from a person's reply: it is tallied, and the bot gets its turn later."""
    later = return_later(plan, now + shop.return_to_bot_after)
    return later and msgspec.structs.replace(later, tally=tally_reply(before, after, business_day(shop, now), entry))


def _same(earlier: str, order: Order) -> str:
    body, _, action = earlier.partition(" ")
    if body != order.body:
        raise KeyReused("this Idempotency-Key was used for something else")
    return action
