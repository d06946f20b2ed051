"""The webhook over real HTTP: what is refused, what is stored, and what it says while Redis is away or full."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest
import redis

from service.adapters.embedded import EmbeddedValkey
from service.adapters.store import PREFIX
from service.tools.fakeline import events
from service.tools.fakeline.driver import sign
from service.tools.fakeline.server import FakeLine
from service.web.webhook import MAX_BODY_BYTES, is_signed
from tests.support.system import SECRET, TOKEN, free_port, make_settings, run_web

OTHER_SECRET = "the-secret-before"
PATH = "/webhook/line"
HELLO = (
    b'{"destination":"U0","events":[{"type":"message","webhookEventId":"01A","source":{"type":"user","userId":"U1"}}]}'
)


@pytest.fixture
async def web(redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a web process that accepts two secrets."""
    settings = make_settings(redis_url, LINE_CHANNEL_SECRET=f"{SECRET},{OTHER_SECRET}")
    async with run_web(settings) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
async def web_without_redis() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a web process whose Redis is away."""
    settings = make_settings(f"redis://127.0.0.1:{free_port()}")
    async with run_web(settings) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
async def fake(web: httpx.AsyncClient) -> AsyncIterator[FakeLine]:
    line = FakeLine(channel_secret=SECRET, access_token=TOKEN, webhook_url=str(web.base_url.join(PATH)))
    await line.start()
    yield line
    await line.stop()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A server that a test may stop, fill, or let hang."""
    server = EmbeddedValkey.start(tmp_path)
    yield server
    server.stop()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-line-signature": sign(secret, body)}


def keys(redis_url: str) -> list[str]:
    with redis.Redis.from_url(redis_url) as client:
        return sorted(key.decode() for key in cast("list[bytes]", client.keys()))


def waiting(redis_url: str, conversation: str) -> int:
    with redis.Redis.from_url(redis_url) as client:
        return int(client.llen(f"{PREFIX}box:{conversation}"))


# Why it is refused: the body, the signature as it stands in the header (None for no such header), the status.
REFUSED: dict[str, tuple[bytes, bytes | None, int]] = {
    "no signature": (HELLO, None, 401),
    "an empty signature": (HELLO, b"", 401),
    "another secret": (HELLO, sign("guess", HELLO).encode(), 401),
    "another body": (HELLO, sign(SECRET, HELLO + b" ").encode(), 401),
    "half a signature": (HELLO, sign(SECRET, HELLO).encode()[:-4], 401),
    "a signature in Japanese": (HELLO, "署名".encode(), 401),
    "a signature of odd bytes": (HELLO, b"\xff\xfe", 401),
    "nothing at all": (b"", None, 401),
    "half JSON": (b"{", sign(SECRET, b"{").encode(), 400),
    "a signed nothing": (b"", sign(SECRET, b"").encode(), 400),
    "no UTF-8": (b"\xff\xfe", sign(SECRET, b"\xff\xfe").encode(), 400),
    "a list": (b"[]", sign(SECRET, b"[]").encode(), 400),
    "no events": (b"{}", sign(SECRET, b"{}").encode(), 400),
    "events that are no list": (b'{"events":{}}', sign(SECRET, b'{"events":{}}').encode(), 400),
    "a very deep list": (b"[" * 100_000, sign(SECRET, b"[" * 100_000).encode(), 400),
    "too large": (b" " * (MAX_BODY_BYTES + 1), None, 413),
}


