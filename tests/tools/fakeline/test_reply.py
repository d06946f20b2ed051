"""Reply tokens: one use, one minute, and what becomes of them when things go wrong."""

import pytest

from service.tools.fakeline import events
from service.tools.fakeline.server import FakeLine
from tests.tools.fakeline.conftest import Api, Clock

INVALID = {"message": "Invalid reply token"}


async def test_a_reply_is_seen_by_the_customer_in_order_and_is_free(fake: FakeLine, api: Api, user: str) -> None:
    event = (await fake.send_text(user, "何時までですか")).event
    answer = await api.reply(event["replyToken"], "20時までです。", "お待ちしています。")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert [(seen.text, seen.source, seen.billed) for seen in fake.seen(user)] == [
        ("20時までです。", "reply", False),
        ("お待ちしています。", "reply", False),
    ]
    sent = answer.body["sentMessages"]
    assert [each["id"] for each in sent] == [seen.message_id for seen in fake.seen(user)]
    assert all(each["id"].isdecimal() and len(each["id"]) == 18 and each["quoteToken"] for each in sent)
    assert {seen.request_id for seen in fake.seen(user)} == {answer.headers["x-line-request-id"]}
    assert [line.text for line in fake.timeline(user)] == ["何時までですか", "20時までです。", "お待ちしています。"]


async def test_a_token_works_once(fake: FakeLine, api: Api, user: str) -> None:
    token = (await fake.send_text(user, "a")).event["replyToken"]
    assert (await api.reply(token, "1")).status == 200
    second = await api.reply(token, "2")
    assert (second.status, second.body) == (400, INVALID)
    assert len(fake.seen(user)) == 1


@pytest.mark.parametrize(("age_s", "status"), [(60, 200), (60.1, 400)])
async def test_a_token_lives_one_minute(
    fake: FakeLine, api: Api, user: str, clock: Clock, *, age_s: float, status: int
) -> None:
    token = (await fake.send_text(user, "a")).event["replyToken"]
    clock.now += age_s
    assert (await api.reply(token, "1")).status == status


@pytest.mark.parametrize(("redelivered_after_s", "status"), [(19 * 60, 200), (20 * 60 + 1, 400)])
async def test_a_redelivery_gives_the_token_another_minute_within_20_minutes(
    fake: FakeLine, api: Api, user: str, clock: Clock, *, redelivered_after_s: float, status: int
) -> None:
    event = (await fake.send_text(user, "a")).event
    clock.now += redelivered_after_s
    await fake.redeliver(event)
    assert (await api.reply(event["replyToken"], "1")).status == status


async def test_a_plain_duplicate_gives_the_token_no_more_time(
    fake: FakeLine, api: Api, user: str, clock: Clock
) -> None:
    event = (await fake.send_text(user, "a")).event
    clock.now += 61
    await fake.send_batch([event])
    assert (await api.reply(event["replyToken"], "1")).body == INVALID


async def test_the_token_of_an_event_never_sent_is_invalid(fake: FakeLine, api: Api, user: str) -> None:
    event = fake.make_event(user, events.text("a"))
    assert (await api.reply(event["replyToken"], "1")).body == INVALID


async def test_a_retry_key_is_refused_on_reply_and_spends_nothing(fake: FakeLine, api: Api, user: str) -> None:
    token = (await fake.send_text(user, "a")).event["replyToken"]
    refused = await api.reply(token, "1", headers={"X-Line-Retry-Key": "123e4567-e89b-12d3-a456-426614174000"})
    assert refused.status == 400
    assert (await api.reply(token, "1")).status == 200


@pytest.mark.parametrize(("consumes", "status"), [(False, 200), (True, 400)])
async def test_whether_a_bad_message_spends_the_token_is_a_switch(
    fake: FakeLine, api: Api, user: str, *, consumes: bool, status: int
) -> None:
    fake.rules.bad_body_consumes_token = consumes
    token = (await fake.send_text(user, "a")).event["replyToken"]
    assert (await api.reply(token, "")).status == 400
    assert (await api.reply(token, "1")).status == status


@pytest.mark.parametrize(("rule", "status"), [("accepted", 200), ("refused", 400)])
async def test_what_a_reply_to_a_blocker_gets_is_a_switch(
    fake: FakeLine, api: Api, user: str, rule: str, status: int
) -> None:
    fake.rules.reply_to_blocked = "refused" if rule == "refused" else "accepted"
    token = (await fake.send_text(user, "a")).event["replyToken"]
    await fake.unfollow(user)
    assert (await api.reply(token, "1")).status == status
    assert fake.seen(user) == []
    assert len(fake.accepted_but_undelivered) == (rule == "accepted")


async def test_a_quote_token_works_in_its_own_chat_only(fake: FakeLine, api: Api, user: str) -> None:
    other = fake.add_user("佐藤 健")
    here, there = (await fake.send_text(user, "a")).event, (await fake.send_text(other, "b")).event
    body = {"replyToken": here["replyToken"], "messages": [{"type": "text", "text": "1", "quoteToken": "?"}]}
    for quoted, status in ((there["message"]["quoteToken"], 400), (here["message"]["quoteToken"], 200)):
        body["messages"][0]["quoteToken"] = quoted
        assert (await api.post("/v2/bot/message/reply", body)).status == status


async def test_the_account_s_auto_response_comes_first_and_may_take_the_token(
    fake: FakeLine, api: Api, user: str
) -> None:
    fake.rules.auto_response = "ただいま留守にしております。"
    token = (await fake.send_text(user, "a")).event["replyToken"]
    assert (await api.reply(token, "1")).status == 200
    fake.rules.auto_response_takes_token = True
    token = (await fake.send_text(user, "b")).event["replyToken"]
    assert (await api.reply(token, "2")).body == INVALID
    assert [seen.source for seen in fake.seen(user)] == ["auto", "reply", "auto"]


async def test_an_operator_speaks_without_a_webhook(fake: FakeLine, user: str) -> None:
    message_id = fake.operator_says(user, "担当の鈴木です。")
    assert fake.deliveries == []
    event = (await fake.send_text(user, "はい", quote=message_id)).event
    assert event["message"]["quotedMessageId"] == message_id
    assert [seen.source for seen in fake.seen(user)] == ["operator"]
