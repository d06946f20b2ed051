"""The story of one turn where it does not go smoothly, told to hand-written stand-ins for Redis, LINE and the model."""

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import msgspec
import pytest

from service.adapters.line import Line
from service.adapters.mailbox import Committed, Head, Lease, Mailbox, Waiting
from service.core.choices import button_data
from service.core.conversation import Conversation, State, Tap, Turn
from service.core.decisions import Answer, Clarify, Handoff, NoneFits, Pick, Unclear, Verdict
from service.core.entries import Entry
from service.core.events import Event, Other, Tapped
from service.core.handoffs import open_handoff
from service.core.plan import Outgoing, Plan, reply_by_staff
from service.core.records import BubbleItem, HandoffRecord, Item, MessageItem
from service.core.sending import Accepted, Attempt, Limited, Outcome, Refused, Unknown
from service.errors import LeaseLost, ModelUnavailable, StoreUnavailable
from service.ports import Adjudicator
from service.replying import Parts, decide, deliver, handle, insist, read_turn, reply_to
from tests.support.shop import CUSTOMER, KEY, NOON, NOON_MS, make_shop, message, turn

SHOP = make_shop()
SURE = "駐車場はありますか"
UNSURE = "料金いくら?"
MINUTE = 60_000
BAD_TOKEN = Refused(400, details=False)


class Post:
    """Stands for the mailbox: answers COMMIT as told, then hands out what is to be sent, and notes every call."""

    def __init__(self, *commits: Committed, then: Sequence[Head] = (), gone: Sequence[str] = (), away: int = 0) -> None:
        self.commits = list(commits)
        self.then = list(then)
        self.gone = set(gone)
        self.away = away
        self.calls: list[str] = []
        self.turns: list[Turn] = []
        self.plans: list[Plan] = []
        self.items: list[Item] = []
        self.fallbacks: list[Plan] = []

    def note(self, call: str, lease: Lease | None = None) -> None:
        assert lease is None or lease.token == "t"
        self.calls.append(call)
        if self.away:
            self.away -= 1
            raise StoreUnavailable(call)

    async def commit(self, lease: Lease, turn: Turn, plan: Plan) -> tuple[Committed, Head | None]:
        self.turns.append(turn)
        self.plans.append(plan)
        self.note("commit", lease)
        status = self.commits.pop(0) if self.commits else "done"
        return status, head(plan.out) if status == "done" and plan.out else None

    async def sent(
        self,
        lease: Lease,
        sent: Head,
        outcome: str,
        *,
        delay_ms: int = 0,
        items: Sequence[Item] = (),
        fallback: Plan | None = None,
    ) -> Head | None:
        self.note(f"sent {outcome} {delay_ms}" if delay_ms else f"sent {outcome}", lease)
        self.items += items
        self.fallbacks += [fallback] if fallback else []
        if outcome == "push":
            return head(sent.item, mode="push", now=sent.attempt.now)
        return self.then.pop(0) if self.then and outcome == "done" else None

    async def park(self, lease: Lease, delay_ms: int) -> None:
        self.note(f"park {delay_ms}", lease)

    async def unsent(self, messages: Sequence[str]) -> set[str]:
        self.note("unsent")
        return self.gone & set(messages)

    @property
    def deliveries(self) -> list[tuple[str, bool]]:
        return [(item.delivery, item.billed) for item in self.items if isinstance(item, BubbleItem)]


class Phone:
    """Stands for LINE: gives its outcomes in turn, then takes everything, and notes every call."""

    def __init__(self, *outcomes: Outcome, meanwhile: Callable[[], None] | None = None) -> None:
        self.outcomes = list(outcomes)
        self.meanwhile = meanwhile
        self.calls: list[tuple[str, ...]] = []

    async def reply(self, token: str, messages: tuple[dict[str, Any], ...]) -> Outcome:
        return self.answer("reply", token, *(sent["text"] for sent in messages))

    async def push(self, to: str, messages: tuple[dict[str, Any], ...], key: str) -> Outcome:
        return self.answer("push", to, key, *(sent["text"] for sent in messages))

    def answer(self, *call: str) -> Outcome:
        self.calls.append(call)
        if self.meanwhile:
            self.meanwhile()
        return self.outcomes.pop(0) if self.outcomes else Accepted()


