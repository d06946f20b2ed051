"""Webhooks: their bytes, their shapes, and what becomes of those the bot did not take."""

import asyncio
import json
import re

import pytest
from aiohttp import web

from service.tools.fakeline import events
from service.tools.fakeline.driver import Layout, sign
from service.tools.fakeline.server import FakeLine
from tests.tools.fakeline.conftest import SECRET, Bot, Clock


def test_signatures_match_the_published_example() -> None:
    body = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
    assert sign("8c570fa6dd201bb328f1c1eac23a96d8", body) == "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="


@pytest.mark.parametrize("layout", ["compact", "spaced", "shuffled", "escaped"])
async def test_the_exact_bytes_are_signed_however_they_are_laid_out(
    fake: FakeLine, bot: Bot, user: str, layout: Layout
) -> None:
    delivery = await fake.send_text(user, "ありがとう😀", layout=layout)
    body, headers = bot.received[0]
    assert body == delivery.body
    assert headers["x-line-signature"] == sign(SECRET, body)
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(body) == {"destination": fake.platform.bot_user_id, "events": [delivery.event]}
    assert ("😀".encode() in body) == (layout != "escaped")


async def test_signatures_may_be_wrong_missing_or_of_another_secret(fake: FakeLine, bot: Bot, user: str) -> None:
    await fake.send_text(user, "1", signature="wrong")
    await fake.send_text(user, "2", signature="missing")
    await fake.send_text(user, "3", secret="another")
    await fake.send_text(user, "4", header_name="X-LINE-SIGNATURE")
    offered = [headers.get("x-line-signature") for _, headers in bot.received]
    right = [sign(SECRET, body) for body, _ in bot.received]
    assert [mine == theirs for mine, theirs in zip(offered, right, strict=True)] == [False, False, False, True]
    assert offered[1] is None
    assert offered[2] == sign("another", bot.received[2][0])


async def test_a_text_message_has_the_documented_shape(fake: FakeLine, user: str, clock: Clock) -> None:
    event = (await fake.send_text(user, "こんにちは")).event
    assert set(event) == {
        "type", "message", "mode", "timestamp", "source", "webhookEventId", "deliveryContext", "replyToken",
    }  # fmt: skip
    assert (event["type"], event["mode"], event["timestamp"]) == ("message", "active", int(clock.now * 1000))
    assert event["source"] == {"type": "user", "userId": user}
    assert re.fullmatch(r"U[0-9a-f]{32}", user)
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", event["webhookEventId"])
    assert re.fullmatch(r"[0-9a-f]{30,32}", event["replyToken"])
    assert re.fullmatch(r"\d{18}", event["message"]["id"])
    assert set(event["message"]) == {"type", "text", "id", "quoteToken", "markAsReadToken"}


async def test_every_kind_of_event_can_be_sent(fake: FakeLine, bot: Bot, user: str) -> None:
    group = fake.add_group(user)
    photo = (await fake.image(user)).event
    await fake.sticker(user)
    await fake.media(user, "audio")
    await fake.file(user, "申込書.pdf", b"%PDF")
    await fake.location(user, 35.6, 139.7)
    await fake.unsend(user, photo["message"]["id"])
    await fake.follow(user, is_unblocked=True)
    await fake.postback(user, "a=1")
    await fake.join(group)
    await fake.unfollow(user)
    for fields in (
        events.message_edited("1", "b"),
        events.members("memberJoined", user),
        events.members("memberLeft", user),
        events.video_play_complete("t"),
        events.beacon("h"),
        events.membership("joined"),
        events.account_link("n", succeeded=False),
        events.message("novelty"),
        {"type": "novelty", "payload": 1},
    ):
        await fake.send_event(user, fields)
    without = {event["type"] for event in bot.events if "replyToken" not in event}
    assert without == {"unsend", "unfollow", "memberLeft", "accountLink"}
    quotable = {event["message"]["type"] for event in bot.events if "quoteToken" in event.get("message", {})}
    assert quotable == {"image", "sticker", "text", "novelty"}
    assert [event["type"] for event in bot.events if "source" not in event] == ["accountLink"]
    (join,) = [event for event in bot.events if event["type"] == "join"]
    assert join["source"] == {"type": "group", "groupId": group}


