"""What staff do over REST: keys, what was seen, notes and tags, writing first, and finding handoffs again."""

import asyncio
from typing import Any, cast

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from service.adapters.archive import Archive
from service.adapters.mailbox import NOBODY_WAITS_MS
from service.adapters.store import PREFIX
from service.core.records import HandoffRecord, MessageItem, utc
from tests.support.system import System
from tests.support.web import NOON, add_handoff, assert_problem, client

KEY = {"Idempotency-Key": "0190-4a7c"}


async def hand_over(system: System, text: str = "スタッフと話したい") -> tuple[str, str]:
    """A customer who asked for a person and read the notice. Returns the customer and the handoff's address."""
    customer = system.fake.add_user("田中")
    await system.fake.send_text(customer, text)
    await system.decided(customer, 1)
    handoff = (await system.staff.get(f"/conversations/{customer}")).json()["handoff"]
    return customer, f"/handoffs/{handoff['id']}"


# Keys


async def test_a_reply_repeated_under_its_key_is_seen_once_and_answered_alike(system: System) -> None:
    customer, address = await hand_over(system)

    async def reply() -> httpx.Response:
        return await system.staff.post(f"{address}/reply", json={"text": "はい。"}, headers=KEY)

    answers = [*await asyncio.gather(*(reply() for _ in range(3))), await reply()]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.json() for answer in answers] == [{"delivery": "sent", "billed": True}] * 4
    assert (await system.seen(customer, 2))[1:] == ["はい。"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/handoffs/h0001/reply", {"text": "いいえ。"}, id="other words"),
        pytest.param("/handoffs/h0001/notes", {"text": "はい。"}, id="another action"),
        pytest.param("/handoffs/h0002/reply", {"text": "はい。"}, id="another handoff"),
        pytest.param("/conversations/U1/reply", {"text": "はい。"}, id="another address"),
    ],
)
async def test_a_key_that_comes_with_something_else_is_422(
    sato: httpx.AsyncClient, redis: Redis, path: str, body: dict[str, Any]
) -> None:
    for number in (1, 2):
        await add_handoff(redis, number)
    assert (await sato.post("/handoffs/h0001/tags", json={"tags": []}, headers=KEY)).status_code == 200
    assert_problem(await sato.post(path, json=body, headers=KEY), 422)
    assert not await redis.exists(f"{PREFIX}out:U1", f"{PREFIX}out:U2")


async def test_keys_of_two_tokens_have_nothing_to_do_with_each_other(
    sato: httpx.AsyncClient, suzuki: httpx.AsyncClient, redis: Redis
) -> None:
    address = f"/handoffs/{await add_handoff(redis, 1)}/notes"
    for one, text in ((sato, "一"), (suzuki, "二")):
        assert (await one.post(address, json={"text": text}, headers=KEY)).status_code == 200
    assert [note["by"] for note in (await sato.get("/handoffs/h0001")).json()["notes"]] == ["佐藤", "鈴木"]


@pytest.mark.parametrize("key", [b"", b"a b", "鍵".encode(), b"x" * 201, b"a\tb"])
async def test_a_key_that_is_none_is_refused(sato: httpx.AsyncClient, redis: Redis, key: bytes) -> None:
    handoff = await add_handoff(redis, 1)
    answer = await sato.post(f"/handoffs/{handoff}/claim", headers=[(b"idempotency-key", key)])
    assert_problem(answer, 400)
    assert (await sato.get(f"/handoffs/{handoff}")).json()["status"] == "waiting"


# What was seen


async def test_a_reply_without_the_newest_message_in_sight_is_409(system: System) -> None:
    customer, address = await hand_over(system)
    items = (await system.staff.get(f"/conversations/{customer}")).json()["items"]
    seen = next(item["message"] for item in items if item["kind"] == "message")
    await system.fake.send_text(customer, "やっぱり結構です")
    await system.decided(customer, 2)
    for action, body in (("reply", {"text": "はい。"}), ("done", {}), ("replied-elsewhere", {})):
        assert_problem(await system.staff.post(f"{address}/{action}", json=body | {"seen": seen}), 409)
    newest = (await system.staff.get(address)).json()["turns"][-1]["id"]
    assert (await system.staff.post(f"{address}/done", json={"seen": newest})).json()["status"] == "done"