class Model:
    """Stands for the language model: says what it was told to say."""

    name = "small"
    prompt_id = "abc123"

    def __init__(self, verdict: Verdict | None) -> None:
        self.verdict = verdict
        self.asked: list[tuple[str, list[str]]] = []

    async def adjudicate(self, text: str, candidates: list[Entry]) -> Verdict:
        self.asked.append((text, [candidate.id for candidate in candidates]))
        if self.verdict is None:
            raise ModelUnavailable("no answer within 4 s")
        return self.verdict


def parts(post: Post, phone: Phone, model: Adjudicator | None = None, delays: Sequence[float] = (0, 0)) -> Parts:
    return Parts(
        mailbox=cast("Mailbox", post),
        line=cast("Line", phone),
        knowledge=lambda: SHOP,
        model=model,
        signing_key=KEY,
        insist_delays_s=delays,
    )


def lease(
    *raws: str,
    state: State = "bot",
    first: Head | None = None,
    handoff: HandoffRecord | None = None,
    now: int = NOON_MS,
) -> Lease:
    return Lease(
        token="t",
        conversation=Conversation(customer=CUSTOMER, state=state, handoff=handoff.id if handoff else None),
        now=now,
        ends_at=math.inf,
        box=tuple(Waiting(f"01E{number}", now, raw) for number, raw in enumerate(raws, 1)),
        head=first,
        handoff=handoff,
    )


def raw(text: str, number: int = 1) -> str:
    source = {"type": "user", "userId": CUSTOMER}
    said = {"id": f"m{number}", "type": "text", "text": text}
    event = {"type": "message", "timestamp": NOON_MS + number, "source": source, "message": said}
    return msgspec.json.encode(event).decode()


def head(item: Outgoing, *, mode: str = "reply", tries: int = 0, now: int = NOON_MS, token_at: int = NOON_MS) -> Head:
    attempt = Attempt(
        mode="push" if mode == "push" else "reply",
        tries=tries,
        by_bot=item.who == "bot",
        said_at=item.said_at,
        token_at=token_at,
        first_try=now if tries else 0,
        now=now,
    )
    return Head(item, attempt, "" if mode == "push" else "reply-token")


def answer(item_id: str = "01E1.out", *words: str, fallback: bool = True) -> Outgoing:
    """An answer of the bot's, as COMMIT puts it into the outbox."""
    spoken = words or ("はい。",)
    instead = open_handoff("h1", Handoff("late"), turn(SURE), customer=CUSTOMER, knowledge="v1", now=NOON)
    return Outgoing(
        id=item_id,
        who="bot",
        key=f"key of {item_id}",
        kind="answer",
        messages=tuple({"type": "text", "text": text} for text in spoken),
        bubbles=tuple(
            BubbleItem(id=f"{item_id}.{number}", turn="01E1", at=NOON, who="bot", text=text)
            for number, text in enumerate(spoken)
        ),
        said_at=NOON_MS,
        fallback=instead if fallback else None,
    )


STAFF = reply_by_staff("承ります。", action="a1", customer=CUSTOMER, staff="佐藤", now=NOON)


async def reply(said: Event, held: Lease, given: Parts) -> None:
    await reply_to((said,), held, given)


async def test_a_sure_answer_is_written_then_sent_then_ticked_off() -> None:
    post, phone = Post(), Phone()
    await handle(lease(raw(SURE)), parts(post, phone))
    assert post.calls == ["commit", "sent done"]
    assert phone.calls == [("reply", "reply-token", "駐車場はありますかの答えです。")]
    assert post.deliveries == [("sent", False)]


async def test_what_is_left_in_the_outbox_goes_out_before_the_next_message_is_decided() -> None:
    post, phone = Post(), Phone()
    await handle(lease(raw(SURE), first=head(answer())), parts(post, phone))
    assert (post.calls, len(phone.calls)) == (["sent done"], 1)


async def test_a_lease_with_nothing_to_do_is_given_back() -> None:
    post = Post()
    await handle(lease(), parts(post, Phone()))
    assert post.calls == ["park 0"]


async def test_one_turn_is_decided_at_a_time() -> None:
    post = Post()
    follow = raw("", 2).replace('"message"', '"follow"', 1)
    await handle(lease(raw(SURE, 1), follow, raw("カットいくら?", 3)), parts(post, Phone()))
    assert [said.events for said in post.turns] == [("01E1",)]


@pytest.mark.parametrize("status", ["newer", "changed"])
async def test_a_turn_that_is_overtaken_is_given_back_at_once_and_nothing_is_sent(status: Committed) -> None:
    post, phone = Post(status), Phone()
    await reply(message(SURE), lease(raw(SURE)), parts(post, phone))
    assert (post.calls, phone.calls) == (["commit", "park 0"], [])


