"""The REST API over real HTTP: who may ask, what is refused and how it is said, paging, and what became of a reply."""

import asyncio
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar import Router
from redis.asyncio import Redis

from service.adapters.archive import Archive
from service.adapters.images import ImageServer
from service.adapters.inquiries import Inquiries
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store
from service.adapters.vitals import Vitals
from service.core.records import Item
from service.errors import StoreUnavailable
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.server import FakeLine
from service.web.api.handoffs import PAGE
from service.web.app import make_app
from service.web.webhook import ChannelSecrets
from tests.support.system import SECRET, TOKEN, System, free_port, make_settings, run_web
from tests.support.web import NOON, add_handoff, assert_problem, client

# Who may ask


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param(b"Bearer", id="no token"),
        pytest.param(b"Bearer henji_guessed", id="a guess"),
        pytest.param(b"Basic aGVuamk6aGVuamk=", id="another scheme"),
        pytest.param(b"henji_guessed", id="no scheme"),
        pytest.param("Bearer 鍵".encode(), id="in Japanese"),
        pytest.param(b"Bearer \xff\xfe", id="odd bytes"),
        pytest.param(b"Bearer " + b"x" * 5000, id="very long"),
    ],
)
async def test_without_a_valid_token_nothing_is_said(web: str, header: bytes | None) -> None:
    async with client(web) as it:
        headers = {} if header is None else {b"authorization": header}
        answers = [
            await it.get("/handoffs", headers=headers),
            await it.get("/handoffs/none", headers=headers),
            await it.get("/handoffs?status=lost", headers=headers),
            await it.get("/conversations/none", headers=headers),
            await it.post("/handoffs/none/claim", headers=headers),
            await it.post("/handoffs/none/reply", headers=headers, content=b"{"),
            await it.post("/handoffs/none/done", headers=headers),
            await it.post("/conversations/none/reply", headers=headers),
            await it.post("/ask", headers=headers, json={"text": "x"}),
            await it.get("/faq", headers=headers),
            await it.get("/status", headers=headers),
        ]
    for answer in answers:
        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_revoked_token_is_worth_nothing_at_once(sato: httpx.AsyncClient, archive: Archive) -> None:
    assert (await sato.get("/handoffs")).status_code == 200
    assert await archive.revoke_token("佐藤") == 1
    assert_problem(await sato.get("/handoffs"), 401)


async def test_the_scheme_s_name_may_be_written_in_any_case(web: str, archive: Archive) -> None:
    token = await archive.add_token("佐藤")
    async with client(web) as it:
        assert (await it.get("/handoffs", headers={"Authorization": f"bearer  {token}"})).status_code == 200


async def test_the_token_itself_is_not_stored(redis: Redis, archive: Archive) -> None:
    token = await archive.add_token("佐藤")
    for key in cast("list[bytes]", await redis.keys()):
        assert token.encode() not in key
        assert token.encode() not in (await redis.dump(key) or b"")


# What is refused


@pytest.mark.parametrize("path", ["/none", "/handoffs/none", "/handoffs/none/none", "/conversations/none"])
async def test_what_is_not_there_is_404(sato: httpx.AsyncClient, path: str) -> None:
    assert_problem(await sato.get(path), 404)