# Notes, tags, profile


async def test_a_note_carries_who_wrote_it_and_when(sato: httpx.AsyncClient, redis: Redis) -> None:
    handoff = await add_handoff(redis, 1)
    (note,) = (await sato.post(f"/handoffs/{handoff}/notes", json={"text": "電話済み"})).json()["notes"]
    assert (note["by"], note["text"], note["at"][-1]) == ("佐藤", "電話済み", "Z")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("notes", {"text": ""}),
        ("notes", {"text": " "}),
        ("notes", {"text": "a" * 2001}),
        ("notes", {}),
        ("tags", {"tags": "VIP"}),
        ("tags", {"tags": [""]}),
        ("tags", {"tags": ["a" * 41]}),
        ("tags", {"tags": [f"{n}" for n in range(21)]}),
        ("done", {"seen": ""}),
        ("claim", {"take_over": None}),
        ("replied-elsewhere", {"text": "x"}),
    ],
)
async def test_what_does_not_fit_is_refused(
    sato: httpx.AsyncClient, redis: Redis, action: str, body: dict[str, Any]
) -> None:
    handoff = await add_handoff(redis, 1)
    before = await redis.get(f"{PREFIX}handoff:{handoff}")
    assert_problem(await sato.post(f"/handoffs/{handoff}/{action}", json=body), 400)
    assert await redis.get(f"{PREFIX}handoff:{handoff}") == before


async def test_a_profile_is_changed_by_parts_and_taken_away_with_null(sato: httpx.AsyncClient, redis: Redis) -> None:
    await add_handoff(redis, 1)
    address = "/conversations/U1/profile"
    await sato.post(address, json={"nickname": "はるかさん", "tags": ["VIP"], "note": "アレルギーあり"})
    talk = (await sato.post(address, json={"tags": ["VIP", "常連"]})).json()
    assert (talk["nickname"], talk["tags"], talk["note"]) == ("はるかさん", ["VIP", "常連"], "アレルギーあり")
    assert talk["handoff"]["nickname"] == "はるかさん"
    talk = (await sato.post(address, json={"nickname": None, "tags": [], "note": None})).json()
    assert (talk["nickname"], talk["tags"], talk["note"]) == (None, [], None)
    assert_problem(await sato.post(address, json={"tags": None}), 400)
    assert_problem(await sato.post("/conversations/U9/profile", json={"note": "x"}), 404)


# Writing first, and reopening


async def test_staff_write_first_and_the_bot_keeps_silent(system: System) -> None:
    customer, address = await hand_over(system)
    await system.staff.post(f"{address}/done")
    answer = await system.staff.post(f"/conversations/{customer}/reply", json={"text": "お忘れ物がございました。"})
    assert answer.json() == {"delivery": "sent", "billed": True}
    assert (await system.seen(customer, 2))[1] == "お忘れ物がございました。"
    talk = (await system.staff.get(f"/conversations/{customer}")).json()
    assert (talk["state"], talk["handoff"]["reason"], len(talk["handoffs"])) == ("human", "staff", 2)
    await system.fake.send_text(customer, "駐車場はありますか")
    assert (await system.decided(customer, 2))[-1] == "silent staff_owns"


async def test_nobody_is_written_to_who_never_wrote(sato: httpx.AsyncClient) -> None:
    for customer in ("U" + "9" * 32, "none", "%F0%9F%98%80", "C1", "U%20x"):
        assert_problem(await sato.post(f"/conversations/{customer}/reply", json={"text": "はい"}), 409)