async def statuses(web: httpx.AsyncClient) -> dict[str, int]:
    """Send everything that is to be refused."""
    found: dict[str, int] = {}
    for why, (body, signature, _) in REFUSED.items():
        headers = {} if signature is None else {b"x-line-signature": signature}
        answer = await web.post(PATH, content=body, headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        found[why] = answer.status_code
    return found


async def test_what_is_no_webhook_of_our_channel_is_refused_without_asking_redis(
    web_without_redis: httpx.AsyncClient,
) -> None:
    assert await statuses(web_without_redis) == {why: status for why, (_, _, status) in REFUSED.items()}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_only_a_post_is_a_webhook(web_without_redis: httpx.AsyncClient, method: str) -> None:
    answer = await web_without_redis.request(method, PATH)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["title"] == "Method Not Allowed"


async def test_a_request_that_breaks_off_in_its_body_leaves_nothing_behind(
    web: httpx.AsyncClient, redis_url: str
) -> None:
    reader, writer = await asyncio.open_connection(web.base_url.host, web.base_url.port)
    head = f"POST {PATH} HTTP/1.1\r\nhost: shop\r\nx-line-signature: {sign(SECRET, HELLO)}\r\n"
    writer.write(f"{head}content-length: {len(HELLO) + 1}\r\n\r\n".encode() + HELLO)
    await writer.drain()
    writer.write_eof()
    assert b"200" not in await reader.read()
    writer.close()
    assert (await web.post(PATH, content=HELLO, headers=signed(HELLO))).status_code == 200
    assert waiting(redis_url, "U1") == 1


async def test_what_is_refused_leaves_nothing_behind(web: httpx.AsyncClient, redis_url: str) -> None:
    assert await statuses(web) == {why: status for why, (_, _, status) in REFUSED.items()}
    assert keys(redis_url) == []


async def test_a_body_that_grows_too_large_while_it_comes_is_refused(web_without_redis: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 65_536 + 1):
            yield b" " * 65_536

    answer = await web_without_redis.post(PATH, content=endless(), headers=signed(HELLO))
    assert answer.status_code == 413


async def test_a_large_body_is_taken(web: httpx.AsyncClient, redis_url: str) -> None:
    body = HELLO + b" " * (MAX_BODY_BYTES - len(HELLO))
    assert (await web.post(PATH, content=body, headers=signed(body))).status_code == 200
    assert waiting(redis_url, "U1") == 1


async def test_a_large_odd_body_is_taken_whole(web: httpx.AsyncClient, redis_url: str) -> None:
    """Hundreds of events from as many customers in one body: LINE names no limit."""
    one = '{"type":"message","webhookEventId":"E%d","source":{"type":"user","userId":"U%d"},"message":{"text":"%s"}}'
    body = ('{"events":[' + ",".join(one % (n, n, "あ" * 500) for n in range(500)) + "]}").encode()
    assert (await web.post(PATH, content=body, headers=signed(body))).status_code == 200
    assert [waiting(redis_url, f"U{number}") for number in range(500)] == [1] * 500


def test_line_s_published_signature_is_right() -> None:
    """The example of LINE's page "Verify webhook signature"."""
    body = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
    secret = b"8c570fa6dd201bb328f1c1eac23a96d8"
    signature = b"GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="
    assert is_signed(body, signature, [secret])
    assert is_signed(body, signature, [b"another", secret])
    assert not is_signed(body, signature, [b"another"])
    assert not is_signed(body, signature, [])
    assert not is_signed(body + b"\n", signature, [secret])


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
async def test_while_the_secret_changes_both_are_valid(web: httpx.AsyncClient, redis_url: str, secret: str) -> None:
    assert (await web.post(PATH, content=HELLO, headers=signed(HELLO, secret))).status_code == 200
    assert waiting(redis_url, "U1") == 1


@pytest.mark.parametrize("name", ["x-line-signature", "X-Line-Signature", "X-LINE-SIGNATURE"])
async def test_the_signature_s_header_is_found_in_any_case_of_letters(fake: FakeLine, name: str) -> None:
    delivery = await fake.send_text(fake.add_user("田中"), "こんにちは", header_name=name)
    assert delivery.status == 200


async def test_the_connection_check_is_answered_even_without_redis(web_without_redis: httpx.AsyncClient) -> None:
    body = b'{"destination":"U0","events":[]}'
    assert (await web_without_redis.post(PATH, content=body, headers=signed(body))).status_code == 200


async def test_messages_of_several_customers_in_one_body_are_stored_apart(fake: FakeLine, redis_url: str) -> None:
    tanaka, sato = fake.add_user("田中"), fake.add_user("佐藤")
    batch = [
        fake.make_event(tanaka, events.text("一")),
        fake.make_event(sato, events.text("二")),
        fake.make_event(tanaka, events.text("三")),
    ]
    assert (await fake.send_batch(batch)).status == 200
    assert (waiting(redis_url, tanaka), waiting(redis_url, sato)) == (2, 1)


async def test_a_batch_sent_twice_is_stored_once(fake: FakeLine, redis_url: str) -> None:
    customer = fake.add_user("田中")
    event = fake.make_event(customer, events.text("一"))
    assert (await fake.send_batch([event, event])).status == 200
    assert (await fake.redeliver(event)).status == 200
    assert waiting(redis_url, customer) == 1


ODD_EVENTS = (
    '{"type":"telepathy","webhookEventId":"01B","thought":{"a":[1]}}',
    '{"type":"message","webhookEventId":"01C","message":{"type":"hologram","id":7}}',
    '{"type":"message","webhookEventId":"01D","source":null,"message":null}',
    '{"type":42,"webhookEventId":["?"],"timestamp":"soon"}',
    '{"webhookEventId":"../../etc/passwd\\n"}',
    "{}",
    "null",
    '"text"',
    '{"type":"message","webhookEventId":"01E","message":{"type":"text","id":"1","text":"\\ud83d"}}',
    "[" * 500 + "]" * 500,
)


async def test_an_event_that_nobody_knows_is_accepted_and_kept(web: httpx.AsyncClient, redis_url: str) -> None:
    """LINE adds types without notice, and would send a refused one again for ever."""
    for event in ODD_EVENTS:
        body = f'{{"destination":"U0","events":[{event}]}}'.encode()
        assert (await web.post(PATH, content=body, headers=signed(body))).status_code == 200, event
    assert len([key for key in keys(redis_url) if key.startswith(f"{PREFIX}box:")]) == len(ODD_EVENTS)


async def test_any_layout_of_the_same_json_is_understood(fake: FakeLine, redis_url: str) -> None:
    customer = fake.add_user("田中")
    for layout in ("compact", "spaced", "shuffled", "escaped"):
        assert (await fake.send_text(customer, "🌸 絵文字", layout=layout)).status == 200
    assert waiting(redis_url, customer) == 4


async def assert_asked_to_try_again(url: str) -> None:
    started = time.monotonic()
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.post(PATH, content=HELLO, headers=signed(HELLO))
    took_s = time.monotonic() - started
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "127.0.0.1" not in answer.text, "where Redis stands is nobody's business"
    assert took_s < 1.5, "LINE waits two seconds"


async def test_a_refused_connection_to_redis_is_503_in_time(web_without_redis: httpx.AsyncClient) -> None:
    await assert_asked_to_try_again(str(web_without_redis.base_url))


async def test_a_redis_that_swallows_connections_is_503_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        async with run_web(make_settings(f"redis://127.0.0.1:{silent.getsockname()[1]}")) as url:
            await assert_asked_to_try_again(url)


async def test_a_redis_that_hangs_is_503_in_time_and_forgotten_when_it_answers_again(
    own_valkey: EmbeddedValkey,
) -> None:
    with redis.Redis.from_url(own_valkey.url) as client:
        pid = int(client.info("server")["process_id"])
    async with run_web(make_settings(own_valkey.url)) as url, httpx.AsyncClient(base_url=url) as line:
        assert (await line.post(PATH, content=HELLO, headers=signed(HELLO))).status_code == 200
        os.kill(pid, signal.SIGSTOP)
        try:
            await assert_asked_to_try_again(url)
        finally:
            os.kill(pid, signal.SIGCONT)
        again = HELLO.replace(b"01A", b"01B")
        assert (await line.post(PATH, content=again, headers=signed(again))).status_code == 200
    assert waiting(own_valkey.url, "U1") == 2


async def test_a_redis_that_was_started_again_is_used_at_once(own_valkey: EmbeddedValkey, tmp_path: Path) -> None:
    """Its connections are broken and its scripts are forgotten: neither may cost a message."""
    async with run_web(make_settings(own_valkey.url)) as url, httpx.AsyncClient(base_url=url) as line:
        assert (await line.post(PATH, content=HELLO, headers=signed(HELLO))).status_code == 200
        own_valkey.stop()
        await assert_asked_to_try_again(url)
        again = EmbeddedValkey.start(tmp_path)
        body = HELLO.replace(b"01A", b"01B")
        assert (await line.post(PATH, content=body, headers=signed(body))).status_code == 200
        assert waiting(again.url, "U1") == 2
        again.stop()


async def test_a_full_redis_is_503_and_stores_nothing_by_halves(own_valkey: EmbeddedValkey) -> None:
    one = b'{"type":"message","webhookEventId":"E%d","source":{"type":"user","userId":"U%d"}}'
    body = b'{"events":[' + b",".join(one % (number, number) for number in range(50)) + b"]}"
    async with run_web(make_settings(own_valkey.url)) as url, httpx.AsyncClient(base_url=url) as line:
        with redis.Redis.from_url(own_valkey.url) as client:
            client.config_set("maxmemory", "1")
        await assert_asked_to_try_again(url)
        assert (await line.post(PATH, content=body, headers=signed(body))).status_code == 503
        assert keys(own_valkey.url) == []
        with redis.Redis.from_url(own_valkey.url) as client:
            client.config_set("maxmemory", "0")
        assert (await line.post(PATH, content=body, headers=signed(body))).status_code == 200
    assert [waiting(own_valkey.url, f"U{number}") for number in range(50)] == [1] * 50


async def test_many_webhooks_at_once_are_all_stored(fake: FakeLine, redis_url: str) -> None:
    customers = [fake.add_user(str(number)) for number in range(100)]
    deliveries = await asyncio.gather(*(fake.send_text(customer, "こんにちは") for customer in customers))
    assert {delivery.status for delivery in deliveries} == {200}
    assert [waiting(redis_url, customer) for customer in customers] == [1] * 100