async def test_a_turn_that_was_taken_away_is_left_alone() -> None:
    post, phone = Post("lost"), Phone()
    await reply(message(SURE), lease(raw(SURE)), parts(post, phone))
    assert (post.calls, phone.calls) == (["commit"], [])


async def test_what_was_taken_back_meanwhile_is_passed_over_without_a_word() -> None:
    post, phone = Post("unsent", gone=["m1"]), Phone()
    said = (message(SURE, number=1), message("カットいくら?", number=2))
    await reply_to(said, lease(raw(SURE), raw("カットいくら?", 2)), parts(post, phone))
    assert (post.calls, phone.calls) == (["commit", "unsent", "commit"], [])
    assert (post.turns[1].events, post.turns[1].other, post.turns[1].lines) == (("01E1",), "unsent", ())
    assert SURE not in msgspec.json.encode(post.plans[1].items).decode()
    assert post.plans[1].out is None


@pytest.mark.parametrize("status", ["newer", "changed"])
async def test_passing_over_gives_the_conversation_back_when_it_is_overtaken(status: Committed) -> None:
    """The unsend itself waits by then, so this is the rule and not the exception."""
    post = Post("unsent", status, gone=["m1"])
    await reply(message(SURE), lease(raw(SURE)), parts(post, Phone()))
    assert post.calls == ["commit", "unsent", "commit", "park 0"]


async def test_a_step_that_redis_did_not_confirm_is_repeated_the_same() -> None:
    post, phone = Post(away=2), Phone()
    await reply(message(SURE), lease(raw(SURE)), parts(post, phone))
    assert post.calls == ["commit", "commit", "commit", "sent done"]
    assert post.plans[0] == post.plans[1] == post.plans[2]
    assert len(phone.calls) == 1


async def test_while_redis_stays_away_nothing_is_sent() -> None:
    post, phone = Post(away=3), Phone()
    with pytest.raises(StoreUnavailable):
        await reply(message(SURE), lease(raw(SURE)), parts(post, phone))
    assert (post.calls, phone.calls) == (["commit"] * 3, [])


async def test_what_was_sent_is_ticked_off_although_redis_was_away() -> None:
    post, phone = Post(), Phone()
    phone.meanwhile = lambda: setattr(post, "away", 2)
    await deliver(lease(), head(answer()), parts(post, phone))
    assert post.calls == ["sent done"] * 3
    assert len(phone.calls) == 1


async def test_giving_an_item_back_is_not_repeated() -> None:
    post = Post(away=1)
    with pytest.raises(StoreUnavailable):
        await deliver(lease(), head(answer()), parts(post, Phone(Unknown("timeout"))))
    assert post.calls == ["sent again 500"]


def failing(*errors: Exception) -> Callable[[], Awaitable[str]]:
    """Make a call that fails with each of the errors and then succeeds."""
    left = list(errors)

    async def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


async def test_only_a_store_that_is_away_is_insisted_on() -> None:
    assert await insist(failing(StoreUnavailable()), (0,)) == "done"
    with pytest.raises(LeaseLost):
        await insist(failing(LeaseLost()), (0,))
    with pytest.raises(StoreUnavailable):
        await insist(failing(StoreUnavailable(), StoreUnavailable()), (0,))


# Deciding, with and without a model.


async def ask(text: str, model: Model | None, *choices: str) -> tuple[Any, Any]:
    return await decide(turn(text), Conversation(customer=CUSTOMER, choices=choices), SHOP, model)


@pytest.mark.parametrize(
    ("verdict", "kind", "reason"),
    [
        (NoneFits(), Handoff, "no_entry"),
        (Unclear(("cut", "color")), Clarify, "model_unclear"),
        (Pick("cut"), Clarify, "unsure"),
        (Pick("never heard of"), Clarify, "unsure"),
        (None, Clarify, "unsure"),
    ],
    ids=repr,
)
async def test_a_verdict_settles_what_is_unsure(verdict: Verdict | None, kind: type, reason: str) -> None:
    decision, trace = await ask(UNSURE, Model(verdict))
    assert isinstance(decision, kind)
    assert decision.reason == reason
    assert (trace.name, trace.prompt) == ("small", "abc123")


async def test_the_models_pick_is_answered_where_the_ranking_agrees() -> None:
    decision, trace = await ask("カットとカラーの料金", Model(Pick("color")))
    assert isinstance(decision, Answer)
    assert (decision.entry, decision.reason) == ("color", "model")
    assert msgspec.json.decode(trace.verdict) == {"type": "pick", "entry": "color"}