async def test_what_is_reopened_sends_nothing(system: System) -> None:
    customer, address = await hand_over(system)
    await system.staff.post(f"{address}/done")
    assert (await system.staff.post(f"{address}/reopen")).json()["status"] == "active"
    assert len(await system.seen(customer, 1)) == 1
    await system.staff.post(f"{address}/done")
    await system.fake.send_text(customer, "スタッフと話したい")
    await system.decided(customer, 2)
    if (await system.staff.get(f"/conversations/{customer}")).json()["handoff"]["id"] not in address:
        assert_problem(await system.staff.post(f"{address}/reopen"), 409)


# A long talk


async def test_a_long_talk_comes_in_pages_the_newest_first(sato: httpx.AsyncClient, redis: Redis) -> None:
    await add_handoff(redis, 1)
    for number in range(450):
        item = MessageItem(id=f"i{number}", turn="t", at=utc(NOON), type="text", text="", message="")
        await redis.set(f"{PREFIX}item:i{number}", msgspec.json.encode(item))
        await redis.zadd(f"{PREFIX}talk:U1", {f"i{number}": number})
    found: list[list[str]] = []
    params: dict[str, str] | None = {}
    while params is not None:
        talk = (await sato.get("/conversations/U1", params=params)).json()
        found.insert(0, [item["id"] for item in talk["items"]])
        params = {"cursor": talk["next"]} if talk["next"] else None
    assert [len(page) for page in found] == [50, 200, 200]
    assert [item for page in found for item in page] == [f"i{number}" for number in range(450)]
    assert (await sato.get("/conversations/U1", params={"cursor": "nothing"})).json()["items"] == []


# Finding them


async def ids(staff: httpx.AsyncClient, **params: str) -> list[str]:
    return [record["id"] for record in (await staff.get("/handoffs", params=params)).json()["items"]]


@pytest.mark.parametrize("status", ["waiting", "active", "done"])
async def test_handoffs_are_found_by_tag_words_and_who_holds_them(
    sato: httpx.AsyncClient, redis: Redis, status: str
) -> None:
    one, two = [f"/handoffs/{await add_handoff(redis, number)}" for number in (1, 2)]
    await sato.post(f"{one}/tags", json={"tags": ["予約", "VIP"]})
    await sato.post(f"{one}/notes", json={"text": "トリートメントの件"})
    for address in (one, two):
        if status != "waiting":
            await sato.post(f"{address}/claim")
        if status == "done":
            await sato.post(f"{address}/done")
    for wanted in ({"tag": "予約"}, {"q": "とりーとめんと"}, {"tag": "VIP", "q": "件"}):
        assert await ids(sato, status=status, **wanted) == ["h0001"], wanted
    for nothing in ({"tag": "予"}, {"q": "カラー"}, {"tag": "予約", "q": "カラー"}, {"assignee": "鈴木"}):
        assert await ids(sato, status=status, **nothing) == [], nothing
    held = await ids(sato, status=status, assignee="佐藤")
    assert sorted(held) == ([] if status == "waiting" else ["h0001", "h0002"])


async def test_words_of_any_kind_are_looked_for(sato: httpx.AsyncClient, redis: Redis) -> None:
    await add_handoff(redis, 1)
    for q in ("%", "\u0000", "😀", "(", "\\", "a" * 100, "\ufffd", "\n", "%ED%A0%80"):
        assert (await sato.get("/handoffs", params={"q": q, "tag": q, "assignee": q})).status_code == 200
    assert (await sato.get("/handoffs?q=%ED%A0%80&tag=%FF")).status_code == 200
    assert_problem(await sato.get("/handoffs", params={"q": "a" * 101}), 400)


