"""Pushes: who gets them, what they cost, and what a retry key protects from."""

import uuid

from service.tools.fakeline.server import FakeLine
from tests.tools.fakeline.conftest import Api, Clock

DAY_S = 24 * 3600


async def test_a_push_counts_one_however_many_bubbles(fake: FakeLine, api: Api, user: str) -> None:
    assert (await api.push(user, "1", "2", "3")).status == 200
    assert [seen.billed for seen in fake.seen(user)] == [True, False, False]
    assert (await api.get("/v2/bot/message/quota/consumption")).body == {"totalUsage": 1}
    assert (await api.get("/v2/bot/message/quota")).body == {"type": "limited", "value": 200}


async def test_an_unknown_recipient_is_refused(fake: FakeLine, api: Api) -> None:
    answer = await api.push("U" + "0" * 32, "1")
    assert (answer.status, answer.body) == (400, {"message": "Failed to send messages"})


async def test_blocked_and_deleted_get_nothing_at_no_cost_while_line_says_200(fake: FakeLine, api: Api) -> None:
    for user in (fake.add_user("a", state="blocked"), fake.add_user("b", state="deleted")):
        answer = await api.push(user, "1")
        assert answer.status == 200
        assert answer.body["sentMessages"]
        assert fake.seen(user) == []
    assert len(fake.accepted_but_undelivered) == 2
    assert fake.platform.pushes_used == 0


async def test_a_stranger_gets_pushes_for_seven_days_after_writing(fake: FakeLine, api: Api, clock: Clock) -> None:
    stranger = fake.add_user("a", state="never_friend")
    await api.push(stranger, "before")
    await fake.send_text(stranger, "hello")
    clock.now += 7 * DAY_S
    await api.push(stranger, "within")
    clock.now += 1
    await api.push(stranger, "after")
    assert [seen.text for seen in fake.seen(stranger)] == ["within"]


async def test_the_month_s_limit_is_429_and_nothing_is_sent(fake: FakeLine, api: Api, user: str) -> None:
    fake.platform.quota = 1
    key = str(uuid.uuid4())
    assert (await api.push(user, "1")).status == 200
    refused = await api.push(user, "2", key=key)
    assert (refused.status, refused.body) == (429, {"message": "You have reached your monthly limit."})
    fake.platform.quota = None
    assert (await api.push(user, "2", key=key)).status == 200, "a refused request must not burn its key"
    assert (await api.get("/v2/bot/message/quota")).body == {"type": "none"}


async def test_too_many_to_one_user_is_429(fake: FakeLine, api: Api, user: str, clock: Clock) -> None:
    fake.rules.pushes_per_user_per_minute = 2
    assert [(await api.push(user, "1")).status for _ in range(3)] == [200, 200, 429]
    clock.now += 60
    assert (await api.push(user, "1")).status == 200


async def test_a_retry_key_is_accepted_once_in_24_hours(fake: FakeLine, api: Api, user: str, clock: Clock) -> None:
    key = str(uuid.uuid4())
    first = await api.push(user, "1", key=key)
    again = await api.push(user, "1", key=key.upper())
    assert again.status == 409
    assert again.body == {"message": "The retry key is already accepted", **first.body}
    assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert again.headers["x-line-request-id"] != first.headers["x-line-request-id"]
    assert len(fake.seen(user)) == 1
    clock.now += DAY_S
    assert (await api.push(user, "1", key=key)).status == 200


async def test_a_malformed_retry_key_is_refused(fake: FakeLine, api: Api, user: str) -> None:
    assert (await api.push(user, "1", key="not-a-uuid")).status == 400
    assert fake.seen(user) == []


async def test_a_push_to_a_group_counts_every_member(fake: FakeLine, api: Api, user: str) -> None:
    group = fake.add_group(user, fake.add_user("b"), fake.add_user("c"))
    assert (await api.push(group, "1")).status == 200
    assert fake.platform.pushes_used == 3
    assert [seen.text for seen in fake.seen(group)] == ["1"]
