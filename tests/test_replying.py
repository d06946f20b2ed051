"""The story of one turn where it does not go smoothly, told to hand-written stand-ins for Redis, LINE and the model."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from service.adapters.lease import Lease
from service.adapters.mailbox import Committed
from service.adapters.verdicts import Notepad
from service.advising import Advisor, nothing_before
from service.core.choices import button_data
from service.core.conversation import Conversation, Tap
from service.core.decisions import Answer, Clarify, Handoff, NoneFits, Pick, Unclear, Verdict
from service.core.events import Event, Other, Tapped
from service.core.records import MessageItem
from service.core.sending import Unknown
from service.core.triage import triage
from service.delivering import deliver, insist
from service.errors import LeaseLost, StoreUnavailable
from service.replying import Parts, handle, read_turn, reply_to, resolve
from tests.support.shop import CUSTOMER, KEY, NOON, NOON_MS, message, turn
from tests.support.stand_ins import SHOP, SURE, UNSURE, Model, Phone, Post, answer, head, lease, parts, raw


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
    step = triage(turn(text), SHOP, Conversation(customer=CUSTOMER, choices=choices), NOON)
    return await resolve(step, SHOP, Advisor(model, Notepad()) if model else None, nothing_before, NOON)


async def test_the_gate_hears_what_the_customer_is_called_so_that_no_server_does() -> None:
    model = Model(NoneFits())
    called = Conversation(customer=CUSTOMER, display_name="田中 はるか", nickname="はるちゃん")
    step = triage(turn(UNSURE), SHOP, called, NOON)
    await resolve(step, SHOP, Advisor(model, Notepad()), nothing_before, NOON)
    assert model.called == ("田中 はるか", "はるちゃん")


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


@pytest.mark.parametrize("text", [SURE, "スタッフと話したい", "ありがとう", "qwxz", "クーポン"])
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


@pytest.mark.parametrize(
    ("typed", "tap"), [("1", Tap("cut")), ("②です", Tap("color")), ("3", Tap(None)), ("4", None), ("カット", None)]
)
def test_a_typed_number_is_read_as_a_tap_on_the_last_clarify(typed: str, tap: Tap | None) -> None:
    asked = lease(raw(typed))
    asked.conversation = msgspec.structs.replace(asked.conversation, choices=("cut", "color"))
    said = read_turn((message(typed),), asked, SHOP, KEY)
    labels = {
        Tap("cut"): "カットの料金はいくらですか",
        Tap("color"): "カラーの料金はいくらですか",
        Tap(None): "スタッフに聞く",
    }
    assert (said.tap, said.lines) == (tap, (labels[tap] if tap else typed,))
    assert read_turn((message(typed),), lease(raw(typed)), SHOP, KEY).tap is None, "without a clarify it is a message"


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
