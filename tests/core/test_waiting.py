"""Whatever happens in whatever order: each time a customer begins to wait there is one alert and at most one notice."""

from datetime import datetime, timedelta

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from service.core import handoffs
from service.core.alerting import Alerting, announce
from service.core.conversation import Conversation, Tap, Turn
from service.core.decisions import AskModel, Decision, Handoff, HandoffReason, Silent
from service.core.plan import Plan, carry_out, closing_fields
from service.core.records import HandoffRecord
from service.core.timing import Moment, if_in_time
from service.core.triage import settle, triage
from tests.support.shop import CUSTOMER, NOON, NOON_MS, circumstances, make_shop

SHOP = make_shop()
WORDS = (
    "駐車場はありますか",
    "料金いくら?",
    "トリミングはできますか",
    "スタッフと話したい",
    "ありがとう",
    "クーポン",
    "1",
)
TAPS = (Tap("parking"), Tap("complaint"), Tap("gone"), Tap(None))
TROUBLE: tuple[HandoffReason | None, ...] = (None, None, None, "late", "overflow")
ONE = Alerting(targets=1)


class Waiting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.conversation = Conversation(customer=CUSTOMER)
        self.handoff: HandoffRecord | None = None
        self.turns = 0
        self.alerts = self.notices = self.began = 0

    @property
    def now(self) -> datetime:
        return NOON + timedelta(minutes=self.turns)

    def apply(self, plan: Plan) -> None:
        """Write a plan, and count what staff and customer get of it."""
        before = self.conversation.state
        self.conversation = msgspec.structs.replace(
            self.conversation,
            state=plan.fields.get("state", before),
            handoff=plan.fields.get("handoff", self.conversation.handoff) or None,
            choices=tuple(msgspec.json.decode(plan.fields.get("choices") or "[]")),
        )
        self.handoff = (plan.handoff or self.handoff) if self.conversation.handoff else None
        self.began += before != "waiting" and self.conversation.state == "waiting"
        self.alerts += len(plan.alerts)
        self.notices += plan.out is not None and plan.out.kind == "notice"
        assert self.alerts == self.began
        assert self.notices <= self.began

    @rule(
        words=st.sampled_from(WORDS),
        tap=st.sampled_from([None, None, *TAPS]),
        late=st.booleans(),
        trouble=st.sampled_from(TROUBLE),
    )
    def write(self, words: str, tap: Tap | None, trouble: HandoffReason | None, *, late: bool) -> None:
        self.turns += 1
        turn = Turn(
            id=f"01T{self.turns}", at=NOON_MS, events=(f"01E{self.turns}",), lines=() if tap else (words,), tap=tap
        )
        self.carry_out(self.decide(turn, trouble, late=late), turn)

    @rule()
    def send_a_photo(self) -> None:
        self.turns += 1
        turn = Turn(id=f"01T{self.turns}", at=NOON_MS, events=(f"01E{self.turns}",), media=("image",))
        self.carry_out(self.decide(turn, None, late=False), turn)

    def decide(self, turn: Turn, trouble: HandoffReason | None, *, late: bool) -> Decision:
        step = triage(turn, SHOP, self.conversation, self.now)
        if trouble and not isinstance(step, Silent):
            return Handoff(trouble)
        decision = settle(step, SHOP, None) if isinstance(step, AskModel) else step
        age = 3_600_000 if late else 0
        return if_in_time(decision, Moment(NOON_MS, NOON_MS + age, NOON_MS + age, reply_is_free=False))

    def carry_out(self, decision: Decision, turn: Turn) -> None:
        given = circumstances(
            knowledge=SHOP, conversation=self.conversation, handoff=self.handoff, now=self.now, alerting=ONE
        )
        self.apply(carry_out(decision, turn, given))

    @precondition(lambda self: self.handoff is not None)
    @rule(replies=st.booleans())
    def staff_take_it(self, *, replies: bool) -> None:
        assert self.handoff is not None
        held = handoffs.claim(self.handoff, "佐藤", take_over=True)
        held = handoffs.reply(held, "佐藤", self.now) if replies else held
        self.apply(Plan(what="claim", fields={"state": "human"}, handoff=held))

    @precondition(lambda self: self.handoff is not None)
    @rule()
    def staff_are_done(self) -> None:
        assert self.handoff is not None
        closed = handoffs.finish(self.handoff, self.now)
        self.apply(Plan(what="done", fields=closing_fields(closed), handoff=closed))

    @precondition(lambda self: self.handoff is not None)
    @rule()
    def the_reminder_is_due(self) -> None:
        assert self.handoff is not None
        announced = announce("remind", self.handoff, "timer", self.now, ONE)
        assert len(announced.alerts) == (self.handoff.unreplied_since is not None)


Waiting.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestWaiting = Waiting.TestCase