async def test_a_model_that_fails_costs_nothing_but_its_help_and_the_trace_says_why() -> None:
    without, no_trace = await ask(UNSURE, None)
    decision, trace = await ask(UNSURE, Model(None))
    assert decision == without
    assert no_trace is None
    assert trace.verdict == "no answer within 4 s"
    assert trace.ms >= 0


async def test_the_model_is_asked_about_the_entries_best_first() -> None:
    model = Model(NoneFits())
    await ask(UNSURE, model)
    ((text, candidates),) = model.asked
    assert text == UNSURE
    assert candidates[:2] == ["color", "cut"]


@pytest.mark.parametrize("text", [SURE, "スタッフと話したい", "ありがとう", "予約したい", "クーポン"])
async def test_the_model_is_not_asked_where_it_is_not_needed(text: str) -> None:
    model = Model(NoneFits())
    assert (await ask(text, model))[1] is None
    assert model.asked == []


async def test_after_a_clarify_a_model_that_fails_means_staff() -> None:
    decision, _ = await ask(UNSURE, Model(None), "cut", "color")
    assert isinstance(decision, Handoff)
    assert decision.reason == "unsure"


# Buttons.


@pytest.mark.parametrize(
    ("entry", "label"), [("cut", "カットの料金はいくらですか"), (None, "スタッフに聞く"), ("old", "スタッフに聞く")]
)
def test_a_tapped_button_is_read_as_its_choice(entry: str | None, label: str) -> None:
    tapped = Tapped("01T", NOON_MS, button_data(KEY, CUSTOMER, entry))
    said = read_turn((tapped,), lease(), SHOP, KEY)
    assert (said.tap, said.lines, said.other) == (Tap(entry), (label,), None)


@pytest.mark.parametrize("data", ["", "choice:0:cut", button_data(KEY, "U" + "9" * 32, "cut")])
def test_a_button_that_is_not_ours_or_not_theirs_is_no_choice(data: str) -> None:
    said = read_turn((Tapped("01T", NOON_MS, data),), lease(), SHOP, KEY)
    assert (said.tap, said.other) == (None, "button")


async def test_a_tap_is_answered_and_recorded_as_what_stood_on_the_button() -> None:
    post, phone = Post(), Phone()
    tapped = Tapped("01T", NOON_MS, button_data(KEY, CUSTOMER, "cut"))
    await reply(tapped, lease(raw("x")), parts(post, phone))
    assert phone.calls == [("reply", "reply-token", "カットの料金はいくらですかの答えです。")]
    kept = post.plans[0].items[0]
    assert isinstance(kept, MessageItem)
    assert kept.text == "カットの料金はいくらですか"


async def test_an_event_that_is_no_message_is_written_and_nothing_sent() -> None:
    post, phone = Post(), Phone()
    await reply(Other("01F", NOON_MS, "follow"), lease(raw("x")), parts(post, phone))
    assert (post.calls, phone.calls) == (["commit"], [])


# Sending: the whole table.


async def send(item: Head, *outcomes: Outcome, state: State = "bot") -> tuple[Post, Phone]:
    post, phone = Post(), Phone(*outcomes)
    await deliver(lease(state=state), item, parts(post, phone))
    return post, phone


async def test_a_push_is_billed_once_however_many_bubbles_it_has() -> None:
    post, phone = await send(head(answer("01E1.out", "一", "二"), mode="push"))
    assert phone.calls == [("push", CUSTOMER, "key of 01E1.out", "一", "二")]
    assert post.deliveries == [("sent", True), ("sent", False)]
    assert post.fallbacks == []


async def test_a_refused_token_makes_it_a_push_and_the_push_is_billed() -> None:
    post, phone = await send(head(answer()), BAD_TOKEN)
    assert [call[0] for call in phone.calls] == ["reply", "push"]
    assert post.calls == ["sent push", "sent done"]
    assert post.deliveries == [("sent", True)]


async def test_items_go_out_one_after_the_other() -> None:
    post, phone = Post(then=[head(answer("01E2.out", "二"), mode="push"), head(STAFF, mode="push")]), Phone()
    await deliver(lease(), head(answer("01E1.out", "一")), parts(post, phone))
    assert [call[-1] for call in phone.calls] == ["一", "二", "承ります。"]
    assert post.calls == ["sent done"] * 3