async def test_events_may_lack_and_hold_what_a_test_wants(fake: FakeLine, user: str) -> None:
    standby = (await fake.send_text(user, "1", mode="standby")).event
    assert "replyToken" not in standby
    odd = (
        await fake.send_text(user, "1", hides_user=True, omit=("markAsReadToken", "mode"), extra={"novelty": 1})
    ).event
    assert odd["source"] == {"type": "user"}
    assert odd["novelty"] == 1
    assert "mode" not in odd
    assert "markAsReadToken" not in odd["message"]


async def test_a_tap_shows_the_display_text_and_sends_only_a_postback(fake: FakeLine, bot: Bot, user: str) -> None:
    await fake.postback(user, "choice=1", "営業時間")
    assert [line.text for line in fake.timeline(user)] == ["営業時間"]
    assert bot.events[0]["postback"] == {"data": "choice=1"}
    assert "営業時間" not in bot.received[0][0].decode()


async def test_a_body_may_hold_many_users_or_nobody(fake: FakeLine, bot: Bot, user: str) -> None:
    other = fake.add_user("佐藤 健")
    batch = [fake.make_event(user, events.text("1")), fake.make_event(other, {"type": "novelty"})]
    await fake.send_batch(batch)
    await fake.send_batch([])
    assert bot.events == batch
    assert len(bot.received) == 2


async def test_a_redelivery_differs_in_one_field_and_shows_the_message_once(
    fake: FakeLine, bot: Bot, user: str, clock: Clock
) -> None:
    first = (await fake.send_text(user, "1")).event
    clock.now += 30
    await fake.redeliver(first)
    again = bot.events[1]
    assert again.pop("deliveryContext") == {"isRedelivery": True}
    assert again == {name: value for name, value in first.items() if name != "deliveryContext"}
    assert len(fake.timeline(user)) == 1
    lost = (await fake.send_text(user, "2", redelivered=True)).event
    assert lost["deliveryContext"] == {"isRedelivery": True}


async def test_failures_carry_line_s_reason_names(fake: FakeLine, bot: Bot, user: str) -> None:
    async def fail(_request: web.Request) -> web.Response:
        return web.Response(status=500)

    async def drop(request: web.Request) -> web.Response:
        assert isinstance(request.transport, asyncio.Transport)
        request.transport.abort()
        return web.Response()

    async def hang(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async def created(_request: web.Request) -> web.Response:
        return web.Response(status=201)

    fake.rules.webhook_timeout_s = 0.05
    expected = ["error_status_code", "unclassified", "request_timeout", None]
    for handler, reason in zip((fail, drop, hang, created), expected, strict=True):
        bot.handle = handler
        assert (await fake.send_text(user, "1")).reason == reason
    fake.webhook_url = "http://127.0.0.1:9/webhook"
    assert (await fake.send_text(user, "1")).reason == "could_not_connect"
    assert [delivery.status for delivery in fake.deliveries] == [500, None, None, 201, None]


async def test_with_redelivery_on_a_failed_webhook_comes_again(fake: FakeLine, bot: Bot, user: str) -> None:
    async def fail_twice(_request: web.Request) -> web.Response:
        return web.Response(status=500 if len(bot.received) < 3 else 200)

    bot.handle = fail_twice
    fake.rules.redelivery_delays_s = (0.0, 0.01, 0.01)
    await fake.send_text(user, "1")
    await fake.until(lambda: len(fake.deliveries) == 3)
    assert [event["deliveryContext"]["isRedelivery"] for event in bot.events] == [False, True, True]
    assert len({event["webhookEventId"] for event in bot.events}) == 1


async def test_waiting_for_what_never_comes_ends(fake: FakeLine) -> None:
    with pytest.raises(TimeoutError):
        await fake.until(lambda: False, timeout_s=0.01)
