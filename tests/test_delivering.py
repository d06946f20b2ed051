"""Sending what stands in the outbox: what LINE answers, and what becomes of it."""

import pytest

from service.adapters.lease import Head
from service.core.conversation import State
from service.core.sending import Limited, Outcome, Refused, Unknown
from service.delivering import deliver
from service.errors import LeaseLost
from tests.support.shop import CUSTOMER, NOON_MS
from tests.support.stand_ins import BAD_TOKEN, MINUTE, STAFF, Phone, Post, answer, head, lease, parts


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


@pytest.mark.parametrize(("tries", "delivery"), [(0, "failed"), (1, "unconfirmed")])
async def test_what_makes_us_fail_is_given_up_and_failed_only_when_surely_not_sent(tries: int, delivery: str) -> None:
    post, phone, held = Post(), Phone(), lease()
    held.trouble = "poison"
    await deliver(held, head(answer(), tries=tries), parts(post, phone))
    assert (phone.calls, post.deliveries, post.dead) == ([], [(delivery, False)], ["poison"])
    assert [plan.handoff is not None for plan in post.fallbacks] == [True]


async def test_what_was_brought_back_from_the_past_is_not_sent_again() -> None:
    post, phone, held = Post(), Phone(), lease()
    held.trouble = "restored"
    await deliver(held, head(answer()), parts(post, phone))
    assert (phone.calls, post.deliveries) == ([], [("unconfirmed", False)])