@pytest.mark.parametrize("status", ["active", "done"])
async def test_pages_of_what_is_wanted_hold_each_once(sato: httpx.AsyncClient, redis: Redis, status: str) -> None:
    """Of the done ones a page looks at a thousand: it may be short, and another follows."""
    count = 1300
    record = (
        b'{"id":"%s","customer":"U1","status":"%s","reason":"asked","summary":"","turns":[],"tags":["%s"],'
        b'"created_at":"2026-01-01T00:00:00Z","due_at":"2026-01-01T00:00:00Z","knowledge":"k"}'
    )
    pipe = redis.pipeline(transaction=False)
    for number in range(count):
        handoff = f"h{number:05}"
        tag = "VIP" if number % 10 == 0 else "x"
        pipe.set(f"{PREFIX}handoff:{handoff}", record % (handoff.encode(), status.encode(), tag.encode()))
        pipe.zadd(f"{PREFIX}handoffs:{status}", {handoff: NOON + number // 3})
        if status == "active":
            pipe.hset(f"{PREFIX}search", handoff, f"\n\t{tag}\t\n")
    await pipe.execute()
    found: list[str] = []
    params: dict[str, str] | None = {"status": status, "tag": "VIP"}
    while params is not None:
        page = (await sato.get("/handoffs", params=params)).json()
        assert len(page["items"]) <= 50
        found += [one["id"] for one in page["items"]]
        params = {"status": status, "tag": "VIP", "cursor": page["next"]} if page["next"] else None
    assert found == [f"h{number:05}" for number in range(0, count, 10)]


async def test_who_waits_stands_before_who_was_replied_to(sato: httpx.AsyncClient, redis: Redis) -> None:
    old, new = [await add_handoff(redis, n, status="active", assignee="佐藤", at=NOON + n) for n in (1, 2)]
    await sato.post(f"/handoffs/{old}/replied-elsewhere")
    assert await ids(sato, status="active") == [new, old]
    assert await redis.zscore(f"{PREFIX}handoffs:active", old) == NOBODY_WAITS_MS + NOON + 1


async def test_what_was_done_last_stands_first(sato: httpx.AsyncClient, redis: Redis) -> None:
    done = [await add_handoff(redis, number) for number in range(3)]
    for handoff in done:
        await sato.post(f"/handoffs/{handoff}/done")
    assert await ids(sato, status="done") == done[::-1]


async def test_a_customer_s_handoffs_are_listed_the_newest_first(web: str, archive: Archive, system: System) -> None:
    customer, address = await hand_over(system)
    await system.staff.post(f"{address}/done")
    await system.staff.post(f"/conversations/{customer}/reply", json={"text": "はい"})
    async with client(web, await archive.add_token("鈴木")) as it:
        talk = (await it.get(f"/conversations/{customer}")).json()
    assert [one["status"] for one in talk["handoffs"]] == ["active", "done"]
    assert talk["handoff"] == talk["handoffs"][0]


async def test_somebody_urgent_stands_on_the_first_page_however_many_wait_longer(
    sato: httpx.AsyncClient, redis: Redis
) -> None:
    for number in range(55):
        await add_handoff(redis, number, at=NOON + number * 1000)
    urgent = await add_handoff(redis, 99, at=NOON + 3_600_000)
    key = f"{PREFIX}handoff:{urgent}"
    record = msgspec.json.decode(cast("bytes", await redis.get(key)), type=HandoffRecord)
    await redis.set(key, msgspec.json.encode(msgspec.structs.replace(record, urgent=True)))
    # Whoever writes a handoff gives it its place.
    await sato.post(f"/handoffs/{urgent}/notes", json={"text": "至急"})
    first = (await sato.get("/handoffs")).json()
    assert [item["id"] for item in first["items"]][:2] == [urgent, "h0000"]
    rest = (await sato.get("/handoffs", params={"cursor": first["next"]})).json()
    assert len({item["id"] for page in (first, rest) for item in page["items"]}) == 56
    assert (await sato.get("/status")).json()["situation"]["oldest_unreplied"] == "2025-11-24T16:00:00Z"
    await sato.post(f"/handoffs/{urgent}/replied-elsewhere")
    assert (await sato.get("/handoffs")).json()["items"][0]["id"] == "h0000"