@pytest.mark.parametrize("action", ["claim", "done", "reply"])
async def test_nothing_can_be_done_with_a_handoff_that_is_not_there(sato: httpx.AsyncClient, action: str) -> None:
    body = {"text": "はい"} if action == "reply" else None
    problem = assert_problem(await sato.post(f"/handoffs/none/{action}", json=body), 404)
    assert problem["detail"] == "there is no such handoff"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/nothing/here", 404),
        ("GET", "/webhook/line", 405),
        ("DELETE", "/api/v1/handoffs", 405),
        ("GET", "/api/v1/handoffs/h1/reply", 405),
    ],
)
async def test_addresses_that_do_not_exist_are_problems_too(web: str, method: str, path: str, status: int) -> None:
    async with client(web.removesuffix("/api/v1")) as it:
        assert_problem(await it.request(method, path), status)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"{", 400, id="half JSON"),
        pytest.param(b"text=hello", 400, id="a form"),
        pytest.param(b"\xff\xfe", 400, id="no UTF-8"),
        pytest.param(b"null", 400, id="null"),
        pytest.param(b"[]", 400, id="a list"),
        pytest.param(b"{}", 400, id="no text"),
        pytest.param(b'{"text":5}', 400, id="a number"),
        pytest.param(b'{"text":null}', 400, id="no words"),
        pytest.param(b'{"text":""}', 400, id="an empty text"),
        pytest.param(b'{"text":"a","txet":"b"}', 400, id="an unknown field"),
        pytest.param(b'{"text":"\\ud83d"}', 400, id="half an emoji"),
        pytest.param(b'{"text":"' + b"a" * 25_001 + b'"}', 422, id="longer than five bubbles"),
        pytest.param(b'{"text":"' + b"a" * 300_000 + b'"}', 422, id="very long"),
        pytest.param(b'{"text":"' + b"a" * 600_000 + b'"}', 413, id="too large to read"),
        pytest.param('{"text":" \\n　\\t"}'.encode(), 400, id="white space only"),
        pytest.param(('{"text":"' + "😀" * 12_501 + '"}').encode(), 422, id="six bubbles of emojis"),
    ],
)
async def test_a_reply_that_cannot_be_sent_is_refused_and_changes_nothing(
    sato: httpx.AsyncClient, redis: Redis, content: bytes, status: int
) -> None:
    handoff = await add_handoff(redis, 1)
    before = await redis.dump(f"{PREFIX}handoff:{handoff}")
    assert_problem(await sato.post(f"/handoffs/{handoff}/reply", content=content), status)
    assert await redis.dump(f"{PREFIX}handoff:{handoff}") == before
    assert not await redis.exists(f"{PREFIX}out:U1")


async def test_what_is_wrong_with_a_body_is_said_by_field(sato: httpx.AsyncClient, redis: Redis) -> None:
    handoff = await add_handoff(redis, 1)
    problem = assert_problem(await sato.post(f"/handoffs/{handoff}/reply", json={"text": 5}), 400)
    assert problem["errors"] == [{"message": "Expected `str`, got `int`", "key": "text", "source": "body"}]


async def test_a_claim_with_a_faulty_body_is_refused(sato: httpx.AsyncClient, redis: Redis) -> None:
    handoff = await add_handoff(redis, 1)
    for body in (b'{"take_over":"yes"}', b'{"takeover":true}', b"[]", b"{"):
        assert_problem(await sato.post(f"/handoffs/{handoff}/claim", content=body), 400)
    assert (await sato.get(f"/handoffs/{handoff}")).json()["status"] == "waiting"


async def test_a_status_that_does_not_exist_is_refused(sato: httpx.AsyncClient) -> None:
    assert_problem(await sato.get("/handoffs?status=lost"), 400)


async def test_a_redis_that_is_away_is_503_and_not_named() -> None:
    port = free_port()
    async with run_web(make_settings(f"redis://127.0.0.1:{port}")) as url, client(url, "token") as it:
        for path in ("/api/v1/handoffs", "/health/ready"):
            answer = await it.get(path)
            assert_problem(answer, 503)
            assert answer.headers["retry-after"] == "1"
            assert str(port) not in answer.text
        assert (await it.get("/health/live")).status_code == 200


async def test_a_fault_of_our_own_is_a_problem_that_tells_nothing(sato: httpx.AsyncClient, redis: Redis) -> None:
    await redis.set(f"{PREFIX}handoff:broken", b'{"secret":')
    answer = await sato.get("/handoffs/broken")
    assert_problem(answer, 500)
    assert "secret" not in answer.text
    assert "msgspec" not in answer.text


# Two people, one handoff


async def test_who_comes_second_gets_409_unless_they_take_over(
    sato: httpx.AsyncClient, suzuki: httpx.AsyncClient, redis: Redis
) -> None:
    address = f"/handoffs/{await add_handoff(redis, 1)}"
    assert (await sato.post(f"{address}/claim")).json()["assignee"] == "佐藤"
    assert (await sato.post(f"{address}/claim")).status_code == 200, "claiming twice is no race"
    assert "佐藤" in assert_problem(await suzuki.post(f"{address}/claim"), 409)["detail"]
    assert_problem(await suzuki.post(f"{address}/reply", json={"text": "はい"}), 409)
    assert not await redis.exists(f"{PREFIX}out:U1")
    assert (await suzuki.post(f"{address}/claim", json={"take_over": True})).json()["assignee"] == "鈴木"
    assert_problem(await sato.post(f"{address}/reply", json={"text": "はい"}), 409)


