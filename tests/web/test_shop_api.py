"""The shop over REST: what would be answered, from which FAQ, how things stand, and who may ask what."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from litestar import Router
from redis.asyncio import Redis

from service.adapters.archive import Archive, Scope
from service.adapters.images import ImageServer
from service.adapters.inquiries import Inquiries
from service.adapters.mailbox import Mailbox
from service.adapters.store import PREFIX, Store
from service.adapters.vitals import Vitals
from service.core.entries import Problem
from service.core.knowledge import build_knowledge
from service.errors import WorkerUnavailable
from service.informing import FAQ_PAGE, Source, inform, show
from service.web.app import make_app
from service.web.webhook import ChannelSecrets
from tests.support.dump import everything
from tests.support.shop import entry, make_shop
from tests.support.system import System
from tests.support.waiting import cancel
from tests.support.web import add_handoff, assert_problem, client

SHOP = make_shop()


@pytest.fixture
async def hurried(store: Store, archive: Archive) -> AsyncIterator[httpx.AsyncClient]:
    """A web process that waits only a moment for a worker; none runs."""
    app = make_app(
        mailbox=Mailbox(store, keep_days=1),
        archive=archive,
        inquiries=Inquiries(store, answer_within_s=0.2),
        pages=Router("/", route_handlers=[]),
        vitals=Vitals(store),
        channel_secrets=ChannelSecrets(),
        images=ImageServer(Path("none"), list),
    )
    headers = {"Authorization": f"Bearer {await archive.add_token('佐藤')}"}
    transport = httpx.ASGITransport(app)  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=transport, base_url="http://henji/api/v1", headers=headers) as it:
        yield it


# What would be answered


async def test_ask_says_what_a_new_customer_would_be_answered(system: System) -> None:
    answer = (await system.staff.post("/ask", json={"text": "駐車場はありますか"})).json()
    assert (answer["decision"]["type"], answer["decision"]["entry"]) == ("answer", "parking")
    assert answer["bubbles"] == ["駐車場はありますかの答えです。"]
    assert answer["knowledge"] == SHOP.version
    assert answer["model"] is None
    assert 0 < answer["thresholds"]["clarify"] < answer["thresholds"]["sure"]


async def test_ask_leaves_nothing_behind(system: System, redis: Redis) -> None:
    answer = await system.staff.post("/ask", json={"text": "髪質改善ってやってますか"})
    assert answer.json()["decision"]["type"] == "handoff"
    assert "髪質改善" not in await everything(redis)
    assert (await system.staff.get("/handoffs")).json()["items"] == []


@pytest.mark.parametrize("text", ["\u0000", "😀" * 2500, "\u200b", "'; DROP", "\n\n", "あ" * 5000])
async def test_ask_decides_about_anything(system: System, text: str) -> None:
    assert (await system.staff.post("/ask", json={"text": text})).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{}", b'{"text":""}', b'{"text":"\\ud800"}', b'{"text":"a","x":1}', b"[]"])
async def test_ask_refuses_what_is_no_message(system: System, body: bytes) -> None:
    assert_problem(await system.staff.post("/ask", content=body), 400)


async def test_where_no_worker_runs_that_is_said(hurried: httpx.AsyncClient) -> None:
    for answer in (await hurried.post("/ask", json={"text": "x"}), await hurried.get("/faq")):
        assert "no worker" in assert_problem(answer, 503)["detail"]


async def test_a_worker_goes_on_after_a_question_that_makes_it_fail(redis_url: str) -> None:
    def break_down() -> tuple[Problem, ...]:
        raise RuntimeError("broken")

    async with Store(redis_url, timeout_s=5) as store:
        inquiries = Inquiries(store, answer_within_s=1)
        informing = asyncio.create_task(inform(Inquiries(store), Source(lambda: SHOP, break_down, None)))
        with pytest.raises(WorkerUnavailable):
            await inquiries.faq(0)
        assert (await inquiries.decide("駐車場はありますか")).bubbles
        await cancel(informing)


async def test_questions_that_nobody_takes_are_not_piled_up(redis: Redis, store: Store) -> None:
    inquiries = Inquiries(store, answer_within_s=0.01)
    asked = await asyncio.gather(*(inquiries.decide("x") for _ in range(150)), return_exceptions=True)
    assert all(isinstance(error, WorkerUnavailable) for error in asked)
    assert await redis.llen(f"{PREFIX}ask") == 100
    assert 0 < await redis.pttl(f"{PREFIX}ask") <= 1000


# The FAQ


async def test_the_faq_is_shown_as_it_answers(system: System) -> None:
    faq = (await system.staff.get("/faq")).json()
    assert (faq["knowledge"], faq["problems"], faq["next"]) == (SHOP.version, [], None)
    assert {one["id"] for one in faq["items"]} == set(SHOP.entries)
    parking = next(one for one in faq["items"] if one["id"] == "parking")
    assert (parking["question"], parking["bubbles"]) == ("駐車場はありますか", ["駐車場はありますかの答えです。"])


def test_a_long_faq_comes_in_pages_with_every_entry_once() -> None:
    entries = [entry(f"e{n}", f"質問{n}", f"聞き方{n}") for n in range(FAQ_PAGE + 1)]
    knowledge = build_knowledge(entries)
    problem = Problem(file="a.md", line=1, severity="error", ja="壊れています", en="broken")
    first = show(knowledge, [problem], 0)
    second = show(knowledge, [problem], int(first.next or ""))
    assert len(first.items) == FAQ_PAGE
    assert second.next is None
    assert {one.id for one in (*first.items, *second.items)} == {one.id for one in entries}
    assert first.problems == second.problems == (problem,)


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "１", "9" * 30])
async def test_a_cursor_of_the_faq_that_is_not_ours_is_refused(system: System, cursor: str) -> None:
    assert_problem(await system.staff.get("/faq", params={"cursor": cursor}), 400)


async def test_behind_the_end_there_is_nothing(system: System) -> None:
    assert (await system.staff.get("/faq", params={"cursor": "999999999"})).json()["items"] == []


# How things stand


async def test_the_status_tells_who_works_and_who_waits_since_when(system: System, redis: Redis) -> None:
    await add_handoff(redis, 1, at=1_764_000_000_000)
    await add_handoff(redis, 2, at=1_763_000_000_000, status="active", assignee="佐藤")
    answer = (await system.staff.get("/status")).json()
    situation = answer["situation"]
    assert answer["working"]
    assert (situation["waiting"], situation["active"]) == (1, 1)
    assert situation["oldest_unreplied"] == "2025-11-13T02:13:20Z"
    assert (situation["knowledge"], situation["calibration"]) == (SHOP.version, "calibrating")
    assert situation["worker_at"] <= situation["now"]
    answering = answer["answering"]
    assert (answering["calibration"], answering["share"]) == (SHOP.calibration.id, 0.4)
    assert answering["share_is"] == "assumed"


async def test_an_active_handoff_that_was_replied_to_is_not_unreplied(sato: httpx.AsyncClient, redis: Redis) -> None:
    handoff = await add_handoff(redis, 1)
    await sato.post(f"/handoffs/{handoff}/replied-elsewhere")
    situation = (await sato.get("/status")).json()["situation"]
    assert (situation["waiting"], situation["active"], situation["oldest_unreplied"]) == (0, 1, None)


async def test_without_a_worker_the_status_says_so(sato: httpx.AsyncClient) -> None:
    answer = (await sato.get("/status")).json()
    assert not answer["working"]
    assert answer["answering"] is None
    assert [answer["situation"][name] for name in ("worker_at", "knowledge", "calibration")] == [None] * 3


# What a token is good for


@pytest.mark.parametrize(("scope", "may_read", "may_write"), [("read", 200, 403), ("write", 403, 200)])
async def test_a_token_does_only_what_it_is_good_for(
    web: str, store: Store, redis: Redis, *, scope: Scope, may_read: int, may_write: int
) -> None:
    handoff = await add_handoff(redis, 1)
    async with client(web, await Archive(store).add_token("表示板", [scope])) as it:
        assert (await it.get("/handoffs")).status_code == may_read
        assert (await it.get("/conversations/U1")).status_code == may_read
        assert (await it.post(f"/handoffs/{handoff}/claim")).status_code == may_write
        refused = await (it.get("/status") if may_read == 403 else it.post(f"/handoffs/{handoff}/done"))
        assert "scope" in assert_problem(refused, 403)["detail"]


async def test_a_token_made_before_there_were_scopes_does_everything(redis: Redis, archive: Archive) -> None:
    token = await archive.add_token("佐藤")
    key = f"{PREFIX}token:{hashlib.sha256(token.encode()).hexdigest()}"
    assert await redis.exists(key)
    await redis.set(key, b'{"name":"\xe4\xbd\x90\xe8\x97\xa4","created_at":"2025-01-01T00:00:00Z"}')
    assert (await archive.token_owner(token)).scopes == ("read", "write")
