"""The menu of a conversation: who holds it, why the bot did not answer, and what an owner does with the records."""

import json
from datetime import UTC, datetime
from typing import cast

import pytest
from redis.asyncio import Redis

from service.adapters.archive import Archive
from service.adapters.store import PREFIX, Store
from tests.support.dump import everything
from tests.support.plain import PlainShop


async def audit(redis: Redis) -> list[tuple[str, str]]:
    lines = cast("list[tuple[bytes, dict[bytes, bytes]]]", await redis.xrange(f"{PREFIX}audit"))
    return [(fields[b"who"].decode(), fields[b"what"].decode()) for _, fields in lines]


async def test_it_is_given_to_a_colleague_who_can_sign_in(shop: PlainShop, redis: Redis) -> None:
    await shop.house.invite("新人")
    page = await shop.staff.http.get(f"{shop.path}/assign")
    assert 'value="店長"' in page.text
    assert "新人" not in page.text, "who has not joined yet holds nothing"
    answer = await shop.staff.post(f"{shop.path}/assign", {"to": "店長"}, on=shop.path)
    assert answer.status_code == 303
    handoff = await shop.system.archive.handoff(shop.handoff)
    assert (handoff.assignee, handoff.status) == ("店長", "active")
    assert ("佐藤", "assign") in await audit(redis)


@pytest.mark.parametrize("name", ["新人", "だれか", "", "あ" * 500, "<b>", "停止中"])
async def test_nobody_else_is_given_anything(shop: PlainShop, name: str) -> None:
    await shop.house.invite("新人")
    await shop.house.settle_in("停止中")
    await shop.house.people.disable("停止中", datetime.now(UTC))
    answer = await shop.staff.post(f"{shop.path}/assign", {"to": name}, on=shop.path)
    assert answer.status_code == 422
    assert "そのお名前のスタッフはいません" in answer.text
    assert (await shop.system.archive.handoff(shop.handoff)).assignee is None


async def test_what_is_done_is_given_to_nobody(shop: PlainShop) -> None:
    await shop.staff.post(f"{shop.path}/done", on=shop.path)
    answer = await shop.staff.post(f"{shop.path}/assign", {"to": "店長"}, on=shop.path)
    assert answer.status_code == 409
    assert "対応済みのため" in answer.text


async def test_the_menu_tells_the_trace_in_plain_words(shop: PlainShop) -> None:
    page = (await shop.staff.http.get(shop.path)).text
    assert "お客様がスタッフとの会話を希望しました。" in page
    assert "FAQの版" in page


async def test_an_owner_takes_away_all_that_is_kept(shop: PlainShop, redis: Redis) -> None:
    answer = await shop.owner.post(f"{shop.path}/export", on=shop.path)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="henji-customer-')
    assert answer.headers["cache-control"] == "no-store"
    document = json.loads(answer.text)
    assert document["customer"] == shop.customer
    assert document["handoffs"][0]["id"] == shop.handoff
    assert "replyToken" not in answer.text
    assert ("店長", "customer export") in await audit(redis)


async def test_an_owner_erases_a_customer_after_typing_so(shop: PlainShop, redis: Redis) -> None:
    for word in ("", "はい", "削除しない"):
        answer = await shop.owner.post(f"{shop.path}/erase", {"word": word}, on=shop.path)
        assert answer.status_code == 422
        assert "削除していません" in answer.text
    assert (await shop.system.archive.handoff(shop.handoff)).customer == shop.customer
    answer = await shop.owner.post(f"{shop.path}/erase", {"word": " 削除 "}, on=shop.path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox")
    assert (await shop.owner.http.get(shop.path)).status_code == 404
    assert shop.customer not in await everything(redis)
    assert ("店長", "customer erase") in await audit(redis)
    told = cast("list[tuple[bytes, dict[bytes, bytes]]]", await redis.xrange(f"{PREFIX}live"))
    assert told[-1][1][b"conv"] == b"@erased"


@pytest.mark.parametrize("what", ["export", "erase"])
async def test_staff_neither_take_away_nor_erase_anything(shop: PlainShop, what: str, store: Store) -> None:
    page = await shop.staff.http.get(shop.path)
    assert f"{shop.path}/{what}" not in page.text, "nor are they shown how"
    answer = await shop.staff.post(f"{shop.path}/{what}", {"word": "削除"}, on=shop.path)
    assert answer.status_code == 403
    assert (await Archive(store).handoff(shop.handoff)).customer == shop.customer


async def test_an_owner_who_is_none_any_more_erases_nothing(shop: PlainShop) -> None:
    token = await shop.owner.token(shop.path)
    await shop.house.people.set_role("店長", "staff", datetime.now(UTC), by="henji")
    fields = {"form_token": token, "word": "削除"}
    assert (await shop.owner.http.post(f"{shop.path}/erase", data=fields)).status_code == 403
    assert (await shop.system.archive.handoff(shop.handoff)).customer == shop.customer
