"""Faults: what the bot sees, and what LINE did meanwhile."""

import asyncio
import uuid

import aiohttp
import pytest

from service.tools.fakeline.faults import Call, Fault
from service.tools.fakeline.server import FakeLine
from tests.tools.fakeline.conftest import Api

DROPPED = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


async def token_of(fake: FakeLine, user: str) -> str:
    return (await fake.send_text(user, "a")).event["replyToken"]


@pytest.mark.parametrize("body", [b'{"message":"x"}', b"<html>502</html>", b"\xff\xfe\x80"])
async def test_an_error_status_before_acceptance_leaves_token_and_key_alone(
    fake: FakeLine, api: Api, user: str, body: bytes
) -> None:
    fault = Fault.status(502, body, content_type="text/html")
    fake.faults.next("reply", fault)
    fake.faults.next("push", fault)
    token, key = await token_of(fake, user), str(uuid.uuid4())
    for status in (502, 200):
        answers = [await api.reply(token, "1"), await api.push(user, "2", key=key)]
        assert [each.status for each in answers] == [status, status]
    assert fault.fired == 2
    assert len(fake.seen(user)) == 2


async def test_an_error_status_after_acceptance_has_sent(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.next("push", Fault.status(500, accepted=True))
    key = str(uuid.uuid4())
    assert [(await api.push(user, "1", key=key)).status for _ in range(2)] == [500, 409]
    assert len(fake.seen(user)) == 1


async def test_a_reset_before_acceptance_sends_nothing(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.next("reply", Fault.reset_before())
    token = await token_of(fake, user)
    with pytest.raises(DROPPED):
        await api.reply(token, "1")
    assert fake.seen(user) == []
    assert (await api.reply(token, "1")).status == 200


async def test_a_reset_after_acceptance_spends_the_token_and_burns_the_key(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.next("reply", Fault.reset_after())
    fake.faults.next("push", Fault.reset_after())
    token, key = await token_of(fake, user), str(uuid.uuid4())
    with pytest.raises(DROPPED):
        await api.reply(token, "1")
    with pytest.raises(DROPPED):
        await api.push(user, "2", key=key)
    assert (await api.reply(token, "1")).status == 400
    assert (await api.push(user, "2", key=key)).status == 409
    assert [seen.text for seen in fake.seen(user)] == ["1", "2"]
    assert [call.status for call in fake.calls] == [None, None, 400, 409]


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_hanging_request_was_accepted_or_never_is(
    fake: FakeLine, api: Api, user: str, *, accepted: bool
) -> None:
    fake.faults.next("push", Fault.hang(30, accepted=accepted))
    with pytest.raises(TimeoutError):
        await api.push(user, "1", timeout=aiohttp.ClientTimeout(total=0.05))
    assert len(fake.seen(user)) == accepted


async def test_a_late_request_is_accepted_though_the_client_gave_up(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.next("push", Fault.latency(0.1))
    with pytest.raises(TimeoutError):
        await api.push(user, "1", timeout=aiohttp.ClientTimeout(total=0.02))
    await fake.until(lambda: len(fake.seen(user)) == 1)


async def test_200_with_an_empty_body_has_sent(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.next("push", Fault.empty_200())
    answer = await api.push(user, "1")
    assert (answer.status, answer.body) == (200, b"")
    assert len(fake.seen(user)) == 1


async def test_what_is_refused_never_looks_like_a_200(fake: FakeLine, api: Api, user: str) -> None:
    fake.platform.quota = 0
    fake.faults.next("push", Fault.empty_200())
    assert (await api.push(user, "1")).status == 429
    assert fake.seen(user) == []


async def test_200_may_deliver_nothing(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.next("push", Fault.undelivered())
    assert (await api.push(user, "1")).status == 200
    assert fake.seen(user) == []
    assert [seen.text for seen in fake.accepted_but_undelivered] == ["1"]


async def test_answers_may_hold_unknown_fields(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.next("push", Fault.extra_fields(novelty=[1]))
    answer = await api.push(user, "1")
    assert answer.body["novelty"] == [1]
    assert answer.body["sentMessages"]


async def test_a_kept_alive_connection_may_be_found_closed(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.next("push", Fault.stale_keep_alive())
    assert (await api.push(user, "1")).status == 200
    with pytest.raises(DROPPED):
        await api.push(user, "2")
    assert (await api.push(user, "3")).status == 200
    assert [seen.text for seen in fake.seen(user)] == ["1", "3"]


async def test_a_callback_runs_before_or_after_acceptance(fake: FakeLine, api: Api, user: str) -> None:
    seen_by_callback: list[int] = []

    async def look(_call: Call) -> None:
        seen_by_callback.append(len(fake.seen(user)))

    fake.faults.next("push", Fault.callback(look, "before"), Fault.callback(look, "after"))
    await api.push(user, "1")
    await api.push(user, "2")
    assert seen_by_callback == [0, 2]


async def test_none_lets_a_call_pass_and_when_picks_by_the_request(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.next("push", None, Fault.status(500))
    assert [(await api.push(user, "1")).status for _ in range(3)] == [200, 500, 200]
    fault = Fault.status(503)
    # No hexadecimal id holds these letters.
    fake.faults.when(lambda call: "zz" in str(call.request_json), fault)
    assert [(await api.push(user, text)).status for text in ("good", "zz", "zz")] == [200, 503, 503]
    fake.faults.clear()
    assert (await api.push(user, "bad")).status == 200
    assert fault.fired == 2


async def test_an_outage_takes_everything_down_until_it_ends(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.outage(True)
    assert (await api.push(user, "1")).status == 503
    assert (await api.get("/v2/bot/info")).status == 503
    fake.faults.outage(False)
    assert (await api.push(user, "1")).status == 200


async def test_random_faults_repeat_with_their_seed(fake: FakeLine, api: Api, user: str) -> None:
    runs: list[list[int]] = []
    for _ in range(2):
        fake.faults.random(7, 0.5, [Fault.status(500), Fault.status(503)])
        runs.append([(await api.push(user, "1")).status for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500, 503}


async def test_stopping_does_not_wait_for_a_hanging_request(fake: FakeLine, api: Api, user: str) -> None:
    fake.faults.next("push", Fault.hang(60, accepted=True))
    hanging = asyncio.create_task(api.push(user, "1"))
    await fake.until(lambda: len(fake.seen(user)) == 1)
    async with asyncio.timeout(5):
        await fake.stop()
    with pytest.raises(DROPPED):
        await hanging