async def test_of_many_who_claim_at_once_one_wins(
    sato: httpx.AsyncClient, suzuki: httpx.AsyncClient, redis: Redis
) -> None:
    for number in range(10):
        address = f"/handoffs/{await add_handoff(redis, number)}/claim"
        answers = await asyncio.gather(*(one.post(address) for one in (sato, suzuki)))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        winner = next(answer.json()["assignee"] for answer in answers if answer.is_success)
        assert (await sato.get(address.removesuffix("/claim"))).json()["assignee"] == winner


async def test_a_handoff_that_is_done_cannot_be_claimed_or_replied_to(sato: httpx.AsyncClient, redis: Redis) -> None:
    address = f"/handoffs/{await add_handoff(redis, 1)}"
    assert (await sato.post(f"{address}/done")).json()["status"] == "done"
    assert (await sato.post(f"{address}/done")).status_code == 200, "closing it twice is no race"
    assert_problem(await sato.post(f"{address}/claim"), 409)
    assert_problem(await sato.post(f"{address}/reply", json={"text": "はい"}), 409)


# Paging


async def collect(staff: httpx.AsyncClient, status: str = "waiting") -> list[list[str]]:
    """Follow the cursors to the end. Returns the ids of each page."""
    pages: list[list[str]] = []
    params: dict[str, str] | None = {"status": status}
    while params is not None:
        page = (await staff.get("/handoffs", params=params)).json()
        pages.append([record["id"] for record in page["items"]])
        params = {"status": status, "cursor": page["next"]} if page["next"] else None
        assert len(pages) < 50, "the pages have no end"
    return pages


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE])
async def test_all_handoffs_are_found_page_by_page_the_longest_waiting_first(
    sato: httpx.AsyncClient, redis: Redis, count: int
) -> None:
    ids = [await add_handoff(redis, number, at=NOON - number) for number in range(count)]
    pages = await collect(sato)
    assert [len(page) for page in pages[:-1]] == [PAGE] * (len(pages) - 1)
    assert [found for page in pages for found in page] == ids[::-1]
    assert len(pages) == max(1, -(-count // PAGE))


async def test_handoffs_of_the_very_same_time_are_each_found_once(sato: httpx.AsyncClient, redis: Redis) -> None:
    ids = [await add_handoff(redis, number) for number in range(5 * PAGE)]
    assert [found for page in await collect(sato) for found in page] == ids


async def test_what_moves_between_two_pages_neither_hides_nor_repeats_the_others(
    sato: httpx.AsyncClient, redis: Redis
) -> None:
    ids = [await add_handoff(redis, number, at=NOON + number) for number in range(2 * PAGE)]
    first = (await sato.get("/handoffs")).json()
    last_seen = first["items"][-1]["id"]
    for done in (ids[0], last_seen):
        await sato.post(f"/handoffs/{done}/done")
    new = await add_handoff(redis, 9000, at=NOON + 9000)
    second = (await sato.get("/handoffs", params={"cursor": first["next"]})).json()
    assert [record["id"] for record in second["items"]] == ids[PAGE:]
    third = (await sato.get("/handoffs", params={"cursor": second["next"]})).json()
    assert ([record["id"] for record in third["items"]], third["next"]) == ([new], None)


@pytest.mark.parametrize(
    "cursor", ["", "x", "1", "1_", "_h1", "1.5_h1", "１2x_h1", "0x10_h1", "9" * 50 + "_h1", "1_h\n"]
)
async def test_a_cursor_that_is_not_ours_is_refused(sato: httpx.AsyncClient, cursor: str) -> None:
    assert_problem(await sato.get("/handoffs", params={"cursor": cursor}), 400)


async def test_statuses_are_listed_apart(sato: httpx.AsyncClient, redis: Redis) -> None:
    waiting, active = await add_handoff(redis, 1), await add_handoff(redis, 2, status="active", assignee="佐藤")
    await sato.post(f"/handoffs/{waiting}/done")
    assert (await collect(sato), await collect(sato, "active"), await collect(sato, "done")) == (
        [[]],
        [[active]],
        [[waiting]],
    )


# What became of a reply


async def hand_over(system: System) -> tuple[str, str]:
    """A customer who asked for a person and read the notice. Returns the customer and the handoff's address."""
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, "スタッフと話したい")
    await system.seen(customer, 1)
    (handoff,) = (await system.staff.get("/handoffs")).json()["items"]
    return customer, f"/handoffs/{handoff['id']}"


async def test_a_reply_that_nobody_sends_within_three_seconds_is_pending(sato: httpx.AsyncClient, redis: Redis) -> None:
    handoff = await add_handoff(redis, 1)
    answer = await sato.post(f"/handoffs/{handoff}/reply", json={"text": "お待ちください。"})
    assert (answer.status_code, answer.json()) == (200, {"delivery": "pending", "billed": False})
    talk = (await sato.get("/conversations/U1")).json()
    assert [(item["text"], item["delivery"]) for item in talk["items"]] == [("お待ちください。", "pending")]
    assert talk["handoff"]["assignee"] == "佐藤", "whoever replies first holds the handoff"


async def test_a_push_that_line_refuses_is_failed(system: System) -> None:
    customer, address = await hand_over(system)
    refusal = b'{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty"}]}'
    system.fake.faults.next("push", Fault.status(400, refusal))
    answer = await system.staff.post(f"{address}/reply", json={"text": "はい。"})
    assert answer.json() == {"delivery": "failed", "billed": False}
    assert len(await system.seen(customer, 1)) == 1
    assert (await system.staff.get(address)).json()["status"] == "active", "a failed reply leaves the handoff open"


async def test_a_used_up_quota_fails_the_push_and_says_so(system: System) -> None:
    _, address = await hand_over(system)
    system.fake.platform.quota = 0
    answer = await system.staff.post(f"{address}/reply", json={"text": "はい。"})
    assert answer.json() == {"delivery": "failed", "billed": False}


async def test_a_long_reply_arrives_in_several_bubbles_and_is_billed_once(system: System) -> None:
    customer, address = await hand_over(system)
    answer = await system.staff.post(f"{address}/reply", json={"text": "\n".join(["あ" * 4000] * 5)})
    assert answer.json() == {"delivery": "sent", "billed": True}
    await system.seen(customer, 6)
    assert [bubble.billed for bubble in system.fake.seen(customer)[1:]] == [True, False, False, False, False]


class GoneAfterwards(Archive):
    """Loses Redis as soon as a reply is stored."""

    async def item(self, item_id: str) -> Item:
        raise StoreUnavailable(item_id)


async def test_a_reply_stored_before_redis_went_away_is_pending_and_no_error(
    redis: Redis, store: Store, archive: Archive
) -> None:
    """An error would have staff send it again, and the customer read it twice."""
    address = f"/api/v1/handoffs/{await add_handoff(redis, 1)}/reply"
    mailbox = Mailbox(store, keep_days=1)
    app = cast(
        "Any",
        make_app(
            mailbox=mailbox,
            archive=GoneAfterwards(store),
            inquiries=Inquiries(store),
            pages=Router("/", route_handlers=[]),
            vitals=Vitals(store),
            channel_secrets=ChannelSecrets(),
            images=ImageServer(Path("none"), list),
        ),
    )
    headers = {"Authorization": f"Bearer {await archive.add_token('佐藤')}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://henji", headers=headers) as it:
        answer = await it.post(address, json={"text": "はい。"})
    assert (answer.status_code, answer.json()) == (200, {"delivery": "pending", "billed": False})
    assert await redis.llen(f"{PREFIX}out:U1") == 1


# Conversations


async def test_a_conversation_tells_state_handoff_and_everything_said(system: System) -> None:
    customer, address = await hand_over(system)
    await system.staff.post(f"{address}/reply", json={"text": "はい。"})
    talk = (await system.staff.get(f"/conversations/{customer}")).json()
    assert (talk["customer"], talk["state"], talk["handoff"]["id"]) == (customer, "human", address.split("/")[-1])
    assert [item["kind"] for item in talk["items"]] == ["message", "bubble", "trace", "bubble"]
    assert talk["items"][0]["text"] == "スタッフと話したい"
    assert talk["items"][3]["who"] == "staff:佐藤"
    await system.staff.post(f"{address}/done")
    talk = (await system.staff.get(f"/conversations/{customer}")).json()
    assert (talk["state"], talk["handoff"]) == ("bot", None)


async def test_a_message_that_still_waits_makes_a_conversation_without_items(web: str, sato: httpx.AsyncClient) -> None:
    fake = FakeLine(
        channel_secret=SECRET, access_token=TOKEN, webhook_url=web.removesuffix("/api/v1") + "/webhook/line"
    )
    await fake.start()
    customer = fake.add_user("田中")
    await fake.send_text(customer, "こんにちは")
    await fake.stop()
    answer = await sato.get(f"/conversations/{customer}")
    talk = answer.json()
    assert (talk["customer"], talk["state"], talk["handoff"], talk["items"]) == (customer, "bot", None, [])
