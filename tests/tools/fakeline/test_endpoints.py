"""The other endpoints, and what all of them have in common."""

import pytest

from service.tools.fakeline.records import Content
from service.tools.fakeline.server import FakeLine
from tests.tools.fakeline.conftest import SECRET, Api, Bot, Clock


async def test_every_call_needs_a_token_that_lives(fake: FakeLine, api: Api, user: str, clock: Clock) -> None:
    short = fake.issue_access_token(life_s=60)
    assert (await api.push(user, "1", token=short)).status == 200
    clock.now += 60
    for token in (short, "unknown", ""):
        answer = await api.push(user, "1", token=token)
        assert answer.status == 401
        assert answer.body["message"].startswith("Authentication failed due to the following reason:")
        assert answer.headers["x-line-request-id"]
    fake.revoke_access_token(short)
    assert len(fake.seen(user)) == 1


async def test_a_stateless_token_lives_15_minutes(fake: FakeLine, api: Api, user: str, clock: Clock) -> None:
    form = {"grant_type": "client_credentials", "client_id": fake.platform.channel_id, "client_secret": SECRET}
    issued = await api.call("POST", "/oauth2/v3/token", data=form)
    assert issued.body["expires_in"] == 900
    assert issued.body["token_type"] == "Bearer"
    clock.now += 899
    assert (await api.push(user, "1", token=issued.body["access_token"])).status == 200
    clock.now += 1
    assert (await api.push(user, "1", token=issued.body["access_token"])).status == 401
    refused = await api.call("POST", "/oauth2/v3/token", data={**form, "client_secret": "wrong"})
    assert (refused.status, refused.body["error"]) == (400, "invalid_client")


@pytest.mark.parametrize("path", ["/v2/bot/info/", "//v2/bot/info", "/v2/bot//info", "/v2/bot/nothing", "/V2/bot/info"])
async def test_only_exact_paths_exist(api: Api, path: str) -> None:
    answer = await api.get(path)
    assert (answer.status, answer.body) == (404, {"message": "Not found"})


async def test_the_rate_limit_is_a_bucket_per_endpoint(fake: FakeLine, api: Api, user: str, clock: Clock) -> None:
    fake.limits.per_second["push"] = 2
    assert [(await api.push(user, "1")).status for _ in range(3)] == [200, 200, 429]
    assert (await api.get("/v2/bot/info")).status == 200
    clock.now += 0.5
    assert [(await api.push(user, "1")).status for _ in range(2)] == [200, 429]


async def test_bot_info_tells_the_chat_mode(fake: FakeLine, api: Api) -> None:
    chat = (await api.get("/v2/bot/info")).body
    assert (chat["userId"], chat["chatMode"], chat["markAsReadMode"]) == (fake.platform.bot_user_id, "chat", "manual")
    fake.rules.chat_mode = "bot"
    bot = (await api.get("/v2/bot/info")).body
    assert (bot["chatMode"], bot["markAsReadMode"]) == ("bot", "auto")


async def test_profiles_of_those_the_bot_may_see(fake: FakeLine, api: Api) -> None:
    emma = fake.add_user("Emma", language="en")
    assert (await api.get(f"/v2/bot/profile/{emma}")).body == {
        "userId": emma,
        "displayName": "Emma",
        "language": "en",
    }
    stranger = fake.add_user("s", state="never_friend")
    assert (await api.get(f"/v2/bot/profile/{stranger}")).status == 404
    await fake.send_text(stranger, "hello")
    assert (await api.get(f"/v2/bot/profile/{stranger}")).status == 200
    await fake.unfollow(emma)
    assert (await api.get(f"/v2/bot/profile/{emma}")).body == {"message": "Not found"}
    assert (await api.get(f"/v2/bot/profile/U{'0' * 32}")).status == 404
    assert (await api.get("/v2/bot/profile/someone")).status == 400


