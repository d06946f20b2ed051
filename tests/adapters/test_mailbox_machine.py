"""The mailbox against a model: any order of steps, stale calls and repeated calls included, leaves the same state."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis

from service.adapters.caretaking import Caretaker
from service.adapters.embedded import EmbeddedValkey
from service.adapters.lease import Head, Lease
from service.adapters.mailbox import Action, Mailbox
from service.adapters.store import PREFIX, Store, connect
from service.core.conversation import Conversation, Turn
from service.core.events import Incoming
from service.core.plan import Outgoing, Plan
from service.errors import LeaseLost, NotFound

T = TypeVar("T")
CONVERSATIONS = ("Ualice", "Ubob")
OUTCOMES = ("done", "done", "push", "again", "untried")
MOSTLY = st.sampled_from([True, True, True, False])
Status = Literal["done", "lost", "changed", "unsent", "newer"]


@dataclass
class Expected:
    """What a conversation should look like."""

    box: list[str] = field(default_factory=list)
    out: list[str] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    raised_by: dict[str, str] = field(default_factory=dict)
    lease: str | None = None
    rev: int = 0
    restarted: bool = False
    turn: str = ""
    last_sent: str = ""

    def raise_head(self, token: str) -> tuple[str, int] | None:
        if not self.out:
            return None
        head = self.out[0]
        if self.raised_by.get(head) != token:
            self.raised_by[head] = token
            self.tries[head] += 1
        return head, self.tries[head] - 1

    @property
    def waits(self) -> bool:
        return bool(self.box or self.out)


@dataclass
class Held:
    """A lease as somebody holds it, valid or not any more; `head` is the item they would send."""

    lease: Lease
    head: Head | None

    @property
    def conv(self) -> str:
        return self.lease.conversation.customer


class MailboxMachine(RuleBasedStateMachine):
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.redis: Redis = connect(self.url, timeout_s=5)
        self.held: list[Held] = []
        self.store = Store(self.url, timeout_s=5)
        self.mailbox = Mailbox(self.store, keep_days=1)
        self.expected = {conv: Expected() for conv in CONVERSATIONS}
        self.events: list[Incoming] = []
        self.unsent: set[str] = set()
        self.keys: dict[str, str] = {}
        self.erased: dict[str, int] = {}
        self.decided: dict[str, int] = {}
        self.number = 0

    def teardown(self) -> None:
        self.run(self.redis.aclose())
        self.run(self.store.aclose())
        self.loop.close()

    def draw(self, data: st.DataObject, *, valid: bool) -> Held | None:
        """Somebody's lease: one that is still valid, or any one, or none where there is none."""
        held = [one for one in self.held if not valid or self.expected[one.conv].lease == one.lease.token]
        return data.draw(st.sampled_from(held)) if held else None

    def run(self, call: Awaitable[T]) -> T:
        async def wait() -> T:
            return await call

        return self.loop.run_until_complete(wait())

    def next_number(self) -> int:
        self.number += 1
        return self.number

    @initialize()
    def begin_empty(self) -> None:
        self.run(self.redis.flushall())

    @rule(conv=st.sampled_from(CONVERSATIONS))
    def put(self, conv: str) -> None:
        number = self.next_number()
        event = Incoming(f"E{number}", conv, f'{{"n":{number}}}', time.time_ns() // 1_000_000, f"T{number}", "")
        assert self.run(self.mailbox.put([event])) == 1
        self.events.append(event)
        self.expected[conv].box.append(event.id)

    @rule(data=st.data())
    def put_again(self, data: st.DataObject) -> None:
        if self.events:
            assert self.run(self.mailbox.put([data.draw(st.sampled_from(self.events))])) == 0

    @rule(data=st.data())
    def unsend(self, data: st.DataObject) -> None:
        if self.events:
            event = data.draw(st.sampled_from(self.events))
            number = self.next_number()
            notice = Incoming(f"E{number}", event.conversation, "{}", time.time_ns() // 1_000_000, "", f"M{event.id}")
            self.run(self.mailbox.put([notice]))
            self.unsent.add(event.id)
            self.expected[event.conversation].box.append(notice.id)

    @rule(again=st.booleans())
    def take(self, *, again: bool) -> None:
        token = f"L{self.next_number()}"
        lease = self.run(self.mailbox.take(token))
        ready = [conv for conv, want in self.expected.items() if want.lease is None and want.waits]
        if lease is None:
            assert not ready
            return
        if again:
            lease = self.run(self.mailbox.take(token, again=True))
            assert lease is not None
        conv = lease.conversation.customer
        assert conv in ready
        want = self.expected[conv]
        want.lease = token
        assert [waiting.id for waiting in lease.box] == want.box
        self.check_head(lease.head, want.raise_head(token))
        assert lease.conversation.rev == want.rev
        self.held.append(Held(lease, lease.head))

    def check_head(self, head: Head | None, wanted: tuple[str, int] | None) -> None:
        assert (head and (head.item.id, head.attempt.tries)) == wanted

    @rule(data=st.data(), valid=MOSTLY, answers=st.booleans(), again=st.booleans(), count=st.integers(1, 3))
    def commit(self, data: st.DataObject, count: int, *, valid: bool, answers: bool, again: bool) -> None:
        held = self.draw(data, valid=valid)
        if held is None:
            return
        lease, conv = held.lease, held.lease.conversation.customer
        want = self.expected[conv]
        if not lease.box or (lease.head and want.lease == lease.token):
            return
        ids = tuple(waiting.id for waiting in lease.box[:count])
        turn = Turn(id=ids[0], at=0, events=ids, messages=tuple(f"M{event}" for event in ids))
        out = Outgoing(id=f"{ids[0]}.out", who="bot", key="k", kind="answer", messages=(), bubbles=(), said_at=0)
        plan = Plan(what="answer", fields={"state": "bot"}, out=out if answers else None)
        status, head = self.run(self.mailbox.commit(lease, turn, plan))
        assert status == self.wanted_status(want, lease, turn)
        if again and status == "done":
            assert self.run(self.mailbox.commit(lease, turn, plan))[0] == "done"
        if status == "newer":
            want.restarted = True
        if status == "done" and want.turn != turn.id:
            self.apply_commit(want, lease, turn, out if answers else None)
        if status == "done" and want.lease == lease.token:
            self.check_head(head, want.raise_head(lease.token))
            held.head = head
            if not want.out:
                want.lease = None

    def wanted_status(self, want: Expected, lease: Lease, turn: Turn) -> Status:
        if want.turn == turn.id:
            return "done"
        if want.lease != lease.token:
            return "lost"
        if want.rev != lease.conversation.rev:
            return "changed"
        if self.unsent & set(turn.events):
            return "unsent"
        return "newer" if len(want.box) > len(lease.box) and not want.restarted else "done"

    def apply_commit(self, want: Expected, lease: Lease, turn: Turn, out: Outgoing | None) -> None:
        want.turn, want.restarted = turn.id, False
        self.raise_rev(lease.conversation.customer)
        want.box = [event for event in want.box if event not in turn.events]
        for event in turn.events:
            self.decided[event] = self.decided.get(event, 0) + 1
        if out:
            want.out.append(out.id)
            want.tries[out.id], want.raised_by[out.id] = 1, lease.token

    @rule(data=st.data(), valid=MOSTLY, outcome=st.sampled_from(OUTCOMES), again=st.booleans())
    def sent(self, data: st.DataObject, outcome: str, *, valid: bool, again: bool) -> None:
        held = self.draw(data, valid=valid)
        if held is None:
            return
        lease, head = held.lease, held.head
        want = self.expected[held.conv]
        if head is None or (outcome == "push" and head.attempt.mode == "push"):
            return
        if want.lease != lease.token:
            with pytest.raises(LeaseLost):
                self.run(self.mailbox.sent(lease, head, outcome))
        elif want.out and want.out[0] == head.item.id:
            following = self.run(self.mailbox.sent(lease, head, outcome))
            self.apply_sent(want, head.item.id, outcome)
            self.check_head(following, want.raise_head(lease.token) if want.lease else None)
            if following and again:
                repeated = self.run(self.mailbox.sent(lease, head, outcome))
                self.check_head(repeated, want.raise_head(lease.token))
            held.head = following
            if following is None:
                want.lease = None

    def apply_sent(self, want: Expected, item: str, outcome: str) -> None:
        if outcome == "done":
            want.out.pop(0)
        if outcome in ("push", "untried"):
            want.tries[item] = 0
            want.raised_by.pop(item, None)
        if outcome in ("again", "untried"):
            want.lease = None

    @rule(data=st.data())
    def park(self, data: st.DataObject) -> None:
        held = self.draw(data, valid=False)
        if held is None:
            return
        want = self.expected[held.lease.conversation.customer]
        self.run(self.mailbox.park(held.lease, 0))
        if want.lease == held.lease.token:
            want.lease = None

    def raise_rev(self, conv: str) -> None:
        """The first rev is the time, and never comes again; from then on it counts."""
        want = self.expected[conv]
        rev = int(self.run(self.field(conv, "rev")))
        assert rev == want.rev + 1 if want.rev else rev > self.last_rev(conv)
        want.rev = rev

    def last_rev(self, conv: str) -> int:
        return self.erased.get(conv, 0)

    async def field(self, conv: str, name: str) -> bytes:
        return cast("bytes", await self.redis.hget(f"{PREFIX}conv:{conv}", name))

    @rule(
        conv=st.sampled_from(CONVERSATIONS),
        key=st.sampled_from(["", "", "k1", "k2"]),
        data=st.data(),
        replies=st.booleans(),
        again=st.booleans(),
    )
    def staff(self, conv: str, key: str, data: st.DataObject, *, replies: bool, again: bool) -> None:
        """An action of a person: stale, repeated, under a key that was used before, of what a person saw long ago."""
        want = self.expected[conv]
        number = self.next_number()
        stale = data.draw(st.booleans())
        exists = self.run(self.redis.exists(f"{PREFIX}conv:{conv}"))
        looked = data.draw(st.sampled_from([None, None, len(want.box), len(want.box) + 1]))
        conversation = Conversation(customer=conv, rev=want.rev - 1 if stale else want.rev)
        action = Action(id=f"A{number}", who="佐藤", key=key, body=f"B{number}" if key else "", waiting=looked)
        out = Outgoing(id=f"S{number}", who="staff", key="k", kind="reply", messages=(), bubbles=(), said_at=0)
        plan = Plan(what="reply", fields={"state": "human"}, out=out if replies else None)
        acted = self.run(self.mailbox.act(conversation, action, plan))
        fits = not stale and looked in {None, len(want.box)}
        status = "again" if key in self.keys else "gone" if not exists else "done" if fits else "changed"
        assert acted.status == status
        if status == "again":
            assert acted.earlier == self.keys[key]
        if again:
            repeated = self.run(self.mailbox.act(conversation, action, plan))
            assert repeated.status == ("again" if key and status == "done" else status)
        if status == "done":
            self.apply_staff(conv, key, action, out if replies else None)

    def apply_staff(self, conv: str, key: str, action: Action, out: Outgoing | None) -> None:
        want = self.expected[conv]
        self.raise_rev(conv)
        if key:
            self.keys[key] = f"{action.body} {action.id}"
        if out:
            if want.lease is not None and not want.out:
                want.lease = None
            want.out.append(out.id)
            want.tries[out.id] = 0

    @rule(conv=st.sampled_from(CONVERSATIONS))
    def erase(self, conv: str) -> None:
        """Whoever holds the lease, and every person who has looked, comes too late from now on."""
        self.erased[conv] = max(self.expected[conv].rev, self.last_rev(conv))
        with suppress(NotFound):
            self.run(Caretaker(self.store).erase(conv, who="cli"))
        self.expected[conv] = Expected()

    @rule(conv=st.sampled_from(CONVERSATIONS))
    def let_the_lease_end(self, conv: str) -> None:
        want = self.expected[conv]
        if want.lease is not None:
            self.run(self.redis.zadd(f"{PREFIX}leases", {conv: 1}))
            # Whoever takes next sweeps first; here nobody may take anything else in between.
            self.run(self.sweep())
            want.lease = None

    async def sweep(self) -> None:
        """A TAKE that finds nothing due still sweeps: everything else is put off for the moment."""
        ready = cast("list[tuple[bytes, float]]", await self.redis.zrange(f"{PREFIX}ready", 0, -1, withscores=True))
        await self.redis.delete(f"{PREFIX}ready")
        taken = await self.mailbox.take("sweeper")
        if taken is not None:
            await self.mailbox.park(taken, 0)
            conv = taken.conversation.customer
            want = self.expected[conv]
            if want.out:
                want.raise_head("sweeper")
        if ready:
            await self.redis.zadd(f"{PREFIX}ready", dict(ready))

    @invariant()
    def redis_says_what_the_model_says(self) -> None:
        for conv, want in self.expected.items():
            box, out, lease = self.run(self.read(conv))
            assert box == want.box
            assert out == want.out
            assert lease == want.lease

    async def read(self, conv: str) -> tuple[list[str], list[str], str | None]:
        lease = cast("bytes | None", await self.redis.hget(f"{PREFIX}conv:{conv}", "lease"))
        return await self.ids(f"box:{conv}"), await self.ids(f"out:{conv}"), lease.decode() if lease else None

    async def ids(self, name: str) -> list[str]:
        elements = cast("list[bytes]", await self.redis.lrange(f"{PREFIX}{name}", 0, -1))
        return [element.decode().split(" ")[0] for element in elements]

    @invariant()
    def whatever_waits_will_be_taken(self) -> None:
        for conv, want in self.expected.items():
            known = self.run(self.known_to(conv))
            assert known == ({"leases"} if want.lease else {"ready"} if want.waits else set())

    async def known_to(self, conv: str) -> set[str]:
        return {name for name in ("ready", "leases") if await self.redis.zscore(f"{PREFIX}{name}", conv) is not None}

    @invariant()
    def nothing_is_decided_twice(self) -> None:
        assert all(count == 1 for count in self.decided.values())


@pytest.mark.timeout(300)
def test_any_order_of_steps_keeps_to_the_model(valkey: EmbeddedValkey) -> None:
    MailboxMachine.url = valkey.url
    run_state_machine_as_test(MailboxMachine, settings=settings(max_examples=80, stateful_step_count=50, deadline=None))
