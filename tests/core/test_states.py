"""The states of a conversation, whatever happens in whatever order: customers, staff, timers, pauses, nights."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from service.core import handoffs
from service.core.alerting import Alerting
from service.core.conversation import Conversation, State, Tap, Turn
from service.core.decisions import AskModel, Clarify, Decision, Handoff
from service.core.hours import is_open
from service.core.knowledge import build_knowledge
from service.core.plan import Plan, carry_out, closing_fields, return_to_bot
from service.core.records import HandoffRecord
from service.core.shop import Interval, Shop
from service.core.triage import settle, triage
from tests.support.shop import CUSTOMER, ENTRIES, circumstances, entry

SHOP = build_knowledge(
    (*ENTRIES, entry("quiet", "割引はありますか", quiet=True)),
    Shop(week=((Interval(600, 1140),),) * 7, starters=("hours", "parking")),
)
ASKED = "スタッフと話したい"
WORDS = (
    "駐車場はありますか",
    "料金いくら?",
    "宇宙旅行の天気",
    ASKED,
    "ありがとう",
    "こんにちは",
    "クーポン",
    "1",
    "髪型が気に入らない",
)
TAPS = (Tap("parking"), Tap("complaint"), Tap("gone"), Tap("quiet"), Tap(None))
ONE = Alerting(targets=1)


class States(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2025, 11, 25, 3, tzinfo=UTC)
        self.conversation = Conversation(customer=CUSTOMER)
        self.open: HandoffRecord | None = None
        self.closed: HandoffRecord | None = None
        self.turns = self.alerts = self.notices = self.began = 0
        self.just_asked = False

    @property
    def state(self) -> State:
        return self.conversation.state

    def apply(self, plan: Plan) -> None:
        """Write a plan as COMMIT and STAFF do."""
        before, had = self.state, self.open
        assert not (had and plan.handoff) or plan.handoff.id == had.id, "one open handoff, and no other is touched"
        changed = {name: plan.fields[name] or None for name in ("handoff", "assignee") if name in plan.fields}
        self.conversation = msgspec.structs.replace(
            self.conversation,
            state=plan.fields.get("state", before),
            choices=tuple(msgspec.json.decode(plan.fields.get("choices") or "[]")),
            **changed,
        )
        record = plan.handoff or had
        if record and record.status == "done":
            self.open, self.closed = None, record
        else:
            self.open = record if self.conversation.handoff else None
        promised = self.open.due_at if self.open else None
        self.conversation = msgspec.structs.replace(self.conversation, promised_at=promised)
        self.began += before != "waiting" and self.state == "waiting"
        self.alerts += len(plan.alerts)
        self.notices += plan.out is not None and plan.out.kind == "notice"
        assert self.alerts == self.began, "one alert for each time the customer begins to wait"
        assert self.notices <= self.began
        assert (self.state == "bot") == (self.open is None), "somebody is asked exactly while a handoff is open"
        assert not self.open or self.open.status == {"waiting": "waiting", "human": "active"}[self.state]

    @rule(words=st.sampled_from(WORDS), tap=st.sampled_from([None, None, None, *TAPS]), photo=st.booleans())
    def the_customer_writes(self, words: str, tap: Tap | None, *, photo: bool) -> None:
        self.turns += 1
        lines = ("tapped",) if tap else (words,)
        said = Turn(
            id=f"01T{self.turns}",
            at=0,
            events=(f"01E{self.turns}",),
            lines=lines,
            tap=tap,
            media=("image",) if photo and not tap else (),
        )
        before, held, was_open = self.conversation, self.open, is_open(SHOP.shop, self.now)
        step = triage(said, SHOP, self.conversation, self.now)
        decision = settle(step, SHOP, None) if isinstance(step, AskModel) else step
        plan = carry_out(
            decision,
            said,
            circumstances(
                knowledge=SHOP,
                conversation=self.conversation,
                handoff=self.open,
                closed=self.closed if not self.open else None,
                now=self.now,
                alerting=ONE,
            ),
        )
        self.apply(plan)
        self.judge(said, decision, plan, before, was_open=was_open)
        if before.state == "human" and self.state == "waiting":
            assert held
            assert self.conversation.assignee == held.assignee, "it waits for whoever held it"
        assert not self.open or self.open.unreplied_since is not None or before.state == "bot"

    def judge(self, said: Turn, decision: Decision, plan: Plan, before: Conversation, *, was_open: bool) -> None:
        """What the bot may say, by the state that it found."""
        kind = plan.out.kind if plan.out else None
        if before.paused:
            assert kind is None, "switched off, the bot says nothing at all"
        if before.state == "human":
            assert kind in {None, "notice"}, "a person is never talked over"
            assert kind is None or not was_open
        if before.state == "waiting":
            assert kind in {None, "answer"}
        if not said.tap and ASKED in said.lines:
            assert self.state != "bot", "who asks for a person gets one"
        if isinstance(decision, Clarify) and decision.reason != "stale_button":
            assert not self.just_asked, "nobody is asked back twice in a row"
        self.just_asked = isinstance(decision, Clarify)
        if self.state == "waiting" and before.state == "bot" and self.closed and isinstance(decision, Handoff):
            again = handoffs.may_rejoin(self.closed, self.now)
            assert (self.open is not None and self.open.id == self.closed.id) == again

    @rule(minutes=st.sampled_from([1, 10, 31, 60, 600, 1440, 4400]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def the_bot_is_switched_off_or_on(self) -> None:
        self.conversation = msgspec.structs.replace(self.conversation, paused=not self.conversation.paused)

    @precondition(lambda self: self.open is not None)
    @rule(staff=st.sampled_from(["佐藤", "鈴木"]), replies=st.booleans())
    def staff_take_it(self, staff: str, *, replies: bool) -> None:
        assert self.open is not None
        held = handoffs.claim(self.open, staff, take_over=True)
        held = handoffs.reply(held, staff, self.now) if replies else held
        self.apply(Plan(what="claim", fields={"state": "human", "assignee": staff}, handoff=held))
        self.conversation = msgspec.structs.replace(self.conversation, staff_at=self.now)

    @precondition(lambda self: self.open is not None)
    @rule()
    def staff_are_done(self) -> None:
        assert self.open is not None
        done = handoffs.finish(self.open, self.now)
        self.apply(Plan(what="done", fields=closing_fields(done), handoff=done))

    @precondition(lambda self: self.state == "human")
    @rule()
    def nobody_has_said_anything_for_long(self) -> None:
        assert self.open is not None
        unreplied = self.open.unreplied_since
        plan = return_to_bot(Plan(what="timer", fields={"state": "human"}), self.open, self.now)
        self.apply(plan)
        assert (self.state == "bot") == (unreplied is None), "what the customer said last never closes by itself"


States.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestStates = States.TestCase