@pytest.mark.parametrize(
    ("seconds", "problems"),
    [(5, []), (60, []), (0, ["between"]), (65, ["between"]), (12, ["multiple"]), (61, ["between", "multiple"])],
)
async def test_the_loading_animation_takes_5_to_60_in_steps_of_5(
    fake: FakeLine, api: Api, user: str, clock: Clock, *, seconds: int, problems: list[str]
) -> None:
    answer = await api.post("/v2/bot/chat/loading/start", {"chatId": user, "loadingSeconds": seconds})
    assert answer.status == (400 if problems else 202)
    messages = [each["message"] for each in answer.body.get("details", [])]
    assert len(messages) == len(problems)
    assert all(part in message for part, message in zip(problems, messages, strict=True))
    assert fake.users[user].loading_until == (0 if problems else clock.now + seconds)


async def test_the_loading_animation_is_for_users_and_ends_with_an_answer(
    fake: FakeLine, api: Api, user: str, clock: Clock
) -> None:
    group = fake.add_group(user)
    assert (await api.post("/v2/bot/chat/loading/start", {"chatId": group})).status == 400
    assert (await api.post("/v2/bot/chat/loading/start", {"chatId": user})).body == {}
    assert fake.users[user].loading_until == clock.now + 20
    await api.push(user, "1")
    assert fake.users[user].loading_until == 0


async def test_mark_as_read_marks_all_before_it_too(fake: FakeLine, api: Api, user: str) -> None:
    messages = [(await fake.send_text(user, text)).event["message"] for text in "abc"]
    body = {"markAsReadToken": messages[1]["markAsReadToken"]}
    assert (await api.post("/v2/bot/chat/markAsRead", body)).body == {}
    assert [fake.platform.is_read(user, message["id"]) for message in messages] == [True, True, False]
    refused = await api.post("/v2/bot/chat/markAsRead", {"markAsReadToken": "x"})
    assert refused.status == 400
    assert refused.body["message"].startswith("Invalid markAsReadToken.")
    fake.rules.chat_mode = "bot"
    assert fake.platform.is_read(user, messages[2]["id"])


async def test_content_is_202_until_it_is_ready_and_410_after_unsend(fake: FakeLine, api: Api, user: str) -> None:
    event = (await fake.media(user, "video", Content(b"moving pictures", "video/mp4", pending=1))).event
    path = f"/v2/bot/message/{event['message']['id']}/content"
    assert (await api.get(f"{path}/transcoding")).body == {"status": "processing"}
    assert (await api.get(path)).status == 202
    ready = await api.get(path)
    assert (ready.status, ready.body, ready.headers["content-type"]) == (200, b"moving pictures", "video/mp4")
    assert (await api.get(f"{path}/preview")).status == 200
    assert (await api.get(f"{path}/transcoding")).body == {"status": "succeeded"}
    await fake.unsend(user, event["message"]["id"])
    assert (await api.get(path)).status == 410
    assert (await api.get("/v2/bot/message/1/content")).status == 404


async def test_the_webhook_can_be_tested(fake: FakeLine, api: Api, bot: Bot) -> None:
    assert (await api.get("/v2/bot/channel/webhook/endpoint")).body == {"endpoint": fake.webhook_url, "active": True}
    answer = (await api.post("/v2/bot/channel/webhook/test", {})).body
    assert (answer["success"], answer["statusCode"]) == (True, 200)
    assert bot.events == []
    assert len(bot.received) == 1
    fake.webhook_url = None
    assert (await api.get("/v2/bot/channel/webhook/endpoint")).status == 404
    answer = (await api.post("/v2/bot/channel/webhook/test", {})).body
    assert (answer["success"], answer["reason"]) == (False, "COULD_NOT_CONNECT")


async def test_calls_are_written_down(fake: FakeLine, api: Api, user: str) -> None:
    await api.push(user, "1")
    (call,) = fake.calls
    assert (call.endpoint, call.method, call.path, call.status) == ("push", "POST", "/v2/bot/message/push", 200)
    assert call.request_json["to"] == user
    assert call.headers["authorization"].startswith("Bearer ")