async def test_after_an_item_that_must_wait_nothing_overtakes_it() -> None:
    post, phone = Post(then=[head(STAFF)]), Phone(Unknown("timeout"))
    await deliver(lease(), head(answer()), parts(post, phone))
    assert (post.calls, len(phone.calls), post.items) == (["sent again 500"], 1, [])


@pytest.mark.parametrize(
    ("item", "outcome", "call"),
    [
        (head(answer()), Unknown("timeout"), "sent again 500"),
        (head(answer()), Limited(quota=False), "sent untried 500"),
        (head(answer(), tries=1), Limited(quota=False), "sent again 1000"),
        (head(answer()), Refused(401, details=False), "sent untried 60000"),
        (head(STAFF, mode="push", tries=3), Unknown("status 500"), "sent again 4000"),
    ],
)
async def test_what_may_work_later_is_tried_later(item: Head, outcome: Outcome, call: str) -> None:
    post, _ = await send(item, outcome)
    assert (post.calls, post.items, post.fallbacks) == ([call], [], [])


async def test_a_bot_item_read_back_while_a_person_answers_is_dropped() -> None:
    post, phone = await send(head(answer()), state="human")
    assert (phone.calls, post.deliveries, post.fallbacks) == ([], [("superseded", False)], [])


async def test_a_persons_reply_goes_out_while_the_person_answers() -> None:
    post, phone = await send(head(STAFF), state="human")
    assert (len(phone.calls), post.deliveries) == (1, [("sent", False)])


FAILURES: list[tuple[str, Head, list[Outcome], str, str, int]] = [
    ("late", head(answer(), mode="push", now=NOON_MS + 11 * MINUTE), [], "failed", "late", 0),
    ("late reply", head(answer(), now=NOON_MS + 11 * MINUTE), [], "failed", "late", 0),
    (
        "late push that was tried",
        head(answer(), mode="push", tries=1, now=NOON_MS + 11 * MINUTE),
        [],
        "unconfirmed",
        "late",
        0,
    ),
    ("refused", head(answer()), [Refused(400, details=True)], "failed", "error", 1),
    ("quota", head(answer(), mode="push"), [Limited(quota=True)], "failed", "error", 1),
    ("quota after a refused token", head(answer()), [BAD_TOKEN, Limited(quota=True)], "failed", "error", 2),
    ("unconfirmed", head(answer(), tries=1, token_at=NOON_MS - MINUTE), [BAD_TOKEN], "unconfirmed", "error", 1),
]


@pytest.mark.parametrize(
    ("item", "outcomes", "delivery", "reason", "calls"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
async def test_an_answer_that_cannot_be_sent_becomes_a_handoff(
    item: Head, outcomes: list[Outcome], delivery: str, reason: str, calls: int
) -> None:
    post, phone = await send(item, *outcomes)
    assert len(phone.calls) == calls
    assert post.deliveries == [(delivery, False)]
    (instead,) = post.fallbacks
    assert instead.handoff is not None
    assert (instead.handoff.id, instead.handoff.reason) == ("h1", reason)
    assert instead.fields == {"state": "waiting", "handoff": "h1", "choices": ""}
    assert instead.out is None, "without a notice"


@pytest.mark.parametrize("item", [head(STAFF), head(answer(fallback=False))], ids=["staff", "notice"])
async def test_a_notice_or_a_persons_reply_that_fails_makes_no_handoff(item: Head) -> None:
    post, _ = await send(item, Refused(400, details=True))
    assert (post.deliveries, post.fallbacks) == ([("failed", False)], [])


async def test_a_refused_reply_that_was_tried_while_its_token_is_fresh_counts_as_sent() -> None:
    post, phone = await send(head(answer(), tries=1), BAD_TOKEN)
    assert (len(phone.calls), post.deliveries, post.fallbacks) == (1, [("sent", False)], [])


async def test_nothing_is_sent_once_the_lease_is_over() -> None:
    post, phone = Post(), Phone()
    held = lease()
    held.ends_at = 0
    with pytest.raises(LeaseLost):
        await deliver(held, head(answer()), parts(post, phone))
    assert (post.calls, phone.calls) == ([], [])


async def test_an_answer_from_line_that_comes_after_the_lease_means_nothing() -> None:
    """A 400 would say "not sent" although another worker may have sent it meanwhile."""
    held = lease()
    post, phone = Post(), Phone(BAD_TOKEN, meanwhile=lambda: setattr(held, "ends_at", 0))
    with pytest.raises(LeaseLost):
        await deliver(held, head(answer()), parts(post, phone))
    assert (post.calls, len(phone.calls)) == ([], 1)
