"""Groups: whose events they are, who may be answered there, and a time that runs ahead."""

import pytest

from service.tools.fakeline import events
from service.tools.fakeline.records import Content, Wrote
from service.tools.fakeline.server import FakeLine
from tests.tools.fakeline.conftest import Api, Bot, Clock


@pytest.fixture
def group(fake: FakeLine, user: str) -> str:
    return fake.add_group(user, fake.add_user("佐藤 健"), name="家族")


async def test_a_message_in_a_group_names_group_and_member_and_can_be_answered(
    fake: FakeLine, bot: Bot, api: Api, user: str, group: str
) -> None:
    event = (await fake.send_text(user, "こんにちは", group=group)).event
    assert event["source"] == {"type": "group", "groupId": group, "userId": user}
    assert (await api.reply(event["replyToken"], "はい")).status == 200
    assert [line.text for line in fake.timeline(group)] == ["こんにちは", "はい"]
    assert fake.timeline(user) == []
    (wrote,) = [line for line in fake.timeline(group) if isinstance(line, Wrote)]
    assert wrote.author == user
    assert len(bot.events) == 1


async def test_a_mention_says_where_in_the_text_it_stands(fake: FakeLine, user: str, group: str) -> None:
    fields = events.mention("🙏 @すみれ 予約できますか", fake.platform.bot_user_id, "すみれ")
    event = (await fake.send_event(user, fields, group=group)).event
    (mentioned,) = event["message"]["mention"]["mentionees"]
    assert mentioned == {
        "index": 3,
        "length": 4,
        "type": "user",
        "userId": fake.platform.bot_user_id,
        "isSelf": True,
    }


async def test_nothing_can_be_sent_to_a_group_the_bot_has_left(
    fake: FakeLine, bot: Bot, api: Api, user: str, group: str
) -> None:
    event = (await fake.send_text(user, "こんにちは", group=group)).event
    left = (await fake.leave(group)).event
    assert (left["type"], left["source"]) == ("leave", {"type": "group", "groupId": group})
    assert "replyToken" not in left
    for answer in (await api.push(group, "1"), await api.reply(event["replyToken"], "1")):
        assert (answer.status, answer.body) == (400, {"message": "Failed to send messages"})
    assert fake.platform.pushes_used == 0
    joined = (await fake.join(group)).event
    assert (await api.reply(joined["replyToken"], "よろしくお願いします")).status == 200
    assert (await api.push(group, "1")).status == 200


async def test_unsending_in_a_group_tells_who_watches_that_group(fake: FakeLine, user: str, group: str) -> None:
    event = (await fake.send_text(user, "間違えました", group=group)).event
    rung: list[str] = []
    fake.platform.bell.listen(rung.append)
    await fake.unsend(user, event["message"]["id"], group=group)
    assert event["message"]["id"] in fake.ledger.unsent
    assert group in rung
    assert user not in rung


async def test_a_place_has_the_names_it_was_given_and_a_voice_message_its_length(fake: FakeLine, user: str) -> None:
    named = (await fake.location(user, 35.7, 139.7, "東京駅", "東京都千代田区")).event["message"]
    assert (named["title"], named["address"]) == ("東京駅", "東京都千代田区")
    assert "title" not in (await fake.location(user, 35.7, 139.7)).event["message"]
    spoken = Content(b"RIFF", "audio/wav", duration_ms=3_200)
    voice = (await fake.media(user, "audio", spoken)).event["message"]
    assert voice["duration"] == 3_200


async def test_a_time_that_is_shown_ahead_leaves_reply_tokens_alone(
    fake: FakeLine, api: Api, user: str, clock: Clock
) -> None:
    fake.platform.ahead_s = 10 * 3600
    event = (await fake.send_text(user, "夜分にすみません")).event
    assert event["timestamp"] == int((clock.now + 10 * 3600) * 1000)
    clock.now += 30
    fake.platform.ahead_s = 0
    assert (await api.reply(event["replyToken"], "はい")).status == 200
    late = (await fake.send_text(user, "もう一度")).event
    clock.now += 61
    assert (await api.reply(late["replyToken"], "はい")).status == 400
